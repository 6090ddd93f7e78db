//! What holds in every world.

use proptest::prelude::*;

use super::*;

fn script(length: usize) -> impl Strategy<Value = Vec<(u8, usize)>> {
    prop::collection::vec((0_u8..113, 0_usize..1000), 0..length)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whatever gets lost, repeated or overtaken, and whichever nodes: the result is right.
    #[test]
    fn a_job_ends_with_the_right_result_whatever_gets_lost(script in script(300)) {
        let mut world = World::new(true, NODES, None);
        for (kind, which) in script {
            world.happen(kind, which);
        }
        let world = world.end();
        match world.ended {
            Some(Ok(finished)) => prop_assert_eq!(finished, world.expected),
            Some(Err(JobError::PoisonTile { rank, losses: 3 })) => {
                prop_assert!(world.deaths(rank) >= 3, "{} has fallen {:?}", rank, world.falls);
            }
            other => prop_assert!(false, "{other:?}"),
        }
    }

    /// Other jobs take down nodes, too: no tile is blamed for what they do, unless a leader is lost as well. Where
    /// that one had the tile on trial, its node may go down before the next leader hears that the trial is over,
    /// and to try it once more could cost a fourth.
    #[test]
    fn poison_is_named_and_nothing_else(poison in prop::option::of(0..TILES), script in script(400)) {
        let mut world = World::new(true, NODES, poison.map(Rank));
        for (kind, which) in script {
            if !(84..87).contains(&kind) {
                world.happen(kind, which);
            }
        }
        let world = world.end();
        let named = |poison| JobError::PoisonTile { rank: Rank(poison), losses: 3 };
        let expected = poison.map_or(Ok(world.expected.clone()), |poison| Err(named(poison)));
        match &world.ended {
            Some(Err(JobError::PoisonTile { rank, losses: 3 })) if world.epoch > 1 => {
                prop_assert!(world.deaths(*rank) >= 3, "{} has fallen {:?}", rank, world.falls);
            }
            ended => prop_assert_eq!(ended, &Some(expected)),
        }
    }

    /// A tile that takes down whoever touches it takes down three, and is named.
    #[test]
    fn poison_is_found(poison in 0..TILES, script in script(120)) {
        let mut world = World::new(true, NODES, Some(Rank(poison)));
        for (kind, which) in script {
            // No other losses.
            if !matches!(kind, 84..87 | 106..110) {
                world.happen(kind, which);
            }
        }
        let world = world.end();
        let named = JobError::PoisonTile { rank: Rank(poison), losses: 3 };
        prop_assert_eq!(world.ended, Some(Err(named)));
        // What ran for an earlier leader may go down, too, and then counts for this one.
        let counted = world.poisoned == 3 || (world.epoch > 1 && world.poisoned < 3);
        prop_assert!(counted, "{}", world.poisoned);
    }

    /// Whatever gets lost besides, leaders among it: no fourth node is lost to it.
    #[test]
    fn poison_takes_down_three_at_most(poison in 0..TILES, script in script(300)) {
        let mut world = World::new(true, NODES, Some(Rank(poison)));
        for (kind, which) in script {
            world.happen(kind, which);
        }
        let world = world.end();
        match world.ended {
            Some(Err(JobError::PoisonTile { rank, losses: 3 })) => {
                prop_assert!(world.deaths(rank) >= 3, "{} has fallen {:?}", rank, world.falls);
            }
            other => prop_assert!(false, "{other:?}"),
        }
        prop_assert!(world.poisoned <= 3, "{}", world.poisoned);
    }

    /// In one process nothing gets lost and nobody ticks.
    #[test]
    fn in_one_process_no_tick_is_needed(script in script(200)) {
        let mut world = World::new(false, 1, None);
        for (kind, which) in script {
            if matches!(kind, 0..40 | 54..84 | 95..106) {
                world.happen(kind, which);
            }
        }
        world.settle();
        prop_assert_eq!(world.ended, Some(Ok(world.expected)));
    }
}
