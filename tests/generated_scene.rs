//! The picture of the README is what its generator makes.

#[path = "../examples/generate_scene/scene.rs"]
mod scene;

use std::path::Path;

use msvpu::{
    SampleType, Shape,
    raster::{ReadLimits, read},
};

#[test]
fn the_committed_scene_is_the_generated_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/scene.png");
    assert!(std::fs::metadata(&path).unwrap().len() <= 1 << 20);
    let picture = read(&path, &ReadLimits::default()).unwrap();
    let shape = Shape {
        width: scene::WIDTH,
        height: scene::HEIGHT,
        bands: 1,
        sample: SampleType::U8,
    };
    assert_eq!(picture.scene.shape(), shape);
    assert!(picture.scene.samples().as_ref() == scene::gray());
}

#[test]
fn the_three_kinds_of_ground_can_be_told_apart() {
    let mut shares = [0.0; 3];
    let samples = scene::gray();
    for &value in &samples {
        let kind = match value {
            0..70 => 0,
            70..155 => 1,
            _ => 2,
        };
        shares[kind] += 1.0 / samples.len() as f64;
    }
    assert!(shares.iter().all(|&share| share > 0.08), "{shares:?}");
    let histogram =
        |range: std::ops::Range<u8>| samples.iter().filter(|v| range.contains(v)).count();
    // Valleys between the hills.
    assert!(histogram(58..68) * 5 < histogram(28..48));
    assert!(histogram(148..158) * 4 < histogram(95..115));
}

#[test]
fn the_colour_scene_shows_the_same_places() {
    let rgb = scene::rgb();
    assert_eq!(rgb.len(), (scene::WIDTH * scene::HEIGHT * 3) as usize);
    let gray = scene::gray();
    // Water is blue, and town is bright, in both.
    for (pixel, value) in rgb.as_chunks::<3>().0.iter().zip(gray) {
        if value < 40 {
            assert!(pixel[2] >= pixel[0].saturating_sub(10), "{pixel:?}");
        }
    }
}
