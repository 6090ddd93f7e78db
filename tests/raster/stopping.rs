//! A reader that loses interest.

use std::sync::atomic::AtomicBool;

use msvpu::raster::{ReadLimits, ReadProblem, read_stoppable};

use crate::{hostile::sound_files, support::TestFile};

#[test]
fn reading_ends_when_it_is_asked_to() {
    for (format, bytes) in sound_files() {
        let file = TestFile::of(&bytes);
        let read = |stop| {
            let stop = AtomicBool::new(stop);
            read_stoppable(&file.path, &ReadLimits::default(), &stop)
        };
        read(false).unwrap();
        let error = read(true).unwrap_err();
        assert!(
            matches!(error.problem, ReadProblem::Stopped),
            "{format}: {error}"
        );
    }
}
