use super::*;
use crate::job::Priority;
use crate::simulation::formula::Formula;
use crate::simulation::spec::{Direction, Fault, FaultKind, JobSpec, NodeSpec};

#[test]
fn everything_that_is_written_is_read() {
    let spec = read(COMPLETE).unwrap();
    assert_eq!(spec.seed, 7);
    assert_eq!(spec.strategy, "adaptive");
    assert_eq!(spec.compute, ComputeMode::Real);
    assert_eq!(
        spec.communication,
        Communication {
            name: "mine".to_owned(),
            envelope_bytes: 64.0,
            handling: Duration::from_micros(5),
            ..Communication::default()
        }
    );
    assert_eq!(spec.lease, Duration::from_millis(1500));
    assert_eq!(spec.jitter, 0.05);
    assert_eq!(
        spec.nodes[0],
        NodeSpec {
            name: "fast".to_owned(),
            cpus: 8,
            speed: 2e9,
            latency: Duration::from_micros(200),
            bandwidth: 1e9,
        }
    );
    assert_eq!(
        spec.jobs[0],
        JobSpec {
            name: "tables".to_owned(),
            service: "pairwise".to_owned(),
            at: Duration::from_millis(10),
            tiles: 1000,
            tile_size: 804_864.0,
            rounds: 10,
            complexity: Formula::parse("x^2").unwrap(),
            tile_bytes: Formula::parse("3*x").unwrap(),
            partial_bytes: Formula::from(24),
            owner: "a".to_owned(),
            priority: Priority::High,
        }
    );
    let small = |name: &str, at: u64| JobSpec {
        name: name.to_owned(),
        service: "pairwise".to_owned(),
        at: Duration::from_millis(at),
        tiles: 4,
        tile_size: 100.0,
        rounds: 1,
        complexity: Formula::x(),
        tile_bytes: Formula::x(),
        partial_bytes: Formula::from(24),
        owner: "default".to_owned(),
        priority: Priority::Normal,
    };
    assert_eq!(spec.jobs[1..], [small("small-1", 0), small("small-2", 5)]);
    let milliseconds = Duration::from_millis;
    let kinds = [
        (
            milliseconds(100),
            FaultKind::Kill {
                node: 0,
                restart_after: Some(milliseconds(500)),
            },
        ),
        (
            Duration::from_micros(1500),
            FaultKind::Pause {
                node: 1,
                duration: milliseconds(20),
            },
        ),
        (
            Duration::ZERO,
            FaultKind::Slow {
                node: 2,
                factor: 0.25,
                duration: None,
            },
        ),
        (
            Duration::ZERO,
            FaultKind::Partition {
                node: 3,
                direction: Direction::Out,
                duration: milliseconds(30),
            },
        ),
        (Duration::ZERO, FaultKind::Join { node: 1 }),
        (
            Duration::ZERO,
            FaultKind::Link {
                node: 0,
                loss: 0.1,
                duplication: 0.0,
                reordering: 1.0,
                duration: Some(milliseconds(40)),
            },
        ),
        (
            Duration::ZERO,
            FaultKind::Panic {
                job: 0,
                tile: 999,
                round: 10,
            },
        ),
        (
            Duration::ZERO,
            FaultKind::Poison {
                job: 2,
                tile: 0,
                round: 1,
            },
        ),
    ];
    assert_eq!(spec.faults, kinds.map(|(at, kind)| Fault { at, kind }));
}

#[test]
fn what_is_left_out_has_its_default() {
    let spec = read("[[nodes]]\nname = 'only'").unwrap();
    assert_eq!(
        spec,
        Spec {
            seed: 0,
            compute: ComputeMode::Cost,
            strategy: "performance-index".to_owned(),
            communication: Communication::preset("amqp").unwrap(),
            lease: Duration::from_secs(2),
            jitter: 0.0,
            nodes: vec![NodeSpec {
                name: "only".to_owned(),
                cpus: 1,
                speed: 1e9,
                latency: Duration::from_micros(500),
                bandwidth: 1e9,
            }],
            jobs: Vec::new(),
            faults: Vec::new(),
        }
    );
}

#[test]
fn the_reference_states_the_defaults() {
    let reference = read(include_str!("../reference.toml")).unwrap();
    let left_out = read(
        "
        [[nodes]]
        name = 'fast'
        [[nodes]]
        name = 'edge'
        count = 1000
        cpus = { min = 1, max = 8 }
        speed = { mean = 1e9, sd = 2e8 }
        [[jobs]]
        name = 'tables'
        count = 3
        tiles = 1000
        tile_size = '1024x786'
        [[faults]]
        kind = 'kill'
        node = 'fast'
        at_ms = 100
        restart_after_ms = 500
        ",
    );
    assert_eq!(reference, left_out.unwrap());
}

