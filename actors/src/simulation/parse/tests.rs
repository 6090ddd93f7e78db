mod arbitrary;
mod errors;
mod values;

use super::*;

/// A spec that uses everything once.
const COMPLETE: &str = r#"
seed = 7
strategy = "adaptive"
compute = "real"
communication = { name = "mine", envelope_bytes = 64, handling_us = 5 }
lease_ms = 1500
jitter = 0.05

[[nodes]]
name = "fast"
cpus = 8
speed = 2e9
latency_ms = 0.2
bandwidth_mbps = 1000

[[nodes]]
name = "edge"
count = 3
cpus = { min = 1, max = 8 }
speed = { mean = 1e9, sd = 1e8 }
latency_ms = { min = 1, max = 2.5 }

[[jobs]]
name = "tables"
service = "pairwise"
at_ms = 10
tiles = 1000
tile_size = "1024x786"
rounds = 10
complexity = "x^2"
tile_bytes = "3*x"
partial_bytes = 24
owner = "a"
priority = "high"

[[jobs]]
name = "small"
count = 2
every_ms = 5
tiles = 4
tile_size = 100

[[faults]]
at_ms = 100
kind = "kill"
node = "fast"
restart_after_ms = 500

[[faults]]
at_ms = 1.5
kind = "pause"
node = "edge-1"
duration_ms = 20

[[faults]]
kind = "slow"
node = "edge-2"
factor = 0.25

[[faults]]
kind = "partition"
node = "edge-3"
direction = "out"
duration_ms = 30

[[faults]]
kind = "join"
node = "edge-1"

[[faults]]
kind = "link"
node = "fast"
loss = 0.1
reordering = 1
duration_ms = 40

[[faults]]
kind = "panic"
job = "tables"
tile = 999
round = 10

[[faults]]
kind = "poison"
job = "small-2"
tile = 0
round = 1
"#;

fn read(text: &str) -> Result<Spec> {
    Spec::parse(text, "test.toml")
}
