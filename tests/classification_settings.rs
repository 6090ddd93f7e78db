//! What the programs accept, what they refuse and in which words, and how they stop.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that fails here says so"
)]

mod common;

use common::{classify, noise, scene};
use msvpu::{
    CMeans, Cancellation, Centers, Classification, Context, FuzzyCMeans, Program, ProgramError,
    Rank, SampleType, Scene, Settings, Start, StopRule, StoppedBy, Tiling,
};

fn gray() -> Scene {
    scene((6, 5), 1, SampleType::U8, |p, _| noise(p, 100))
}

fn centers(values: &[f64]) -> Settings {
    Settings::new(Start::Centers(Centers::gray(values).unwrap()))
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(result: Result<T, ProgramError>, words: &str) {
    match result {
        Err(ProgramError::InvalidInput(message)) => {
            assert!(
                message.contains(words),
                "`{message}` does not say `{words}`"
            );
            assert!(!message.contains('\n'));
        }
        other => panic!("{other:?} instead of a refusal that says `{words}`"),
    }
}

#[test]
fn unfit_settings_are_refused_in_one_line() {
    let refused = |settings: Settings, words: &str| {
        let hard = CMeans::new(settings.clone());
        assert_refused(hard.validate(gray().shape()), words);
        assert_refused(
            hard.split(gray(), &Cancellation::default()).map(|_| ()),
            words,
        );
        let fuzzy = FuzzyCMeans::new(settings);
        assert_refused(
            fuzzy.split(gray(), &Cancellation::default()).map(|_| ()),
            words,
        );
    };
    refused(Settings::new(Start::linear(0)), "0 classes");
    refused(Settings::new(Start::linear(65536)), "65536 classes");
    refused(centers(&[1.0, f64::NAN]), "center 2 holds NaN");
    refused(centers(&[f64::INFINITY]), "center 1 holds inf");
    let two_bands = Centers::new(vec![vec![1.0, 2.0]]).unwrap();
    refused(Settings::new(Start::Centers(two_bands)), "2 values each");
    for epsilon in [0.0, -1.0, f64::NAN] {
        refused(
            Settings {
                epsilon,
                ..Settings::default()
            },
            "epsilon",
        );
    }
    refused(
        Settings {
            max_iterations: 0,
            ..Settings::default()
        },
        "max_iterations",
    );
    for tiles in [Tiling::new(7, 1), Tiling::new(1, 6)] {
        refused(
            Settings {
                tiles,
                ..Settings::default()
            },
            "6 rows and 5 columns",
        );
    }
}

#[test]
fn unfit_fuzzifiers_are_refused() {
    for fuzzifier in [1.0, 0.5, f64::NAN, f64::INFINITY, 20.001, 50.0] {
        let program = FuzzyCMeans {
            fuzzifier,
            ..FuzzyCMeans::default()
        };
        let words =
            format!("fuzzifier is {fuzzifier}: it must be a number greater than 1 and at most 20");
        assert_refused(program.validate(gray().shape()), &words);
        assert_refused(
            program.split(gray(), &Cancellation::default()).map(|_| ()),
            &words,
        );
    }
}

/// Memberships are all nearly alike, and their powers next to nothing: so is the objective.
#[test]
fn an_objective_that_is_below_epsilon_by_the_fuzzifier_alone_is_no_convergence() {
    let picture = scene((32, 32), 1, SampleType::U8, |p, _| (p % 256) as f64);
    let result = |fuzzifier: f64, classes: u32, settings: Settings| {
        let settings = Settings {
            start: Start::linear(classes),
            ..settings
        };
        let program = FuzzyCMeans {
            fuzzifier,
            ..FuzzyCMeans::new(settings)
        };
        classify(&program, &picture)
    };
    for (fuzzifier, classes) in [(12.0, 8), (20.0, 8)] {
        let refused = result(fuzzifier, classes, Settings::default());
        let words = format!("with fuzzifier {fuzzifier} and {classes} classes the objective is");
        assert_refused(refused, &words);
    }
    // What can tell whether the centers stand does.
    for settings in [
        Settings {
            stop_on: StopRule::CenterShift,
            ..Settings::default()
        },
        Settings {
            epsilon: 1e-12,
            ..Settings::default()
        },
    ] {
        let found = result(12.0, 8, settings).unwrap();
        assert!(found.converged && found.iterations.len() > 5);
        // Nearly the middles of eight equal parts, where they began.
        assert!((found.centers.of(0)[0] - 16.0).abs() < 0.01);
    }
    // Where every pixel is a center, nothing can be nearer.
    let picture = scene((3, 4), 1, SampleType::U8, |p, _| (p % 3) as f64);
    let program = FuzzyCMeans {
        fuzzifier: 20.0,
        ..FuzzyCMeans::new(centers(&[0.0, 1.0, 2.0]))
    };
    let found = classify(&program, &picture).unwrap();
    assert!(found.converged);
    assert_eq!(found.iterations[0].objective, 0.0);
}

#[test]
fn a_scene_without_data_is_refused() {
    for sample in [SampleType::U8, SampleType::U16, SampleType::F32] {
        let picture = scene((6, 5), 1, sample, |_, _| 9.0);
        for start in [Start::linear(2), centers(&[1.0]).start] {
            let settings = Settings {
                nodata: Some(9.0),
                ..Settings::new(start)
            };
            assert_refused(
                classify(&CMeans::new(settings.clone()), &picture),
                "nodata (9)",
            );
            assert_refused(
                classify(&FuzzyCMeans::new(settings), &picture),
                "nodata (9)",
            );
        }
    }
    let picture = scene((6, 5), 3, SampleType::F32, |_, _| f64::NAN);
    assert_refused(classify(&CMeans::default(), &picture), "no pixel is finite");
}

#[test]
fn every_key_has_a_default_and_unknown_ones_are_refused() {
    assert_eq!(
        serde_json::from_str::<CMeans>("{}").unwrap(),
        CMeans::default()
    );
    assert_eq!(
        serde_json::from_str::<FuzzyCMeans>("{}").unwrap(),
        FuzzyCMeans::default()
    );
    let program: FuzzyCMeans = serde_json::from_str(
        r#"{"start": {"classes": 4, "init": "kmeans++", "seed": 5}, "stop_on": "center-shift",
            "tiles": {"rows": 2, "columns": 1}, "nodata": 0, "fuzzifier": 1.5, "memberships": true}"#,
    )
    .unwrap();
    let json = serde_json::to_string(&program).unwrap();
    assert_eq!(serde_json::from_str::<FuzzyCMeans>(&json).unwrap(), program);
    assert_eq!(program.settings.stop_on, StopRule::CenterShift);
    assert_eq!(program.settings.start.classes(), 4);

    let refused = |json: &str, words: &str| {
        let error = serde_json::from_str::<FuzzyCMeans>(json)
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "`{error}` does not say `{words}`");
    };
    refused(r#"{"epsilom": 3}"#, "epsilom");
    refused(r#"{"start": {"classes": 3, "sead": 3}}"#, "sead");
    refused(
        r#"{"start": {"classes": 3, "centers": [[1]]}}"#,
        "either `centers`",
    );
    refused(r#"{"start": {"centers": []}}"#, "no centers");
    refused(
        r#"{"start": {"centers": [[1, 2], [3]]}}"#,
        "center 2 has 1 values",
    );
    refused(r#"{"tiles": {"rows": 0, "columns": 1}}"#, "nonzero");
    refused(r#"{"stop_on": "whim"}"#, "whim");
    let error = serde_json::from_str::<CMeans>(r#"{"fuzzifier": 2}"#).unwrap_err();
    assert!(error.to_string().contains("fuzzifier"));
}

fn fit(settings: Settings) -> Classification {
    let picture = scene((60, 50), 1, SampleType::U8, |p, _| noise(p, 256));
    classify(&FuzzyCMeans::new(settings), &picture).unwrap()
}

#[test]
fn each_rule_stops_at_its_own_change() {
    let settings = |stop_on| Settings {
        stop_on,
        epsilon: 0.5,
        ..centers(&[10.0, 20.0, 30.0])
    };
    let stops = |result: &Classification, change: &dyn Fn(usize) -> f64| {
        let last = result.iterations.len() - 1;
        assert!(change(last) < 0.5);
        assert!((1..last).all(|row| change(row) >= 0.5));
    };
    let result = fit(settings(StopRule::Objective));
    assert_eq!(result.stopped_by, StoppedBy::Objective);
    stops(&result, &|row| result.iterations[row].objective_change);
    let result = fit(settings(StopRule::CenterSum));
    assert_eq!(result.stopped_by, StoppedBy::CenterSum);
    stops(&result, &|row| result.iterations[row].center_sum_change);
    let result = fit(settings(StopRule::CenterShift));
    assert_eq!(result.stopped_by, StoppedBy::CenterShift);
    stops(&result, &|row| {
        let (now, before) = (&result.iterations[row], &result.iterations[row - 1]);
        (now.centers.values().iter().zip(before.centers.values()))
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max)
    });
}

#[test]
fn iterations_have_a_bound() {
    let result = fit(Settings {
        max_iterations: 2,
        ..Settings::default()
    });
    assert_eq!(result.iterations.len(), 2);
    assert!(!result.converged);
    assert_eq!(result.stopped_by, StoppedBy::MaxIterations);
}

#[test]
fn what_does_not_fit_a_tile_fails() {
    let context = Context::new(Rank(0), 1, Cancellation::default());
    for (bands, sample) in [
        (1, SampleType::U8),
        (1, SampleType::U16),
        (3, SampleType::F32),
    ] {
        let picture = scene((3, 4), bands, sample, |p, _| p as f64);
        let program = CMeans::default();
        let (mut tiles, mut task) = program.split(picture, &Cancellation::default()).unwrap();
        let tile = tiles.remove(0);
        for length in [0, 1, tile.body.len() - 1] {
            let mut short = tile.clone();
            short.body.truncate(length);
            let failed = program.load(short, &context);
            assert!(
                matches!(failed, Err(ProgramError::Failed(message)) if message.contains("4 x 3 pixels"))
            );
        }
        let mut state = program.load(tile, &context).unwrap();
        task.centers = Some(Centers::new(vec![vec![1.0, 2.0]]).unwrap());
        let failed = program.local_step(&mut state, &task, &context);
        assert!(
            matches!(failed, Err(ProgramError::Failed(message)) if message.contains("2 values"))
        );
    }
}

#[test]
fn assembling_refuses_what_is_missing() {
    let program = CMeans::new(Settings {
        tiles: Tiling::new(2, 2),
        ..Settings::default()
    });
    let whole = || common::run(&program, gray()).unwrap();
    let rows = |run: &common::Run<CMeans>| -> Vec<_> {
        (run.tasks.iter())
            .filter_map(|task| task.last.clone())
            .collect()
    };
    let run = whole();
    let mut short = rows(&run);
    short.remove(0);
    let failed = Classification::assemble(gray().shape(), short, run.output, run.tile_outputs);
    assert!(
        matches!(failed, Err(ProgramError::Failed(message)) if message.contains("iteration 1"))
    );
    let mut run = whole();
    let rows = rows(&run);
    run.tile_outputs.pop();
    let failed = Classification::assemble(gray().shape(), rows, run.output, run.tile_outputs);
    assert!(matches!(failed, Err(ProgramError::Failed(message)) if message.contains("3 tiles")));
}

#[test]
fn what_would_not_fit_into_memory_or_into_a_number_is_refused() {
    let picture = scene((300, 300), 1, SampleType::F32, |pixel, _| noise(pixel, 9));
    let tiles = Settings {
        tiles: Tiling::new(300, 300),
        ..Settings::new(Start::linear(2))
    };
    let error = classify(&CMeans::new(tiles), &picture).unwrap_err();
    assert_eq!(
        error.to_string(),
        "300 x 300 tiles are too many: at most 65536 in all"
    );
    let far = Settings::new(Start::Centers(Centers::gray([0.5, 2e200]).unwrap()));
    for error in [
        classify(&CMeans::new(far.clone()), &picture).unwrap_err(),
        classify(&FuzzyCMeans::new(far), &picture).unwrap_err(),
    ] {
        assert_eq!(
            error.to_string(),
            "center 2 holds 2e200: no value may be greater than 1e150"
        );
    }
    let many = FuzzyCMeans {
        memberships: true,
        ..FuzzyCMeans::new(Settings::new(Start::linear(60_000)))
    };
    assert_refused(classify(&many, &picture), "at most 4294967296 are kept");
    // What JSON makes of a number that is not finite is no way to ask for the default.
    assert!(serde_json::from_str::<FuzzyCMeans>(r#"{"fuzzifier": null}"#).is_err());
}

#[test]
fn the_digest_is_that_of_the_label_bytes() {
    let picture = scene((1, 3), 1, SampleType::U8, |p, _| [0.0, 100.0, 200.0][p]);
    let result = classify(&CMeans::new(centers(&[0.0, 100.0, 200.0])), &picture).unwrap();
    assert_eq!(&result.labels.bytes[..], [1, 2, 3]);
    // printf '\1\2\3' | sha256sum
    assert_eq!(
        result.labels.sha256(),
        "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81"
    );
}
