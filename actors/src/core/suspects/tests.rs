use super::*;
use crate::id::Round;

fn ranks(ranks: &[u32]) -> Ranks {
    ranks.iter().copied().map(Rank).collect()
}

fn node(node: u32) -> Origin {
    Origin {
        node: crate::id::NodeId(node),
        incarnation: Incarnation(1),
    }
}

fn share(of: u32, there: &[u32]) -> Share {
    Share {
        origin: node(of),
        ranks: ranks(there),
    }
}

const FIRST: Stage = Stage::Round(Round(1));
const SECOND: Stage = Stage::Round(Round(2));

const fn all(_: &Origin) -> bool {
    true
}

#[test]
fn the_tile_that_kills_is_named_and_no_other() {
    let mut suspects = Suspects::default();
    // Ranks 0 to 3 go down together twice.
    suspects.lost(node(1), &ranks(&[0, 1, 2, 3]), FIRST);
    suspects.lost(node(1), &ranks(&[0, 1, 2, 3]), FIRST);
    assert_eq!(suspects.held(), ranks(&[]), "told twice");
    suspects.lost(node(2), &ranks(&[0, 1, 2, 3]), FIRST);
    assert_eq!(suspects.held(), ranks(&[0, 1, 2, 3]));
    // They run one by one.
    suspects.try_rank(Rank(0));
    assert!(suspects.clear(Rank(0), FIRST), "it is not the cause");
    suspects.try_rank(Rank(1));
    assert_eq!(suspects.held(), ranks(&[2, 3]));
    assert_eq!(suspects.poison(all), None);
    suspects.lost(node(3), &ranks(&[1, 2, 3, 7]), FIRST);
    assert_eq!(suspects.poison(all), Some(Rank(1)));
    assert_eq!(suspects.poison(|dead| *dead != node(2)), None, "not yet");
    assert_eq!(suspects.trial(), None);
    let may_be_tried = (0..8).map(Rank).filter(|rank| suspects.awaits_trial(*rank));
    assert_eq!(may_be_tried.collect::<Ranks>(), ranks(&[2, 3]));
    assert_eq!(suspects.held(), ranks(&[1, 2, 3]), "nor does it run again");
    assert!(
        !suspects.losses.contains_key(&Rank(7)),
        "it was not at work"
    );
}

#[test]
fn a_node_that_lives_was_brought_down_by_nobody() {
    let mut suspects = Suspects::default();
    suspects.lost(node(1), &ranks(&[0, 1]), FIRST);
    suspects.lost(node(2), &ranks(&[0]), FIRST);
    suspects.try_rank(Rank(0));
    suspects.lost(node(3), &ranks(&[0]), FIRST);
    suspects.forgive(node(3));
    assert!(
        suspects.awaits_trial(Rank(0)),
        "its trial counts for nothing"
    );
    suspects.forgive(node(1));
    assert_eq!(suspects.held(), ranks(&[]));
    assert_eq!(suspects.nodes(), [node(2)].into());
    suspects.forgive(node(2));
    assert_eq!(suspects, Suspects::default());
}

#[test]
fn a_process_that_was_lost_twice_has_gone_down_once() {
    let again = Origin {
        incarnation: Incarnation(2),
        ..node(1)
    };
    let mut suspects = Suspects::default();
    suspects.lost(node(1), &ranks(&[0, 1]), SECOND);
    suspects.lost(again, &ranks(&[0]), FIRST);
    assert_eq!(suspects.held(), ranks(&[0]));
    for origin in [node(1), again] {
        suspects.unite(origin, Incarnation(1));
    }
    assert_eq!(suspects.held(), ranks(&[]));
    assert_eq!(
        suspects.nodes(),
        [node(1), again].into(),
        "of rank 1, and of rank 0"
    );
    suspects.clear(Rank(0), FIRST);
    assert_eq!(suspects.losses(Rank(0)), 1, "not past the later stage");
    suspects.forgive(again);
    assert_eq!(suspects.losses(Rank(0)), 0);
    // Another process of that node.
    suspects.lost(node(1), &ranks(&[0]), FIRST);
    suspects.lost(again, &ranks(&[0]), FIRST);
    suspects.unite(node(1), Incarnation(1));
    suspects.unite(again, Incarnation(2));
    assert_eq!(suspects.held(), ranks(&[0]));
}

#[test]
fn a_tile_that_has_computed_is_no_suspect() {
    let mut suspects = Suspects::default();
    for lost in 0..10 {
        suspects.lost(node(lost), &ranks(&[4, 5]), FIRST);
        assert!(!suspects.clear(Rank(4), FIRST));
        assert!(!suspects.clear(Rank(5), FIRST));
    }
    assert_eq!(suspects, Suspects::default());
}

