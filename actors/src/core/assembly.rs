//! Messages that come in parts, put together again.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use bytes::Bytes;
use thiserror::Error;

use crate::id::Origin;

/// Of which no part has come for so long a message is given up: who misses it asks again.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a part takes beside its body: short ones must not be had for nothing.
const OVERHEAD_BYTES: usize = 128;

/// What has come from the broker, and is not whole yet.
#[derive(Debug)]
pub(crate) struct Assembly {
    max_bytes: usize,
    bytes: usize,
    incomplete: BTreeMap<(Origin, u64), Incomplete>,
    /// When it was last looked for what is to be given up.
    swept: Duration,
    /// How many messages were given up, until someone asks.
    given_up: u64,
}

/// A message of which parts are missing. It takes what its parts take, however many it says it has.
#[derive(Debug)]
struct Incomplete {
    parts: BTreeMap<u32, Bytes>,
    count: u32,
    bytes: usize,
    since: Duration,
}

/// Why a part is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Refused {
    #[error("it says it has {said} parts, and said {before} before")]
    OtherSize { said: u32, before: u32 },
    #[error("{parts} parts; {limit} are the most")]
    Long { parts: u32, limit: u32 },
    #[error("incomplete messages take all of the {limit} bytes that they may")]
    Full { limit: usize },
}

impl Assembly {
    /// The most parts of a message.
    const MAX_PARTS: u32 = 1 << 16;

