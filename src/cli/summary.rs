//! The report as a table for people.

use std::path::Path;

use msvpu::report::Report;
use msvpu::{ClassSummary, StopRule, StoppedBy};

use super::node_table;
use super::table::table;
use msvpu::report::number::{counted, grouped, short, vector};

/// More classes than a screen shows are in the report only.
const SHOWN_CLASSES: usize = 40;

/// What the summary tells beside the report.
pub(crate) struct Run<'a> {
    pub(crate) stop_on: StopRule,
    /// Whether the first centers were spread evenly.
    pub(crate) starts_linear: bool,
    pub(crate) transparent_pixels: u64,
    /// A directory and what was written into it.
    pub(crate) written: Option<(&'a Path, &'a [String])>,
}

/// The summary of a report.
pub(crate) fn summary(report: &Report, run: &Run<'_>) -> String {
    let mut lines = vec![
        format!("{} of {}", report.algorithm, report.image.path),
        String::new(),
        format!("image       {}", image(report, run.transparent_pixels)),
        format!(
            "team        {} on {}, tiles {}",
            counted(report.team.msvpus, "MsVPU"),
            counted(report.team.cpus as u64, "CPU"),
            report.tiles
        ),
        format!("iterations  {}", iterations(report, run.stop_on)),
    ];
    if let Some(validity) = &report.validity {
        lines.push(format!(
            "validity    partition coefficient {}, partition entropy {}, Xie-Beni {}",
            short(validity.partition_coefficient),
            short(validity.partition_entropy),
            validity
                .xie_beni
                .map_or_else(|| "undefined".to_owned(), short)
        ));
    }
    lines.push(String::new());
    lines.extend(classes(report));
    if !report.empty_classes.is_empty() {
        let labels: Vec<String> = report.empty_classes.iter().map(u16::to_string).collect();
        let hint = if run.starts_linear && report.classes.iter().any(is_divisible) {
            "; another start may fill them: --init kmeans++"
        } else {
            ""
        };
        lines.push(format!(
            "without a pixel: class {}{hint}",
            shortened(&labels).join(", ")
        ));
    }
    lines.extend(node_table::lines(&report.nodes));
    lines.push(String::new());
    let timings = &report.timings;
    lines.push(format!(
        "time        {:.1} ms: decode {:.1}, fit {:.1}, assemble {:.1}, encode {:.1}, other {:.1}",
        timings.total_ms,
        timings.decode_ms,
        timings.fit_ms,
        timings.assemble_ms,
        timings.encode_ms,
        timings.other_ms
    ));
    if let Some((directory, files)) = run.written {
        lines.push(format!(
            "written     {}: {}",
            directory.display(),
            shortened(files).join(", ")
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn image(report: &Report, transparent_pixels: u64) -> String {
    let image = &report.image;
    let mut text = format!(
        "{} x {} pixels, {} of {} bits",
        image.width,
        image.height,
        counted(image.bands.into(), "band"),
        image.bits
    );
    if image.nodata_pixels > 0 {
        text.push_str(&format!("; {} without data", grouped(image.nodata_pixels)));
    }
    // A transparent pixel was made NaN.
    let nan_pixels = image.nan_pixels.saturating_sub(transparent_pixels);
    for (pixels, what) in [(transparent_pixels, "transparent"), (nan_pixels, "NaN")] {
        if pixels > 0 {
            text.push_str(&format!(", {} of them {what}", grouped(pixels)));
        }
    }
    text
}

fn iterations(report: &Report, stop_on: StopRule) -> String {
    let how = match report.stopped_by {
        StoppedBy::Objective => "converged by the change of the objective",
        StoppedBy::CenterSum => "converged by the change of the sum of centers",
        StoppedBy::CenterShift => "converged by the farthest move of a center",
        StoppedBy::MaxIterations => "not converged: as many as are allowed",
    };
    let rows = &report.iterations;
    let Some(last) = rows.last() else {
        return how.to_owned();
    };
    let mut text = format!(
        "{}, {how}; objective {}",
        last.of.iteration,
        short(last.of.objective)
    );
    if let Some(&Some(change)) = report.errors(stop_on).last() {
        text.push_str(&format!(", last change {}", short(change)));
    }
    text
}

fn classes(report: &Report) -> Vec<String> {
    let head = ["class", "center", "pixels", "share", "mean", "sd"].map(str::to_owned);
    let rows = report.classes.iter().zip(report.centers.iter());
    let rows = rows.take(SHOWN_CLASSES);
    let rows = rows.map(|(class, center)| row(class, center)).collect();
    let mut lines = table(&head, rows, 0);
    if report.classes.len() > SHOWN_CLASSES {
        lines.push(format!(
            "and {} more classes: see the report (--json or --output)",
            report.classes.len() - SHOWN_CLASSES
        ));
    }
    lines
}

/// Whether the pixels of a class differ.
fn is_divisible(class: &ClassSummary) -> bool {
    let spread = class.sd.iter().flatten();
    spread.copied().any(|deviation| deviation > 0.0)
}

fn row(class: &ClassSummary, center: &[f64]) -> Vec<String> {
    let of_pixels =
        |values: &Option<Vec<f64>>| values.as_deref().map_or_else(|| "-".to_owned(), vector);
    vec![
        class.label.to_string(),
        vector(center),
        grouped(class.pixels),
        format!("{:.2} %", class.share * 100.0),
        of_pixels(&class.mean),
        of_pixels(&class.sd),
    ]
}

/// A long list as its first entries and its length.
fn shortened(names: &[String]) -> Vec<String> {
    const SHOWN: usize = 8;
    let mut shown: Vec<String> = names.iter().take(SHOWN).cloned().collect();
    if names.len() > SHOWN {
        shown.push(format!("and {} more", names.len() - SHOWN));
    }
    shown
}
