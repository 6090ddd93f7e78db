//! Figure 10: label maps of the scene in the repository.

use std::error::Error;
use std::path::Path;

use base64ct::{Base64, Encoding};
use msvpu::raster::{LabelImage, ReadLimits, label_colors, read, write_labels_png};
use msvpu::{CMeans, Classification, FuzzyCMeans, Settings, Start, VirtualMachine, classify};

use crate::html::Html;
use crate::report::{Facts, Report, Section};

const SCENE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/scene.png");
const CLASSES: u8 = 3;

const FACTS: Facts = Facts {
    measured: "Both label maps are computed by the program, from the 1024 × 768 pixels of the scene, with three classes.",
    simulated: "Nothing; but the scene is a generated one (examples/generate_scene), not a satellite’s.",
    unknown: "The paper’s picture and its label maps, so there is nothing to hold these against.",
};

/// Adds Figure 10.
pub(crate) async fn add(
    report: &mut Report,
    machine: &VirtualMachine,
) -> Result<(), Box<dyn Error>> {
    let scene = read(Path::new(SCENE), &ReadLimits::default())?.scene;
    let settings = Settings::new(Start::linear(u32::from(CLASSES)));
    let hard = classify(machine, CMeans::new(settings.clone()), scene.clone()).await?;
    let fuzzy = classify(machine, FuzzyCMeans::new(settings), scene).await?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("labels.png");
    let mut section = Section::new("figure-10", "Figure 10: label maps", FACTS);
    let mut pictures = vec![(std::fs::read(SCENE)?, "The scene.".to_owned())];
    for (name, result) in [("c-means", &hard), ("fuzzy c-means", &fuzzy)] {
        pictures.push((labels(result, &path)?, caption(name, result)));
    }
    let body = section.body();
    body.element("div", &[("class", "figures maps")], |html| {
        for (png, caption) in &pictures {
            picture(html, png, caption);
        }
    });
    legend(body, &hard);
    report.section(section);
    Ok(())
}

fn labels(result: &Classification, path: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let map = &result.labels;
    let image = LabelImage::new(map.width, map.height, u16::from(CLASSES), &map.bytes)?;
    write_labels_png(path, &image)?;
    Ok(std::fs::read(path)?)
}

fn caption(name: &str, result: &Classification) -> String {
    let shares: Vec<String> = result
        .classes
        .iter()
        .map(|class| format!("{:.1} %", 100.0 * class.share))
        .collect();
    format!(
        "Classes of {name}, after {} iterations: {} of the pixels.",
        result.iterations.len(),
        shares.join(", ")
    )
}

fn picture(html: &mut Html, png: &[u8], caption: &str) {
    let source = format!("data:image/png;base64,{}", Base64::encode_string(png));
    html.element("figure", &[], |html| {
        html.empty("img", &[("src", &source), ("alt", caption)]);
        html.leaf("figcaption", "", caption);
    });
}

fn legend(html: &mut Html, result: &Classification) {
    let colors = label_colors(CLASSES);
    html.element("ul", &[("class", "legend")], |html| {
        // The colour of label 0, no data, comes first.
        for ([r, g, b], class) in colors.iter().skip(1).zip(&result.classes) {
            html.element("li", &[], |html| {
                let style = format!("background: rgb({r} {g} {b})");
                html.element("span", &[("class", "swatch"), ("style", &style)], |_| {});
                html.text(format!("class {}", class.label));
            });
        }
    });
}
