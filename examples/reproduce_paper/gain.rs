//! The gain φ of MsVPUs over mobile agents.

use std::error::Error;

use msvpu::Formula;

use crate::balancing::{Experiment, MODELS, STRATEGIES, experiment};
use crate::chart::{Axis, Chart, Mark, Scale, Series};
use crate::cluster::{communication, run};
use crate::html::{Html, Table};
use crate::report::{Effort, Facts, Report, Section};

const FACTS: Facts = Facts {
    measured: "The envelope of this project’s messages, by encoding them; the rest of what a message costs is counted from the \
               specifications named below, or assumed where that is said.",
    simulated: "Both machines on the cluster of Table III, alike but for what a message costs: amqp is MsVPU, acl is AVPU, \
                whose mobile agents take code and state along and talk in ACL text messages.",
    unknown: "The paper’s definition of φ and its value, so here φ = T(acl) / T(amqp) with T from submission to result; and what \
              AVPU’s agents weigh and what handling their messages costs.",
};

/// Formulas of Cₖ, with the name of their curve.
const COMPLEXITIES: [(&str, &str); 2] = [("x", "Cₖ = x"), ("x^2", "Cₖ = x²")];

/// Adds the gain: in Table III's setting, and where messages matter.
pub(crate) async fn add(
    report: &mut Report,
    experiment: &Experiment,
    effort: Effort,
) -> Result<(), Box<dyn Error>> {
    let mut section = Section::new("gain", "The gain φ of amqp over acl", FACTS);
    let body = section.body();
    body.leaf("h3", "", "In Table III’s setting");
    body.paragraph(
        "A step of Table III computes for nine minutes to half an hour, its messages take milliseconds, and the tiles travel \
         while others compute: φ is greater than 1 by a few millionths. Both models see equal steps: what a step is off by depends \
         on the seed, the rank and the round, not on when its messages came. What messages cost shows below.",
    );
    let mut table = Table::new(&["Strategy", "φ", "φ − 1", "φ − 1 without jitter"]);
    let calm = calm_gains().await?;
    for ((strategy, gain), calm) in STRATEGIES.iter().zip(experiment.gains()).zip(calm) {
        table.push([
            (*strategy).to_owned(),
            format!("{gain:.9}"),
            format!("{:.2e}", gain - 1.0),
            format!("{:.2e}", calm - 1.0),
        ]);
        for (gain, jitter) in [(gain, "with jitter"), (calm, "without jitter")] {
            report.found(
                format!("Gain φ in Table III’s setting with {strategy}, {jitter}"),
                "not at hand",
                format!("1 + {:.2e}", gain - 1.0),
            );
        }
    }
    body.append(&table.to_html("φ = T(acl) / T(amqp)", 1));
    report.csv("gain-table-3.csv", table);

    body.leaf(
        "h3",
        "",
        "Where messages matter (our own addition, not in the paper)",
    );
    body.paragraph(
        "The same cluster and 1000 tiles in 10 rounds, with tiles of other sizes and without jitter. Small steps leave nothing for messages to hide \
         behind; there the code and state that agents take along weigh most.",
    );
    let (curves, table) = sweep(effort).await?;
    let most = curves
        .iter()
        .flat_map(|curve| &curve.points)
        .map(|(_, gain)| *gain);
    report.found(
        "Gain φ where messages matter most (our own addition)",
        "not at hand",
        format!("{:.2}", most.fold(0.0, f64::max)),
    );
    body.element("div", &[("class", "figures")], |html| {
        html.append(&chart(curves).to_html());
        html.append(&table.to_html("T with performance-index", 1));
    });
    report.csv("gain.csv", table);
    costs(body)?;
    report.section(section);
    Ok(())
}

/// φ of each strategy where no step has any jitter.
pub(crate) async fn calm_gains() -> Result<Vec<f64>, Box<dyn Error>> {
    let mut gains = Vec::new();
    for strategy in STRATEGIES {
        let mut times = Vec::new();
        for model in MODELS {
            let mut spec = experiment(strategy, model, Effort::Quick)?;
            spec.jitter = 0.0;
            times.push(run(spec).await?.took.as_secs_f64());
        }
        gains.push(times[1] / times[0]);
    }
    Ok(gains)
}

