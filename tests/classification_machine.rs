//! A machine gives what the programs give without one, to the last bit.
#![allow(clippy::unwrap_used, reason = "a test that fails here says so")]

mod common;

use common::{noise, scene};
use msvpu::{
    CMeans, Centers, Classification, FuzzyCMeans, Init, Job, JobError, SampleType, Scene, Settings,
    Start, Tiling, VirtualMachine,
};
use proptest::prelude::*;
use tokio::runtime::{self, Runtime};

fn runtime() -> Runtime {
    runtime::Builder::new_current_thread().build().unwrap()
}

async fn machine(workers: usize) -> VirtualMachine {
    VirtualMachine::local()
        .workers(workers)
        .service::<CMeans>()
        .service::<FuzzyCMeans>()
        .start()
        .await
        .unwrap()
}

/// Every bit counts: `-0.0` and `0.0` print differently, and so do neighbours.
fn bits(result: &Classification) -> (String, &[u8]) {
    (format!("{result:?}"), &result.labels.bytes)
}

#[derive(Clone, Debug)]
struct Case {
    scene: Scene,
    settings: Settings,
    workers: usize,
}

fn case() -> impl Strategy<Value = Case> {
    let sample = prop::sample::select(vec![SampleType::U8, SampleType::U16, SampleType::F32]);
    let init = prop::sample::select(vec![Init::Linear, Init::Random, Init::KMeansPlusPlus]);
    let shape = (1_u32..60, 1_u32..60, 1_u16..4, sample);
    let start = (1_u32..9, init, any::<u64>());
    (shape, start, (1_u32..9, 1_u32..9), 1_usize..5, any::<u16>()).prop_map(
        |((height, width, bands, sample), (classes, init, seed), tiles, workers, shift)| Case {
            scene: scene((height, width), bands, sample, |pixel, band| {
                noise(pixel * 5 + band + usize::from(shift), 250)
            }),
            settings: Settings {
                max_iterations: 30,
                tiles: Tiling::new(tiles.0.min(height), tiles.1.min(width)),
                ..Settings::new(Start::Classes {
                    classes,
                    init,
                    seed,
                })
            },
            workers,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_machine_changes_no_bit(case in case()) {
        let hard = CMeans::new(case.settings.clone());
        let soft = FuzzyCMeans::new(case.settings.clone());
        let (on_hard, on_soft) = runtime().block_on(async {
            let machine = machine(case.workers).await;
            let hard = msvpu::classify(&machine, hard.clone(), case.scene.clone()).await;
            let soft = msvpu::classify(&machine, soft.clone(), case.scene.clone()).await;
            machine.shutdown().await;
            (hard.unwrap(), soft.unwrap())
        });
        let without = common::classify(&hard, &case.scene).unwrap();
        prop_assert_eq!(bits(&on_hard), bits(&without));
        let without = common::classify(&soft, &case.scene).unwrap();
        prop_assert_eq!(bits(&on_soft), bits(&without));
    }
}

#[test]
fn many_classifications_at_once_do_not_disturb_each_other() {
    let picture = |n: usize| {
        scene((50, 40), 1, SampleType::U8, move |pixel, _| {
            noise(pixel + 9000 * n, 200)
        })
    };
    let settings = Settings {
        tiles: Tiling::new(5, 2),
        ..Settings::new(Start::linear(4))
    };
    runtime().block_on(async {
        let machine = machine(2).await;
        let mut jobs = Vec::new();
        for n in 0..60 {
            let scene = picture(n);
            let job = machine.submit(CMeans::new(settings.clone()), scene.clone());
            jobs.push((scene, job.await.unwrap()));
        }
        for (scene, job) in jobs {
            let found = Classification::of_job(scene.shape(), job).await.unwrap();
            let alone = common::classify(&CMeans::new(settings.clone()), &scene).unwrap();
            assert_eq!(bits(&found), bits(&alone));
        }
        machine.shutdown().await;
    });
}

#[test]
fn what_the_program_refuses_comes_back_in_its_words() {
    let picture = scene((8, 8), 1, SampleType::U8, |_, _| 7.0);
    let settings = Settings {
        nodata: Some(7.0),
        ..Settings::new(Start::linear(2))
    };
    let program = CMeans::new(settings);
    let error = runtime().block_on(async {
        let machine = machine(1).await;
        let error = msvpu::classify(&machine, program.clone(), picture.clone()).await;
        machine.shutdown().await;
        error.unwrap_err()
    });
    let words = common::classify(&program, &picture).unwrap_err();
    assert!(matches!(error, JobError::InvalidInput { .. }), "{error:?}");
    assert_eq!(error.to_string(), words.to_string());
}

#[test]
fn numbers_that_json_does_not_have_are_named_by_their_key() {
    let picture = scene((2, 3), 1, SampleType::U8, |pixel, _| noise(pixel, 100));
    let refused = runtime().block_on(async {
        let machine = machine(1).await;
        let mut refused = Vec::new();
        let centers = Start::Centers(Centers::gray([1.0, f64::NAN]).unwrap());
        for settings in [
            Settings::new(centers),
            Settings {
                epsilon: f64::NAN,
                ..Settings::default()
            },
            Settings {
                epsilon: f64::INFINITY,
                ..Settings::default()
            },
        ] {
            let program = CMeans::new(settings);
            refused.push(msvpu::classify(&machine, program, picture.clone()).await);
        }
        let fuzzy = FuzzyCMeans {
            fuzzifier: f64::INFINITY,
            ..FuzzyCMeans::default()
        };
        refused.push(msvpu::classify(&machine, fuzzy, picture).await);
        refused
    });
    let words = [
        "center 2 holds NaN",
        "epsilon is NaN",
        "epsilon is inf",
        "fuzzifier is inf",
    ];
    for (result, words) in refused.into_iter().zip(words) {
        let error = result.unwrap_err();
        assert!(error.is_invalid_request(), "{error:?}");
        assert!(error.to_string().starts_with(words), "{error}");
    }
}

#[test]
fn handles_can_be_cloned_and_shared_between_threads() {
    const fn shared<T: Clone + Send + Sync + 'static>() {}
    shared::<VirtualMachine>();
    shared::<Job<CMeans>>();
}
