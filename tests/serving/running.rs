//! Jobs from the file to the artifacts: the same as the command line has it.

use std::io::Cursor;
use std::path::Path;
use std::process::Command;

use msvpu_web::model::{EventBody, LogLevel, Phase};
use msvpu_web::service::Told;
use serde_json::{Value, json};

use crate::pictures::{HEIGHT, Pictures, WIDTH};
use crate::{Ran, run};

const ALL: [&str; 4] = ["labels", "preview", "chart", "masks"];

/// The report of the command line.
fn command(image: &Path, options: &str) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_msvpu"))
        .args(["classify", image.to_str().unwrap(), "--json"])
        .args(options.split_whitespace())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What may differ between two runs is null; what a service leaves to its iterations is gone.
fn comparable(mut report: Value) -> Value {
    let times = report["timings"].as_object().unwrap();
    let ms = |name: &String| times[name].as_f64().unwrap();
    let parts: f64 = times
        .keys()
        .filter(|name| *name != "total_ms")
        .map(ms)
        .sum();
    assert!(
        (parts - ms(&"total_ms".to_owned())).abs() < 1e-6,
        "{times:?}"
    );
    for key in ["job", "timings"] {
        report[key].take();
    }
    report["image"]["path"].take();
    assert_eq!(
        report["team"]["cpus"].take(),
        report["nodes"][0]["cpus"].take()
    );
    report["nodes"][0]["actual_ms"].take();
    report.as_object_mut().unwrap().remove("iterations");
    report
}

#[track_caller]
fn assert_same(ran: &Ran, command: &Value) {
    let result = ran.result.as_ref().unwrap();
    assert_eq!(comparable(result.clone()), comparable(command.clone()));
    let rows = command["iterations"].as_array().unwrap();
    let told = ran.iterations();
    assert_eq!(told.len(), rows.len());
    for (told, row) in told.iter().zip(rows) {
        assert_eq!(row["iteration"], told.iteration);
        assert_eq!(row["centers"], json!(told.values));
        for key in ["objective", "objective_change", "center_sum_change"] {
            assert_eq!(row[key], told.details[key]);
        }
    }
    assert!(told.is_sorted_by(|a, b| a.elapsed_ms <= b.elapsed_ms));
    let document: Value = serde_json::from_str(&ran.text("report.json")).unwrap();
    assert_eq!(document["iterations"].as_array().unwrap().len(), rows.len());
    let mut document = document;
    document.as_object_mut().unwrap().remove("iterations");
    assert_eq!(&document, result);
    assert_eq!(ran.artifacts(), ran.files());
}

/// Width, height, kind and samples of an artifact.
fn png(ran: &Ran, name: &str) -> (u32, u32, png::ColorType, Vec<u8>) {
    let bytes = ran.read(name);
    let mut reader = png::Decoder::new(Cursor::new(bytes)).read_info().unwrap();
    let mut samples = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut samples).unwrap();
    (info.width, info.height, info.color_type, samples)
}

#[tokio::test]
async fn a_gray_picture_by_both_programs() {
    let pictures = Pictures::new();
    let gray = pictures.gray();
    let given = json!({ "start": { "classes": 4 }, "tiles": { "rows": 3, "columns": 2 } });
    let ran = run("cmeans", &gray, given.clone(), &ALL).await;
    assert_same(&ran, &command(&gray, "--classes 4 --tiles 3x2"));
    let expected = [
        "class_1.png",
        "class_2.png",
        "class_3.png",
        "class_4.png",
        "convergence.svg",
        "labels-preview.png",
        "labels.png",
        "legend.json",
        "report.html",
        "report.json",
        "scene.png",
    ];
    assert_eq!(ran.files(), expected);
    let legend: Value = serde_json::from_str(&ran.text("legend.json")).unwrap();
    assert_eq!(legend[3]["label"], 4);
    assert_eq!(legend[0]["color"], "#0072b2");

    let fuzzy = json!({
        "start": { "centers": [[10.0], [90.0], [170.0]] }, "epsilon": 0.5, "stop_on": "center-shift"
    });
    let outputs = ["memberships"];
    let ran = run("fuzzy-cmeans", &gray, fuzzy, &outputs).await;
    let options =
        "--algorithm fuzzy-cmeans --centers 10,90,170 --epsilon 0.5 --stop-on center-shift";
    let mut expected = command(&gray, options);
    // The command has them only with a directory.
    expected["parameters"]["memberships"] = true.into();
    assert_same(&ran, &expected);
    // The first center has not moved from anywhere.
    assert_eq!(ran.iterations()[0].error, None);
    assert!(ran.iterations()[1].error.unwrap() > 0.5);
    let expected = [
        "membership_1.png",
        "membership_2.png",
        "membership_3.png",
        "report.html",
        "report.json",
    ];
    assert_eq!(ran.files(), expected);
}

