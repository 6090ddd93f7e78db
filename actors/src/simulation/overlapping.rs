//! Faults that are there at the same time.

/// Faults of one kind at one place, by their numbers. The one that began last counts; when it is
/// over, the one before.
#[derive(Clone, Debug)]
pub(crate) struct Overlapping<T>(Vec<(usize, T)>);

impl<T> Default for Overlapping<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Copy> Overlapping<T> {
    pub(crate) fn begin(&mut self, fault: usize, what: T) {
        self.0.push((fault, what));
    }

    pub(crate) fn end(&mut self, fault: usize) {
        self.0.retain(|(other, _)| *other != fault);
    }

    /// What counts now; nothing without a fault.
    pub(crate) fn now(&self) -> Option<T> {
        self.0.last().map(|(_, what)| *what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_that_ends_ends_no_other() {
        let mut speeds = Overlapping::default();
        assert_eq!(speeds.now(), None);
        speeds.begin(1, 'a');
        speeds.begin(2, 'b');
        assert_eq!(speeds.now(), Some('b'));
        speeds.end(1);
        assert_eq!(speeds.now(), Some('b'));
        speeds.begin(3, 'c');
        speeds.end(3);
        assert_eq!(speeds.now(), Some('b'));
        speeds.end(2);
        assert_eq!(speeds.now(), None);
    }
}
