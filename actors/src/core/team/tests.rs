//! What the leader does about each event, step by step.

mod lost;
mod moves;
mod nobody;
mod repeats;
mod rounds;
mod suspected;
mod together;
mod world;

use super::*;
use crate::core::answer::Answer;
use crate::core::msvpu::Stage;
use crate::error::Site;
use crate::id::Rank;

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
        done: Vec::new(),
    }
}

fn commit(record: Record) -> Effect {
    Effect::Commit(Box::new(record))
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

    /// The balancer has placed them, and the record of it is safe; returns what came of the former.
    fn allotted(&mut self, shares: Vec<Share>) -> Vec<Effect> {
        let effects = self.step(Event::Allotted(shares));
        self.committed();
        effects
    }

    /// The answer of a rank is its number.
    fn answer(&mut self, origin: Origin, stage: Stage, rank: u32) -> Vec<Effect> {
        let answer = Some(payload(rank as u8));
        self.step(answered(origin, Rank(rank), stage, answer))
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

fn answer(rank: Rank, stage: Stage, payload: Option<Payload>) -> Answer {
    Answer {
        rank,
        stage,
        payload,
        effort: None,
    }
}

/// One answer by itself.
fn answered(origin: Origin, rank: Rank, stage: Stage, payload: Option<Payload>) -> Event {
    Event::Answered {
        origin,
        sent: Duration::ZERO,
        answers: vec![answer(rank, stage, payload)],
    }
}

fn survey() -> Effect {
    survey_of(vec![node(0), node(1)])
}

fn survey_of(origins: Vec<Origin>) -> Effect {
    Effect::Survey {
        origins,
        accused: Vec::new(),
    }
}

fn vec_of(effect: impl Fn() -> Effect, count: usize) -> Vec<Effect> {
    (0..count).map(|_| effect()).collect()
}
