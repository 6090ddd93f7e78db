//! What holds of every job's timesheet, wherever its team ran.

use std::collections::BTreeSet;

use msvpu_actors::{NodeId, Round, Timesheet};

/// Sees that a job that has succeeded is told of from its first order to its last answer, each time in
/// its place, and tells on which nodes it was computed.
pub(crate) fn assert_complete(times: &Timesheet, team_size: u32, rounds: u32) -> BTreeSet<NodeId> {
    assert_eq!(times.team_size(), team_size);
    let told: Vec<_> = times.rounds().map(|of| of.round()).collect();
    let expected: Vec<_> = (1..=rounds).map(|round| Some(Round(round))).collect();
    assert_eq!(told, [expected, vec![None]].concat());
    let mut nodes = BTreeSet::new();
    let mut before = None;
    for round in times.rounds() {
        let name = round.round();
        assert!(
            Some(round.began) >= before,
            "{name:?} begins before the one before ended"
        );
        let ended = round.ended.unwrap();
        before = Some(ended);
        assert_eq!(
            round.stints.len() as u32,
            team_size.div_ceil(times.stride())
        );
        let mut latest = None;
        for stint in &round.stints {
            let stint = stint.unwrap();
            nodes.insert(stint.node);
            latest = latest.max(Some(round.began + stint.arrived));
            let parts = stint.transfer() + stint.waited + stint.computed + stint.kept;
            assert_eq!(parts, stint.arrived, "{name:?}: {stint:?}");
        }
        assert!(latest <= Some(ended), "{name:?}: {round:#?}");
        if times.stride() == 1 {
            assert_eq!(latest, Some(ended), "{name:?} ends with its last answer");
        }
    }
    nodes
}
