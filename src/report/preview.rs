//! The scene and its labels, small enough for a screen.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::raster::{LabelImage, WriteError, WriteProblem, write_color_png, write_labels_png};
use crate::scene::{SampleType, Scene, Shape};
use crate::services::classification::LabelMap;
use crate::services::sample::Sample;

/// The longest side of a preview, in pixels.
pub const MAX_PREVIEW_SIDE: u32 = 1600;

/// A palette has so many colours beside that of no data.
const COLORS: u16 = 255;

/// Of the values of a band, so large a part is darker than black, and as large a part brighter than white.
const CLIPPED: f64 = 0.02;

/// A scene for the eye: one gray band, or three as red, green and blue; each pixel is the mean of those of
/// the scene that it stands for, as far as they have data. Each band is stretched so that its middle 96 % of
/// values take all shades; what has no data is transparent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    width: u32,
    height: u32,
    /// Row by row; gray or colour, and alpha where anything is transparent.
    samples: Vec<u8>,
}

/// The means of which a preview is made.
#[derive(Clone, Debug)]
struct Means {
    width: u32,
    height: u32,
    bands: usize,
    /// Row by row, the bands of a pixel together; NaN where there is no data.
    values: Vec<f64>,
}

/// Columns and rows of the preview of a scene of this shape.
fn size(width: u32, height: u32) -> (u32, u32) {
    let longest = width.max(height);
    if longest <= MAX_PREVIEW_SIDE {
        return (width, height);
    }
    let scaled = |side: u32| {
        let side = u64::from(side) * u64::from(MAX_PREVIEW_SIDE) + u64::from(longest) / 2;
        // Not above the longest, which becomes MAX_PREVIEW_SIDE.
        ((side / u64::from(longest)) as u32).max(1)
    };
    (scaled(width), scaled(height))
}

/// Where part `at` of `parts` of a side begins.
const fn start(side: u32, at: u32, parts: u32) -> usize {
    (side as u64 * at as u64 / parts as u64) as usize
}

impl Preview {
    /// The preview of a scene: its first three bands, or of fewer the first. A pixel has no data when every band is
    /// `nodata`, or one is not finite. `None` when `stop` was set meanwhile.
    #[must_use]
    pub fn new(scene: &Scene, nodata: Option<f64>, stop: &AtomicBool) -> Option<Self> {
        Means::new(scene, nodata, stop).map(|means| means.stretched())
    }

    /// Writes it as a PNG of 8 bits.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), WriteError> {
        write_color_png(path, self.width, self.height, &self.samples)
    }
}

impl Means {
    fn new(scene: &Scene, nodata: Option<f64>, stop: &AtomicBool) -> Option<Self> {
        match scene.shape().sample {
            SampleType::U8 => Self::of::<u8>(scene, nodata, stop),
            SampleType::U16 => Self::of::<u16>(scene, nodata, stop),
            SampleType::F32 => Self::of::<f32>(scene, nodata, stop),
            SampleType::F64 => Self::of::<f64>(scene, nodata, stop),
        }
    }

    fn of<T: Sample + Sync>(scene: &Scene, nodata: Option<f64>, stop: &AtomicBool) -> Option<Self> {
        let shape = scene.shape();
        let (width, height) = size(shape.width, shape.height);
        let bands = if shape.bands < 3 { 1 } else { 3 };
        let nodata = nodata.and_then(T::rounded);
        let row_values = width as usize * bands;
        let mut values = vec![f64::NAN; row_values * height as usize];
        values
            .par_chunks_mut(row_values)
            .zip(0..height)
            .try_for_each(|(row, y)| {
                if stop.load(Ordering::Relaxed) {
                    return None;
                }
                let from = start(shape.height, y, height)..start(shape.height, y + 1, height);
                average::<T>(scene.samples(), shape, from, bands, nodata, row);
                Some(())
            })?;
        Some(Self {
            width,
            height,
            bands,
            values,
        })
    }

