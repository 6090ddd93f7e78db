//! `simulation.svg`: how even the nodes were, and when what happened.

use msvpu::Spec;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::report::{Node, Report};
use super::summary::percent;
use super::timeline;
use msvpu::report::number::{counted, short, ticks};
use msvpu::report::panel::{AXIS, Area, Axis, FAINT, INK, Result, THRESHOLD, failed, font};

const WIDTH: u32 = 1040;
const HEAD: u32 = 84;
const TIMES: u32 = 330;
const USED: u32 = 230;
/// Up to so many nodes have names, and ε above their bars.
const NAMED: usize = 16;
const BAR: RGBColor = RGBColor(0x2f, 0x7d, 0xb5);
const IDLE: RGBColor = RGBColor(0xd5, 0xdb, 0xe2);
pub(super) const QUIET: RGBColor = RGBColor(0x6b, 0x75, 0x85);

/// The picture as an SVG document.
pub(crate) fn svg(report: &Report, spec: &Spec) -> Result<String> {
    let timeline = timeline::Timeline::of(report, spec);
    let height = HEAD + TIMES + USED + timeline.height();
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        root.fill(&WHITE).map_err(failed)?;
        let (head, body) = root.split_vertically(HEAD);
        let (times, rest) = body.split_vertically(TIMES);
        let (used, below) = rest.split_vertically(USED);
        title(&head, report)?;
        draw_times(&times, report)?;
        draw_use(&used, report)?;
        timeline.draw(&below)?;
        root.present().map_err(failed)?;
    }
    Ok(svg)
}

fn title(area: &Area<'_>, report: &Report) -> Result {
    let name = std::path::Path::new(&report.spec);
    let name = name.file_name().map_or_else(String::new, |name| {
        let shown = name.to_string_lossy();
        // XML has no room for control characters, the line none for more.
        shown.chars().filter(|c| !c.is_control()).take(48).collect()
    });
    write(
        area,
        &format!("{name}: {}, seed {}", report.strategy, report.seed),
        (24, 32),
        22,
        INK,
    )?;
    let line = format!(
        "{}, {}, {}; makespan {} s, CPUs {} busy; trace {}",
        counted(report.nodes.len() as u64, "node"),
        counted(report.cpus, "CPU"),
        counted(report.jobs.len() as u64, "job"),
        short(report.makespan_s),
        percent(report.utilisation),
        report.trace
    );
    write(area, &line, (24, 58), 15, QUIET)
}

pub(super) fn write(
    area: &Area<'_>,
    text: &str,
    at: (i32, i32),
    size: i32,
    color: RGBColor,
) -> Result {
    let style = font(size)
        .color(&color)
        .pos(Pos::new(HPos::Left, VPos::Center));
    area.draw(&Text::new(text.to_owned(), at, style))
        .map_err(failed)
}

/// One bar a node.
struct Bar<'a> {
    name: &'a str,
    height: f64,
    /// Where it was expected to end.
    mark: Option<f64>,
    text: String,
}

struct Bars<'a> {
    title: String,
    axis: &'a str,
    high: f64,
    percent: bool,
    mean: Option<(f64, String)>,
    bars: Vec<Bar<'a>>,
}

fn draw_times(area: &Area<'_>, report: &Report) -> Result {
    let Some(job) = report.main_job() else {
        return write(
            area,
            "No job has ended: there is no T of a node.",
            (24, 24),
            16,
            QUIET,
        );
    };
    let mut bars: Vec<Bar<'_>> = job
        .nodes
        .iter()
        .map(|share| Bar {
            name: &share.node,
            height: share.actual_s,
            mark: share.predicted_s,
            text: format!("{:.4}", share.deviation),
        })
        .collect();
    let count = bars.len();
    if count > NAMED {
        bars.sort_by(|a, b| a.height.total_cmp(&b.height));
    }
    let high = bars.iter().map(|bar| bar.height).fold(0.0, f64::max);
    // A prediction far above the bars would flatten them.
    let marks = bars
        .iter()
        .filter_map(|bar| bar.mark)
        .filter(|mark| *mark < 1.5 * high);
    let high = marks.fold(high, f64::max) * 1.14;
    let mean = job.row.mean_time_s.unwrap_or_default();
    let worst = job.row.max_deviation.unwrap_or_default();
    Bars {
        title: format!(
            "Time T of each node for {}{}: mean {} s, ε at most {worst:.4}{}",
            job.row.name,
            if report.jobs.len() > 1 {
                ", the longest job"
            } else {
                ""
            },
            short(mean),
            if count > NAMED {
                "; sorted"
            } else {
                "; ε above each bar, a dark line where T was predicted"
            }
        ),
        axis: "T, seconds",
        high,
        percent: false,
        mean: Some((mean, "mean T".to_owned())),
        bars,
    }
    .draw(area)
}

