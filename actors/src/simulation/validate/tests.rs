use super::*;
use crate::simulation::spec::Direction;

/// Right: two nodes, two jobs of 4 tiles and 3 rounds, no fault.
fn spec() -> Spec {
    const TEXT: &str = "
        [[nodes]]
        name = 'n'
        count = 2
        [[jobs]]
        name = 'j'
        count = 2
        tiles = 4
        tile_size = 10
        rounds = 3
    ";
    Spec::parse(TEXT, "spec").unwrap()
}

#[track_caller]
fn refused(change: impl FnOnce(&mut Spec), message: &str) {
    let mut spec = spec();
    change(&mut spec);
    assert_eq!(spec.validate().unwrap_err().to_string(), message);
}

const NAME: &str = "it must be 1 to 64 letters, digits, `-`, `_` or `.`";

#[test]
fn a_spec_is_wrong_as_a_whole() {
    assert_eq!(spec().validate(), Ok(()));
    refused(
        |spec| spec.strategy = "fair".to_owned(),
        "`strategy` is `fair`; it must be one of performance-index, uniform, least-loaded, adaptive",
    );
    refused(
        |spec| spec.lease = Duration::ZERO,
        "`lease` is 0ns; it must be between 1ms and 3600s",
    );
    refused(
        |spec| spec.jitter = f64::NAN,
        "`jitter` is NaN; it must be at least 0 and below 1",
    );
    refused(
        |spec| spec.jitter = 1.0,
        "`jitter` is 1; it must be at least 0 and below 1",
    );
    refused(
        |spec| spec.nodes.clear(),
        "`nodes` is empty; a cluster needs at least one node",
    );
    refused(
        |spec| spec.nodes = vec![spec.nodes[0].clone(); 100_001],
        "`nodes` has 100001 entries; at most 100000 are taken",
    );
    refused(
        |spec| spec.jobs = vec![spec.jobs[0].clone(); 10_001],
        "`jobs` has 10001 entries; at most 10000 are taken",
    );
}

#[test]
fn a_communication_model_is_wrong() {
    refused(
        |spec| spec.communication.name.clear(),
        &format!("`communication.name` is \"\"; {NAME}"),
    );
    refused(
        |spec| spec.communication.envelope_bytes = -1.0,
        "`communication.envelope_bytes` is -1; it must be between 0 and 1e15",
    );
    refused(
        |spec| spec.communication.expansion = 0.0,
        "`communication.expansion` is 0; it must be between 0.001 and 1000",
    );
    refused(
        |spec| spec.communication.handling = Duration::from_secs(1001),
        "`communication.handling` is 1001s; it must be between 0ns and 1000s",
    );
    refused(
        |spec| spec.communication.migration_bytes = f64::INFINITY,
        "`communication.migration_bytes` is inf; it must be between 0 and 1e15",
    );
}

#[test]
fn a_node_is_wrong() {
    refused(
        |spec| spec.nodes[1].name = "a/b".to_owned(),
        &format!("`nodes[1].name` is \"a/b\"; {NAME}"),
    );
    refused(
        |spec| spec.nodes[1].name = spec.nodes[0].name.clone(),
        "`nodes[1].name` is `n-1`, as is `nodes[0].name`; names must differ",
    );
    refused(
        |spec| spec.nodes[0].cpus = 0,
        "`nodes[0].cpus` is 0; it must be a whole number between 1 and 65536",
    );
    refused(
        |spec| spec.nodes[0].speed = 0.0,
        "`nodes[0].speed` is 0; it must be between 1000 and 1e18",
    );
    refused(
        |spec| spec.nodes[0].latency = Duration::MAX,
        "`nodes[0].latency` is 18446744073709551615.999999999s; it must be between 0ns and 3600s",
    );
    refused(
        |spec| spec.nodes[1].bandwidth = f64::NAN,
        "`nodes[1].bandwidth` is NaN; it must be between 1000 and 1e15 bits per second",
    );
}

