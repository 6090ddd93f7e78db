//! `pairwise` at its bounds: what it refuses, what is just still right, what it says of its costs.
#![allow(clippy::unwrap_used, reason = "a test that fails here says so")]

mod common;

use std::num::NonZeroU32;

use common::{noise, run, scene, travel_bytes};
use msvpu::{
    Block, Cancellation, Context, DifferenceSum, Pairwise, PairwisePartial, PairwiseTask, Program,
    ProgramError, Rank, Round, SampleType, Scene, Tiling,
};

fn from_one(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn gray(height: u32, width: u32) -> Scene {
    scene((height, width), 1, SampleType::U8, |pixel, _| {
        noise(pixel, 256)
    })
}

#[track_caller]
fn refused(program: &Pairwise, scene: Scene, words: &[&str]) {
    let error = run(program, scene).err().unwrap();
    assert!(matches!(error, ProgramError::InvalidInput(_)), "{error:?}");
    for word in words {
        assert!(error.to_string().contains(word), "{word}: {error}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    for (wrong, word) in [
        (r#"{"sampling": 0}"#, "nonzero"),
        (r#"{"rounds": 0}"#, "nonzero"),
        (r#"{"sampling": -1}"#, "-1"),
        (r#"{"tiles": {"rows": 0, "columns": 1}}"#, "nonzero"),
        (r#"{"sample": 2}"#, "`sample`"),
    ] {
        let error = serde_json::from_str::<Pairwise>(wrong).unwrap_err();
        assert!(error.to_string().contains(word), "{wrong}: {error}");
    }
    let tiled = |rows, columns| Pairwise {
        tiles: Tiling::new(rows, columns),
        ..Pairwise::default()
    };
    refused(&tiled(5, 1), gray(4, 4), &["5 x 1 tiles", "4 rows"]);
    refused(&tiled(300, 300), gray(300, 300), &["65536"]);
    // 9 · 10⁶ pixels in one tile are too many, every 4th of them is not.
    let large = gray(3000, 3000);
    refused(
        &tiled(1, 1),
        large.clone(),
        &["40499995500000", "more tiles", "sampling"],
    );
    let every_fourth = Pairwise {
        sampling: from_one(4),
        ..tiled(1, 1)
    };
    assert_eq!(every_fourth.validate(large.shape()), Ok(()));
}

#[test]
fn differences_beyond_a_float_are_refused() {
    let huge = |pixel, _| {
        if pixel < 2 { -f64::MAX } else { f64::MAX }
    };
    let picture = scene((1, 4), 1, SampleType::F64, huge);
    refused(&Pairwise::default(), picture, &["tile 0", "scale"]);
    // The bands of one pixel add up to more than there is.
    let picture = scene((1, 4), 2, SampleType::F64, huge);
    refused(&Pairwise::default(), picture, &["tile 0", "scale"]);
}

#[test]
fn without_a_pair_there_is_no_mean() {
    let one = run(&Pairwise::default(), gray(1, 1)).unwrap().output;
    assert_eq!((one.pixels, one.pairs, one.mean), (1, 0, None));
    let empty = Pairwise {
        nodata: Some(9.0),
        ..Pairwise::default()
    };
    let flat = scene((8, 8), 1, SampleType::U8, |_, _| 9.0);
    let none = run(&empty, flat).unwrap().output;
    assert_eq!((none.pixels, none.pairs, none.mean), (0, 0, None));
}

#[test]
fn the_largest_values_of_many_bands_fit() {
    let picture = scene((1, 2), u16::MAX, SampleType::U16, |pixel, _| {
        [0.0, 65535.0][pixel]
    });
    let result = run(&Pairwise::default(), picture).unwrap().output;
    assert_eq!((result.pairs, result.mean), (1, Some(65535.0)));
}

#[test]
fn the_own_tiling_depends_on_shape_and_sampling_alone() {
    let tiling = |height, width, sampling| {
        let program = Pairwise {
            sampling: from_one(sampling),
            ..Pairwise::default()
        };
        let (tiles, task) = program
            .split(gray(height, width), &Cancellation::default())
            .unwrap();
        assert_eq!(tiles.len() as u64, task.tiling.tiles());
        task.tiling.to_string()
    };
    assert_eq!(tiling(1, 1, 1), "1x1");
    assert_eq!(tiling(786, 1000, 1), "7x8");
    assert_eq!(tiling(786, 1000, 16), "2x2");
    assert_eq!(tiling(128, 129, 1), "1x2");
    assert_eq!(tiling(786, 1000, u32::MAX), "1x1");
    // As many tiles as a job may have, and no more.
    assert_eq!(tiling(1, 40_000_000, 1), "1x39063");
    assert_eq!(tiling(1, 10_000_000, 1), "1x39063");
}

#[test]
fn the_bytes_are_those_of_the_longest_messages() {
    let task = PairwiseTask {
        tiling: Tiling::new(u32::MAX, u32::MAX).unwrap(),
        bands: u16::MAX,
    };
    let partial = PairwisePartial {
        pixels: u64::MAX,
        sum: DifferenceSum::Integer(u128::MAX),
    };
    let longest = travel_bytes(task) + travel_bytes(partial);
    let (tiles, _) = Pairwise::default()
        .split(gray(2, 2), &Cancellation::default())
        .unwrap();
    assert_eq!(
        Pairwise::default().bytes_exchanged(&tiles[0]),
        longest as f64
    );
}

#[test]
fn foreign_messages_are_refused_and_never_panic() {
    let program = Pairwise::default();
    let (tiles, task) = program.split(gray(4, 4), &Cancellation::default()).unwrap();
    let context = Context::new(Rank(0), 1, Cancellation::default());
    for body in [vec![], vec![1; 15], vec![1; 17]] {
        let wrong = Block {
            body: body.into(),
            ..tiles[0].clone()
        };
        assert_eq!(program.complexity(&wrong), 0.0);
        let error = program.load(wrong, &context).unwrap_err();
        assert!(error.to_string().contains("4 x 4"), "{error}");
    }
    let partial = |pixels, sum| PairwisePartial { pixels, sum };
    for wrong in [
        [
            partial(4, DifferenceSum::Integer(3)),
            partial(4, DifferenceSum::Real(3.0)),
        ],
        [
            partial(4, DifferenceSum::Integer(3)),
            partial(u64::MAX, DifferenceSum::Integer(3)),
        ],
        [
            partial(4, DifferenceSum::Integer(u128::MAX)),
            partial(4, DifferenceSum::Integer(1)),
        ],
    ] {
        let error = program
            .global_step(Round(1), &task, &wrong, &Cancellation::default())
            .unwrap_err();
        assert!(error.to_string().contains("tile 1"), "{error}");
    }
}
