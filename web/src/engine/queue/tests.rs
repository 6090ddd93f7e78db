use super::*;

const ROOM: Room = Room {
    max_jobs: 4,
    max_bytes: 1000,
};

struct Bench {
    queue: Queue,
    names: Vec<(Uuid, &'static str)>,
}

impl Bench {
    fn new() -> Self {
        Self {
            queue: Queue::default(),
            names: Vec::new(),
        }
    }

    fn push(
        &mut self,
        owner: &str,
        name: &'static str,
        priority: Priority,
        share: impl Into<Share>,
    ) {
        let id = Uuid::from_u128(self.names.len() as u128 + 1);
        self.names.push((id, name));
        self.queue.push(Some(owner.to_owned()), priority, id, share);
    }

    fn normal(&mut self, owner: &str, names: &[&'static str]) {
        for name in names {
            self.push(owner, name, Priority::Normal, 1);
        }
    }

    fn name(&self, id: Uuid) -> &'static str {
        self.names.iter().find(|(of, _)| *of == id).unwrap().1
    }

    fn pop(&mut self, load: Load) -> Option<&'static str> {
        let id = self.queue.pop(ROOM, load)?.id;
        Some(self.name(id))
    }

    fn all(&mut self) -> Vec<&'static str> {
        std::iter::from_fn(|| self.pop(Load::default())).collect()
    }
}

fn load(jobs: usize, big_jobs: usize, bytes: u64) -> Load {
    Load {
        jobs,
        big_jobs,
        bytes,
        ..Load::default()
    }
}

#[test]
fn owners_take_turns_whatever_they_have() {
    let mut bench = Bench::new();
    bench.normal("ann", &["a1", "a2", "a3", "a4"]);
    bench.normal("bob", &["b1", "b2"]);
    assert_eq!(bench.all(), ["a1", "b1", "a2", "b2", "a3", "a4"]);
}

#[test]
fn who_was_away_has_saved_nothing_up() {
    let mut bench = Bench::new();
    bench.normal("ann", &["a1", "a2", "a3", "a4", "a5"]);
    for name in ["a1", "a2"] {
        assert_eq!(bench.pop(Load::default()), Some(name));
    }
    bench.normal("bob", &["b1", "b2", "b3"]);
    let order = bench.all();
    assert_eq!(order, ["b1", "a3", "b2", "a4", "b3", "a5"]);
}

#[test]
fn priorities_are_weights_and_starve_nobody() {
    let mut bench = Bench::new();
    bench.push("ann", "low", Priority::Low, 1);
    for _ in 0..40 {
        bench.push("ann", "normal", Priority::Normal, 1);
    }
    for _ in 0..40 {
        bench.push("ann", "high", Priority::High, 1);
    }
    let order = bench.all();
    let first: Vec<_> = order.iter().take(20).collect();
    let high = first.iter().filter(|name| ***name == "high").count();
    assert!((14..=17).contains(&high), "{first:?}");
    let low = order.iter().position(|name| *name == "low").unwrap();
    assert!(low < 30, "{low}");
}

#[test]
fn small_jobs_pass_a_big_one_that_does_not_fit_but_not_for_ever() {
    let mut bench = Bench::new();
    bench.push("ann", "big", Priority::Normal, 900);
    for _ in 0..100 {
        bench.push("ann", "small", Priority::Normal, 1);
    }
    let busy = load(1, 1, 500);
    let mut passed = 0;
    while let Some(name) = bench.pop(busy) {
        assert_eq!(name, "small");
        passed += 1;
    }
    assert_eq!(passed, MAX_PASSES as usize);
    assert_eq!(bench.pop(Load::default()), Some("big"));
    assert_eq!(bench.pop(busy), Some("small"));
}

#[test]
fn one_job_runs_however_large_it_is() {
    let mut bench = Bench::new();
    bench.push("ann", "huge", Priority::Normal, u64::MAX);
    assert_eq!(bench.pop(load(1, 0, 1)), None);
    assert_eq!(bench.pop(Load::default()), Some("huge"));
}

