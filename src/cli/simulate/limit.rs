//! How long virtual time may pass when nobody says.

use std::time::Duration;

use msvpu::{FaultKind, Spec};

/// What a job asks of the cluster, over all its rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Load {
    /// Elementary operations.
    pub(crate) operations: f64,
    /// On the links, without envelopes.
    pub(crate) bytes: f64,
    /// Over the links.
    pub(crate) messages: f64,
}

/// Leases that may run out one after the other, each with what it sets off.
const LEASES: u32 = 1000;
/// Of the virtual time that a `Duration` of the simulation is to hold.
const LONGEST: Duration = Duration::from_secs(1_000_000_000);
/// Rounds may be computed again, links lose messages.
const SLACK: f64 = 4.0;

/// More than the jobs would need one after the other on the slowest CPU and the slowest link:
/// what has not ended by then waits for something that does not come.
pub(crate) fn generous(spec: &Spec, loads: &[Load]) -> Duration {
    let slowdown = spec.faults.iter().filter_map(|fault| match fault.kind {
        FaultKind::Slow { factor, .. } => Some(factor),
        _ => None,
    });
    let slowdown = slowdown.fold(1.0, f64::min);
    let least =
        |of: fn(&msvpu::NodeSpec) -> f64| spec.nodes.iter().map(of).fold(f64::INFINITY, f64::min);
    let (speed, bandwidth) = (least(|node| node.speed), least(|node| node.bandwidth));
    let latency = spec.nodes.iter().map(|node| node.latency).max();
    let message = 2.0 * (latency.unwrap_or_default() + spec.communication.handling).as_secs_f64();
    let sum = |of: fn(&Load) -> f64| loads.iter().map(of).sum::<f64>();
    let bits = 8.0
        * (sum(|load| load.bytes) * spec.communication.expansion
            + sum(|load| load.messages) * spec.communication.envelope_bytes
            + spec
                .jobs
                .iter()
                .map(|job| f64::from(job.tiles))
                .sum::<f64>()
                * spec.communication.migration_bytes);
    let work = sum(|load| load.operations) / (speed * slowdown)
        + 2.0 * bits / bandwidth
        + sum(|load| load.messages) * message;
    let ends = spec.faults.iter().map(|fault| {
        fault.at
            + match fault.kind {
                FaultKind::Kill { restart_after, .. } => restart_after.unwrap_or_default(),
                FaultKind::Pause { duration, .. } | FaultKind::Partition { duration, .. } => {
                    duration
                }
                FaultKind::Slow { duration, .. } | FaultKind::Link { duration, .. } => {
                    duration.unwrap_or_default()
                }
                _ => Duration::ZERO,
            }
    });
    let last = spec.jobs.iter().map(|job| job.at).chain(ends).max();
    Duration::try_from_secs_f64(SLACK * work)
        .unwrap_or(LONGEST)
        .saturating_add(last.unwrap_or_default())
        .saturating_add(spec.lease * LEASES)
        .min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_above_what_one_slow_cpu_needs() {
        let text = "lease_ms = 1\n[[nodes]]\nname = \"a\"\nspeed = 1e3\n[[nodes]]\nname = \"b\"\n\
                    [[jobs]]\nname = \"j\"\ntiles = 10\ntile_size = 1000\nat_ms = 5000\n\
                    [[faults]]\nkind = \"slow\"\nnode = \"a\"\nfactor = 0.5\nat_ms = 7000\n";
        let spec = Spec::parse(text, "x").unwrap();
        let load = Load {
            operations: 10.0 * 1000.0,
            ..Load::default()
        };
        // 10 s at 1000 operations a second, twice that when slowed; then 7 s until the fault.
        let limit = generous(&spec, &[load]);
        assert!(
            limit > Duration::from_secs(27) && limit < Duration::from_secs(200),
            "{limit:?}"
        );
        let mut many = spec.clone();
        many.jobs = vec![spec.jobs[0].clone(); 3];
        for job in &mut many.jobs {
            job.tiles = u32::MAX;
        }
        assert!(
            generous(&many, &[load]) >= limit,
            "tiles are no sum of 32 bits"
        );
        let endless = Load {
            operations: 1e300,
            ..Load::default()
        };
        assert_eq!(generous(&spec, &[endless]), LONGEST);
    }
}
