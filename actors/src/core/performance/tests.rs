use super::*;
use crate::core::allotment::whole;
use proptest::prelude::*;

const PROBE: Probe = Probe {
    bytes: 1000.0,
    work: 1e6,
};

fn node(id: u32, cpus: u32, compute: f64, latency: f64) -> NodePerformance {
    NodePerformance::new(NodeId(id), cpus, PROBE, compute, latency).unwrap()
}

fn cost(work: f64, bytes: f64) -> StepCost {
    StepCost::new(work, bytes).unwrap()
}

fn measured(compute_ms: u64, execution_ms: u64) -> Measured {
    Measured {
        node: NodeId(7),
        cpus: 2,
        compute: Duration::from_millis(compute_ms),
        execution: Duration::from_millis(execution_ms),
    }
}

#[track_caller]
fn near(left: f64, right: f64) {
    assert!(
        (left - right).abs() <= 1e-9 * right.abs().max(1e-9),
        "{left} is not {right}"
    );
}

#[track_caller]
fn all_near(left: &[f64], right: &[f64]) {
    assert_eq!(left.len(), right.len());
    for (left, right) in left.iter().zip(right) {
        near(*left, *right);
    }
}

#[test]
fn the_initial_index_of_equation_1() {
    // TE = 20, 40, 50 ms; min = 20: 20/20 = 1, 20/40 = 0.5, 20/50 = 0.4.
    all_near(
        &performance_indices(&[0.020, 0.040, 0.050]),
        &[1.0, 0.5, 0.4],
    );
    // Nobody takes any time: all are the fastest.
    assert_eq!(performance_indices(&[0.0, 0.0]), [1.0, 1.0]);
    assert!(performance_indices(&[]).is_empty());
}

#[test]
fn times_of_other_work_by_equations_5_to_7() {
    // Tp = 8 ms for C0 = 10⁶, so for C_k = 4·10⁶: 8 · 4 = 32 ms.
    // TL = 2 ms for Z0 = 1000, so for Z_k = 3000: 2 · 3 = 6 ms.
    // TE' = 32 / 4 CPUs + 6 = 14 ms.
    let node = node(1, 4, 0.008, 0.002);
    let cost = cost(4e6, 3000.0);
    near(node.compute_seconds(cost.work()), 0.032);
    near(node.latency_seconds(cost), 0.006);
    near(node.execution_seconds(cost), 0.014);
}

#[test]
fn load_indices_by_equations_4_8_and_9() {
    // Tp = 10, 20, 40 ms on 1, 1, 4 CPUs and no latency, C_k = C_0: TE' = 10, 20, 10 ms.
    // NPI = 1, 0.5, 1 (eq. 4); the mean is 2.5 / 3 (eq. 9).
    // NLI = 12/3 · NPI / (2.5/3) = 4.8, 2.4, 4.8 (eq. 8): whole 4, 2, 4; the two left to .8 and .8.
    let nodes = [
        node(1, 1, 0.010, 0.0),
        node(2, 1, 0.020, 0.0),
        node(3, 4, 0.040, 0.0),
    ];
    let times = nodes.map(|node| node.execution_seconds(cost(1e6, 0.0)));
    let indices = performance_indices(&times);
    all_near(&indices, &[1.0, 0.5, 1.0]);
    near(mean(&indices), 2.5 / 3.0);
    let loads = load_indices(12.0, &indices);
    all_near(&loads, &[4.8, 2.4, 4.8]);
    assert_eq!(whole(12, &loads), [5, 2, 5]);
}

