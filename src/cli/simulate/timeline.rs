//! The lower part of the picture: when each job ran, and when something went wrong.

use msvpu::{FaultKind, Spec};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::chart::{QUIET, fitting, write};
use super::report::{JobRow, Report};
use msvpu::report::number::{short, ticks};
use msvpu::report::panel::{AXIS, Area, FAINT, INK, Result, THRESHOLD, failed, font};

/// Up to so many jobs have a row with their name.
const NAMED: usize = 24;
/// More jobs than lines that one can tell apart.
const DRAWN: usize = 400;
/// More faults would cover the jobs.
const FAULTS: usize = 24;
const HEAD: i32 = 44;
const FOOT: i32 = 54;
const FAULT_ROW: i32 = 18;
const LEFT: i32 = 200;
const RIGHT: i32 = 1016;
/// One an owner, in turn.
const COLORS: [RGBColor; 6] = [
    RGBColor(0x2f, 0x7d, 0xb5),
    RGBColor(0xd9, 0x86, 0x2e),
    RGBColor(0x3c, 0x93, 0x5b),
    RGBColor(0x8a, 0x63, 0xb0),
    RGBColor(0xb8, 0x8f, 0x1d),
    RGBColor(0x4d, 0x9b, 0xa8),
];

/// What happens at a time, in a word or two.
struct Event {
    at: f64,
    text: String,
    heals: bool,
}

pub(super) struct Timeline<'a> {
    jobs: Vec<&'a JobRow>,
    left_out: usize,
    events: Vec<Event>,
    events_left_out: usize,
    from: f64,
    to: f64,
}

impl<'a> Timeline<'a> {
    pub(super) fn of(report: &'a Report, spec: &Spec) -> Self {
        let mut jobs: Vec<&JobRow> = report.jobs.iter().map(|job| &job.row).collect();
        jobs.retain(|row| row.state != "not-submitted");
        let left_out = jobs.len().saturating_sub(DRAWN);
        jobs.truncate(DRAWN);
        let ends = jobs.iter().map(|row| row.submitted_s + row.took_s);
        let to = ends.fold(0.0, f64::max);
        let mut events = events(spec);
        events.retain(|event| event.at <= to);
        events.sort_by(|a, b| a.at.total_cmp(&b.at));
        let events_left_out = events.len().saturating_sub(FAULTS);
        events.truncate(FAULTS);
        Self {
            jobs,
            left_out,
            events,
            events_left_out,
            from: 0.0,
            to: if to > 0.0 { to } else { 1.0 },
        }
    }

    fn row_height(&self) -> i32 {
        match self.jobs.len() {
            0..=8 => 30,
            9..=NAMED => 22,
            25..=100 => 7,
            _ => 3,
        }
    }

    fn rows(&self) -> i32 {
        self.jobs.len().max(1) as i32 * self.row_height()
    }

    fn fault_rows(&self) -> i32 {
        self.events.len() as i32 * FAULT_ROW
    }

    pub(super) fn height(&self) -> u32 {
        (HEAD + self.rows() + self.fault_rows() + FOOT).unsigned_abs()
    }

    fn x(&self, at: f64) -> i32 {
        let place = (at - self.from) / (self.to - self.from);
        LEFT + (place * f64::from(RIGHT - LEFT)).round() as i32
    }

    pub(super) fn draw(&self, area: &Area<'_>) -> Result {
        let more = match (self.left_out, self.events_left_out) {
            (0, 0) => String::new(),
            (jobs, 0) => format!("; {jobs} more jobs are not drawn"),
            (0, faults) => format!("; {faults} more faults are not drawn"),
            (jobs, faults) => format!("; {jobs} more jobs and {faults} more faults are not drawn"),
        };
        let faults = if self.events.is_empty() {
            ""
        } else {
            ", and what happens to the nodes"
        };
        write(
            area,
            &format!("Jobs from submission to end{faults}{more}"),
            (24, 16),
            17,
            INK,
        )?;
        let floor = HEAD + self.rows() + self.fault_rows() + 6;
        self.draw_axis(area, floor)?;
        self.draw_jobs(area)?;
        self.draw_events(area)
    }

    fn draw_axis(&self, area: &Area<'_>, floor: i32) -> Result {
        let (marks, decimals) = ticks(self.from, self.to, 8);
        for mark in marks {
            let x = self.x(mark);
            area.draw(&PathElement::new([(x, HEAD - 8), (x, floor)], FAINT))
                .map_err(failed)?;
            let label = if decimals > 4 || mark >= 1e7 {
                short(mark)
            } else {
                format!("{mark:.decimals$}")
            };
            let style = font(14).pos(Pos::new(HPos::Center, VPos::Top));
            area.draw(&Text::new(label, (x, floor + 7), style))
                .map_err(failed)?;
        }
        area.draw(&PathElement::new([(LEFT, floor), (RIGHT, floor)], AXIS))
            .map_err(failed)?;
        let style = font(15).pos(Pos::new(HPos::Center, VPos::Top));
        let text = "virtual time, seconds".to_owned();
        area.draw(&Text::new(text, ((LEFT + RIGHT) / 2, floor + 26), style))
            .map_err(failed)
    }

