//! The answers of one node's MsVPUs, as they travel together.
//!
//! A message has hundreds of them, so that what they hold lies in one piece and is read where it lies:
//! nothing is allocated for an answer by itself.

use bytes::{BufMut, Bytes, BytesMut};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::core::answer::Answer;
use crate::core::msvpu::Stage;
use crate::core::stopwatch::Effort;
use crate::id::Rank;
use crate::payload::Payload;

/// Answers on the wire, in their order.
#[derive(Serialize, Deserialize)]
struct Packed {
    runs: Vec<Run>,
    /// And whose they are, counted over all runs.
    efforts: Vec<(u32, Effort)>,
    /// The heads and bodies of all, one after the other. Who keeps one keeps those of its node alive.
    contents: Bytes,
}

/// Answers that belong to the same; most often all.
#[derive(Serialize, Deserialize)]
struct Run {
    stage: Stage,
    entries: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    rank: Rank,
    /// The bytes of the head and one more, or nothing where nothing is handed over.
    head: u64,
    body: u64,
}

pub(super) fn serialize<S: Serializer>(answers: &[Answer], to: S) -> Result<S::Ok, S::Error> {
    let payloads = || answers.iter().filter_map(|answer| answer.payload.as_ref());
    let mut contents = BytesMut::with_capacity(payloads().map(Payload::len_bytes).sum());
    for Payload { head, body } in payloads() {
        contents.put_slice(head);
        contents.put_slice(body);
    }
    let mut runs: Vec<Run> = Vec::new();
    let mut efforts = Vec::new();
    for (index, answer) in (0..).zip(answers) {
        efforts.extend(answer.effort.as_deref().map(|effort| (index, *effort)));
        let payload = answer.payload.as_ref();
        let entry = Entry {
            rank: answer.rank,
            head: payload.map_or(0, |payload| payload.head.len() as u64 + 1),
            body: payload.map_or(0, |payload| payload.body.len() as u64),
        };
        match runs.last_mut() {
            Some(run) if run.stage == answer.stage => run.entries.push(entry),
            _ => {
                let mut entries = Vec::with_capacity(answers.len() - index as usize);
                entries.push(entry);
                runs.push(Run {
                    stage: answer.stage,
                    entries,
                });
            }
        }
    }
    let packed = Packed {
        runs,
        efforts,
        contents: contents.freeze(),
    };
    packed.serialize(to)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Answer>, D::Error> {
    let Packed {
        runs,
        efforts,
        mut contents,
    } = Packed::deserialize(from)?;
    let entries = || runs.iter().flat_map(|run| &run.entries);
    let held = |entry: &Entry| entry.head.saturating_sub(1).checked_add(entry.body);
    let all = entries().try_fold(0_u64, |all, entry| all.checked_add(held(entry)?));
    if all != Some(contents.len() as u64) {
        return Err(D::Error::custom("answers of other lengths than they say"));
    }
    // No more than there is, and so than fits.
    let mut take = |bytes: u64| contents.split_to(bytes as usize);
    let mut efforts = efforts.into_iter().peekable();
    let mut answers = Vec::with_capacity(entries().count());
    for Run { stage, entries } in &runs {
        for Entry { rank, head, body } in entries {
            let index = answers.len();
            let effort = efforts.next_if(|(of, _)| *of as usize == index);
            answers.push(Answer {
                rank: *rank,
                stage: *stage,
                payload: match head.checked_sub(1) {
                    Some(head) => Some(Payload {
                        head: take(head),
                        body: take(*body),
                    }),
                    None if *body == 0 => None,
                    None => return Err(D::Error::custom("a body without a head")),
                },
                effort: effort.map(|(_, effort)| Box::new(effort)),
            });
        }
    }
    if efforts.next().is_some() {
        return Err(D::Error::custom("an effort without an answer"));
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::id::Round;

    #[derive(Serialize, Deserialize)]
    struct Together(#[serde(with = "super")] Vec<Answer>);

    fn some() -> impl Strategy<Value = Answer> {
        let bytes = || prop::collection::vec(any::<u8>(), 0..9).prop_map(Bytes::from);
        let payload = (bytes(), bytes()).prop_map(|(head, body)| Payload { head, body });
        let stage = prop_oneof![
            (1_u32..3).prop_map(|round| Stage::Round(Round(round))),
            Just(Stage::Collecting)
        ];
        let effort = any::<u32>().prop_map(|nanos| {
            let time = Duration::from_nanos(nanos.into());
            Box::new(Effort {
                waited: time,
                computed: 2 * time,
                ended: 3 * time,
            })
        });
        let of = (
            any::<u32>(),
            stage,
            prop::option::of(payload),
            prop::option::of(effort),
        );
        of.prop_map(|(rank, stage, payload, effort)| Answer {
            rank: Rank(rank),
            stage,
            payload,
            effort,
        })
    }

    fn packed(entries: Vec<(u64, u64)>, efforts: Vec<u32>, contents: &'static [u8]) -> Vec<u8> {
        let effort = Effort {
            waited: Duration::ZERO,
            computed: Duration::ZERO,
            ended: Duration::ZERO,
        };
        let entry = |(head, body)| Entry {
            rank: Rank(1),
            head,
            body,
        };
        let run = Run {
            stage: Stage::Collecting,
            entries: entries.into_iter().map(entry).collect(),
        };
        let packed = Packed {
            runs: vec![run],
            efforts: efforts.into_iter().map(|of| (of, effort)).collect(),
            contents: Bytes::from_static(contents),
        };
        postcard::to_allocvec(&packed).unwrap()
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let reads = |bytes: Vec<u8>| postcard::from_bytes::<Together>(&bytes).is_ok();
        assert!(reads(packed(vec![(2, 1), (0, 0)], vec![0, 1], b"ab")));
        for (entries, efforts) in [
            (vec![(2, 2)], vec![]),
            (vec![(2, 0)], vec![]),
            (vec![(u64::MAX, u64::MAX); 9], vec![]),
            (vec![(1, u64::MAX), (1, 3)], vec![]),
            (vec![(0, 2)], vec![]),
            (vec![(2, 1)], vec![1]),
            (vec![(2, 1), (0, 0)], vec![1, 0]),
            (vec![(2, 1)], vec![0, 0]),
        ] {
            let said = format!("{entries:?} {efforts:?}");
            assert!(!reads(packed(entries, efforts, b"ab")), "{said}");
        }
    }

    proptest! {
        #[test]
        fn answers_return_as_they_were(answers in prop::collection::vec(some(), 0..20)) {
            let bytes = postcard::to_allocvec(&Together(answers.clone())).unwrap();
            let Together(back) = postcard::from_bytes(&bytes).unwrap();
            prop_assert_eq!(format!("{answers:?}"), format!("{back:?}"));
        }
    }
}
