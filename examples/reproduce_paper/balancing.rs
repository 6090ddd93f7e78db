//! Figure 14 and Table III: what balancing buys on uneven nodes.

use std::error::Error;
use std::time::Duration;

use msvpu::{NodeSpec, Spec};

use crate::chart::{Axis, Chart, Scale, Series};
use crate::cluster::{self, Run, communication, run, spec};
use crate::html::{Html, Table};
use crate::report::{Effort, Facts, Report, Section};

pub(crate) const STRATEGIES: [&str; 3] = ["performance-index", "adaptive", "uniform"];
/// The cheaper first.
pub(crate) const MODELS: [&str; 2] = ["amqp", "acl"];

const FACTS: Facts = Facts {
    measured: "Nothing by a clock, but the balancer’s performance tests, its placing and every message are those of the real \
               actors, and εᵢ is computed from what each simulated node then took.",
    simulated: "The ten nodes, their network and the cost of steps and messages, in virtual time: 1000 elementary images of \
                1024 × 786 pixels, Cₖ = x² for x pixels, 10 rounds, 1 % jitter, as examples/specs/table3.toml says.",
    unknown: "What each of the paper’s nodes can do, its number of rounds and the rows of its Table III: only its largest εᵢ, \
              0.0219, is at hand; the nodes are chosen so that the tiles can be shared out without a remainder.",
};

/// The experiment under each strategy and each model, in their orders.
#[derive(Debug)]
pub(crate) struct Experiment {
    runs: Vec<Vec<Run>>,
}

/// The spec of Table III as it is run here.
pub(crate) fn experiment(
    strategy: &str,
    model: &str,
    effort: Effort,
) -> Result<Spec, Box<dyn Error>> {
    let mut spec = spec()?;
    strategy.clone_into(&mut spec.strategy);
    spec.communication = communication(model)?;
    if effort == Effort::Quick {
        // Fewer heartbeats to simulate in the same virtual time.
        spec.lease = Duration::from_secs(3600);
    }
    Ok(spec)
}

impl Experiment {
    pub(crate) async fn run(effort: Effort) -> Result<Self, Box<dyn Error>> {
        let mut runs = Vec::new();
        for strategy in STRATEGIES {
            let mut of_strategy = Vec::new();
            for model in MODELS {
                of_strategy.push(run(experiment(strategy, model, effort)?).await?);
            }
            runs.push(of_strategy);
        }
        Ok(Self { runs })
    }

    /// T(acl) / T(amqp) of a strategy, in the order of [`STRATEGIES`].
    pub(crate) fn gains(&self) -> Vec<f64> {
        let gain = |runs: &Vec<Run>| runs[1].took.as_secs_f64() / runs[0].took.as_secs_f64();
        self.runs.iter().map(gain).collect()
    }

    /// The largest εᵢ of each strategy, with messages over AMQP.
    pub(crate) fn largest_deviations(&self) -> Vec<f64> {
        self.runs
            .iter()
            .map(|runs| runs[0].largest_deviation())
            .collect()
    }
}

