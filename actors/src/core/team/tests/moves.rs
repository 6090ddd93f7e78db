//! MsVPUs move, and so does the leader.

use super::*;

#[test]
fn msvpus_move_between_rounds_only() {
    let mut scene = Scene::second_round();
    let plan = vec![share(node(1), 0..1)];
    assert_eq!(scene.step(Event::Moved(plan)), NOTHING, "not yet");
    scene.answer_all(SECOND);
    assert_eq!(
        scene.step(Event::Folded(Ok(Step::Next(payload(7))))),
        [
            Effect::Retire(node(0), ranks([0])),
            Effect::Start(node(1), ranks([0])),
            commit(record(
                4,
                3,
                7,
                vec![share(node(0), 1..2), share(node(1), [0, 2])]
            )),
            Effect::SendTask(node(0), ranks([1]), Round(3), payload(7)),
            Effect::SendTask(node(1), ranks([2]), Round(3), payload(7)),
        ]
    );
    let third = Stage::Round(Round(3));
    assert_eq!(
        scene.answer(node(0), third, 0),
        [Effect::Drop(Dropped::StaleAnswer)],
        "it has moved"
    );
    let started = scene.step(Event::Started(node(1), ranks([0])));
    assert_eq!(started, NOTHING, "the proxy does not know of the move");
    assert_eq!(
        scene.committed(),
        [
            Effect::SendTile(node(1), Rank(0), payload(0)),
            Effect::SendTask(node(1), ranks([0]), Round(3), payload(7)),
        ]
    );
    scene.answer(node(1), third, 0);
    scene.answer(node(0), third, 1);
    scene.answer(node(1), third, 2);
    let next = scene.step(Event::Folded(Ok(Step::Next(payload(6)))));
    assert!(
        !next
            .iter()
            .any(|effect| matches!(effect, Effect::Retire(..))),
        "once: {next:?}"
    );
}

#[test]
fn a_move_to_where_the_msvpu_is_or_of_none_that_is_there_is_none() {
    let mut scene = Scene::started();
    scene.step(Event::Moved(vec![
        share(node(0), 0..2),
        share(node(1), [7]),
    ]));
    scene.answer_all(FIRST);
    let next = scene.step(Event::Folded(Ok(Step::Next(payload(8)))));
    assert_eq!(next.len(), 3, "the record and two tasks: {next:?}");
}

#[test]
fn nothing_moves_for_the_collection() {
    let mut scene = Scene::second_round();
    scene.step(Event::Moved(vec![share(node(1), 0..1)]));
    scene.answer_all(SECOND);
    assert_eq!(
        scene.step(Event::Folded(Ok(Step::Done(payload(7))))),
        [
            Effect::Enter(Phase::Assembling),
            Effect::SendOutput(node(0), ranks(0..2), payload(7)),
            Effect::SendOutput(node(1), ranks([2]), payload(7)),
        ]
    );
}

#[test]
fn of_two_plans_the_latest_counts() {
    let mut scene = Scene::started();
    scene.step(Event::Moved(vec![share(node(1), 0..1)]));
    scene.step(Event::Moved(vec![share(node(1), 1..2)]));
    scene.answer_all(FIRST);
    let next = scene.step(Event::Folded(Ok(Step::Next(payload(8)))));
    assert_eq!(next[0], Effect::Retire(node(0), ranks([1])));
    assert_eq!(next[1], Effect::Start(node(1), ranks([1])));
}

/// Tiles 0 and 1 on node 0, tile 2 on node 1; in round 2 tile 0 moves to node 1.
fn moved() -> Scene {
    let mut scene = Scene::started();
    scene.step(Event::Moved(vec![share(node(1), 0..1)]));
    scene.answer_all(FIRST);
    scene.step(Event::Folded(Ok(Step::Next(payload(8)))));
    scene.committed();
    scene.step(Event::Started(node(1), ranks([0])));
    scene
}

fn retires(scene: &mut Scene) -> Vec<(Origin, Ranks)> {
    let retires = scene.step(Event::Tick).into_iter();
    let retires = retires.filter_map(|effect| match effect {
        Effect::Retire(origin, ranks) => Some((origin, ranks)),
        _ => None,
    });
    retires.collect()
}

/// Else it would keep the tile until the job's end, and not leave before.
#[test]
fn a_node_is_told_to_stop_what_has_moved_until_it_says_that_it_has() {
    let mut scene = moved();
    for _ in 0..3 {
        assert_eq!(retires(&mut scene), [(node(0), ranks([0]))]);
    }
    let gone = Event::Absent(node(0), ranks([0]));
    assert_eq!(scene.step(gone.clone()), NOTHING);
    assert!(retires(&mut scene).is_empty());
    assert_eq!(scene.step(gone), [Effect::Drop(Dropped::Stale)], "twice");
    let mut lost = moved();
    lost.step(Event::Lost(vec![node(0)]));
    assert!(retires(&mut lost).is_empty(), "nobody is there to be told");
}

