mod least_loaded;

use super::Strategy;
use super::*;
use crate::core::performance::{Probe, deviations, mean};
use proptest::prelude::*;
use proptest::strategy::Strategy as Generator;

const PROBE: Probe = Probe {
    bytes: 1000.0,
    work: 1e6,
};
const FREE: MoveCost = MoveCost { tile_bytes: 0.0 };

/// A node with `speed` elementary operations per second on each CPU.
fn node(id: u32, cpus: u32, speed: f64, latency: f64) -> NodePerformance {
    NodePerformance::new(NodeId(id), cpus, PROBE, 1e6 / speed, latency).unwrap()
}

fn candidate(performance: NodePerformance, placed: f64, already: u32) -> Candidate {
    Candidate::new(performance, placed, already).unwrap()
}

fn cost(work: f64, bytes: f64) -> StepCost {
    StepCost::new(work, bytes).unwrap()
}

fn place(name: &str, candidates: &[Candidate], count: u32) -> Vec<u32> {
    by_name(name)
        .unwrap()
        .place(candidates, cost(1e6, 0.0), count)
}

#[test]
fn strategies_are_made_by_name() {
    for name in NAMES {
        assert_eq!(by_name(name).unwrap().name(), name);
    }
    let error = by_name("fastest").map(|_| ()).unwrap_err().to_string();
    assert_eq!(
        error,
        "there is no strategy `fastest`; there are performance-index, uniform, least-loaded, adaptive"
    );
}

#[test]
fn each_strategy_on_the_same_nodes() {
    // TE' = 1, 1/2 and 1/4 s: NPI 1/4, 1/2, 1 (eq. 4); 14 MsVPUs: 2, 4, 8 (eq. 8).
    let nodes = [
        node(1, 1, 1e6, 0.0),
        node(2, 1, 2e6, 0.0),
        node(3, 2, 2e6, 0.0),
    ];
    let free = nodes.map(|node| candidate(node, 0.0, 0));
    assert_eq!(place("performance-index", &free, 14), [2, 4, 8]);
    assert_eq!(place("adaptive", &free, 14), [2, 4, 8]);
    assert_eq!(place("uniform", &free, 14), [5, 5, 4]);
    // By CPUs: 1 : 1 : 2 of 14, filled wave by wave.
    assert_eq!(place("least-loaded", &free, 14), [4, 4, 6]);
    // On CPUs there are no halves: eq. 8 gives 15/7 · (1, 2, 4) = 2.1, 4.3, 8.6 and the last seat to
    // the third, which takes 5 waves of 1/2 s; the second would take 5 of 1/2 s too.
    assert_eq!(place("performance-index", &free, 15), [2, 4, 9]);
    for name in NAMES {
        assert!(place(name, &[], 3).is_empty());
    }
}

#[test]
fn what_is_placed_already_counts() {
    let like = |placed, already| candidate(node(1, 1, 1e6, 0.0), placed, already);
    // The second runs 2 MsVPUs' work of others: level 7 is 7 alone, or 5 and the 2.
    let beside = [like(0.0, 0), like(2e6, 0)];
    assert_eq!(place("performance-index", &beside, 12), [7, 5]);
    assert_eq!(place("adaptive", &beside, 12), [7, 5]);
    assert_eq!(place("least-loaded", &beside, 12), [7, 5]);
    // However much others run there, the queue of the node gives the team half of it.
    let busy = [like(0.0, 0), like(1e12, 0)];
    assert_eq!(place("performance-index", &busy, 12), [8, 4]);
    assert_eq!(place("adaptive", &busy, 12), [8, 4]);
    assert_eq!(place("least-loaded", &busy, 12), [12, 0]);
    // A node was lost, its 6 go where the team has fewer.
    let lost = [like(0.0, 5), like(0.0, 9)];
    for name in NAMES {
        assert_eq!(place(name, &lost, 6), [5, 1], "{name}");
    }
    for placed in [f64::NAN, -1.0, f64::INFINITY] {
        let error = Candidate::new(node(4, 1, 1e6, 0.0), placed, 0)
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("node 4: the work placed is "), "{error}");
    }
}

/// Nodes that take what their speed says, with noise of so much around it.
struct Cluster {
    nodes: Vec<NodePerformance>,
    speeds: Vec<f64>,
    counts: Vec<u32>,
    jitter: f64,
    seed: u64,
    totals: Vec<f64>,
    lengths: Vec<f64>,
    moved: Vec<u32>,
}

