//! What is written of a job after it was accepted.

use super::*;

#[tokio::test]
async fn what_is_written_with_the_end_is_read_behind_what_was_written_before() {
    let folder = TempDir::new().unwrap();
    let (store, _) = Store::open(folder.path()).unwrap();
    let mut record = job(State::Succeeded, &[]);
    record.job.result = Some(serde_json::json!({ "found": 7 }));
    let id = record.job.id;
    let done = |result| Event {
        id: 6,
        at: OffsetDateTime::UNIX_EPOCH,
        body: EventBody::Done {
            state: State::Succeeded,
            result,
            error: None,
        },
    };
    let last = [log(4), log(5), done(None)];
    let team = TeamTimes::default();
    let (details, bytes) = Op::details(id, &last, Some(&team), &[]).unwrap();
    assert_eq!(bytes, details.size_bytes(), "of nothing else");
    let record = Op::job(&record).unwrap();
    let ops = vec![record, events(id, 1..=3), details];
    store.write(ops).await.unwrap();
    let after = |after| store.read(move |reading| reading.events(id, after));
    let ids = |events: &[Event]| events.iter().map(|event| event.id).collect::<Vec<_>>();
    assert_eq!(ids(&after(0).await.unwrap()), [1, 2, 3]);
    let end = after(3).await.unwrap();
    assert_eq!(ids(&end), [4, 5, 6]);
    let result = serde_json::json!({ "found": 7 });
    assert_eq!(end[2], done(Some(result)), "with what the record has");
    assert_eq!(after(6).await.unwrap(), []);
    let last = store.read(move |reading| reading.last_event(id)).await;
    assert_eq!(last.unwrap(), 6);
    let found = store.read(move |reading| reading.team(id)).await.unwrap();
    assert_eq!(found, Some(team));
}

#[tokio::test]
async fn what_nobody_waits_for_is_not_written_over_what_came_later() {
    let folder = TempDir::new().unwrap();
    let (store, _) = Store::open(folder.path()).unwrap();
    let (mut record, mut other) = (job(State::Pending, &[]), job(State::Pending, &[]));
    let accepted = [&record, &other].map(|record| Op::job(record).unwrap());
    store.write(accepted.into()).await.unwrap();
    let begins = [&mut record, &mut other].map(|record| {
        record.job.state = State::Running;
        Op::job(record).unwrap()
    });
    store.write_later(begins.into());
    record.job.state = State::Cancelled;
    let end = vec![Op::job(&record).unwrap()];
    store.write(end).await.unwrap();
    store.close().await;
    drop(store);
    let (store, _) = Store::open(folder.path()).unwrap();
    for written in [record, other] {
        let id = written.job.id;
        let found = store.read(move |reading| reading.job(id)).await.unwrap();
        assert_eq!(found, Some(written));
    }
}
