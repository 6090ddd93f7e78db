use uuid::Uuid;

use super::*;
use crate::core::fair::Flow;
use crate::id::{Rank, Round};
use crate::job::Priority;

struct AllRun;

impl Fates for AllRun {
    fn fate(&self, _: Process, _: &Label) -> Fate {
        Fate::Runs
    }
}

fn job(number: u128) -> JobId {
    JobId::new(Uuid::from_u128(number))
}

/// A node of two CPUs that do one operation per second, and what happened on it, when.
struct Node {
    timeline: Arc<Timeline>,
    processors: Arc<SimulatedProcessors>,
    seen: Arc<Mutex<Vec<(u64, &'static str)>>>,
}

impl Node {
    fn new() -> Self {
        Self::with_jitter(0.0, 1)
    }

    fn with_jitter(jitter: f64, seed: u64) -> Self {
        Self::at(0, jitter, seed)
    }

    /// One of several nodes of a cluster.
    fn at(place: u64, jitter: f64, seed: u64) -> Self {
        let timeline = Arc::new(Timeline::new(1));
        let process = timeline.process(0);
        let processors = SimulatedProcessors::new(
            Arc::clone(&timeline),
            process,
            (2, 1.0),
            jitter,
            (Random::new(place), Random::new(seed)),
            Arc::new(AllRun),
        );
        Self {
            timeline,
            processors,
            seen: Arc::default(),
        }
    }

