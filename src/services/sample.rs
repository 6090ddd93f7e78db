//! The numbers that a scene holds, as the kernels take them.

/// A type of stored samples.
pub(crate) trait Sample: Copy + Default + PartialEq + Send + 'static {
    /// The size of one sample in bytes.
    const BYTES: usize;
    /// Whether the values are integers, which are all finite and whose sums are exact.
    const IS_INTEGER: bool;
    /// The greatest value of an integer type; floating-point ones have none worth the name.
    const LARGEST: Option<f64>;
    /// Reads one little-endian sample of [`BYTES`](Self::BYTES) bytes.
    fn read(bytes: &[u8]) -> Self;
    /// The value, without rounding.
    fn value(self) -> f64;
    /// The value, rounded where `f32` is narrower.
    fn single(self) -> f32;
    /// The value as an integer; 0 for the types that hold others.
    fn to_integer(self) -> u64;
    /// The sample that equals `value` after rounding to this type, if there is one.
    fn rounded(value: f64) -> Option<Self>;
}

macro_rules! integer_sample {
    ($type:ty) => {
        impl Sample for $type {
            const BYTES: usize = size_of::<$type>();
            const IS_INTEGER: bool = true;
            const LARGEST: Option<f64> = Some(<$type>::MAX as f64);

            #[inline(always)]
            fn read(bytes: &[u8]) -> Self {
                bytes
                    .as_array()
                    .map_or(0, |bytes| Self::from_le_bytes(*bytes))
            }

            #[inline(always)]
            fn value(self) -> f64 {
                f64::from(self)
            }

            #[inline(always)]
            fn single(self) -> f32 {
                f32::from(self)
            }

            #[inline(always)]
            fn to_integer(self) -> u64 {
                u64::from(self)
            }

            fn rounded(value: f64) -> Option<Self> {
                let rounded = value as Self;
                (f64::from(rounded) == value).then_some(rounded)
            }
        }
    };
}

macro_rules! float_sample {
    ($type:ty) => {
        impl Sample for $type {
            const BYTES: usize = size_of::<$type>();
            const IS_INTEGER: bool = false;
            const LARGEST: Option<f64> = None;

            #[inline(always)]
            fn read(bytes: &[u8]) -> Self {
                bytes
                    .as_array()
                    .map_or(0.0, |bytes| Self::from_le_bytes(*bytes))
            }

            #[inline(always)]
            fn value(self) -> f64 {
                f64::from(self)
            }

            #[inline(always)]
            fn single(self) -> f32 {
                self as f32
            }

            #[inline(always)]
            fn to_integer(self) -> u64 {
                0
            }

            fn rounded(value: f64) -> Option<Self> {
                Some(value as Self)
            }
        }
    };
}

integer_sample!(u8);
integer_sample!(u16);
float_sample!(f32);
float_sample!(f64);
