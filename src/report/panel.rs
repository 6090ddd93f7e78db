//! The parts of the chart: a pair of axes with its curves, and the legend beside it.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::number::nice_step;

/// Room for the legend, right of both panels.
const LEGEND_WIDTH: u32 = 190;
const LEGEND_ROW_HEIGHT: i32 = 20;
/// Up to so many iterations, every point is marked.
const MARKED_ITERATIONS: usize = 60;
/// Of text.
pub const INK: RGBColor = RGBColor(0x22, 0x2b, 0x36);
/// Of lines behind the curves.
pub const FAINT: RGBColor = RGBColor(0xe3, 0xe7, 0xec);
/// Of axes.
pub const AXIS: RGBColor = RGBColor(0x8a, 0x94, 0xa3);
pub(crate) const ERROR: RGBColor = RGBColor(0x33, 0x41, 0x55);
/// Of a bound.
pub const THRESHOLD: RGBColor = RGBColor(0xc0, 0x39, 0x2b);
/// Around lines that would be lost on white.
const CASING: RGBColor = RGBColor(0x6b, 0x75, 0x85);
const FONT: &str = "system-ui, 'Segoe UI', 'DejaVu Sans', Arial, sans-serif";

/// The chart could not be drawn.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot draw the chart: {0}")]
pub struct ChartError(String);

/// A part of a picture.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// What drawing returns.
pub type Result<T = (), E = ChartError> = std::result::Result<T, E>;

/// A backend's error as one of a chart.
pub fn failed<E: std::fmt::Display>(error: E) -> ChartError {
    ChartError(error.to_string())
}

/// One curve, in the units of the axes.
pub(crate) struct Line {
    pub(crate) color: RGBColor,
    pub(crate) points: Vec<(f64, f64)>,
}

/// A pair of axes; the horizontal one counts iterations.
pub(crate) struct Panel<'a> {
    pub(crate) axis: &'a str,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) ticks: Vec<f64>,
    pub(crate) label: &'a dyn Fn(f64) -> String,
}

/// A linear axis with ticks of our choice. Of plotters' own, the linear one puts ticks between
/// iterations, and the logarithmic one does not come back where the ratio of its ends passes the
/// range of `f64` (1e-300 to 1e10): logarithms are taken before.
pub struct Axis {
    /// From where to where.
    pub range: Range<f64>,
    /// Where a number stands.
    pub ticks: Vec<f64>,
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
    pub(crate) fn draw(
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
pub(crate) struct Legend<'a, 'b> {
    area: &'a Area<'b>,
    left: i32,
    top: i32,
}

impl<'a, 'b> Legend<'a, 'b> {
    pub(crate) fn beside(area: &'a Area<'b>) -> Self {
        Self {
            area,
            left: area.dim_in_pixel().0 as i32 - LEGEND_WIDTH as i32 + 18,
            top: 18,
        }
    }

    pub(crate) fn line(&mut self, color: RGBColor, text: &str) -> Result {
        if is_pale(color) {
            self.stroke(CASING.stroke_width(5), &[(-1, 25)])?;
        }
        self.stroke(color.stroke_width(3), &[(0, 24)])?;
        self.text(text)
    }

    pub(crate) fn dashes(&mut self, color: RGBColor, text: &str) -> Result {
        self.stroke(color.stroke_width(3), &[(0, 7), (12, 19)])?;
        self.text(text)
    }

    pub(crate) fn ring(&mut self, color: RGBColor, text: &str) -> Result {
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

    pub(crate) fn text(&mut self, text: &str) -> Result {
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

/// The letters of every picture, so many pixels high.
#[must_use]
pub fn font(size: i32) -> TextStyle<'static> {
    (FONT, size).into_font().color(&INK)
}

pub(crate) const fn rgb([red, green, blue]: [u8; 3]) -> RGBColor {
    RGBColor(red, green, blue)
}

/// Whether a colour is hard to see on white: by its relative luminance, about as ITU-R BT.709 weighs it.
fn is_pale(RGBColor(red, green, blue): RGBColor) -> bool {
    2 * u32::from(red) + 7 * u32::from(green) + u32::from(blue) > 1900
}
