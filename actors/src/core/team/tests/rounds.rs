//! From the split to the result, where nothing gets lost.

use super::*;
use crate::core::crew::Lap;

#[test]
fn a_job_goes_from_the_split_to_its_result() {
    let mut scene = Scene::new(Team::new(Limits::default(), true, None));
    let tiles = vec![payload(0), payload(1), payload(2)];
    assert_eq!(
        scene.step(Event::Split(Ok((tiles, payload(9))))),
        [
            Effect::Enter(Phase::Iterating),
            Effect::Allot(ranks(0..3)),
            commit(record(1, 1, 9, vec![])),
        ]
    );
    let shares = vec![share(node(0), 0..2), share(node(1), 2..3)];
    assert_eq!(
        scene.step(Event::Allotted(shares.clone())),
        [
            Effect::Start(node(0), ranks(0..2)),
            Effect::Start(node(1), ranks(2..3)),
            commit(record(2, 1, 9, shares.clone())),
        ]
    );
    assert_eq!(scene.committed(), NOTHING);
    assert_eq!(
        scene.step(Event::Started(node(1), ranks(2..3))),
        NOTHING,
        "node 0 has not"
    );
    assert_eq!(
        scene.step(Event::Started(node(0), ranks(0..2))),
        [
            Effect::SendTile(node(0), Rank(0), payload(0)),
            Effect::SendTile(node(1), Rank(2), payload(2)),
            Effect::SendTile(node(0), Rank(1), payload(1)),
            Effect::SendTask(node(0), ranks(0..2), Round(1), payload(9)),
            Effect::SendTask(node(1), ranks(2..3), Round(1), payload(9)),
        ],
        "one to each in turn"
    );
    assert_eq!(scene.answer(node(1), FIRST, 2), NOTHING);
    assert_eq!(scene.answer(node(0), FIRST, 1), NOTHING);
    assert_eq!(scene.team.answered(), Some((Round(1), 2)));
    scene.now = at(70);
    let lap = |origin, ranks, ms| Lap {
        origin,
        ranks,
        took: Some(at(ms)),
        whole: false,
    };
    let laps = vec![lap(node(0), ranks(0..2), 70), lap(node(1), ranks(2..3), 0)];
    assert_eq!(
        scene.answer(node(0), FIRST, 0),
        [
            Effect::Measured(Round(1), laps),
            Effect::Fold(
                Round(1),
                payload(9),
                vec![payload(0), payload(1), payload(2)]
            ),
        ]
    );
    assert_eq!(
        scene.step(Event::Folded(Ok(Step::Next(payload(8))))),
        [
            commit(record(3, 2, 8, shares)),
            Effect::SendTask(node(0), ranks(0..2), Round(2), payload(8)),
            Effect::SendTask(node(1), ranks(2..3), Round(2), payload(8)),
        ]
    );
    scene.committed();
    scene.answer_all(SECOND);
    assert_eq!(
        scene.step(Event::Folded(Ok(Step::Done(payload(7))))),
        [
            Effect::Enter(Phase::Assembling),
            Effect::SendOutput(node(0), ranks(0..2), payload(7)),
            Effect::SendOutput(node(1), ranks(2..3), payload(7)),
        ]
    );
    let collected = |origin, rank, of| answered(origin, Rank(rank), Stage::Collecting, of);
    assert_eq!(scene.step(collected(node(0), 1, None)), NOTHING);
    assert_eq!(scene.step(collected(node(0), 0, Some(payload(5)))), NOTHING);
    let finished = Finished {
        output: payload(7),
        tiles: vec![Some(payload(5)), None, None],
    };
    assert_eq!(
        scene.step(collected(node(1), 2, None)),
        [Effect::Finish(Ok(finished))]
    );
    assert!(scene.team.has_ended());
    assert_eq!(
        scene.step(Event::End(JobError::Cancelled)),
        NOTHING,
        "over is over"
    );
    assert_eq!(scene.step(Event::Tick), NOTHING);
}

