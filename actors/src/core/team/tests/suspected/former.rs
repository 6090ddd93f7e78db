//! What earlier leaders have left at work.

use super::*;

/// Two leaders were lost in round 2: rank 0 may be at work on nodes 8 and 9, and rank 1 on node 9,
/// and has gone down with node 7. All are placed on node 3, with rank 2, and all records are safe.
fn twice_left() -> Scene {
    let mut old = record(17, 2, 8, vec![]);
    old.suspects.lost(node(7), &ranks([1]), SECOND);
    old.suspects.leave(vec![share(node(8), [0])], SECOND);
    old.suspects.leave(vec![share(node(9), 0..2)], SECOND);
    let mut scene = Scene::new(Team::new(Limits::default(), true, Some(old)));
    let tiles = (0..3).map(payload).collect();
    let split = scene.step(Event::Split(Ok((tiles, payload(9)))));
    assert_eq!(split[3..], settle([8, 9]));
    scene.allotted(vec![share(node(3), 0..3)]);
    let started = scene.step(Event::Started(node(3), ranks(0..3)));
    assert_eq!(sent(&started), [2], "no others run");
    scene
}

fn settle(nodes: impl IntoIterator<Item = u32>) -> Vec<Effect> {
    let settle = |of| Effect::Settle(node(of));
    nodes.into_iter().map(settle).collect()
}

fn asked(scene: &mut Scene) -> Vec<Effect> {
    let asks = |effect: &Effect| matches!(effect, Effect::Settle(_));
    scene.step(Event::Tick).into_iter().filter(asks).collect()
}

#[test]
fn who_may_be_at_work_at_two_places_waits_until_the_nodes_are_settled() {
    let mut scene = twice_left();
    assert_eq!(asked(&mut scene), settle([8, 9]));
    let freed = scene.step(Event::Settled(node(8)));
    assert!(matches!(&freed[..], [Effect::Commit(_)]), "{freed:?}");
    assert_eq!(lacks(&mut scene, 0), NOTHING, "the proxy takes it for held");
    assert_eq!(sent(&scene.committed()), [0]);
    assert_eq!(lacks(&mut scene, 1), NOTHING);
    assert_eq!(asked(&mut scene), settle([9]));
    scene.step(Event::Settled(node(9)));
    assert_eq!(sent(&scene.committed()), [1]);
    assert_eq!(asked(&mut scene), NOTHING);
    let again = [Effect::Drop(Dropped::Duplicate)];
    assert_eq!(scene.step(Event::Settled(node(9))), again);
    for rank in 0..3 {
        scene.answer(node(3), SECOND, rank);
    }
    assert!(matches!(scene.team.state, State::Folding(_)));
}

#[test]
fn who_waits_for_nodes_that_are_lost_in_the_end_is_tried() {
    let mut scene = twice_left();
    scene.answer(node(3), SECOND, 2);
    assert_eq!(scene.step(Event::Lost(vec![node(8)])), NOTHING);
    assert!(
        !scene.step(Event::Tick).contains(&reserve(1)),
        "node 9 may follow"
    );
    scene.step(Event::Lost(vec![node(9)]));
    assert!(scene.step(Event::Tick).contains(&reserve(1)));
    assert_eq!(trial(&mut scene, 1), run_trial(0));
    scene.step(Event::Lost(vec![node(3)]));
    assert_eq!(died(&mut scene, [3, 8, 9]), poison(0));
}

#[test]
fn who_has_passed_its_trial_for_this_round_alone_is_tried_again_in_the_next() {
    let mut old = record(17, 2, 8, vec![]);
    let third = Stage::Round(Round(3));
    old.suspects.lost(node(7), &ranks([0]), third);
    old.suspects.lost(node(8), &ranks([0]), third);
    let mut scene = Scene::new(Team::new(Limits::default(), true, Some(old)));
    scene.step(Event::Split(Ok((vec![payload(0)], payload(9)))));
    scene.allotted(vec![share(node(3), [0])]);
    let started = scene.step(Event::Started(node(3), ranks([0])));
    assert_eq!(started, [reserve(1)]);
    assert_eq!(trial(&mut scene, 1), run_trial(0));
    let passed = scene.answer(node(3), SECOND, 0);
    assert!(
        !passed
            .iter()
            .any(|effect| matches!(effect, Effect::Reserve(..)))
    );
    scene.step(Event::Folded(Ok(Step::Next(payload(7)))));
    let next = scene.committed();
    let again = Effect::Reserve(node(3), Rank(0), ReservationId(2));
    assert!(next.contains(&again) && sent(&next).is_empty(), "{next:?}");
    scene.committed();
    reserved(&mut scene, node(3), 2);
    assert_eq!(ordered(&scene.committed()), ranks([0]));
    scene.answer(node(3), third, 0);
    assert_eq!(scene.team.suspects, Suspects::default());
}

/// It may be at work there still, or a long step may never end.
#[test]
fn a_node_that_has_joined_again_and_works_on_is_not_taken_for_dead() {
    let mut scene = twice_lost();
    scene.step(Event::Started(node(3), ranks(0..2)));
    trial(&mut scene, 1);
    scene.step(Event::Lost(vec![node(3)]));
    died(&mut scene, [0, 3]);
    for _ in 0..100 {
        assert!(!scene.team.has_ended());
        scene.step(Event::Fates(vec![finding(2, Fate::Busy)]));
        scene.step(Event::Tick);
    }
    assert_eq!(died(&mut scene, [2]), poison(0));
}
