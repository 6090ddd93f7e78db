use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::ThreadId;

use super::*;

const SOON: Duration = Duration::from_secs(60);

fn compute(workers: usize) -> (Compute, Arc<watch::Sender<usize>>) {
    let alive = Arc::new(watch::Sender::new(0));
    let compute = Compute::start(workers, Arc::clone(&alive)).unwrap();
    (compute, alive)
}

fn run(compute: &Compute, work: impl FnOnce() + Send + 'static) {
    compute.run(
        Site::Split,
        move || {
            work();
            Ok(())
        },
        |done| done.unwrap(),
    );
}

#[test]
fn a_step_that_waits_for_its_parts_runs_no_other_step() {
    let (compute, _) = compute(2);
    let (done, result) = channel::<(ThreadId, ThreadId)>();
    let other = compute.clone();
    run(&compute, move || {
        let (begin, begun) = channel();
        let (release, released) = channel::<()>();
        rayon::scope(move |scope| {
            // A part of this step on a second thread, which stays there.
            scope.spawn(move |_| {
                begin.send(()).unwrap();
                released.recv_timeout(SOON).unwrap();
            });
            begun.recv_timeout(SOON).unwrap();
            let (ran, on) = channel();
            run(&other, move || ran.send(thread::current().id()).unwrap());
            // All that a waiting thread does: compute whatever rayon has for it.
            let since = Instant::now();
            let on = loop {
                rayon::yield_now();
                match on.recv_timeout(Duration::ZERO) {
                    Err(RecvTimeoutError::Timeout) if since.elapsed() < SOON => {}
                    on => break on.unwrap(),
                }
            };
            release.send(()).unwrap();
            done.send((thread::current().id(), on)).unwrap();
        });
    });
    let (waiting, on) = result.recv_timeout(2 * SOON).unwrap();
    assert_ne!(waiting, on, "a step ran within another");
}

#[test]
fn no_call_is_missed() {
    for workers in 1..4 {
        let (compute, _) = compute(workers);
        let (done, result) = channel();
        for burst in (1..8).cycle().take(5_000) {
            for _ in 0..burst {
                let done = done.clone();
                run(&compute, move || done.send(()).unwrap());
            }
            for _ in 0..burst {
                result.recv_timeout(SOON).unwrap();
            }
            // Now and then until the lookout is over and everybody sleeps.
            while burst == 7 && compute.threads.queue.asleep.load(Ordering::Relaxed) < workers {
                thread::yield_now();
            }
        }
    }
}

#[test]
fn what_waits_is_done_before_the_threads_end() {
    let (compute, alive) = compute(2);
    assert_eq!(*alive.borrow(), 3, "two workers and a helper");
    let (done, result) = channel();
    for number in 0..1000 {
        let done = done.clone();
        run(&compute, move || done.send(number).unwrap());
    }
    drop((compute, done));
    let mut numbers: Vec<i32> = result.iter().collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..1000).collect::<Vec<_>>());
    let since = Instant::now();
    while *alive.borrow() > 0 {
        assert!(since.elapsed() < SOON, "{} threads left", *alive.borrow());
        thread::yield_now();
    }
}
