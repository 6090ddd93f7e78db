//! The verbs beside `classify`.

use serde_json::Value;

use crate::{Pictures, msvpu};

#[test]
fn the_version_is_that_of_the_package() {
    let version = concat!("msvpu ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(msvpu(["--version"]).stdout(), version);
}

#[test]
fn help_names_every_flag_of_the_contract() {
    let help = msvpu(["classify", "--help"]).stdout();
    for flag in [
        "--algorithm",
        "--classes",
        "--centers",
        "--init",
        "--seed",
        "--fuzzifier",
        "--epsilon",
        "--stop-on",
        "--max-iterations",
        "--tiles",
        "--workers",
        "--nodata",
        "--output",
        "--json",
        "--quiet",
        "--no-images",
        "--memberships",
        "--max-decoded-bytes",
    ] {
        assert!(help.contains(flag), "{flag}");
    }
}

#[test]
fn completions_know_the_verbs() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = msvpu(["completions", shell]).stdout();
        assert!(script.contains("classify"), "{shell}");
        assert!(script.contains("pairwise"), "{shell}");
        assert!(script.contains("simulate"), "{shell}");
        assert!(script.contains("max-decoded-bytes"), "{shell}");
    }
    let unknown = msvpu(["completions", "tcsh"]);
    assert_eq!(unknown.status, 2);
    assert!(unknown.stderr.contains("bash"), "{}", unknown.stderr);
}

#[test]
fn services_are_listed_with_their_defaults() {
    let services = msvpu(["services", "--json"]).json();
    let names: Vec<&str> = services
        .as_array()
        .unwrap()
        .iter()
        .map(|service| service["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["cmeans", "fuzzy-cmeans", "pairwise", "password-hash"]
    );
    let parameter = |service: usize, name: &str| -> Value {
        services[service]["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .find(|parameter| parameter["name"] == name)
            .cloned()
            .unwrap_or_default()
    };
    assert_eq!(parameter(0, "max_iterations")["default"], 300);
    assert_eq!(parameter(0, "fuzzifier"), Value::Null);
    assert_eq!(parameter(1, "fuzzifier")["default"], 2.0);
    assert_eq!(parameter(2, "sampling")["default"], 1);
    assert_eq!(parameter(3, "memory_kib")["default"], 19456);
    assert_eq!(parameter(3, "salt")["default"], Value::Null);

    let table = msvpu(["services"]).stdout();
    for word in ["cmeans", "fuzzy-cmeans", "epsilon", "fuzzifier", "0.0005"] {
        assert!(table.contains(word), "{word}");
    }
}

#[test]
fn services_say_truly_how_they_are_run() {
    let pictures = Pictures::new();
    let gray = pictures.gray();
    let gray = gray.to_str().unwrap();
    let services = msvpu(["services", "--json"]).json();
    for service in services.as_array().unwrap() {
        let run = service["run"].as_str().unwrap();
        let Some(words) = run.strip_prefix("msvpu ") else {
            // The rest is for embedders: no verb has its name.
            let name = service["name"].as_str().unwrap();
            assert!(run.contains("VirtualMachine::run"), "{run}");
            assert_eq!(msvpu([name, gray]).status, 2);
            continue;
        };
        let mut args: Vec<&str> = words
            .split(' ')
            .map(|word| if word == "IMAGE" { gray } else { word })
            .collect();
        if args[0] == "classify" {
            args.extend(["--classes", "2"]);
        }
        let said = msvpu(args).stdout();
        assert!(said.starts_with(&format!("{} of ", service["name"].as_str().unwrap())));
    }
}
