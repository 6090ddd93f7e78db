//! Pictures from and to the arrays that numerical Rust works with.

use ndarray::{Array2, ArrayView3};

use crate::scene::{SampleType, Scene, SceneError, Shape};
use crate::services::classification::LabelMap;

mod sealed {
    pub trait Sealed {}
}

/// A number that a [`Scene`] can hold: `u8`, `u16`, `f32` or `f64`.
pub trait Sample: Copy + sealed::Sealed {
    /// How it is stored.
    const TYPE: SampleType;
    /// Its bytes, the least significant first.
    fn to_le_bytes(self) -> impl AsRef<[u8]>;
}

macro_rules! samples {
    ($($number:ty => $variant:ident),*) => {$(
        impl sealed::Sealed for $number {}

        impl Sample for $number {
            const TYPE: SampleType = SampleType::$variant;

            fn to_le_bytes(self) -> impl AsRef<[u8]> {
                self.to_le_bytes()
            }
        }
    )*};
}

samples!(u8 => U8, u16 => U16, f32 => F32, f64 => F64);

impl Scene {
    /// Copies an array of rows × columns × bands.
    ///
    /// ```
    /// use msvpu::Scene;
    /// use ndarray::Array3;
    ///
    /// let rgb = Array3::<u8>::zeros((2, 5, 3));
    /// let shape = Scene::from_array(rgb.view())?.shape();
    /// assert_eq!((shape.height, shape.width, shape.bands), (2, 5, 3));
    /// # Ok::<(), msvpu::SceneError>(())
    /// ```
    ///
    /// # Errors
    /// When there is no pixel, or a side does not fit.
    pub fn from_array<T: Sample>(samples: ArrayView3<'_, T>) -> Result<Self, SceneError> {
        let (rows, columns, bands) = samples.dim();
        let too_large = || SceneError::TooLarge {
            rows,
            columns,
            bands,
        };
        let shape = Shape {
            width: u32::try_from(columns).map_err(|_| too_large())?,
            height: u32::try_from(rows).map_err(|_| too_large())?,
            bands: u16::try_from(bands).map_err(|_| too_large())?,
            sample: T::TYPE,
        };
        let mut bytes = Vec::with_capacity(samples.len() * T::TYPE.size_bytes());
        for sample in samples {
            bytes.extend_from_slice(sample.to_le_bytes().as_ref());
        }
        Self::new(shape, bytes)
    }
}

impl LabelMap {
    /// The labels as an array of rows × columns.
    #[must_use]
    pub fn to_array(&self) -> Array2<u16> {
        let mut labels = self.iter();
        // One label a pixel: there is always a next one.
        Array2::from_shape_simple_fn((self.height as usize, self.width as usize), || {
            labels.next().unwrap_or_default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array3, arr2};

    #[test]
    fn samples_lie_row_by_row_with_the_bands_together() {
        let array =
            Array3::from_shape_fn((2, 3, 2), |(y, x, band)| (100 * y + 10 * x + band) as u16);
        let scene = Scene::from_array(array.view()).unwrap();
        let expected: Vec<u8> = [0_u16, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121]
            .iter()
            .flat_map(|sample| sample.to_le_bytes())
            .collect();
        assert_eq!(scene.samples()[..], expected);
        // The order in memory does not matter, only the axes do.
        let turned = array.permuted_axes([1, 0, 2]);
        let scene = Scene::from_array(turned.view()).unwrap();
        assert_eq!((scene.shape().width, scene.shape().height), (2, 3));
        assert_eq!(scene.samples()[4..6], 100_u16.to_le_bytes());
    }

    #[test]
    fn labels_come_out_in_rows() {
        let labels = LabelMap {
            width: 3,
            height: 2,
            label_bytes: 1,
            bytes: vec![1, 2, 3, 0, 1, 2].into(),
        };
        assert_eq!(labels.to_array(), arr2(&[[1, 2, 3], [0, 1, 2]]));
        assert!(Scene::from_array(Array3::<u8>::zeros((0, 4, 1)).view()).is_err());
    }
}
