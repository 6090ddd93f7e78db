//! The nearest center of every pixel, over planes.

use msvpu_actors::{Context, Result};
use pulp::{Arch, Simd, WithSimd};

use super::centers::Centers;
use super::planes::{Planes, Sample};
use super::results::ClassSums;
use super::sum::{CompensatedSum, total};

/// Pixels of a block: what is worked out for one stays in the first-level cache, and a plain sum
/// over one loses at most a few units in the last place.
pub(crate) const BLOCK_PIXELS: usize = 1 << 9;

/// Pixels between two looks at the cancellation flag.
pub(crate) const CHECK_PIXELS: usize = 1 << 14;

/// Finds the nearest center of each pixel of a block; of several at the same distance the first.
pub(crate) struct Nearest<'a> {
    centers: &'a Centers,
    arch: Arch,
    /// The pixels of the block, `BLOCK_PIXELS` a band.
    values: Vec<f64>,
    /// The index of the nearest center of each pixel.
    classes: Vec<u32>,
    /// `|x_j − c_k|` to it.
    distances: Vec<f64>,
}

impl<'a> Nearest<'a> {
    pub(crate) fn new(centers: &'a Centers) -> Self {
        Self {
            centers,
            arch: Arch::new(),
            values: vec![0.0; centers.bands() * BLOCK_PIXELS],
            classes: vec![0; BLOCK_PIXELS],
            distances: vec![0.0; BLOCK_PIXELS],
        }
    }

    /// The index of the nearest center of each pixel of the block.
    pub(crate) fn classes(&self, pixels: usize) -> &[u32] {
        &self.classes[..pixels]
    }

    /// Works out the block of `pixels` (at most `BLOCK_PIXELS`) from index `start` of the planes.
    pub(crate) fn block<T: Sample>(&mut self, planes: &Planes<T>, start: usize, pixels: usize) {
        self.arch.dispatch(FindNearest {
            nearest: self,
            planes,
            start,
            pixels,
        });
    }
}

struct FindNearest<'a, 'b, T> {
    nearest: &'a mut Nearest<'b>,
    planes: &'a Planes<T>,
    start: usize,
    pixels: usize,
}

impl<T: Sample> WithSimd for FindNearest<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self {
            nearest,
            planes,
            start,
            pixels,
        } = self;
        let Nearest {
            centers,
            values,
            classes,
            distances,
            ..
        } = nearest;
        let (classes, distances) = (&mut classes[..pixels], &mut distances[..pixels]);
        for (band, values) in values.chunks_exact_mut(BLOCK_PIXELS).enumerate() {
            let samples = &planes.plane(band)[start..][..pixels];
            for (value, sample) in values.iter_mut().zip(samples) {
                *value = sample.value();
            }
        }
        classes.fill(0);
        distances.fill(f64::INFINITY);
        for (class, center) in (0_u32..).zip(centers.iter()) {
            match *center {
                [a, b, c] => {
                    let (x, rest) = values.split_at(BLOCK_PIXELS);
                    let (y, z) = rest.split_at(BLOCK_PIXELS);
                    let (x, y, z) = (&x[..pixels], &y[..pixels], &z[..pixels]);
                    for i in 0..pixels {
                        let (d, e, f) = (x[i] - a, y[i] - b, z[i] - c);
                        keep_nearer(
                            d * d + e * e + f * f,
                            class,
                            &mut distances[i],
                            &mut classes[i],
                        );
                    }
                }
                [a] => {
                    let x = &values[..pixels];
                    for i in 0..pixels {
                        let d = (x[i] - a).abs();
                        keep_nearer(d, class, &mut distances[i], &mut classes[i]);
                    }
                }
                _ => {
                    for i in 0..pixels {
                        let mut square = 0.0;
                        for (band, c) in center.iter().enumerate() {
                            let d = values[band * BLOCK_PIXELS + i] - c;
                            square += d * d;
                        }
                        keep_nearer(square, class, &mut distances[i], &mut classes[i]);
                    }
                }
            }
        }
        if centers.bands() > 1 {
            for distance in distances {
                *distance = distance.sqrt();
            }
        }
    }
}

#[inline(always)]
fn keep_nearer(square: f64, class: u32, least: &mut f64, nearest: &mut u32) {
    let nearer = square < *least;
    *least = if nearer { square } else { *least };
    *nearest = if nearer { class } else { *nearest };
}

/// ER1 to ER3 of c-means.
pub(crate) fn hard<T: Sample>(
    planes: &Planes<T>,
    centers: &Centers,
    context: &Context,
) -> Result<(f64, ClassSums)> {
    let mut nearest = Nearest::new(centers);
    let mut sums = HardSums::<T>::new(centers);
    for start in (0..planes.pixels()).step_by(BLOCK_PIXELS) {
        if start.is_multiple_of(CHECK_PIXELS) {
            context.check()?;
        }
        let pixels = BLOCK_PIXELS.min(planes.pixels() - start);
        nearest.block(planes, start, pixels);
        sums.add(&nearest, planes, start, pixels);
    }
    Ok(sums.finish())
}

/// Tables of sums that take turns, so that equal neighbouring pixels do not wait for each other.
/// Fixed in the source, and with it the order of the additions.
const TABLES: usize = 4;

/// The sums of a tile for c-means.
struct HardSums<T: Sample> {
    bands: usize,
    distance: CompensatedSum,
    weighted: Vec<T::Total>,
    weight: Vec<u64>,
    /// Sums over one block: `TABLES` tables, class by class, band by band.
    partial: Vec<T::Partial>,
    /// Pixels in one block, likewise.
    counts: Vec<u32>,
}

impl<T: Sample> HardSums<T> {
    fn new(centers: &Centers) -> Self {
        let (values, classes) = (centers.values().len(), centers.classes());
        Self {
            bands: centers.bands(),
            distance: CompensatedSum::default(),
            weighted: vec![T::Total::default(); values],
            weight: vec![0; classes],
            partial: vec![T::Partial::default(); TABLES * values],
            counts: vec![0; TABLES * classes],
        }
    }

    fn add(&mut self, nearest: &Nearest<'_>, planes: &Planes<T>, start: usize, pixels: usize) {
        self.distance.add(total(&nearest.distances[..pixels]));
        let classes = nearest.classes(pixels);
        let count = self.weight.len();
        for (pixel, &class) in classes.iter().enumerate() {
            let row = (pixel % TABLES) * count + class as usize;
            self.counts[row] += 1;
            for band in 0..self.bands {
                self.partial[row * self.bands + band] +=
                    planes.plane(band)[start + pixel].partial();
            }
        }
        for &class in classes {
            for table in 0..TABLES {
                self.empty(table * count + class as usize, class as usize);
            }
        }
    }

    /// Moves the sums of a block to those of the tile.
    fn empty(&mut self, row: usize, class: usize) {
        if self.counts[row] == 0 {
            return;
        }
        self.weight[class] += u64::from(self.counts[row]);
        self.counts[row] = 0;
        for band in 0..self.bands {
            T::add(
                &mut self.weighted[class * self.bands + band],
                std::mem::take(&mut self.partial[row * self.bands + band]),
            );
        }
    }

    fn finish(self) -> (f64, ClassSums) {
        (
            self.distance.value(),
            T::class_sums(self.weighted, self.weight),
        )
    }
}
