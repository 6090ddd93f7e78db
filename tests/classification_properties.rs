//! Laws that hold for any picture, tiling and number of classes.
#![allow(clippy::unwrap_used, reason = "a test that fails here says so")]

mod common;

use common::{assert_close, classify, noise, reference_iteration, scene, valid_pixels};
use msvpu::{
    CMeans, Classification, FuzzyCMeans, Init, SampleType, Scene, Settings, Start, Tiling,
};
use proptest::prelude::*;

#[derive(Clone, Debug)]
struct Case {
    scene: Scene,
    settings: Settings,
    tiles: Tiling,
}

fn case() -> impl Strategy<Value = Case> {
    let samples = prop_oneof![
        Just(SampleType::U8),
        Just(SampleType::U16),
        Just(SampleType::F32),
        Just(SampleType::F64)
    ];
    let inits = prop_oneof![
        Just(Init::Linear),
        Just(Init::Random),
        Just(Init::KMeansPlusPlus)
    ];
    let shape = (1_u32..40, 1_u32..40, 1_u16..5, samples);
    let contents = (any::<u32>(), 1_u64..300, prop::option::of(0_u64..3));
    (
        shape,
        contents,
        (1_u32..9, inits, any::<u64>()),
        (1_u32..9, 1_u32..9),
    )
        .prop_map(
            |(
                (height, width, bands, sample),
                (shift, levels, nodata),
                (classes, init, seed),
                tiles,
            )| {
                let picture = scene((height, width), bands, sample, |pixel, band| {
                    noise(pixel * 7 + band + shift as usize, levels)
                });
                let start = Start::Classes {
                    classes,
                    init,
                    seed,
                };
                Case {
                    scene: picture,
                    settings: Settings {
                        nodata: nodata.map(|value| value as f64),
                        max_iterations: 20,
                        ..Settings::new(start)
                    },
                    tiles: Tiling::new(tiles.0.min(height), tiles.1.min(width)).unwrap(),
                }
            },
        )
}

impl Case {
    fn has_pixels(&self) -> bool {
        valid_pixels(&self.scene, self.settings.nodata)
            .iter()
            .any(Option::is_some)
    }

    fn tiled(&self, tiles: Tiling) -> Settings {
        Settings {
            tiles: Some(tiles),
            ..self.settings.clone()
        }
    }
}

fn assert_sound(case: &Case, result: &Classification) {
    let shape = case.scene.shape();
    let pixels: u64 = result.classes.iter().map(|class| class.pixels).sum();
    assert_eq!(pixels + result.nodata_pixels, shape.pixels());
    assert_eq!(result.labels.iter().count() as u64, shape.pixels());
    let last = result.iterations.last().unwrap();
    assert_eq!(result.centers, last.centers);
    assert_close(
        result.classes.iter().map(|class| class.share).sum(),
        1.0,
        1e-12,
        "shares",
    );
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn c_means_does_not_see_the_tiles(case in case()) {
        prop_assume!(case.has_pixels());
        let whole = classify(&CMeans::new(case.tiled(Tiling::new(1, 1).unwrap())), &case.scene);
        let tiled = classify(&CMeans::new(case.tiled(case.tiles)), &case.scene);
        let (whole, tiled) = (whole.unwrap(), tiled.unwrap());
        assert_sound(&case, &tiled);
        // Sums of whole numbers below 2⁵³ are exact, in floats too: so are these centers.
        prop_assert_eq!(&whole.centers, &tiled.centers);
        prop_assert_eq!(&whole.labels, &tiled.labels);
        prop_assert_eq!(whole.iterations.len(), tiled.iterations.len());
        for (a, b) in whole.iterations.iter().zip(&tiled.iterations) {
            prop_assert_eq!(&a.centers, &b.centers);
            assert_close(a.objective, b.objective, 1e-12, "objective");
        }
    }

    #[test]
    fn fuzzy_c_means_sees_the_tiles_in_the_last_digits_only(case in case()) {
        prop_assume!(case.has_pixels());
        // From equal centers to the next ones. Later iterations may part ways: where there are
        // more classes than values, centers coincide, and a last digit decides how they share.
        let program = |tiles| FuzzyCMeans::new(Settings {
            max_iterations: 2,
            ..case.tiled(tiles)
        });
        let whole = classify(&program(Tiling::new(1, 1).unwrap()), &case.scene).unwrap();
        let tiled = classify(&program(case.tiles), &case.scene).unwrap();
        assert_sound(&case, &tiled);
        for (a, b) in whole.iterations.iter().zip(&tiled.iterations) {
            assert_close(a.objective, b.objective, 1e-9, "objective");
            for (a, b) in a.centers.values().iter().zip(b.centers.values()) {
                assert_close(*a, *b, 1e-9, "center");
            }
        }
    }

    #[test]
    fn rows_follow_from_each_other(case in case(), fuzzy in any::<bool>()) {
        prop_assume!(case.has_pixels());
        let settings = case.tiled(case.tiles);
        let result = if fuzzy {
            classify(&FuzzyCMeans::new(settings), &case.scene)
        } else {
            classify(&CMeans::new(settings), &case.scene)
        };
        let result = result.unwrap();
        let pixels = valid_pixels(&case.scene, case.settings.nodata);
        for pair in result.iterations.windows(2) {
            let (objective, next) =
                reference_iteration(&pixels, &pair[0].centers, fuzzy.then_some(2.0));
            assert_close(pair[0].objective, objective, 1e-9, "objective");
            for (found, expected) in pair[1].centers.values().iter().zip(next.values()) {
                assert_close(*found, *expected, 1e-9, "center");
            }
        }
    }

    #[test]
    fn c_means_never_raises_the_squared_error(case in case()) {
        prop_assume!(case.has_pixels());
        let result = classify(&CMeans::new(case.settings.clone()), &case.scene).unwrap();
        let pixels = valid_pixels(&case.scene, case.settings.nodata);
        let errors: Vec<f64> = (result.iterations.iter())
            .map(|row| {
                (pixels.iter().flatten())
                    .map(|pixel| {
                        (row.centers.iter())
                            .map(|center| common::distance(pixel, center).powi(2))
                            .fold(f64::INFINITY, f64::min)
                    })
                    .sum()
            })
            .collect();
        prop_assert!(errors.windows(2).all(|pair| pair[1] <= pair[0] * (1.0 + 1e-9) + 1e-9));
    }
}
