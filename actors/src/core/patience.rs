//! How often what was not acknowledged is sent again.

/// Ticks between two repetitions, at the most: eight leases.
const LONGEST: u32 = 32;

/// Large messages take long to arrive, and longer when copies of them are before them in the queue.
/// So each repetition waits twice as long as the one before.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Patience {
    passed: u32,
    repeated: u32,
}

impl Patience {
    /// A tick has passed without an acknowledgement; tells whether to send again.
    pub(crate) fn tick(&mut self) -> bool {
        self.passed += 1;
        let interval = 1_u32.checked_shl(self.repeated).unwrap_or(LONGEST);
        let is_over = self.passed >= interval.min(LONGEST);
        if is_over {
            (self.passed, self.repeated) = (0, self.repeated + 1);
        }
        is_over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_repetition_waits_twice_as_long_as_the_one_before() {
        let mut patience = Patience::default();
        let repeated: Vec<u32> = (1..=130).filter(|_| patience.tick()).collect();
        assert_eq!(repeated, [1, 3, 7, 15, 31, 63, 95, 127]);
    }
}
