use time::Duration;

use super::*;
use crate::model::{InputInfo, Upload};

fn upload(id: Uuid, created_at: OffsetDateTime, is_of_job: bool) -> UploadRecord {
    let upload = Upload {
        id,
        name: None,
        bytes: 1,
        sha256: String::new(),
        info: InputInfo {
            format: "any".to_owned(),
            width: 1,
            height: 1,
            bands: 1,
            decoded_bytes: 1,
        },
        owner: None,
        created_at,
    };
    UploadRecord { upload, is_of_job }
}

fn ended(upload: Uuid, at: OffsetDateTime) -> Summary {
    Summary {
        owner: None,
        service: String::new(),
        state: State::Succeeded,
        upload,
        ended: Some(Kept {
            at,
            generation: 1,
            blob_bytes: 0,
            record_bytes: 0,
        }),
    }
}

#[test]
fn an_upload_is_as_old_as_its_last_use_also_after_a_restart() {
    let created_at = OffsetDateTime::UNIX_EPOCH;
    let [first, second] = [1, 2].map(Uuid::from_u128);
    let mut index = Index::default();
    for id in [first, second] {
        index.add_upload(upload(id, created_at, false), Vec::new());
    }
    for (job, days) in [(3, 31), (4, 7)] {
        let summary = ended(first, created_at + Duration::days(days));
        index.add_ended(Uuid::from_u128(job), summary);
    }
    assert_eq!(
        index.oldest_upload(),
        Some((created_at, Old::Upload(second)))
    );
    index.remove_upload(second);
    let last_use = created_at + Duration::days(31);
    assert_eq!(index.oldest_upload(), Some((last_use, Old::Upload(first))));
    assert_eq!(index.unused(), 1);
}

/// Two removals at a time may fail, in any order.
#[test]
fn an_upload_that_could_not_be_removed_knows_its_jobs() {
    let at = OffsetDateTime::UNIX_EPOCH;
    let (id, jobs) = (Uuid::from_u128(9), [1, 2].map(Uuid::from_u128));
    let mut index = Index::default();
    index.add_upload(upload(id, at, true), Vec::new());
    for job in jobs {
        index.add_ended(job, ended(id, at));
    }
    let [first, second] = jobs.map(|job| {
        let summary = index.remove_job(job).unwrap();
        (job, summary, index.remove_left(id))
    });
    assert!(first.2.is_none());
    index.add_ended(first.0, first.1);
    index.restore(second.2.unwrap());
    index.add_ended(second.0, second.1);
    index.remove_job(first.0);
    assert!(index.remove_left(id).is_none(), "the other needs it");
    index.remove_job(second.0);
    assert!(index.remove_left(id).is_some());
}

#[test]
fn a_filter_that_fits_little_lets_others_have_the_index_meanwhile() {
    let mut index = Index::default();
    for number in 1..=10 {
        let summary = Summary {
            owner: None,
            service: if number == 2 { "rare" } else { "common" }.to_owned(),
            state: State::Pending,
            upload: Uuid::nil(),
            ended: None,
        };
        index.add_ended(Uuid::from_u128(number), summary);
    }
    let caller = Caller {
        name: None,
        admin: false,
    };
    let filter = Filter {
        state: None,
        service: Some("rare".to_owned()),
    };
    let (mut found, mut after, mut walks) = (Vec::new(), None, 0);
    loop {
        let walk = index.list(&caller, &filter, 5, after, 3);
        found.extend(walk.ids);
        walks += 1;
        after = walk.last;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, [Uuid::from_u128(2)]);
    assert_eq!(walks, 4);
}
