//! The page of the example `reproduce_paper`, and the figures that it must show.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that fails here says so"
)]
#![allow(
    dead_code,
    reason = "what the page is made from is not all needed here"
)]

#[path = "../examples/reproduce_paper/balancing.rs"]
mod balancing;
#[path = "../examples/reproduce_paper/chart.rs"]
mod chart;
#[path = "../examples/reproduce_paper/classification.rs"]
mod classification;
#[path = "../examples/reproduce_paper/cluster.rs"]
mod cluster;
#[path = "../examples/reproduce_paper/gain.rs"]
mod gain;
#[path = "../examples/reproduce_paper/html.rs"]
mod html;
#[path = "../examples/reproduce_paper/maps.rs"]
mod maps;
#[path = "common/paper.rs"]
mod paper;
#[path = "../examples/reproduce_paper/report.rs"]
mod report;
#[path = "../examples/reproduce_paper/teams.rs"]
mod teams;
#[path = "../examples/reproduce_paper/words.rs"]
mod words;

use std::error::Error;
use std::path::Path;

use balancing::{Experiment, STRATEGIES};
use chart::{Axis, Chart, Mark, Scale, Series};
use html::{Html, Table, escaped};
use report::{Effort, Report};

const HOSTILE: &str = "</title><script src='//x'>\"&</svg>";

fn hostile_chart() -> Html {
    let series = |name: &str| Series {
        name: name.to_owned(),
        points: vec![(1.0, 1e-3), (2.0, 1e3)],
    };
    Chart {
        description: HOSTILE.to_owned(),
        caption: HOSTILE.to_owned(),
        across: Axis::at(
            "across",
            Scale::Linear,
            vec![(1.0, HOSTILE.to_owned()), (2.0, "2".to_owned())],
        ),
        up: Axis::decades("up", [1e-3, 1e3].into_iter()),
        series: vec![series(HOSTILE), series("other")],
        marks: vec![
            Mark::Horizontal(1.0, HOSTILE.to_owned()),
            Mark::Vertical(1.5, HOSTILE.to_owned()),
        ],
    }
    .to_html()
}

/// No tag but those of the page itself, and nothing that a browser would load.
fn assert_self_contained(page: &str) {
    assert!(page.starts_with("<!DOCTYPE html>"));
    for loads in [
        "<script",
        "<link",
        "<iframe",
        "<object",
        "@import",
        "url(",
        "srcset",
        "http-equiv",
    ] {
        assert!(!page.contains(loads), "{loads}");
    }
    for source in page.split(" src=\"").skip(1) {
        assert!(
            source.starts_with("data:image/png;base64,"),
            "{}",
            &source[..40]
        );
    }
}

#[test]
fn text_is_escaped_wherever_it_stands() {
    assert_eq!(
        escaped("<a b='c' d=\"e\">&"),
        "&lt;a b=&#39;c&#39; d=&quot;e&quot;&gt;&amp;"
    );
    let mut table = Table::new(&[HOSTILE]);
    table.push([HOSTILE.to_owned()]);
    let mut body = hostile_chart();
    body.append(&table.to_html(HOSTILE, 1));
    body.element("p", &[("title", HOSTILE)], |html| {
        html.text(HOSTILE);
    });
    let page = Html::page(HOSTILE, &body);
    assert_self_contained(&page);
    assert!(!page.contains("<script") && !page.contains("\"&</"));
    assert_eq!(page.matches("</title>").count(), 1);
    // The chart's and the two of its legend.
    assert_eq!(page.matches("</svg>").count(), 3);
    assert_eq!(page.matches(&escaped(HOSTILE)).count(), 12);
}

#[test]
fn csv_is_quoted() {
    let mut table = Table::new(&["a", "b, c"]);
    table.push(["1".to_owned(), "say \"so\"".to_owned()]);
    assert_eq!(table.to_csv(), "a,\"b, c\"\n1,\"say \"\"so\"\"\"\n");
}

