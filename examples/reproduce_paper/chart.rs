//! Line charts as inline SVG. Colours come from the page's style, so that they follow its light and dark.

use crate::html::Html;

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 300.0;
/// Left, top, right and bottom of the plotted area.
const PLOT: [f64; 4] = [62.0, 16.0, 468.0, 252.0];

/// How values become places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    Linear,
    /// For values above 0 only.
    Logarithmic,
}

/// One direction of a chart.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    pub(crate) label: &'static str,
    pub(crate) scale: Scale,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) ticks: Vec<(f64, String)>,
}

/// One curve.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// A dashed line across the chart.
#[derive(Clone, Debug)]
pub(crate) enum Mark {
    Vertical(f64, String),
    Horizontal(f64, String),
}

/// A figure: axes, at most four curves, marks.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    /// What a reader who does not see it is told.
    pub(crate) description: String,
    pub(crate) caption: String,
    pub(crate) across: Axis,
    pub(crate) up: Axis,
    pub(crate) series: Vec<Series>,
    pub(crate) marks: Vec<Mark>,
}

impl Axis {
    /// Whole powers of ten around the values, of which there must be one above 0.
    pub(crate) fn decades(label: &'static str, values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = range(values.filter(|value| *value > 0.0));
        let first = low.log10().floor() as i32;
        let last = (high.log10().ceil() as i32).max(first + 1);
        let step = (last - first + 7) / 8;
        let ticks = (first..=last).step_by(step.max(1) as usize);
        Self {
            label,
            scale: Scale::Logarithmic,
            low: 10_f64.powi(first),
            high: 10_f64.powi(last),
            ticks: ticks
                .map(|exponent| (10_f64.powi(exponent), power_of_ten(exponent)))
                .collect(),
        }
    }

    /// Round numbers around the values, from 0 where `from_zero`.
    pub(crate) fn linear(
        label: &'static str,
        values: impl Iterator<Item = f64>,
        from_zero: bool,
    ) -> Self {
        let (low, high) = range(values);
        let low = if from_zero { low.min(0.0) } else { low };
        let rough = ((high - low) / 5.0).max(high.abs() * 1e-9 + f64::MIN_POSITIVE);
        let decade = 10_f64.powf(rough.log10().floor());
        let factor = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .find(|factor| factor * decade >= rough);
        let step = factor.unwrap_or(10.0) * decade;
        let (first, last) = ((low / step).floor() as i64, (high / step).ceil() as i64);
        let decimals = usize::try_from(-step.log10().floor() as i64).unwrap_or(0);
        Self {
            label,
            scale: Scale::Linear,
            low: first as f64 * step,
            high: last as f64 * step,
            ticks: (first..=last)
                .map(|at| at as f64 * step)
                .map(|value| (value, format!("{value:.decimals$}")))
                .collect(),
        }
    }

    /// Ticks at these values and no others, with some air around them.
    pub(crate) fn at(label: &'static str, scale: Scale, values: Vec<(f64, String)>) -> Self {
        let (low, high) = range(values.iter().map(|(value, _)| *value));
        let (low, high) = match scale {
            Scale::Linear => {
                let air = (high - low) / 40.0;
                (low - air, high + air)
            }
            Scale::Logarithmic => {
                let air = (high / low).powf(1.0 / 40.0);
                (low / air, high * air)
            }
        };
        Self {
            label,
            scale,
            low,
            high,
            ticks: values,
        }
    }

    fn place(&self, value: f64, from: f64, to: f64) -> f64 {
        let at = |value: f64| match self.scale {
            Scale::Linear => value,
            Scale::Logarithmic => value.max(f64::MIN_POSITIVE).ln(),
        };
        let (low, high) = (at(self.low), at(self.high));
        from + (to - from) * (at(value) - low) / (high - low)
    }
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    })
}

fn power_of_ten(exponent: i32) -> String {
    let superscript = |digit: char| match digit {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        // The others follow each other.
        digit => char::from_u32(0x2070 + u32::from(digit) - u32::from('0')).unwrap_or(digit),
    };
    match exponent {
        0 => "1".to_owned(),
        1 => "10".to_owned(),
        _ => format!(
            "10{}",
            exponent
                .to_string()
                .chars()
                .map(superscript)
                .collect::<String>()
        ),
    }
}

impl Chart {
    /// A figure with its legend and caption.
    pub(crate) fn to_html(&self) -> Html {
        let mut html = Html::default();
        html.element("figure", &[], |html| {
            let view = format!("0 0 {WIDTH} {HEIGHT}");
            let attributes = [
                ("viewBox", &view[..]),
                ("role", "img"),
                ("aria-label", &self.description),
            ];
            html.element("svg", &attributes, |svg| self.draw(svg));
            if self.series.len() > 1 {
                html.element("ul", &[("class", "legend")], |html| self.legend(html));
            }
            html.leaf("figcaption", "", &self.caption);
        });
        html
    }