/// Adds Figure 14 and Table III.
pub(crate) async fn add(
    report: &mut Report,
    experiment: &Experiment,
    effort: Effort,
) -> Result<(), Box<dyn Error>> {
    let names: Vec<String> = spec()?.nodes.into_iter().map(|node| node.name).collect();
    let mut section = Section::new(
        "table-3",
        "Figure 14 and Table III: load balancing on uneven nodes",
        FACTS,
    );
    let body = section.body();
    body.element("div", &[("class", "figures")], |html| {
        html.append(&times(experiment).to_html());
        html.append(&loads(experiment).to_html());
    });
    let summary = summary(experiment);
    body.append(&summary.to_html(
        "Strategies and communication models side by side; T is from submission to result",
        2,
    ));
    report.csv("table-3-summary.csv", summary);
    body.leaf("h3", "", "Table III: each node, messages over AMQP");
    let mut all = Table::new(&[
        "strategy",
        "communication",
        "node",
        "performance index",
        "load index",
        "MsVPUs",
        "predicted s",
        "actual s",
        "epsilon",
    ]);
    for (strategy, runs) in STRATEGIES.iter().zip(&experiment.runs) {
        body.append(&nodes(strategy, &names, &runs[0]));
        for (model, run) in MODELS.iter().zip(runs) {
            for (name, node) in names.iter().zip(&run.nodes) {
                all.push([
                    (*strategy).to_owned(),
                    (*model).to_owned(),
                    name.clone(),
                    optional(node.performance_index, |index| index.to_string()),
                    optional(node.load_index, |index| index.to_string()),
                    node.msvpus.to_string(),
                    optional(node.predicted, |time| time.as_secs_f64().to_string()),
                    node.actual.as_secs_f64().to_string(),
                    node.deviation.to_string(),
                ]);
            }
        }
    }
    report.csv("table-3.csv", all);
    for (strategy, deviation) in STRATEGIES.iter().zip(experiment.largest_deviations()) {
        let paper = if *strategy == "performance-index" {
            "0.0219"
        } else {
            "not at hand"
        };
        report.found(
            format!("Table III, largest εᵢ with {strategy}"),
            paper,
            format!("{deviation:.5}"),
        );
    }
    seeds(report, body, effort).await?;
    report.section(section);
    Ok(())
}

/// The largest εᵢ and the gain again with other seeds: they must not be luck, nor due to nodes that fit.
async fn seeds(report: &mut Report, body: &mut Html, effort: Effort) -> Result<(), Box<dyn Error>> {
    let seeds = effort.choose(20, 1);
    let mut table = Table::new(&[
        "Strategy",
        "Nodes",
        "Seeds",
        "Smallest",
        "Median",
        "Largest",
        "Smallest φ − 1",
    ]);
    for nodes in ["of table3.toml", "drawn by seed"] {
        for strategy in ["performance-index", "adaptive"] {
            let (mut deviations, mut gain) = (Vec::new(), f64::INFINITY);
            for seed in 1..=seeds {
                let mut times = Vec::new();
                for model in MODELS {
                    // The longer lease makes no difference to a cluster that loses nothing.
                    let mut spec = experiment(strategy, model, Effort::Quick)?;
                    spec.seed = seed;
                    if nodes == "drawn by seed" {
                        spec.nodes = drawn(seed)?;
                    }
                    let run = run(spec).await?;
                    times.push(run.took.as_secs_f64());
                    if model == MODELS[0] {
                        deviations.push(run.largest_deviation());
                    }
                }
                gain = gain.min(times[1] / times[0]);
            }
            deviations.sort_by(f64::total_cmp);
            let at = |place: usize| {
                deviations
                    .get(place)
                    .map_or(String::new(), |e| format!("{e:.5}"))
            };
            table.push([
                strategy.to_owned(),
                nodes.to_owned(),
                seeds.to_string(),
                at(0),
                at(deviations.len() / 2),
                at(deviations.len() - 1),
                format!("{:.1e}", gain - 1.0),
            ]);
            report.found(
                format!("Largest εᵢ of seeds 1 to {seeds}, nodes {nodes}, {strategy}"),
                "not at hand",
                at(deviations.len() - 1),
            );
        }
    }
    body.leaf(
        "h3",
        "",
        "With other seeds, and with nodes that do not fit (our own addition)",
    );
    body.paragraph(
        "Nodes drawn by seed have 1 to 4 CPUs of 0.5 to 1.5 · 10⁹ operations a second. An MsVPU runs on one CPU, so a node whose \
         share is no multiple of its CPUs computes a wave that is not full, and εᵢ is mostly that. Jitter lets \
         the arrival of tiles decide which steps share a CPU: that is worth seconds in 180 hours either way, as much as all \
         messages, so that φ − 1 can be negative there.",
    );
    body.append(&table.to_html("The largest εᵢ of a run (AMQP), and the smallest gain", 2));
    report.csv("table-3-seeds.csv", table);
    Ok(())
}