#[test]
fn big_jobs_leave_a_place_to_small_ones() {
    let mut bench = Bench::new();
    bench.push("ann", "big", Priority::Normal, 10);
    bench.push("ann", "small", Priority::Normal, 1);
    let busy = load(3, 3, 30);
    assert_eq!(bench.pop(busy), Some("small"));
    assert_eq!(bench.pop(busy), None);
    assert_eq!(bench.pop(load(3, 2, 30)), Some("big"));
}

#[test]
fn no_more_run_than_may() {
    let mut bench = Bench::new();
    bench.normal("ann", &["a"]);
    assert_eq!(bench.pop(load(4, 0, 4)), None);
    assert_eq!(bench.queue.len(), 1);
}

#[test]
fn what_is_removed_does_not_run() {
    let mut bench = Bench::new();
    bench.normal("ann", &["a", "b", "c"]);
    let b = bench.names[1].0;
    assert!(bench.queue.remove(b));
    assert!(!bench.queue.remove(b));
    assert_eq!(bench.queue.len(), 2);
    assert_eq!(bench.all(), ["a", "c"]);
}

#[test]
fn the_order_that_is_told_is_the_order_in_which_they_run() {
    let mut bench = Bench::new();
    bench.normal("ann", &["a1", "a2", "a3"]);
    bench.normal("bob", &["b1", "b2"]);
    bench.push("bob", "b3", Priority::High, 1);
    let told: Vec<_> = bench
        .queue
        .order()
        .into_iter()
        .map(|id| bench.name(id))
        .collect();
    assert_eq!(bench.queue.len(), 6);
    assert_eq!(bench.all(), told);
}

#[test]
fn owners_that_have_nothing_are_forgotten() {
    let mut queue = Queue::default();
    for owner in 0..1000_u128 {
        let name = Some(owner.to_string());
        queue.push(name, Priority::Normal, Uuid::from_u128(owner), 1);
        assert!(queue.pop(ROOM, Load::default()).is_some());
    }
    assert!(queue.owners.len() < 10, "{}", queue.owners.len());
}

fn share(bytes: u64, beside: Beside) -> Share {
    Share { bytes, beside }
}

#[test]
fn of_those_that_ran_in_a_crash_one_runs_at_a_time_and_holds_up_no_other() {
    let mut bench = Bench::new();
    for name in ["s1", "s2"] {
        bench.push("ann", name, Priority::Normal, share(1, Beside::Innocent));
    }
    let others = vec!["other"; MAX_PASSES as usize + 2];
    for other in &others {
        bench.push("ann", other, Priority::Normal, 1);
    }
    let mut now = load(0, 0, 0);
    assert_eq!(bench.pop(now), Some("s1"));
    now.add(ROOM, share(1, Beside::Innocent));
    let popped: Vec<_> = others.iter().filter_map(|_| bench.pop(now)).collect();
    assert_eq!(popped, others);
    assert_eq!(bench.pop(now), None);
    now.leave(ROOM, share(1, Beside::Innocent));
    assert_eq!(bench.pop(now), Some("s2"));
}

#[test]
fn one_that_is_to_be_alone_gets_to_be_and_is() {
    let mut bench = Bench::new();
    bench.push("ann", "alone", Priority::Normal, share(1, Beside::Nobody));
    for _ in 0..2 * MAX_PASSES {
        bench.push("ann", "other", Priority::Normal, 1);
    }
    let mut now = load(1, 0, 1);
    let mut passed = 0;
    while bench.pop(now).is_some() {
        passed += 1;
    }
    assert_eq!(passed, MAX_PASSES);
    now.leave(ROOM, share(1, Beside::All));
    now.free(share(1, Beside::All));
    assert_eq!(bench.pop(now), Some("alone"));
    now.add(ROOM, share(1, Beside::Nobody));
    assert_eq!(bench.pop(now), None);
    now.leave(ROOM, share(1, Beside::Nobody));
    assert_eq!(bench.pop(now), Some("other"));
}

#[test]
fn what_one_that_was_given_up_still_takes_is_no_room_for_another() {
    let mut bench = Bench::new();
    bench.push("ann", "big", Priority::Normal, 900);
    assert_eq!(bench.pop(load(0, 0, 500)), None);
    assert_eq!(bench.pop(load(0, 0, 0)), Some("big"));
}
