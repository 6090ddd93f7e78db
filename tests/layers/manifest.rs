//! Which crate may depend on which: `msvpu` → `msvpu-web` → `msvpu-actors`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Crate of the workspace → what it is made of, on any platform; tests and benches may take more, such as a
/// baseline.
pub(crate) type Crates = BTreeMap<String, BTreeSet<String>>;

/// As Cargo understands the manifests: renames, platforms and inheritance are resolved.
pub(crate) fn read(root: &Path) -> Crates {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .arg("--manifest-path")
        .arg(root.join("Cargo.toml"))
        .output()
        .expect("cargo runs, since it runs this test");
    assert!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    parse(&metadata)
}

fn parse(metadata: &Value) -> Crates {
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let list = |value: &Value| value.as_array().unwrap().clone();
    list(&metadata["packages"])
        .iter()
        .map(|package| {
            let dependencies = list(&package["dependencies"]);
            let made_of = dependencies.iter().filter(|of| of["kind"] != "dev");
            let dependencies = made_of.map(name).collect();
            (name(package), dependencies)
        })
        .collect()
}

/// What a crate of the workspace may not depend on, and why.
const FORBIDDEN: [(&str, &str, &[&str]); 3] = [
    (
        "msvpu-actors",
        "the machine stands on nothing of ours, and knows no image and no HTTP",
        &[
            "msvpu",
            "msvpu-web",
            "image",
            "png",
            "tiff",
            "jpeg-decoder",
            "zune-jpeg",
            "ndarray",
            "plotters",
            "actix-web",
            "actix-http",
            "axum",
            "hyper",
            "reqwest",
            "clap",
            "anyhow",
        ],
    ),
    (
        "msvpu-web",
        "the web stands on the machine only, and knows no program",
        &["msvpu", "image", "png", "tiff", "clap", "anyhow", "lapin"],
    ),
    (
        "msvpu",
        "only actor/bridge of the machine speaks to the broker",
        &["lapin"],
    ),
];

pub(crate) fn check(crates: &Crates) -> Vec<String> {
    let mut found = Vec::new();
    for (name, dependencies) in crates {
        let Some((_, reason, forbidden)) = FORBIDDEN.iter().find(|(of, ..)| of == name) else {
            found.push(format!(
                "{name}: is no crate of the house; say in tests/layers/manifest.rs what it may depend on"
            ));
            continue;
        };
        for dependency in forbidden.iter().filter(|of| dependencies.contains(**of)) {
            found.push(format!("{name} depends on {dependency}: {reason}"));
        }
    }
    found
}
