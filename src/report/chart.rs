//! `convergence.svg`: the centers and the error of every iteration, as in the paper's Figs. 11 and 12.

use plotters::prelude::*;

use super::number::{nice_step, power_of_ten, short, ticks};
use super::panel::{Area, ERROR, Legend, Line, Panel, Result, THRESHOLD, failed, font, rgb};

/// What the chart shows.
#[derive(Clone, Debug)]
pub struct Convergence {
    /// One line above both panels.
    pub title: String,
    /// What the upper axis shows of a center: its value, or the mean over its bands.
    pub center_axis: String,
    /// One entry an iteration, each with one value for each class that is drawn.
    pub centers: Vec<Vec<f64>>,
    /// How many classes there are; the first ones are drawn.
    pub classes: usize,
    /// What the lower axis shows: the error of the stopping rule.
    pub error_axis: String,
    /// One entry an iteration; `None` where the rule has no error yet.
    pub errors: Vec<Option<f64>>,
    /// The rule is met below this error.
    pub epsilon: f64,
    /// The colour of each class that is drawn.
    pub colors: Vec<[u8; 3]>,
}

const SIZE: (u32, u32) = (960, 780);
const TITLE_HEIGHT: u32 = 52;
/// A chart of few classes and iterations has so many bytes.
const USUAL_BYTES: usize = 32 << 10;
/// So many rows fit beside a panel.
const LEGEND_ROWS: usize = 15;

impl Convergence {
    /// The chart as an SVG document.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn to_svg(&self) -> Result<String> {
        let mut svg = String::with_capacity(USUAL_BYTES);
        {
            let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            root.fill(&WHITE).map_err(failed)?;
            let (head, body) = root.split_vertically(TITLE_HEIGHT);
            head.draw(&Text::new(self.title.clone(), (24, 28), font(19)))
                .map_err(failed)?;
            let (upper, lower) = body.split_vertically((SIZE.1 - TITLE_HEIGHT) / 2);
            self.draw_centers(&upper)?;
            self.draw_errors(&lower)?;
            root.present().map_err(failed)?;
        }
        Ok(svg)
    }

    fn draw_centers(&self, area: &Area<'_>) -> Result {
        let values = || self.centers.iter().flatten().copied();
        let (low, high) = padded(
            values().fold(f64::INFINITY, f64::min),
            values().fold(f64::NEG_INFINITY, f64::max),
        );
        let (marks, decimals) = ticks(low, high, 6);
        let panel = Panel {
            axis: &self.center_axis,
            low,
            high,
            ticks: marks,
            label: &|value| fixed(value, decimals, high.abs().max(low.abs())),
        };
        let lines: Vec<Line> = self
            .colors
            .iter()
            .enumerate()
            .map(|(class, color)| Line {
                color: rgb(*color),
                points: (1..)
                    .zip(&self.centers)
                    .filter_map(|(iteration, centers)| {
                        Some((f64::from(iteration), *centers.get(class)?))
                    })
                    .collect(),
            })
            .collect();
        panel.draw(area, self.centers.len(), &lines, &[], None)?;

        let last = self.centers.last().map_or(&[][..], Vec::as_slice);
        let shown = if self.classes > LEGEND_ROWS {
            LEGEND_ROWS - 1
        } else {
            self.classes
        };
        let mut legend = Legend::beside(area);
        for (label, (color, center)) in (1..).zip(self.colors.iter().zip(last)).take(shown) {
            legend.line(rgb(*color), &format!("class {label}: {}", short(*center)))?;
        }
        if self.classes > self.colors.len() {
            legend.text(&format!(
                "first {} of {} drawn",
                self.colors.len(),
                self.classes
            ))?;
        } else if self.classes > shown {
            legend.text(&format!("and {} more classes", self.classes - shown))?;
        }
        Ok(())
    }

    fn draw_errors(&self, area: &Area<'_>) -> Result {
        let positive = || {
            self.errors
                .iter()
                .flatten()
                .copied()
                .filter(|error| *error > 0.0)
                .chain([self.epsilon])
                .map(f64::log10)
        };
        let has_zero = self.errors.contains(&Some(0.0));
        let least = positive().fold(f64::INFINITY, f64::min);
        let greatest = positive().fold(f64::NEG_INFINITY, f64::max);
        // A zero has no place on a log axis: it stands on the floor, a decade below the rest.
        let low = (least - 0.1).floor() - f64::from(u8::from(has_zero));
        let high = (greatest + 0.1).ceil();
        let step = nice_step((high - low) / 8.0).max(1.0);
        let panel = Panel {
            axis: &self.error_axis,
            low,
            high,
            ticks: (0..)
                .map(|at| low + f64::from(at) * step)
                .take_while(|at| *at <= high)
                .filter(|at| !(has_zero && *at == low))
                .collect(),
            label: &|exponent| power_of_ten(exponent as i32),
        };
        let at = |(iteration, error): (i32, &Option<f64>)| {
            let error = (*error)?;
            let height = if error > 0.0 { error.log10() } else { low };
            Some((f64::from(iteration), height))
        };
        let line = Line {
            color: ERROR,
            points: (1..).zip(&self.errors).filter_map(at).collect(),
        };
        let zeros: Vec<(f64, f64)> = (1..)
            .zip(&self.errors)
            .filter(|(_, error)| **error == Some(0.0))
            .filter_map(at)
            .collect();
        panel.draw(
            area,
            self.errors.len(),
            &[line],
            &zeros,
            Some(self.epsilon.log10()),
        )?;

        let mut legend = Legend::beside(area);
        legend.line(ERROR, "error")?;
        legend.dashes(THRESHOLD, &format!("epsilon: {}", short(self.epsilon)))?;
        if has_zero {
            legend.ring(ERROR, "exactly 0")?;
        }
        Ok(())
    }
}

