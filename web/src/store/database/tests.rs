use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tempfile::TempDir;
use uuid::Uuid;

use super::super::faulty::{self, Faults};
use super::*;

fn key(name: &str) -> Op {
    Op::Key {
        owner: String::new(),
        key: name.to_owned(),
        digest: name.to_owned(),
        job: Uuid::nil(),
    }
}

#[test]
fn records_that_a_crash_left_half_made_are_made_anew() {
    let folder = TempDir::new().unwrap();
    let partial = folder.path().join("records.redb.partial");
    fs::write(&partial, "half").unwrap();
    let dir = DataDir::open(folder.path()).unwrap();
    let records = Records::open(&dir, faulty::open(&Arc::default())).unwrap();
    records.commit([key("a")].iter()).unwrap();
    let found = records.read(|reading| reading.key("", "a"));
    assert!(found.unwrap().is_some());
    assert!(!partial.exists());
}

#[test]
fn a_full_disk_tears_nothing_and_does_not_last() {
    let folder = TempDir::new().unwrap();
    let dir = DataDir::open(folder.path()).unwrap();
    let faults = Arc::new(Faults::default());
    let records = Records::open(&dir, faulty::open(&faults)).unwrap();
    let is_full = &faults.is_full;
    let has = |name: &'static str| {
        let found = records.read(|reading| reading.key("", name));
        found.map(|found| found.is_some())
    };
    let commit = |names: &[&str]| {
        let ops: Vec<Op> = names.iter().map(|name| key(name)).collect();
        records.commit(ops.iter())
    };
    commit(&["before"]).unwrap();
    is_full.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        assert_eq!(commit(&["a", "b"]), Err(StoreError::DiskFull));
    }
    is_full.store(false, Ordering::SeqCst);
    assert_eq!(has("before"), Ok(true));
    assert_eq!((has("a"), has("b")), (Ok(false), Ok(false)));
    commit(&["a", "after"]).unwrap();
    assert_eq!((has("a"), has("b")), (Ok(true), Ok(false)));
    assert_eq!((has("before"), has("after")), (Ok(true), Ok(true)));
}
