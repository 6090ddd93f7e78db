//! Shares of a divisible load, where some nodes have something to do already.

/// What one node takes of the load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Part {
    /// Its share is in proportion; more than 0.
    pub(super) rate: f64,
    /// Work of others, in MsVPUs of this team.
    pub(super) others: f64,
    /// MsVPUs of this team that are there.
    pub(super) already: f64,
}

impl Part {
    /// How many MsVPUs of this team the node completes by `level`: with others waiting too, half of
    /// `rate · level`, as a fair queue shares the CPUs; when their work is done, all the rest.
    fn completed(&self, level: f64) -> f64 {
        let all = self.rate * level;
        (all / 2.0).max(all - self.others)
    }

    /// From these levels on the further load grows by the slope given, and is
    /// `slope · level − offset`.
    fn pieces(&self) -> impl Iterator<Item = (f64, f64, f64)> {
        let Self {
            rate,
            others,
            already,
        } = *self;
        let halved = (2.0 * already / rate, rate / 2.0, already);
        let alone = (
            (already + others).max(2.0 * others) / rate,
            rate,
            already + others,
        );
        [(already < others).then_some(halved), Some(alone)]
            .into_iter()
            .flatten()
    }
}

/// Divides `count` further MsVPUs so that all nodes that get some are done at the same level, and
/// those that get none are not done before it.
///
/// Where nothing is there already, these are the shares of eq. 8, with `rate` for the performance
/// index. The level is found exactly: the sum is piecewise linear in it.
pub(super) fn divide(parts: &[Part], count: f64) -> Vec<f64> {
    let mut pieces: Vec<_> = (0..)
        .zip(parts)
        .flat_map(|(i, part)| part.pieces().map(move |piece| (i, piece)))
        .collect();
    pieces.sort_by(|(_, a), (_, b)| a.0.total_cmp(&b.0));
    let mut current = vec![(0.0, 0.0); parts.len()];
    let (mut slope, mut offset) = (0.0, 0.0);
    let mut level = 0.0;
    let mut pieces = pieces.into_iter().peekable();
    while let Some((i, (_, part_slope, part_offset))) = pieces.next() {
        let before: (f64, f64) = std::mem::replace(&mut current[i], (part_slope, part_offset));
        slope += part_slope - before.0;
        offset += part_offset - before.1;
        level = (count + offset) / slope;
        if pieces.peek().is_none_or(|(_, next)| level <= next.0) {
            break;
        }
    }
    parts
        .iter()
        .map(|part| (part.completed(level) - part.already).max(0.0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part(rate: f64, others: f64, already: f64) -> Part {
        Part {
            rate,
            others,
            already,
        }
    }

    #[test]
    fn shares_worked_by_hand() {
        // Alone: 1 : 2 : 3 of 12.
        let alone = [
            part(1.0, 0.0, 0.0),
            part(2.0, 0.0, 0.0),
            part(3.0, 0.0, 0.0),
        ];
        assert_eq!(divide(&alone, 12.0), [2.0, 4.0, 6.0]);
        // The second shares its CPU with much else: level 8 gives 8 and 8/2.
        assert_eq!(
            divide(&[part(1.0, 0.0, 0.0), part(1.0, 100.0, 0.0)], 12.0),
            [8.0, 4.0]
        );
        // With little else: level 7 gives 7 and 7 − 2.
        assert_eq!(
            divide(&[part(1.0, 0.0, 0.0), part(1.0, 2.0, 0.0)], 12.0),
            [7.0, 5.0]
        );
        // 9 are there already: level 10 gives 10 and 10 − 9.
        assert_eq!(
            divide(&[part(1.0, 0.0, 0.0), part(1.0, 0.0, 9.0)], 11.0),
            [10.0, 1.0]
        );
        // More than its share is there already: it gets none.
        assert_eq!(
            divide(&[part(1.0, 0.0, 0.0), part(1.0, 0.0, 20.0)], 11.0),
            [11.0, 0.0]
        );
        assert!(divide(&[], 3.0).is_empty());
    }

    proptest! {
        #[test]
        fn all_is_divided_and_all_are_done_together(
            parts in prop::collection::vec((1e-3_f64..1.0, 0.0_f64..1e4, 0.0_f64..1e3), 1..40),
            count in 1.0_f64..1e6,
        ) {
            let parts: Vec<_> = parts.into_iter().map(|(r, o, a)| part(r, o, a.floor())).collect();
            let shares = divide(&parts, count);
            prop_assert!((shares.iter().sum::<f64>() - count).abs() < 1e-6 * count);
            // When is a node done with what it has? Others run as long as it runs, at most.
            let done = |part: &Part, share: f64| {
                let own = part.already + share;
                (own + own.min(part.others)) / part.rate
            };
            let busy = parts.iter().zip(&shares).filter(|(_, share)| **share > 0.0);
            let level = busy.map(|(part, share)| done(part, *share)).fold(0.0, f64::max);
            for (part, share) in parts.iter().zip(&shares) {
                let done = done(part, *share);
                prop_assert!(done >= level * (1.0 - 1e-6), "{} before {}", done, level);
                prop_assert!(*share == 0.0 || done <= level * (1.0 + 1e-6));
            }
        }
    }
}