#[tokio::test]
async fn colours_and_deep_samples() {
    let pictures = Pictures::new();
    let rgb = pictures.rgb();
    let given = json!({ "start": { "classes": 4, "init": "kmeans++", "seed": 3 } });
    let ran = run("cmeans", &rgb, given, &["preview"]).await;
    assert_same(&ran, &command(&rgb, "--classes 4 --init kmeans++ --seed 3"));
    let (width, height, color, samples) = png(&ran, "scene.png");
    assert_eq!((width, height, color), (WIDTH, HEIGHT, png::ColorType::Rgb));
    // The small labels have the colours of the large ones.
    let legend: Value = serde_json::from_str(&ran.text("legend.json")).unwrap();
    assert_eq!(legend.as_array().unwrap().len(), 4);
    // Stretched: the middle takes all shades.
    assert!(samples.contains(&0) && samples.contains(&255));
    let (width, height, color, _) = png(&ran, "labels-preview.png");
    assert_eq!(
        (width, height, color),
        (WIDTH, HEIGHT, png::ColorType::Indexed)
    );

    let deep = pictures.gray16();
    let ran = run("cmeans", &deep, json!({}), &[]).await;
    assert_same(&ran, &command(&deep, "--classes 3"));
    assert_eq!(ran.files(), ["report.html", "report.json"]);
}

#[tokio::test]
async fn what_a_geotiff_says_of_no_data_holds() {
    let pictures = Pictures::new();
    let geotiff = pictures.geotiff_with_nodata();
    let ran = run("cmeans", &geotiff, json!({}), &["labels", "preview"]).await;
    let expected = command(&geotiff, "--classes 3");
    assert_eq!(expected["image"]["nodata_pixels"], 3);
    assert_same(&ran, &expected);
    assert_eq!(
        ran.result.as_ref().unwrap()["parameters"]["nodata"],
        -9999.0
    );
    // As the command writes it, georeference and all.
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().to_str().unwrap();
    command(&geotiff, &format!("--classes 3 --output {into}"));
    let labels = std::fs::read(folder.path().join("labels.tif")).unwrap();
    assert!(ran.read("labels.tif") == labels);
    assert!(ran.files().contains(&"labels.png".to_owned()));
    // The three pixels without data are transparent, the others are not.
    let (_, _, color, samples) = png(&ran, "scene.png");
    assert_eq!(color, png::ColorType::GrayscaleAlpha);
    let alpha: Vec<u8> = samples.iter().skip(1).step_by(2).copied().collect();
    assert_eq!(alpha[..4], [0, 0, 0, 255]);
    assert!(alpha[3..].iter().all(|alpha| *alpha == 255));
}

#[tokio::test]
async fn a_job_tells_its_phases_in_order() {
    let pictures = Pictures::new();
    let ran = run("cmeans", &pictures.gray(), json!({}), &["labels"]).await;
    let mut phases: Vec<Phase> = Vec::new();
    for told in &ran.told {
        if let Told::Phase(phase, _) = told
            && phases.last() != Some(phase)
        {
            phases.push(*phase);
        }
    }
    let expected = [
        Phase::Decoding,
        Phase::Placing,
        Phase::Splitting,
        Phase::Iterating,
        Phase::Assembling,
        Phase::Writing,
    ];
    assert_eq!(phases, expected);
    assert!(ran.told.contains(&Told::MaxIterations(300)));
    let nodes = ran.told.iter().find_map(|told| match told {
        Told::Event(EventBody::Node { nodes }) => Some(nodes),
        _ => None,
    });
    let [node] = nodes.unwrap().as_slice() else {
        panic!("{nodes:?}")
    };
    assert_eq!(node.node, 0);
    assert!(node.msvpus > 0 && node.actual_ms > 0.0);
}

