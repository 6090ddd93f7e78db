//! Numbers as people read them: in the summary table, on the page and on the axes of the chart.

use std::time::Duration;

/// A duration as the documents tell it.
#[must_use]
pub fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// A value with about five significant digits: `3.7982`, `16384`, `1.2346e-7`.
#[must_use]
pub fn short(value: f64) -> String {
    let magnitude = value.abs();
    if value == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e9).contains(&magnitude) {
        return trimmed(&format!("{value:.4e}"));
    }
    let before_point = magnitude.log10().floor() as i32 + 1;
    let decimals = usize::try_from(5 - before_point).unwrap_or(0);
    trimmed(&format!("{value:.decimals$}"))
}

/// One value a band, such as `112.4, 60.25, 9`.
#[must_use]
pub fn vector(values: &[f64]) -> String {
    let values: Vec<String> = values.iter().copied().map(short).collect();
    values.join(", ")
}

/// Without the zeros that end a fraction; an exponent stays.
fn trimmed(text: &str) -> String {
    let (number, exponent) = text.find('e').map_or((text, ""), |at| text.split_at(at));
    let number = if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.')
    } else {
        number
    };
    format!("{number}{exponent}")
}

/// A count with thin groups of three digits: `56 420 000`.
#[must_use]
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun, such as `1 band` or `3 bands`.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(count))
}

/// Round numbers in `low..=high`, about `count` of them, and the decimals they need.
#[must_use]
pub fn ticks(low: f64, high: f64, count: usize) -> (Vec<f64>, usize) {
    let step = nice_step((high - low) / count.max(1) as f64);
    let first = (low / step).ceil() as i64;
    let last = (high / step).floor() as i64;
    let decimals = usize::try_from(-step.log10().floor() as i64).unwrap_or(0);
    (
        (first..=last).map(|at| at as f64 * step).collect(),
        decimals,
    )
}

/// The smallest of 1, 2, 5, 10, 20, … (and 0.1, 0.2, …) that is not below `rough`.
#[must_use]
pub fn nice_step(rough: f64) -> f64 {
    let decade = 10_f64.powf(rough.log10().floor());
    let factor = match rough / decade {
        ratio if ratio <= 1.0 => 1.0,
        ratio if ratio <= 2.0 => 2.0,
        ratio if ratio <= 5.0 => 5.0,
        _ => 10.0,
    };
    factor * decade
}

/// 10 to the power of `exponent`, as text.
#[must_use]
pub fn power_of_ten(exponent: i32) -> String {
    match exponent {
        0 => "1".to_owned(),
        1 => "10".to_owned(),
        _ => {
            let digits = exponent.to_string();
            let superscript = digits.chars().map(|digit| match digit {
                '0' => '⁰',
                '1' => '¹',
                '2' => '²',
                '3' => '³',
                '4' => '⁴',
                '5' => '⁵',
                '6' => '⁶',
                '7' => '⁷',
                '8' => '⁸',
                '9' => '⁹',
                _ => '⁻',
            });
            ['1', '0'].into_iter().chain(superscript).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_digits_are_kept() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.2, "1.2"),
            (3.798_24, "3.7982"),
            (-12.345_678, "-12.346"),
            (65_535.0, "65535"),
            (123_456_789.0, "123456789"),
            (1.234_567e-7, "1.2346e-7"),
            (5e20, "5e20"),
            (0.000_1, "0.0001"),
        ] {
            assert_eq!(short(value), text);
        }
    }

    #[test]
    fn groups_of_three() {
        for (count, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1 000"),
            (56_420_000, "56 420 000"),
        ] {
            assert_eq!(grouped(count), text);
        }
        assert_eq!(counted(1, "band"), "1 band");
        assert_eq!(counted(1024, "tile"), "1 024 tiles");
    }

    #[test]
    fn ticks_are_round_and_inside() {
        let (found, decimals) = ticks(0.93, 4.1, 6);
        assert_eq!((found, decimals), (vec![1.0, 2.0, 3.0, 4.0], 0));
        let (found, decimals) = ticks(-0.031, 0.07, 5);
        assert_eq!(decimals, 2);
        assert!(found.len() >= 2 && found.iter().all(|at| (-0.031..=0.07).contains(at)));
    }

    #[test]
    fn powers_of_ten() {
        assert_eq!(power_of_ten(-12), "10⁻¹²");
        assert_eq!(power_of_ten(3), "10³");
    }
}