#[test]
fn values_find_their_places() {
    let places: Vec<String> = format!("{:?}", hostile_chart())
        .split("points=\\\"")
        .skip(1)
        .map(|rest| rest.split('\\').next().unwrap_or_default().to_owned())
        .collect();
    // Both curves from the lower left to the upper right of the plotted area.
    assert_eq!(
        places[..2],
        ["71.7,252.0 458.3,16.0", "71.7,252.0 458.3,16.0"]
    );
}

#[test]
fn the_files_of_table_four_are_there() {
    for [_, here, file, _] in words::WORDS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let name = here.rsplit("::").next().unwrap_or(here);
        assert!(text.contains(name), "{here} is not in {file}");
    }
}

#[tokio::test]
async fn table_three_is_as_good_as_the_paper_s() {
    let experiment = Experiment::run(Effort::Quick).await.unwrap();
    let [index, adaptive, uniform] = experiment.largest_deviations()[..] else {
        panic!("three strategies");
    };
    assert!(index <= 0.0219, "{index}");
    assert!(adaptive <= 0.005, "{adaptive}");
    assert!(uniform > 0.5, "{uniform}");
    // Where messages matter, those of agents cost more.
    for (formula, size, least) in [("x", 1024.0, 2.0), ("x", 65_536.0, 1.05)] {
        let times = gain::times(formula, size).await.unwrap();
        let gain = times[1] / times[0];
        assert!(gain > least, "C = {formula}, x = {size}: {gain}");
    }
    // In Table III's setting what the two differ by is a few millionths of the steps.
    let calm = gain::calm_gains().await.unwrap();
    let gains = experiment.gains().into_iter().chain(calm);
    for (strategy, gain) in STRATEGIES.iter().cycle().zip(gains) {
        assert!(gain > 1.0 && gain < 1.0 + 1e-3, "{strategy}: {gain}");
    }
    let report = whole(&experiment).await.unwrap();
    assert_complete(&report);
}

/// All that the example writes, in quick mode.
async fn whole(experiment: &Experiment) -> Result<Report, Box<dyn Error>> {
    let (effort, cpus) = (Effort::Quick, 2);
    let mut report = Report::default();
    let machine = classification::machine().await?;
    let scene = paper::paper_scene()?;
    maps::add(&mut report, &machine).await?;
    classification::add(&mut report, &machine, &scene).await?;
    teams::add(&mut report, &machine, &scene, effort, cpus).await?;
    machine.shutdown().await;
    balancing::add(&mut report, experiment, effort).await?;
    gain::add(&mut report, experiment, effort).await?;
    words::add(&mut report);
    Ok(report)
}

fn assert_complete(report: &Report) {
    let page = report.page(Effort::Quick, 2);
    assert_self_contained(&page);
    for id in [
        "table-1",
        "table-2",
        "table-3",
        "table-4",
        "figure-10",
        "figure-13",
        "gain",
    ] {
        let start = format!("<section id=\"{id}\">");
        let (_, section) = page.split_once(&start).expect(id);
        let (section, _) = section.split_once("</section>").expect(id);
        for fact in ["Measured", "Simulated", "Not known"] {
            let (_, sentence) = section
                .split_once(&format!("<dt>{fact}</dt><dd>"))
                .expect(fact);
            assert!(!sentence.starts_with('<'), "{id}: {fact} says nothing");
        }
        assert!(page.contains(&format!("href=\"#{id}\"")), "{id}");
    }
    let folder = tempfile::tempdir().unwrap();
    report.write(&page, folder.path()).unwrap();
    let mut written: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    written.sort();
    let tables = [
        "figure-13.csv",
        "gain-table-3.csv",
        "gain.csv",
        "index.html",
        "table-1.csv",
        "table-2.csv",
        "table-3-seeds.csv",
        "table-3-summary.csv",
        "table-3.csv",
    ];
    assert_eq!(written, tables);
    for table in tables {
        let text = std::fs::read_to_string(folder.path().join(table)).unwrap();
        assert!(text.lines().count() > 2, "{table}: {text}");
    }
}