/// Ten nodes that were not chosen.
fn drawn(seed: u64) -> Result<Vec<NodeSpec>, Box<dyn Error>> {
    let nodes = format!(
        "seed = {seed}\n[[nodes]]\nname = \"node\"\ncount = 10\ncpus = {{ min = 1, max = 4 }}\n\
         speed = {{ min = 0.5e9, max = 1.5e9 }}\nlatency_ms = {{ min = 0.2, max = 0.8 }}\n"
    );
    let job = cluster::TABLE_3
        .split("[[jobs]]")
        .nth(1)
        .unwrap_or_default();
    let spec = Spec::parse(&format!("{nodes}[[jobs]]{job}"), "nodes drawn by seed")?;
    Ok(spec.nodes)
}

fn optional<T>(value: Option<T>, text: impl Fn(T) -> String) -> String {
    value.map_or_else(String::new, text)
}

fn hours(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() / 3600.0)
}

fn nodes(strategy: &str, names: &[String], run: &Run) -> Html {
    let mut table = Table::new(&[
        "Node",
        "Performance index",
        "Load index",
        "MsVPUs",
        "Predicted, h",
        "Actual, h",
        "εᵢ",
    ]);
    for (name, node) in names.iter().zip(&run.nodes) {
        table.push([
            name.clone(),
            optional(node.performance_index, |index| format!("{index:.4}")),
            optional(node.load_index, |index| format!("{index:.2}")),
            node.msvpus.to_string(),
            optional(node.predicted, hours),
            hours(node.actual),
            format!("{:.5}", node.deviation),
        ]);
    }
    let caption = format!(
        "{strategy}: largest εᵢ {:.5}; times over all rounds",
        run.largest_deviation()
    );
    table.to_html(&caption, 1)
}

fn summary(experiment: &Experiment) -> Table {
    let mut table = Table::new(&[
        "Strategy",
        "Communication",
        "T, h",
        "Largest εᵢ",
        "Messages",
        "MB sent",
    ]);
    for (strategy, runs) in STRATEGIES.iter().zip(&experiment.runs) {
        for (model, run) in MODELS.iter().zip(runs) {
            table.push([
                (*strategy).to_owned(),
                (*model).to_owned(),
                hours(run.took),
                format!("{:.5}", run.largest_deviation()),
                run.messages.to_string(),
                format!("{:.1}", run.bytes / 1e6),
            ]);
        }
    }
    table
}

fn by_node(experiment: &Experiment, value: impl Fn(&msvpu::NodeReport) -> f64) -> Vec<Series> {
    let series = STRATEGIES
        .iter()
        .zip(&experiment.runs)
        .map(|(strategy, runs)| Series {
            name: (*strategy).to_owned(),
            points: (1..)
                .zip(&runs[0].nodes)
                .map(|(at, node)| (f64::from(at), value(node)))
                .collect(),
        });
    series.collect()
}

fn chart(label: &'static str, description: &str, caption: &str, series: Vec<Series>) -> Chart {
    let values = series
        .iter()
        .flat_map(|series| &series.points)
        .map(|(_, value)| *value);
    let up = Axis::linear(label, values, true);
    Chart {
        description: description.to_owned(),
        caption: caption.to_owned(),
        across: Axis::at(
            "node",
            Scale::Linear,
            (1..=10).map(|at| (f64::from(at), at.to_string())).collect(),
        ),
        up,
        series,
        marks: Vec::new(),
    }
}

fn times(experiment: &Experiment) -> Chart {
    chart(
        "time of the node, h",
        "The time that each of the ten nodes takes, under three strategies",
        "Figure 14, as far as its subject is known: what each node takes (AMQP). Balanced, the line is flat.",
        by_node(experiment, |node| node.actual.as_secs_f64() / 3600.0),
    )
}

fn loads(experiment: &Experiment) -> Chart {
    chart(
        "MsVPUs on the node",
        "The number of MsVPUs on each of the ten nodes, under three strategies",
        "How many of the 1000 MsVPUs each node got.",
        by_node(experiment, |node| f64::from(node.msvpus)),
    )
}
