mod ends;

use std::fs;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, json};
use tempfile::TempDir;
use time::OffsetDateTime;
use uuid::Uuid;

use super::*;
use crate::model::{
    Artifact, Event, EventBody, Input, InputInfo, Job, LogLevel, Progress, State, TeamTimes, Upload,
};
use crate::noise::noise;

fn info() -> InputInfo {
    InputInfo {
        format: "p".to_owned(),
        width: 1,
        height: 1,
        bands: 1,
        decoded_bytes: 1,
    }
}

fn upload(content: &[u8]) -> UploadRecord {
    UploadRecord {
        upload: Upload {
            id: Uuid::now_v7(),
            name: None,
            bytes: content.len() as u64,
            sha256: String::new(),
            info: info(),
            owner: None,
            created_at: OffsetDateTime::now_utc(),
        },
        is_of_job: false,
    }
}

fn job(state: State, artifacts: &[&str]) -> JobRecord {
    let artifacts = artifacts.iter().map(|name| Artifact {
        name: (*name).to_owned(),
        media_type: "text/plain".to_owned(),
        bytes: 1,
        sha256: String::new(),
        doc: String::new(),
    });
    JobRecord {
        job: Job {
            id: Uuid::now_v7(),
            service: "s".to_owned(),
            state,
            phase: None,
            reason: String::new(),
            owner: None,
            input: Input {
                upload_id: Uuid::now_v7(),
                name: None,
                bytes: 1,
                sha256: String::new(),
                info: info(),
            },
            params: Map::new(),
            outputs: Vec::new(),
            metadata: std::collections::BTreeMap::new(),
            priority: msvpu_actors::Priority::Normal,
            created_at: OffsetDateTime::now_utc(),
            started_at: None,
            ended_at: state.is_terminal().then(OffsetDateTime::now_utc),
            progress: Progress::default(),
            attempts: 1,
            result: Some(json!({"of": 0.1 + 0.2})),
            error: None,
            artifacts: artifacts.collect(),
            revision: 7,
        },
        key: None,
        cancel_asked: false,
        crashes: 0,
        event_bytes: 0,
    }
}

fn blob(upload: Uuid, content: &'static [u8]) -> Op {
    Op::Blob {
        upload,
        content: Bytes::from_static(content),
    }
}

/// What a job leaves that has told nothing.
fn artifacts(job: Uuid, all: &[(&str, &[u8])]) -> Op {
    let owned =
        |(name, content): &(&str, &[u8])| ((*name).to_owned(), Bytes::copy_from_slice(content));
    let all: Vec<_> = all.iter().map(owned).collect();
    Op::details(job, &[], None, &all).unwrap().0
}

fn log(id: u64) -> Event {
    Event {
        id,
        at: OffsetDateTime::now_utc(),
        body: EventBody::Log {
            level: LogLevel::Info,
            message: id.to_string(),
        },
    }
}

fn events(job: Uuid, ids: std::ops::RangeInclusive<u64>) -> Op {
    let events: Vec<Event> = ids.map(log).collect();
    Op::events(job, &events).unwrap().unwrap()
}

fn copies(store: &Store) -> usize {
    let mut copies = 0;
    let count = |_: Uuid, _: &[u8]| {
        copies += 1;
        Ok(())
    };
    store.records.read(|reading| reading.blobs(count)).unwrap();
    copies
}

#[tokio::test]
async fn small_uploads_that_a_crash_took_are_there_again() {
    let folder = TempDir::new().unwrap();
    let uploads = [
        (upload(b"1"), "1"),
        (upload(b"22"), "22"),
        (upload(b"333"), "333"),
    ];
    let (store, _) = Store::open(folder.path()).unwrap();
    let paths = uploads
        .each_ref()
        .map(|(of, _)| store.dir().upload(of.upload.id));
    // As it is when the process is gone before the files were forced to the disk, and the disk has not got all.
    let ops = uploads.iter().flat_map(|(of, content)| {
        let record = Op::upload(of).unwrap();
        [record, blob(of.upload.id, content.as_bytes())]
    });
    let ops: Vec<Op> = ops.collect();
    store.records.commit(ops.iter()).unwrap();
    let [whole, torn, _lost] = &paths;
    fs::write(whole, "1").unwrap();
    fs::write(torn, "2").unwrap();
    drop(store);

    let (store, recovered) = Store::open(folder.path()).unwrap();
    assert_eq!(recovered.uploads.len(), 3);
    for (path, (_, content)) in paths.iter().zip(&uploads) {
        assert_eq!(fs::read_to_string(path).unwrap(), *content);
    }
    assert_eq!(copies(&store), 0);
}