#[test]
fn a_job_is_wrong() {
    refused(
        |spec| spec.jobs[0].service = "c means".to_owned(),
        &format!("`jobs[0].service` is \"c means\"; {NAME}"),
    );
    refused(
        |spec| spec.jobs[1].name = spec.jobs[0].name.clone(),
        "`jobs[1].name` is `j-1`, as is `jobs[0].name`; names must differ",
    );
    refused(
        |spec| spec.jobs[1].owner.clear(),
        &format!("`jobs[1].owner` is \"\"; {NAME}"),
    );
    refused(
        |spec| spec.jobs[1].at = Duration::MAX,
        "`jobs[1].at` is 18446744073709551615.999999999s; it must be between 0ns and 31536000s",
    );
    refused(
        |spec| spec.jobs[1].tiles = 0,
        "`jobs[1].tiles` is 0; it must be a whole number between 1 and 10000000",
    );
    refused(
        |spec| spec.jobs[1].rounds = 0,
        "`jobs[1].rounds` is 0; it must be a whole number between 1 and 100000",
    );
    refused(
        |spec| spec.jobs[1].tile_size = 0.5,
        "`jobs[1].tile_size` is 0.5; it must be between 1 and 1e12",
    );
    let formula = |text: &str| text.parse::<Formula>().unwrap();
    refused(
        |spec| spec.jobs[1].complexity = formula("1/(x-10)"),
        "`jobs[1].complexity` is `1/(x-10)`, which gives inf for x = 10; it must be between 0 and 1e18",
    );
    refused(
        |spec| spec.jobs[1].tile_bytes = formula("x^10"),
        "`jobs[1].tile_bytes` is `x^10`, which gives 1e10 for x = 10; it must be between 0 and 1e9",
    );
    refused(
        |spec| spec.jobs[1].partial_bytes = formula("0-x"),
        "`jobs[1].partial_bytes` is `0-x`, which gives -10 for x = 10; it must be between 0 and 1e9",
    );
    let long = |spec: &mut Spec| {
        spec.jobs[1].tiles = 5;
        spec.jobs[1].partial_bytes = formula("1e9");
    };
    refused(
        long,
        "`jobs[1].partial_bytes` is `1e9`, which gives a round of 5000000000 bytes; it must be no longer than a tile, or 4000000000 at most in a round of all tiles",
    );
    let mut real = spec();
    long(&mut real);
    real.compute = ComputeMode::Real;
    assert_eq!(real.validate(), Ok(()), "its kernels say what they send");
}

/// A spec with this fault as its second.
#[track_caller]
fn refused_fault(kind: FaultKind, message: &str) {
    let right = Fault {
        at: Duration::ZERO,
        kind: FaultKind::Join { node: 0 },
    };
    let wrong = Fault {
        at: Duration::ZERO,
        kind,
    };
    refused(|spec| spec.faults = vec![right, wrong], message);
}

#[test]
fn a_fault_is_wrong() {
    let second = Duration::from_secs(1);
    refused_fault(
        FaultKind::Kill {
            node: 2,
            restart_after: None,
        },
        "`faults[1].node` is 2; it must be a whole number between 0 and 1",
    );
    refused_fault(
        FaultKind::Kill {
            node: 1,
            restart_after: Some(Duration::ZERO),
        },
        "`faults[1].restart_after` is 0ns; it must be between 1µs and 31536000s",
    );
    refused_fault(
        FaultKind::Pause {
            node: 0,
            duration: Duration::MAX,
        },
        "`faults[1].duration` is 18446744073709551615.999999999s; it must be between 1µs and 31536000s",
    );
    refused_fault(
        FaultKind::Partition {
            node: 9,
            direction: Direction::In,
            duration: second,
        },
        "`faults[1].node` is 9; it must be a whole number between 0 and 1",
    );
    refused_fault(
        FaultKind::Slow {
            node: 0,
            factor: -0.5,
            duration: None,
        },
        "`faults[1].factor` is -0.5; it must be between 0.001 and 1000",
    );
    let link = |loss, duplication, reordering| FaultKind::Link {
        node: 0,
        loss,
        duplication,
        reordering,
        duration: Some(second),
    };
    for (kind, name) in [
        (link(1.5, 0.0, 0.0), "loss"),
        (link(0.0, 1.5, 0.0), "duplication"),
        (link(0.0, 0.0, 1.5), "reordering"),
    ] {
        let message = format!("`faults[1].{name}` is 1.5; it must be between 0 and 1");
        refused_fault(kind, &message);
    }
    refused_fault(
        FaultKind::Join { node: 0 },
        "the node `n-1` of `faults[1].kind` joins already by `faults[0].kind`; it can join once",
    );
    let (job, round) = (1, 1);
    refused_fault(
        FaultKind::Panic {
            job,
            tile: 4,
            round,
        },
        "`faults[1].tile` is 4; it must be a whole number between 0 and 3",
    );
    refused_fault(
        FaultKind::Poison {
            job,
            tile: 3,
            round: 4,
        },
        "`faults[1].round` is 4; it must be a whole number between 1 and 3",
    );
    refused(
        |spec| {
            spec.faults = vec![Fault {
                at: Duration::MAX,
                kind: FaultKind::Join { node: 0 },
            }];
        },
        "`faults[0].at` is 18446744073709551615.999999999s; it must be between 0ns and 31536000s",
    );
}

#[test]
fn faults_of_steps_need_no_time_and_may_speak_of_jobs_planned_in_code() {
    let mut spec = spec();
    spec.faults = vec![Fault {
        at: Duration::MAX,
        kind: FaultKind::Poison {
            job: 7,
            tile: 100,
            round: 100,
        },
    }];
    assert_eq!(spec.validate(), Ok(()));
}
