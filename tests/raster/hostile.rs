//! Files that are wrong, by accident or on purpose: one typed error, soon, in little memory.

use std::{io::Cursor, path::Path};

use image::{ExtendedColorType, ImageEncoder};
use msvpu::raster::{Format, ReadLimits, ReadProblem, read};
use proptest::prelude::*;
use tiff::encoder::{Compression, DeflateLevel, TiffEncoder, colortype};

use crate::support::{TestFile, noise, read_bytes, read_path};

const WIDTH: u32 = 40;
const HEIGHT: u32 = 30;

fn jpeg() -> Vec<u8> {
    let samples: Vec<u8> = noise(1, (WIDTH * HEIGHT * 3) as usize)
        .iter()
        .map(|&v| v as u8)
        .collect();
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new(&mut bytes)
        .write_image(&samples, WIDTH, HEIGHT, ExtendedColorType::Rgb8)
        .unwrap();
    bytes
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgba);
    let data: Vec<u8> = noise(2, (width * height * 4) as usize)
        .iter()
        .map(|&v| v as u8)
        .collect();
    encoder
        .write_header()
        .unwrap()
        .write_image_data(&data)
        .unwrap();
    bytes
}

fn tiff(compression: Compression) -> Vec<u8> {
    let samples = noise(3, (WIDTH * HEIGHT * 3) as usize);
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes)
        .unwrap()
        .with_compression(compression);
    let mut image = encoder
        .new_image::<colortype::RGB16>(WIDTH, HEIGHT)
        .unwrap();
    image.rows_per_strip(7).unwrap();
    image.write_data(&samples).unwrap();
    bytes.into_inner()
}

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/raster");
    std::fs::read(folder.join(name)).unwrap()
}

fn pgm() -> Vec<u8> {
    let mut bytes = b"P5\n40 30\n65535\n".to_vec();
    bytes.extend(noise(4, 1200).iter().flat_map(|v| v.to_be_bytes()));
    bytes
}

/// A sound file of each decoder and each compression.
fn sound_files() -> Vec<(Format, Vec<u8>)> {
    vec![
        (Format::Png, png(WIDTH, HEIGHT)),
        (Format::Png, fixture("interlaced_u16.png")),
        (Format::Jpeg, jpeg()),
        (Format::Jpeg, fixture("progressive.jpg")),
        (Format::Pnm, pgm()),
        (
            Format::Pnm,
            b"P3 2 2 255 1 2 3 4 5 6 7 8 9 10 11 123".to_vec(),
        ),
        (Format::Tiff, tiff(Compression::Uncompressed)),
        (Format::Tiff, tiff(Compression::Lzw)),
        (Format::Tiff, tiff(Compression::Packbits)),
        (Format::Tiff, tiff(Compression::Deflate(DeflateLevel::Fast))),
        (Format::Tiff, fixture("tiled_lzw_u16x3.tif")),
        (Format::Tiff, fixture("planar_tiled_deflate_u8x3.tif")),
        (Format::Tiff, fixture("tiled_deflate_f32.tif")),
        (Format::Tiff, fixture("geo_nodata_i16.tif")),
        (Format::Tiff, fixture("big_endian_bigtiff_u32.tif")),
    ]
}

#[test]
fn what_is_no_picture_file() {
    let directory = tempfile::tempdir().unwrap();
    let missing = read_path(&directory.path().join("missing.png")).unwrap_err();
    assert!(matches!(missing.problem, ReadProblem::Missing));
    assert!(
        missing.to_string().contains("missing.png: no such file"),
        "{missing}"
    );
    let not_a_file = read_path(directory.path()).unwrap_err();
    assert!(
        matches!(
            not_a_file.problem,
            ReadProblem::NotAFile {
                found: "a directory"
            }
        ),
        "{not_a_file}"
    );
    assert!(matches!(
        read_bytes(b"").unwrap_err().problem,
        ReadProblem::Empty
    ));
    for bytes in [
        &b"P"[..],
        b"Parrot",
        b"GIF89a",
        b"\x89PNG",
        b"II\x2b",
        b"hello, world",
    ] {
        let error = read_bytes(bytes).unwrap_err();
        assert!(
            matches!(error.problem, ReadProblem::UnknownFormat),
            "{error}"
        );
    }
}

