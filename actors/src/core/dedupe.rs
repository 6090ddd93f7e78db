//! Which messages of a sender have come before.

use std::collections::BTreeSet;

/// How far back a message may be overtaken. One that is overtaken by more counts as lost: it is
/// taken for a repetition, and whoever misses it asks again.
const REACH: u64 = 4096;

/// The numbers that have come from one sender: all below `floor`, and those in `above`.
#[derive(Debug, Default)]
pub(crate) struct Window {
    /// Numbers count from 1; this is the highest below which nothing is new.
    floor: u64,
    above: BTreeSet<u64>,
}

impl Window {
    /// Tells whether the number is new, and remembers it.
    pub(crate) fn take(&mut self, sequence: u64) -> bool {
        if self.floor.checked_add(1) == Some(sequence) && self.above.is_empty() {
            // The next in order, as nearly all are.
            self.floor = sequence;
            return true;
        }
        if sequence <= self.floor || !self.above.insert(sequence) {
            return false;
        }
        let highest = self.above.last().copied().unwrap_or_default();
        if let Some(floor) = highest.checked_sub(REACH)
            && floor > self.floor
        {
            self.floor = floor;
            self.above = self.above.split_off(&(floor + 1));
        }
        while self.above.first() == Some(&(self.floor + 1)) {
            self.above.pop_first();
            self.floor += 1;
        }
        true
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
            assert!(window.above.len() <= REACH as usize);
        }
        assert!(!window.take(2), "too late: taken for a repetition");
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
