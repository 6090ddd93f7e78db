//! How a command gets its image.

use std::path::Path;
use std::time::{Duration, Instant};

use msvpu::raster::{Picture, ReadLimits, ReadProblem};

use super::failure::Failure;
use super::interrupts::Interrupts;
use super::progress::Display;
use super::values::ByteSize;

/// Decodes an image, and how long that took. Says on standard error what becomes of the first of
/// several pictures: `done`, as in "only the first is classified".
pub(crate) async fn decode(
    path: &Path,
    max_decoded_bytes: ByteSize,
    done: &str,
    interrupts: &mut Interrupts,
    display: &Display,
) -> Result<(Picture, Duration), Failure> {
    display.phase("decoding the image");
    let since = Instant::now();
    let limits = ReadLimits {
        max_decoded_bytes: max_decoded_bytes.0,
    };
    let owned = path.to_owned();
    let picture = interrupts.or_done(move || read(&owned, &limits)).await?;
    let took = since.elapsed();
    if picture.more_pictures {
        let format = &picture.format;
        display.warn(&format!(
            "{}: this {format} has several pictures; only the first is {done}",
            path.display()
        ));
    }
    Ok((picture, took))
}

fn read(path: &Path, limits: &ReadLimits) -> Result<Picture, Failure> {
    msvpu::raster::read(path, limits).map_err(|error| match error.problem {
        ReadProblem::TooLarge { .. } => {
            Failure::input(format_args!("{error} (--max-decoded-bytes SIZE)"))
        }
        _ => Failure::input(error),
    })
}