#[test]
fn what_has_come_back_is_not_told_to_stop_any_more() {
    let mut scene = moved();
    scene.step(Event::Moved(vec![share(node(0), 0..1)]));
    scene.answer(node(0), SECOND, 1);
    scene.answer(node(1), SECOND, 0);
    scene.answer(node(1), SECOND, 2);
    let next = scene.step(Event::Folded(Ok(Step::Next(payload(7)))));
    assert_eq!(next[0], Effect::Retire(node(1), ranks([0])));
    assert_eq!(next[1], Effect::Start(node(0), ranks([0])));
    assert_eq!(retires(&mut scene), [(node(1), ranks([0]))]);
}

/// The order to start it was repeated, and came after that to stop it.
#[test]
fn an_msvpu_that_starts_where_it_has_no_place_is_stopped() {
    let mut scene = moved();
    scene.step(Event::Absent(node(0), ranks([0])));
    assert_eq!(
        scene.step(Event::Started(node(0), ranks(0..2))),
        [
            Effect::Retire(node(0), ranks([0])),
            Effect::Drop(Dropped::Duplicate),
        ]
    );
    assert_eq!(retires(&mut scene), [(node(0), ranks([0]))]);
    scene.step(Event::Absent(node(0), ranks([0])));
    assert!(retires(&mut scene).is_empty());
}

/// What an earlier leader had there, and may have had at work in the round after that of the record.
fn with_former(mut record: Record, former: Vec<Share>) -> Record {
    let stage = Stage::Round(record.round.next());
    record.suspects.leave(former, stage);
    record
}

#[test]
fn a_new_leader_goes_on_from_the_record() {
    let old = with_former(record(17, 5, 4, vec![]), vec![share(node(0), 0..3)]);
    let mut scene = Scene::new(Team::new(Limits::default(), true, Some(old)));
    let tiles = (0..3).map(payload).collect();
    let effects = scene.step(Event::Split(Ok((tiles, payload(9)))));
    assert_eq!(
        effects,
        [
            Effect::Enter(Phase::Iterating),
            Effect::Allot(ranks(0..3)),
            commit(with_former(
                record(1, 5, 4, vec![]),
                vec![share(node(0), 0..3)]
            )),
            Effect::Settle(node(0)),
        ],
        "its round and task, its own counting; what was there may still be at work"
    );
    scene.allotted(vec![share(node(1), 0..3)]);
    let started = scene.step(Event::Started(node(1), ranks(0..3)));
    assert_eq!(
        started[3],
        Effect::SendTask(node(1), ranks(0..3), Round(5), payload(4))
    );
}

#[test]
fn what_an_earlier_leader_had_at_work_is_suspected_when_its_node_is_lost() {
    let former = vec![share(node(0), 0..2), share(node(1), 2..3)];
    let old = with_former(record(17, 5, 4, vec![]), former);
    let mut scene = Scene::new(Team::new(Limits::default(), true, Some(old)));
    let tiles = (0..3).map(payload).collect();
    scene.step(Event::Split(Ok((tiles, payload(9)))));
    let both = vec![node(0), node(1)];
    assert!(scene.step(Event::Tick).contains(&survey_of(both)));
    scene.allotted(vec![share(node(1), 0..3)]);
    scene.step(Event::Started(node(1), ranks(0..3)));
    let fifth = Stage::Round(Round(5));
    scene.answer(node(1), fifth, 0);
    assert_eq!(scene.step(Event::Lost(vec![node(0)])), NOTHING);
    let sixth = Stage::Round(Round(6));
    let mut suspects = Suspects::default();
    suspects.lost(node(0), &ranks([0]), sixth);
    suspects.leave(vec![share(node(1), 2..3), share(node(0), 1..2)], sixth);
    assert_eq!(
        scene.team.suspects, suspects,
        "rank 0 may have been a round further there; rank 1 is at work here"
    );
    let watched = Effect::Survey {
        origins: vec![node(1), node(0)],
        accused: vec![node(0)],
    };
    assert!(scene.step(Event::Tick).contains(&watched));
    scene.step(Event::Lost(vec![node(0), node(1)]));
    let mut suspects = Suspects::default();
    suspects.lost(node(0), &ranks([0]), sixth);
    suspects.lost(node(1), &ranks([1]), fifth);
    suspects.lost(node(1), &ranks([2]), sixth);
    suspects.lost(node(0), &ranks([1]), sixth);
    assert_eq!(scene.team.suspects, suspects);
}
