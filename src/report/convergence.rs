//! What of a report the convergence chart shows.

use std::path::Path;

use super::chart::Convergence;
use super::document::{Report, Row};
use crate::raster::label_colors;
use crate::services::classification::{Centers, Iteration, StopRule};

/// More lines than anybody can tell apart; the others are left out, and the legend says so.
const DRAWN_CLASSES: u8 = 100;

impl Report {
    /// The chart of the iterations, which this rule was to end.
    #[must_use]
    pub fn convergence(&self, epsilon: f64, rule: StopRule) -> Convergence {
        let classes = self.centers.classes();
        let bands = self.centers.bands();
        Convergence {
            title: title(self),
            center_axis: if bands == 1 {
                "class center".to_owned()
            } else {
                format!("class center, mean of {bands} bands")
            },
            centers: self
                .iterations
                .iter()
                .map(|row| drawn(&row.of.centers))
                .collect(),
            classes,
            error_axis: error_name(rule).to_owned(),
            errors: self.errors(rule),
            epsilon,
            colors: label_colors(classes.min(DRAWN_CLASSES.into()) as u8)
                .iter()
                .skip(1)
                .copied()
                .collect(),
        }
    }

    /// The error of the rule in each iteration.
    #[must_use]
    pub fn errors(&self, rule: StopRule) -> Vec<Option<f64>> {
        errors(&self.iterations, rule)
    }
}

/// What a rule compares with its bound.
const fn error_name(rule: StopRule) -> &'static str {
    match rule {
        StopRule::Objective => "change of the objective J",
        StopRule::CenterSum => "change of the sum of centers",
        StopRule::CenterShift => "farthest move of a center",
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

fn errors(rows: &[Row], rule: StopRule) -> Vec<Option<f64>> {
    let before = std::iter::once(None).chain(rows.iter().map(Some));
    rows.iter()
        .zip(before)
        .map(|(row, before)| error(&row.of, before.map(|before| &before.of), rule))
        .collect()
}

/// The error of the rule in an iteration. A shift has an iteration before it or is none.
pub(crate) fn error(of: &Iteration, before: Option<&Iteration>, rule: StopRule) -> Option<f64> {
    match rule {
        StopRule::Objective => Some(of.objective_change),
        StopRule::CenterSum => Some(of.center_sum_change),
        StopRule::CenterShift => before.map(|before| of.centers.shift_from(&before.centers)),
    }
}
