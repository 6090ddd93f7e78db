//! What the team of a job did over time.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the MsVPUs of a job's team did over time: the latest rounds, of some of its MsVPUs. Nothing before the
/// team has told of anything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TeamTimes {
    /// How many MsVPUs the team has; 0 before that is known.
    pub team_size: u32,
    /// Which of them are shown: ranks 0, `stride`, 2 × `stride` and so on.
    pub stride: u32,
    /// In order.
    pub rounds: Vec<TeamRound>,
}

/// What a team did in a round. Each list has an entry for each MsVPU that is shown, in the order of ranks; null
/// before its answer has come.
///
/// What node and leader measure are intervals, each on its own clock. Of `arrived_ms`, what is not waited, computed
/// or kept is the transfer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TeamRound {
    /// Counted from 1; null after the last, when the leader takes in what each tile contributes to the result.
    #[schema(required)]
    pub round: Option<u32>,
    /// When the leader gave the order, in milliseconds since it gave its first.
    pub began_ms: f64,
    /// When it had all answers; null while it waits for some.
    #[schema(required)]
    pub ended_ms: Option<f64>,
    /// On which node it ran.
    pub node: Vec<Option<u32>>,
    /// From the round's begin to the arrival of its answer, in milliseconds.
    pub arrived_ms: Vec<Option<f64>>,
    /// Of that: it had an order and did not compute, because it waited for a CPU or its tile.
    pub waited_ms: Vec<Option<f64>>,
    /// Of that: it computed.
    pub computed_ms: Vec<Option<f64>>,
    /// Of that: its answer lay at its node until those of others were there.
    pub kept_ms: Vec<Option<f64>>,
}

impl TeamTimes {
    /// Forgets the first rounds where there are more than `max` entries, so that the JSON of so many takes 128
    /// bytes each at most.
    pub(crate) fn bound(&mut self, max: usize) {
        let mut left = max;
        let fit = self.rounds.iter().rev().take_while(|round| {
            let fits = round.node.len() <= left;
            left = left.saturating_sub(round.node.len());
            fits
        });
        let excess = self.rounds.len() - fit.count();
        self.rounds.drain(..excess);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(round: u32, msvpus: usize) -> TeamRound {
        let times = vec![Some(1_234_567.891_234_5); msvpus];
        TeamRound {
            round: Some(round),
            began_ms: 1.0,
            ended_ms: None,
            node: vec![Some(u32::MAX); msvpus],
            arrived_ms: times.clone(),
            waited_ms: times.clone(),
            computed_ms: times.clone(),
            kept_ms: times,
        }
    }

    #[test]
    fn the_latest_rounds_stay_and_take_no_more_than_they_may() {
        let rounds = (1..=9).map(|of| round(of, 100)).collect();
        let mut times = TeamTimes {
            team_size: 100,
            stride: 1,
            rounds,
        };
        times.bound(900);
        assert_eq!(times.rounds.len(), 9);
        times.bound(399);
        assert_eq!(times.rounds, [7, 8, 9].map(|of| round(of, 100)));
        let bytes = serde_json::to_vec(&times).unwrap().len();
        assert!(bytes < 128 * 399, "{bytes}");
        times.bound(99);
        assert_eq!(times.rounds, []);
    }
}
