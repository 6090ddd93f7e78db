//! Tiles that take their nodes with them.

mod fates;
mod former;

use super::*;
use crate::core::fate::{Fate, Finding};
use crate::core::reservation::ReservationId;

/// Ranks 0 and 1 have gone down with two nodes, and are placed on node 3; rank 2 is on node 1. All
/// records but the latest are safe.
fn twice_lost() -> Scene {
    let mut scene = Scene::second_round();
    scene.step(Event::Lost(vec![node(0)]));
    scene.allotted(vec![share(node(2), 0..2)]);
    scene.step(Event::Started(node(2), ranks(0..2)));
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

/// The order to reserve it for rank 0 first, then for rank 1.
fn reserve(id: u64) -> Effect {
    Effect::Reserve(node(3), Rank(id as u32 - 1), ReservationId(id))
}

fn release(id: u64) -> Effect {
    Effect::Release(node(3), ReservationId(id))
}

fn reserved(scene: &mut Scene, origin: Origin, id: u64) -> Vec<Effect> {
    scene.step(Event::Reserved(origin, ReservationId(id)))
}

/// Node 3 is there for the next suspect alone, and the proxy knows of it.
fn trial(scene: &mut Scene, id: u64) -> Vec<Effect> {
    let reserved = reserved(scene, node(3), id);
    assert!(matches!(&reserved[..], [Effect::Commit(_)]), "{reserved:?}");
    scene.committed()
}

fn lacks(scene: &mut Scene, rank: u32) -> Vec<Effect> {
    scene.step(Event::Lacks {
        origin: node(3),
        tiles: Rank(rank).into(),
        orders: Ranks::default(),
    })
}

fn poison(rank: u32) -> [Effect; 1] {
    [Effect::Finish(Err(JobError::PoisonTile {
        rank: Rank(rank),
        losses: 3,
    }))]
}

fn finding(of: u32, fate: Fate) -> Finding {
    Finding {
        of: node(of),
        process: node(of).incarnation,
        fate: Some(fate),
    }
}

/// There are other processes in the place of these nodes.
fn died(scene: &mut Scene, nodes: impl IntoIterator<Item = u32>) -> Vec<Effect> {
    let fates = nodes.into_iter().map(|of| finding(of, Fate::Died));
    scene.step(Event::Fates(fates.collect()))
}

fn survived(scene: &mut Scene, of: u32) -> Vec<Effect> {
    scene.step(Event::Fates(vec![finding(of, Fate::Survived)]))
}

/// The nodes of which the next tick asks what became of them.
fn accused(scene: &mut Scene) -> Vec<Origin> {
    let accused = |effect| match effect {
        Effect::Survey { accused, .. } => Some(accused),
        _ => None,
    };
    let mut effects = scene.step(Event::Tick).into_iter();
    effects.find_map(accused).unwrap_or_default()
}

/// Whether the only effect is a record that says so.
fn records(effects: &[Effect], trial: Option<u32>, held: &[u32]) -> bool {
    let [Effect::Commit(record)] = effects else {
        return false;
    };
    record.suspects.trial() == trial.map(Rank)
        && record.suspects.held() == ranks(held.iter().copied())
        && record.shares == [share(node(1), [2]), share(node(3), 0..2)]
}

#[test]
fn suspects_run_one_at_a_time_on_a_node_of_their_own_when_the_proxy_knows_of_it() {
    let mut scene = twice_lost();
    let none_is_asked = |scene: &mut Scene, why| {
        assert_eq!(
            (lacks(scene, 0), lacks(scene, 1)),
            (vec![], vec![]),
            "{why}"
        );
        let to_them = |effect: &Effect| matches!(effect, Effect::Inquire(to, ..) if *to == node(3));
        assert!(!scene.ticks(10).iter().any(to_them), "{why}");
    };
    let started = scene.step(Event::Started(node(3), ranks(0..2)));
    assert_eq!(started, [reserve(1)]);
    none_is_asked(&mut scene, "others may be at work there");
    let told = reserved(&mut scene, node(3), 1);
    assert!(records(&told, Some(0), &[1]), "{told:?}");
    none_is_asked(&mut scene, "the proxy does not know of the trial");
    assert_eq!(scene.committed(), run_trial(0));
    assert_eq!(lacks(&mut scene, 0), run_trial(0), "lost on the way");
    assert_eq!(lacks(&mut scene, 1), NOTHING);
    // Rank 0 passes; it is rank 1's turn.
    let mut passed = scene.answer(node(3), SECOND, 0);
    assert_eq!(passed.pop(), Some(reserve(2)));
    assert!(records(&passed, None, &[1]), "{passed:?}");
    assert_eq!(scene.committed(), [release(1)]);
    none_is_asked(&mut scene, "others may be at work there again");
    let told = reserved(&mut scene, node(3), 2);
    assert!(records(&told, Some(1), &[]), "{told:?}");
    assert_eq!(scene.committed(), run_trial(1));
    let passed = scene.answer(node(3), SECOND, 1);
    assert!(records(&passed, None, &[]), "{passed:?}");
    assert_eq!(scene.team.suspects, Suspects::default());
    scene.answer(node(1), SECOND, 2);
    let next = scene.step(Event::Folded(Ok(Step::Next(payload(7)))));
    assert_eq!(next, NOTHING, "the record of the trial's end is not safe");
    let next = scene.committed();
    assert_eq!((&next[0], ordered(&next)), (&release(2), ranks(0..3)));
}

#[test]
fn a_node_is_reserved_for_a_trial_until_the_proxy_knows_how_it_ended() {
    let mut scene = twice_lost();
    scene.step(Event::Started(node(3), ranks(0..2)));
    trial(&mut scene, 1);
    scene.step(Event::Lost(vec![node(1)]));
    scene.step(Event::Allotted(vec![share(node(3), [2])]));
    let started = scene.step(Event::Started(node(3), ranks([2])));
    assert_eq!(started, NOTHING, "rank 2 comes to where the trial is");
    scene.committed();
    assert_eq!(lacks(&mut scene, 2), NOTHING);
    let passed = scene.answer(node(3), SECOND, 0);
    assert!(matches!(&passed[..], [Effect::Commit(_)]), "{passed:?}");
    assert!(!scene.ticks(3).contains(&release(1)));
    let why = "the proxy would blame rank 0 for what it does";
    assert_eq!(lacks(&mut scene, 2), NOTHING, "{why}");
    assert_eq!(scene.committed(), [release(1)]);
    assert_eq!(sent(&lacks(&mut scene, 2)), [2]);
}

#[test]
fn orders_to_reserve_and_release_are_repeated_until_they_are_answered() {
    let mut scene = twice_lost();
    scene.step(Event::Started(node(3), ranks(0..2)));
    let repeats = |scene: &mut Scene, order: &Effect| scene.step(Event::Tick).contains(order);
    assert!(repeats(&mut scene, &reserve(1)));
    trial(&mut scene, 1);
    assert!(!repeats(&mut scene, &reserve(1)));
    scene.answer(node(3), SECOND, 0);
    scene.committed();
    assert!(repeats(&mut scene, &release(1)) && repeats(&mut scene, &reserve(2)));
    let released = |origin, id| Event::Released(origin, ReservationId(id));
    scene.step(released(node(1), 1));
    assert!(repeats(&mut scene, &release(1)), "another node");
    trial(&mut scene, 2);
    scene.answer(node(3), SECOND, 1);
    scene.committed();
    scene.step(released(node(3), 1));
    assert!(repeats(&mut scene, &release(2)), "an earlier reservation");
    scene.step(released(node(3), 2));
    assert!(!repeats(&mut scene, &release(2)));
}

#[test]
fn an_earlier_grant_says_nothing_about_the_latest() {
    let mut scene = twice_lost();
    scene.step(Event::Started(node(3), ranks(0..2)));
    trial(&mut scene, 1);
    let duplicate = [Effect::Drop(Dropped::Duplicate)];
    assert_eq!(reserved(&mut scene, node(3), 1), duplicate, "under way");
    scene.answer(node(3), SECOND, 0);
    scene.committed();
    assert_eq!(reserved(&mut scene, node(3), 1), duplicate, "over");
    assert_eq!(reserved(&mut scene, node(1), 2), duplicate, "elsewhere");
    assert_eq!(trial(&mut scene, 2), run_trial(1));
}

#[test]
fn a_node_that_was_reserved_for_one_that_is_gone_is_released() {
    let mut scene = twice_lost();
    scene.step(Event::Started(node(3), ranks(0..2)));
    scene.committed();
    scene.step(Event::Absent(node(3), ranks([0])));
    let granted = reserved(&mut scene, node(3), 1);
    assert_eq!(granted, [release(1), reserve(2)], "for rank 1");
    assert_eq!(trial(&mut scene, 2), run_trial(1));
}

#[test]
fn no_trial_begins_where_another_may_be_at_work_though_it_was_said_to_be_absent() {
    let mut scene = twice_lost();
    scene.step(Event::Lost(vec![node(1)]));
    scene.step(Event::Allotted(vec![share(node(3), [2])]));
    scene.step(Event::Started(node(3), ranks([2])));
    scene.step(Event::Absent(node(3), ranks([2])));
    assert_eq!(scene.step(Event::Started(node(3), ranks(0..2))), NOTHING);
    scene.step(Event::Started(node(3), ranks([2])));
    assert_eq!(scene.answer(node(3), SECOND, 2), [reserve(1)]);
}

#[test]
fn a_trial_that_is_gone_from_its_node_is_to_blame_for_nothing() {
    let mut scene = twice_lost();
    scene.step(Event::Started(node(3), ranks(0..2)));
    trial(&mut scene, 1);
    scene.step(Event::Absent(node(3), ranks([0])));
    assert_eq!(lacks(&mut scene, 1), NOTHING, "the node is reserved");
    let lost = scene.step(Event::Lost(vec![node(3)]));
    assert_eq!(lost, [Effect::Allot(ranks(0..2))]);
    scene.step(Event::Allotted(vec![share(node(4), 0..2)]));
    scene.committed();
    let started = scene.step(Event::Started(node(4), ranks(0..2)));
    assert_eq!(
        started,
        [Effect::Reserve(node(4), Rank(0), ReservationId(2))]
    );
}

#[test]
fn the_tile_that_takes_a_third_node_with_it_is_named_and_no_other() {
    let mut scene = twice_lost();
    scene.step(Event::Started(node(3), ranks(0..2)));
    trial(&mut scene, 1);
    scene.answer(node(3), SECOND, 0);
    scene.committed();
    trial(&mut scene, 2);
    let lost = scene.step(Event::Lost(vec![node(3)]));
    assert_eq!(lost, [Effect::Allot(ranks(0..2))], "it may come back");
    assert_eq!(died(&mut scene, [2, 3]), NOTHING);
    assert_eq!(died(&mut scene, [0]), poison(1));
}

#[test]
fn other_ranks_go_on_beside_a_trial() {
    let mut scene = twice_lost();
    scene.step(Event::Started(node(3), ranks(0..2)));
    trial(&mut scene, 1);
    assert_eq!(scene.answer(node(1), SECOND, 2), NOTHING);
    assert_eq!(scene.team.answered(), Some((Round(2), 1)));
    // A rank that has nothing to do with it loses its node: the trial goes on.
    assert_eq!(
        scene.step(Event::Lost(vec![node(1)])),
        [Effect::Allot(ranks([2]))]
    );
    scene.allotted(vec![share(node(4), [2])]);
    let started = scene.step(Event::Started(node(4), ranks([2])));
    assert_eq!(sent(&started), [2]);
    scene.answer(node(3), SECOND, 0);
    scene.committed();
    assert_eq!(trial(&mut scene, 2), run_trial(1));
}

#[test]
fn a_tile_that_was_not_sent_yet_is_not_to_blame() {
    let mut scene = twice_lost();
    scene.step(Event::Started(node(3), ranks(0..2)));
    reserved(&mut scene, node(3), 1);
    // Rank 0 is on trial, but the proxy does not know of it yet; so it does not run.
    assert_eq!(
        scene.step(Event::Lost(vec![node(3)])),
        [Effect::Allot(ranks(0..2))],
        "the node was lost by something else"
    );
    scene.step(Event::Allotted(vec![share(node(4), 0..2)]));
    let started = scene.step(Event::Started(node(4), ranks(0..2)));
    assert_eq!(
        started,
        [Effect::Reserve(node(4), Rank(0), ReservationId(2))]
    );
    reserved(&mut scene, node(4), 2);
    assert_eq!(sent(&scene.committed()), [0], "its trial begins now");
}

#[test]
fn a_trial_under_way_is_to_blame_whatever_is_recorded_beside_it() {
    let mut scene = twice_lost();
    scene.step(Event::Started(node(3), ranks(0..2)));
    assert_eq!(trial(&mut scene, 1), run_trial(0));
    // Another node is lost and replaced: a new record, which is not safe yet.
    scene.step(Event::Lost(vec![node(1)]));
    scene.step(Event::Allotted(vec![share(node(4), [2])]));
    scene.step(Event::Lost(vec![node(3)]));
    assert_eq!(died(&mut scene, [0, 2, 3]), poison(0));
}

#[test]
fn a_new_leader_takes_up_the_trials_that_it_finds_in_the_record() {
    let mut suspects = Suspects::default();
    suspects.lost(node(8), &ranks([0, 1]), SECOND);
    suspects.lost(node(9), &ranks([0, 1]), SECOND);
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
    assert_eq!(latest.suspects.held(), ranks(0..2));
    scene.allotted(vec![share(node(3), 0..3)]);
    let started = scene.step(Event::Started(node(3), ranks(0..3)));
    assert_eq!(sent(&started), [2]);
    assert_eq!(scene.committed(), NOTHING, "rank 2 is at work there");
    assert_eq!(scene.answer(node(3), SECOND, 2), [reserve(1)]);
    assert_eq!(trial(&mut scene, 1), run_trial(0));
    scene.answer(node(3), SECOND, 0);
    scene.committed();
    assert_eq!(trial(&mut scene, 2), run_trial(1));
}

#[test]
fn a_tile_that_kills_while_it_is_collected_is_found_too() {
    let mut scene = Scene::started();
    scene.answer_all(FIRST);
    scene.step(Event::Folded(Ok(Step::Done(payload(7)))));
    let mut started = Vec::new();
    for (lost, next) in [(0, 2), (2, 3)] {
        scene.step(Event::Lost(vec![node(lost)]));
        scene.allotted(vec![share(node(next), 0..2)]);
        started = scene.step(Event::Started(node(next), ranks(0..2)));
    }
    assert_eq!(started, [reserve(1)]);
    let started = reserved(&mut scene, node(3), 1);
    assert_eq!(
        sent(&started),
        [0],
        "there is no round to be recorded any more"
    );
    assert_eq!(ordered(&started), ranks([0]));
    scene.step(Event::Lost(vec![node(3)]));
    assert_eq!(died(&mut scene, [0, 2, 3]), poison(0));
}
