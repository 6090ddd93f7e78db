use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::thread::ThreadId;

use uuid::Uuid;

use super::*;
use crate::error::Site;
use crate::job::Priority;

const SOON: Duration = Duration::from_secs(60);

fn compute(workers: usize) -> (Compute, Arc<watch::Sender<usize>>) {
    let alive = Arc::new(watch::Sender::new(0));
    let compute = Compute::start(workers, Arc::clone(&alive)).unwrap();
    (compute, alive)
}

fn job(number: u128) -> JobId {
    JobId::new(Uuid::from_u128(number))
}

fn run(compute: &Compute, work: impl FnOnce() + Send + 'static) {
    run_of(Flow::NOBODYS.job, compute, work);
}

fn run_of(job: JobId, compute: &Compute, work: impl FnOnce() + Send + 'static) {
    let label = Label {
        flow: Flow {
            owner: 1,
            job,
            weight: Priority::Normal,
        },
        site: Site::Split,
        cost: 1.0,
    };
    let work = move || {
        work();
        Ok(())
    };
    crate::work::run(compute, label, work, |done| done.unwrap());
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

fn until_all_sleep(compute: &Compute, workers: usize) {
    while compute.threads.queue.asleep.load(Ordering::Relaxed) < workers {
        thread::yield_now();
    }
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
            if burst == 7 {
                until_all_sleep(&compute, workers);
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

#[test]
fn a_call_that_the_end_overtakes_is_answered() {
    for _ in 0..200 {
        let (compute, _) = compute(2);
        until_all_sleep(&compute, 2);
        let (done, result) = channel();
        run(&compute, move || done.send(()).unwrap());
        drop(compute);
        result.recv_timeout(SOON).unwrap();
    }
}

/// Asks for the CPUs; what is returned hears when they are granted.
fn reserve(compute: &Compute, job: JobId) -> Receiver<()> {
    let (ready, granted) = channel();
    compute.reserve(job, Box::new(move || ready.send(()).unwrap()));
    granted
}

#[test]
fn a_reservation_waits_for_what_runs_keeps_others_out_and_lets_go() {
    let (compute, _) = compute(2);
    let (end, ends) = channel::<()>();
    let (begin, begun) = channel();
    run_of(job(1), &compute, move || {
        begin.send(()).unwrap();
        ends.recv_timeout(SOON).unwrap();
    });
    begun.recv_timeout(SOON).unwrap();
    let granted = reserve(&compute, job(2));
    assert_eq!(granted.try_recv(), Err(TryRecvError::Empty), "job 1 runs");
    let (ran, order) = channel();
    let note = |of: u128, what: &'static str| {
        let ran = ran.clone();
        run_of(job(of), &compute, move || ran.send(what).unwrap());
    };
    note(1, "other's");
    note(2, "older");
    assert_eq!(order.recv_timeout(SOON), Ok("older"), "its own");
    end.send(()).unwrap();
    granted.recv_timeout(SOON).unwrap();
    // As soon as a thread has nothing better to do, it sleeps.
    until_all_sleep(&compute, 2);
    note(0, "nobody's");
    for _ in 0..10 {
        note(2, "alone");
        assert_eq!(order.recv_timeout(SOON), Ok("alone"));
    }
    reserve(&compute, job(2)).recv_timeout(SOON).unwrap();
    until_all_sleep(&compute, 2);
    assert_eq!(order.try_recv(), Err(TryRecvError::Empty));
    compute.release(job(2));
    let mut rest = [(); 2].map(|()| order.recv_timeout(SOON).unwrap());
    rest.sort_unstable();
    assert_eq!(rest, ["nobody's", "other's"]);
}

#[test]
fn a_forgotten_job_lets_go() {
    let (compute, _) = compute(2);
    reserve(&compute, job(1)).recv_timeout(SOON).unwrap();
    let next = reserve(&compute, job(2));
    let withdrawn = reserve(&compute, job(3));
    let (ran, result) = channel();
    run(&compute, move || ran.send(()).unwrap());
    compute.forget(job(3));
    assert_eq!(withdrawn.try_recv(), Err(TryRecvError::Disconnected));
    compute.forget(job(1));
    next.recv_timeout(SOON).unwrap();
    until_all_sleep(&compute, 2);
    assert_eq!(result.try_recv(), Err(TryRecvError::Empty));
    compute.forget(job(2));
    result.recv_timeout(SOON).unwrap();
}

#[test]
fn a_reservation_that_nobody_releases_does_not_outlive_the_machine() {
    let (compute, _) = compute(2);
    reserve(&compute, job(1)).recv_timeout(SOON).unwrap();
    let (ran, result) = channel();
    run(&compute, move || ran.send(()).unwrap());
    drop(compute);
    result.recv_timeout(SOON).unwrap();
}

/// Discards what it holds when it is dropped.
struct Discards(Compute, Option<std::sync::mpsc::Sender<()>>);

impl Drop for Discards {
    fn drop(&mut self) {
        self.0.discard(Box::new(self.1.take()));
    }
}

#[test]
fn what_is_forgotten_may_discard_something() {
    let (compute, _) = compute(1);
    reserve(&compute, job(1)).recv_timeout(SOON).unwrap();
    let (held, released) = channel();
    let work = Discards(compute.clone(), Some(held.clone()));
    run_of(job(2), &compute, move || drop(work));
    let ready = Discards(compute.clone(), Some(held));
    compute.reserve(job(2), Box::new(move || drop(ready)));
    compute.forget(job(2));
    compute.release(job(1));
    assert_eq!(
        released.recv_timeout(SOON),
        Err(RecvTimeoutError::Disconnected)
    );
}

#[test]
fn nobody_sleeps_for_ever_and_who_has_the_cpus_is_alone() {
    const JOBS: u64 = 6;
    let (compute, _) = compute(4);
    let holder = Arc::<AtomicU64>::default();
    let intruders = Arc::<AtomicUsize>::default();
    thread::scope(|scope| {
        for number in 1..=JOBS {
            let (compute, holder, intruders) = (&compute, &holder, &intruders);
            scope.spawn(move || {
                let its = job(number.into());
                let burst = |size: u32| {
                    let (done, result) = channel();
                    for _ in 0..size {
                        let (done, holder) = (done.clone(), Arc::clone(holder));
                        let intruders = Arc::clone(intruders);
                        run_of(its, compute, move || {
                            let has = || [0, number].contains(&holder.load(Ordering::SeqCst));
                            if !has() || !has() {
                                intruders.fetch_add(1, Ordering::SeqCst);
                            }
                            done.send(()).unwrap();
                        });
                    }
                    result
                };
                for size in (0..7).cycle().take(1_000) {
                    let before = burst(size);
                    let granted = reserve(compute, its);
                    granted.recv_timeout(SOON).unwrap();
                    holder.store(number, Ordering::SeqCst);
                    let during = burst(size);
                    for _ in 0..size {
                        during.recv_timeout(SOON).unwrap();
                    }
                    let left = burst(1);
                    holder.store(0, Ordering::SeqCst);
                    compute.release(its);
                    for _ in 0..size {
                        before.recv_timeout(SOON).unwrap();
                    }
                    left.recv_timeout(SOON).unwrap();
                }
            });
        }
    });
    assert_eq!(intruders.load(Ordering::SeqCst), 0);
}
