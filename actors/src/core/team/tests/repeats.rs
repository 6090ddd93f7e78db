//! Messages get lost or come twice.

use super::*;

#[test]
fn a_tick_repeats_what_may_be_lost_and_nothing_else() {
    let mut scene = Scene::split(3);
    assert_eq!(
        scene.step(Event::Tick),
        [
            survey_of(vec![]),
            Effect::Allot(ranks(0..3)),
            commit(record(1, 1, 9, vec![])),
        ]
    );
    let shares = vec![share(node(0), 0..2), share(node(1), 2..3)];
    scene.step(Event::Allotted(shares.clone()));
    assert_eq!(
        scene.step(Event::Tick),
        [
            survey(),
            commit(record(2, 1, 9, shares)),
            Effect::Start(node(0), ranks(0..2)),
            Effect::Start(node(1), ranks(2..3)),
        ]
    );
    scene.committed();
    let started = scene.step(Event::Started(node(0), ranks(0..2)));
    assert_eq!(started, NOTHING, "node 1 may follow at once");
    assert_eq!(
        scene.step(Event::Tick),
        [
            survey(),
            Effect::SendTile(node(0), Rank(0), payload(0)),
            Effect::SendTile(node(0), Rank(1), payload(1)),
            Effect::SendTask(node(0), ranks(0..2), Round(1), payload(9)),
            Effect::Start(node(1), ranks([2])),
        ],
        "node 1 is late"
    );
    scene.answer(node(0), FIRST, 1);
    assert_eq!(
        scene.step(Event::Tick),
        [survey(), Effect::Start(node(1), ranks([2]))],
        "node 0 has just answered"
    );
    assert_eq!(
        scene.step(Event::Tick),
        [survey(), Effect::Inquire(node(0), ranks([0]), FIRST)],
        "rank 1 has answered, and node 1 was asked three times"
    );
    let started = scene.step(Event::Started(node(1), ranks([2])));
    assert_eq!(started[0], Effect::SendTile(node(1), Rank(2), payload(2)));
    scene.answer(node(0), FIRST, 0);
    scene.answer(node(1), FIRST, 2);
    assert_eq!(scene.ticks(20), vec_of(survey, 20), "while it is folded");
}

#[test]
fn a_node_at_work_is_asked_ever_more_rarely_until_it_answers() {
    let mut scene = Scene::second_round();
    let asked = |scene: &mut Scene, ticks: std::ops::RangeInclusive<u32>| -> Vec<u32> {
        let inquire = |rank: Ranks| Effect::Inquire(node(0), rank, SECOND);
        let (both, one) = (inquire(ranks(0..2)), inquire(ranks([1])));
        ticks
            .filter(|_| {
                let effects = scene.step(Event::Tick);
                effects.contains(&both) || effects.contains(&one)
            })
            .collect()
    };
    // Three times at once, then after 2, 4, 8 and always 9 ticks.
    assert_eq!(asked(&mut scene, 1..=40), [1, 2, 3, 5, 9, 17, 26, 35]);
    scene.answer(node(0), SECOND, 0);
    assert_eq!(
        asked(&mut scene, 1..=7),
        [2, 3, 4, 6],
        "patience begins anew"
    );
}

#[test]
fn a_node_that_answers_all_the_time_is_not_asked() {
    let mut scene = Scene::split(10);
    scene.allotted(vec![share(node(0), 0..10)]);
    scene.step(Event::Started(node(0), ranks(0..10)));
    let inquires = |scene: &mut Scene| {
        let effects = scene.step(Event::Tick);
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Inquire(..)))
    };
    assert!(!inquires(&mut scene), "it has just started them");
    assert!(inquires(&mut scene));
    for rank in 0..8 {
        scene.answer(node(0), FIRST, rank);
        assert!(!inquires(&mut scene), "rank {rank}");
    }
    assert!(inquires(&mut scene), "a tick has passed without an answer");
}

#[test]
fn whatever_an_msvpu_lacks_it_gets() {
    let mut scene = Scene::second_round();
    scene.answer(node(0), SECOND, 0);
    let mut lacks = |origin, rank, tile| {
        let (tiles, orders) = if tile {
            (ranks([rank]), Ranks::default())
        } else {
            (Ranks::default(), ranks([rank]))
        };
        scene.step(Event::Lacks {
            origin,
            tiles,
            orders,
        })
    };
    let order = |rank| Effect::SendTask(node(0), ranks([rank]), Round(2), payload(8));
    let tile = |rank| Effect::SendTile(node(0), Rank(rank), payload(rank as u8));
    assert_eq!(lacks(node(0), 1, false), [order(1)]);
    assert_eq!(lacks(node(0), 1, true), [tile(1), order(1)]);
    assert_eq!(lacks(node(0), 0, false), NOTHING, "it has answered");
    assert_eq!(
        lacks(node(0), 0, true),
        [tile(0)],
        "it has answered elsewhere"
    );
}

#[test]
fn answers_to_requests_that_were_made_twice_change_nothing() {
    let mut scene = Scene::second_round();
    let before = scene.team.crews.shares();
    let shares = vec![share(node(2), 0..2), share(node(1), 2..3)];
    let allotted = scene.step(Event::Allotted(shares));
    assert_eq!(
        allotted[..2],
        vec_of(|| Effect::Drop(Dropped::Duplicate), 2)
    );
    let started = scene.step(Event::Started(node(0), ranks(0..2)));
    assert_eq!(started, [Effect::Drop(Dropped::Duplicate)]);
    let others = vec![node(7), again(0, 2)];
    assert_eq!(scene.step(Event::Lost(others)), NOTHING);
    assert_eq!(scene.team.crews.shares(), before);
}

#[test]
fn a_node_to_which_tiles_come_is_not_asked_though_it_was_about_to_be() {
    let mut scene = Scene::second_round();
    let inquiries = |scene: &mut Scene| {
        let effects = scene.step(Event::Tick);
        let asks = |effect: &&Effect| matches!(effect, Effect::Inquire(to, ..) if *to == node(0));
        effects.iter().filter(asks).count()
    };
    assert_eq!(inquiries(&mut scene), 1, "it says nothing");
    let lacks = Event::Lacks {
        origin: node(0),
        tiles: ranks([0]),
        orders: Ranks::default(),
    };
    scene.step(lacks);
    let asked: Vec<usize> = (0..4).map(|_| inquiries(&mut scene)).collect();
    assert_eq!(asked, [0, 0, 0, 1], "tiles are on their way");
}
