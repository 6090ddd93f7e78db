//! TIFF: chunks of every shape, in parallel as in sequence.

use std::io::Cursor;

use msvpu::{
    SampleType,
    raster::{ReadLimits, ReadProblem, read},
};
use tiff::{
    encoder::{Compression, DeflateLevel, TiffEncoder, colortype},
    tags::Tag,
};

use crate::support::{TestFile, noise, read_bytes, shape, values};

const WIDTH: u32 = 67;
const HEIGHT: u32 = 301;

fn encode(compression: Compression, rows_per_strip: u32, samples: &[u16]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes)
        .unwrap()
        .with_compression(compression);
    let mut image = encoder
        .new_image::<colortype::Gray16>(WIDTH, HEIGHT)
        .unwrap();
    image.rows_per_strip(rows_per_strip).unwrap();
    image.write_data(samples).unwrap();
    bytes.into_inner()
}

#[test]
fn strips_of_every_compression_and_height_in_any_number_of_threads() {
    let samples: Vec<u16> = noise(7, (WIDTH * HEIGHT) as usize)
        .iter()
        .map(|v| v % 512)
        .collect();
    let expected: Vec<_> = samples.iter().map(|&v| f64::from(v)).collect();
    let pools: Vec<_> = [1, 2, 5]
        .map(|threads| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap()
        })
        .into();
    for compression in [
        Compression::Uncompressed,
        Compression::Lzw,
        Compression::Deflate(DeflateLevel::Fast),
        Compression::Packbits,
    ] {
        for rows_per_strip in [1, 7, 300, 301, 1000] {
            let file = TestFile::of(&encode(compression, rows_per_strip, &samples));
            for pool in &pools {
                let picture = pool
                    .install(|| read(&file.path, &ReadLimits::default()))
                    .unwrap();
                assert_eq!(shape(&picture), (WIDTH, HEIGHT, 1, SampleType::U16));
                assert_eq!(
                    values(&picture),
                    expected,
                    "{rows_per_strip} rows per strip"
                );
            }
        }
    }
}

#[test]
fn one_damaged_strip_of_many_is_an_error() {
    let samples = noise(8, (WIDTH * HEIGHT) as usize);
    let mut bytes = encode(Compression::Deflate(DeflateLevel::Fast), 10, &samples);
    let middle = bytes.len() / 2;
    bytes[middle..middle + 200].fill(0xff);
    let problem = read_bytes(&bytes).unwrap_err().problem;
    assert!(
        matches!(
            problem,
            ReadProblem::Malformed { .. } | ReadProblem::Truncated { .. }
        ),
        "{problem}"
    );
}

/// A TIFF of 4 x 2 pixels whose second strip was never written.
fn sparse(nodata: Option<&str>) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).unwrap();
    let mut directory = encoder.image_directory().unwrap();
    let offset = directory.write_data(&[1u8, 2, 3, 4][..]).unwrap() as u32;
    for (tag, value) in [
        (Tag::ImageWidth, 4),
        (Tag::ImageLength, 2),
        (Tag::BitsPerSample, 8),
        (Tag::PhotometricInterpretation, 1),
        (Tag::RowsPerStrip, 1),
    ] {
        directory.write_tag(tag, value as u16).unwrap();
    }
    directory
        .write_tag(Tag::StripOffsets, &[offset, 0][..])
        .unwrap();
    directory
        .write_tag(Tag::StripByteCounts, &[4u32, 0][..])
        .unwrap();
    if let Some(nodata) = nodata {
        directory.write_tag(Tag::GdalNodata, nodata).unwrap();
    }
    directory.finish().unwrap();
    bytes.into_inner()
}

#[test]
fn sparse_chunks_have_no_data() {
    for (nodata, filled, value) in [
        (None, 0.0, None),
        (Some("7"), 7.0, Some(7.0)),
        (Some("-9999"), 0.0, Some(-9999.0)),
        (Some("nan"), 0.0, None),
        (Some("none"), 0.0, None),
    ] {
        let picture = read_bytes(&sparse(nodata)).unwrap();
        assert_eq!(values(&picture)[..4], [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(values(&picture)[4..], [filled; 4], "{nodata:?}");
        assert_eq!(picture.nodata, value, "{nodata:?}");
    }
}

#[test]
fn nodata_of_floats_can_be_compared_with_samples() {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).unwrap();
    let mut image = encoder.new_image::<colortype::Gray32Float>(2, 1).unwrap();
    image.encoder().write_tag(Tag::GdalNodata, "0.1").unwrap();
    image.write_data(&[0.1f32, 1.0]).unwrap();
    let picture = read_bytes(&bytes.into_inner()).unwrap();
    assert_eq!(picture.nodata, Some(values(&picture)[0]));
}

/// Pictures of 2 x 1 pixels, each of the kind that its NewSubfileType states.
fn pictures(kinds: &[Option<u32>]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).unwrap();
    for (value, kind) in (1..).zip(kinds) {
        let mut image = encoder.new_image::<colortype::Gray8>(2, 1).unwrap();
        if let Some(kind) = *kind {
            let directory = image.encoder();
            directory.write_tag(Tag::NewSubfileType, kind).unwrap();
        }
        image.write_data(&[value, 0]).unwrap();
    }
    bytes.into_inner()
}

#[test]
fn further_pictures_are_told_of() {
    for (kinds, more) in [
        (&[None][..], false),
        (&[None, None], true),
        (&[None, Some(0)], true),
        // A page of several.
        (&[Some(2), Some(2)], true),
        // Overviews, and masks of both sizes.
        (&[None, Some(1), Some(1), Some(4), Some(5)], false),
        (&[None, Some(1), None], true),
    ] {
        let picture = read_bytes(&pictures(kinds)).unwrap();
        assert_eq!(picture.more_pictures, more, "{kinds:?}");
        assert_eq!(values(&picture), [1.0, 0.0]);
    }
}

#[test]
fn what_is_too_short_is_told_without_contradiction() {
    let samples = noise(7, (WIDTH * HEIGHT) as usize);
    let mut bytes = encode(Compression::Uncompressed, 100, &samples);
    // Four LONGs, at the place that is stated last.
    let counts = [23, 1, 4, 0, 4, 0, 0, 0];
    let entry = bytes.windows(8).position(|entry| entry == counts).unwrap();
    let second = u32::from_le_bytes(bytes[entry + 8..entry + 12].try_into().unwrap()) as usize + 4;
    let mut told = |count: u32| {
        bytes[second..second + 4].copy_from_slice(&count.to_le_bytes());
        let error = read_bytes(&bytes).unwrap_err();
        assert!(matches!(error.problem, ReadProblem::Truncated { .. }));
        (error.problem.to_string(), bytes.len())
    };
    let (few, _) = told(1);
    assert_eq!(
        few,
        "this TIFF is truncated: chunk 2 of 4 has size 1, too small for the 13400 bytes of its pixels"
    );
    let (many, length) = told(1 << 20);
    let start = "this TIFF is truncated: chunk 2 of 4 is 1048576 bytes from byte ";
    let end = format!(" on, and the file has {length} bytes");
    assert!(many.starts_with(start) && many.ends_with(&end), "{many}");
}