    /// Incomplete messages take at most `max_bytes`, [`OVERHEAD_BYTES`] a part included.
    pub(crate) const fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            bytes: 0,
            incomplete: BTreeMap::new(),
            swept: Duration::ZERO,
            given_up: 0,
        }
    }

    /// Takes a part; returns all parts of its message if it was the last. One that came before
    /// changes nothing.
    ///
    /// # Errors
    /// When it cannot be a part of that message, or there is no room for it: it is dropped.
    pub(crate) fn take(
        &mut self,
        message: (Origin, u64),
        (part, parts): (u32, u32),
        body: Bytes,
        now: Duration,
    ) -> Result<Option<Vec<Bytes>>, Refused> {
        if parts <= 1 {
            return Ok(Some(vec![body]));
        }
        if parts > Self::MAX_PARTS {
            let limit = Self::MAX_PARTS;
            return Err(Refused::Long { parts, limit });
        }
        let before = self.incomplete.get(&message).map(|known| known.count);
        if let Some(before) = before
            && before != parts
        {
            let said = parts;
            return Err(Refused::OtherSize { said, before });
        }
        let bytes = OVERHEAD_BYTES + body.len();
        if self.bytes + bytes > self.max_bytes {
            self.sweep(now);
            if self.bytes + bytes > self.max_bytes {
                let limit = self.max_bytes;
                return Err(Refused::Full { limit });
            }
        }
        let incomplete = self
            .incomplete
            .entry(message)
            .or_insert_with(|| Incomplete {
                parts: BTreeMap::new(),
                count: parts,
                bytes: 0,
                since: now,
            });
        incomplete.since = now;
        if let Entry::Vacant(place) = incomplete.parts.entry(part) {
            place.insert(body);
            incomplete.bytes += bytes;
            self.bytes += bytes;
        }
        if incomplete.parts.len() < parts as usize {
            return Ok(None);
        }
        let whole = self.incomplete.remove(&message);
        Ok(whole.map(|whole| {
            self.bytes -= whole.bytes;
            whole.parts.into_values().collect()
        }))
    }

    /// Of how many messages parts are missing.
    pub(crate) fn incomplete(&self) -> u64 {
        self.incomplete.len() as u64
    }

    /// Gives up what nothing has been heard of for long; tells how many messages that were since
    /// the last time. Looks now and then only, and so may be called often.
    pub(crate) fn expire(&mut self, now: Duration) -> u64 {
        if now.saturating_sub(self.swept) >= PATIENCE / 2 {
            self.sweep(now);
        }
        std::mem::take(&mut self.given_up)
    }

    fn sweep(&mut self, now: Duration) {
        self.swept = now;
        let before = self.incomplete.len();
        let bytes = &mut self.bytes;
        self.incomplete.retain(|_, incomplete| {
            let stays = now.saturating_sub(incomplete.since) <= PATIENCE;
            if !stays {
                *bytes -= incomplete.bytes;
            }
            stays
        });
        self.given_up += (before - self.incomplete.len()) as u64;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::{Incarnation, NodeId};

    const NOW: Duration = Duration::from_secs(1);

    fn from(node: u32) -> Origin {
        Origin {
            node: NodeId(node),
            incarnation: Incarnation(1),
        }
    }

    proptest! {
        #[test]
        fn parts_in_any_order_and_number_give_each_message_once(
            order in prop::collection::vec((0_u32..3, 0_u64..3, 0_u32..4), 0..200),
        ) {
            let mut assembly = Assembly::new(usize::MAX);
            let mut seen = std::collections::BTreeSet::new();
            let mut whole = 0;
            for (node, sequence, part) in order {
                let body = Bytes::from(format!("{node} {sequence} {part}"));
                let taken = assembly.take((from(node), sequence), (part, 4), body, NOW).unwrap();
                seen.insert((node, sequence, part));
                let there = (0..4).all(|part| seen.contains(&(node, sequence, part)));
                prop_assert_eq!(taken.is_some(), there);
                if let Some(parts) = taken {
                    whole += 1;
                    for (part, body) in parts.iter().enumerate() {
                        let expected = format!("{node} {sequence} {part}");
                        prop_assert_eq!(&body[..], expected.as_bytes());
                        seen.remove(&(node, sequence, part as u32));
                    }
                }
            }
            let bytes = |(n, s, p): &(u32, u64, u32)| OVERHEAD_BYTES + format!("{n} {s} {p}").len();
            let left: usize = seen.iter().map(bytes).sum();
            prop_assert_eq!(assembly.bytes, left, "after {} messages", whole);
        }
    }

    #[test]
    fn what_is_incomplete_is_bounded_and_given_up() {
        let limit = OVERHEAD_BYTES + 10;
        let mut assembly = Assembly::new(limit);
        let six = || Bytes::from_static(b"sixsix");
        assert_eq!(assembly.take((from(1), 1), (0, 2), six(), NOW), Ok(None));
        let full = assembly.take((from(1), 2), (0, 2), six(), NOW);
        assert_eq!(full, Err(Refused::Full { limit }));
        let later = NOW + PATIENCE + Duration::from_nanos(1);
        assert_eq!(assembly.take((from(1), 2), (0, 2), six(), later), Ok(None));
        assert_eq!(assembly.bytes, OVERHEAD_BYTES + 6, "the first was given up");
        assert_eq!(assembly.incomplete(), 1);
        assert_eq!(assembly.expire(later), 1);
        assert_eq!(assembly.expire(later + PATIENCE), 0);
        assert_eq!(assembly.expire(later + 2 * PATIENCE), 1);
        assert_eq!(assembly.bytes, 0);
    }

    #[test]
    fn a_message_takes_what_has_come_of_it_and_not_what_it_says() {
        let parts = Assembly::MAX_PARTS;
        // Room for a list of the parts of one such message, and not of two.
        let mut assembly = Assembly::new(1 << 20);
        for sequence in 0..1000 {
            let (message, part) = ((from(1), sequence), (parts - 1, parts));
            assert_eq!(assembly.take(message, part, Bytes::new(), NOW), Ok(None));
        }
        assert_eq!(assembly.bytes, 1000 * OVERHEAD_BYTES);
        let held = assembly.incomplete.values().map(|known| known.parts.len());
        assert_eq!(held.sum::<usize>(), 1000);
        let mut taken = 1000;
        while assembly
            .take((from(2), taken), (0, 2), Bytes::new(), NOW)
            .is_ok()
        {
            taken += 1;
        }
        assert_eq!(taken, (1 << 20) / OVERHEAD_BYTES as u64, "empty ones count");
    }

    #[test]
    fn parts_that_do_not_belong_together_are_refused() {
        let mut assembly = Assembly::new(1000);
        let body = || Bytes::from_static(b"x");
        assert_eq!(assembly.take((from(1), 1), (0, 2), body(), NOW), Ok(None));
        let (said, before) = (3, 2);
        let refused = Err(Refused::OtherSize { said, before });
        assert_eq!(assembly.take((from(1), 1), (1, 3), body(), NOW), refused);
        let refused = assembly.take((from(1), 2), (0, u32::MAX), body(), NOW);
        assert!(matches!(refused, Err(Refused::Long { .. })));
    }
}