#[test]
fn a_communication_model_builds_on_the_preset_of_its_name() {
    let communication = |value: &str| {
        let text = format!("communication = {value}\n[[nodes]]\nname = 'only'");
        read(&text).unwrap().communication
    };
    let acl = Communication::preset("acl").unwrap();
    assert_eq!(communication("'acl'"), acl);
    let slower = communication("{ name = 'acl', handling_us = 900, migration_bytes = 1e6 }");
    assert_eq!(
        slower,
        Communication {
            handling: Duration::from_micros(900),
            migration_bytes: 1e6,
            ..acl
        }
    );
}

const DRAWN: &str = "
[[nodes]]
name = 'even'
count = 4000
cpus = { min = 2, max = 5 }
speed = { min = 1e9, max = 3e9 }
latency_ms = { min = 1, max = 3 }

[[nodes]]
name = 'bell'
count = 4000
speed = { mean = 2e9, sd = 5e8 }
bandwidth_mbps = { mean = 100, sd = 90 }
";

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn nodes_are_drawn_from_their_distributions() {
    let nodes = read(DRAWN).unwrap().nodes;
    assert_eq!(nodes.len(), 8000);
    let (even, bell) = nodes.split_at(4000);
    assert_eq!(even[0].name, "even-1");
    assert_eq!(bell[3999].name, "bell-4000");

    for cpus in 2..=5 {
        let count = even.iter().filter(|node| node.cpus == cpus).count();
        // Binomial with p = 1/4: 27 is one standard deviation.
        assert!(count.abs_diff(1000) < 120, "{cpus}: {count}");
    }
    assert!(even.iter().all(|node| (2..=5).contains(&node.cpus)));
    assert!(even.iter().all(|node| (1e9..3e9).contains(&node.speed)));
    let speed = mean(even.iter().map(|node| node.speed));
    assert!((speed / 2e9 - 1.0).abs() < 0.03, "{speed}");
    let (least, most) = (Duration::from_millis(1), Duration::from_millis(3));
    assert!(
        even.iter()
            .all(|node| (least..=most).contains(&node.latency))
    );
    let latency = mean(even.iter().map(|node| node.latency.as_secs_f64()));
    assert!((latency / 2e-3 - 1.0).abs() < 0.03, "{latency}");

    let speed = mean(bell.iter().map(|node| node.speed));
    assert!((speed / 2e9 - 1.0).abs() < 0.03, "{speed}");
    let variance = mean(bell.iter().map(|node| (node.speed - 2e9).powi(2)));
    assert!((variance.sqrt() / 5e8 - 1.0).abs() < 0.05, "{variance}");
    // More than a tenth of the bell is below zero: it stops at a hundredth of the mean.
    assert!(bell.iter().all(|node| node.bandwidth >= 1e6));
    let stopped = bell.iter().filter(|node| node.bandwidth == 1e6).count();
    assert!((400..700).contains(&stopped), "{stopped}");
    // What is drawn for one quantity says nothing of another.
    let product = mean(
        even.iter()
            .map(|node| (node.speed / 1e9 - 2.0) * (node.latency.as_secs_f64() * 1e3 - 2.0)),
    );
    assert!(product.abs() < 0.03, "{product}");
}

#[test]
fn the_seed_decides_what_is_drawn_and_nothing_else_changes_it() {
    let nodes = |text: &str| read(text).unwrap().nodes;
    let drawn = nodes(DRAWN);
    assert_eq!(nodes(DRAWN), drawn);
    let other = Spec::parse_with_seed(DRAWN, "test.toml", 1).unwrap();
    assert_eq!(other.seed, 1);
    assert_ne!(other.nodes, drawn);
    assert_eq!(nodes(&format!("seed = 1\n{DRAWN}")), other.nodes);

    // More nodes, another distribution of another quantity: those that were there stay.
    let longer = nodes(&DRAWN.replacen("count = 4000", "count = 4001", 1));
    assert_eq!(longer[..4000], drawn[..4000]);
    assert_eq!(longer[4001..], drawn[4000..]);
    let fixed = nodes(&DRAWN.replace("cpus = { min = 2, max = 5 }", "cpus = 1"));
    assert!(
        fixed
            .iter()
            .zip(&drawn)
            .all(|(a, b)| a.speed == b.speed && a.latency == b.latency)
    );
}

#[test]
fn a_seed_that_is_given_is_used_instead_of_the_one_in_the_text() {
    let spec = Spec::parse_with_seed(COMPLETE, "test.toml", u64::MAX).unwrap();
    assert_eq!(spec.seed, u64::MAX);
    let text = COMPLETE.replace("seed = 7", "seed = 18446744073709551615");
    assert_eq!(read(&text).unwrap(), spec);
}
