//! A decoded picture in memory: what the classification programs take.

use bytes::Bytes;
use msvpu_actors::{Block, CodecError, Payload, Wire};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How one sample is stored; always little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SampleType {
    /// Unsigned, 8 bit.
    U8,
    /// Unsigned, 16 bit.
    U16,
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
}

impl SampleType {
    /// The size of one sample in bytes.
    #[must_use]
    pub const fn size_bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::U16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

/// The shape of a [`Scene`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Shape {
    /// Columns, in pixels; at least 1.
    pub width: u32,
    /// Rows, in pixels; at least 1.
    pub height: u32,
    /// Samples per pixel; at least 1.
    pub bands: u16,
    /// How one sample is stored.
    pub sample: SampleType,
}

impl Shape {
    /// Width × height.
    #[must_use]
    pub const fn pixels(self) -> u64 {
        self.width as u64 * self.height as u64
    }

    /// The size of one pixel, all bands, in bytes.
    #[must_use]
    pub const fn pixel_bytes(self) -> usize {
        self.bands as usize * self.sample.size_bytes()
    }

    /// The size of all samples in bytes; `None` where it passes the address space.
    #[must_use]
    pub fn size_bytes(self) -> Option<usize> {
        usize::try_from(self.pixels())
            .ok()?
            .checked_mul(self.pixel_bytes())
    }
}

/// The samples do not make a picture of the stated shape.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SceneError {
    /// A side or the number of bands is 0.
    #[error("a scene of {width} x {height} pixels with {bands} bands has no pixel")]
    Empty {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// Samples per pixel.
        bands: u16,
    },
    /// A side or the number of bands is beyond what a scene can have.
    #[error(
        "{rows} rows, {columns} columns and {bands} bands are too many: at most 2^32 - 1, 2^32 - 1 and 65535"
    )]
    TooLarge {
        /// Rows.
        rows: usize,
        /// Columns.
        columns: usize,
        /// Samples per pixel.
        bands: usize,
    },
    /// The number of bytes is not that of the shape.
    #[error(
        "{found} bytes of samples, where {width} x {height} pixels of {bands} bands make {expected}"
    )]
    Length {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// Samples per pixel.
        bands: u16,
        /// Bytes given.
        found: usize,
        /// Bytes that the shape needs.
        expected: String,
    },
}

/// A picture in memory: rows from the top, pixels from the left, the bands of a pixel together.
///
/// Cheap to clone: the samples are reference-counted.
///
/// ```
/// use msvpu::{SampleType, Scene, Shape};
///
/// let shape = Shape { width: 2, height: 1, bands: 1, sample: SampleType::U8 };
/// let scene = Scene::new(shape, vec![7, 9])?;
/// assert_eq!(scene.shape().pixels(), 2);
/// # Ok::<(), msvpu::SceneError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scene {
    shape: Shape,
    samples: Bytes,
}

impl Scene {
    /// Wraps samples that are already in memory.
    ///
    /// # Errors
    /// When there is no pixel, or the bytes are not exactly those of the shape.
    pub fn new(shape: Shape, samples: impl Into<Bytes>) -> Result<Self, SceneError> {
        let samples = samples.into();
        let Shape {
            width,
            height,
            bands,
            ..
        } = shape;
        if shape.pixels() == 0 || bands == 0 {
            return Err(SceneError::Empty {
                width,
                height,
                bands,
            });
        }
        if shape.size_bytes() != Some(samples.len()) {
            return Err(SceneError::Length {
                width,
                height,
                bands,
                found: samples.len(),
                expected: shape
                    .size_bytes()
                    .map_or_else(|| "more than fits".to_owned(), |bytes| bytes.to_string()),
            });
        }
        Ok(Self { shape, samples })
    }

    /// Width, height, bands and sample type.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// The samples, row-major, bands interleaved, little-endian.
    #[must_use]
    pub const fn samples(&self) -> &Bytes {
        &self.samples
    }
}

impl Wire for Scene {
    fn into_payload(self) -> Result<Payload, CodecError> {
        Block {
            head: self.shape,
            body: self.samples,
        }
        .into_payload()
    }

    fn from_payload(payload: Payload) -> Result<Self, CodecError> {
        let block = Block::<Shape>::from_payload(payload)?;
        Self::new(block.head, block.body).map_err(CodecError::invalid::<Self>)
    }
}
