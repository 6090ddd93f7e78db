//! Pictures made by other encoders; see tests/data/README.md.

use std::path::Path;

use msvpu::{
    SampleType,
    raster::{Alpha, Format, Picture, ReadError, ReadProblem},
};

use crate::support::{read_path, shape, values};

const WIDTH: u32 = 19;
const HEIGHT: u32 = 17;

fn fixture(name: &str) -> Result<Picture, ReadError> {
    read_path(
        &Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/raster")
            .join(name),
    )
}

/// The formula of make_fixtures.py.
fn v(x: u32, y: u32, band: u32) -> u32 {
    31 * x + 57 * y + 101 * band + x * y
}

fn expected(bands: u32, value: impl Fn(u32) -> f64) -> Vec<f64> {
    let mut samples = Vec::new();
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            samples.extend((0..bands).map(|band| value(v(x, y, band))));
        }
    }
    samples
}

fn check(
    name: &str,
    bands: u16,
    bits: u8,
    sample: SampleType,
    value: impl Fn(u32) -> f64,
) -> Picture {
    let picture = fixture(name).unwrap();
    assert_eq!(shape(&picture), (WIDTH, HEIGHT, bands, sample), "{name}");
    assert_eq!(picture.bits, bits, "{name}");
    assert_eq!(values(&picture), expected(bands.into(), value), "{name}");
    picture
}

fn u8s(v: u32) -> f64 {
    f64::from(v % 256)
}

fn u16s(v: u32) -> f64 {
    f64::from(v * 17 % 65536)
}

#[test]
fn tiffs_of_other_encoders_have_their_samples() {
    use SampleType::{F32, F64, U8, U16};
    let eighths = |v| f64::from(v) / 8.0 - 100.0;
    let signed = |v| f64::from(v) - 1000.0;
    check("tiled_lzw_u16x3.tif", 3, 16, U16, u16s);
    check("planar_tiled_deflate_u8x3.tif", 3, 8, U8, u8s);
    check("planar_strips_u16x5.tif", 5, 16, U16, u16s);
    check("tiled_deflate_f32.tif", 1, 32, F32, eighths);
    check("strips_f64.tif", 1, 64, F64, eighths);
    check("big_endian_packbits_u16.tif", 1, 16, U16, u16s);
    check("bigtiff_i16.tif", 1, 16, F32, signed);
    check("big_endian_bigtiff_u32.tif", 1, 32, F64, |v| {
        f64::from(v.wrapping_mul(1_000_003))
    });
    check("i8.tif", 1, 8, F32, |v| f64::from(v as u8 as i8));
    check("i32.tif", 1, 32, F64, |v| {
        f64::from((u64::from(v) * 1_000_003 % (1 << 31)) as i32 - (1 << 30))
    });
    check("bits.tif", 1, 1, U8, |v| f64::from(v % 2));
}

#[test]
fn all_bands_are_kept_as_they_are_stored() {
    // A decoder that goes by the colours gives three bands here, and with the predictor wrong ones.
    check("rgb_and_infrared_lzw_u8x4.tif", 4, 8, SampleType::U8, u8s);
    // A decoder that goes by the colours gives 255 - v.
    check("white_is_zero_u8.tif", 1, 8, SampleType::U8, u8s);
}

#[test]
fn transparent_pixels_of_a_tiff_are_nan() {
    let picture = fixture("rgba_u8.tif").unwrap();
    assert_eq!(shape(&picture), (WIDTH, HEIGHT, 3, SampleType::F32));
    let mut transparent_pixels = 0;
    for (i, pixel) in values(&picture).chunks(3).enumerate() {
        let (x, y) = (i as u32 % WIDTH, i as u32 / WIDTH);
        if (x + y) % 5 == 0 {
            transparent_pixels += 1;
            assert!(pixel.iter().all(|v| v.is_nan()), "{x} {y}");
        } else {
            let opaque: Vec<_> = (0..3).map(|band| u8s(v(x, y, band))).collect();
            assert_eq!(pixel, opaque, "{x} {y}");
        }
    }
    assert_eq!(picture.alpha, Some(Alpha { transparent_pixels }));
}

#[test]
fn georeference_and_nodata_are_found() {
    let picture = check("geo_nodata_i16.tif", 1, 16, SampleType::F32, |v| {
        f64::from(v) - 1000.0
    });
    assert_eq!(picture.nodata, Some(-9999.0));
    let tags = picture.georeference.unwrap().0;
    let numbers: Vec<_> = tags.iter().map(|tag| (tag.tag, tag.field_type)).collect();
    assert_eq!(
        numbers,
        [
            (33550, 12),
            (33922, 12),
            (34735, 3),
            (34736, 12),
            (34737, 2)
        ]
    );
    // The file is big-endian; the tags are in the order of this machine.
    let doubles = |bytes: &[u8]| -> Vec<f64> {
        bytes
            .as_chunks()
            .0
            .iter()
            .map(|&v| f64::from_ne_bytes(v))
            .collect()
    };
    assert_eq!(doubles(&tags[0].bytes), [10.0, 10.0, 0.0]);
    assert_eq!(
        doubles(&tags[1].bytes),
        [0.0, 0.0, 0.0, 300_000.0, 3_700_000.0, 0.0]
    );
    let keys: Vec<_> = tags[2]
        .bytes
        .as_chunks()
        .0
        .iter()
        .map(|&v| u16::from_ne_bytes(v))
        .collect();
    assert_eq!(keys[12..], [3072, 0, 1, 32629]);
    assert_eq!(tags[4].bytes, b"WGS 84 / UTM zone 29N|\0");
}

#[test]
fn what_is_not_read_is_said() {
    for (name, found) in [
        ("palette.tif", "a palette"),
        ("jpeg_compressed.tif", "compression"),
        ("zstd.tif", "compression ZSTD"),
        ("f16.tif", "float samples of 16 bits"),
    ] {
        let error = fixture(name).unwrap_err();
        assert!(
            matches!(
                &error.problem,
                ReadProblem::Unsupported {
                    format: Format::Tiff,
                    ..
                }
            ),
            "{error}"
        );
        let line = error.to_string();
        assert!(line.contains(found) && line.contains(name), "{line}");
        assert!(line.contains("can be read"), "{line}");
        assert_eq!(line.lines().count(), 1);
    }
}

#[test]
fn interlaced_png() {
    check("interlaced_u16.png", 1, 16, SampleType::U16, u16s);
}

#[test]
fn progressive_jpeg_is_near_its_source() {
    let picture = fixture("progressive.jpg").unwrap();
    assert_eq!(shape(&picture), (WIDTH, HEIGHT, 3, SampleType::U8));
    let source = image::open(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/raster/progressive.jpg"),
    )
    .unwrap();
    assert_eq!(picture.scene.samples().as_ref(), source.as_bytes());
}
