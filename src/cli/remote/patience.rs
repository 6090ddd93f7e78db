//! How long a server that is away is waited for.

use std::time::Duration;

/// The first wait, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));
/// All waits in a row together.
const IN_ALL: Duration = Duration::from_secs(300);

/// Waits that grow, until they are enough.
#[derive(Debug)]
pub(super) struct Patience {
    next: Duration,
    waited: Duration,
}

impl Patience {
    pub(super) const fn new() -> Self {
        Self {
            next: WAITS.0,
            waited: Duration::ZERO,
        }
    }

    /// How long to wait before it is tried again; `None` when that was long enough.
    pub(super) fn next(&mut self) -> Option<Duration> {
        if self.waited >= IN_ALL {
            return None;
        }
        let wait = self.next;
        self.waited += wait;
        self.next = (wait * 2).min(WAITS.1);
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lasts_for_a_restart_and_not_for_ever() {
        let mut patience = Patience::new();
        let waits: Vec<Duration> = std::iter::from_fn(|| patience.next()).collect();
        assert_eq!(waits[0], Duration::from_millis(500));
        assert!(waits.is_sorted() && waits.last() == Some(&Duration::from_secs(15)));
        let all: Duration = waits.iter().sum();
        assert!((300..330).contains(&all.as_secs()), "{all:?}");
    }
}
