//! Nodes are about to leave.

use proptest::prelude::*;

use super::*;

fn leaves(balance: &mut Balance, leaving: &[Origin]) -> Vec<Origin> {
    let members = balance.nodes.values().map(|node| Member {
        draining: leaving.contains(&node.member.origin),
        ..node.member.clone()
    });
    let members = members.collect();
    balance.members(members)
}

fn three() -> Balance {
    let nodes = [1, 2, 3].map(|id| (node(id), 1, 1.0));
    balance("performance-index", &nodes)
}

fn placed(balance: &Balance, team: TeamId, origin: Origin) -> Ranks {
    let places = &balance.teams[&team].places;
    places.get(&origin).cloned().unwrap_or_default()
}

#[test]
fn what_a_leaving_node_runs_goes_to_those_that_stay() {
    let mut balance = three();
    allot(&mut balance, team(1), 0..9);
    assert_eq!(placed(&balance, team(1), node(2)), ranks(3..6));
    assert!(balance.evacuate().is_empty(), "nobody leaves");
    assert_eq!(leaves(&mut balance, &[node(2)]), [], "it is still there");
    let plans = balance.evacuate();
    let [(of, leader, plan)] = &plans[..] else {
        panic!("{plans:?}");
    };
    assert_eq!((*of, *leader), (team(1), LEADER));
    let moved = plan.shares.iter().fold(Ranks::default(), |all, share| {
        assert_ne!(share.origin, node(2));
        all.union(&share.ranks)
    });
    assert_eq!(moved, ranks(3..6));
    assert!(balance.evacuate().is_empty(), "it is told once");
    assert_eq!(placed(&balance, team(1), node(2)), ranks(0..0));
    // The round that was under way has shown that it has them still: it is told again.
    let took = ms(100);
    let laps = [1, 2, 3].map(|id| lap(node(id), ranks((id - 1) * 3..id * 3), took));
    balance.measured(team(1), Round(9), &laps, ms(0));
    assert_eq!(balance.evacuate().len(), 1);
}

#[test]
fn a_leaving_node_gets_nothing_new() {
    let mut balance = three();
    leaves(&mut balance, &[node(1), node(3)]);
    let plan = allot(&mut balance, team(1), 0..4);
    assert_eq!(counts(&plan), [(2, 4)]);
    assert_eq!(balance.place_leader(job(9)), Some(node(2)));
    let draining: Vec<_> = balance.status().iter().map(|node| node.draining).collect();
    assert_eq!(draining, [true, false, true]);
    leaves(&mut balance, &[node(1), node(2), node(3)]);
    assert!(!balance.has_cpus());
    assert_eq!(balance.place_leader(job(9)), None);
}

#[test]
fn what_the_last_node_runs_stays_until_another_is_there() {
    let mut balance = three();
    allot(&mut balance, team(1), 0..6);
    leaves(&mut balance, &[node(1), node(2), node(3)]);
    assert!(balance.evacuate().is_empty());
    for id in [1, 2, 3] {
        assert_eq!(placed(&balance, team(1), node(id)).len(), 2);
    }
    leaves(&mut balance, &[node(1), node(2)]);
    let plans = balance.evacuate();
    assert_eq!(plans.len(), 1);
    assert_eq!(counts(&plans[0].2), [(3, 4)]);
    assert_eq!(placed(&balance, team(1), node(3)), ranks(0..6));
}

proptest! {
    #[test]
    fn every_rank_keeps_one_place_and_none_where_nobody_stays(
        speeds in prop::collection::vec(0.1_f64..10.0, 1..6),
        sizes in prop::collection::vec(1_u32..40, 1..4),
        leaving in prop::collection::vec(any::<bool>(), 6),
    ) {
        let nodes: Vec<_> = (1..).zip(&speeds).map(|(id, speed)| (node(id), 1, *speed)).collect();
        let mut balance = balance("performance-index", &nodes);
        for (number, size) in (1..).zip(&sizes) {
            allot(&mut balance, team(number), 0..*size);
        }
        let is_leaving = |origin: &Origin| leaving[origin.node.0 as usize - 1];
        let all = nodes.iter().map(|(origin, ..)| *origin);
        let leaving: Vec<Origin> = all.clone().filter(is_leaving).collect();
        leaves(&mut balance, &leaving);
        let before: BTreeMap<TeamId, Ranks> = balance.teams.iter().map(|(team, placement)| {
            let there = leaving.iter().filter_map(|origin| placement.places.get(origin));
            (*team, there.fold(Ranks::default(), |all, ranks| all.union(ranks)))
        }).collect();
        let plans = balance.evacuate();
        for (number, size) in (1..).zip(sizes) {
            let team = team(number);
            let places = &balance.teams[&team].places;
            prop_assert_eq!(places.values().map(Ranks::len).sum::<usize>(), size as usize);
            let union = places.values().fold(Ranks::default(), |all, ranks| all.union(ranks));
            prop_assert_eq!(union, ranks(0..size));
            let plan = plans.iter().find(|(of, ..)| *of == team);
            let moved = plan.map(|(_, _, plan)| {
                plan.shares.iter().fold(Ranks::default(), |all, share| all.union(&share.ranks))
            });
            if leaving.len() < speeds.len() {
                prop_assert!(leaving.iter().all(|origin| !places.contains_key(origin)));
                prop_assert_eq!(moved.unwrap_or_default(), before[&team].clone());
            } else {
                prop_assert_eq!(moved, None);
            }
        }
    }
}