#[test]
fn no_round_begins_before_the_record_of_the_one_before_is_safe() {
    let mut scene = Scene::second_round();
    let mut unsafe_yet = Scene::started();
    unsafe_yet.answer_all(FIRST);
    unsafe_yet.step(Event::Folded(Ok(Step::Next(payload(8)))));
    unsafe_yet.answer_all(SECOND);
    for (scene, safe) in [(&mut scene, true), (&mut unsafe_yet, false)] {
        if safe {
            scene.answer_all(SECOND);
        }
        let next = scene.step(Event::Folded(Ok(Step::Next(payload(7)))));
        let begins = next.contains(&Effect::SendTask(
            node(0),
            ranks(0..2),
            Round(3),
            payload(7),
        ));
        assert_eq!(begins, safe, "{next:?}");
    }
    // An older record is none of use; the one of round 2 is.
    let sequence = unsafe_yet.team.sequence;
    assert_eq!(unsafe_yet.step(Event::Committed(sequence - 1)), NOTHING);
    let Effect::Commit(again) = unsafe_yet.step(Event::Tick).remove(1) else {
        panic!("the tick repeats what may be lost")
    };
    assert_eq!((again.sequence, again.round), (sequence, Round(2)));
    let begun = unsafe_yet.step(Event::Committed(sequence));
    assert_eq!(
        begun[1..],
        [
            Effect::SendTask(node(0), ranks(0..2), Round(3), payload(7)),
            Effect::SendTask(node(1), ranks(2..3), Round(3), payload(7)),
        ]
    );
    assert_eq!(
        unsafe_yet.step(Event::Committed(sequence)),
        NOTHING,
        "heard twice"
    );
}

#[test]
fn late_and_repeated_answers_are_dropped_and_never_counted_twice() {
    let mut scene = Scene::started();
    scene.answer_all(FIRST);
    let duplicate = [Effect::Drop(Dropped::Duplicate)];
    assert_eq!(
        scene.answer(node(0), FIRST, 0),
        duplicate,
        "while it is folded"
    );
    scene.step(Event::Folded(Ok(Step::Next(payload(8)))));
    assert_eq!(scene.answer(node(0), SECOND, 0), NOTHING);
    assert_eq!(
        scene.answer(node(0), FIRST, 1),
        duplicate,
        "its round is over"
    );
    assert_eq!(scene.answer(node(0), SECOND, 0), duplicate);
    assert_eq!(scene.answer(node(0), Stage::Round(Round(3)), 1), duplicate);
    assert_eq!(scene.answer(node(0), Stage::Collecting, 1), duplicate);
    assert_eq!(scene.team.answered(), Some((Round(2), 1)));
}

#[test]
fn answers_count_from_where_the_rank_is_only() {
    let mut scene = Scene::started();
    let stale = [Effect::Drop(Dropped::Stale)];
    let elsewhere = [
        (node(1), "another node"),
        (again(0, 2), "another incarnation"),
        (node(5), "no node"),
    ];
    for (origin, who) in elsewhere {
        let answered = scene.answer(origin, FIRST, 0);
        assert_eq!(answered, [Effect::Drop(Dropped::StaleAnswer)], "{who}");
        let lacks = Event::Lacks {
            origin,
            tiles: ranks(0..1),
            orders: Ranks::default(),
        };
        assert_eq!(scene.step(lacks), stale, "{who}");
    }
    let failed = Event::Failed(again(0, 2), JobError::Stopped);
    assert_eq!(
        scene.step(failed),
        stale,
        "a failure of one that is not asked"
    );
    assert_eq!(
        scene.step(Event::Started(node(5), ranks(0..2))),
        stale,
        "nobody asked for it"
    );
    let stranger = [Effect::Drop(Dropped::Stranger)];
    assert_eq!(scene.answer(node(0), FIRST, 3), stranger);
    assert_eq!(scene.team.answered(), Some((Round(1), 0)));
}

