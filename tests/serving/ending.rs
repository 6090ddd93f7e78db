//! Jobs that end without a result.

use std::sync::Arc;
use std::time::Duration;

use msvpu::Limits;
use msvpu_web::model::{EventBody, Phase};
use msvpu_web::service::{RunError, Told};
use serde_json::json;
use tokio::sync::Notify;

use crate::pictures::{HEIGHT, Pictures, WIDTH};
use crate::{machine, run, run_until};

const OUTPUTS: [&str; 3] = ["labels", "preview", "masks"];

fn code(result: Result<serde_json::Value, RunError>) -> (String, String) {
    match result {
        Err(RunError::Failed(failure)) => (failure.code, failure.message),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_job_is_cancelled_wherever_it_is() {
    let pictures = Pictures::new();
    let rgb = pictures.rgb();
    let machine = machine().await;
    let at: [fn(&Told) -> bool; 4] = [
        |told| matches!(told, Told::Phase(Phase::Decoding, _)),
        |told| matches!(told, Told::Phase(Phase::Placing, _)),
        |told| matches!(told, Told::Event(EventBody::Iteration(_))),
        |told| matches!(told, Told::Phase(Phase::Writing, _)),
    ];
    for cancel in at {
        let params = json!({ "start": { "classes": 5, "init": "random" } });
        let ran = run_until(&machine, "cmeans", &rgb, params, &OUTPUTS, cancel).await;
        assert_eq!(ran.result, Err(RunError::Cancelled));
        assert!(ran.told.iter().any(cancel));
        machine.idle().await;
    }
    // One that would take hours.
    let params = json!({ "tiles": { "rows": 1, "columns": 1 }, "rounds": u32::MAX });
    let ran = run_until(&machine, "pairwise", &rgb, params, &[], |told| {
        matches!(told, Told::Event(EventBody::Iteration(_)))
    })
    .await;
    assert_eq!(ran.result, Err(RunError::Cancelled));
    assert!(ran.files().is_empty());
    machine.idle().await;
    machine.shutdown().await;
}

#[tokio::test]
async fn a_job_that_nobody_waits_for_ends_on_the_machine() {
    let pictures = Pictures::new();
    let gray = pictures.gray();
    let machine = machine().await;
    for (name, params) in [
        (
            "pairwise",
            json!({ "tiles": { "rows": 1, "columns": 1 }, "rounds": u32::MAX }),
        ),
        (
            "fuzzy-cmeans",
            json!({ "start": { "classes": 64 }, "epsilon": 1e-300, "max_iterations": 1_000_000 }),
        ),
    ] {
        let iterated = Arc::new(Notify::new());
        let tell = Arc::clone(&iterated);
        let ran = run_until(&machine, name, &gray, params, &[], move |told| {
            if matches!(told, Told::Event(EventBody::Iteration(_))) {
                tell.notify_one();
            }
            false
        });
        tokio::select! {
            ran = ran => panic!("it ended by itself: {:?}", ran.result),
            () = iterated.notified() => {}
        }
        let idle = tokio::time::timeout(Duration::from_secs(60), machine.idle());
        assert!(idle.await.is_ok(), "{name} goes on");
    }
    machine.shutdown().await;
}

#[tokio::test]
async fn a_machine_that_stops_is_no_failure() {
    let pictures = Pictures::new();
    let gray = pictures.gray();
    let machine = machine().await;
    machine.clone().shutdown().await;
    let ran = run_until(&machine, "cmeans", &gray, json!({}), &[], |_| false).await;
    assert_eq!(ran.result, Err(RunError::Stopped));
}

#[tokio::test]
async fn failures_have_a_code_and_say_what_is_wrong() {
    let pictures = Pictures::new();
    // The head is sound, the rest is missing.
    let mut bytes = std::fs::read(pictures.gray()).unwrap();
    bytes.truncate(bytes.len() - 30);
    let cut = pictures.write("cut.png", &bytes);
    let ran = run("cmeans", &cut, json!({}), &[]).await;
    let (code_, message) = code(ran.result);
    assert_eq!(code_, "invalid-input");
    assert!(
        message.contains("truncated") && !message.contains("cut.png"),
        "{message}"
    );

    let clear = vec![0; (WIDTH * HEIGHT * 2) as usize];
    let clear = pictures.png("clear.png", png::ColorType::GrayscaleAlpha, &clear);
    let ran = run("cmeans", &clear, json!({}), &[]).await;
    let (code_, message) = code(ran.result);
    assert_eq!(code_, "invalid-input");
    assert!(message.contains("fully transparent"), "{message}");
}

#[tokio::test]
async fn of_more_classes_than_have_a_picture_each_there_are_labels() {
    let pictures = Pictures::new();
    let many = json!({ "start": { "classes": 256 } });
    let ran = run("cmeans", &pictures.gray(), many, &["labels", "preview"]).await;
    ran.result.as_ref().unwrap();
    assert!(ran.files().contains(&"labels-preview.png".to_owned()));
}

#[tokio::test]
async fn the_bounds_of_the_machine_hold() {
    let pictures = Pictures::new();
    let gray = pictures.gray();
    let limits = Limits {
        max_rounds_per_job: 2,
        ..Limits::default()
    };
    let machine = msvpu::VirtualMachine::local()
        .limits(limits)
        .service::<msvpu::Pairwise>()
        .start()
        .await
        .unwrap();
    let params = json!({ "rounds": 3 });
    let ran = run_until(&machine, "pairwise", &gray, params, &[], |_| false).await;
    assert_eq!(code(ran.result).0, "too-many-rounds");
    let ran = run_until(&machine, "cmeans", &gray, json!({}), &[], |_| false).await;
    assert_eq!(code(ran.result).0, "unknown-program");
    machine.shutdown().await;
}
