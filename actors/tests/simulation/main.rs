//! A cluster in virtual time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that fails here says so"
)]

mod faults;

#[path = "../times/mod.rs"]
mod times;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use msvpu_actors::{
    Communication, ComputeMode, Fault, FaultKind, Job, JobOptions, NodeId, NodeSpec, Outcome,
    Round, RoundTimes, Spec, Synthetic, VirtualMachine,
};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn spec(nodes: usize) -> Spec {
    Spec {
        seed: 1,
        compute: ComputeMode::Cost,
        strategy: "performance-index".to_owned(),
        communication: Communication {
            name: "amqp".to_owned(),
            envelope_bytes: 120.0,
            expansion: 1.0,
            handling: Duration::from_micros(20),
            migration_bytes: 0.0,
        },
        lease: ms(2000),
        jitter: 0.0,
        nodes: (1..=nodes)
            .map(|i| NodeSpec {
                name: format!("n{i}"),
                cpus: 2,
                speed: 1e9,
                latency: Duration::from_micros(200),
                bandwidth: 1e9,
            })
            .collect(),
        jobs: Vec::new(),
        faults: Vec::new(),
    }
}

/// Runs one job to its end.
async fn job(spec: Spec, work: &Synthetic) -> (Outcome, Job<Synthetic>) {
    let simulation = VirtualMachine::simulated(spec)
        .service::<Synthetic>()
        .start()
        .await
        .unwrap();
    let job = simulation
        .submit_at(ms(0), work, (), JobOptions::default())
        .unwrap();
    let outcome = simulation.run(Duration::from_secs(1000)).await;
    (outcome, job.await.unwrap())
}

async fn run(spec: Spec, work: Synthetic) -> (Outcome, String) {
    let (outcome, job) = job(spec, &work).await;
    (outcome, job.state().to_string())
}

fn work() -> Synthetic {
    Synthetic {
        tiles: 12,
        rounds: 10,
        complexity: 1e8,
        tile_bytes: 1000,
        partial_bytes: 24,
    }
}

#[tokio::test]
async fn a_job_runs_on_all_nodes() {
    let (outcome, state) = run(spec(3), work()).await;
    assert_eq!(state, "succeeded");
    // 12 steps of 0.1 s on 6 CPUs, 10 times.
    assert!(
        outcome.elapsed >= ms(2000) && outcome.elapsed < ms(2100),
        "{outcome:#?}"
    );
    assert!(
        outcome.nodes.iter().all(|node| node.steps == 40),
        "{outcome:#?}"
    );
    assert_eq!(
        run(spec(3), work()).await.0,
        outcome,
        "the same seed, the same trace"
    );
}

#[tokio::test]
async fn what_each_msvpu_did_is_known_to_the_nanosecond() {
    let mut spec = spec(3);
    spec.nodes[2].speed = 5e8;
    spec.strategy = "uniform".to_owned();
    let (_, watched) = job(spec.clone(), &work()).await;
    let times = watched.timesheet();
    let nodes = times::assert_complete(&times, 12, 10);
    assert_eq!(nodes, [1, 2, 3].map(NodeId).into());
    let mut near = BTreeSet::new();
    for round in times.rounds().filter(|of| of.round().is_some()) {
        let mut waits: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for stint in round.stints.iter().flatten() {
            // 1e8 operations at 1e9 a second, and at half of that.
            let step = if stint.node == NodeId(3) { 200 } else { 100 };
            assert_eq!(stint.computed, ms(step), "{stint:?}");
            // The way is 0.2 ms to the broker and 0.2 ms from there, each way, with 20 µs at each end.
            if stint.transfer() < Duration::from_micros(440) * 2 {
                near.insert(stint.node);
            }
            waits.entry(stint.node).or_default().push(stint.waited);
        }
        // Four steps on two CPUs: two of them wait for the others.
        for (node, mut waits) in waits {
            let step = ms(if node == NodeId(3) { 200 } else { 100 });
            waits.sort_unstable();
            let late = round.round() == Some(Round(1));
            let (first, second) = (waits[1], waits[2]);
            assert!(first < ms(20) || late, "{node}: {first:?}");
            assert!(
                second >= step && (second < step + ms(20) || late),
                "{second:?}"
            );
        }
    }
    assert!(
        near.len() <= 1,
        "those of the leader's node alone: {near:?}"
    );
    let again = job(spec, &work()).await.1.timesheet();
    assert_eq!(again, times, "the same seed, the same times");
}

#[tokio::test]
async fn a_leader_that_takes_over_tells_of_its_own_time() {
    let mut spec = spec(3);
    spec.faults = vec![Fault {
        at: ms(1050),
        kind: FaultKind::Kill {
            node: 0,
            restart_after: None,
        },
    }];
    let (outcome, watched) = job(spec, &work()).await;
    assert_eq!(outcome.jobs[0].leaders_lost, 1, "{outcome:#?}");
    let times = watched.timesheet();
    let rounds: Vec<_> = times.rounds().map(RoundTimes::round).collect();
    let first = rounds[0].unwrap();
    assert!(
        first > Round(1) && rounds.len() == 12 - first.0 as usize,
        "{rounds:?}"
    );
    assert_eq!(times.rounds().next().unwrap().began, ms(0));
}

