use super::*;
use proptest::prelude::*;
use uuid::Uuid;

fn flow(owner: u64, job: u128, weight: Priority) -> Flow {
    let job = JobId::new(Uuid::from_u128(job));
    Flow { owner, job, weight }
}

fn normal(owner: u64, job: u128) -> Flow {
    flow(owner, job, Priority::Normal)
}

fn next<T>(queue: &mut FairQueue<T>) -> Option<T> {
    queue.pop().map(|(.., piece)| piece)
}

/// Takes `pieces` pieces, each the name of its flow, and counts those of each name.
fn taken(queue: &mut FairQueue<usize>, pieces: usize) -> [usize; 4] {
    let mut counts = [0; 4];
    for _ in 0..pieces {
        counts[next(queue).unwrap()] += 1;
    }
    counts
}

#[test]
fn a_small_job_comes_out_next_beside_a_big_one() {
    for owner in [1, 2] {
        let mut queue = FairQueue::new();
        for _ in 0..10_000 {
            queue.push(normal(1, 1), 1e6, 0);
        }
        assert_eq!(taken(&mut queue, 5_000), [5_000, 0, 0, 0]);
        queue.push(normal(owner, 2), 1e6, 1);
        assert_eq!(taken(&mut queue, 1), [0, 1, 0, 0]);
        // Of twenty more, it has its half of what it asks for, and not what it did not ask for.
        for _ in 0..20 {
            queue.push(normal(owner, 2), 1e6, 1);
        }
        assert_eq!(taken(&mut queue, 20), [10, 10, 0, 0]);
    }
}

#[test]
fn shares_go_by_weight() {
    let mut queue = FairQueue::new();
    for _ in 0..10_000 {
        queue.push(flow(1, 1, Priority::Low), 10.0, 0);
        queue.push(flow(2, 2, Priority::Normal), 10.0, 1);
        queue.push(flow(3, 3, Priority::High), 10.0, 2);
    }
    // 1/4 : 1 : 4 of 2100 are 100, 400 and 1600.
    let [low, middle, high, _] = taken(&mut queue, 2100);
    assert!(low.abs_diff(100) <= 1 && middle.abs_diff(400) <= 2 && high.abs_diff(1600) <= 4);
}

#[test]
fn more_jobs_give_an_owner_no_more_and_a_background_job_takes_nothing() {
    let mut queue = FairQueue::new();
    for _ in 0..10_000 {
        queue.push(normal(1, 1), 10.0, 0);
        queue.push(normal(2, 2), 10.0, 1);
        queue.push(normal(2, 3), 10.0, 2);
        queue.push(flow(2, 4, Priority::Low), 10.0, 3);
    }
    // Half to each owner; of the second's 900, 1 : 1 : 1/4 are 400, 400 and 100.
    let counts = taken(&mut queue, 1800);
    for (count, right) in counts.into_iter().zip([900, 400, 400, 100]) {
        assert!(count.abs_diff(right) <= 2, "{counts:?}");
    }
}

#[test]
fn one_that_comes_and_goes_has_no_more_than_its_share() {
    // It asks again as soon as it was served, always with a single piece.
    for (job_ends, owner) in [(false, 2), (false, 1), (true, 2)] {
        let mut queue = FairQueue::new();
        for _ in 0..10_000 {
            queue.push(normal(1, 1), 1.0, 0);
        }
        let mut counts = [0_usize; 2];
        let mut guest = 2;
        queue.push(normal(owner, guest), 3.0, 1);
        for _ in 0..4000 {
            let piece = next(&mut queue).unwrap();
            counts[piece] += 1;
            if piece == 1 {
                // Jobs that end and are followed by new ones get their owner no more.
                if job_ends {
                    queue.remove(normal(owner, guest).job);
                    guest += 1;
                }
                queue.push(normal(owner, guest), 3.0, 1);
            }
        }
        // Equal shares of cost: 3000 pieces of 1 and 1000 of 3.
        assert!(counts[1].abs_diff(1000) <= 1, "{counts:?}");
    }
}

#[test]
fn an_idle_past_gives_no_credit() {
    let mut queue = FairQueue::new();
    queue.push(normal(2, 2), 10.0, 1);
    queue.push(normal(1, 1), 10.0, 0);
    assert_eq!(taken(&mut queue, 2), [1, 1, 0, 0]);
    for _ in 0..10_000 {
        queue.push(normal(1, 1), 10.0, 0);
    }
    assert_eq!(taken(&mut queue, 5_000), [5_000, 0, 0, 0]);
    for _ in 0..10_000 {
        queue.push(normal(2, 2), 10.0, 1);
    }
    let [one, two, ..] = taken(&mut queue, 100);
    assert!(one.abs_diff(two) <= 1, "{one} and {two}");
    // Nor is what was had alone held against one after nothing waited any more.
    while next(&mut queue).is_some() {}
    for _ in 0..100 {
        queue.push(normal(1, 1), 10.0, 0);
        queue.push(normal(2, 2), 10.0, 1);
    }
    assert_eq!(taken(&mut queue, 100), [50, 50, 0, 0]);
}

#[test]
fn a_removed_job_leaves_nothing_and_the_others_alone() {
    let mut queue = FairQueue::new();
    for n in 0..10 {
        queue.push(normal(1, 1), 1.0, n);
        queue.push(normal(1, 2), 1.0, 100 + n);
        queue.push(normal(2, 3), 1.0, 200 + n);
    }
    assert_eq!(queue.remove(normal(1, 1).job).len(), 10);
    assert_eq!(queue.remove(normal(2, 3).job).len(), 10);
    assert_eq!(queue.remove(normal(2, 3).job).len(), 0);
    assert_eq!(queue.len(), 10);
    let rest: Vec<_> = std::iter::from_fn(|| next(&mut queue)).collect();
    assert_eq!(rest, (100..110).collect::<Vec<_>>());
    assert_eq!(queue.remove(normal(1, 2).job).len(), 0);
    assert_eq!(remembered(&queue), (0, 0));
}