#[test]
fn a_different_second_answer_raises_the_alarm() {
    let conflict = |mut scene: Scene, stage, site| {
        scene.answer(node(0), stage, 0);
        let event = answered(node(0), Rank(0), stage, Some(payload(42)));
        let error = JobError::Nondeterministic { site };
        assert_eq!(scene.step(event), [Effect::Finish(Err(error))]);
    };
    conflict(
        Scene::second_round(),
        SECOND,
        Site::LocalStep(Round(2), Rank(0)),
    );
    let mut collecting = Scene::started();
    collecting.answer_all(FIRST);
    collecting.step(Event::Folded(Ok(Step::Done(payload(7)))));
    conflict(collecting, Stage::Collecting, Site::Collect(Rank(0)));
}

#[test]
fn tiles_and_rounds_are_bounded() {
    let limits = Limits {
        max_tiles_per_job: 2,
        max_rounds_per_job: 1,
        ..Limits::default()
    };
    let split = |tiles: usize| {
        let tiles = vec![Payload::default(); tiles];
        Scene::new(Team::new(limits, true, None)).step(Event::Split(Ok((tiles, payload(0)))))
    };
    assert_eq!(split(0), [Effect::Finish(Err(JobError::NoTiles))]);
    assert_eq!(split(2)[1], Effect::Allot(ranks(0..2)));
    let error = JobError::TooManyTiles { tiles: 3, limit: 2 };
    assert_eq!(split(3), [Effect::Finish(Err(error))]);
    let mut scene = Scene::started();
    scene.team.limits = limits;
    scene.answer_all(FIRST);
    assert_eq!(
        scene.step(Event::Folded(Ok(Step::Next(payload(1))))),
        [Effect::Finish(Err(JobError::TooManyRounds { limit: 1 }))]
    );
}

#[test]
fn whoever_fails_ends_the_job_with_its_error() {
    for event in [
        Event::End(JobError::Cancelled),
        Event::Failed(node(1), JobError::Stopped),
        Event::Folded(Err(JobError::Stopped)),
    ] {
        let error = match &event {
            Event::End(error) | Event::Failed(_, error) | Event::Folded(Err(error)) => {
                error.clone()
            }
            _ => unreachable!(),
        };
        let mut scene = Scene::second_round();
        assert_eq!(scene.step(event), [Effect::Finish(Err(error))]);
        assert_eq!(scene.answer_all(SECOND), NOTHING);
    }
}

#[test]
fn in_one_process_tiles_are_handed_over_and_not_kept() {
    let mut scene = Scene::new(Team::new(Limits::default(), false, None));
    let tiles = (0..2).map(payload).collect();
    scene.step(Event::Split(Ok((tiles, payload(9)))));
    assert_eq!(
        scene.step(Event::Allotted(vec![share(node(0), 0..2)])),
        [Effect::Start(node(0), ranks(0..2))],
        "no record: nobody can be lost"
    );
    scene.committed();
    let started = scene.step(Event::Started(node(0), ranks(0..2)));
    assert_eq!(
        started,
        [
            Effect::SendTile(node(0), Rank(0), payload(0)),
            Effect::SendTile(node(0), Rank(1), payload(1)),
            Effect::SendTask(node(0), ranks(0..2), Round(1), payload(9)),
        ]
    );
    assert_eq!(scene.team.tiles, vec![Payload::default(); 2]);
    // The journal wants to know of each round nevertheless, and before it begins.
    for round in 1..3 {
        for rank in 0..2 {
            scene.answer(node(0), Stage::Round(Round(round)), rank);
        }
        let next = scene.step(Event::Folded(Ok(Step::Next(payload(8)))));
        assert!(matches!(&next[0], Effect::Commit(record) if record.round == Round(round + 1)));
        scene.committed();
    }
}
