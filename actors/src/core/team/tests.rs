//! What the leader does about each event, step by step.

mod lost;
mod suspected;
mod world;

use super::*;

/// The node, in its first incarnation.
fn node(node: u32) -> Origin {
    again(node, 1)
}

fn again(node: u32, incarnation: u64) -> Origin {
    Origin {
        node: crate::id::NodeId(node),
        incarnation: crate::id::Incarnation(incarnation),
    }
}

fn payload(byte: u8) -> Payload {
    Payload {
        head: vec![byte].into(),
        ..Payload::default()
    }
}

fn ranks(ranks: impl IntoIterator<Item = u32>) -> Ranks {
    ranks.into_iter().map(Rank).collect()
}

fn share(origin: Origin, of: impl IntoIterator<Item = u32>) -> Share {
    Share {
        origin,
        ranks: ranks(of),
    }
}

fn record(sequence: u64, round: u32, task: u8, shares: Vec<Share>) -> Record {
    Record {
        sequence,
        round: Round(round),
        task: payload(task),
        shares,
        suspects: Suspects::default(),
    }
}

fn at(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

const FIRST: Stage = Stage::Round(Round(1));
const SECOND: Stage = Stage::Round(Round(2));
const NOTHING: [Effect; 0] = [];

/// A team and the time at which it is.
struct Scene {
    team: Team,
    now: Duration,
}

impl Scene {
    fn new(team: Team) -> Self {
        Self {
            team,
            now: Duration::ZERO,
        }
    }

    /// One that has been split into so many tiles, the first task being 9.
    fn split(tiles: u8) -> Self {
        let mut scene = Self::new(Team::new(Limits::default(), true, None));
        let tiles = (0..tiles).map(payload).collect();
        scene.step(Event::Split(Ok((tiles, payload(9)))));
        scene
    }

    /// Tiles 0 and 1 on node 0, tile 2 on node 1, in round 1; all records are safe.
    fn started() -> Self {
        let mut scene = Self::split(3);
        scene.step(Event::Allotted(vec![
            share(node(0), 0..2),
            share(node(1), 2..3),
        ]));
        scene.committed();
        scene.step(Event::Started(node(0), ranks(0..2)));
        scene.step(Event::Started(node(1), ranks(2..3)));
        scene
    }

    /// The same, in round 2.
    fn second_round() -> Self {
        let mut scene = Self::started();
        scene.answer_all(FIRST);
        scene.step(Event::Folded(Ok(Step::Next(payload(8)))));
        scene.committed();
        scene
    }

    fn step(&mut self, event: Event) -> Vec<Effect> {
        self.team.step(event, self.now)
    }

    /// The proxy has the latest record.
    fn committed(&mut self) -> Vec<Effect> {
        let sequence = self.team.sequence;
        self.step(Event::Committed(sequence))
    }

    /// The answer of a rank is its number.
    fn answer(&mut self, origin: Origin, stage: Stage, rank: u32) -> Vec<Effect> {
        let answer = Some(payload(rank as u8));
        self.step(Event::Answered(origin, Rank(rank), stage, answer))
    }

    /// All answer where [`Self::started`] has put them; returns what the last of them causes.
    fn answer_all(&mut self, stage: Stage) -> Vec<Effect> {
        self.answer(node(0), stage, 0);
        self.answer(node(0), stage, 1);
        self.answer(node(1), stage, 2)
    }

    fn ticks(&mut self, ticks: usize) -> Vec<Effect> {
        (0..ticks).flat_map(|_| self.step(Event::Tick)).collect()
    }
}

fn survey() -> Effect {
    Effect::Survey(vec![node(0), node(1)])
}

#[test]
fn a_job_goes_from_the_split_to_its_result() {
    let mut scene = Scene::new(Team::new(Limits::default(), true, None));
    let tiles = vec![payload(0), payload(1), payload(2)];
    assert_eq!(
        scene.step(Event::Split(Ok((tiles, payload(9))))),
        [
            Effect::Enter(Phase::Iterating),
            Effect::Allot(ranks(0..3)),
            Effect::Commit(record(1, 1, 9, vec![])),
        ]
    );
    let shares = vec![share(node(0), 0..2), share(node(1), 2..3)];
    assert_eq!(
        scene.step(Event::Allotted(shares.clone())),
        [
            Effect::Start(node(0), ranks(0..2)),
            Effect::Start(node(1), ranks(2..3)),
            Effect::Commit(record(2, 1, 9, shares.clone())),
        ]
    );
    assert_eq!(scene.committed(), NOTHING);
    assert_eq!(
        scene.step(Event::Started(node(1), ranks(2..3))),
        [
            Effect::SendTile(node(1), Rank(2), payload(2)),
            Effect::SendTask(node(1), ranks(2..3), Round(1), payload(9)),
        ]
    );
    assert_eq!(
        scene.answer(node(1), FIRST, 2),
        NOTHING,
        "before others began"
    );
    assert_eq!(
        scene.step(Event::Started(node(0), ranks(0..2))),
        [
            Effect::SendTile(node(0), Rank(0), payload(0)),
            Effect::SendTile(node(0), Rank(1), payload(1)),
            Effect::SendTask(node(0), ranks(0..2), Round(1), payload(9)),
        ]
    );
    assert_eq!(scene.answer(node(0), FIRST, 1), NOTHING);
    assert_eq!(scene.team.answered(), Some((Round(1), 2)));
    scene.now = at(70);
    let times = vec![
        (node(0), ranks(0..2), at(70)),
        (node(1), ranks(2..3), at(0)),
    ];
    assert_eq!(
        scene.answer(node(0), FIRST, 0),
        [
            Effect::Measured(Round(1), times),
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
            Effect::Commit(record(3, 2, 8, shares)),
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
    let collected = |origin, rank, of| Event::Answered(origin, Rank(rank), Stage::Collecting, of);
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
fn a_tick_repeats_what_may_be_lost_and_nothing_else() {
    let mut scene = Scene::split(3);
    assert_eq!(
        scene.step(Event::Tick),
        [
            Effect::Survey(vec![]),
            Effect::Allot(ranks(0..3)),
            Effect::Commit(record(1, 1, 9, vec![])),
        ]
    );
    let shares = vec![share(node(0), 0..2), share(node(1), 2..3)];
    scene.step(Event::Allotted(shares.clone()));
    assert_eq!(
        scene.step(Event::Tick),
        [
            survey(),
            Effect::Commit(record(2, 1, 9, shares)),
            Effect::Start(node(0), ranks(0..2)),
            Effect::Start(node(1), ranks(2..3)),
        ]
    );
    scene.committed();
    scene.step(Event::Started(node(0), ranks(0..2)));
    scene.answer(node(0), FIRST, 1);
    assert_eq!(
        scene.step(Event::Tick),
        [survey(), Effect::Inquire(node(0), ranks([0]), FIRST)],
        "rank 1 has answered, and node 1 was asked before"
    );
    assert_eq!(
        scene.step(Event::Tick),
        [survey(), Effect::Start(node(1), ranks([2]))]
    );
    scene.step(Event::Started(node(1), ranks([2])));
    scene.answer(node(0), FIRST, 0);
    scene.answer(node(1), FIRST, 2);
    assert_eq!(scene.ticks(20), vec_of(survey, 20), "while it is folded");
}

fn vec_of(effect: impl Fn() -> Effect, count: usize) -> Vec<Effect> {
    (0..count).map(|_| effect()).collect()
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
    // After 1, 2, 4, 8 and then always 9 ticks: one more than 0, 1, 3, 7, 8, 8 …
    assert_eq!(asked(&mut scene, 1..=40), [1, 3, 7, 15, 24, 33]);
    scene.answer(node(0), SECOND, 0);
    assert_eq!(
        asked(&mut scene, 1..=4),
        [1, 3],
        "it is there: patience begins anew"
    );
}

#[test]
fn whatever_an_msvpu_lacks_it_gets() {
    let mut scene = Scene::second_round();
    scene.answer(node(0), SECOND, 0);
    let mut lacks = |origin, rank, tile| {
        scene.step(Event::Lacks {
            origin,
            rank: Rank(rank),
            tile,
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
            Effect::Commit(record(
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
        [Effect::Drop(Dropped::Stale)],
        "it has moved"
    );
    assert_eq!(
        scene.step(Event::Started(node(1), ranks([0]))),
        [
            Effect::SendTile(node(1), Rank(0), payload(0)),
            Effect::SendTask(node(1), ranks([0]), Round(3), payload(7)),
        ]
    );
    scene.committed();
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
fn of_two_plans_the_latest_counts() {
    let mut scene = Scene::started();
    scene.step(Event::Moved(vec![share(node(1), 0..1)]));
    scene.step(Event::Moved(vec![share(node(1), 1..2)]));
    scene.answer_all(FIRST);
    let next = scene.step(Event::Folded(Ok(Step::Next(payload(8)))));
    assert_eq!(next[0], Effect::Retire(node(0), ranks([1])));
    assert_eq!(next[1], Effect::Start(node(1), ranks([1])));
}

#[test]
fn a_new_leader_goes_on_from_the_record() {
    let old = record(17, 5, 4, vec![share(node(0), 0..3)]);
    let mut scene = Scene::new(Team::new(Limits::default(), true, Some(old)));
    let tiles = (0..3).map(payload).collect();
    let effects = scene.step(Event::Split(Ok((tiles, payload(9)))));
    assert_eq!(
        effects,
        [
            Effect::Enter(Phase::Iterating),
            Effect::Allot(ranks(0..3)),
            Effect::Commit(record(1, 5, 4, vec![])),
        ],
        "its round and task, its own counting, none of the old places"
    );
    scene.step(Event::Allotted(vec![share(node(1), 0..3)]));
    let started = scene.step(Event::Started(node(1), ranks(0..3)));
    assert_eq!(
        started[3],
        Effect::SendTask(node(1), ranks(0..3), Round(5), payload(4))
    );
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
