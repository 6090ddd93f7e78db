//! Jobs on a local machine: results, faults, cancellation, many at once; and nothing left behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "times/local.rs"]
mod local_times;
mod programs;
mod times;

use std::time::Duration;

use futures_util::{StreamExt, future::join_all};
use msvpu_actors::{
    Census, Job, JobError, JobState, Limits, Phase, Program, Progress, Round, Site, VirtualMachine,
};
use programs::{DROPPED_ON, Endless, Explosive, Fault, Faulty, Heavy, Sum, Where};

async fn machine() -> VirtualMachine {
    VirtualMachine::local()
        .workers(2)
        .service::<Sum>()
        .service::<Faulty>()
        .service::<Endless>()
        .service::<Explosive>()
        .service::<Heavy>()
        .limits(Limits {
            max_rounds_per_job: u32::MAX,
            ..Limits::default()
        })
        .start()
        .await
        .unwrap()
}

/// Nothing may hang: a test that waits longer than this has failed.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what)
        .await
        .expect("still not there after a minute")
}

async fn assert_clean(machine: VirtualMachine) {
    soon(machine.idle()).await;
    let counters = machine.counters();
    assert_eq!(counters.misdirected, 0);
    assert_eq!(counters.strangers, 0);
    soon(machine.shutdown()).await;
}

#[tokio::test]
async fn a_result_comes_with_its_tiles_in_rank_order() {
    let machine = machine().await;
    let input: Vec<u64> = (0..1000).collect();
    for tile_len in [1, 7, 999, 1000, 5000] {
        let program = Sum {
            tile_len,
            rounds: 3,
        };
        let done = soon(machine.run(program, input.clone())).await.unwrap();
        assert_eq!(done.output, 3 * input.iter().sum::<u64>());
        let tiles: Vec<u64> = done.tiles.into_iter().flatten().flatten().collect();
        assert_eq!(tiles, input);
    }
    assert_eq!(machine.counters().duplicates, 0);
    assert_clean(machine).await;
}

#[tokio::test]
async fn progress_tells_the_whole_story_to_early_and_late_watchers() {
    let machine = machine().await;
    let program = Sum {
        tile_len: 2,
        rounds: 3,
    };
    let job = machine.submit(program, vec![1, 2, 3]).await.unwrap();
    let early: Vec<_> = soon(job.progress().collect()).await;
    assert_eq!(job.state(), JobState::Succeeded);
    let late: Vec<_> = soon(job.progress().collect()).await;
    assert_eq!(early, late);
    let mut states = Vec::new();
    let mut tasks = Vec::new();
    let mut before = Duration::ZERO;
    for event in early {
        let elapsed = match event.unwrap() {
            Progress::State { state, elapsed } => {
                states.push(state);
                elapsed
            }
            Progress::Round {
                round,
                task,
                elapsed,
            } => {
                tasks.push((round, task));
                elapsed
            }
            Progress::Tiles { elapsed, .. } => elapsed,
        };
        assert!(elapsed >= before);
        before = elapsed;
    }
    assert_eq!(tasks, [(Round(1), 0), (Round(2), 6), (Round(3), 12)]);
    assert_eq!(
        states,
        [
            JobState::Pending,
            JobState::Running(Phase::Placing),
            JobState::Running(Phase::Splitting),
            JobState::Running(Phase::Iterating),
            JobState::Running(Phase::Assembling),
            JobState::Succeeded,
        ]
    );
    // Every clone of a handle gets the result.
    assert_eq!(job.clone().await.unwrap().output, 18);
    assert_eq!(job.await.unwrap().output, 18);
    assert_clean(machine).await;
}

#[tokio::test]
async fn a_fault_anywhere_ends_its_own_job_only_and_names_the_place() {
    let machine = machine().await;
    for at in [
        Where::Split,
        Where::Load,
        Where::LocalStep,
        Where::GlobalStep,
        Where::Collect,
    ] {
        let (tile, round) = (msvpu_actors::Rank(1), Round(2));
        let site = match at {
            Where::Split => Site::Split,
            Where::Load => Site::Load(tile),
            Where::LocalStep => Site::LocalStep(round, tile),
            Where::GlobalStep => Site::GlobalStep(round),
            Where::Collect => Site::Collect(tile),
        };
        for fault in [Fault::Panic, Fault::Fail, Fault::Refuse] {
            let beside = machine
                .submit(
                    Sum {
                        tile_len: 1,
                        rounds: 50,
                    },
                    (0..20).collect(),
                )
                .await
                .unwrap();
            let job = machine.submit(Faulty { at, fault }, ()).await.unwrap();
            let error = soon(job.clone().into_future()).await.unwrap_err();
            let reason = "on purpose".to_owned();
            let expected = match fault {
                Fault::Panic => JobError::Panicked { site, reason },
                Fault::Fail => JobError::Failed { site, reason },
                Fault::Refuse => JobError::InvalidInput { site, reason },
            };
            assert_eq!(error, expected);
            assert_eq!(job.state(), JobState::Failed(expected));
            assert_eq!(soon(beside.into_future()).await.unwrap().output, 9500);
        }
    }
    assert_clean(machine).await;
}

