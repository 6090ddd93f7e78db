use std::pin::pin;
use std::task::{Context, Poll, Wake, Waker};

use super::*;
use crate::clock::SystemClock;
use crate::core::fair::Flow;
use crate::id::Round;
use crate::payload::Payload;

fn journal(max_bytes: usize) -> Journal {
    let clock = Arc::new(SystemClock::new());
    let job = clock.job_id();
    Journal::new(job, clock, Duration::ZERO, max_bytes)
}

const fn tiles(round: u32, answered: u32) -> What {
    What::Tiles {
        round: Round(round),
        answered,
        team_size: 1_000_000,
    }
}

/// What a reader gets from that number on.
fn read(journal: &Journal, mut from: usize) -> Vec<String> {
    let mut seen = Vec::new();
    while let Some((number, event)) = journal.event(from) {
        from = number + 1;
        seen.push(match event.what {
            What::State(state) => state.to_string(),
            What::Round { round, .. } => format!("round {round}"),
            What::Tiles { answered, .. } => answered.to_string(),
        });
    }
    seen
}

#[test]
fn a_job_ends_at_most_once() {
    let finished = || Finished {
        output: Payload::default(),
        tiles: Vec::new(),
    };
    for (end, again) in [
        (Ok(finished()), Err(JobError::Stopped)),
        (Err(JobError::Cancelled), Ok(finished())),
    ] {
        let journal = journal(1 << 20);
        journal.end(end.clone());
        let (state, seen) = (journal.state(), read(&journal, 0));
        assert_eq!(seen.len(), 1);
        journal.end(again);
        journal.append(tiles(1, 1), None);
        journal.append(What::State(JobState::Pending), None);
        assert_eq!((journal.state(), journal.result()), (state, Some(end)));
        assert_eq!(read(&journal, 0), seen);
    }
}

#[test]
fn a_round_may_last_as_long_as_it_likes() {
    let journal = journal(16 * size_of::<Event>());
    let (round, task) = (Round(1), Payload::default());
    journal.write(What::Round { round, task }).unwrap();
    for answered in 1..1000 {
        journal.write(tiles(1, answered)).unwrap();
        // One who reads along sees each; what is overtaken before it is read is not read.
        assert_eq!(journal.watch().borrow().to_owned(), 1 + answered as usize);
        assert_eq!(read(&journal, answered as usize), [answered.to_string()]);
    }
    assert_eq!(read(&journal, 0), ["round 1", "999"]);
    journal.write(What::State(JobState::Pending)).unwrap();
    journal.write(tiles(1, 1000)).unwrap();
    assert_eq!(read(&journal, 0), ["round 1", "pending", "1000"]);
    let (round, task) = (Round(2), Payload::default());
    journal.write(What::Round { round, task }).unwrap();
    journal.write(tiles(2, 1)).unwrap();
    journal.write(tiles(2, 2)).unwrap();
    assert_eq!(
        read(&journal, 0),
        ["round 1", "pending", "1000", "round 2", "2"],
        "each round keeps its last"
    );
    assert_eq!(journal.pages().bytes, 5 * size_of::<Event>());
    assert_eq!(journal.span().1, 2);
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn who_waits_for_the_end_sleeps_through_the_rounds() {
    let clock = Arc::new(SystemClock::new());
    let journal = Journal::new(Flow::NOBODYS.job, clock, Duration::ZERO, usize::MAX);
    let wakes = Arc::<Wakes>::default();
    let waker = Waker::from(Arc::clone(&wakes));
    let mut context = Context::from_waker(&waker);
    let mut end = pin!(journal.ended());
    assert!(end.as_mut().poll(&mut context).is_pending());
    for round in 1..4 {
        let (round, task) = (Round(round), Payload::default());
        journal.write(What::Round { round, task }).unwrap();
    }
    assert_eq!(wakes.0.load(Ordering::SeqCst), 0);
    journal.end(Err(JobError::Cancelled));
    assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
    assert_eq!(end.as_mut().poll(&mut context), Poll::Ready(()));
    let mut late = pin!(journal.ended());
    assert_eq!(late.as_mut().poll(&mut context), Poll::Ready(()));
}
