//! Argon2id of a list of passwords (the paper's Fig. 1), on one MsVPU and on as many as there are
//! CPUs, and how much faster that was.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use msvpu::{PasswordHash, Passwords, VirtualMachine};

/// How long one MsVPU is to have work, about.
const ALONE: Duration = Duration::from_millis(300);

const TILES_PER_CPU: usize = 4;

/// Both are measured so often, in turn, and the best counts: others may be using the CPUs too.
const TURNS: usize = 3;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let cpus = thread::available_parallelism()?.get();

    // The same number of tiles for each CPU, of so many passwords that they fill the time here.
    let (took, _) = hash(1, 4, 4).await?;
    let fitting = (ALONE.as_secs_f64() * 4.0 / took.as_secs_f64()) as usize;
    let tiles = TILES_PER_CPU * cpus;
    let chunk = (fitting / tiles).max(1);
    let passwords = tiles * chunk;

    let (mut alone, mut together) = (Duration::MAX, Duration::MAX);
    for _ in 0..TURNS {
        let (took, one) = hash(1, passwords, passwords).await?;
        alone = alone.min(took);
        let (took, all) = hash(cpus, passwords, chunk).await?;
        together = together.min(took);
        assert_eq!(one, all, "the hashes depend on nothing but the list");
    }

    let program = PasswordHash::new("");
    println!(
        "argon2id of {passwords} passwords, {} KiB and {} passes each",
        program.memory_kib, program.iterations
    );
    println!("   1 CPU,   1 MsVPU:  {alone:>10.1?}");
    println!("{cpus:>4} CPUs, {tiles:>3} MsVPUs: {together:>10.1?}");
    println!(
        "speed-up over one MsVPU: {:.2}",
        alone.as_secs_f64() / together.as_secs_f64()
    );
    Ok(())
}

/// Hashes `count` passwords on `cpus` CPUs, `chunk` to an MsVPU: the time from the submission to
/// the result, and the hashes.
async fn hash(
    cpus: usize,
    count: usize,
    chunk: usize,
) -> Result<(Duration, Vec<String>), Box<dyn Error>> {
    let machine = VirtualMachine::local()
        .workers(cpus)
        .service::<PasswordHash>()
        .start()
        .await?;
    let program = PasswordHash {
        chunk: Some(u32::try_from(chunk)?),
        ..PasswordHash::new("for demonstration only")
    };
    let passwords = Passwords::from_iter((0..count).map(|number| format!("password {number}")));
    let start = Instant::now();
    let hashes = machine.run(program, passwords).await?.output;
    let took = start.elapsed();
    machine.shutdown().await;
    Ok((took, hashes))
}
