use super::*;
use proptest::prelude::*;

fn payload(byte: u8) -> Payload {
    Payload {
        head: vec![byte].into(),
        ..Payload::default()
    }
}

fn share(node: u32, ranks: std::ops::Range<u32>) -> Share {
    Share {
        node: NodeId(node),
        ranks,
    }
}

/// A team of three tiles on two nodes, in round 1.
fn iterating() -> Team {
    let mut team = Team::new(Limits::default());
    let tiles = vec![payload(0), payload(1), payload(2)];
    assert_eq!(
        team.step(Event::Split(Ok((tiles, payload(9))))),
        [Effect::Allot(3)]
    );
    let shares = vec![share(0, 0..2), share(1, 2..3)];
    assert_eq!(
        team.step(Event::Allotted(shares)),
        [Effect::Start(share(0, 0..2)), Effect::Start(share(1, 2..3))]
    );
    assert_eq!(
        team.step(Event::Started(NodeId(1))),
        [Effect::SendTile(Rank(2), payload(2))]
    );
    assert_eq!(
        team.step(Event::Started(NodeId(0))),
        [
            Effect::SendTile(Rank(0), payload(0)),
            Effect::SendTile(Rank(1), payload(1)),
            Effect::Enter(Phase::Iterating),
            Effect::SendTask(Round(1), payload(9)),
        ]
    );
    team
}

fn answer(team: &mut Team, round: u32, rank: u32) -> Vec<Effect> {
    team.step(Event::Partial(
        Rank(rank),
        Round(round),
        payload(rank as u8),
    ))
}

#[test]
fn a_job_goes_from_the_split_to_its_result() {
    let mut team = iterating();
    assert_eq!(answer(&mut team, 1, 2), []);
    assert_eq!(answer(&mut team, 1, 0), []);
    assert_eq!(team.answered(), Some((Round(1), 2)));
    assert_eq!(
        answer(&mut team, 1, 1),
        [Effect::Fold(
            Round(1),
            payload(9),
            vec![payload(0), payload(1), payload(2)]
        )]
    );
    assert_eq!(
        team.step(Event::Folded(Ok(Step::Next(payload(8))))),
        [Effect::SendTask(Round(2), payload(8))]
    );
    for rank in 0..3 {
        answer(&mut team, 2, rank);
    }
    assert_eq!(
        team.step(Event::Folded(Ok(Step::Done(payload(7))))),
        [
            Effect::Enter(Phase::Assembling),
            Effect::SendOutput(payload(7))
        ]
    );
    assert_eq!(team.step(Event::Collected(Rank(1), None)), []);
    assert_eq!(team.step(Event::Collected(Rank(0), Some(payload(5)))), []);
    let finished = Finished {
        output: payload(7),
        tiles: vec![Some(payload(5)), None, None],
    };
    assert_eq!(
        team.step(Event::Collected(Rank(2), None)),
        [Effect::Finish(Ok(finished))]
    );
    assert_eq!(team.step(Event::Cancel), [], "over is over");
}

#[test]
fn late_and_repeated_answers_are_dropped_and_never_counted_twice() {
    let mut team = iterating();
    for rank in 0..3 {
        answer(&mut team, 1, rank);
    }
    assert_eq!(answer(&mut team, 1, 0), [Effect::Drop(Taken::Duplicate)]);
    team.step(Event::Folded(Ok(Step::Next(payload(8)))));
    assert_eq!(answer(&mut team, 2, 0), []);
    assert_eq!(answer(&mut team, 1, 1), [Effect::Drop(Taken::Duplicate)]);
    assert_eq!(answer(&mut team, 2, 0), [Effect::Drop(Taken::Duplicate)]);
    assert_eq!(answer(&mut team, 2, 7), [Effect::Drop(Taken::Stranger)]);
    assert_eq!(team.answered(), Some((Round(2), 1)));
}

#[test]
fn a_different_second_answer_raises_the_alarm() {
    let mut team = iterating();
    answer(&mut team, 1, 0);
    let site = Site::LocalStep(Round(1), Rank(0));
    assert_eq!(
        team.step(Event::Partial(Rank(0), Round(1), payload(42))),
        [Effect::Finish(Err(JobError::Nondeterministic { site }))]
    );
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
        Team::new(limits).step(Event::Split(Ok((tiles, payload(0)))))
    };
    assert_eq!(split(0), [Effect::Finish(Err(JobError::NoTiles))]);
    assert_eq!(split(2), [Effect::Allot(2)]);
    assert_eq!(
        split(3),
        [Effect::Finish(Err(JobError::TooManyTiles {
            tiles: 3,
            limit: 2
        }))]
    );
    let mut team = iterating();
    team.limits = limits;
    for rank in 0..3 {
        answer(&mut team, 1, rank);
    }
    assert_eq!(
        team.step(Event::Folded(Ok(Step::Next(payload(1))))),
        [Effect::Finish(Err(JobError::TooManyRounds { limit: 1 }))]
    );
}

fn any_event() -> impl Strategy<Value = Event> {
    let rank = || (0_u32..4).prop_map(Rank);
    let error = || Err(JobError::Stopped);
    prop_oneof![
        Just(Event::Cancel),
        Just(Event::Failed(JobError::Stopped)),
        Just(Event::Split(error())),
        Just(Event::Split(Ok((vec![payload(0); 3], payload(9))))),
        Just(Event::Allotted(vec![share(0, 0..2), share(1, 2..3)])),
        (0_u32..3).prop_map(|node| Event::Started(NodeId(node))),
        (rank(), 0_u32..4).prop_map(|(rank, round)| {
            Event::Partial(rank, Round(round), payload(rank.0 as u8))
        }),
        Just(Event::Folded(Ok(Step::Next(payload(8))))),
        Just(Event::Folded(Ok(Step::Done(payload(7))))),
        Just(Event::Folded(Err(JobError::Stopped))),
        rank().prop_map(|rank| Event::Collected(rank, None)),
    ]
    .boxed()
}

proptest! {
    /// Whatever arrives in whatever order: at most one end, and silence after it.
    #[test]
    fn a_job_ends_at_most_once(
        events in prop::collection::vec(any_event(), 0..200),
    ) {
        let mut team = Team::new(Limits::default());
        let mut ended = false;
        for event in events {
            for effect in team.step(event) {
                prop_assert!(!ended, "{effect:?} after the end");
                ended = matches!(effect, Effect::Finish(_));
            }
        }
    }
}