    fn stretched(&self) -> Preview {
        let ranges: Vec<(f64, f64)> = (0..self.bands).map(|band| self.range(band)).collect();
        let has_gaps = self.values.iter().any(|value| value.is_nan());
        let channels = self.bands + usize::from(has_gaps);
        let mut samples = Vec::with_capacity(self.values.len() / self.bands * channels);
        for pixel in self.values.chunks_exact(self.bands) {
            samples.extend(
                pixel
                    .iter()
                    .zip(&ranges)
                    .map(|(v, range)| shade(*v, *range)),
            );
            if has_gaps {
                samples.push(if pixel[0].is_nan() { 0 } else { u8::MAX });
            }
        }
        Preview {
            width: self.width,
            height: self.height,
            samples,
        }
    }

    /// The values that become black and white.
    fn range(&self, band: usize) -> (f64, f64) {
        let of_band = self.values.iter().skip(band).step_by(self.bands);
        let mut values: Vec<f64> = of_band.copied().filter(|value| !value.is_nan()).collect();
        let Some(last) = values.len().checked_sub(1) else {
            return (0.0, 0.0);
        };
        let mut at = |part: f64| {
            let place = (last as f64 * part).round() as usize;
            *values.select_nth_unstable_by(place, f64::total_cmp).1
        };
        let (low, high) = (at(CLIPPED), at(1.0 - CLIPPED));
        if low < high {
            return (low, high);
        }
        // Of nearly all values alike, the others are to be seen.
        (at(0.0), at(1.0))
    }
}

/// Adds up the pixels of some rows into those of one row of the preview.
fn average<T: Sample>(
    samples: &[u8],
    shape: Shape,
    rows: std::ops::Range<usize>,
    bands: usize,
    nodata: Option<T>,
    into: &mut [f64],
) {
    let width = (into.len() / bands) as u32;
    let row_bytes = shape.width as usize * shape.pixel_bytes();
    let mut counts = vec![0_u32; width as usize];
    into.fill(0.0);
    for row in samples[rows.start * row_bytes..rows.end * row_bytes].chunks_exact(row_bytes) {
        for x in 0..width {
            let from = start(shape.width, x, width)..start(shape.width, x + 1, width);
            let sums = &mut into[x as usize * bands..][..bands];
            let pixels = &row[from.start * shape.pixel_bytes()..from.end * shape.pixel_bytes()];
            for pixel in pixels.chunks_exact(shape.pixel_bytes()) {
                if has_data::<T>(pixel, nodata) {
                    counts[x as usize] += 1;
                    for (sum, sample) in sums.iter_mut().zip(pixel.chunks_exact(T::BYTES)) {
                        *sum += T::read(sample).value();
                    }
                }
            }
        }
    }
    for (pixel, count) in into.chunks_exact_mut(bands).zip(counts) {
        for sum in pixel {
            // 0 / 0 is NaN: no data.
            *sum /= f64::from(count);
        }
    }
}

fn has_data<T: Sample>(pixel: &[u8], nodata: Option<T>) -> bool {
    let mut samples = pixel.chunks_exact(T::BYTES).map(T::read);
    let is_finite = T::IS_INTEGER || samples.clone().all(|sample| sample.value().is_finite());
    is_finite && nodata.is_none_or(|nodata| samples.any(|sample| sample != nodata))
}

fn shade(value: f64, (low, high): (f64, f64)) -> u8 {
    if low < high {
        // The cast saturates, and makes NaN 0.
        ((value - low) / (high - low) * 255.0).round() as u8
    } else {
        128
    }
}

