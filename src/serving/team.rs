//! What the team of a job did over time, told in the terms that all services share.

use std::time::{Duration, Instant};

use msvpu_actors::{Job, RoundTimes, Stint, Timesheet};
use msvpu_web::model::{TeamRound, TeamTimes};
use msvpu_web::service::{Reporter, Told};

use crate::report::milliseconds;

/// While a job runs it is told no oftener than this.
const EVERY: Duration = Duration::from_millis(500);

/// Tells what the team did, now and then.
pub(super) struct TeamTeller<'a> {
    reporter: &'a Reporter,
    told: Option<Instant>,
}

impl<'a> TeamTeller<'a> {
    pub(super) const fn new(reporter: &'a Reporter) -> Self {
        Self {
            reporter,
            told: None,
        }
    }

    /// Something has happened to the job.
    pub(super) fn look<P>(&mut self, job: &Job<P>) {
        if self.told.is_none_or(|told| told.elapsed() >= EVERY) {
            self.told = Some(Instant::now());
            tell(self.reporter, job);
        }
    }
}

/// Tells what the team did so far.
pub(super) fn tell<P>(reporter: &Reporter, job: &Job<P>) {
    let times = job.timesheet();
    if times.team_size() > 0 {
        reporter.tell(Told::Team(of(&times)));
    }
}

fn of(times: &Timesheet) -> TeamTimes {
    TeamTimes {
        team_size: times.team_size(),
        stride: times.stride(),
        rounds: times.rounds().map(round).collect(),
    }
}

fn round(of: &RoundTimes) -> TeamRound {
    fn each<T>(of: &RoundTimes, part: impl Fn(&Stint) -> T) -> Vec<Option<T>> {
        let parts = of.stints.iter();
        parts.map(|stint| stint.as_ref().map(&part)).collect()
    }
    TeamRound {
        round: of.round().map(|round| round.0),
        began_ms: short(of.began),
        ended_ms: of.ended.map(short),
        node: each(of, |stint| stint.node.0),
        arrived_ms: each(of, |stint| short(stint.arrived)),
        waited_ms: each(of, |stint| short(stint.waited)),
        computed_ms: each(of, |stint| short(stint.computed)),
        kept_ms: each(of, |stint| short(stint.kept)),
    }
}

/// In milliseconds, to a tenth of a microsecond: what is finer is not seen, and is long to write.
fn short(duration: Duration) -> f64 {
    (milliseconds(duration) * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::short;
    use std::time::Duration;

    #[test]
    fn times_are_short_to_write() {
        for (nanos, text) in [(0, "0.0"), (149, "0.0001"), (1_234_567_890, "1234.5679")] {
            let written = serde_json::to_string(&short(Duration::from_nanos(nanos)));
            assert_eq!(written.unwrap(), text);
        }
    }
}
