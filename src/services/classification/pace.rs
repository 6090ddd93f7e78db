//! When a long step looks whether its job was cancelled.

use msvpu_actors::{Cancellation, Result};

/// Work between two looks: pixels × classes × bands. The dearest, a power for a membership, takes
/// about 100 ns of a CPU: a tenth of a second.
const WORK: usize = 1 << 20;

/// Looks at the cancellation once in a while, which is counted in work and not in pixels: a pixel
/// may have one class to be compared with or 65,535.
pub(crate) struct Pace<'a> {
    cancellation: &'a Cancellation,
    left: usize,
}

impl<'a> Pace<'a> {
    pub(crate) const fn new(cancellation: &'a Cancellation) -> Self {
        Self {
            cancellation,
            left: 0,
        }
    }

    /// To be called before so much work. Looks at the first call, and then once in [`WORK`].
    pub(crate) fn before(&mut self, work: usize) -> Result<()> {
        if self.left == 0 {
            self.cancellation.check()?;
            self.left = WORK;
        }
        self.left = self.left.saturating_sub(work);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use msvpu_actors::ProgramError;

    use super::*;

    #[test]
    fn a_look_comes_with_the_first_work_and_once_in_so_much() {
        for work in [1, 3, WORK / 2, WORK, WORK + 1, usize::MAX] {
            let cancellation = Cancellation::default();
            let mut pace = Pace::new(&cancellation);
            assert_eq!(pace.before(work), Ok(()));
            cancellation.cancel();
            let done = std::iter::repeat_with(|| pace.before(work)).take_while(Result::is_ok);
            assert_eq!(done.count(), WORK.div_ceil(work) - 1, "{work} at a time");
            let mut pace = Pace::new(&cancellation);
            assert_eq!(pace.before(work), Err(ProgramError::Cancelled));
        }
    }
}
