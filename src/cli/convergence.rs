//! What of a report the convergence chart shows.

use std::path::Path;

use msvpu::raster::label_colors;
use msvpu::{Centers, StopRule};

use super::chart::Convergence;
use super::report::{Report, Row};

/// More lines than anybody can tell apart; the others are left out, and the legend says so.
const DRAWN_CLASSES: u8 = 100;

/// The chart of a report whose iterations ended by this rule.
pub(crate) fn chart(report: &Report, epsilon: f64, rule: StopRule) -> Convergence {
    let classes = report.centers.classes();
    let bands = report.centers.bands();
    Convergence {
        title: title(report),
        center_axis: if bands == 1 {
            "class center".to_owned()
        } else {
            format!("class center, mean of {bands} bands")
        },
        centers: report
            .iterations
            .iter()
            .map(|row| drawn(&row.of.centers))
            .collect(),
        classes,
        error_axis: match rule {
            StopRule::Objective => "change of the objective J",
            StopRule::CenterSum => "change of the sum of centers",
            StopRule::CenterShift => "farthest move of a center",
        }
        .to_owned(),
        errors: errors(&report.iterations, rule),
        epsilon,
        colors: label_colors(classes.min(DRAWN_CLASSES.into()) as u8)
            .into_iter()
            .skip(1)
            .collect(),
    }
}

fn title(report: &Report) -> String {
    let path = Path::new(&report.image.path);
    let name = path.file_name().unwrap_or(path.as_os_str());
    // XML has no room for control characters.
    let name: String = name
        .to_string_lossy()
        .chars()
        .map(|character| {
            if character.is_control() {
                '\u{fffd}'
            } else {
                character
            }
        })
        .collect();
    let name = shortened(&name);
    let classes = report.centers.classes();
    let rows = report.iterations.len();
    format!(
        "{} of {name}: {classes} {}, {rows} {}, {}",
        report.algorithm,
        if classes == 1 { "class" } else { "classes" },
        if rows == 1 { "iteration" } else { "iterations" },
        if report.converged {
            "converged"
        } else {
            "not converged"
        },
    )
}

/// A long name without its middle: the title has room for a line.
fn shortened(name: &str) -> String {
    const SHOWN: usize = 32;
    let characters: Vec<char> = name.chars().collect();
    if characters.len() <= SHOWN {
        return name.to_owned();
    }
    let half = SHOWN / 2;
    let (start, end) = (&characters[..half], &characters[characters.len() - half..]);
    start.iter().chain(&['…']).chain(end).collect()
}

/// One value for each class that is drawn: the mean of its center over the bands.
fn drawn(centers: &Centers) -> Vec<f64> {
    centers
        .iter()
        .take(DRAWN_CLASSES.into())
        .map(|center| center.iter().sum::<f64>() / center.len() as f64)
        .collect()
}

/// The error of the rule in each row. A shift has a row before it or is none.
pub(crate) fn errors(rows: &[Row], rule: StopRule) -> Vec<Option<f64>> {
    match rule {
        StopRule::Objective => rows
            .iter()
            .map(|row| Some(row.of.objective_change))
            .collect(),
        StopRule::CenterSum => rows
            .iter()
            .map(|row| Some(row.of.center_sum_change))
            .collect(),
        StopRule::CenterShift => std::iter::once(None)
            .chain(
                rows.windows(2)
                    .map(|pair| Some(pair[1].of.centers.shift_from(&pair[0].of.centers))),
            )
            .collect(),
    }
}
