//! Answers that come together.

use proptest::prelude::*;

use super::*;
use crate::core::stopwatch::Effort;

/// Right and wrong answers in [`Scene::second_round`], and when what each tile contributes is collected after it.
fn some() -> impl Strategy<Value = Answer> {
    let stage = prop_oneof![1 => Just(FIRST), 4 => Just(SECOND), 4 => Just(Stage::Collecting)];
    let payload = |rank| prop_oneof![9 => Just(payload(rank as u8)), 1 => Just(payload(42))];
    let of = (0_u32..4, stage).prop_flat_map(move |(rank, stage)| {
        let effort = (0_u64..9).prop_map(|ms| {
            Box::new(Effort {
                waited: at(1),
                computed: at(2),
                ended: at(ms),
            })
        });
        let effort = prop::option::of(effort);
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
        collecting: bool,
    ) {
        let came = |answers| Event::Answered { origin: node(origin), sent: at(9), answers };
        let scene = || {
            let mut scene = Scene::second_round();
            scene.now = at(20);
            if collecting {
                scene.answer_all(SECOND);
                scene.step(Event::Folded(Ok(Step::Done(payload(7)))));
            }
            if others_are_there {
                let stage = if collecting { Stage::Collecting } else { SECOND };
                scene.answer(node(1), stage, 2);
            }
            scene
        };
        let (mut together, mut one_by_one) = (scene(), scene());
        let effects = together.step(came(answers.clone()));
        let each = answers.into_iter();
        let each = each.flat_map(|answer| one_by_one.step(came(vec![answer])));
        prop_assert_eq!(effects, each.collect::<Vec<_>>());
        prop_assert_eq!(format!("{:?}", together.team), format!("{:?}", one_by_one.team));
    }
}