#[tokio::test]
async fn a_node_that_is_killed_is_replaced() {
    for node in 0..3 {
        let mut spec = spec(3);
        spec.faults.push(Fault {
            at: ms(1050),
            kind: FaultKind::Kill {
                node,
                restart_after: None,
            },
        });
        let (outcome, state) = run(spec, work()).await;
        assert_eq!(state, "succeeded");
        assert!(outcome.elapsed < ms(7000), "{outcome:#?}");
        println!("{outcome:#?}");
    }
}

/// Two nodes that are there and a third that joins in the third of ten rounds, of 0.3 s each.
fn joined(strategy: &str) -> Spec {
    let mut spec = spec(3);
    spec.strategy = strategy.to_owned();
    spec.faults.push(Fault {
        at: ms(700),
        kind: FaultKind::Join { node: 2 },
    });
    spec
}

#[tokio::test]
async fn a_node_that_joins_takes_part_where_msvpus_move() {
    for strategy in ["performance-index", "uniform", "least-loaded"] {
        let (outcome, state) = run(joined(strategy), work()).await;
        assert_eq!(state, "succeeded");
        let steps: Vec<u64> = outcome.nodes.iter().map(|node| node.steps).collect();
        assert_eq!(steps, [60, 60, 0], "{strategy}: placed once");
    }
    let (outcome, state) = run(joined("adaptive"), work()).await;
    assert_eq!(state, "succeeded");
    assert!(outcome.nodes[2].steps > 0, "{outcome:#?}");
}

#[tokio::test]
async fn a_node_that_has_joined_takes_part_in_later_jobs() {
    let simulation = VirtualMachine::simulated(joined("performance-index"))
        .service::<Synthetic>()
        .start()
        .await
        .unwrap();
    let later = ms(10_000);
    let job = simulation
        .submit_at(later, &work(), (), JobOptions::default())
        .unwrap();
    let outcome = simulation.run(Duration::from_secs(1000)).await;
    assert_eq!(job.await.unwrap().await.unwrap().output, 12);
    assert!(
        outcome.nodes.iter().all(|node| node.steps == 40),
        "{outcome:#?}"
    );
}

#[tokio::test]
async fn the_tiles_of_a_lost_node_go_to_one_that_has_joined_too() {
    for strategy in ["performance-index", "uniform", "least-loaded", "adaptive"] {
        for node in 0..2 {
            let mut spec = joined(strategy);
            spec.faults.push(Fault {
                at: ms(1350),
                kind: FaultKind::Kill {
                    node,
                    restart_after: None,
                },
            });
            let (outcome, state) = run(spec, work()).await;
            assert_eq!(state, "succeeded");
            let taken_over = outcome.nodes[2].steps;
            assert!(taken_over > 0, "{strategy}, node {node}: {outcome:#?}");
        }
    }
}

#[tokio::test]
async fn tiles_hold_up_no_lease() {
    let mut spec = spec(3);
    for node in &mut spec.nodes {
        node.bandwidth = 1e8;
    }
    let work = Synthetic {
        tile_bytes: 10_000_000,
        ..work()
    };
    let (outcome, state) = run(spec, work).await;
    assert_eq!(state, "succeeded");
    // Eight tiles leave the leader's node, 0.8 s each: three leases long.
    assert!(outcome.elapsed > ms(6400), "{outcome:#?}");
    assert_eq!(outcome.jobs[0].leaders_lost, 0, "{outcome:#?}");
    assert!(
        outcome.nodes.iter().all(|node| node.steps == 40),
        "{outcome:#?}"
    );
}

#[tokio::test]
async fn what_nodes_did_before_virtual_time_began_does_not_count() {
    let mut idle = spec(2);
    idle.lease = ms(3_600_000);
    let simulation = VirtualMachine::simulated(idle)
        .service::<Synthetic>()
        .start()
        .await
        .unwrap();
    for limit in [ms(0), ms(1)] {
        let outcome = simulation.run(limit).await;
        for node in &outcome.nodes {
            assert_eq!((node.busy, node.messages_sent), (ms(0), 0), "{outcome:#?}");
        }
    }
}

#[tokio::test]
async fn a_spec_that_cannot_be_is_refused_at_the_start() {
    let mut wrong = spec(2);
    wrong.nodes[1].speed = f64::NAN;
    let refused = VirtualMachine::simulated(wrong).start().await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "the spec cannot be simulated: `nodes[1].speed` is NaN; it must be between 1000 and 1e18"
    );
}

#[tokio::test]
async fn stand_ins_of_endless_length_are_refused() {
    let refusal = async |work: Synthetic| {
        let (_, job) = job(spec(1), &work).await;
        job.await.map_err(|error| error.to_string())
    };
    let tile = refusal(Synthetic {
        tile_bytes: usize::MAX,
        ..work()
    });
    assert_eq!(
        tile.await.unwrap_err(),
        "`tile_bytes` gives a tile of 18446744073709551615 bytes; at most 1000000000 can be simulated"
    );
    let partials = refusal(Synthetic {
        partial_bytes: 500_000_000,
        ..work()
    });
    assert_eq!(
        partials.await.unwrap_err(),
        "`partial_bytes` gives a round of 6000000000 bytes; at most 4000000000 can be simulated"
    );
    // What tiles have room for takes nothing.
    let within = Synthetic {
        tile_bytes: 500_000_000,
        partial_bytes: 500_000_000,
        rounds: 1,
        ..work()
    };
    assert_eq!(refusal(within).await.unwrap().output, 12);
}
