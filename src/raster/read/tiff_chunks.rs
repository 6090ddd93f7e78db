//! The chunks (strips or tiles) of a TIFF, decoded in parallel, each straight to its place.

use rayon::prelude::*;
use tiff::{decoder::Decoder, tags::SampleFormat};

use super::{png::unpack, tiff::problem, tiff_directory::AsStored};
use crate::{SampleType, raster::error::ReadProblem};

/// How samples are stored in the file; the decoder gives them in this machine's byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    Bits(u8),
    U8,
    U16,
    U32,
    I8,
    I16,
    I32,
    F32,
    F64,
}

impl Stored {
    pub(super) fn of(format: &SampleFormat, bits: u16) -> Option<Self> {
        Some(match (format, bits) {
            (SampleFormat::Uint, 1 | 2 | 4) => Self::Bits(bits as u8),
            (SampleFormat::Uint, 8) => Self::U8,
            (SampleFormat::Uint, 16) => Self::U16,
            (SampleFormat::Uint, 32) => Self::U32,
            (SampleFormat::Int, 8) => Self::I8,
            (SampleFormat::Int, 16) => Self::I16,
            (SampleFormat::Int, 32) => Self::I32,
            (SampleFormat::IEEEFP, 32) => Self::F32,
            (SampleFormat::IEEEFP, 64) => Self::F64,
            _ => return None,
        })
    }

    /// The smallest type of a scene that holds every value exactly.
    pub(super) fn sample_type(self) -> SampleType {
        match self {
            Self::Bits(_) | Self::U8 => SampleType::U8,
            Self::U16 => SampleType::U16,
            Self::I8 | Self::I16 | Self::F32 => SampleType::F32,
            Self::U32 | Self::I32 | Self::F64 => SampleType::F64,
        }
    }

    fn bits(self) -> u64 {
        match self {
            Self::Bits(bits) => bits.into(),
            Self::U8 | Self::I8 => 8,
            Self::U16 | Self::I16 => 16,
            Self::U32 | Self::I32 | Self::F32 => 32,
            Self::F64 => 64,
        }
    }

    /// Whether the decoder's bytes are the scene's bytes.
    fn is_final(self) -> bool {
        cfg!(target_endian = "little")
            && matches!(self, Self::U8 | Self::U16 | Self::F32 | Self::F64)
    }

    /// Converts one row of decoded samples; `target` gets a run of `run` samples each `step` samples.
    fn convert(self, decoded: &[u8], target: &mut [u8], run: usize, step: usize) {
        match self {
            Self::Bits(_) | Self::U8 => spread(decoded, target, run, step, |&[v]: &[u8; 1]| [v]),
            Self::U16 => spread(decoded, target, run, step, |v| {
                u16::from_ne_bytes(*v).to_le_bytes()
            }),
            Self::I8 => spread(decoded, target, run, step, |v| {
                f32::from(i8::from_ne_bytes(*v)).to_le_bytes()
            }),
            Self::I16 => spread(decoded, target, run, step, |v| {
                f32::from(i16::from_ne_bytes(*v)).to_le_bytes()
            }),
            Self::U32 => spread(decoded, target, run, step, |v| {
                f64::from(u32::from_ne_bytes(*v)).to_le_bytes()
            }),
            Self::I32 => spread(decoded, target, run, step, |v| {
                f64::from(i32::from_ne_bytes(*v)).to_le_bytes()
            }),
            Self::F32 => spread(decoded, target, run, step, |v| {
                u32::from_ne_bytes(*v).to_le_bytes()
            }),
            Self::F64 => spread(decoded, target, run, step, |v| {
                u64::from_ne_bytes(*v).to_le_bytes()
            }),
        }
    }
}

fn spread<const I: usize, const O: usize>(
    decoded: &[u8],
    target: &mut [u8],
    run: usize,
    step: usize,
    convert: impl Fn(&[u8; I]) -> [u8; O],
) {
    let (decoded, _) = decoded.as_chunks::<I>();
    let (target, _) = target.as_chunks_mut::<O>();
    for (from, to) in decoded.chunks_exact(run).zip(target.chunks_mut(step)) {
        for (from, to) in from.iter().zip(to) {
            *to = convert(from);
        }
    }
}

/// How the chunks make the picture.
pub(super) struct Grid {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) bands: u16,
    pub(super) stored: Stored,
    /// Whether each band has chunks of its own.
    pub(super) planar: bool,
    pub(super) tiled: bool,
    pub(super) chunk_width: u32,
    pub(super) chunk_height: u32,
}

impl Grid {
    fn across(&self) -> u64 {
        self.width.div_ceil(self.chunk_width).into()
    }

    fn down(&self) -> u64 {
        self.height.div_ceil(self.chunk_height).into()
    }

    fn planes(&self) -> u64 {
        if self.planar { self.bands.into() } else { 1 }
    }

    pub(super) fn chunks(&self) -> u64 {
        self.across() * self.down() * self.planes()
    }

    /// Samples of a pixel within one chunk.
    fn run(&self) -> usize {
        if self.planar { 1 } else { self.bands.into() }
    }

    /// What a chunk takes in the file before compression; the last strip has only the rows that are left.
    pub(super) fn chunk_bytes(&self, chunk: u64) -> u64 {
        let row = chunk / self.across() % self.down();
        let rows = if self.tiled {
            self.chunk_height
        } else {
            self.chunk_height
                .min(self.height - row as u32 * self.chunk_height)
        };
        self.row_bytes(self.chunk_width) * u64::from(rows)
    }

