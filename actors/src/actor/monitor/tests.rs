use std::any::Any;

use super::*;
use crate::clock::Clock;
use crate::id::{Incarnation, JobId, NodeId, Origin};
use crate::job::Limits;
use crate::link::{Link, Transport};
use crate::message::Envelope;
use crate::work::{Processors, Ready, Run, Work};

const HEAD: NodeId = NodeId(0);
const HERE: Origin = Origin {
    node: NodeId(3),
    incarnation: Incarnation(1),
};

const SHARE: f64 = 0.25;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A node whose time, CPUs and way to the balancer are in the hands of the test.
#[derive(Default)]
struct Hands {
    now: Mutex<Duration>,
    waiting: Mutex<Vec<Work>>,
    /// Of each answer: which test, how long it took, how long it waited for a CPU.
    answers: Mutex<Vec<(u64, Duration, Duration)>>,
    /// How many pieces of others run or wait, and what the answers said of that.
    load: Mutex<usize>,
    loads: Mutex<Vec<u32>>,
}

impl Clock for Hands {
    fn now(&self) -> Duration {
        *self.now.lock().unwrap()
    }

    fn after(&self, _: Duration, _: Box<dyn FnOnce() + Send>) {}

    fn job_id(&self) -> JobId {
        unreachable!("no job is named here")
    }
}

impl Processors for Hands {
    fn share(&self) -> f64 {
        SHARE
    }

    fn are_simulated(&self) -> bool {
        true
    }

    fn load(&self) -> usize {
        *self.load.lock().unwrap() + self.waiting.lock().unwrap().len()
    }

    fn submit(&self, _: Label, work: Work) {
        self.waiting.lock().unwrap().push(work);
    }

    fn discard(&self, _: Box<dyn Any + Send>) {}

    fn forget(&self, _: JobId) {}

    fn reserve(&self, _: JobId, _: Ready) {}

    fn release(&self, _: JobId) {}
}

impl Transport for Hands {
    fn send(&self, to: NodeId, envelope: Envelope) {
        assert_eq!((to, envelope.from), (HEAD, HERE));
        let Message::Balancer(BalancerMessage::Tested {
            origin,
            test,
            capacity,
            compute,
            waited,
        }) = envelope.message
        else {
            panic!("not an answer: {:?}", envelope.message);
        };
        assert_eq!((origin, capacity.cpus, capacity.share), (HERE, 2, SHARE));
        self.loads.lock().unwrap().push(capacity.load);
        self.answers.lock().unwrap().push((test, compute, waited));
    }
}

impl Hands {
    fn monitor(self: &Arc<Self>) -> NodeMonitor {
        NodeMonitor::new(Host {
            link: Link::new(HERE, HEAD, Some(self.clone()), Arc::default()),
            clock: self.clone(),
            processors: self.clone(),
            name: "here".into(),
            cpus: 2,
            catalog: Arc::default(),
            limits: Limits::default(),
            timing: None,
            census: Arc::default(),
            nodes: Arc::default(),
        })
    }

    fn set(&self, now: Duration) {
        *self.now.lock().unwrap() = now;
    }

    /// The one run that waits for a CPU, or is on it, ends now.
    fn end(&self, took: Duration) {
        let work = std::mem::take(&mut *self.waiting.lock().unwrap());
        let [work]: [Work; 1] = work.try_into().ok().unwrap();
        let took = Some(took);
        work.run(Run {
            took,
            ..Run::default()
        });
    }

    fn answers(&self) -> Vec<(u64, Duration, Duration)> {
        std::mem::take(&mut *self.answers.lock().unwrap())
    }
}

#[test]
fn a_test_is_answered_with_what_it_took_and_waited() {
    let hands = Arc::new(Hands::default());
    let monitor = hands.monitor();
    hands.set(ms(100));
    monitor.test(1, 1e6);
    hands.set(ms(112));
    hands.end(ms(5));
    assert_eq!(hands.answers(), [(1, ms(5), ms(7))]);
}

#[test]
fn an_answer_tells_what_was_at_work_beside_the_test() {
    let hands = Arc::new(Hands::default());
    let monitor = hands.monitor();
    for load in [0, 5] {
        *hands.load.lock().unwrap() = load;
        monitor.test(1, 1e6);
        hands.end(ms(0));
    }
    assert_eq!(*hands.loads.lock().unwrap(), [0, 5]);
}

#[test]
fn no_test_takes_a_cpu_for_ever() {
    for probe in PROBES {
        assert_eq!(bounded(probe.work), probe.work);
    }
    for (asked, done) in [
        (1e300, 1e6),
        (f64::INFINITY, 1e6),
        (-1.0, 0.0),
        (f64::NAN, 0.0),
    ] {
        assert_eq!(bounded(asked), done, "{asked}");
    }
}

#[test]
fn of_tests_that_wait_for_a_cpu_one_run_answers_the_latest() {
    let hands = Arc::new(Hands::default());
    let monitor = hands.monitor();
    for (test, asked) in [(1, 0), (2, 10), (3, 20)] {
        hands.set(ms(asked));
        monitor.test(test, 1e6);
    }
    hands.set(ms(100));
    hands.end(ms(30));
    // What was waited since the third was asked for: the way is that of the third.
    assert_eq!(hands.answers(), [(3, ms(30), ms(50))]);
    // Then all is as at the beginning.
    monitor.test(4, 1e6);
    hands.set(ms(130));
    hands.end(ms(30));
    assert_eq!(hands.answers(), [(4, ms(30), ms(0))]);
}

#[test]
fn a_test_asked_for_while_one_runs_gets_no_answer_of_it() {
    let hands = Arc::new(Hands::default());
    let monitor = hands.monitor();
    monitor.test(1, 1e6);
    // The run takes from 0 to 50 ms.
    hands.set(ms(20));
    monitor.test(2, 1e6);
    hands.set(ms(50));
    hands.end(ms(50));
    assert_eq!(hands.answers(), []);
    // The balancer asks again, and is answered.
    monitor.test(3, 1e6);
    hands.set(ms(101));
    hands.end(ms(50));
    assert_eq!(hands.answers(), [(3, ms(50), ms(1))]);
}
