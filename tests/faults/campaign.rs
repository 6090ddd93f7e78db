//! Runs what a seed stands for, and holds it to what must hold in the end.

use std::time::Duration;

use msvpu::{CMeans, FuzzyCMeans, JobOptions, Outcome, VirtualMachine};

use crate::ending::{Ending, boxed};
use crate::expected::Expected;
use crate::heavy::Heavy;
use crate::plan::{Plan, hard, plan, scene, soft};
use crate::totals::Totals;

/// How long after the last fault is over everything must have ended, in virtual time: leases run
/// out, jobs are led anew and computed again from their last round.
const GRACE: Duration = Duration::from_secs(60);

/// A tile that kills takes so many processes with it, at most.
const KILLED_BY_POISON: u64 = 3;

/// Runs the campaign of a seed; tells what is wrong, if something is.
pub(crate) async fn run(seed: u64, expected: &Expected) -> Result<(Totals, Outcome), String> {
    let Plan { spec, healed, jobs } = plan(seed);
    let limit = healed + GRACE;
    let simulation = VirtualMachine::simulated(spec.clone())
        .service::<Heavy<CMeans>>()
        .service::<Heavy<FuzzyCMeans>>()
        .start()
        .await
        .map_err(|error| error.to_string())?;
    let mut endings = Vec::new();
    for job in jobs.iter().copied() {
        let (right, input) = (expected, scene(job.variant));
        let options = JobOptions::default;
        if job.soft {
            let program = soft(job.variant);
            let started = simulation.submit_at(job.at, &program, input, options());
            let right = right.soft[job.variant as usize].clone();
            endings.push(boxed(started.unwrap(), job, right));
        } else {
            let program = hard(job.variant);
            let started = simulation.submit_at(job.at, &program, input, options());
            let right = right.hard[job.variant as usize].clone();
            endings.push(boxed(started.unwrap(), job, right));
        }
    }
    let outcome = simulation.run(limit).await;
    let mut totals = totals(&outcome);
    if outcome.taken_stale != 0 {
        let taken = outcome.taken_stale;
        return Err(format!(
            "taken of the lost and the replaced: {taken} messages; {:?}\n{spec:#?}",
            outcome.counters
        ));
    }
    if !outcome.finished {
        return Err(format!(
            "not at the end after {limit:?}: {outcome:#?}\n{spec:#?}"
        ));
    }
    for ending in endings {
        let ended = ending
            .await
            .map_err(|reason| format!("{reason}\n{spec:#?}"))?;
        totals.jobs += 1;
        totals.poisoned += u64::from(ended == Ending::Poisoned);
        totals.panicked += u64::from(ended == Ending::Panicked);
        totals.mistaken += u64::from(ended == Ending::Mistaken);
        totals.given_up += u64::from(ended == Ending::GivenUp);
    }
    if outcome.left_over != msvpu::Census::default() {
        return Err(format!("left over: {:?}\n{spec:#?}", outcome.left_over));
    }
    if outcome.counters.repeated != outcome.messages_repeated {
        let (dropped, injected) = (outcome.counters.repeated, outcome.messages_repeated);
        return Err(format!(
            "{injected} messages came twice, {dropped} were dropped\n{spec:#?}"
        ));
    }
    if (outcome.counters.misdirected, outcome.counters.strangers) != (0, 0) {
        return Err(format!("{:?}\n{spec:#?}", outcome.counters));
    }
    if let Some(job) = outcome
        .jobs
        .iter()
        .find(|job| job.killed > KILLED_BY_POISON)
    {
        let (index, killed) = (job.index, job.killed);
        return Err(format!(
            "a tile of job {index} took {killed} processes with it\n{spec:#?}"
        ));
    }
    simulation.machine().clone().shutdown().await;
    Ok((totals, outcome))
}

fn totals(outcome: &Outcome) -> Totals {
    Totals {
        seeds: 1,
        kills: outcome.kills,
        lost: outcome.messages_lost,
        repeated: outcome.messages_repeated,
        overtaken: outcome.messages_overtaken,
        stale: outcome.counters.stale,
        duplicates: outcome.counters.duplicates,
        virtual_seconds: outcome.elapsed.as_secs_f64(),
        ..Totals::default()
    }
}
