use super::*;
use crate::id::{Incarnation, NodeId, Rank};

fn ranks(ranks: &[u32]) -> Ranks {
    ranks.iter().copied().map(Rank).collect()
}

fn share(of: u32, there: &[u32]) -> Share {
    Share {
        origin: node(of),
        ranks: ranks(there),
    }
}

fn node(node: u32) -> Origin {
    Origin {
        node: NodeId(node),
        incarnation: Incarnation(1),
    }
}

/// Rank 1 is on trial on node 1, in round 2.
fn record() -> Record {
    let mut suspects = Suspects::default();
    let second = Stage::Round(Round(2));
    suspects.leave(vec![share(7, &[2])], second);
    suspects.lost(node(8), &ranks(&[1]), second);
    suspects.lost(node(9), &ranks(&[1]), second);
    suspects.try_rank(Rank(1));
    Record {
        sequence: 9,
        round: Round(2),
        task: Payload::default(),
        shares: vec![share(0, &[2]), share(1, &[1])],
        suspects,
        done: Vec::new(),
    }
}

fn former(record: &Record) -> Vec<Share> {
    let former = record.suspects.former();
    let share = |of: &Former| Share {
        origin: of.origin,
        ranks: of.ranks.clone(),
    };
    former.map(share).collect()
}

#[test]
fn a_trial_elsewhere_is_off_when_its_leader_is_lost_and_may_take_its_node_yet() {
    let mut record = record();
    record.lost(|origin| origin == node(0) || origin == node(7));
    let suspects = &record.suspects;
    assert_eq!((suspects.trial(), suspects.held()), (None, ranks(&[1, 2])));
    assert!(suspects.awaits_trial(Rank(2)), "two nodes are lost");
    assert!(!suspects.awaits_trial(Rank(1)), "it may be at work");
    assert_eq!(former(&record), [share(1, &[1])]);
    // The next leader is where the trial was, and is lost before it has told anything.
    record.lost(|origin| origin == node(0) || origin == node(1));
    assert_eq!(record.suspects.poison(|_| true), Some(Rank(1)));
    assert_eq!(former(&record), []);
}

#[test]
fn who_may_have_been_a_round_further_is_not_cleared_by_the_round_of_the_record() {
    let mut record = record();
    record.lost(|origin| origin == node(0));
    let mut suspects = record.suspects;
    suspects.clear(Rank(2), Stage::Round(Round(2)));
    suspects.clear_all(Stage::Round(Round(2)));
    assert_eq!(suspects.nodes(), [node(0), node(8), node(9)].into());
    assert_eq!(suspects.unsettled(), [node(1)].into());
    suspects.clear(Rank(2), Stage::Round(Round(3)));
    suspects.clear_all(Stage::Round(Round(3)));
    assert_eq!(suspects.nodes(), [node(8), node(9)].into());
    assert_eq!(suspects.unsettled(), [].into());
}