impl Cluster {
    fn new(speeds: &[f64], cpus: u32, tiles: u32) -> Self {
        let nodes: Vec<_> = (0..)
            .zip(speeds)
            .map(|(id, speed)| node(id, cpus, *speed, 0.0))
            .collect();
        let candidates: Vec<_> = nodes.iter().map(|node| candidate(*node, 0.0, 0)).collect();
        Self {
            counts: place("adaptive", &candidates, tiles),
            totals: vec![0.0; nodes.len()],
            speeds: speeds.to_vec(),
            nodes,
            jitter: 0.0,
            seed: 1,
            lengths: Vec::new(),
            moved: Vec::new(),
        }
    }

    /// In −1..1 (Knuth's linear congruential generator).
    fn random(&mut self) -> f64 {
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    fn run(&mut self, strategy: &mut dyn Strategy, rounds: u32, moving: MoveCost) {
        for _ in 0..rounds {
            let mut observed = Vec::new();
            for i in 0..self.nodes.len() {
                let waves = f64::from(self.counts[i].div_ceil(self.nodes[i].cpus()));
                let time = waves * 1e6 / self.speeds[i] * (1.0 + self.jitter * self.random());
                self.totals[i] += time;
                observed.push(Observed {
                    candidate: candidate(self.nodes[i], 0.0, self.counts[i]),
                    round: Some(Duration::from_secs_f64(time)),
                });
            }
            let times = observed.iter().filter_map(|of| of.round);
            self.lengths.push(times.max().unwrap().as_secs_f64());
            let tiles: u32 = self.counts.iter().sum();
            let seen = self.lengths.len() as u32;
            let moves = strategy.rebalance(&observed, cost(1e6, 0.0), moving, seen);
            for Move { from, to, count } in &moves {
                assert!(*count > 0 && from != to);
                // Panics when more leave than are there.
                self.counts[from.0 as usize] -= count;
                self.counts[to.0 as usize] += count;
            }
            self.moved.push(moves.iter().map(|of| of.count).sum());
            assert_eq!(self.counts.iter().sum::<u32>(), tiles);
        }
    }
}

fn worst(times: &[f64]) -> f64 {
    deviations(times).into_iter().fold(0.0, f64::max)
}

const UNEVEN: [f64; 10] = [
    1.0e6, 1.3e6, 1.7e6, 2.0e6, 2.2e6, 2.9e6, 3.1e6, 3.4e6, 3.7e6, 4.0e6,
];

#[test]
fn a_single_round_of_uneven_nodes() {
    // 1000 tiles: the slowest node runs about 40, and half a tile of them is 1.25 %.
    let nodes = (0..)
        .zip(UNEVEN)
        .map(|(id, speed)| candidate(node(id, 1, speed, 0.0), 0.0, 0));
    let nodes: Vec<_> = nodes.collect();
    let worst = |name: &str| {
        let counts = place(name, &nodes, 1000);
        let times = nodes.iter().zip(counts);
        let times = times.map(|(of, count)| of.performance.round_seconds(count, cost(1e6, 0.0)));
        worst(&times.collect::<Vec<_>>())
    };
    assert!(worst("adaptive") <= 0.0125 && worst("performance-index") <= 0.0219);
    assert!(worst("uniform") > 0.5 && worst("least-loaded") > 0.5);
}

#[test]
fn total_times_get_even_on_uneven_nodes() {
    for (cpus, rounds) in [(1, 5), (2, 5), (4, 5), (8, 10)] {
        let mut cluster = Cluster::new(&UNEVEN, cpus, 1000);
        let mut strategy = by_name("adaptive").unwrap();
        for rounds in [rounds, 40] {
            cluster.run(&mut *strategy, rounds, FREE);
            let worst = worst(&cluster.totals);
            assert!(worst <= 0.005, "{cpus} CPUs, {rounds} rounds: {worst}");
        }
        // No round gets long by it. 1000 tiles on whole CPUs take so long at least:
        let machines = UNEVEN.map(|speed| waves::Machine {
            start: 0.0,
            wave: 1e6 / speed,
            others: 0.0,
            cpus,
            already: 0,
        });
        let shortest = machines.iter().zip(waves::fill(&machines, 1000));
        let shortest = shortest
            .map(|(of, count)| of.time(count))
            .fold(0.0, f64::max);
        let longest = cluster.lengths.iter().copied().fold(0.0, f64::max);
        assert!(
            longest <= 1.05 * shortest + 1e-6,
            "{longest}, not {shortest}"
        );
        // A few tiles do it.
        assert!(
            cluster.moved.iter().all(|moved| *moved <= 10 * cpus),
            "{:?}",
            cluster.moved
        );
    }
}

#[test]
fn wrong_beliefs_are_corrected_when_that_is_worth_its_price() {
    for (tile_bytes, corrected) in [(0.0, true), (1e3, true), (1e12, false)] {
        let mut cluster = Cluster::new(&[1e6; 8], 2, 800);
        // It takes 1 µs to bring a byte there.
        for (id, known) in (0..).zip(&mut cluster.nodes) {
            *known = node(id, 2, 1e6, 1e-3);
        }
        cluster.speeds = vec![1e6, 1e6, 1e6, 1e6, 2e6, 2e6, 2e6, 2e6];
        let moving = MoveCost { tile_bytes };
        cluster.run(&mut *by_name("adaptive").unwrap(), 3, moving);
        // 800 tiles at 24 a second are 33.3 s; 100 at 2 a second are 50.
        assert_eq!(
            cluster.lengths[2] < 35.0,
            corrected,
            "{:?}",
            cluster.lengths
        );
        assert_eq!(cluster.moved.iter().sum::<u32>() > 0, corrected);
    }
}

#[test]
fn a_dear_correction_waits_until_it_is_worth_it() {
    // To move takes some 13 rounds' loss; it is paid after about as many.
    let mut cluster = Cluster::new(&[1e6; 2], 1, 20);
    for (id, known) in (0..).zip(&mut cluster.nodes) {
        *known = node(id, 1, 1e6, 1e-3);
    }
    cluster.speeds = vec![0.5e6, 1e6];
    // 20 s against 14: 6 a round, for 3 tiles; 13 · 6 s for these are 26 · 10⁶ µs each.
    let moving = MoveCost { tile_bytes: 26e6 };
    cluster.run(&mut *by_name("adaptive").unwrap(), 30, moving);
    let first = cluster.moved.iter().position(|moved| *moved > 0).unwrap();
    assert!((6..=14).contains(&first), "{:?}", cluster.moved);
    assert!(
        *cluster.lengths.last().unwrap() <= 14.0,
        "{:?}",
        cluster.lengths
    );
}

#[test]
fn a_node_that_slows_down_is_relieved_within_two_rounds() {
    for jitter in [0.0, 0.05] {
        let mut cluster = Cluster::new(&[1e6; 10], 1, 1000);
        cluster.jitter = jitter;
        let mut strategy = by_name("adaptive").unwrap();
        cluster.run(&mut *strategy, 5, FREE);
        cluster.speeds[3] = 0.25e6;
        cluster.run(&mut *strategy, 5, FREE);
        // One round shows it: 400 s. Then 9.25 nodes' worth is left: 108 s.
        assert!(cluster.lengths[5] > 350.0);
        let after = mean(&cluster.lengths[6..]);
        assert!(
            after < 108.1 * (1.02 + 3.0 * jitter),
            "{:?}",
            cluster.lengths
        );
        // And it gets its share back when it is well.
        cluster.speeds[3] = 1e6;
        cluster.run(&mut *strategy, 3, FREE);
        assert!(
            cluster.counts[3].abs_diff(100) <= 10,
            "{:?}",
            cluster.counts
        );
    }
}

#[test]
fn a_node_that_was_emptied_comes_back_by_a_new_probe_only() {
    let mut cluster = Cluster::new(&[1e6; 4], 1, 8);
    let mut strategy = by_name("adaptive").unwrap();
    cluster.speeds[0] = 0.1e6;
    for _ in 0..6 {
        cluster.run(&mut *strategy, 1, FREE);
        assert_eq!(cluster.counts[0], 0);
    }
    // A little slower than before.
    cluster.nodes[0] = node(0, 1, 0.9e6, 0.0);
    cluster.speeds[0] = 0.9e6;
    cluster.run(&mut *strategy, 2, FREE);
    assert_eq!(cluster.counts[0], 2);
}

/// Of any size that may be, the largest among them.
fn any_size() -> impl Generator<Value = f64> {
    let sizes = (-3.0_f64..30.0).prop_map(|exponent| 10_f64.powf(exponent));
    prop_oneof![Just(0.0), Just(1e30), 0.0_f64..1e12, sizes]
}

fn candidates() -> impl Generator<Value = Vec<Candidate>> {
    let one = (
        1_u32..40,
        -6.0_f64..4.0,
        0.0_f64..1.0,
        any_size(),
        0_u32..500,
    );
    prop::collection::vec(one, 1..30).prop_map(|nodes| {
        let all = (0..)
            .zip(nodes)
            .map(|(id, (cpus, exponent, latency, placed, already))| {
                candidate(
                    node(id, cpus, 1e6 * 10_f64.powf(exponent), latency),
                    placed,
                    already,
                )
            });
        all.collect()
    })
}

proptest! {
    #[test]
    fn all_are_placed(
        candidates in candidates(),
        work in any_size(),
        bytes in any_size(),
        count in 0_u32..20_000,
    ) {
        for name in NAMES {
            let counts = by_name(name).unwrap().place(&candidates, cost(work, bytes), count);
            prop_assert_eq!(counts.len(), candidates.len());
            prop_assert_eq!(counts.iter().sum::<u32>(), count, "{}", name);
        }
    }

    #[test]
    fn adaptive_rounds_are_no_longer_than_those_of_the_index(candidates in candidates(), count in 1_u32..5000) {
        let fresh: Vec<_> = candidates.iter().map(|of| candidate(of.performance, 0.0, 0)).collect();
        let cost = cost(1e6, 100.0);
        let longest = |name: &str| {
            let counts = by_name(name).unwrap().place(&fresh, cost, count);
            let times = fresh.iter().zip(counts).map(|(of, count)| of.performance.round_seconds(count, cost));
            times.fold(0.0, f64::max)
        };
        let (adaptive, index) = (longest("adaptive"), longest("performance-index"));
        prop_assert!(adaptive <= 1.05 * index + 1e-9, "{} and {}", adaptive, index);
    }

    #[test]
    fn noise_moves_next_to_nothing_on_even_nodes(seed: u64, nodes in 2_usize..20, each in 5_u32..150) {
        let mut cluster = Cluster::new(&vec![1e6; nodes], 1, each * nodes as u32);
        (cluster.jitter, cluster.seed) = (0.05, seed);
        let mut strategy = by_name("adaptive").unwrap();
        cluster.run(&mut *strategy, 40, FREE);
        // The first rounds show what is noise; moving is free here.
        let tiles = each * nodes as u32;
        let [early, late] = [&cluster.moved[..5], &cluster.moved[5..]].map(|moved| moved.iter().sum::<u32>());
        prop_assert!(early <= tiles / 10 + 2, "{:?} of {}", cluster.moved, tiles);
        prop_assert!(late <= tiles / 20 + 2, "{:?} of {}", cluster.moved, tiles);
        let most = cluster.counts.iter().copied().max().unwrap();
        prop_assert!(f64::from(most) <= 1.08 * f64::from(each) + 1.0, "{:?}", cluster.counts);
    }

    #[test]
    fn whatever_the_nodes_do_the_rounds_get_short(
        speeds in prop::collection::vec(0.2e6_f64..5e6, 2..20),
        cpus in 1_u32..5,
        tiles in 1_u32..3000,
    ) {
        // All are believed to be alike.
        let mut cluster = Cluster::new(&vec![1e6; speeds.len()], cpus, tiles);
        cluster.speeds = speeds;
        cluster.run(&mut *by_name("adaptive").unwrap(), 6, FREE);
        // Nodes that had nothing at first are still believed in: bound by those that have some.
        let machines: Vec<_> = cluster.speeds.iter().zip(&cluster.counts)
            .filter(|(_, count)| **count > 0)
            .map(|(speed, _)| waves::Machine { start: 0.0, wave: 1e6 / speed, others: 0.0, cpus, already: 0 })
            .collect();
        let best = machines.iter().zip(waves::fill(&machines, tiles)).map(|(of, count)| of.time(count)).fold(0.0, f64::max);
        let last = cluster.lengths[5];
        prop_assert!(last <= 1.06 * best, "{} but {}: {:?}", last, best, cluster.counts);
    }
}
