//! A cancelled classification ends at once, whatever it is at.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that fails here says so"
)]

mod common;

use common::{noise, scene};
use msvpu::{
    CMeans, Cancellation, Centers, Context, FuzzyCMeans, Init, Program, ProgramError, Rank,
    SampleType, Settings, Start,
};

#[test]
fn a_cancelled_job_stops_in_every_step() {
    let cancelled = Context::new(Rank(0), 1, Cancellation::default());
    cancelled.cancellation().cancel();
    let running = Context::new(Rank(0), 1, Cancellation::default());
    for (bands, sample) in [
        (1, SampleType::U8),
        (1, SampleType::U16),
        (3, SampleType::F32),
    ] {
        let picture = scene((30, 30), bands, sample, |p, b| noise(p + b, 200));
        let program = FuzzyCMeans::default();
        let (mut tiles, task) = program.split(picture, &Cancellation::default()).unwrap();
        let tile = tiles.remove(0);
        let load = program.load(tile.clone(), &cancelled);
        assert_eq!(load.map(|_| ()), Err(ProgramError::Cancelled));
        let mut state = program.load(tile, &running).unwrap();
        let partial = program.local_step(&mut state, &task, &running).unwrap();
        let msvpu::Step::Next(task) = program
            .global_step(msvpu::Round(1), &task, &[partial], running.cancellation())
            .unwrap()
        else {
            panic!("a survey is followed by an iteration");
        };
        let step = program.local_step(&mut state, &task, &cancelled);
        assert_eq!(step.map(|_| ()), Err(ProgramError::Cancelled));
        let partial = program.local_step(&mut state, &task, &running).unwrap();
        let step =
            program.global_step(msvpu::Round(2), &task, &[partial], cancelled.cancellation());
        assert_eq!(step.map(|_| ()), Err(ProgramError::Cancelled));
    }
}

#[test]
fn a_search_for_first_centers_can_be_cancelled() {
    let context = Context::new(Rank(0), 1, Cancellation::default());
    let picture = scene((30, 30), 3, SampleType::U8, |p, b| noise(p + b, 200));
    for init in [Init::Random, Init::KMeansPlusPlus] {
        let program = CMeans::new(Settings::new(Start::Classes {
            classes: 5,
            init,
            seed: 1,
        }));
        let (mut tiles, task) = program
            .split(picture.clone(), context.cancellation())
            .unwrap();
        let mut state = program.load(tiles.remove(0), &context).unwrap();
        let partial = [program.local_step(&mut state, &task, &context).unwrap()];
        let cancelled = Cancellation::default();
        cancelled.cancel();
        let step = program.global_step(msvpu::Round(1), &task, &partial, &cancelled);
        assert_eq!(step.map(|_| ()), Err(ProgramError::Cancelled));
    }
}

#[test]
fn as_many_classes_as_may_be_do_not_delay_a_cancellation() {
    const CLASSES: usize = 65_535;
    let context = Context::new(Rank(0), 1, Cancellation::default());
    // Some ten seconds of memberships.
    let picture = scene((256, 64), 1, SampleType::F32, |p, _| noise(p, 200));
    let centers = Centers::gray(
        (0..CLASSES)
            .map(|class| class as f64 / 300.0)
            .collect::<Vec<_>>(),
    );
    let settings = Settings::new(Start::Centers(centers.unwrap()));
    let program = FuzzyCMeans::new(settings);
    let (mut tiles, task) = program.split(picture, context.cancellation()).unwrap();
    let mut state = program.load(tiles.remove(0), &context).unwrap();
    std::thread::scope(|scope| {
        // To start a thread takes longer than the step takes to its first look.
        let canceller = scope.spawn(|| {
            context.cancellation().cancel();
            std::time::Instant::now()
        });
        let step = program.local_step(&mut state, &task, &context);
        let delay = canceller.join().unwrap().elapsed();
        assert_eq!(step.map(|_| ()), Err(ProgramError::Cancelled));
        assert!(delay.as_millis() < 500, "{delay:?}");
    });
}
