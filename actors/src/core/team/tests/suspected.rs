//! Tiles that take their nodes with them.

use super::*;

/// Ranks 0 and 1 have gone down with two nodes, and are placed on node 3; rank 2 is on node 1. All
/// records but the latest are safe.
fn twice_lost() -> Scene {
    let mut scene = Scene::second_round();
    scene.step(Event::Lost(vec![node(0)]));
    scene.step(Event::Allotted(vec![share(node(2), 0..2)]));
    scene.step(Event::Started(node(2), ranks(0..2)));
    scene.committed();
    scene.step(Event::Lost(vec![node(2)]));
    scene.step(Event::Allotted(vec![share(node(3), 0..2)]));
    scene
}

fn sent(effects: &[Effect]) -> Vec<u32> {
    let tile = |effect: &Effect| match effect {
        Effect::SendTile(_, rank, _) => Some(rank.0),
        _ => None,
    };
    effects.iter().filter_map(tile).collect()
}

fn ordered(effects: &[Effect]) -> Ranks {
    let order = |all: Ranks, effect: &Effect| match effect {
        Effect::SendTask(_, ranks, ..) | Effect::SendOutput(_, ranks, _) => all.union(ranks),
        _ => all,
    };
    effects.iter().fold(Ranks::default(), order)
}

fn run_trial(rank: u32) -> [Effect; 2] {
    [
        Effect::SendTile(node(3), Rank(rank), payload(rank as u8)),
        Effect::SendTask(node(3), ranks([rank]), Round(2), payload(8)),
    ]
}

fn poison(rank: u32) -> [Effect; 1] {
    [Effect::Finish(Err(JobError::PoisonTile {
        rank: Rank(rank),
        losses: 3,
    }))]
}

#[test]
fn suspects_run_one_at_a_time_when_the_proxy_knows_of_it() {
    let mut scene = twice_lost();
    let started = scene.step(Event::Started(node(3), ranks(0..2)));
    let [Effect::Commit(record)] = &started[..] else {
        panic!("the trial is told before it begins: {started:?}")
    };
    assert_eq!(record.suspects.trial(), Some(Rank(0)));
    assert_eq!(record.suspects.held(), ranks([1]));
    assert_eq!(record.shares, [share(node(1), [2]), share(node(3), 0..2)]);
    // Whatever is asked in the meantime, neither is sent.
    for rank in 0..2 {
        let lacks = Event::Lacks {
            origin: node(3),
            rank: Rank(rank),
            tile: true,
        };
        assert_eq!(scene.step(lacks), NOTHING);
    }
    let to_them = |effect: &Effect| matches!(effect, Effect::Inquire(to, ..) if *to == node(3));
    assert!(!scene.ticks(10).iter().any(to_them));
    assert_eq!(scene.committed(), run_trial(0));
    // Rank 0 passes; it is rank 1's turn.
    let passed = scene.answer(node(3), SECOND, 0);
    let [Effect::Commit(record)] = &passed[..] else {
        panic!("{passed:?}")
    };
    assert_eq!(record.suspects.trial(), Some(Rank(1)));
    assert_eq!(scene.committed(), run_trial(1));
    let passed = scene.answer(node(3), SECOND, 1);
    let [Effect::Commit(record)] = &passed[..] else {
        panic!("{passed:?}")
    };
    assert_eq!(record.suspects, Suspects::default());
    scene.answer(node(1), SECOND, 2);
    let next = scene.step(Event::Folded(Ok(Step::Next(payload(7)))));
    assert_eq!(next, NOTHING, "the record of the trial's end is not safe");
    assert_eq!(ordered(&scene.committed()), ranks(0..3));
}

#[test]
fn the_tile_that_takes_a_third_node_with_it_is_named_and_no_other() {
    let mut scene = twice_lost();
    scene.step(Event::Started(node(3), ranks(0..2)));
    scene.committed();
    scene.answer(node(3), SECOND, 0);
    scene.committed();
    assert_eq!(scene.step(Event::Lost(vec![node(3)])), poison(1));
}

