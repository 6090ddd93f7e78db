//! Sound files with bytes changed and ends cut off: read or refused, never a panic, never more memory than allowed.

use std::sync::LazyLock;

use msvpu::raster::{Format, ReadLimits, ReadProblem, probe, read};
use proptest::prelude::*;

use crate::{hostile::sound_files, support::TestFile};

static SOUND_FILES: LazyLock<Vec<(Format, Vec<u8>)>> = LazyLock::new(sound_files);

/// With this limit, whatever a damaged file asks for, no scene is larger.
const FUZZ_LIMIT: u64 = 1 << 20;

fn read_damaged(bytes: &[u8]) {
    let file = TestFile::of(bytes);
    let limits = ReadLimits {
        max_decoded_bytes: FUZZ_LIMIT,
    };
    let head = probe(&file.path, &limits);
    if let Err(error) = &head {
        assert!(
            !matches!(error.problem, ReadProblem::DecoderPanicked { .. }),
            "{error}"
        );
    }
    match read(&file.path, &limits) {
        Ok(picture) => {
            let shape = picture.scene.shape();
            // Whatever can be read is let in.
            let head = head.unwrap().shape;
            assert_eq!(
                (head.width, head.height, head.bands),
                (shape.width, shape.height, shape.bands)
            );
            assert!(picture.scene.samples().len() as u64 <= FUZZ_LIMIT);
            assert_eq!(shape.size_bytes(), Some(picture.scene.samples().len()));
        }
        Err(error) => {
            // The door catches a decoder's panic; none is known that these files could cause.
            assert!(
                !matches!(error.problem, ReadProblem::DecoderPanicked { .. }),
                "{error}"
            );
            // Without the file's name; what the decoder says stands behind the colon.
            let said = error.problem.to_string();
            let blames_the_file = ["this ", "not a picture", "the file is empty"]
                .iter()
                .any(|start| said.starts_with(start));
            assert!(
                blames_the_file || said.contains("passes the limit"),
                "{said}"
            );
            assert!(!said.trim_end().ends_with(':'), "{said}");
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
        let (_, mut bytes) = SOUND_FILES[which].clone();
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