#[test]
fn two_sizes_tell_latency_and_bandwidth_apart() {
    // TL = 6 − 1 = 5 ms for 1000 bytes and 14 − 1 = 13 ms for 5000:
    // β = 8 ms / 4000 = 2 µs per byte, α = 5 − 2 = 3 ms. For Z_k = 500: 3 + 1 = 4 ms, where the
    // single point of eq. 6, that of the larger probe, says 13 · 500/5000 = 1.3 ms.
    let large = Probe {
        bytes: 5000.0,
        ..PROBE
    };
    let node =
        NodePerformance::measured_twice((PROBE, measured(1, 6)), (large, measured(1, 14))).unwrap();
    assert_eq!(node.network().latency, Duration::from_millis(3));
    near(node.network().seconds_per_byte, 2e-6);
    near(node.transfer_seconds(cost(0.0, 500.0)), 0.004);
    near(node.latency_seconds(cost(0.0, 500.0)), 0.0013);
    // Whichever was the first: 1 MB takes 2.6 s, and not the 5 s of a probe that was mostly latency.
    let turned =
        NodePerformance::measured_twice((large, measured(1, 14)), (PROBE, measured(1, 6))).unwrap();
    for node in [node, turned] {
        near(node.latency_seconds(cost(0.0, 1e6)), 2.6);
    }
    assert_eq!((node.node(), node.cpus()), (NodeId(7), 2));

    // With one size the line is eq. 6.
    let node = NodePerformance::measured(PROBE, measured(1, 6)).unwrap();
    near(node.transfer_seconds(cost(0.0, 500.0)), 0.0025);
}

#[test]
fn noise_makes_no_negative_latency_or_bandwidth() {
    // The larger took less: β = 0, α = (5 + 3) / 2 = 4 ms.
    let flat = NetworkCost::fit([(1000.0, 0.005), (5000.0, 0.003)]);
    assert_eq!(
        flat,
        NetworkCost {
            latency: Duration::from_millis(4),
            seconds_per_byte: 0.0
        }
    );
    // The line through (1, 1) and (3, 9) meets 0 at −3: α = 0,
    // β = (1·1 + 3·9) / (1 + 9) = 2.8.
    let steep = NetworkCost::fit([(1.0, 1.0), (3.0, 9.0)]);
    assert_eq!(steep.latency, Duration::ZERO);
    near(steep.seconds_per_byte, 2.8);
}

#[test]
fn a_round_is_whole_waves_and_the_last_messages() {
    // Tp' = 10 ms on 4 CPUs, TL' = 2 ms: 1 to 4 in 1 · 10 + 2, 5 in 2 · 10 + 2.
    let slow = node(1, 4, 0.010, 0.0);
    let slow = NodePerformance {
        network: NetworkCost {
            latency: Duration::from_millis(2),
            seconds_per_byte: 0.0,
        },
        ..slow
    };
    let step = cost(1e6, 100.0);
    assert_eq!(slow.round_seconds(0, step), 0.0);
    near(slow.round_seconds(1, step), 0.012);
    near(slow.round_seconds(4, step), 0.012);
    near(slow.round_seconds(5, step), 0.022);
    // 2 µs a byte, 4 CPUs, 2500 bytes each: 20 ms a wave of messages, more than its 10 ms of work.
    // One wave: 20 + 5 = 25 ms.
    let far = node(1, 4, 0.010, 0.002);
    near(far.round_seconds(4, cost(1e6, 2500.0)), 0.025);
}

#[test]
fn deviations_from_the_mean() {
    // Mean of 9, 10, 11 is 10: 0.1, 0, 0.1; the range is 2 of 10.
    all_near(&deviations(&[9.0, 10.0, 11.0]), &[0.1, 0.0, 0.1]);
    assert_eq!(deviations(&[0.0, 0.0]), [0.0, 0.0]);
}