#[test]
fn truncated_files_of_every_format_are_named_so() {
    for (format, bytes) in sound_files() {
        read_bytes(&bytes).unwrap();
        for length in [9, bytes.len() / 2, bytes.len() * 9 / 10, bytes.len() - 1] {
            // A TIFF keeps its pixels in front or behind: what comes last may be a tag nobody misses, and the last digit of
            // a PNM's last number is not missed either.
            let may_pass =
                length == bytes.len() - 1 && (format == Format::Tiff || bytes.starts_with(b"P3"));
            match read_bytes(&bytes[..length]) {
                Ok(_) => assert!(may_pass, "{format} of {length} bytes"),
                Err(error) => assert!(
                    matches!(&error.problem, ReadProblem::Truncated { format: of, .. } if *of == format),
                    "{error}"
                ),
            }
        }
    }
}

/// A PNG's header chunk of these sides, with a right checksum, and nothing behind it.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = png(1, 1);
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let checksum = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

fn jpeg_header(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = jpeg();
    let frame = bytes
        .windows(2)
        .position(|pair| pair == [0xff, 0xc0])
        .unwrap();
    bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    bytes
}

fn tiff_with(tag: u16, value: u32) -> Vec<u8> {
    with_tag(tiff(Compression::Deflate(DeflateLevel::Fast)), tag, value)
}

/// A little-endian TIFF in which a tag is replaced by a LONG.
fn with_tag(mut bytes: Vec<u8>, tag: u16, value: u32) -> Vec<u8> {
    let start = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
    let entries = usize::from(u16::from_le_bytes([bytes[start], bytes[start + 1]]));
    let entry = (0..entries)
        .map(|i| start + 2 + i * 12)
        .find(|&at| u16::from_le_bytes([bytes[at], bytes[at + 1]]) == tag)
        .unwrap();
    bytes[entry + 2..entry + 4].copy_from_slice(&4u16.to_le_bytes());
    bytes[entry + 4..entry + 8].copy_from_slice(&1u32.to_le_bytes());
    bytes[entry + 8..entry + 12].copy_from_slice(&value.to_le_bytes());
    bytes
}

#[test]
fn bombs_name_size_and_limit() {
    let bombs = [
        jpeg_header(60000, 60000),
        b"P5 60000 60000 255\n".to_vec(),
        b"P5 4294967295 4294967295 255\n".to_vec(),
        b"P2 60000 60000 255\n".to_vec(),
    ];
    for bytes in bombs {
        let error = read_bytes(&bytes).unwrap_err();
        assert!(
            matches!(
                &error.problem,
                ReadProblem::TooLarge { needed_bytes, limit_bytes, .. }
                    if *needed_bytes > 3_000_000_000 && *limit_bytes == ReadLimits::DEFAULT_MAX_DECODED_BYTES
            ),
            "{error}"
        );
        let line = error.to_string();
        assert!(
            line.contains("2147483648") && line.contains("raise the limit"),
            "{line}"
        );
    }
}

#[test]
fn a_small_file_cannot_ask_for_much_below_the_limit_either() {
    for (format, bytes) in [
        (Format::Png, png_header(60000, 60000)),
        (Format::Png, png_header(u32::MAX >> 1, u32::MAX >> 1)),
        (Format::Png, png_header(20000, 20000)),
        (Format::Jpeg, jpeg_header(20000, 20000)),
        (Format::Pnm, b"P5 40000 40000 255\n".to_vec()),
        (Format::Pnm, b"P4 40000 40000\n".to_vec()),
        (Format::Pnm, b"P1 40000 40000\n".to_vec()),
        (Format::Pnm, b"P3 10000 10000 65535\n".to_vec()),
    ] {
        let error = read_bytes(&bytes).unwrap_err();
        assert!(
            matches!(&error.problem, ReadProblem::Truncated { format: of, .. } if *of == format),
            "{error}"
        );
    }
    // Wider, higher, in larger strips: the chunks cannot hold it, or their number is wrong.
    for (tag, value) in [
        (256, 60000),
        (256, u32::MAX),
        (257, 60000),
        (257, u32::MAX),
        (278, 1 << 31),
    ] {
        let error = read_bytes(&tiff_with(tag, value)).unwrap_err();
        assert!(
            matches!(
                error.problem,
                ReadProblem::Truncated { .. }
                    | ReadProblem::Malformed { .. }
                    | ReadProblem::TooLarge { .. }
            ),
            "tag {tag} = {value}: {error}"
        );
    }
    // A tile of a small picture as large as a continent.
    let tiled = with_tag(fixture("tiled_lzw_u16x3.tif"), 322, 0x7fff_fff0);
    let tiled = with_tag(tiled, 323, 0x7fff_fff0);
    let error = read_bytes(&tiled).unwrap_err();
    assert!(
        matches!(
            error.problem,
            ReadProblem::TooLarge { .. } | ReadProblem::Malformed { .. }
        ),
        "{error}"
    );
}

