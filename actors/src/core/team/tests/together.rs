//! Answers that come together.

use proptest::prelude::*;

use super::*;
use crate::core::stopwatch::Effort;

/// Right and wrong ones of [`Scene::started`] and [`Scene::second_round`].
fn some() -> impl Strategy<Value = Answer> {
    let stage = prop_oneof![1 => Just(FIRST), 4 => Just(SECOND), 1 => Just(Stage::Collecting)];
    let payload = |rank| prop_oneof![9 => Just(payload(rank as u8)), 1 => Just(payload(42))];
    let of = (0_u32..4, stage).prop_flat_map(move |(rank, stage)| {
        let effort = prop::option::of(0_u64..9).prop_map(|ms| {
            let effort = |ms| Effort {
                waited: at(1),
                computed: at(2),
                ended: at(ms),
            };
            ms.map(effort).map(Box::new)
        });
        (Just((Rank(rank), stage)), payload(rank), effort)
    });
    of.prop_map(|((rank, stage), payload, effort)| Answer {
        effort,
        ..answer(rank, stage, Some(payload))
    })
}

proptest! {
    #[test]
    fn answers_that_come_together_are_taken_as_if_one_by_one(
        answers in prop::collection::vec(some(), 0..9),
        origin in 0_u32..3,
        others_are_there: bool,
    ) {
        let came = |answers| Event::Answered { origin: node(origin), sent: at(9), answers };
        let scene = || {
            let mut scene = Scene::second_round();
            scene.now = at(20);
            if others_are_there {
                scene.answer(node(1), SECOND, 2);
            }
            scene
        };
        let (mut together, mut one_by_one) = (scene(), scene());
        let effects = together.step(came(answers.clone()));
        let each = answers.into_iter();
        let each = each.flat_map(|answer| one_by_one.step(came(vec![answer])));
        prop_assert_eq!(effects, each.collect::<Vec<_>>());
        prop_assert_eq!(together.team.answered(), one_by_one.team.answered());
        prop_assert_eq!(together.team.times(), one_by_one.team.times());
        prop_assert_eq!(together.team.has_ended(), one_by_one.team.has_ended());
    }
}
