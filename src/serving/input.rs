//! How a job gets its picture.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use msvpu_web::model::{EventBody, InputInfo, LogLevel, Phase};
use msvpu_web::service::{Cancelled, Reporter, RunError, Told};

use super::blocking::{blocking, is_light};
use super::failure::{INVALID_INPUT, failed, of_reading};
use crate::raster::{Picture, ReadLimits, read_stoppable};
use crate::report::Preview;
use crate::scene::{SampleType, Shape};

/// What a file of so many bytes unpacks to, at a thousandfold at most, is looked through in some milliseconds.
const MAX_LIGHT_BYTES: u64 = 16 << 10;

/// A picture in memory.
pub(super) struct Decoded {
    pub(super) picture: Picture,
    /// If it was wanted.
    pub(super) preview: Option<Preview>,
    /// How long decoding took.
    pub(super) took: Duration,
}

/// What is to be done with a file.
pub(super) struct Decoding {
    pub(super) input: PathBuf,
    /// What is known of it.
    pub(super) info: InputInfo,
    pub(super) limits: ReadLimits,
    /// What the client marks as no data, instead of what the file does.
    pub(super) nodata: Option<f64>,
    pub(super) wants_preview: bool,
}

impl Decoding {
    /// Decodes the file, and says what is worth knowing of it.
    pub(super) async fn run(
        self,
        reporter: &Reporter,
        cancelled: &mut Cancelled,
    ) -> Result<Decoded, RunError> {
        reporter.tell(Told::Phase(Phase::Decoding, None));
        let decoded = if self.is_light() {
            self.decode(&AtomicBool::new(false))?
        } else {
            blocking(cancelled, move |stop| self.decode(stop)).await?
        };
        let picture = &decoded.picture;
        let transparent = picture.alpha.map_or(0, |alpha| alpha.transparent_pixels);
        if transparent == picture.scene.shape().pixels() {
            return Err(failed(INVALID_INPUT, "every pixel is fully transparent"));
        }
        if transparent > 0 {
            let message =
                format!("{transparent} pixels are fully transparent and count as no data");
            log(reporter, LogLevel::Info, message);
        }
        if picture.more_pictures {
            let format = picture.format;
            let message = format!("this {format} has several pictures; only the first is used");
            log(reporter, LogLevel::Warning, message);
        }
        Ok(decoded)
    }

    /// What its head promises is little, and so is what there is to be read for it. A TIFF and a preview are made by a
    /// pool, and the parts of a TIFF may be the same bytes any number of times.
    fn is_light(&self) -> bool {
        let InputInfo {
            width,
            height,
            bands,
            decoded_bytes,
            ref format,
        } = self.info;
        let values = u64::from(width) * u64::from(height) * u64::from(bands);
        let read = std::fs::metadata(&self.input).map_or(u64::MAX, |file| file.len());
        let is_small = is_light(values) && is_light(decoded_bytes) && read <= MAX_LIGHT_BYTES;
        is_small && format != "tiff" && !self.wants_preview
    }

    fn decode(&self, stop: &AtomicBool) -> Result<Decoded, RunError> {
        let since = Instant::now();
        let picture =
            read_stoppable(&self.input, &self.limits, stop).map_err(|error| of_reading(&error))?;
        let took = since.elapsed();
        let preview = if self.wants_preview {
            let nodata = self.nodata.or(picture.nodata);
            let preview = Preview::new(&picture.scene, nodata, stop);
            Some(preview.ok_or(RunError::Cancelled)?)
        } else {
            None
        };
        Ok(Decoded {
            picture,
            preview,
            took,
        })
    }
}

/// Tells something worth knowing.
pub(super) fn log(reporter: &Reporter, level: LogLevel, message: String) {
    reporter.tell(Told::Event(EventBody::Log { level, message }));
}

/// The shape of a scene that has not been decoded. How its samples are stored is not known yet, and nothing that
/// parameters are checked for depends on it.
pub(super) const fn shape_of(info: &InputInfo) -> Shape {
    Shape {
        width: info.width,
        height: info.height,
        bands: info.bands,
        sample: SampleType::U8,
    }
}