#[test]
fn no_pixels() {
    let zero_wide_tiff = tiff_with(256, 0);
    for bytes in [
        &b"P5 0 4 255\n"[..],
        b"P1 3 0\n",
        b"P7\nWIDTH 0\nHEIGHT 2\nDEPTH 1\nMAXVAL 255\nTUPLTYPE GRAYSCALE\nENDHDR\n",
        &zero_wide_tiff,
    ] {
        let error = read_bytes(bytes).unwrap_err();
        assert!(
            matches!(error.problem, ReadProblem::NoPixels { .. }),
            "{error}"
        );
    }
    // Their decoders refuse before they tell the sides.
    for bytes in [png_header(0, 5), png_header(5, 0), jpeg_header(0, 5)] {
        let error = read_bytes(&bytes).unwrap_err();
        assert!(
            matches!(
                error.problem,
                ReadProblem::NoPixels { .. }
                    | ReadProblem::Malformed { .. }
                    | ReadProblem::Unsupported { .. }
            ),
            "{error}"
        );
    }
}

#[test]
fn the_limit_can_be_lowered_and_raised() {
    for (format, bytes) in sound_files() {
        let file = TestFile::of(&bytes);
        let tight = read(
            &file.path,
            &ReadLimits {
                max_decoded_bytes: 11,
            },
        )
        .unwrap_err();
        assert!(
            matches!(
                tight.problem,
                ReadProblem::TooLarge {
                    limit_bytes: 11,
                    ..
                }
            ),
            "{format}: {tight}"
        );
        read(
            &file.path,
            &ReadLimits {
                max_decoded_bytes: u64::MAX,
            },
        )
        .unwrap();
    }
}

#[test]
fn the_bytes_allowed_are_the_bytes_needed() {
    let file = TestFile::of(&pgm());
    let bytes = u64::from(WIDTH * HEIGHT * 2);
    read(
        &file.path,
        &ReadLimits {
            max_decoded_bytes: bytes,
        },
    )
    .unwrap();
    let error = read(
        &file.path,
        &ReadLimits {
            max_decoded_bytes: bytes - 1,
        },
    )
    .unwrap_err();
    assert!(
        matches!(error.problem, ReadProblem::TooLarge { needed_bytes, .. } if needed_bytes == u128::from(bytes)),
        "{error}"
    );
}

/// With this limit, whatever a damaged file asks for, no scene is larger.
const FUZZ_LIMIT: u64 = 1 << 20;

fn read_damaged(bytes: &[u8]) {
    let file = TestFile::of(bytes);
    match read(
        &file.path,
        &ReadLimits {
            max_decoded_bytes: FUZZ_LIMIT,
        },
    ) {
        Ok(picture) => {
            let shape = picture.scene.shape();
            assert!(picture.scene.samples().len() as u64 <= FUZZ_LIMIT);
            assert_eq!(shape.size_bytes(), Some(picture.scene.samples().len()));
        }
        Err(error) => {
            let line = error.to_string();
            assert!(!line.is_empty() && line.contains("picture"), "{line}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_are_read_or_refused(
        which in 0..15usize,
        cut in proptest::option::of(0.0..1.0f64),
        flips in proptest::collection::vec((0.0..1.0f64, 1..=255u8), 0..6),
        // Headers are a small part of a file and the larger part of the trouble.
        early in proptest::collection::vec((0..64usize, 0..=255u8), 0..3),
    ) {
        let (_, mut bytes) = sound_files().swap_remove(which);
        for (place, flip) in flips {
            let at = (place * bytes.len() as f64) as usize;
            bytes[at] ^= flip;
        }
        for (at, value) in early {
            // Behind the signature, before and behind the end: a TIFF's directory is often there.
            let length = bytes.len();
            bytes[(8 + at) % length] = value;
            bytes[length - 1 - at % length] ^= value;
        }
        if let Some(cut) = cut {
            bytes.truncate((cut * bytes.len() as f64) as usize);
        }
        read_damaged(&bytes);
    }
}
