use uuid::Uuid;

use super::*;
use crate::core::fair::Flow;
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
        let timeline = Arc::new(Timeline::new(1));
        let process = timeline.process(0);
        let processors = SimulatedProcessors::new(
            Arc::clone(&timeline),
            process,
            (2, 1.0),
            (0.0, Random::new(1)),
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
        self.processors.submit(label, Box::new(|_| note()));
    }

    fn reserve(&self, of: u128, what: &'static str) {
        self.processors.reserve(job(of), Box::new(self.note(what)));
    }

    /// Until nothing happens any more.
    fn seen(&self) -> Vec<(u64, &'static str)> {
        while let Some(action) = self.timeline.next() {
            action();
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