#[tokio::test]
async fn the_page_loads_nothing_and_shows_all_that_is_wanted() {
    let pictures = Pictures::new();
    let rgb = pictures.rgb();
    let ran = run("fuzzy-cmeans", &rgb, json!({}), &["preview", "chart"]).await;
    let page = ran.text("report.html");
    assert!(page.starts_with("<!DOCTYPE html>"));
    // The client's name for the file is text.
    assert!(page.contains("fuzzy-cmeans of scene &lt;1&gt;.tif") && !page.contains("<1>"));
    assert_eq!(page.matches("src=\"data:image/png;base64,").count(), 2);
    for absent in ["<script", "src=\"http", "href=", "@import", "url("] {
        assert!(!page.contains(absent), "{absent}");
    }
    assert!(page.contains("<svg") && page.contains("partition coefficient"));
    assert!(page.contains("<th>other</th>") && page.contains("<th>total</th>"));
    let (_, svg) = page.split_once("<div class=\"chart\">").unwrap();
    let (svg, _) = svg.split_once("</div>").unwrap();
    roxmltree::Document::parse(svg).unwrap();

    let page = run("fuzzy-cmeans", &rgb, json!({}), &[]).await;
    let page = page.text("report.html");
    assert!(page.contains("partition coefficient"));
    assert!(!page.contains("<div class=\"chart\">") && !page.contains("data:image"));
}

#[tokio::test]
async fn pairs_of_pixels() {
    let pictures = Pictures::new();
    let gray = pictures.gray();
    let given = json!({ "tiles": { "rows": 2, "columns": 2 }, "rounds": 3 });
    let ran = run("pairwise", &gray, given, &[]).await;
    let output = Command::new(env!("CARGO_BIN_EXE_msvpu"))
        .args(["pairwise", gray.to_str().unwrap(), "--json"])
        .args(["--tiles", "2x2", "--rounds", "3"])
        .output()
        .unwrap();
    let expected: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        comparable(ran.result.as_ref().unwrap().clone()),
        comparable(expected)
    );
    let rounds: Vec<u32> = ran.iterations().iter().map(|row| row.iteration).collect();
    assert_eq!(rounds, [1, 2, 3]);
    assert_eq!(ran.files(), ["report.html", "report.json"]);
    assert_eq!(ran.artifacts(), ran.files());
}

#[tokio::test]
async fn classes_without_a_pixel_are_worth_a_warning() {
    let pictures = Pictures::new();
    let two = pictures.write("two.pgm", b"P5 5 1 255\n\x01\x02\x03\xf0\xf1");
    let ran = run("cmeans", &two, json!({ "start": { "classes": 4 } }), &[]).await;
    let warned = ran.told.iter().any(|told| {
        matches!(told, Told::Event(EventBody::Log { level: LogLevel::Warning, message })
            if message.starts_with("2 classes have no pixel"))
    });
    assert!(warned, "{:?}", ran.told);
}

#[tokio::test]
async fn what_each_msvpu_did_is_told() {
    let pictures = Pictures::new();
    let gray = pictures.gray();
    let params = json!({ "start": { "classes": 4 }, "tiles": { "rows": 3, "columns": 2 } });
    let ran = run("cmeans", &gray, params, &[]).await;
    let times = ran.team();
    assert_eq!((times.team_size, times.stride), (6, 1));
    let last = times.rounds.last().unwrap();
    assert_eq!(
        last.round, None,
        "the labels, which each computes at the end"
    );
    // One round asks what the scene holds, and each of the others is an iteration.
    assert_eq!(times.rounds.len(), 1 + ran.iterations().len() + 1);
    let mut before = 0.0;
    for round in &times.rounds {
        assert!(round.began_ms >= before);
        before = round.ended_ms.unwrap();
        assert_eq!(round.node, [Some(0); 6]);
        for rank in 0..6 {
            let part = |of: &[Option<f64>]| of[rank].unwrap();
            let arrived = part(&round.arrived_ms);
            let parts = [&round.waited_ms, &round.computed_ms, &round.kept_ms];
            let known: f64 = parts.map(|of| part(of)).iter().sum();
            assert!(known <= arrived + 1e-3 && round.began_ms + arrived <= before + 1e-3);
        }
    }
    let computed: f64 = last.computed_ms.iter().flatten().sum();
    assert!(computed > 0.0);

    let compared = run(
        "pairwise",
        &gray,
        json!({ "sampling": 4, "rounds": 2 }),
        &[],
    )
    .await;
    assert_eq!(compared.team().rounds.len(), 3);
}