/// Writes the labels as small as the [`Preview`] of their scene: each pixel is one of those that it stands for. Of more
/// classes than a palette has colours, every 255th has the same.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write_labels_preview(
    path: &Path,
    labels: &LabelMap,
    classes: u16,
    stop: &AtomicBool,
) -> Result<(), WriteError> {
    let (width, height) = size(labels.width, labels.height);
    let middle = |side: u32, at: u32, parts: u32| {
        (u64::from(side) * (2 * u64::from(at) + 1) / (2 * u64::from(parts))) as usize
    };
    let mut small = Vec::with_capacity(width as usize * height as usize);
    for y in 0..height {
        let row = middle(labels.height, y, height) * labels.width as usize;
        small.extend((0..width).map(|x| {
            let at = (row + middle(labels.width, x, width)) * labels.label_bytes;
            let label = &labels.bytes[at..at + labels.label_bytes];
            let label = label
                .iter()
                .rev()
                .fold(0, |high, low| high << 8 | u16::from(*low));
            color_of(label)
        }));
    }
    let image = LabelImage::new(width, height, classes.min(COLORS), &small);
    let image = image.map_err(|problem: WriteProblem| WriteError {
        path: path.to_owned(),
        problem,
    })?;
    write_labels_png(path, &image.stopped_by(stop))
}

/// Which colour of a palette a label has.
pub(crate) const fn color_of(label: u16) -> u8 {
    match label.checked_sub(1) {
        None => 0,
        Some(class) => (class % COLORS) as u8 + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gray(width: u32, height: u32, samples: Vec<u8>) -> Scene {
        let shape = Shape {
            width,
            height,
            bands: 1,
            sample: SampleType::U8,
        };
        Scene::new(shape, samples).unwrap()
    }

    fn preview(scene: &Scene, nodata: Option<f64>) -> Means {
        Means::new(scene, nodata, &AtomicBool::new(false)).unwrap()
    }

    #[test]
    fn the_longer_side_is_bounded_and_the_shape_kept() {
        assert_eq!(size(61, 47), (61, 47));
        assert_eq!(size(1600, 1), (1600, 1));
        assert_eq!(size(7750, 7280), (1600, 1503));
        assert_eq!(size(3, 4_000_000), (1, 1600));
        assert_eq!(size(u32::MAX, u32::MAX), (1600, 1600));
    }

    #[test]
    fn pixels_are_means_of_those_with_data() {
        // Two columns become one.
        let width = 2 * MAX_PREVIEW_SIDE;
        let mut samples: Vec<u8> = (0..width).map(|x| (x % 2 * 10) as u8).collect();
        samples[..4].copy_from_slice(&[255, 7, 255, 255]);
        let small = preview(&gray(width, 1, samples), Some(255.0));
        assert_eq!((small.width, small.height), (MAX_PREVIEW_SIDE, 1));
        assert_eq!(small.values[0], 7.0);
        assert!(small.values[1].is_nan());
        assert!(small.values[2..].iter().all(|value| *value == 5.0));
        // One value is nearly everywhere: the least is black, the greatest white; no data is transparent.
        let shown = small.stretched();
        assert_eq!(shown.samples[..6], [255, 255, 0, 0, 0, 255]);
    }

    #[test]
    fn a_few_far_values_do_not_darken_the_rest() {
        let samples: Vec<u8> = (0..200)
            .map(|at| if at == 0 { 255 } else { at / 4 })
            .collect();
        let (low, high) = preview(&gray(200, 1, samples), None).range(0);
        assert!((0.0..=2.0).contains(&low) && (47.0..=50.0).contains(&high));
        assert_eq!(
            (shade(low, (low, high)), shade(high, (low, high))),
            (0, 255)
        );
        assert_eq!(shade(255.0, (low, high)), 255);
        // All alike, or all but one.
        assert_eq!(preview(&gray(9, 1, vec![3; 9]), None).range(0), (3.0, 3.0));
        let mut one = vec![3; 900];
        one[5] = 200;
        assert_eq!(preview(&gray(900, 1, one), None).range(0), (3.0, 200.0));
        let nothing = preview(&gray(4, 1, vec![3; 4]), Some(3.0));
        assert_eq!(nothing.range(0), (0.0, 0.0));
    }

    #[test]
    fn a_preview_can_be_stopped() {
        let stop = AtomicBool::new(true);
        assert_eq!(Preview::new(&gray(4, 1, vec![3; 4]), None, &stop), None);
    }

    #[test]
    fn labels_beyond_the_palette_have_a_colour() {
        assert_eq!(
            [0, 1, 255, 256, 510, 65535].map(color_of),
            [0, 1, 255, 1, 255, 255]
        );
    }
}
