//! `convergence.svg`: the centers and the error of every iteration, as in the paper's Figs. 11 and 12.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::number::{nice_step, power_of_ten, short, ticks};

/// What the chart shows.
#[derive(Clone, Debug)]
pub(crate) struct Convergence {
    /// One line above both panels.
    pub(crate) title: String,
    /// What the upper axis shows of a center: its value, or the mean over its bands.
    pub(crate) center_axis: String,
    /// One entry an iteration, each with one value for each class that is drawn.
    pub(crate) centers: Vec<Vec<f64>>,
    /// How many classes there are; the first ones are drawn.
    pub(crate) classes: usize,
    /// What the lower axis shows: the error of the stopping rule.
    pub(crate) error_axis: String,
    /// One entry an iteration; `None` where the rule has no error yet.
    pub(crate) errors: Vec<Option<f64>>,
    /// The rule is met below this error.
    pub(crate) epsilon: f64,
    /// The colour of each class that is drawn.
    pub(crate) colors: Vec<[u8; 3]>,
}

/// The chart could not be drawn.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot draw the chart: {0}")]
pub(crate) struct ChartError(String);

const SIZE: (u32, u32) = (960, 780);
const TITLE_HEIGHT: u32 = 52;
/// Room for the legend, right of both panels.
const LEGEND_WIDTH: u32 = 190;
/// So many rows fit beside a panel.
const LEGEND_ROWS: usize = 15;
const LEGEND_ROW_HEIGHT: i32 = 20;
/// Up to so many iterations, every point is marked.
const MARKED_ITERATIONS: usize = 60;

const INK: RGBColor = RGBColor(0x22, 0x2b, 0x36);
const FAINT: RGBColor = RGBColor(0xe3, 0xe7, 0xec);
const AXIS: RGBColor = RGBColor(0x8a, 0x94, 0xa3);
const ERROR: RGBColor = RGBColor(0x33, 0x41, 0x55);
/// Around lines that would be lost on white.
const CASING: RGBColor = RGBColor(0x6b, 0x75, 0x85);
const THRESHOLD: RGBColor = RGBColor(0xc0, 0x39, 0x2b);
const FONT: &str = "system-ui, 'Segoe UI', 'DejaVu Sans', Arial, sans-serif";

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Result<T = (), E = ChartError> = std::result::Result<T, E>;

fn failed<E: std::fmt::Display>(error: E) -> ChartError {
    ChartError(error.to_string())
}