#[test]
fn a_trial_that_its_node_survived_otherwise_is_taken_up_again() {
    let mut suspects = Suspects::default();
    suspects.lost(node(1), &ranks(&[1, 2]), FIRST);
    suspects.lost(node(2), &ranks(&[1, 2]), FIRST);
    suspects.try_rank(Rank(1));
    // Another node is lost: the trial goes on.
    suspects.lost(node(3), &ranks(&[8]), FIRST);
    assert_eq!(suspects.trial(), Some(Rank(1)));
}

#[test]
fn what_was_lost_in_a_round_that_has_not_been_got_past_is_suspected_still() {
    let mut suspects = Suspects::default();
    suspects.lost(node(1), &ranks(&[0]), FIRST);
    suspects.lost(node(2), &ranks(&[0]), SECOND);
    suspects.try_rank(Rank(0));
    assert!(suspects.clear(Rank(0), FIRST), "its trial is over");
    assert_eq!(suspects.nodes(), [node(2)].into());
    suspects.lost(node(2), &ranks(&[0]), FIRST);
    suspects.clear(Rank(0), FIRST);
    assert_eq!(suspects.nodes(), [node(2)].into(), "told again");
    suspects.clear(Rank(0), Stage::Collecting);
    assert_eq!(suspects, Suspects::default());
}

/// Losses and places where it may be at work: a tile has two of them at most when it runs beside
/// others, and none but losses when it is tried.
#[test]
fn what_an_earlier_leader_has_left_at_work_counts_like_a_loss() {
    let mut suspects = Suspects::default();
    suspects.leave(vec![share(1, &[0, 1]), share(2, &[2])], FIRST);
    assert_eq!(suspects.held(), ranks(&[]));
    // Rank 0 is where it was, rank 1 is not.
    suspects.leave(vec![share(1, &[0]), share(2, &[1, 2])], FIRST);
    assert_eq!(suspects.held(), ranks(&[1]));
    suspects.lost(node(3), &ranks(&[0, 2, 4]), FIRST);
    assert_eq!(suspects.held(), ranks(&[0, 1, 2]));
    let tried = |suspects: &Suspects| {
        (0..5)
            .filter(|rank| suspects.awaits_trial(Rank(*rank)))
            .collect::<Vec<_>>()
    };
    assert!(tried(&suspects).is_empty(), "they may be at work elsewhere");
    assert_eq!(suspects.unsettled(), [node(1), node(2)].into());
    assert!(suspects.settled(node(1)));
    assert!(!suspects.settled(node(1)));
    assert_eq!(suspects.held(), ranks(&[2]));
    suspects.lost_former(|of| of == node(2), |of| of.ranks.clone(), &ranks(&[1]));
    assert_eq!((suspects.held(), tried(&suspects)), (ranks(&[2]), vec![2]));
    assert_eq!(suspects.unsettled(), [node(2)].into(), "rank 1 is at work");
    suspects.clear_all(FIRST);
    assert_eq!(suspects.unsettled(), [].into());
}

#[test]
fn who_was_held_or_beside_a_trial_is_left_at_work_nowhere() {
    let mut suspects = Suspects::default();
    suspects.lost(node(1), &ranks(&[0, 1]), FIRST);
    suspects.lost(node(2), &ranks(&[0, 1]), FIRST);
    suspects.try_rank(Rank(0));
    suspects.leave(vec![share(3, &[0, 1, 2]), share(4, &[3])], FIRST);
    let left: Vec<_> = suspects
        .former()
        .map(|of| (of.origin, of.ranks.clone()))
        .collect();
    assert_eq!(left, [(node(3), ranks(&[0])), (node(4), ranks(&[3]))]);
    assert!(!suspects.awaits_trial(Rank(0)) && suspects.awaits_trial(Rank(1)));
    // The trial's node has gone down before, and that is heard of now.
    suspects.lost_former(|of| of == node(3), |of| of.ranks.clone(), &ranks(&[]));
    assert_eq!(suspects.poison(all), Some(Rank(0)));
}

#[test]
fn what_is_written_down_is_read_again_as_it_was() {
    let mut suspects = Suspects::default();
    suspects.lost(node(1), &ranks(&[0, 1]), FIRST);
    suspects.leave(vec![share(3, &[0, 1, 2])], SECOND);
    let bytes = postcard::to_allocvec(&suspects).unwrap();
    let read: Suspects = postcard::from_bytes(&bytes).unwrap();
    assert_eq!((&read, read.held()), (&suspects, ranks(&[0, 1])));
}
