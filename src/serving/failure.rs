//! How a job ends without a result: one stable word for each reason.

use std::fmt::Display;
use std::io::{self, ErrorKind};

use msvpu_actors::{JobError, ProgramError, Site};
use msvpu_web::model::Failure;
use msvpu_web::service::RunError;

use crate::raster::{ReadError, ReadProblem, WriteError, WriteProblem};

/// A failure of this code.
pub(super) fn failed(code: &str, message: impl Display) -> RunError {
    RunError::Failed(Failure {
        code: code.to_owned(),
        message: message.to_string(),
    })
}

/// A job of the machine that ended without a result.
pub(super) fn of_job(error: JobError) -> RunError {
    let code = match error {
        JobError::Cancelled => return RunError::Cancelled,
        JobError::Stopped => return RunError::Stopped,
        JobError::UnknownProgram { .. } => "unknown-program",
        JobError::InvalidParameters { .. } => "invalid-parameters",
        JobError::InvalidInput { .. } => INVALID_INPUT,
        JobError::Failed { .. } => "program-failed",
        JobError::Panicked { .. } => "program-panicked",
        JobError::NoTiles => "no-tiles",
        JobError::TooManyTiles { .. } => "too-many-tiles",
        JobError::TooManyRounds { .. } => "too-many-rounds",
        JobError::JournalFull { .. } => "journal-full",
        JobError::QueueFull { .. } | JobError::OwnerQueueFull { .. } => "queue-full",
        JobError::Nondeterministic { .. } => "nondeterministic",
        JobError::PoisonTile { .. } => "poison-tile",
        JobError::LeadersLost { .. } => "leaders-lost",
        JobError::NoNode { .. } => "no-node",
        JobError::BrokerLost { .. } => "broker-lost",
        JobError::Codec { .. } => "codec",
    };
    failed(code, error)
}

pub(super) const INVALID_INPUT: &str = "invalid-input";

/// Parameters that do not fit the scene.
pub(super) fn of_parameters(error: ProgramError) -> RunError {
    of_job(JobError::at(Site::Split, error))
}

/// A picture that cannot be read; where it is kept is not told.
pub(super) fn of_reading(error: &ReadError) -> RunError {
    match &error.problem {
        ReadProblem::Stopped => RunError::Cancelled,
        problem @ (ReadProblem::Missing | ReadProblem::Io(_)) => {
            failed("input-unreadable", problem)
        }
        problem @ (ReadProblem::NotAFile { .. }
        | ReadProblem::Empty
        | ReadProblem::UnknownFormat
        | ReadProblem::Truncated { .. }
        | ReadProblem::Malformed { .. }
        | ReadProblem::Unsupported { .. }
        | ReadProblem::NoPixels { .. }
        | ReadProblem::TooLarge { .. }
        | ReadProblem::DecoderPanicked { .. }) => failed(INVALID_INPUT, problem),
    }
}

/// The folder of the artifacts, which cannot be made.
pub(super) fn of_folder(error: io::Error) -> RunError {
    if is_full(&error) {
        return RunError::DiskFull;
    }
    failed("artifact-failed", format_args!("the folder: {error}"))
}

/// An artifact that cannot be written.
pub(super) fn of_writing(error: &WriteError) -> RunError {
    let name = error.path.file_name().unwrap_or_default().display();
    match &error.problem {
        WriteProblem::Stopped => RunError::Cancelled,
        WriteProblem::Io(io) if is_full(io) => RunError::DiskFull,
        problem => failed("artifact-failed", format_args!("{name}: {problem}")),
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded
    )
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use msvpu_actors::Rank;

    use super::*;

    fn code(error: RunError) -> String {
        match error {
            RunError::Failed(failure) => failure.code,
            other => other.to_string(),
        }
    }

    #[test]
    fn a_job_that_was_ended_has_not_failed() {
        assert_eq!(of_job(JobError::Cancelled), RunError::Cancelled);
        assert_eq!(of_job(JobError::Stopped), RunError::Stopped);
        let poison = JobError::PoisonTile {
            rank: Rank(3),
            losses: 3,
        };
        let RunError::Failed(failure) = of_job(poison.clone()) else {
            panic!("no failure")
        };
        assert_eq!(failure.code, "poison-tile");
        assert_eq!(failure.message, poison.to_string());
        let refused = of_parameters(ProgramError::invalid_input("too few"));
        assert_eq!(code(refused), "invalid-input");
    }

    #[test]
    fn a_full_disk_is_told_from_other_failures() {
        let written = |problem| {
            of_writing(&WriteError {
                path: PathBuf::from("/kept/here/labels.png"),
                problem,
            })
        };
        let full = io::Error::from(ErrorKind::StorageFull);
        assert_eq!(written(WriteProblem::Io(full)), RunError::DiskFull);
        let full = png::EncodingError::IoError(ErrorKind::QuotaExceeded.into());
        assert_eq!(written(full.into()), RunError::DiskFull);
        assert_eq!(written(WriteProblem::Stopped), RunError::Cancelled);
        let other = written(WriteProblem::Io(ErrorKind::PermissionDenied.into()));
        let RunError::Failed(failure) = other else {
            panic!("no failure")
        };
        assert_eq!(failure.code, "artifact-failed");
        assert!(failure.message.starts_with("labels.png: "), "{failure:?}");
    }

    #[test]
    fn a_picture_that_is_no_picture_is_the_clients() {
        let read = |problem| {
            let path = PathBuf::from("/kept/here");
            code(of_reading(&ReadError { path, problem }))
        };
        assert_eq!(read(ReadProblem::Empty), "invalid-input");
        assert_eq!(read(ReadProblem::Missing), "input-unreadable");
        assert_eq!(read(ReadProblem::Stopped), "cancelled");
    }
}
