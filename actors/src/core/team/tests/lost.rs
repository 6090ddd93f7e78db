//! Nodes are lost.

use super::*;

#[test]
fn what_a_lost_node_ran_goes_to_others_and_is_not_computed_twice() {
    let mut scene = Scene::second_round();
    scene.answer(node(0), SECOND, 1);
    assert_eq!(
        scene.step(Event::Lost(vec![node(0)])),
        [Effect::Allot(ranks(0..2))]
    );
    assert_eq!(scene.team.origins(), [node(1)]);
    assert_eq!(
        scene.answer(node(0), SECOND, 0),
        [Effect::Drop(Dropped::StaleAnswer)],
        "it was given up"
    );
    assert_eq!(
        scene.step(Event::Lost(vec![node(0)])),
        [Effect::Allot(ranks(0..2))],
        "told twice: still nobody has them"
    );
    let allotted = scene.allotted(vec![share(node(1), 0..1), share(node(2), 1..2)]);
    assert_eq!(
        allotted[..2],
        [
            Effect::Start(node(1), ranks([0])),
            Effect::Start(node(2), ranks([1])),
        ]
    );
    let Effect::Commit(record) = &allotted[2] else {
        panic!("who has what is part of the record: {allotted:?}")
    };
    assert_eq!(record.shares, [share(node(1), [0, 2]), share(node(2), [1])]);
    assert_eq!(
        scene.step(Event::Started(node(1), ranks([0]))),
        NOTHING,
        "node 2 may follow at once"
    );
    assert_eq!(
        scene.step(Event::Started(node(2), ranks([1]))),
        [
            Effect::SendTile(node(1), Rank(0), payload(0)),
            Effect::SendTile(node(2), Rank(1), payload(1)),
            Effect::SendTask(node(1), ranks([0]), Round(2), payload(8)),
        ],
        "the answer of rank 1 is there; its tile is for the next round"
    );
    scene.answer(node(1), SECOND, 0);
    let last = scene.answer(node(1), SECOND, 2);
    let partials = vec![payload(0), payload(1), payload(2)];
    assert_eq!(last[1], Effect::Fold(Round(2), payload(8), partials));
    let next = scene.step(Event::Folded(Ok(Step::Next(payload(7)))));
    assert_eq!(
        next[1..],
        [
            Effect::SendTask(node(1), ranks([0, 2]), Round(3), payload(7)),
            Effect::SendTask(node(2), ranks([1]), Round(3), payload(7)),
        ]
    );
}

#[test]
fn a_node_that_is_lost_while_a_round_is_folded_is_replaced_too() {
    let mut scene = Scene::second_round();
    scene.answer_all(SECOND);
    assert_eq!(
        scene.step(Event::Lost(vec![node(0), node(1)])),
        [Effect::Allot(ranks(0..3))]
    );
    assert_eq!(
        scene.step(Event::Allotted(vec![share(node(3), 0..3)])),
        [Effect::Start(node(3), ranks(0..3))]
    );
    let next = scene.step(Event::Folded(Ok(Step::Next(payload(7)))));
    assert!(
        matches!(&next[..], [Effect::Commit(_)]),
        "nobody is there yet: {next:?}"
    );
    let started = scene.step(Event::Started(node(3), ranks(0..3)));
    assert_eq!(started, NOTHING, "the first record of it is not safe");
    assert_eq!(
        scene.committed()[3],
        Effect::SendTask(node(3), ranks(0..3), Round(3), payload(7))
    );
    assert_eq!(
        scene.team.suspects,
        Suspects::default(),
        "none was at work when the nodes were lost"
    );
}

#[test]
fn what_was_only_starting_on_a_lost_node_goes_elsewhere() {
    let mut scene = Scene::split(3);
    scene.allotted(vec![share(node(0), 0..2), share(node(1), 2..3)]);
    scene.step(Event::Started(node(0), ranks(0..1)));
    let late = scene.step(Event::Tick);
    assert!(late.contains(&Effect::SendTile(node(0), Rank(0), payload(0))));
    assert_eq!(
        scene.step(Event::Lost(vec![node(0)])),
        [Effect::Allot(ranks(0..2))]
    );
    let mut one = Suspects::default();
    one.lost(node(0), &ranks([0]), FIRST);
    assert_eq!(
        scene.team.suspects, one,
        "rank 0 was at work, rank 1 was not there yet"
    );
}

#[test]
fn a_node_that_has_come_back_is_not_taken_for_the_one_that_was_lost() {
    let mut scene = Scene::second_round();
    scene.step(Event::Lost(vec![node(0)]));
    scene.allotted(vec![share(again(0, 2), 0..2)]);
    scene.step(Event::Started(again(0, 2), ranks(0..2)));
    let stale = [Effect::Drop(Dropped::StaleAnswer)];
    assert_eq!(scene.answer(node(0), SECOND, 0), stale);
    assert_eq!(
        scene.step(Event::Lost(vec![node(0)])),
        NOTHING,
        "the news of the first loss again"
    );
    assert_eq!(scene.answer(again(0, 2), SECOND, 0), NOTHING);
    assert_eq!(scene.team.answered(), Some((Round(2), 1)));
}

#[test]
fn a_node_that_is_known_under_another_incarnation_gets_nothing() {
    let mut scene = Scene::split(2);
    scene.step(Event::Allotted(vec![share(node(0), 0..1)]));
    let allotted = scene.step(Event::Allotted(vec![share(again(0, 2), 1..2)]));
    assert_eq!(allotted[0], Effect::Drop(Dropped::Stale));
    let tick = scene.step(Event::Tick);
    assert_eq!(
        tick[..2],
        [survey_of(vec![node(0)]), Effect::Allot(ranks([1]))],
        "what became of the first is asked, and a place for the other"
    );
}