/// How long the job takes under each of the [`MODELS`], in seconds, with tiles of `size` pixels and
/// steps of that complexity.
pub(crate) async fn times(formula: &str, size: f64) -> Result<Vec<f64>, Box<dyn Error>> {
    let mut times = Vec::new();
    for model in MODELS {
        let mut spec = experiment("performance-index", model, Effort::Quick)?;
        // One draw more on one side would outweigh all messages.
        spec.jitter = 0.0;
        for job in &mut spec.jobs {
            job.tile_size = size;
            job.complexity = Formula::parse(formula)?;
        }
        times.push(run(spec).await?.took.as_secs_f64());
    }
    Ok(times)
}

async fn sweep(effort: Effort) -> Result<(Vec<Series>, Table), Box<dyn Error>> {
    let sizes: &[f64] = effort.choose(
        &[1024.0, 4096.0, 16_384.0, 65_536.0, 262_144.0, 804_864.0],
        &[1024.0, 65_536.0, 804_864.0],
    );
    let mut table = Table::new(&["Cₖ", "Pixels of a tile, x", "T amqp, s", "T acl, s", "φ"]);
    let mut curves = Vec::new();
    for (formula, name) in COMPLEXITIES {
        let mut points = Vec::new();
        for size in sizes {
            let times = times(formula, *size).await?;
            let gain = times[1] / times[0];
            points.push((*size, gain));
            table.push([
                name.replace("Cₖ = ", ""),
                size.to_string(),
                format!("{:.3}", times[0]),
                format!("{:.3}", times[1]),
                format!("{gain:.4}"),
            ]);
        }
        curves.push(Series {
            name: name.to_owned(),
            points,
        });
    }
    Ok((curves, table))
}

fn chart(curves: Vec<Series>) -> Chart {
    let sizes = [(1024.0, "32²"), (16_384.0, "128²"), (262_144.0, "512²")];
    let mut across = Axis::at(
        "pixels of a tile, x",
        Scale::Logarithmic,
        sizes.map(|(size, name)| (size, name.to_owned())).to_vec(),
    );
    across.high = 1e6;
    let gains = curves
        .iter()
        .flat_map(|curve| &curve.points)
        .map(|(_, gain)| *gain);
    Chart {
        description: "The gain against the size of a tile, for steps of linear and quadratic cost".to_owned(),
        caption: "Our own addition: φ against the size of a tile; the last point is Table III’s 1024 × 786. Dashed: no gain.".to_owned(),
        across,
        up: Axis::linear("φ = T(acl) / T(amqp)", gains, true),
        series: curves,
        marks: vec![Mark::Horizontal(1.0, String::new())],
    }
}

/// What a message of each model costs, and where each number comes from.
fn costs(body: &mut Html) -> Result<(), Box<dyn Error>> {
    let [amqp, acl] = [communication("amqp")?, communication("acl")?];
    let microseconds = |handling: std::time::Duration| handling.as_secs_f64() * 1e6;
    let mut table = Table::new(&["A message", "amqp", "acl", "amqp: source", "acl: source"]);
    let row = |cells: [&str; 5]| cells.map(str::to_owned);
    table.push(row([
        "envelope, bytes",
        &amqp.envelope_bytes.to_string(),
        &acl.envelope_bytes.to_string(),
        "measured: this project’s envelopes as postcard encodes them, with the frames of AMQP 0-9-1 counted by its \
         specification",
        "counted: a typical inform in the string representation, FIPA SC00070I",
    ]));
    table.push(row([
        "bytes on the wire for a byte of payload",
        &format!("{:.3}", amqp.expansion),
        &format!("{:.3}", acl.expansion),
        "bodies travel as they are",
        "text: Base64, RFC 4648",
    ]));
    table.push(row([
        "handling at each end, µs",
        &format!("{:.0}", microseconds(amqp.handling)),
        &format!("{:.0}", microseconds(acl.handling)),
        "measured once: 26,000 confirmed messages of 1 KiB a second with lapin on RabbitMQ 3.10",
        "assumed: ten times amqp, for writing and parsing text",
    ]));
    table.push(row([
        "code and state with each MsVPU, bytes",
        &amqp.migration_bytes.to_string(),
        &acl.migration_bytes.to_string(),
        "none: the program is on every node already",
        "assumed: a small agent’s class files and serialised state; what the paper’s weigh is not at hand",
    ]));
    body.leaf("h3", "", "What a message costs");
    body.append(&table.to_html("The presets of the simulation; a spec may have others", 5));
    body.paragraph(
        "Two of acl’s four numbers are assumptions, and φ where messages matter follows them.",
    );
    Ok(())
}