#[tokio::test]
async fn copies_go_when_their_files_are_on_the_disk() {
    let folder = TempDir::new().unwrap();
    let (store, _) = Store::open(folder.path()).unwrap();
    let record = upload(b"a");
    let id = record.upload.id;
    fs::write(store.dir().upload(id), "a").unwrap();
    let ops = vec![Op::upload(&record).unwrap(), blob(id, b"a")];
    store.write(ops).await.unwrap();
    assert_eq!(copies(&store), 1);
    store.writer.stop().await;
    assert_eq!(copies(&store), 0);
    store.close().await;
    let closed = store.read(move |reading| reading.job(id)).await;
    assert_eq!(closed, Err(StoreError::Closed));
    assert_eq!(store.write(Vec::new()).await, Err(StoreError::Closed));
}

#[tokio::test]
async fn a_job_comes_back_as_it_was_and_goes_with_all_it_has() {
    let folder = TempDir::new().unwrap();
    let (store, _) = Store::open(folder.path()).unwrap();
    let mut record = job(State::Succeeded, &[]);
    record.key = Some("k".to_owned());
    let (id, other) = (record.job.id, Uuid::now_v7());
    let key = Op::Key {
        owner: owner_key(None),
        key: "k".to_owned(),
        digest: "d".to_owned(),
        job: id,
    };
    let ops = vec![
        Op::job(&record).unwrap(),
        key,
        events(id, 1..=3),
        events(id, 4..=9),
        events(other, 1..=2),
        artifacts(id, &[("a", b"a"), ("b", b"bb")]),
        artifacts(other, &[("a", b"other")]),
    ];
    store.write(ops).await.unwrap();
    let found = store.read(move |reading| reading.job(id)).await.unwrap();
    assert_eq!(found, Some(record));
    let after = |after| store.read(move |reading| reading.events(id, after));
    let ids = |events: Vec<Event>| events.iter().map(|event| event.id).collect::<Vec<_>>();
    assert_eq!(ids(after(0).await.unwrap()), [1, 2, 3]);
    assert_eq!(ids(after(2).await.unwrap()), [3]);
    assert_eq!(ids(after(3).await.unwrap()), [4, 5, 6, 7, 8, 9]);
    assert_eq!(ids(after(8).await.unwrap()), [9]);
    assert_eq!(ids(after(9).await.unwrap()), Vec::<u64>::new());
    let content = |of, name| store.read(move |reading| reading.artifact(of, name));
    assert_eq!(
        content(id, "b").await.unwrap(),
        Some(Bytes::from_static(b"bb"))
    );
    assert_eq!(content(id, "c").await.unwrap(), None);
    let key = || store.read(|reading| reading.key(&owner_key(None), "k"));
    assert_eq!(key().await.unwrap(), Some(("d".to_owned(), id)));

    let forget = Op::ForgetJob { id, owner: None };
    store.write(vec![forget]).await.unwrap();
    let found = store.read(move |reading| reading.job(id)).await.unwrap();
    assert_eq!(found, None);
    assert_eq!(after(0).await.unwrap(), []);
    assert_eq!(key().await.unwrap(), None);
    for name in ["a", "b"] {
        assert_eq!(content(id, name).await.unwrap(), None);
    }
    assert!(content(other, "a").await.unwrap().is_some());
    let left = store.read(move |reading| reading.events(other, 0)).await;
    assert_eq!(left.unwrap().len(), 2);
}