#[test]
fn other_ranks_go_on_beside_a_trial() {
    let mut scene = twice_lost();
    scene.step(Event::Started(node(3), ranks(0..2)));
    scene.committed();
    assert_eq!(scene.answer(node(1), SECOND, 2), NOTHING);
    assert_eq!(scene.team.answered(), Some((Round(2), 1)));
    // A rank that has nothing to do with it loses its node: the trial goes on.
    assert_eq!(
        scene.step(Event::Lost(vec![node(1)])),
        [Effect::Allot(ranks([2]))]
    );
    scene.step(Event::Allotted(vec![share(node(4), [2])]));
    let started = scene.step(Event::Started(node(4), ranks([2])));
    assert_eq!(sent(&started), [2]);
    scene.committed();
    scene.answer(node(3), SECOND, 0);
    assert_eq!(scene.committed(), run_trial(1));
}

#[test]
fn a_tile_that_was_not_sent_yet_is_not_to_blame() {
    let mut scene = twice_lost();
    scene.step(Event::Started(node(3), ranks(0..2)));
    // Rank 0 is on trial, but the proxy does not know of it yet; so it does not run.
    assert_eq!(
        scene.step(Event::Lost(vec![node(3)])),
        [Effect::Allot(ranks(0..2))],
        "the node was lost by something else"
    );
    scene.step(Event::Allotted(vec![share(node(4), 0..2)]));
    let started = scene.step(Event::Started(node(4), ranks(0..2)));
    assert_eq!(sent(&started), [0_u32; 0]);
    assert_eq!(sent(&scene.committed()), [0], "its trial begins now");
}

#[test]
fn a_trial_under_way_is_to_blame_whatever_is_recorded_beside_it() {
    let mut scene = twice_lost();
    scene.step(Event::Started(node(3), ranks(0..2)));
    assert_eq!(sent(&scene.committed()), [0]);
    // Another node is lost and replaced: a new record, which is not safe yet.
    scene.step(Event::Lost(vec![node(1)]));
    scene.step(Event::Allotted(vec![share(node(4), [2])]));
    assert_eq!(scene.step(Event::Lost(vec![node(3)])), poison(0));
}

#[test]
fn a_new_leader_takes_up_the_trials_that_it_finds_in_the_record() {
    let mut suspects = Suspects::default();
    suspects.lost(&ranks([0, 1])).unwrap();
    suspects.lost(&ranks([0, 1])).unwrap();
    let old = Record {
        suspects,
        ..record(17, 2, 8, vec![])
    };
    let mut scene = Scene::new(Team::new(Limits::default(), true, Some(old)));
    let tiles = (0..3).map(payload).collect();
    let split = scene.step(Event::Split(Ok((tiles, payload(9)))));
    let Some(Effect::Commit(latest)) = split.last() else {
        panic!("{split:?}")
    };
    assert_eq!(latest.suspects.trial(), Some(Rank(0)));
    scene.step(Event::Allotted(vec![share(node(3), 0..3)]));
    let started = scene.step(Event::Started(node(3), ranks(0..3)));
    assert_eq!(sent(&started), [2]);
    assert_eq!(scene.committed(), run_trial(0));
    scene.answer(node(3), SECOND, 0);
    assert_eq!(scene.committed(), run_trial(1));
}

#[test]
fn a_tile_that_kills_while_it_is_collected_is_found_too() {
    let mut scene = Scene::started();
    scene.answer_all(FIRST);
    scene.step(Event::Folded(Ok(Step::Done(payload(7)))));
    let mut started = Vec::new();
    for (lost, next) in [(0, 2), (2, 3)] {
        scene.step(Event::Lost(vec![node(lost)]));
        scene.step(Event::Allotted(vec![share(node(next), 0..2)]));
        started = scene.step(Event::Started(node(next), ranks(0..2)));
    }
    assert_eq!(
        sent(&started),
        [0],
        "there is no round to be recorded any more"
    );
    assert_eq!(ordered(&started), ranks([0]));
    assert_eq!(scene.step(Event::Lost(vec![node(3)])), poison(0));
}
