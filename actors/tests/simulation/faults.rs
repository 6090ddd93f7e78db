//! What is lost, and what it costs.

use std::time::Duration;

use msvpu_actors::{Fault, FaultKind, JobError, JobOptions, Synthetic, VirtualMachine};

use crate::{job, ms, run, spec, work};

fn fault(at: u64, kind: FaultKind) -> Fault {
    Fault { at: ms(at), kind }
}

#[tokio::test]
async fn who_is_not_there_cannot_be_killed() {
    let mut spec = spec(3);
    let kill = |restart_after| FaultKind::Kill {
        node: 0,
        restart_after,
    };
    spec.faults = vec![
        fault(300, kill(Some(ms(5000)))),
        fault(400, kill(Some(ms(1)))),
    ];
    let (outcome, state) = run(spec, work()).await;
    assert_eq!((state.as_str(), outcome.kills), ("succeeded", 1));
}

/// 24 steps of 0.1 s on one node of 2 CPUs: 1.2 s at full speed.
async fn alone(faults: Vec<Fault>) -> Duration {
    let mut spec = spec(1);
    spec.faults = faults;
    let work = Synthetic {
        tiles: 2,
        rounds: 12,
        ..work()
    };
    let (outcome, state) = run(spec, work).await;
    assert_eq!(state, "succeeded");
    outcome.elapsed
}

#[tokio::test]
async fn a_fault_that_ends_ends_no_other_of_its_kind() {
    let clean = alone(Vec::new()).await;
    let slow = |factor, duration: Option<u64>| FaultKind::Slow {
        node: 0,
        factor,
        duration: duration.map(ms),
    };
    // The second is there for ever, and not only until the first is over.
    let faults = vec![
        fault(100, slow(0.5, Some(100))),
        fault(150, slow(0.25, None)),
    ];
    let slowed = alone(faults).await;
    assert!(slowed > 3 * clean, "{slowed:?}, clean {clean:?}");
    let pause = |duration| FaultKind::Pause {
        node: 0,
        duration: ms(duration),
    };
    let faults = vec![fault(100, pause(1500)), fault(200, pause(200))];
    let stood = alone(faults).await;
    assert!(stood > clean + ms(1490), "{stood:?}, clean {clean:?}");
    assert!(stood < clean + ms(3000), "{stood:?}, clean {clean:?}");
}

#[tokio::test]
async fn the_report_is_of_all_rounds_whoever_led_them() {
    let mut spec = spec(3);
    spec.faults = vec![fault(
        1050,
        FaultKind::Kill {
            node: 0,
            restart_after: None,
        },
    )];
    let (outcome, job) = job(spec, &work()).await;
    assert_eq!(outcome.jobs[0].leaders_lost, 1, "{outcome:#?}");
    let nodes = job.nodes();
    assert_eq!(nodes.len(), 3, "what the lost node did counts: {nodes:#?}");
    assert_eq!(nodes[0].msvpus, 0);
    assert!(nodes[0].actual >= ms(700), "{nodes:#?}");
    // Four or five rounds of 0.2 s, and the others of 0.3 s.
    for node in &nodes[1..] {
        assert!(node.actual >= ms(2200), "{nodes:#?}");
    }
}

#[tokio::test]
async fn whoever_waits_for_a_simulation_hears_of_its_end() {
    let simulation = VirtualMachine::simulated(spec(2))
        .service::<Synthetic>()
        .start()
        .await
        .unwrap();
    let plan = |at| simulation.submit_at(ms(at), &work(), (), JobOptions::default());
    let first = plan(0).unwrap();
    let cut_short = simulation.run(ms(500)).await;
    assert!(!cut_short.finished);
    let planned = plan(10_000).unwrap();
    simulation.machine().clone().shutdown().await;
    let late = plan(20_000).unwrap();
    let patience = Duration::from_secs(20);
    let run = tokio::time::timeout(patience, simulation.run(ms(100_000)));
    let outcome = run.await.expect("it hangs");
    assert!(!outcome.finished);
    assert!(outcome.elapsed < ms(1000), "time has moved: {outcome:#?}");
    let first = first.await.unwrap();
    assert!(matches!(first.await, Err(JobError::Stopped)));
    for planned in [planned, late] {
        let planned = tokio::time::timeout(patience, planned);
        let refused = planned.await.expect("it hangs");
        assert!(matches!(refused, Err(JobError::Stopped)), "{refused:?}");
    }
}

#[tokio::test]
async fn a_tile_that_kills_takes_three_processes_with_it_and_no_other_job() {
    for (nodes, round) in [(1, 1), (2, 3), (3, 2), (5, 10)] {
        let mut spec = spec(nodes);
        spec.faults.push(fault(
            0,
            FaultKind::Poison {
                job: 0,
                tile: 7,
                round,
            },
        ));
        let simulation = VirtualMachine::simulated(spec)
            .service::<Synthetic>()
            .start()
            .await
            .unwrap();
        let plan = || simulation.submit_at(ms(0), &work(), (), JobOptions::default());
        let (poisoned, other) = (plan().unwrap(), plan().unwrap());
        let outcome = simulation.run(Duration::from_secs(1000)).await;
        let end = poisoned.await.unwrap().await;
        let named = matches!(&end, Err(JobError::PoisonTile { rank, .. }) if rank.0 == 7);
        assert!(named, "{nodes} nodes, round {round}: {end:?}");
        assert_eq!(other.await.unwrap().await.unwrap().output, 12);
        assert_eq!(outcome.kills, 3, "{nodes} nodes, round {round}");
        assert_eq!(outcome.taken_stale, 0);
    }
}

#[tokio::test]
async fn a_leader_that_is_lost_costs_at_most_one_round_again() {
    let (tiles, rounds) = (12, 10);
    let mut led_anew = 0;
    for at in (50..2000).step_by(97) {
        let mut spec = spec(3);
        spec.faults.push(fault(
            at,
            FaultKind::Kill {
                node: 0,
                restart_after: Some(ms(300)),
            },
        ));
        let (outcome, state) = run(spec, work()).await;
        assert_eq!(state, "succeeded");
        led_anew += outcome.jobs[0].leaders_lost;
        let steps: u64 = outcome.nodes.iter().map(|node| node.steps).sum();
        let within = tiles * rounds..=tiles * (rounds + 1);
        assert!(within.contains(&steps), "{steps} at {at} ms: {outcome:#?}");
    }
    assert!(led_anew >= 15, "{led_anew} leaders were lost");
}