#[tokio::test]
async fn many_writers_share_a_transaction_and_all_is_written() {
    let folder = TempDir::new().unwrap();
    let (store, _) = Store::open(folder.path()).unwrap();
    let store = Arc::new(store);
    let writes = (0..200).map(|_| {
        let store = Arc::clone(&store);
        let record = job(State::Pending, &[]);
        let write = store.write(vec![Op::job(&record).unwrap()]);
        tokio::spawn(async move {
            write.await.unwrap();
            record.job.id
        })
    });
    let writes: Vec<_> = writes.collect();
    for write in writes {
        let id = write.await.unwrap();
        assert!(
            store
                .read(move |reading| reading.job(id))
                .await
                .unwrap()
                .is_some()
        );
    }
    drop(store);
    let (_, recovered) = Store::open(folder.path()).unwrap();
    assert_eq!(recovered.unfinished.len(), 200);
    assert_eq!(recovered.generation, 2);
}

#[test]
fn what_nobody_waits_for_is_written_when_the_store_goes() {
    let folder = TempDir::new().unwrap();
    let (store, _) = Store::open(folder.path()).unwrap();
    let record = job(State::Running, &[]);
    store.write_later(vec![
        Op::job(&record).unwrap(),
        events(record.job.id, 1..=5),
    ]);
    drop(store);
    let (_, recovered) = Store::open(folder.path()).unwrap();
    let [unfinished] = &recovered.unfinished[..] else {
        panic!("{recovered:?}");
    };
    assert_eq!(unfinished.record, record);
    assert_eq!(unfinished.last_event, 5);
}

#[tokio::test]
async fn a_start_gives_back_what_deletes_have_left_free() {
    let folder = TempDir::new().unwrap();
    let (store, _) = Store::open(folder.path()).unwrap();
    let content = noise(1 << 20).into_bytes();
    let ids: Vec<Uuid> = (0..160).map(Uuid::from_u128).collect();
    let large = ids.iter().map(|id| artifacts(*id, &[("a", &content)]));
    store.write(large.collect()).await.unwrap();
    let record = job(State::Succeeded, &[]);
    let id = record.job.id;
    let last = vec![Op::job(&record).unwrap(), artifacts(id, &[("a", b"a")])];
    store.write(last).await.unwrap();
    let forget = |id: &Uuid| Op::ForgetJob {
        id: *id,
        owner: None,
    };
    // All over the file.
    let (kept, old): (Vec<_>, Vec<_>) = ids.iter().partition(|id| id.as_u128() % 16 == 0);
    store.write(old.iter().map(forget).collect()).await.unwrap();
    let path = store.dir().records();
    let length = || fs::metadata(&path).unwrap().len();
    store.close().await;
    let before = length();
    drop(store);

    let (store, _) = Store::open(folder.path()).unwrap();
    let after = length();
    assert!(before > 100 << 20 && after < 50 << 20, "{before} {after}");
    for id in kept {
        let found = store.read(move |reading| reading.artifact(id, "a"));
        assert!(found.await.unwrap().as_deref() == Some(&content[..]));
    }
    let found = store.read(move |reading| reading.job(id)).await.unwrap();
    assert_eq!(found, Some(record));
    let found = store.read(move |reading| reading.artifact(id, "a"));
    assert_eq!(found.await.unwrap(), Some(Bytes::from_static(b"a")));
}

#[test]
fn another_format_is_not_touched() {
    let folder = TempDir::new().unwrap();
    drop(Store::open(folder.path()).unwrap());
    let path = folder.path().join("records.redb");
    let database = redb::Database::create(path).unwrap();
    let transaction = database.begin_write().unwrap();
    {
        let mut meta = transaction.open_table(tables::META).unwrap();
        meta.insert("format", 99).unwrap();
    }
    transaction.commit().unwrap();
    drop(database);
    let Err(error) = Store::open(folder.path()) else {
        panic!("opened");
    };
    assert!(matches!(
        error,
        OpenError::Format {
            found: 99,
            known: tables::FORMAT,
            ..
        }
    ));
}