/// How many owners and jobs the queue remembers.
fn remembered<T>(queue: &FairQueue<T>) -> (usize, usize) {
    let jobs = queue.owners.iter().map(|(_, owner)| owner.jobs.len()).sum();
    assert_eq!(queue.job_keys.len(), jobs);
    assert_eq!(queue.owner_keys.len(), queue.owners.len());
    (queue.owners.len(), jobs)
}

#[test]
fn a_queue_that_is_never_idle_does_not_remember_all_who_were_there() {
    // One job is always there; others bring a piece after they were removed, and are never seen
    // again: of its owner, and of an owner of their own.
    for guests in [1, 2] {
        let mut queue = FairQueue::new();
        queue.push(normal(1, 0), 1.0, 0);
        for n in 1..10_000 {
            queue.push(normal(1, 0), 1.0, 0);
            queue.remove(normal(1, n).job);
            let owner = if guests == 1 { 1 } else { 1 + n as u64 };
            queue.push(normal(owner, n), 1.0, 1);
            taken(&mut queue, 2);
            let (owners, jobs) = remembered(&queue);
            assert!(owners <= 40 && jobs <= 40, "{owners} owners, {jobs} jobs");
        }
    }
}

#[test]
fn costs_that_are_no_costs_pass_too() {
    let mut queue = FairQueue::new();
    for cost in [f64::NAN, 0.0, -1.0, f64::INFINITY, f64::MAX, f64::MIN] {
        for _ in 0..100 {
            queue.push(normal(1, 1), cost, 0);
        }
    }
    queue.push(normal(2, 2), 1.0, 1);
    assert_eq!(taken(&mut queue, 2), [1, 1, 0, 0]);
    assert_eq!(taken(&mut queue, 599), [599, 0, 0, 0]);
    assert_eq!(next(&mut queue), None);
}

#[derive(Clone, Debug)]
enum Event {
    Push(u64, u128, f64),
    Pop,
    Remove(u128),
}

fn event() -> impl Strategy<Value = Event> {
    // Job numbers are told apart by owner: 0..4, 4..8, 8..12.
    prop_oneof![
        6 => (0_u64..3, 0_u128..4, 0.0_f64..1e9)
            .prop_map(|(owner, job, cost)| Event::Push(owner, 4 * u128::from(owner) + job, cost)),
        5 => Just(Event::Pop),
        1 => (0_u128..12).prop_map(Event::Remove),
    ]
}

proptest! {
    #[test]
    fn nothing_is_lost_or_kept_back_and_jobs_stay_in_order(events in prop::collection::vec(event(), 0..400)) {
        let mut queue = FairQueue::new();
        // What waits, by job; each piece is its job and the number of the event.
        let mut model: HashMap<u128, VecDeque<usize>> = HashMap::new();
        for (n, event) in events.into_iter().enumerate() {
            match event {
                Event::Push(owner, job, cost) => {
                    queue.push(normal(owner, job), cost, (job, n));
                    model.entry(job).or_default().push_back(n);
                }
                Event::Pop => match next(&mut queue) {
                    Some((job, n)) => {
                        prop_assert_eq!(model.entry(job).or_default().pop_front(), Some(n));
                    }
                    None => prop_assert!(model.values().all(VecDeque::is_empty)),
                },
                Event::Remove(job) => {
                    let waiting = model.remove(&job).unwrap_or_default();
                    prop_assert_eq!(queue.remove(normal(0, job).job).len(), waiting.len());
                }
            }
            prop_assert_eq!(queue.len(), model.values().map(VecDeque::len).sum::<usize>());
            let (owners, jobs) = remembered(&queue);
            prop_assert!(queue.len() > 0 || (owners, jobs) == (0, 0), "{owners} owners, {jobs} jobs");
        }
        while next(&mut queue).is_some() {}
        prop_assert_eq!(remembered(&queue), (0, 0));
    }

    /// The theorem of the paper: while two flows wait, what they had over their weights differs by
    /// no more than one piece of each over its weight.
    #[test]
    fn shares_are_within_a_piece_of_each(
        flows in prop::collection::vec((1.0_f64..1000.0, 0_usize..3), 2..8),
        one_owner: bool,
        pieces in 1_usize..500,
    ) {
        let weights = [Priority::Low, Priority::Normal, Priority::High];
        let mut queue = FairQueue::new();
        for (name, (cost, weight)) in flows.iter().enumerate() {
            let owner = if one_owner { 0 } else { name as u64 };
            for _ in 0..=pieces {
                queue.push(flow(owner, name as u128, weights[*weight]), *cost, name);
            }
        }
        let mut had = vec![0.0; flows.len()];
        for _ in 0..pieces {
            let name = next(&mut queue).unwrap();
            let (cost, weight) = flows[name];
            had[name] += cost / [0.25, 1.0, 4.0][weight];
        }
        for (a, of_a) in had.iter().zip(&flows) {
            for (b, of_b) in had.iter().zip(&flows) {
                let piece = |(cost, weight): (f64, usize)| cost / [0.25, 1.0, 4.0][weight];
                let bound = piece(*of_a) + piece(*of_b);
                // Ticks are whole: each piece may be a tick off.
                prop_assert!((a - b).abs() <= bound + pieces as f64 * 0.005, "{} and {}, {}", a, b, bound);
            }
        }
    }
}
