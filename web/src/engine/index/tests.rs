use time::Duration;

use super::*;
use crate::model::{InputInfo, Upload};

#[test]
fn an_upload_is_as_old_as_its_last_use_also_after_a_restart() {
    let created_at = OffsetDateTime::UNIX_EPOCH;
    let [first, second] = [1, 2].map(Uuid::from_u128);
    let mut index = Index::default();
    for id in [first, second] {
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
        let is_of_job = false;
        index.add_upload(UploadRecord { upload, is_of_job }, Vec::new());
    }
    for (job, days) in [(3, 31), (4, 7)] {
        let summary = Summary {
            owner: None,
            service: String::new(),
            state: State::Succeeded,
            upload: first,
            ended: Some(Kept {
                at: created_at + Duration::days(days),
                generation: 1,
                blob_bytes: 0,
                record_bytes: 0,
            }),
        };
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
