//! Answers that come late, twice, or from where nobody asked.

use super::*;

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
        assert_eq!(scene.answer(origin, FIRST, 0), stale, "{who}");
        let lacks = Event::Lacks {
            origin,
            rank: Rank(0),
            tile: true,
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
        let event = Event::Answered(node(0), Rank(0), stage, Some(payload(42)));
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