#[test]
fn a_move_to_a_node_that_came_back_is_placed_anew() {
    let mut scene = Scene::started();
    scene.step(Event::Moved(vec![share(again(1, 2), 0..1)]));
    scene.answer_all(FIRST);
    let next = scene.step(Event::Folded(Ok(Step::Next(payload(8)))));
    assert_eq!(
        next[..2],
        [
            Effect::Retire(node(0), ranks([0])),
            Effect::Allot(ranks([0])),
        ]
    );
}

#[test]
fn an_msvpu_that_is_not_there_is_started_again() {
    let mut scene = Scene::second_round();
    assert_eq!(
        scene.step(Event::Absent(node(0), ranks([1, 2]))),
        [Effect::Start(node(0), ranks([1]))],
        "rank 2 is elsewhere"
    );
    assert_eq!(
        scene.step(Event::Started(node(0), ranks([1]))),
        [
            Effect::SendTile(node(0), Rank(1), payload(1)),
            Effect::SendTask(node(0), ranks([1]), Round(2), payload(8)),
        ]
    );
    let stale = [Effect::Drop(Dropped::Stale)];
    assert_eq!(scene.step(Event::Absent(again(0, 2), ranks([1]))), stale);
}

#[test]
fn what_each_tile_contributes_is_collected_from_others_when_a_node_is_lost() {
    let mut scene = Scene::started();
    scene.answer_all(FIRST);
    scene.step(Event::Folded(Ok(Step::Done(payload(7)))));
    scene.answer(node(0), Stage::Collecting, 0);
    scene.step(Event::Lost(vec![node(0)]));
    scene.step(Event::Allotted(vec![share(node(1), 0..2)]));
    assert_eq!(
        scene.step(Event::Started(node(1), ranks(0..2))),
        [
            Effect::SendTile(node(1), Rank(0), payload(0)),
            Effect::SendTile(node(1), Rank(1), payload(1)),
            Effect::SendOutput(node(1), ranks([1]), payload(7)),
        ]
    );
    scene.answer(node(1), Stage::Collecting, 1);
    let end = scene.answer(node(1), Stage::Collecting, 2);
    let tiles = (0..3).map(|tile| Some(payload(tile))).collect();
    let output = payload(7);
    assert_eq!(end, [Effect::Finish(Ok(Finished { output, tiles }))]);
}

#[test]
fn nothing_is_placed_on_a_node_that_is_known_to_be_lost() {
    let mut scene = Scene::second_round();
    scene.step(Event::Lost(vec![node(0)]));
    // An answer of the balancer to an earlier question has been overtaken by the loss.
    let allotted = scene.step(Event::Allotted(vec![share(node(0), 0..2)]));
    assert_eq!(allotted[0], Effect::Drop(Dropped::Stale));
    let started = scene.step(Event::Started(node(0), ranks(0..2)));
    assert_eq!(started, [Effect::Drop(Dropped::Stale)]);
    scene.step(Event::Moved(vec![share(node(0), [2])]));
    assert_eq!(scene.team.origins(), [node(1)]);
    // The loss of a node where nothing was yet may be heard of first, too.
    scene.step(Event::Lost(vec![node(5)]));
    let allotted = scene.step(Event::Allotted(vec![share(node(5), 0..2)]));
    assert_eq!(allotted[0], Effect::Drop(Dropped::Stale));
    let allotted = scene.step(Event::Allotted(vec![share(again(5, 2), 0..2)]));
    assert_eq!(allotted[0], Effect::Start(again(5, 2), ranks(0..2)));
}

#[test]
fn no_tile_goes_to_a_new_place_before_the_proxy_knows_of_it() {
    let mut scene = Scene::second_round();
    scene.step(Event::Lost(vec![node(0)]));
    scene.step(Event::Allotted(vec![share(node(1), 0..2)]));
    let started = scene.step(Event::Started(node(1), ranks(0..2)));
    assert_eq!(started, NOTHING, "it might take the leader with it");
    let lacks = Event::Lacks {
        origin: node(1),
        tiles: ranks(0..1),
        orders: Ranks::default(),
    };
    assert_eq!(scene.step(lacks), NOTHING);
    let asks_for = |effects: &[Effect], rank: u32| {
        let asked = |effect: &Effect| match effect {
            Effect::Inquire(_, ranks, _) => ranks.contains(Rank(rank)),
            _ => false,
        };
        effects.iter().any(asked)
    };
    let ticks = scene.ticks(3);
    assert!(asks_for(&ticks, 2) && !asks_for(&ticks, 0), "{ticks:?}");
    assert_eq!(
        scene.committed(),
        [
            Effect::SendTile(node(1), Rank(0), payload(0)),
            Effect::SendTile(node(1), Rank(1), payload(1)),
            Effect::SendTask(node(1), ranks(0..2), Round(2), payload(8)),
        ]
    );
    assert_eq!(scene.committed(), NOTHING, "once");
}

#[test]
fn a_tile_that_was_not_sent_is_no_suspect() {
    let mut scene = Scene::second_round();
    scene.step(Event::Lost(vec![node(1)]));
    scene.step(Event::Allotted(vec![share(node(2), [2])]));
    scene.step(Event::Started(node(2), ranks([2])));
    scene.step(Event::Lost(vec![node(2)]));
    let mut one = Suspects::default();
    one.lost(node(1), &ranks([2]), SECOND);
    assert_eq!(scene.team.suspects, one);
}
