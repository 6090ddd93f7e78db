use super::*;
use crate::job::Priority;
use proptest::prelude::*;
use uuid::Uuid;

fn job(number: u128) -> JobId {
    JobId::new(Uuid::from_u128(number))
}

/// Job 0 is nobody's.
fn flow(number: u128) -> Flow {
    match number {
        0 => Flow::NOBODYS,
        number => Flow {
            owner: (number % 2) as u64,
            job: job(number),
            weight: Priority::Normal,
        },
    }
}

fn next<T>(gate: &mut Gate<T>) -> Option<T> {
    gate.pop().map(|(.., piece)| piece)
}

#[test]
fn a_reservation_waits_for_what_runs_and_keeps_the_others_out() {
    let mut gate = Gate::new();
    for piece in ["first", "second", "third"] {
        gate.push(flow(1), 1.0, piece);
    }
    gate.push(flow(2), 1.0, "before it was granted");
    assert_eq!(
        [next(&mut gate), next(&mut gate)],
        [Some("first"), Some("before it was granted")]
    );
    gate.push(flow(2), 1.0, "old");
    assert_eq!(gate.reserve(job(2)), None);
    gate.push(flow(2), 1.0, "brought meanwhile");
    assert_eq!([gate.finished(), gate.finished()], [None, None]);
    assert_eq!(
        (
            gate.runnable(),
            next(&mut gate),
            next(&mut gate),
            next(&mut gate)
        ),
        (2, Some("old"), Some("brought meanwhile"), None),
        "what it brings afterwards must not wait for them"
    );
    assert_eq!(gate.finished(), None);
    assert_eq!(gate.finished(), Some(job(2)));

    gate.push(flow(1), 1.0, "fourth");
    gate.push(Flow::NOBODYS, 1.0, "nobody's");
    assert_eq!(
        (gate.runnable(), next(&mut gate)),
        (0, None),
        "only what comes from now on"
    );
    for piece in ["alone", "left over"] {
        gate.push(flow(2), 1.0, piece);
    }
    assert_eq!((gate.runnable(), next(&mut gate)), (2, Some("alone")));
    assert_eq!(gate.finished(), None);

    assert_eq!(gate.release(job(2)), None);
    assert_eq!(gate.runnable(), 5);
    let mut rest: Vec<_> = std::iter::from_fn(|| next(&mut gate)).collect();
    rest.sort_unstable();
    assert_eq!(rest, ["fourth", "left over", "nobody's", "second", "third"]);
}

#[test]
fn asking_twice_is_asking_once_and_a_holder_is_told_again() {
    let mut gate = Gate::<()>::new();
    assert_eq!(gate.reserve(job(1)), Some(job(1)));
    assert_eq!(gate.reserve(job(1)), Some(job(1)));
    assert_eq!([gate.reserve(job(2)), gate.reserve(job(2))], [None, None]);
    assert_eq!(gate.reserve(job(3)), None);
    assert_eq!(gate.release(job(1)), Some(job(2)));
    assert_eq!(gate.release(job(2)), Some(job(3)));
    assert_eq!(gate.release(job(3)), None);
    assert_eq!(gate.release(job(3)), None, "of one who has none");
}

#[test]
fn the_next_one_waits_for_what_the_last_one_left_running() {
    let mut gate = Gate::new();
    gate.reserve(job(1));
    gate.push(flow(1), 1.0, 1);
    assert_eq!(next(&mut gate), Some(1));
    assert_eq!(gate.reserve(job(2)), None);
    assert_eq!(gate.release(job(1)), None);
    assert_eq!(gate.finished(), Some(job(2)));
}

#[test]
fn a_forgotten_job_takes_its_reservation_and_its_pieces_along() {
    let mut gate = Gate::new();
    gate.push(flow(1), 1.0, "old");
    gate.reserve(job(1));
    gate.push(flow(1), 1.0, "new");
    gate.push(flow(2), 1.0, "another's");
    assert_eq!(gate.reserve(job(3)), None);
    let (dropped, granted) = gate.forget(job(1));
    assert_eq!(
        (Vec::from(dropped), granted),
        (vec!["old", "new"], Some(job(3)))
    );
    gate.open();
    assert_eq!(
        (gate.runnable(), next(&mut gate), next(&mut gate)),
        (1, Some("another's"), None)
    );
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Push(u128),
    Pop,
    /// The piece so far down the list of those that run.
    Finish(usize),
    Reserve(u128),
    Release(u128),
    Forget(u128),
}

