//! How long to wait before the next attempt.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
/// A node is to be back within seconds of the broker.
const LONGEST: Duration = Duration::from_secs(1);

/// Before the attempt after so many failed ones: doubled each time, and spread over its upper half
/// by `chance`, in [0, 1), so that many nodes do not come back at the same instant.
pub(crate) fn delay(failures: u32, chance: f64) -> Duration {
    let doubled = FIRST.saturating_mul(1 << failures.min(8));
    doubled
        .min(LONGEST)
        .mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_to_a_bound_and_is_spread() {
        let longest = |failures| delay(failures, 1.0).as_millis();
        assert_eq!(
            [0, 1, 2, 3, 4, 5].map(longest),
            [100, 200, 400, 800, 1000, 1000]
        );
        assert_eq!(longest(u32::MAX), 1000);
        assert_eq!(delay(9, 0.0).as_millis(), 500);
    }
}
