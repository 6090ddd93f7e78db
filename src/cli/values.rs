//! How the values of options are written, and what is said when one is not.

use std::fmt;
use std::num::{NonZeroU32, NonZeroUsize};
use std::str::FromStr;
use std::time::Duration;

use msvpu::{Centers, FuzzyCMeans, LocalBuilder, MAX_CLASSES};

const MAX_WORKERS: usize = LocalBuilder::MAX_WORKERS;

/// The value of `--centers`: `1.2,2.5,3.8` for one band, `r,g,b;r,g,b` for several.
///
/// A trailing `;` is allowed, so that `r,g,b;` states a single center of three bands.
pub(crate) fn centers(text: &str) -> Result<Centers, String> {
    let values = |center: &str| center.split(',').map(finite).collect::<Result<Vec<_>, _>>();
    if text.contains(';') {
        let text = text.strip_suffix(';').unwrap_or(text);
        let centers = text.split(';').map(values).collect::<Result<_, _>>()?;
        Centers::new(centers).map_err(|error| format!("{error}; write r,g,b;r,g,b"))
    } else {
        Centers::gray(values(text)?).map_err(|error| error.to_string())
    }
}

fn finite(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(format!("`{}` is not a finite number", text.trim())),
        Err(_) => Err(format!(
            "`{}` is not a number; expected 1.2,2.5,3.8 for one band, r,g,b;r,g,b for several",
            text.trim()
        )),
    }
}

/// The value of `--classes`: 1 to [`MAX_CLASSES`].
pub(crate) fn classes(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(classes) if (1..=MAX_CLASSES).contains(&classes) => Ok(classes),
        _ => Err(format!("expected a number from 1 to {MAX_CLASSES}")),
    }
}

/// The value of `--workers`: 1 to [`MAX_WORKERS`].
pub(crate) fn workers(text: &str) -> Result<NonZeroUsize, String> {
    match text.parse::<NonZeroUsize>() {
        Ok(workers) if workers.get() <= MAX_WORKERS => Ok(workers),
        _ => Err(format!("expected a number from 1 to {MAX_WORKERS}")),
    }
}

/// The value of `--nodata`: a finite number.
pub(crate) fn nodata(text: &str) -> Result<f64, &'static str> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(value) if value.is_nan() => Err("NaN pixels count as nodata without being named"),
        _ => Err("expected a finite number"),
    }
}

/// The value of `--epsilon`: finite and above 0.
pub(crate) fn epsilon(text: &str) -> Result<f64, &'static str> {
    above(text, 0.0).ok_or("expected a finite number greater than 0")
}

/// The value of `--seed`.
pub(crate) fn seed(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("expected a whole number from 0 to {}", u64::MAX))
}

/// The value of `--max-iterations`.
pub(crate) fn max_iterations(text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|&count| count > 0)
        .ok_or_else(|| format!("expected a whole number from 1 to {}", u32::MAX))
}

/// The value of what is counted from 1, such as `--sampling` and `--rounds`.
pub(crate) fn from_one(text: &str) -> Result<NonZeroU32, String> {
    text.parse()
        .map_err(|_| format!("expected a whole number from 1 to {}", u32::MAX))
}

/// The value of `--retention-days`.
pub(crate) fn days(text: &str) -> Result<u32, String> {
    from_one(text).map(NonZeroU32::get)
}

/// The value of `--fuzzifier`: above 1, at most [`FuzzyCMeans::MAX_FUZZIFIER`].
pub(crate) fn fuzzifier(text: &str) -> Result<f64, String> {
    const MOST: f64 = FuzzyCMeans::MAX_FUZZIFIER;
    above(text, 1.0)
        .filter(|fuzzifier| *fuzzifier <= MOST)
        .ok_or_else(|| format!("expected a number greater than 1 and at most {MOST}, such as 2.0"))
}

fn above(text: &str, bound: f64) -> Option<f64> {
    text.parse()
        .ok()
        .filter(|value: &f64| value.is_finite() && *value > bound)
}

/// The value of `--limit`: virtual time, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seconds(pub(crate) Duration);

