//! Figure 14 and Table III: the paper's balancing experiment, in virtual time.

use std::error::Error;
use std::time::Duration;

use msvpu::{Communication, JobState, NodeReport, Spec, Synthetic, VirtualMachine};

/// The cluster, the job and what each message costs.
pub(crate) const TABLE_3: &str = include_str!("../specs/table3.toml");

/// Beyond any of these jobs; one that is not over by then has failed.
const LONGEST: Duration = Duration::from_secs(1 << 36);

/// What one job has shown.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// From its submission to its end.
    pub(crate) took: Duration,
    /// In the order of the spec.
    pub(crate) nodes: Vec<NodeReport>,
    /// Messages between nodes, and their bytes as the communication model weighs them.
    pub(crate) messages: u64,
    pub(crate) bytes: f64,
}

/// The spec of Table III.
pub(crate) fn spec() -> Result<Spec, Box<dyn Error>> {
    Ok(Spec::parse(TABLE_3, "examples/specs/table3.toml")?)
}

/// The model of that name.
pub(crate) fn communication(name: &str) -> Result<Communication, Box<dyn Error>> {
    Communication::preset(name).ok_or_else(|| format!("there is no model `{name}`").into())
}

/// Runs the one job of a spec.
pub(crate) async fn run(spec: Spec) -> Result<Run, Box<dyn Error>> {
    let simulation = VirtualMachine::simulated(spec)
        .service::<Synthetic>()
        .start()
        .await?;
    simulation.submit_spec()?;
    let outcome = simulation.run(LONGEST).await;
    simulation.machine().clone().shutdown().await;
    let [job] = &outcome.jobs[..] else {
        return Err("the spec must have one job".into());
    };
    if job.state != JobState::Succeeded {
        return Err(format!("the simulated job is not done: {}", job.state).into());
    }
    Ok(Run {
        took: job.took,
        nodes: job.nodes.clone(),
        messages: outcome.nodes.iter().map(|node| node.messages_sent).sum(),
        bytes: outcome.nodes.iter().map(|node| node.bytes_sent).sum(),
    })
}

impl Run {
    /// The largest εᵢ.
    pub(crate) fn largest_deviation(&self) -> f64 {
        let deviations = self.nodes.iter().map(|node| node.deviation);
        deviations.fold(0.0, f64::max)
    }
}