    fn note(&self, what: &'static str) -> impl FnOnce() + Send + 'static {
        let (timeline, seen) = (Arc::clone(&self.timeline), Arc::clone(&self.seen));
        move || seen.lock().unwrap().push((timeline.now().as_secs(), what))
    }

    fn submit(&self, of: u128, seconds: f64, what: &'static str) {
        let label = Label {
            flow: Flow {
                owner: 1,
                job: job(of),
                weight: Priority::Normal,
            },
            site: Site::Split,
            cost: seconds,
        };
        let note = self.note(what);
        self.processors
            .submit(label, Work::Once(Box::new(|_| note())));
    }

    /// How long a piece of work of 1000 seconds takes, in seconds.
    fn took(&self, site: Site) -> f64 {
        let label = Label {
            flow: Flow::NOBODYS,
            site,
            cost: 1000.0,
        };
        let took = Arc::<Mutex<Option<Duration>>>::default();
        let told = Arc::clone(&took);
        let work = move |run: Run| *told.lock().unwrap() = run.took;
        self.processors.submit(label, Work::Once(Box::new(work)));
        self.seen();
        let took = took.lock().unwrap().take();
        took.unwrap().as_secs_f64()
    }

    fn reserve(&self, of: u128, what: &'static str) {
        self.processors.reserve(job(of), Box::new(self.note(what)));
    }

    /// Until nothing happens any more.
    fn seen(&self) -> Vec<(u64, &'static str)> {
        while let Some(action) = self.timeline.next() {
            action.happen();
        }
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

#[test]
fn who_reserves_the_cpus_has_them_alone_until_it_lets_go() {
    let node = Node::new();
    node.submit(1, 2.0, "short");
    node.submit(1, 5.0, "long");
    node.reserve(2, "granted");
    node.submit(1, 1.0, "other's");
    assert_eq!(node.seen(), [(2, "short"), (5, "long"), (5, "granted")]);
    node.submit(3, 1.0, "another's");
    node.submit(2, 1.0, "alone");
    node.reserve(2, "again");
    assert_eq!(node.seen(), [(5, "again"), (6, "alone")]);
    node.processors.release(job(2));
    assert_eq!(node.seen(), [(7, "other's"), (7, "another's")]);
}

#[test]
fn however_often_the_cpus_are_asked_for_they_are_granted_once() {
    let node = Node::new();
    node.submit(1, 5.0, "other's");
    for _ in 0..9 {
        node.reserve(2, "granted");
    }
    assert_eq!(node.seen(), [(5, "other's"), (5, "granted")]);
}

#[test]
fn a_forgotten_job_lets_go() {
    let node = Node::new();
    node.reserve(1, "first");
    node.reserve(2, "second");
    node.reserve(3, "never");
    node.submit(4, 1.0, "other's");
    assert_eq!(node.seen(), [(0, "first")]);
    node.processors.forget(job(3));
    node.processors.forget(job(1));
    assert_eq!(node.seen(), [(0, "second")]);
    node.processors.forget(job(2));
    assert_eq!(node.seen(), [(1, "other's")]);
}

fn step(round: u32, rank: u32) -> Site {
    Site::LocalStep(Round(round), Rank(rank))
}

#[test]
fn jitter_stretches_each_step_by_a_draw_of_its_own() {
    const JITTER: f64 = 0.5;
    let node = Node::with_jitter(JITTER, 7);
    let mut times: Vec<f64> = (1..=20)
        .flat_map(|round| (0..20).map(move |rank| step(round, rank)))
        .map(|site| node.took(site))
        .collect();
    let longest = 1000.0 * (1.0 + JITTER);
    assert!(times.iter().all(|took| (1000.0..longest).contains(took)));
    // Uniform: four standard errors of the mean of 400 draws.
    let mean = times.iter().sum::<f64>() / 400.0;
    let error = 1000.0 * JITTER / 12_f64.sqrt() / 20.0;
    let expected = 1000.0 * (1.0 + JITTER / 2.0);
    assert!((mean - expected).abs() < 4.0 * error, "{mean}");
    times.sort_by(f64::total_cmp);
    times.dedup();
    assert_eq!(times.len(), 400, "a draw came twice");
}

#[test]
fn the_jitter_of_a_step_is_its_own_whatever_ran_before_it() {
    let alone = Node::with_jitter(0.3, 7).took(step(5, 3));
    let node = Node::with_jitter(0.3, 7);
    for before in [Site::Split, step(1, 3), step(5, 4), step(4, 3)] {
        node.took(before);
    }
    // It ends at another time, rounded to the nanosecond there.
    assert!((node.took(step(5, 3)) - alone).abs() < 1e-8);
    let elsewhere = Node::at(1, 0.3, 7);
    assert!((elsewhere.took(step(5, 3)) - alone).abs() < 1e-8);
    let split = Node::at(0, 0.3, 7).took(Site::Split);
    assert!((elsewhere.took(Site::Split) - split).abs() > 1e-3);
    let of_another_seed = Node::with_jitter(0.3, 8).took(step(5, 3));
    assert!((of_another_seed - alone).abs() > 1e-3);
}

#[test]
fn work_that_is_no_step_is_stretched_anew_each_time() {
    let node = Node::with_jitter(0.3, 7);
    let times: Vec<f64> = (0..3).map(|_| node.took(Site::Split)).collect();
    assert!(times.iter().all(|took| (1000.0..1300.0).contains(took)));
    assert!((times[0] - times[1]).abs() > 1e-3 && (times[1] - times[2]).abs() > 1e-3);
}

#[test]
fn without_jitter_work_takes_what_it_costs() {
    let node = Node::new();
    for site in [Site::Split, step(1, 0), step(1, 1)] {
        assert_eq!(node.took(site), 1000.0);
    }
}

#[test]
fn a_process_that_stands_still_computes_nothing() {
    let node = Node::new();
    node.submit(1, 10.0, "before");
    let at = |seconds: u64, what: fn(&SimulatedProcessors)| {
        let processors = Arc::clone(&node.processors);
        let action = move || what(&processors);
        let at = Duration::from_secs(seconds);
        node.timeline
            .schedule(at, None, Action::Once(Box::new(action)));
    };
    at(4, SimulatedProcessors::pause);
    // Speeds change while it stands, and that counts from when it goes on.
    at(6, |processors| processors.set_speed(2.0));
    let processors = Arc::clone(&node.processors);
    let note = node.note("meanwhile");
    let label = Label {
        flow: Flow::NOBODYS,
        site: Site::Split,
        cost: 8.0,
    };
    let submit = move || processors.submit(label, Work::Once(Box::new(|_| note())));
    let half = Duration::from_secs(8);
    node.timeline
        .schedule(half, None, Action::Once(Box::new(submit)));
    at(20, SimulatedProcessors::resume);
    // 4 s of 10 are done; 6 are left at twice the speed, and 8 of the other.
    assert_eq!(node.seen(), [(23, "before"), (24, "meanwhile")]);
    let (busy, _) = node.processors.spent();
    assert_eq!(busy, Duration::from_secs(4 + 3 + 4), "standing is no work");
}