fn draw_use(area: &Area<'_>, report: &Report) -> Result {
    let bar = |node: &Node| (node.utilisation, percent(node.utilisation));
    let mut bars: Vec<Bar<'_>> = report
        .nodes
        .iter()
        .map(|node| Bar {
            name: &node.name,
            height: bar(node).0,
            mark: None,
            text: bar(node).1,
        })
        .collect();
    if bars.len() > NAMED {
        bars.sort_by(|a, b| a.height.total_cmp(&b.height));
    }
    Bars {
        title: format!(
            "CPUs busy, of the makespan: {} of all CPUs{}",
            percent(report.utilisation),
            if bars.len() > NAMED { "; sorted" } else { "" }
        ),
        axis: "busy",
        high: 1.0,
        percent: true,
        mean: None,
        bars,
    }
    .draw(area)
}

impl Bars<'_> {
    fn draw(&self, area: &Area<'_>) -> Result {
        let count = self.bars.len();
        let named = count <= NAMED;
        write(area, &self.title, (24, 16), 17, INK)?;
        let high = if self.high > 0.0 { self.high } else { 1.0 };
        let (marks, decimals) = ticks(0.0, high, if self.percent { 4 } else { 5 });
        let across = Axis {
            range: 0.0..count.max(1) as f64,
            ticks: Vec::new(),
        };
        let up = Axis {
            range: 0.0..if self.percent { 1.12 } else { high },
            ticks: marks,
        };
        let mut chart = ChartBuilder::on(area)
            .margin_left(14)
            .margin_right(if self.mean.is_some() { 84 } else { 24 })
            .margin_top(34)
            .margin_bottom(if named { 34 } else { 14 })
            .y_label_area_size(88)
            .build_cartesian_2d(across, up)
            .map_err(failed)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(FAINT)
            .axis_style(AXIS)
            .label_style(font(14))
            .axis_desc_style(font(15))
            .y_desc(self.axis)
            .y_label_formatter(&|value| {
                if self.percent {
                    format!("{:.0} %", value * 100.0)
                } else if decimals > 4 || high >= 1e7 {
                    short(*value)
                } else {
                    format!("{value:.decimals$}")
                }
            })
            .draw()
            .map_err(failed)?;
        // Wide bars have air between them, many have none.
        let air = if named {
            0.18
        } else if count <= 200 {
            0.08
        } else {
            0.0
        };
        for (at, bar) in self.bars.iter().enumerate() {
            let (left, right) = (at as f64 + air, (at + 1) as f64 - air);
            if self.percent && named {
                let idle = Rectangle::new([(left, 0.0), (right, 1.0)], IDLE.filled());
                chart.draw_series([idle]).map_err(failed)?;
            }
            let full = Rectangle::new([(left, 0.0), (right, bar.height)], BAR.filled());
            chart.draw_series([full]).map_err(failed)?;
            if let Some(mark) = bar.mark.filter(|mark| named && *mark <= high) {
                let ends = [(left - 0.06, mark), (right + 0.06, mark)];
                chart
                    .draw_series([PathElement::new(ends, INK.stroke_width(3))])
                    .map_err(failed)?;
            }
        }
        let place = |point: (f64, f64)| {
            let (x, y) = chart.backend_coord(&point);
            let (left, top) = area.get_base_pixel();
            (x - left, y - top)
        };
        if let Some((mean, text)) = &self.mean {
            let (left, height) = place((0.0, *mean));
            let (right, _) = place((count.max(1) as f64, *mean));
            for from in (left..right).step_by(12) {
                let ends = [(from, height), ((from + 7).min(right), height)];
                area.draw(&PathElement::new(ends, THRESHOLD.stroke_width(2)))
                    .map_err(failed)?;
            }
            write(area, text, (right + 8, height), 14, THRESHOLD)?;
        }
        if !named {
            return Ok(());
        }
        let room = 880 / count.max(1);
        for (at, bar) in self.bars.iter().enumerate() {
            let middle = at as f64 + 0.5;
            let centered = |size: i32, place: VPos| font(size).pos(Pos::new(HPos::Center, place));
            let (x, y) = place((
                middle,
                bar.height
                    .max(bar.mark.filter(|m| *m <= high).unwrap_or(0.0)),
            ));
            if self.mean.is_some() {
                // The line of the mean does not run through a number.
                let half = 4 * bar.text.chars().count() as i32;
                let corners = [(x - half, y - 17), (x + half, y - 3)];
                area.draw(&Rectangle::new(corners, WHITE.filled()))
                    .map_err(failed)?;
            }
            let style = centered(13, VPos::Bottom);
            area.draw(&Text::new(bar.text.clone(), (x, y - 4), style))
                .map_err(failed)?;
            let (x, y) = place((middle, 0.0));
            let name = fitting(bar.name, room / 8);
            let style = centered(14, VPos::Top);
            area.draw(&Text::new(name, (x, y + 9), style))
                .map_err(failed)?;
        }
        Ok(())
    }
}

/// A long name without its middle.
pub(super) fn fitting(name: &str, most: usize) -> String {
    let letters: Vec<char> = name.chars().collect();
    let most = most.max(3);
    if letters.len() <= most {
        return name.to_owned();
    }
    let end = (most - 1) / 2;
    let start = most - 1 - end;
    letters[..start]
        .iter()
        .chain(&['…'])
        .chain(&letters[letters.len() - end..])
        .collect()
}
