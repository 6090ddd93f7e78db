//! Which messages of a sender have come before.

use std::collections::BTreeMap;

/// So many gaps are remembered between the numbers that have come; the oldest is then closed. What still
/// comes for it counts as lost: it is taken for a repetition, and whoever misses it asks again.
const MAX_GAPS: usize = 4096;

/// The numbers that have come from one sender: all to `floor`, and those in `above`. What waits at the
/// sender behind much of another job may be overtaken by any number of others, so the memory goes by gaps,
/// and not by how far the numbers are apart.
#[derive(Debug, Default)]
pub(crate) struct Window {
    /// Numbers count from 1; to this one nothing is new.
    floor: u64,
    /// Runs of numbers without a gap, from the first to the last.
    above: BTreeMap<u64, u64>,
}

impl Window {
    /// Tells whether the number is new, and remembers it.
    pub(crate) fn take(&mut self, sequence: u64) -> bool {
        if self.floor.checked_add(1) == Some(sequence) && self.above.is_empty() {
            // The next in order, as nearly all are.
            self.floor = sequence;
            return true;
        }
        let before = self.above.range(..=sequence).next_back();
        let before = before.map(|(first, last)| (*first, *last));
        if sequence <= self.floor || before.is_some_and(|(_, last)| last >= sequence) {
            return false;
        }
        let first = match before {
            Some((first, last)) if last + 1 == sequence => first,
            _ => sequence,
        };
        let after = sequence.checked_add(1);
        let last = after.and_then(|after| self.above.remove(&after));
        self.above.insert(first, last.unwrap_or(sequence));
        if self.above.len() > MAX_GAPS || self.floor.checked_add(1) == Some(first) {
            self.raise_floor();
        }
        true
    }

    /// To the end of the lowest run.
    fn raise_floor(&mut self) {
        if let Some((_, last)) = self.above.pop_first() {
            self.floor = last;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn memory_is_bounded_when_messages_are_lost() {
        let mut window = Window::default();
        for sequence in (0..100_000).map(|i| 2 * i + 1) {
            assert!(window.take(sequence));
            assert!(window.above.len() <= MAX_GAPS);
        }
        assert!(!window.take(2), "too late: taken for a repetition");
    }

    #[test]
    fn one_may_be_overtaken_by_any_number_without_a_gap() {
        let mut window = Window::default();
        assert!((2..1_000_000).all(|sequence| window.take(sequence)));
        assert_eq!(window.above.len(), 1);
        assert!(window.take(u64::MAX));
        assert!(!window.take(u64::MAX));
        assert!(window.take(1));
        assert_eq!((window.floor, window.above.len()), (999_999, 1));
        assert!(!window.take(1));
    }

    proptest! {
        #[test]
        fn each_number_is_new_once(numbers in prop::collection::vec(1_u64..200, 0..400)) {
            let (mut window, mut seen) = (Window::default(), HashSet::new());
            for number in numbers {
                prop_assert_eq!(window.take(number), seen.insert(number));
            }
        }
    }
}
