//! What the head of a file tells, beside what reading it gives.

use std::io::Write;
use std::path::Path;

use msvpu::SampleType;
use msvpu::raster::{Format, ReadLimits, ReadProblem, probe, read};

use crate::{hostile::sound_files, support::TestFile};

const LIMITS: ReadLimits = ReadLimits {
    max_decoded_bytes: ReadLimits::DEFAULT_MAX_DECODED_BYTES,
};

#[track_caller]
fn agrees(path: &Path) {
    let (head, picture) = (probe(path, &LIMITS).unwrap(), read(path, &LIMITS).unwrap());
    let shape = picture.scene.shape();
    assert_eq!((head.format, head.bits), (picture.format, picture.bits));
    assert_eq!(head.has_alpha, picture.alpha.is_some());
    let (head_shape, bytes) = (head.shape, picture.scene.samples().len() as u64);
    if picture
        .alpha
        .is_some_and(|alpha| alpha.transparent_pixels > 0)
    {
        // Which the head cannot know.
        assert_eq!(shape.sample, SampleType::F32);
        assert_eq!(
            (head_shape.width, head_shape.height, head_shape.bands),
            (shape.width, shape.height, shape.bands)
        );
        assert!(head.decoded_bytes >= bytes);
    } else {
        assert_eq!(head_shape, shape);
        let with_alpha = shape.pixels() * shape.sample.size_bytes() as u64;
        assert!(head.decoded_bytes >= bytes + if head.has_alpha { with_alpha } else { 0 });
    }
    match head.format {
        Format::Png | Format::Pnm if !head.has_alpha => assert_eq!(head.decoded_bytes, bytes),
        // Their decoders keep something beside.
        _ => assert!(head.decoded_bytes >= bytes),
    }
}

#[test]
fn the_head_tells_what_reading_gives() {
    for (_, bytes) in sound_files() {
        agrees(&TestFile::of(&bytes).path);
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/raster");
    let mut found = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match (probe(&path, &LIMITS), read(&path, &LIMITS)) {
            (Ok(_), Ok(_)) => {
                agrees(&path);
                found += 1;
            }
            (Err(of_head), Err(of_whole)) => {
                assert_eq!(of_head.to_string(), of_whole.to_string());
            }
            (head, whole) => panic!("{}: {head:?}, {:?}", path.display(), whole.map(drop)),
        }
    }
    assert!(found > 10, "{found}");
}

#[test]
fn the_samples_are_not_asked_for() {
    for (format, bytes) in sound_files() {
        // Of these the head is in front, and what the rest must have is small.
        let kept = match format {
            Format::Png => bytes.len() * 9 / 10,
            Format::Jpeg => bytes.len() - 2,
            Format::Pnm | Format::Tiff => continue,
        };
        let file = TestFile::of(&bytes[..kept]);
        assert!(probe(&file.path, &LIMITS).is_ok(), "{format}");
        assert!(read(&file.path, &LIMITS).is_err(), "{format}");
    }
}

#[test]
fn a_jpeg_is_looked_for_behind_what_applications_put_in_front() {
    let (_, bytes) = sound_files().swap_remove(2);
    let mut padded = bytes[..2].to_vec();
    // 64 MiB of thumbnails.
    let mut segment = vec![0xff, 0xe1, 0xff, 0xff];
    segment.resize(2 + 0xffff, 0x5a);
    for _ in 0..1024 {
        padded.write_all(&segment).unwrap();
    }
    padded.write_all(&bytes[2..]).unwrap();
    let file = TestFile::of(&padded);
    let head = probe(&file.path, &LIMITS).unwrap();
    assert_eq!(
        head.shape,
        probe(&TestFile::of(&bytes).path, &LIMITS).unwrap().shape
    );
    // Tables without end are refused before they are in memory.
    let mut tables = bytes[..2].to_vec();
    segment[1] = 0xdb;
    for _ in 0..1024 {
        tables.write_all(&segment).unwrap();
    }
    let error = probe(&TestFile::of(&tables).path, &LIMITS).unwrap_err();
    assert!(
        matches!(error.problem, ReadProblem::Malformed { .. }),
        "{error}"
    );
}

#[test]
fn a_header_line_without_end_is_not_read_to_its_end() {
    let mut bytes = b"P5 #".to_vec();
    bytes.resize(8 << 20, b'x');
    let error = probe(&TestFile::of(&bytes).path, &LIMITS).unwrap_err();
    assert!(
        matches!(
            error.problem,
            ReadProblem::Truncated { .. } | ReadProblem::Malformed { .. }
        ),
        "{error}"
    );
}

#[test]
fn limits_are_those_of_reading() {
    for (format, bytes) in sound_files() {
        let file = TestFile::of(&bytes);
        let tight = ReadLimits {
            max_decoded_bytes: 11,
        };
        let error = probe(&file.path, &tight).unwrap_err();
        assert!(
            matches!(
                error.problem,
                ReadProblem::TooLarge {
                    limit_bytes: 11,
                    ..
                }
            ),
            "{format}: {error}"
        );
    }
}