#[test]
fn measurements_that_give_no_share_are_refused_by_name() {
    let refused = |cpus, probe, compute, latency| {
        let error = NodePerformance::new(NodeId(3), cpus, probe, compute, latency);
        error.unwrap_err().to_string()
    };
    let empty = Probe {
        bytes: 0.0,
        ..PROBE
    };
    let idle = Probe {
        work: f64::NAN,
        ..PROBE
    };
    for (message, words) in [
        (
            refused(0, PROBE, 1.0, 1.0),
            ["the number of CPUs is 0", "at least 1"],
        ),
        (
            refused(1, PROBE, f64::NAN, 1.0),
            ["compute time is NaN", "more than 0"],
        ),
        (
            refused(1, PROBE, 0.0, 1.0),
            ["compute time is 0", "more than 0"],
        ),
        (
            refused(1, PROBE, -2.0, 1.0),
            ["compute time is -2", "more than 0"],
        ),
        (
            refused(1, PROBE, 1.0, f64::INFINITY),
            ["latency is inf", "from 0 to 1e9"],
        ),
        (
            refused(1, PROBE, 1.0, f64::NAN),
            ["latency is NaN", "from 0 to 1e9"],
        ),
        (
            refused(1, PROBE, 1.0, -0.5),
            ["latency is -0.5", "from 0 to 1e9"],
        ),
        (
            refused(1, PROBE, 2e9, 0.0),
            ["compute time is 2000000000", "at most 1e9"],
        ),
        (
            refused(1, empty, 1.0, 0.0),
            ["size of the probe is 0", "from 1"],
        ),
        (
            refused(1, idle, 1.0, 0.0),
            ["work of the probe is NaN", "from 1"],
        ),
    ] {
        assert!(message.starts_with("node 3: "), "{message}");
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
    }
    // Computing cannot take longer than the whole.
    let error = NodePerformance::measured(PROBE, measured(5, 4))
        .unwrap_err()
        .to_string();
    assert!(error.contains("node 7: the latency is -0.001"), "{error}");

    let twice = |second| NodePerformance::measured_twice((PROBE, measured(1, 2)), second);
    let other = Measured {
        node: NodeId(8),
        ..measured(1, 2)
    };
    let (node, bytes) = (NodeId(7), 1000.0);
    assert_eq!(
        twice((PROBE, other)),
        Err(PerformanceError::OtherNode {
            node,
            other: NodeId(8)
        })
    );
    assert_eq!(
        twice((PROBE, measured(1, 3))),
        Err(PerformanceError::OneSize { node, bytes })
    );
    for (work, bytes) in [
        (f64::NAN, 0.0),
        (1.0, -1.0),
        (f64::INFINITY, 0.0),
        (0.0, 1e31),
    ] {
        assert!(StepCost::new(work, bytes).is_err());
    }
}

fn nodes() -> impl Strategy<Value = Vec<NodePerformance>> {
    prop::collection::vec((1_u32..64, -9.0_f64..9.0, 0.0_f64..1e3), 1..40).prop_map(|nodes| {
        let node = |(id, (cpus, exponent, latency))| node(id, cpus, 10_f64.powf(exponent), latency);
        (0..).zip(nodes).map(node).collect()
    })
}

fn step_cost() -> impl Strategy<Value = StepCost> {
    (
        prop_oneof![Just(0.0), 0.0_f64..1e30],
        prop_oneof![Just(0.0), 0.0_f64..1e30],
    )
        .prop_map(|(work, bytes)| cost(work, bytes))
}

proptest! {
    #[test]
    fn shares_are_exact_and_follow_speed(
        nodes in nodes(),
        cost in step_cost(),
        msvpus in 0_u32..2_000_000,
    ) {
        let times: Vec<f64> = nodes.iter().map(|node| node.execution_seconds(cost)).collect();
        let indices = performance_indices(&times);
        prop_assert!(indices.iter().all(|index| *index > 0.0 && *index <= 1.0));
        let counts = whole(msvpus, &load_indices(f64::from(msvpus), &indices));
        prop_assert_eq!(counts.iter().sum::<u32>(), msvpus);
        for (i, time) in times.iter().enumerate() {
            let fastest = times.iter().all(|other| time <= other);
            prop_assert!(!fastest || indices[i] == 1.0);
            for (j, other) in times.iter().enumerate() {
                prop_assert!(time > other || counts[i] + 1 >= counts[j]);
            }
        }
    }

    #[test]
    fn only_ratios_count(times in prop::collection::vec(1e-6_f64..1e6, 1..40), power in -40_i32..40) {
        // A power of two scales without rounding.
        let scaled: Vec<f64> = times.iter().map(|time| time * 2_f64.powi(power)).collect();
        prop_assert_eq!(performance_indices(&scaled), performance_indices(&times));
        prop_assert_eq!(deviations(&scaled), deviations(&times));
    }

    #[test]
    fn a_line_without_noise_is_found(latency in 0.0_f64..10.0, slope in 0.0_f64..1e-3, z in 1.0_f64..1e6) {
        let time = |z: f64| latency + slope * z;
        let fit = NetworkCost::fit([(z, time(z)), (10.0 * z, time(10.0 * z))]);
        prop_assert!((fit.seconds(5.0 * z) - time(5.0 * z)).abs() <= 1e-6 + 1e-9 * time(5.0 * z));
    }
}