    fn draw_jobs(&self, area: &Area<'_>) -> Result {
        let height = self.row_height();
        let mut owners: Vec<&str> = Vec::new();
        for (row, job) in (0..).zip(&self.jobs) {
            let owner = owners.iter().position(|owner| *owner == job.owner);
            let owner = owner.unwrap_or_else(|| {
                owners.push(&job.owner);
                owners.len() - 1
            });
            let color = if job.state == "succeeded" {
                COLORS[owner % COLORS.len()]
            } else {
                THRESHOLD
            };
            let top = HEAD + row * height;
            let (left, right) = (
                self.x(job.submitted_s),
                self.x(job.submitted_s + job.took_s),
            );
            let air = if height > 10 {
                4
            } else {
                i32::from(height > 4)
            };
            let corners = [(left, top + air), (right.max(left + 2), top + height - air)];
            area.draw(&Rectangle::new(corners, color.filled()))
                .map_err(failed)?;
            if self.jobs.len() > NAMED {
                continue;
            }
            let style = font(14).pos(Pos::new(HPos::Right, VPos::Center));
            let name = fitting(&job.name, 20);
            area.draw(&Text::new(name, (LEFT - 12, top + height / 2), style))
                .map_err(failed)?;
            let told = if job.state == "succeeded" {
                format!("{} s", short(job.took_s))
            } else {
                format!("{}, {} s", job.state, short(job.took_s))
            };
            let inside = right - left > 130;
            let (x, color) = if inside {
                (left + 10, WHITE)
            } else {
                (right + 8, INK)
            };
            write(area, &told, (x, top + height / 2), 14, color)?;
        }
        if self.jobs.len() > NAMED {
            for (row, owner) in (0..).zip(owners.iter().take(COLORS.len())) {
                let y = HEAD + 8 + row * 20;
                let color = COLORS[row as usize % COLORS.len()];
                area.draw(&Rectangle::new([(24, y - 6), (36, y + 6)], color.filled()))
                    .map_err(failed)?;
                write(area, &fitting(owner, 18), (44, y), 14, INK)?;
            }
        }
        Ok(())
    }

    fn draw_events(&self, area: &Area<'_>) -> Result {
        // The earliest lowest: then no line of a later one runs through its words.
        for (row, event) in (0..).zip(self.events.iter().rev()) {
            let (x, y) = (
                self.x(event.at),
                HEAD + self.rows() + row * FAULT_ROW + FAULT_ROW / 2 + 4,
            );
            let color = if event.heals { QUIET } else { THRESHOLD };
            for from in (HEAD - 4..y).step_by(8) {
                let ends = [(x, from), (x, (from + 4).min(y))];
                area.draw(&PathElement::new(ends, color)).map_err(failed)?;
            }
            area.draw(&Circle::new((x, y), 4, color.filled()))
                .map_err(failed)?;
            let text = format!("{} s: {}", short(event.at), event.text);
            let width = 7 * text.chars().count() as i32 + 12;
            let right = x + width > RIGHT + 12;
            let place = if right { HPos::Right } else { HPos::Left };
            let at = (if right { x - 9 } else { x + 9 }, y);
            let style = font(13).color(&color).pos(Pos::new(place, VPos::Center));
            area.draw(&Text::new(text, at, style)).map_err(failed)?;
        }
        Ok(())
    }
}

/// What is planned to go wrong at a time, and when it is over.
fn events(spec: &Spec) -> Vec<Event> {
    let name = |node: usize| spec.nodes.get(node).map_or("", |node| &node.name);
    let mut events = Vec::new();
    for fault in &spec.faults {
        let at = fault.at.as_secs_f64();
        let (text, over) = match &fault.kind {
            FaultKind::Kill {
                node,
                restart_after,
            } => (
                format!("{} is killed", name(*node)),
                restart_after.map(|after| (after, format!("{} starts anew", name(*node)))),
            ),
            FaultKind::Pause { node, duration } => (
                format!("{} stands still", name(*node)),
                Some((*duration, format!("{} goes on", name(*node)))),
            ),
            FaultKind::Slow {
                node,
                factor,
                duration,
            } => (
                format!("{} runs at {} % speed", name(*node), short(factor * 100.0)),
                duration.map(|after| (after, format!("{} runs at full speed", name(*node)))),
            ),
            FaultKind::Partition {
                node,
                direction,
                duration,
            } => {
                let what = match direction {
                    msvpu::Direction::Both => "is cut off",
                    msvpu::Direction::In => "hears nothing",
                    msvpu::Direction::Out => "is not heard",
                };
                (
                    format!("{} {what}", name(*node)),
                    Some((*duration, format!("{} is linked again", name(*node)))),
                )
            }
            FaultKind::Join { node } => {
                events.push(Event {
                    at,
                    text: format!("{} joins", name(*node)),
                    heals: true,
                });
                continue;
            }
            FaultKind::Link { node, duration, .. } => (
                format!("the link of {} is flawed", name(*node)),
                duration.map(|after| (after, format!("the link of {} is sound", name(*node)))),
            ),
            // These wait for their step.
            FaultKind::Panic { .. } | FaultKind::Poison { .. } => continue,
        };
        events.push(Event {
            at,
            text,
            heals: false,
        });
        if let Some((after, text)) = over {
            events.push(Event {
                at: at + after.as_secs_f64(),
                text,
                heals: true,
            });
        }
    }
    events
}