    fn draw(&self, svg: &mut Html) {
        let [left, top, right, bottom] = PLOT;
        let across = |value| self.across.place(value, left, right);
        let up = |value| self.up.place(value, bottom, top);
        for (value, label) in &self.up.ticks {
            line(svg, "grid", (left, up(*value)), (right, up(*value)));
            text(svg, "", "end", (left - 7.0, up(*value) + 4.5), label);
        }
        for (value, label) in &self.across.ticks {
            line(
                svg,
                "axis",
                (across(*value), bottom),
                (across(*value), bottom + 5.0),
            );
            text(svg, "", "middle", (across(*value), bottom + 19.0), label);
        }
        line(svg, "axis", (left, bottom), (right, bottom));
        text(
            svg,
            "soft",
            "middle",
            (f64::midpoint(left, right), HEIGHT - 8.0),
            self.across.label,
        );
        let turned = format!(
            "rotate(-90 13 {0}) translate(13 {0})",
            f64::midpoint(top, bottom)
        );
        svg.element(
            "text",
            &[
                ("class", "soft"),
                ("text-anchor", "middle"),
                ("transform", &turned),
            ],
            |svg| {
                svg.text(self.up.label);
            },
        );
        for mark in &self.marks {
            match mark {
                Mark::Vertical(value, label) => {
                    line(svg, "mark", (across(*value), top), (across(*value), bottom));
                    text(
                        svg,
                        "mark-label",
                        "start",
                        (across(*value) + 6.0, top + 11.0),
                        label,
                    );
                }
                Mark::Horizontal(value, label) => {
                    line(svg, "mark", (left, up(*value)), (right, up(*value)));
                    text(
                        svg,
                        "mark-label",
                        "start",
                        (left + 4.0, up(*value) - 5.0),
                        label,
                    );
                }
            }
        }
        for (at, series) in self.series.iter().enumerate() {
            let places: Vec<(f64, f64)> = series
                .points
                .iter()
                .map(|(x, y)| (across(*x), up(*y)))
                .collect();
            curve(svg, at, &places);
        }
    }

    fn legend(&self, html: &mut Html) {
        for (at, series) in self.series.iter().enumerate() {
            html.element("li", &[], |html| {
                let attributes = [("viewBox", "0 0 36 14"), ("aria-hidden", "true")];
                html.element("svg", &attributes, |svg| {
                    polyline(svg, at, &[(0.0, 7.0), (36.0, 7.0)]);
                    marker(svg, at, (18.0, 7.0));
                });
                html.text(&series.name);
            });
        }
    }
}

fn curve(svg: &mut Html, at: usize, places: &[(f64, f64)]) {
    polyline(svg, at, places);
    for place in places {
        marker(svg, at, *place);
    }
}

fn polyline(svg: &mut Html, at: usize, places: &[(f64, f64)]) {
    let points: Vec<String> = places
        .iter()
        .map(|(x, y)| format!("{x:.1},{y:.1}"))
        .collect();
    let class = format!("s{at}");
    svg.empty(
        "polyline",
        &[("class", &class), ("points", &points.join(" "))],
    );
}

/// Shapes differ, for those who see the colours alike.
fn marker(svg: &mut Html, at: usize, (x, y): (f64, f64)) {
    let shape = match at {
        0 => "m-3.4,0a3.4,3.4 0 1,0 6.8,0a3.4,3.4 0 1,0 -6.8,0",
        1 => "m-3.2,-3.2h6.4v6.4h-6.4z",
        2 => "m0,-4.2l4,7h-8z",
        _ => "m0,-4.4l4.4,4.4l-4.4,4.4l-4.4,-4.4z",
    };
    let (class, path) = (format!("s{at}"), format!("M{x:.1},{y:.1}{shape}"));
    svg.empty("path", &[("class", &class), ("d", &path)]);
}

fn line(svg: &mut Html, class: &str, from: (f64, f64), to: (f64, f64)) {
    let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(|at| format!("{at:.1}"));
    let attributes = [
        ("class", class),
        ("x1", &x1),
        ("y1", &y1),
        ("x2", &x2),
        ("y2", &y2),
    ];
    svg.empty("line", &attributes);
}

fn text(svg: &mut Html, class: &str, anchor: &str, (x, y): (f64, f64), text: &str) {
    let (x, y) = (format!("{x:.1}"), format!("{y:.1}"));
    let attributes = [
        ("class", class),
        ("text-anchor", anchor),
        ("x", &x),
        ("y", &y),
    ];
    svg.element("text", &attributes, |svg| {
        svg.text(text);
    });
}
