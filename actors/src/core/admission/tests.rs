use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn job(n: u128) -> JobId {
    JobId::new(Uuid::from_u128(n))
}

fn of(owner: &str, priority: Priority) -> JobOptions {
    JobOptions {
        owner: owner.to_owned(),
        priority,
    }
}

fn normal(owner: &str) -> JobOptions {
    of(owner, Priority::Normal)
}

fn admission(running: usize, queued: usize, per_owner: usize) -> Admission {
    Admission::new(&Limits {
        max_running_jobs: running,
        max_queued_jobs: queued,
        max_queued_jobs_per_owner: per_owner,
        ..Limits::default()
    })
}

#[test]
fn an_owners_jobs_run_in_order_and_no_more_at_once_than_allowed() {
    let mut admission = admission(2, 2, 2);
    assert_eq!(admission.submit(job(1), &normal("a")), Admitted::Run);
    assert_eq!(admission.submit(job(2), &normal("a")), Admitted::Run);
    assert_eq!(admission.submit(job(3), &normal("a")), Admitted::Wait);
    assert_eq!(admission.submit(job(4), &normal("a")), Admitted::Wait);
    assert_eq!(
        admission.submit(job(5), &normal("a")),
        Admitted::Refused { limit: 2 }
    );
    // A job that is cancelled while it waits frees no place to run.
    assert_eq!(admission.end(job(3)), None);
    assert_eq!(admission.end(job(1)), Some(job(4)));
    // Ending it a second time changes nothing.
    assert_eq!(admission.end(job(1)), None);
    assert_eq!(admission.end(job(2)), None);
    assert_eq!(admission.submit(job(6), &normal("a")), Admitted::Run);
    admission.end(job(4));
    admission.end(job(6));
    assert!(admission.owners.is_empty(), "nobody is remembered for ever");
}

#[test]
fn an_owner_with_nothing_running_is_next_however_many_others_wait() {
    let mut admission = admission(4, 100, 100);
    for n in 0..40 {
        admission.submit(job(n), &of("a", Priority::High));
    }
    assert_eq!(admission.submit(job(100), &normal("b")), Admitted::Wait);
    assert_eq!(admission.submit(job(101), &normal("b")), Admitted::Wait);
    assert_eq!(admission.end(job(0)), Some(job(100)));
    // b has one running of normal weight, a two of high weight: 1 to 2/4.
    assert_eq!(admission.end(job(1)), Some(job(4)));
}

#[test]
fn owners_of_equal_jobs_come_to_run_equally_many() {
    let mut admission = admission(4, 100, 100);
    for n in 0..20 {
        admission.submit(job(n), &normal("a"));
    }
    for n in 100..104 {
        admission.submit(job(n), &normal("b"));
    }
    let started: Vec<_> = (0..4).map(|n| admission.end(job(n)).unwrap()).collect();
    assert_eq!(started, [job(100), job(101), job(4), job(5)]);
}

#[test]
fn the_more_urgent_jobs_of_an_owner_are_first() {
    let mut admission = admission(1, 100, 100);
    for (n, priority) in [
        (1, Priority::Normal),
        (2, Priority::Low),
        (3, Priority::Normal),
        (4, Priority::High),
        (5, Priority::Normal),
    ] {
        admission.submit(job(n), &of("a", priority));
    }
    let mut order = vec![job(1)];
    while let Some(next) = admission.end(order[order.len() - 1]) {
        order.push(next);
    }
    assert_eq!(order, [1, 4, 3, 5, 2].map(job));
}

#[test]
fn an_owner_cannot_fill_the_queue_for_others() {
    let mut admission = admission(1, 10, 3);
    for n in 0..4 {
        admission.submit(job(n), &normal("a"));
    }
    assert_eq!(
        admission.submit(job(4), &normal("a")),
        Admitted::OwnerRefused { limit: 3 }
    );
    assert_eq!(admission.submit(job(5), &normal("b")), Admitted::Wait);
}

proptest! {
    /// Every job that is admitted runs once, never more at once than may, and places do not stay
    /// free while jobs wait.
    #[test]
    fn every_admitted_job_runs_once(
        steps in prop::collection::vec((any::<bool>(), 0_usize..100, 0_usize..4, 0_usize..3), 0..200),
    ) {
        let mut admission = admission(3, 20, 8);
        let (mut waiting, mut running) = (BTreeSet::new(), BTreeSet::new());
        for (n, (submits, which, owner, priority)) in steps.into_iter().enumerate() {
            if submits {
                let priority = [Priority::Low, Priority::Normal, Priority::High][priority];
                let options = of(&owner.to_string(), priority);
                match admission.submit(job(n as u128), &options) {
                    Admitted::Run => prop_assert!(running.insert(job(n as u128))),
                    Admitted::Wait => prop_assert!(waiting.insert(job(n as u128))),
                    Admitted::Refused { .. } => prop_assert_eq!(waiting.len(), 20),
                    Admitted::OwnerRefused { .. } => prop_assert!(waiting.len() >= 8),
                }
            } else if let Some(ended) = running.iter().chain(&waiting).nth(which).copied() {
                let ran = running.remove(&ended);
                waiting.remove(&ended);
                let next = admission.end(ended);
                prop_assert_eq!(next.is_some(), ran && !waiting.is_empty());
                if let Some(next) = next {
                    prop_assert!(waiting.remove(&next) && running.insert(next));
                }
            }
            prop_assert!(running.len() <= 3 && (running.len() == 3 || waiting.is_empty()));
        }
    }
}