fn op() -> impl Strategy<Value = Op> {
    let job = 1..5_u128;
    prop_oneof![
        6 => (0..5_u128).prop_map(Op::Push),
        6 => Just(Op::Pop),
        6 => any::<usize>().prop_map(Op::Finish),
        2 => job.clone().prop_map(Op::Reserve),
        2 => job.clone().prop_map(Op::Release),
        1 => job.prop_map(Op::Forget),
    ]
}

/// The state of a gate as its users see it: from what they did and what they were told.
#[derive(Default)]
struct Seen {
    pushed: Vec<u128>,
    /// Pieces, by their place in `pushed`.
    running: Vec<usize>,
    out: Vec<usize>,
    asked: Vec<u128>,
    /// Who was told last, and how many pieces had come by then.
    holder: Option<(u128, usize)>,
}

impl Seen {
    fn granted(&mut self, granted: Option<JobId>) -> Result<(), TestCaseError> {
        let waits = |number: &u128| {
            let mut pieces = self.pushed.iter().enumerate();
            pieces.any(|(piece, of)| of == number && !self.out.contains(&piece))
        };
        let free = self.holder.is_none() && self.running.is_empty();
        let due = free && self.asked.first().is_some_and(|next| !waits(next));
        let due = due.then(|| self.asked.remove(0));
        prop_assert_eq!(granted, due.map(job));
        if let Some(due) = due {
            self.holder = Some((due, self.pushed.len()));
        }
        Ok(())
    }

    fn gone(&mut self, number: u128) {
        self.asked.retain(|asked| *asked != number);
        self.holder.take_if(|holder| holder.0 == number);
    }

    fn step(&mut self, gate: &mut Gate<usize>, op: Op) -> Result<(), TestCaseError> {
        match op {
            Op::Push(number) => {
                gate.push(flow(number), 1.0, self.pushed.len());
                self.pushed.push(number);
            }
            Op::Pop => {
                let runnable = gate.runnable();
                let piece = next(gate);
                prop_assert_eq!(piece.is_some(), runnable > 0);
                prop_assert_eq!(gate.runnable(), runnable.saturating_sub(1));
                let Some(piece) = piece else {
                    return Ok(());
                };
                match self.holder {
                    Some((holder, since)) => {
                        prop_assert!(self.pushed[piece] == holder && piece >= since);
                    }
                    None => {
                        let next = self.asked.first();
                        prop_assert!(next.is_none_or(|next| *next == self.pushed[piece]));
                    }
                }
                self.running.push(piece);
                self.out.push(piece);
            }
            Op::Finish(_) if self.running.is_empty() => {}
            Op::Finish(index) => {
                self.running.swap_remove(index % self.running.len());
                self.granted(gate.finished())?;
            }
            Op::Reserve(number) if self.holder.is_some_and(|holder| holder.0 == number) => {
                prop_assert_eq!(gate.reserve(job(number)), Some(job(number)));
            }
            Op::Reserve(number) => {
                if !self.asked.contains(&number) {
                    self.asked.push(number);
                }
                self.granted(gate.reserve(job(number)))?;
            }
            Op::Release(number) => {
                self.gone(number);
                self.granted(gate.release(job(number)))?;
            }
            Op::Forget(number) => {
                self.gone(number);
                let (dropped, granted) = gate.forget(job(number));
                prop_assert!(dropped.iter().all(|piece| self.pushed[*piece] == number));
                self.out.extend(dropped);
                self.granted(granted)?;
            }
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn a_holder_is_alone_and_nothing_is_lost(ops in prop::collection::vec(op(), 0..200)) {
        let mut gate = Gate::new();
        let mut seen = Seen::default();
        for op in ops {
            seen.step(&mut gate, op)?;
        }
        for number in 1..5 {
            seen.step(&mut gate, Op::Release(number))?;
        }
        let mut waits = gate.runnable();
        prop_assert_eq!(seen.out.len() + waits, seen.pushed.len());
        while waits > 0 {
            seen.step(&mut gate, Op::Pop)?;
            waits -= 1;
        }
        seen.out.sort_unstable();
        prop_assert_eq!(seen.out, (0..seen.pushed.len()).collect::<Vec<_>>());
    }
}
