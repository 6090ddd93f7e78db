//! Holds the functions of a program up until a test lets them go on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use msvpu_actors::{Context, Result};
use tokio::sync::watch;

/// Where a function can be held up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Point {
    Load,
    Step(u32),
    Collect,
    /// In a step, which does not look whether it is still wanted.
    Deaf,
}

/// One test's; its programs name it, because only names travel.
#[derive(Default)]
pub(crate) struct Gate {
    closed: Mutex<BTreeSet<Point>>,
    opened: Condvar,
    held: watch::Sender<BTreeMap<Point, usize>>,
    /// How often the leaders' function was called.
    pub(crate) folds: AtomicUsize,
}

static GATES: Mutex<BTreeMap<String, Arc<Gate>>> = Mutex::new(BTreeMap::new());

impl Gate {
    /// Closed at these points.
    pub(crate) fn new(name: &str, closed: &[Point]) -> Arc<Self> {
        let gate = Arc::new(Self {
            closed: Mutex::new(closed.iter().copied().collect()),
            ..Self::default()
        });
        let before = GATES
            .lock()
            .unwrap()
            .insert(name.to_owned(), Arc::clone(&gate));
        assert!(before.is_none(), "two gates of one name");
        gate
    }

    /// `None` where nobody has put one up.
    pub(crate) fn of(name: &str) -> Option<Arc<Self>> {
        GATES.lock().unwrap().get(name).cloned()
    }

    /// Called by the program.
    pub(crate) fn pass(&self, point: Point, context: &Context) -> Result<()> {
        let mut closed = self.closed.lock().unwrap();
        if !closed.contains(&point) {
            return Ok(());
        }
        let count = |by: isize| {
            self.held.send_modify(|held| {
                let held = held.entry(point).or_default();
                *held = held.checked_add_signed(by).unwrap();
            });
        };
        count(1);
        let mut checked = Ok(());
        while closed.contains(&point) && checked.is_ok() {
            // Now and then it looks whether its node is gone.
            let waited = self.opened.wait_timeout(closed, Duration::from_millis(5));
            closed = waited.unwrap().0;
            if point != Point::Deaf {
                checked = context.check();
            }
        }
        count(-1);
        checked
    }

    pub(crate) fn open(&self, point: Point) {
        self.closed.lock().unwrap().remove(&point);
        self.opened.notify_all();
    }

    /// Waits until so many are held up there.
    pub(crate) async fn holds(&self, count: usize, point: Point) {
        let mut held = self.held.subscribe();
        let fits = |held: &BTreeMap<Point, usize>| held.get(&point) == Some(&count);
        held.wait_for(fits).await.unwrap();
    }

    pub(crate) fn folds(&self) -> usize {
        self.folds.load(Ordering::SeqCst)
    }
}