impl FromStr for Seconds {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const LONGEST: f64 = 1e9;
        above(text, 0.0)
            .filter(|seconds| *seconds <= LONGEST)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .filter(|duration| !duration.is_zero())
            .map(Self)
            .ok_or("expected a number of seconds above 0, at most 1e9, such as 3600 or 0.5")
    }
}

/// A number of bytes: `4GiB`, `512MiB`, `1.5GB`, `1000000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ByteSize(pub(crate) u64);

/// Name and bytes of each unit, the largest first.
const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("B", 1),
];

impl FromStr for ByteSize {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refusal = "expected a number of bytes from 1 on, such as 4GiB, 512MiB or 1000000";
        let digits = text
            .find(|character: char| character.is_ascii_alphabetic())
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let factor = match unit {
            "" => 1,
            _ => UNITS
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(unit))
                .map(|(_, factor)| *factor)
                .ok_or(refusal)?,
        };
        let number = number.trim();
        let bytes = match number.parse::<u64>() {
            Ok(whole) => whole.checked_mul(factor).ok_or(refusal)?,
            // A fraction; the cast saturates, and a limit past 2^53 bytes is none anyway.
            Err(_) => (number.parse::<f64>().map_err(|_| refusal)? * factor as f64) as u64,
        };
        if bytes == 0 {
            return Err(refusal);
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) = UNITS
            .iter()
            .find(|(_, factor)| self.0 >= *factor && self.0.is_multiple_of(*factor))
            .unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn centers_of_one_band_and_of_several() {
        let one = centers("1.2, -2.5,3e1").unwrap();
        assert_eq!((one.classes(), one.values()), (3, &[1.2, -2.5, 30.0][..]));
        let three = centers("-1,2,3;4,5,6").unwrap();
        assert_eq!((three.classes(), three.of(1)), (2, &[4.0, 5.0, 6.0][..]));
        let single = centers("1,2,3;").unwrap();
        assert_eq!((single.classes(), single.bands()), (1, 3));
    }

    #[test]
    fn wrong_centers_are_named() {
        for (wrong, why) in [
            ("", "`` is not a number"),
            ("1,,2", "`` is not a number"),
            ("1,2;;3,4", "`` is not a number"),
            (";", "`` is not a number"),
            ("1,nan", "`nan` is not a finite number"),
            ("inf,1", "`inf` is not a finite number"),
            ("1,2;3", "center 2 has 1 values, where center 1 has 2;"),
            ("1 2", "`1 2` is not a number"),
        ] {
            let said = centers(wrong).unwrap_err();
            assert!(said.starts_with(why), "{wrong}: {said}");
        }
    }

    #[test]
    fn bounds_are_open_and_finite() {
        assert_eq!(epsilon("1e-9"), Ok(1e-9));
        for wrong in ["0", "-1", "nan", "inf", "x", ""] {
            assert!(epsilon(wrong).is_err(), "{wrong}");
        }
        assert_eq!(fuzzifier("1.5"), Ok(1.5));
        assert_eq!(fuzzifier("20"), Ok(20.0));
        for wrong in ["1", "0.5", "nan", "inf", "20.001", "50"] {
            assert!(fuzzifier(wrong).is_err(), "{wrong}");
        }
        assert_eq!(nodata("-9999"), Ok(-9999.0));
        assert!(nodata("nan").is_err() && nodata("-inf").is_err());
    }

    #[test]
    fn sizes_are_read_and_written() {
        for (text, bytes) in [
            ("4GiB", 4 << 30),
            ("4 gib", 4 << 30),
            ("1.5kB", 1500),
            ("512MiB", 512 << 20),
            ("77", 77),
            ("77B", 77),
        ] {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
        }
        for wrong in ["", "0", "-1", "GiB", "4QiB", "4GiB4", "99999999TiB"] {
            assert!(wrong.parse::<ByteSize>().is_err(), "{wrong}");
        }
        assert_eq!(ByteSize(4 << 30).to_string(), "4GiB");
        assert_eq!(ByteSize(1001).to_string(), "1001B");
    }
}