#[tokio::test]
async fn the_worst_panics_end_their_own_job_too() {
    let machine = machine().await;
    let beside = machine.submit(Endless::Rounds, 3).await.unwrap();
    let explosive = |when_read| Explosive { when_read };
    let error = soon(machine.run(explosive(true), ())).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "parameters of `explosive`: reading them panicked: read on purpose"
    );
    // A panic whose payload panics when it is dropped.
    let error = soon(machine.run(explosive(false), ())).await.unwrap_err();
    assert!(matches!(error, JobError::Panicked { .. }), "{error:?}");
    beside.cancel();
    assert_eq!(soon(beside.into_future()).await, Err(JobError::Cancelled));
    assert_clean(machine).await;
}

#[tokio::test]
async fn loaded_tiles_of_an_ended_team_are_dropped_by_those_who_compute() {
    let machine = machine().await;
    let error = soon(machine.run(Heavy, 20)).await.unwrap_err();
    assert!(matches!(error, JobError::Failed { .. }), "{error:?}");
    assert_clean(machine).await;
    let threads = DROPPED_ON.lock().unwrap();
    assert_eq!(threads.len(), 20);
    assert!(threads.iter().all(|name| name.starts_with("msvpu-cpu-")));
}

#[tokio::test]
async fn what_cannot_run_is_refused_with_a_reason() {
    let machine = VirtualMachine::local()
        .workers(1)
        .service::<Sum>()
        .start()
        .await
        .unwrap();
    let error = machine.run(Endless::Rounds, 1).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no program `endless` is registered here; registered: sum"
    );
    let sum = |tile_len| Sum {
        tile_len,
        rounds: 1,
    };
    let error = machine.run(sum(0), vec![1]).await.unwrap_err();
    assert_eq!(error.to_string(), "a tile of 0 numbers; at least 1");
    assert_eq!(
        machine.run(sum(1), vec![]).await.unwrap_err(),
        JobError::NoTiles
    );
    let error = machine.run(sum(1), vec![1; 100_000]).await.unwrap_err();
    assert!(error.is_invalid_request(), "{error}");
    assert_eq!(machine.run(sum(1), vec![4]).await.unwrap().output, 4);
    assert_clean(machine).await;
}

async fn until<P: Program>(job: &Job<P>, wanted: impl Fn(&Progress<P::Task>) -> bool) {
    let mut progress = job.progress();
    while let Some(event) = soon(progress.next()).await {
        if wanted(&event.unwrap()) {
            return;
        }
    }
    panic!("the job ended first: {}", job.state());
}

#[tokio::test]
async fn a_job_can_be_cancelled_in_every_phase() {
    let machine = machine().await;
    // At once: it may not even have been placed.
    for team_size in [1, 50] {
        for endless in [
            Endless::Rounds,
            Endless::Step,
            Endless::Split,
            Endless::GlobalStep,
        ] {
            let job = machine.submit(endless, team_size).await.unwrap();
            job.cancel();
            let error = soon(job.clone().into_future()).await.unwrap_err();
            assert_eq!(error, JobError::Cancelled);
            // Once more, when it is over.
            job.cancel();
            assert_eq!(job.state(), JobState::Cancelled);
        }
    }
    for phase in [Phase::Placing, Phase::Splitting, Phase::Iterating] {
        let job = machine.submit(Endless::Step, 50).await.unwrap();
        let wanted = JobState::Running(phase);
        until(
            &job,
            |event| matches!(event, Progress::State { state, .. } if *state == wanted),
        )
        .await;
        job.cancel();
        assert_eq!(soon(job.into_future()).await, Err(JobError::Cancelled));
    }
    let job = machine.submit(Endless::Rounds, 50).await.unwrap();
    until(
        &job,
        |event| matches!(event, Progress::Round { round, .. } if round.0 == 20),
    )
    .await;
    job.cancel();
    assert_eq!(soon(job.into_future()).await, Err(JobError::Cancelled));
    assert_clean(machine).await;
}

