//! A cluster in virtual time.
#![allow(clippy::unwrap_used, reason = "a test that fails here says so")]

use std::time::Duration;

use msvpu_actors::{
    Communication, ComputeMode, Fault, FaultKind, Job, JobOptions, NodeSpec, Outcome, Spec,
    Synthetic, VirtualMachine,
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
