//! What a seed stands for: a cluster, jobs and faults.

use std::time::Duration;

use msvpu::{
    CMeans, Communication, ComputeMode, Direction, Fault, FaultKind, FuzzyCMeans, Init, NodeSpec,
    SampleType, Scene, Settings, Shape, Spec, Start, Tiling,
};

use crate::draw::Draw;
use crate::heavy::Heavy;

/// The jobs that campaigns draw from.
pub(crate) const VARIANTS: u64 = 6;

/// As good as for ever.
const FOR_EVER: Duration = Duration::from_secs(24 * 3600);

fn settings(variant: u64) -> Settings {
    Settings {
        max_iterations: 12,
        tiles: Tiling::new(1 + (variant as u32 % 3), 1 + (variant as u32 / 2)),
        ..Settings::new(Start::Classes {
            classes: 2 + variant as u32 % 3,
            init: if variant.is_multiple_of(2) {
                Init::Linear
            } else {
                Init::KMeansPlusPlus
            },
            seed: variant,
        })
    }
}

pub(crate) fn scene(variant: u64) -> Scene {
    let (sample, bands) = [
        (SampleType::U8, 1),
        (SampleType::U8, 3),
        (SampleType::F32, 1),
        (SampleType::U16, 1),
        (SampleType::U8, 1),
        (SampleType::F32, 2),
    ][variant as usize];
    let mut draw = Draw::new(variant);
    let (height, width) = (12, 15);
    let samples = height * width * u64::from(bands);
    let bytes: Vec<u8> = (0..samples)
        .flat_map(|_| {
            let value = draw.between(0, 200) as u8;
            match sample {
                SampleType::U8 => vec![value],
                SampleType::U16 => (u16::from(value) * 3).to_ne_bytes().to_vec(),
                _ => f32::from(value).to_ne_bytes().to_vec(),
            }
        })
        .collect();
    let shape = Shape {
        height: height as u32,
        width: width as u32,
        bands,
        sample,
    };
    Scene::new(shape, bytes).unwrap()
}

pub(crate) fn hard(variant: u64) -> Heavy<CMeans> {
    Heavy(CMeans::new(settings(variant)))
}

pub(crate) fn soft(variant: u64) -> Heavy<FuzzyCMeans> {
    Heavy(FuzzyCMeans::new(settings(variant)))
}

fn nodes(draw: &mut Draw) -> Vec<NodeSpec> {
    // Far from each other in some: what is overtaken there comes when leases have run out.
    let farthest = if draw.chance(0.2) { 80_000 } else { 10_000 };
    (1..=draw.between(2, 5))
        .map(|i| NodeSpec {
            name: format!("n{i}"),
            cpus: draw.between(1, 3) as u32,
            speed: 1e8 * (0.5 + draw.uniform()),
            latency: Duration::from_micros(draw.between(100, farthest)),
            bandwidth: 1e8,
        })
        .collect()
}

/// A fault, and until when it lasts.
fn fault(draw: &mut Draw, nodes: usize) -> (Fault, Duration) {
    let at = draw.ms(0, 3000);
    let node = draw.between(0, nodes as u64 - 1) as usize;
    let duration = draw.ms(50, 3000);
    let mut until = at + duration;
    let kind = match draw.between(0, 9) {
        0..=2 => FaultKind::Kill {
            node,
            // The first node always comes back, so that there is one in the end.
            restart_after: (node == 0 || draw.chance(0.7)).then_some(duration),
        },
        3 => FaultKind::Pause { node, duration },
        4 => FaultKind::Slow {
            node,
            factor: 0.1 + draw.uniform(),
            duration: Some(duration),
        },
        5..=6 => FaultKind::Partition {
            node,
            direction: [Direction::Both, Direction::In, Direction::Out]
                [draw.between(0, 2) as usize],
            duration: if node > 0 && draw.chance(0.2) {
                // As good as dead, and the others have to do without it.
                until = at;
                FOR_EVER
            } else {
                duration
            },
        },
        7 => {
            until = at;
            FaultKind::Join { node }
        }
        _ => FaultKind::Link {
            node,
            loss: 0.3 * draw.uniform(),
            duplication: 0.3 * draw.uniform(),
            reordering: 0.3 * draw.uniform(),
            duration: Some(duration),
        },
    };
    (Fault { at, kind }, until)
}

pub(crate) struct Plan {
    pub(crate) spec: Spec,
    /// When the last fault is over.
    pub(crate) healed: Duration,
    pub(crate) jobs: Vec<Planned>,
}

#[derive(Clone, Copy)]
pub(crate) struct Planned {
    pub(crate) soft: bool,
    pub(crate) variant: u64,
    pub(crate) at: Duration,
    /// The tile of this job that takes its node with it.
    pub(crate) poison: Option<u32>,
    /// The one that panics, and in which round.
    pub(crate) panic: Option<(u32, u32)>,
}

pub(crate) fn plan(seed: u64) -> Plan {
    let mut draw = Draw::new(seed);
    let nodes = nodes(&mut draw);
    let (mut faults, mut healed) = (Vec::new(), Duration::ZERO);
    for _ in 0..draw.between(0, 8) {
        let (fault, until) = fault(&mut draw, nodes.len());
        let joins = |of: &Fault| matches!(of.kind, FaultKind::Join { .. }) && of.kind == fault.kind;
        // At least one node is there from the start, and each joins once.
        if fault.kind != (FaultKind::Join { node: 0 }) && !faults.iter().any(joins) {
            faults.push(fault);
            healed = healed.max(until);
        }
    }
    let jobs: Vec<Planned> = (0..draw.between(1, 3) as usize)
        .map(|job| {
            let variant = draw.between(0, VARIANTS - 1);
            let tiles = settings(variant).tiles.unwrap();
            let tile =
                draw.between(0, u64::from(tiles.rows.get() * tiles.columns.get()) - 1) as u32;
            let round = draw.between(1, 3) as u32;
            let at = Duration::MAX;
            let (mut poison, mut panic) = (None, None);
            if draw.chance(0.04) {
                poison = Some(tile);
                faults.push(Fault {
                    at,
                    kind: FaultKind::Poison { job, tile, round },
                });
            } else if draw.chance(0.04) {
                panic = Some((tile, round));
                faults.push(Fault {
                    at,
                    kind: FaultKind::Panic { job, tile, round },
                });
            }
            Planned {
                soft: draw.chance(0.5),
                variant,
                at: draw.ms(0, 1500),
                poison,
                panic,
            }
        })
        .collect();
    let spec = Spec {
        seed,
        compute: ComputeMode::Real,
        strategy: ["performance-index", "uniform", "least-loaded", "adaptive"]
            [draw.between(0, 3) as usize]
            .to_owned(),
        communication: Communication::default(),
        lease: Duration::from_millis(400),
        jitter: 0.2 * draw.uniform(),
        nodes,
        jobs: Vec::new(),
        faults,
    };
    Plan { spec, healed, jobs }
}