    /// Whether the bytes of a chunk are those of the rows that it makes.
    fn is_straight(&self) -> bool {
        self.chunk_width == self.width && !self.planar && self.stored.is_final()
    }

    /// What chunks take that are being decoded, in bytes: one for each thread that has a row of them, if they do not go
    /// straight to their place.
    pub(super) fn scratch_bytes(&self) -> u64 {
        if self.is_straight() {
            return 0;
        }
        let threads = self.down().min(rayon::current_num_threads() as u64);
        let rows = self.chunk_height.min(self.height);
        threads * self.row_bytes(self.chunk_width.min(self.width)) * u64::from(rows)
    }

    fn row_bytes(&self, width: u32) -> u64 {
        (u64::from(width) * self.run() as u64 * self.stored.bits()).div_ceil(8)
    }
}

/// Sets every sample to the value that stands for no data; one that the type cannot hold changes nothing.
pub(super) fn fill(samples: &mut [u8], sample: SampleType, value: f64) {
    let fits = |most: f64| (0.0..=most).contains(&value) && value.fract() == 0.0;
    match sample {
        SampleType::U8 if fits(255.0) => samples.fill(value as u8),
        SampleType::U16 if fits(65535.0) => {
            spread_one(samples, (value as u16).to_le_bytes());
        }
        SampleType::U8 | SampleType::U16 => {}
        SampleType::F32 => spread_one(samples, (value as f32).to_le_bytes()),
        SampleType::F64 => spread_one(samples, value.to_le_bytes()),
    }
}

fn spread_one<const N: usize>(samples: &mut [u8], value: [u8; N]) {
    samples.as_chunks_mut::<N>().0.fill(value);
}

/// Decodes all chunks that are not sparse into `samples`; each row of chunks by one thread of the current pool.
pub(super) fn decode<'s>(
    grid: &Grid,
    sparse: &[bool],
    samples: &mut [u8],
    open: impl Fn() -> Result<Decoder<AsStored<'s>>, ReadProblem> + Sync,
) -> Result<(), ReadProblem> {
    let pixel_bytes = usize::from(grid.bands) * grid.stored.sample_type().size_bytes();
    let row_bytes = grid.width as usize * pixel_bytes;
    let chunk_row_bytes = row_bytes * grid.chunk_height as usize;
    let rows = grid.down() as usize;
    // Several shares for each thread, so that a slow one does not hold up the end; few, since each reads the directory anew.
    let share = rows.div_ceil(rayon::current_num_threads() * 4).max(1);
    samples
        .par_chunks_mut(chunk_row_bytes.saturating_mul(share))
        .enumerate()
        .try_for_each(|(number, part)| {
            let mut worker = Worker {
                grid,
                sparse,
                decoder: open()?,
                scratch: Vec::new(),
                pixel_bytes,
            };
            part.chunks_mut(chunk_row_bytes)
                .enumerate()
                .try_for_each(|(row, target)| worker.chunk_row(number * share + row, target))
        })
}

struct Worker<'a, 's> {
    grid: &'a Grid,
    sparse: &'a [bool],
    decoder: Decoder<AsStored<'s>>,
    scratch: Vec<u8>,
    pixel_bytes: usize,
}

impl Worker<'_, '_> {
    /// Decodes all chunks of one row of them into the rows of the picture that they make.
    fn chunk_row(&mut self, row: usize, target: &mut [u8]) -> Result<(), ReadProblem> {
        let across = self.grid.across() as usize;
        for plane in 0..self.grid.planes() as usize {
            for column in 0..across {
                let chunk = (plane * self.grid.down() as usize + row) * across + column;
                if !self.sparse.get(chunk).copied().unwrap_or(false) {
                    self.chunk(chunk as u32, plane, column, target)?;
                }
            }
        }
        Ok(())
    }

    fn chunk(
        &mut self,
        chunk: u32,
        plane: usize,
        column: usize,
        target: &mut [u8],
    ) -> Result<(), ReadProblem> {
        let grid = self.grid;
        if grid.is_straight() {
            return self
                .decoder
                .read_chunk_bytes(chunk, target)
                .map_err(problem);
        }
        let (width, height) = self.decoder.chunk_data_dimensions(chunk);
        let decoded_row = grid.row_bytes(width) as usize;
        self.scratch.resize(decoded_row * height as usize, 0);
        self.decoder
            .read_chunk_bytes(chunk, &mut self.scratch)
            .map_err(problem)?;
        let row_bytes = grid.width as usize * self.pixel_bytes;
        let sample_bytes = grid.stored.sample_type().size_bytes();
        let start = column * grid.chunk_width as usize * self.pixel_bytes;
        let end = start + width as usize * self.pixel_bytes;
        for (decoded, row) in self
            .scratch
            .chunks_exact(decoded_row)
            .zip(target.chunks_exact_mut(row_bytes))
        {
            let place = &mut row[start..end];
            if grid.stored.is_final() && !grid.planar {
                place.copy_from_slice(decoded);
                continue;
            }
            let place = &mut place[plane * sample_bytes..];
            let step = usize::from(grid.bands);
            match grid.stored {
                Stored::Bits(bits) => {
                    let samples = unpack(decoded, width as usize * grid.run(), bits);
                    grid.stored.convert(&samples, place, grid.run(), step);
                }
                stored => stored.convert(decoded, place, grid.run(), step),
            }
        }
        Ok(())
    }
}