impl Convergence {
    /// The chart as an SVG document.
    pub(crate) fn to_svg(&self) -> Result<String> {
        let mut svg = String::new();
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

/// One curve, in the units of the axes.
struct Line {
    color: RGBColor,
    points: Vec<(f64, f64)>,
}

/// A pair of axes; the horizontal one counts iterations.
struct Panel<'a> {
    axis: &'a str,
    low: f64,
    high: f64,
    ticks: Vec<f64>,
    label: &'a dyn Fn(f64) -> String,
}

/// A linear axis with ticks of our choice; plotters' own choose theirs.
struct Axis {
    range: Range<f64>,
    ticks: Vec<f64>,
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let place = (value - self.range.start) / (self.range.end - self.range.start);
        from + (place * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // The light lines between the ticks are not drawn.
        if hint.weight().allow_light_points() {
            Vec::new()
        } else {
            self.ticks.clone()
        }
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl Panel<'_> {
    fn draw(
        &self,
        area: &Area<'_>,
        iterations: usize,
        lines: &[Line],
        rings: &[(f64, f64)],
        threshold: Option<f64>,
    ) -> Result {
        let last = iterations.max(1) as f64;
        let step = nice_step(last / 12.0).max(1.0);
        let mut columns: Vec<f64> = (1..)
            .map(|at| f64::from(at) * step)
            .take_while(|at| *at <= last)
            .collect();
        if columns.first() != Some(&1.0) {
            columns.insert(0, 1.0);
        }
        // Half an iteration of air on both sides of few; a hundredth of many.
        let air = (last / 100.0).max(0.5_f64.min(last / 10.0)).max(0.1);
        let across = Axis {
            range: 1.0 - air..last + air,
            ticks: columns,
        };
        let up = Axis {
            range: self.low..self.high,
            ticks: self.ticks.clone(),
        };

        let mut chart = ChartBuilder::on(area)
            .margin_left(14)
            .margin_right(LEGEND_WIDTH)
            .margin_top(8)
            .margin_bottom(10)
            .x_label_area_size(46)
            .y_label_area_size(88)
            .build_cartesian_2d(across, up)
            .map_err(failed)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(FAINT)
            .axis_style(AXIS)
            .label_style(font(15))
            .axis_desc_style(font(16))
            .x_desc("iteration")
            .y_desc(self.axis)
            .x_label_formatter(&|iteration| format!("{iteration:.0}"))
            .y_label_formatter(&|value| (self.label)(*value))
            .draw()
            .map_err(failed)?;

        if let Some(height) = threshold {
            let ends = [(1.0 - air, height), (last + air, height)];
            chart
                .draw_series(DashedLineSeries::new(ends, 7, 5, THRESHOLD.stroke_width(2)))
                .map_err(failed)?;
        }
        for line in lines {
            let casing = is_pale(line.color).then(|| CASING.stroke_width(4));
            for style in casing.into_iter().chain([line.color.stroke_width(2)]) {
                chart
                    .draw_series(LineSeries::new(line.points.iter().copied(), style))
                    .map_err(failed)?;
            }
            if iterations <= MARKED_ITERATIONS {
                let dots = line.points.iter().filter(|point| !rings.contains(point));
                for point in dots {
                    if is_pale(line.color) {
                        chart
                            .draw_series([Circle::new(*point, 4, CASING.filled())])
                            .map_err(failed)?;
                    }
                    chart
                        .draw_series([Circle::new(*point, 3, line.color.filled())])
                        .map_err(failed)?;
                }
            }
        }
        for ring in rings {
            chart
                .draw_series([
                    Circle::new(*ring, 4, WHITE.filled()),
                    Circle::new(*ring, 4, ERROR.stroke_width(2)),
                ])
                .map_err(failed)?;
        }
        Ok(())
    }
}

/// Rows of text with a sample of the line, right of a panel.
struct Legend<'a, 'b> {
    area: &'a Area<'b>,
    left: i32,
    top: i32,
}

impl<'a, 'b> Legend<'a, 'b> {
    fn beside(area: &'a Area<'b>) -> Self {
        Self {
            area,
            left: SIZE.0 as i32 - LEGEND_WIDTH as i32 + 18,
            top: 18,
        }
    }

    fn line(&mut self, color: RGBColor, text: &str) -> Result {
        if is_pale(color) {
            self.stroke(CASING.stroke_width(5), &[(-1, 25)])?;
        }
        self.stroke(color.stroke_width(3), &[(0, 24)])?;
        self.text(text)
    }

    fn dashes(&mut self, color: RGBColor, text: &str) -> Result {
        self.stroke(color.stroke_width(3), &[(0, 7), (12, 19)])?;
        self.text(text)
    }

    fn ring(&mut self, color: RGBColor, text: &str) -> Result {
        let center = (self.left + 12, self.top);
        self.area
            .draw(&Circle::new(center, 4, color.stroke_width(2)))
            .map_err(failed)?;
        self.text(text)
    }

    fn stroke(&self, style: ShapeStyle, parts: &[(i32, i32)]) -> Result {
        for (from, to) in parts {
            let ends = [(self.left + from, self.top), (self.left + to, self.top)];
            self.area
                .draw(&PathElement::new(ends, style))
                .map_err(failed)?;
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result {
        let style = font(15).pos(Pos::new(HPos::Left, VPos::Center));
        self.area
            .draw(&Text::new(
                text.to_owned(),
                (self.left + 32, self.top),
                style,
            ))
            .map_err(failed)?;
        self.top += LEGEND_ROW_HEIGHT;
        Ok(())
    }
}

fn font(size: i32) -> TextStyle<'static> {
    (FONT, size).into_font().color(&INK)
}

const fn rgb([red, green, blue]: [u8; 3]) -> RGBColor {
    RGBColor(red, green, blue)
}

/// Whether a colour is hard to see on white: by its relative luminance, about as ITU-R BT.709 weighs it.
fn is_pale(RGBColor(red, green, blue): RGBColor) -> bool {
    2 * u32::from(red) + 7 * u32::from(green) + u32::from(blue) > 1900
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