#[tokio::test]
async fn a_cancelled_job_gives_its_thread_back_whichever_function_runs() {
    let machine = VirtualMachine::local()
        .workers(1)
        .service::<Sum>()
        .service::<Endless>()
        .start()
        .await
        .unwrap();
    for (endless, phase) in [
        (Endless::Split, Phase::Splitting),
        (Endless::Step, Phase::Iterating),
        (Endless::GlobalStep, Phase::Iterating),
    ] {
        let job = machine.submit(endless, 3).await.unwrap();
        let wanted = JobState::Running(phase);
        until(
            &job,
            |event| matches!(event, Progress::State { state, .. } if *state == wanted),
        )
        .await;
        job.cancel();
        assert_eq!(soon(job.into_future()).await, Err(JobError::Cancelled));
        // On the only thread.
        let sum = Sum {
            tile_len: 1,
            rounds: 1,
        };
        assert_eq!(soon(machine.run(sum, vec![4])).await.unwrap().output, 4);
    }
    assert_clean(machine).await;
}

#[tokio::test]
async fn a_job_that_waits_for_its_turn_can_be_cancelled() {
    let machine = VirtualMachine::local()
        .workers(1)
        .service::<Endless>()
        .limits(Limits {
            max_running_jobs: 1,
            max_queued_jobs: 2,
            ..Limits::default()
        })
        .start()
        .await
        .unwrap();
    let submit = || machine.submit(Endless::Step, 1);
    let running = submit().await.unwrap();
    let waiting = submit().await.unwrap();
    let next = submit().await.unwrap();
    assert_eq!(
        submit().await.unwrap_err(),
        JobError::QueueFull { limit: 2 }
    );
    assert_eq!(waiting.state(), JobState::Pending);
    waiting.cancel();
    assert_eq!(soon(waiting.into_future()).await, Err(JobError::Cancelled));
    assert_eq!(next.state(), JobState::Pending);
    running.cancel();
    until(&next, |event| {
        matches!(event, Progress::State { state, .. } if *state == JobState::Running(Phase::Iterating))
    })
    .await;
    next.cancel();
    assert_eq!(soon(next.into_future()).await, Err(JobError::Cancelled));
    assert_clean(machine).await;
}

#[tokio::test]
async fn a_thousand_msvpus_in_one_job() {
    let machine = machine().await;
    let program = Sum {
        tile_len: 1,
        rounds: 10,
    };
    let job = machine.submit(program, (0..1000).collect()).await.unwrap();
    assert_eq!(soon(job.into_future()).await.unwrap().output, 4_995_000);
    // 1000 tiles to their node and on, 1000 orders a round and at the end, and a few of the job's own:
    // orders and answers are gathered.
    let sent = machine.counters().sent;
    assert!((13_000..13_120).contains(&sent), "{sent} messages");
    assert_clean(machine).await;
}

#[tokio::test]
async fn two_hundred_jobs_at_once() {
    let machine = machine().await;
    let jobs = join_all((1..=200_u64).map(|n| {
        let program = Sum {
            tile_len: 3,
            rounds: 5,
        };
        machine.submit(program, (0..n).collect())
    }))
    .await;
    for (n, job) in (1..=200_u64).zip(jobs) {
        let done = soon(job.unwrap().into_future()).await.unwrap();
        assert_eq!(done.output, 5 * n * (n - 1) / 2);
    }
    assert_clean(machine).await;
}

#[tokio::test]
async fn a_shutdown_ends_running_and_waiting_jobs_with_a_reason() {
    let machine = machine().await;
    let jobs = join_all((0..40).map(|_| machine.submit(Endless::Step, 2))).await;
    let other = machine.clone();
    soon(machine.shutdown()).await;
    for job in jobs {
        let job = job.unwrap();
        assert_eq!(
            soon(job.clone().into_future()).await,
            Err(JobError::Stopped)
        );
        assert_eq!(job.state(), JobState::Failed(JobError::Stopped));
    }
    assert_eq!(other.census(), Census::default());
    let error = soon(other.run(Endless::Step, 1)).await.unwrap_err();
    assert_eq!(error, JobError::Stopped);
}