/// The range with some air; never empty.
fn padded(low: f64, high: f64) -> (f64, f64) {
    let span = high - low;
    let air = if span > 0.0 {
        span * 0.06
    } else {
        (low.abs() * 0.1).max(0.5)
    };
    (low - air, high + air)
}

/// A tick's text, with an exponent where plain digits would be too many.
fn fixed(value: f64, decimals: usize, largest: f64) -> String {
    if decimals > 6 || largest >= 1e7 {
        short(value)
    } else {
        format!("{value:.decimals$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colors(classes: usize) -> Vec<[u8; 3]> {
        (0..classes)
            .map(|class| [(class * 37) as u8, (class * 91) as u8, (class * 53) as u8])
            .collect()
    }

    fn chart(classes: usize, iterations: usize, last_error: f64) -> Convergence {
        Convergence {
            title: "cmeans of <scene> & \"more\"".to_owned(),
            center_axis: "center".to_owned(),
            centers: (0..iterations)
                .map(|at| {
                    (0..classes)
                        .map(|class| {
                            (class as f64 + 1.0) * (9.0 - 8.0 * (-(at as f64) / 6.0).exp())
                        })
                        .collect()
                })
                .collect(),
            classes,
            error_axis: "|J - J before|".to_owned(),
            errors: (0..iterations)
                .map(|at| {
                    Some(if at + 1 == iterations {
                        last_error
                    } else {
                        1e7 * (-(at as f64) * 30.0 / iterations as f64).exp()
                    })
                })
                .collect(),
            epsilon: 1e-3,
            colors: colors(classes),
        }
    }

    #[test]
    fn every_shape_draws_and_is_escaped() {
        for (classes, iterations, last_error) in [
            (2, 1, 5.0),
            (2, 1, 0.0),
            (3, 25, 1e-4),
            (30, 300, 0.0),
            (1, 2, 1e-300),
        ] {
            let svg = chart(classes, iterations, last_error).to_svg().unwrap();
            assert!(svg.ends_with("</svg>\n"), "{classes} {iterations}");
            assert!(svg.contains("&lt;scene&gt; &amp; &quot;more&quot;"));
            assert!(!svg.contains("NaN") && !svg.contains("inf"));
            assert_eq!(svg.contains("exactly 0"), last_error == 0.0);
            assert_eq!(svg.contains("more classes"), classes > LEGEND_ROWS);
        }
    }
}
