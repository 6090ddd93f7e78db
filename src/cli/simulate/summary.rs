//! The report as tables for people.

use std::path::Path;
use std::time::Duration;

use super::FILES;
use super::report::{Job, JobRow, Node, Report, Share};
use crate::cli::table::{dash, decimals, table};
use msvpu::report::number::{counted, grouped, short};

/// Of more nodes, and of more jobs, the ends are shown.
const SHOWN: usize = 20;

/// The summary; `written` is the directory of the files, `took` what it cost here.
pub(crate) fn summary(report: &Report, written: Option<&Path>, took: Duration) -> String {
    let mut lines = head(report);
    lines.push(String::new());
    lines.extend(jobs(report));
    lines.push(String::new());
    lines.extend(nodes(report));
    lines.push(String::new());
    lines.push(format!(
        "simulated   in {} s on this machine",
        short(took.as_secs_f64())
    ));
    if let Some(directory) = written {
        lines.push(format!(
            "written     {}: {}",
            directory.display(),
            FILES.join(", ")
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn head(report: &Report) -> Vec<String> {
    let (messages, mailboxes) = (&report.messages, &report.messages.mailboxes);
    let mut lines = vec![
        format!("simulation of {}, seed {}", report.spec, report.seed),
        String::new(),
        format!(
            "cluster     {}, {}; strategy {}, communication {}, lease {} s, jitter {}",
            counted(report.nodes.len() as u64, "node"),
            counted(report.cpus, "CPU"),
            report.strategy,
            report.communication,
            short(report.lease_s),
            percent(report.jitter)
        ),
        format!(
            "makespan    {} s, CPUs {} busy{}",
            short(report.makespan_s),
            percent(report.utilisation),
            if report.finished {
                String::new()
            } else {
                format!("; cut short at {} s", short(report.limit_s))
            }
        ),
        format!(
            "messages    {} of nodes and head, {} sent, {} received; {} lost, {} repeated, {} overtaken",
            grouped(messages.sent),
            bytes(messages.bytes_sent),
            bytes(messages.bytes_received),
            grouped(messages.lost),
            grouped(messages.repeated),
            grouped(messages.overtaken)
        ),
        format!(
            "dropped     {} repeated by links, {} answered before, {} of replaced leaders or lost nodes, {} to mailboxes that were gone",
            grouped(mailboxes.repeated),
            grouped(mailboxes.duplicates),
            grouped(mailboxes.stale),
            grouped(mailboxes.undeliverable)
        ),
        format!(
            "recoveries  {}, {}, {}, {}",
            counted(report.recoveries.kills, "node") + " killed",
            counted(report.recoveries.nodes_given_up, "node") + " given up",
            counted(report.recoveries.restarts, "restart"),
            counted(report.recoveries.leaders_lost, "leader") + " replaced"
        ),
    ];
    let compared: Vec<bool> = report
        .jobs
        .iter()
        .filter_map(|job| job.row.bit_equal)
        .collect();
    if report.compute == "real" {
        let equal = compared.iter().filter(|equal| **equal).count();
        lines.push(format!(
            "results     {equal} of {} bit-equal to the local deployment",
            counted(report.jobs.len() as u64, "job")
        ));
    }
    lines.push(format!("trace       {}", report.trace));
    lines
}

/// Jobs that differ in name and time only, as those of one entry of the spec.
fn groups(jobs: &[Job]) -> Vec<&[Job]> {
    let alike = |a: &Job, b: &Job| {
        let key = |row: &JobRow| {
            (
                row.service.clone(),
                row.owner.clone(),
                row.priority,
                (row.tiles, row.tile_size.to_bits(), row.rounds),
                (row.state, row.reason.clone()),
            )
        };
        key(&a.row) == key(&b.row)
    };
    jobs.chunk_by(alike).collect()
}

fn jobs(report: &Report) -> Vec<String> {
    let groups = groups(&report.jobs);
    let head = [
        "job", "owner", "tiles", "rounds", "state", "took", "mean T", "max ε", "spread",
    ];
    let rows = groups.iter().take(SHOWN).map(|group| job_row(group));
    let mut lines = table(&head.map(str::to_owned), rows.collect(), 2);
    if groups.len() > SHOWN {
        lines.push(format!(
            "and {} more: see --json or --output",
            groups.len() - SHOWN
        ));
    }
    lines
}

fn job_row(group: &[Job]) -> Vec<String> {
    let (first, last) = (&group[0].row, &group[group.len() - 1].row);
    let over = |of: fn(&JobRow) -> Option<f64>| -> Vec<f64> {
        let mut values: Vec<f64> = group.iter().filter_map(|job| of(&job.row)).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let most = |of: fn(&JobRow) -> Option<f64>| over(of).last().map_or_else(dash, |v| decimals(*v));
    let took = over(|row| Some(row.took_s));
    let middle = took[took.len() / 2];
    vec![
        if group.len() == 1 {
            first.name.clone()
        } else {
            format!("{} … {}", first.name, last.name)
        },
        first.owner.clone(),
        first.tiles.to_string(),
        first.rounds.to_string(),
        first.state.to_owned(),
        if group.len() == 1 {
            format!("{} s", short(middle))
        } else {
            let (least, most) = (took[0], took[took.len() - 1]);
            format!("{} s ({} to {})", short(middle), short(least), short(most))
        },
        over(|row| row.mean_time_s)
            .last()
            .map_or_else(dash, |mean| format!("{} s", short(*mean))),
        most(|row| row.max_deviation),
        most(|row| row.spread),
    ]
}

fn nodes(report: &Report) -> Vec<String> {
    let main = report.main_job();
    let share = |node: &Node| -> Option<&Share> {
        main?.nodes.iter().find(|share| share.node == node.name)
    };
    let time = |node: &Node| share(node).map_or(node.busy_s, |share| share.actual_s);
    let mut shown: Vec<&Node> = report.nodes.iter().collect();
    let mut lines = Vec::new();
    if let Some(main) = main.filter(|_| report.jobs.len() > 1) {
        lines.push(format!(
            "T, ε and MsVPUs are those of {}, whose team worked longest",
            main.row.name
        ));
    }
    if shown.len() > SHOWN {
        shown.sort_by(|a, b| time(b).total_cmp(&time(a)));
        shown.drain(SHOWN / 2..shown.len() - SHOWN / 2);
        lines.push(format!(
            "the {} slowest and the {} fastest of {} nodes; all: --json or --output",
            SHOWN / 2,
            SHOWN / 2,
            grouped(report.nodes.len() as u64)
        ));
    }
    let head = [
        "node",
        "CPUs",
        "MsVPUs",
        "load index",
        "predicted",
        "T",
        "ε",
        "CPUs busy",
        "steps",
        "sent",
        "starts",
    ];
    let rows = shown
        .iter()
        .map(|node| node_row(node, share(node)))
        .collect();
    lines.extend(table(&head.map(str::to_owned), rows, 1));
    lines
}

fn node_row(node: &Node, share: Option<&Share>) -> Vec<String> {
    let time = |of: Option<f64>| of.map_or_else(dash, |time| format!("{} s", short(time)));
    vec![
        node.name.clone(),
        node.cpus.to_string(),
        share.map_or_else(dash, |share| share.msvpus.to_string()),
        share
            .and_then(|share| share.load_index)
            .map_or_else(dash, |index| format!("{index:.2}")),
        time(share.and_then(|share| share.predicted_s)),
        time(share.map(|share| share.actual_s)),
        share.map_or_else(dash, |share| decimals(share.deviation)),
        percent(node.utilisation),
        grouped(node.steps),
        bytes(node.bytes_sent),
        node.starts.to_string(),
    ]
}

pub(super) fn percent(part: f64) -> String {
    format!("{:.1} %", part * 100.0)
}

fn bytes(count: f64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if count < 1e3 {
        return format!("{count:.0} B");
    }
    let mut value = count / 1e3;
    let mut units = UNITS.iter();
    let mut unit = units.next();
    while value >= 1e3
        && let Some(next) = units.next()
    {
        value /= 1e3;
        unit = Some(next);
    }
    format!("{value:.3} {}", unit.unwrap_or(&"B"))
}
