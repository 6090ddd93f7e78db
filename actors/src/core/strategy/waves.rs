//! Whole MsVPUs on whole CPUs: the assignment that is done first.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// How long a node takes for how many MsVPUs of one team, in seconds or any other unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Machine {
    /// What passes before and after the waves.
    pub(super) start: f64,
    /// As many MsVPUs as there are CPUs take so long; not negative.
    pub(super) wave: f64,
    /// Work of others; runs turn by turn with that of the team, as long as it lasts.
    pub(super) others: f64,
    /// At least 1.
    pub(super) cpus: u32,
    /// MsVPUs of the team that are there.
    pub(super) already: u32,
}

impl Machine {
    /// When it is done with `count` MsVPUs.
    pub(super) fn time(&self, count: u32) -> f64 {
        let own = self.waves(count) * self.wave;
        self.start + own + own.min(self.others)
    }

    fn waves(&self, count: u32) -> f64 {
        f64::from(count.div_ceil(self.cpus))
    }

    /// How many further MsVPUs are done by `level`.
    fn room(&self, level: f64) -> u64 {
        // Some wave, so that there is always an answer; casts bound what is too large.
        let wave = self.wave.max(f64::MIN_POSITIVE);
        let after = level - self.start;
        let waves = (after / 2.0).max(after - self.others) / wave;
        let count = (waves as u32).saturating_mul(self.cpus);
        u64::from(count.saturating_sub(self.already))
    }
}

/// The next MsVPU on a machine: when it is done, and how many waves there are then.
struct Next {
    done: f64,
    waves: f64,
    machine: usize,
}

impl Next {
    fn on(machines: &[Machine], machine: usize, given: u32) -> Self {
        let of = &machines[machine];
        let count = of.already.saturating_add(given).saturating_add(1);
        Self {
            done: of.time(count),
            waves: of.waves(count),
            machine,
        }
    }
}

impl Ord for Next {
    fn cmp(&self, other: &Self) -> Ordering {
        self.done
            .total_cmp(&other.done)
            .then(self.waves.total_cmp(&other.waves))
            .then(self.machine.cmp(&other.machine))
    }
}

impl PartialOrd for Next {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Next {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Next {}

/// Gives `count` further MsVPUs to the machines so that the last is done as early as can be;
/// returns how many each gets. Their sum is `count`, unless there are no machines.
///
/// One after the other, each goes where it is done first: for equal pieces no assignment is done
/// earlier, because one that is would leave a place earlier than the last free. All but the last
/// few are given at once, up to the level that bisection finds.
pub(super) fn fill(machines: &[Machine], count: u32) -> Vec<u32> {
    let room = |level: f64| {
        machines
            .iter()
            .map(|machine| machine.room(level))
            .fold(0, u64::saturating_add)
    };
    let mut low = machines
        .iter()
        .map(|of| of.start)
        .fold(f64::INFINITY, f64::min);
    // One machine alone could do it by then.
    let alone = |of: &Machine| of.time(of.already.saturating_add(count));
    let mut high = machines.iter().map(alone).fold(f64::INFINITY, f64::min);
    for _ in 0..64 {
        let middle = f64::midpoint(low, high);
        if room(middle) <= u64::from(count) {
            low = middle;
        } else {
            high = middle;
        }
    }
    // No room is more than the sum, and the sum is at most `count`.
    let mut given: Vec<u32> = machines.iter().map(|of| of.room(low) as u32).collect();
    let mut left = count - given.iter().sum::<u32>();
    let mut next: BinaryHeap<_> = (0..machines.len())
        .map(|i| Reverse(Next::on(machines, i, given[i])))
        .collect();
    while left > 0
        && let Some(mut first) = next.peek_mut()
    {
        let i = first.0.machine;
        // A wave that has begun is filled at no cost.
        let cpus = machines[i].cpus;
        let open = cpus - (machines[i].already.saturating_add(given[i])) % cpus;
        let piece = open.min(left);
        given[i] += piece;
        left -= piece;
        first.0 = Next::on(machines, i, given[i]);
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn machine(start: f64, wave: f64, cpus: u32) -> Machine {
        Machine {
            start,
            wave,
            others: 0.0,
            cpus,
            already: 0,
        }
    }

    #[test]
    fn waves_are_filled() {
        // 1 CPU of 1 s and 4 of 2 s, 9 MsVPUs: by 3 s there are 3 and 4, the other 2 by 4 s.
        let machines = [machine(0.0, 1.0, 1), machine(0.0, 2.0, 4)];
        assert_eq!(fill(&machines, 9), [3, 6]);
        // The second has 3 already: its wave has one free place.
        let begun = Machine {
            already: 3,
            ..machines[1]
        };
        assert_eq!(fill(&[machines[0], begun], 2), [1, 1]);
        // Work of others: own 2, others 2, then nobody waits any more.
        let shared = Machine {
            others: 2.0,
            ..machine(1.0, 1.0, 1)
        };
        assert_eq!([1, 2, 3].map(|count| shared.time(count)), [3.0, 5.0, 6.0]);
        // No piece takes any time: evenly.
        assert_eq!(
            fill(&[machine(0.0, 0.0, 1), machine(0.0, 0.0, 1)], 5),
            [3, 2]
        );
        assert!(fill(&[], 5).is_empty());
    }

    fn machines() -> impl Strategy<Value = Vec<Machine>> {
        let one = (
            -1.0_f64..5.0,
            0.01_f64..3.0,
            0.0_f64..20.0,
            1_u32..9,
            0_u32..50,
        );
        let one = one.prop_map(|(start, wave, others, cpus, already)| Machine {
            start,
            wave,
            others,
            cpus,
            already,
        });
        prop::collection::vec(one, 1..12)
    }

    proptest! {
        #[test]
        fn no_assignment_is_done_earlier(machines in machines(), count in 1_u32..3000) {
            let given = fill(&machines, count);
            prop_assert_eq!(given.iter().sum::<u32>(), count);
            let with = machines.iter().zip(&given).filter(|(_, given)| **given > 0);
            let last = with.map(|(of, given)| of.time(of.already + given)).fold(f64::MIN, f64::max);
            // Before that time there are not enough places.
            let places = |of: &Machine| (1..=count).take_while(|n| of.time(of.already + n) < last - 1e-9).count();
            prop_assert!(machines.iter().map(places).sum::<usize>() < count as usize);
        }
    }
}
