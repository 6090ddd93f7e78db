//! Tables I and II of the paper, from a picture of the paper's size and histogram.
//!
//! The error column of Table I is the change of the sum of the centers, that of Table II the change
//! of the objective.

use std::error::Error;

use msvpu::{
    CMeans, Centers, FuzzyCMeans, Iteration, Settings, Start, StopRule, VirtualMachine, classify,
};

#[path = "../tests/common/paper.rs"]
mod paper;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let scene = paper::paper_scene()?;
    let start = Start::Centers(Centers::gray([1.2, 2.5, 3.8])?);
    let machine = VirtualMachine::local()
        .service::<CMeans>()
        .service::<FuzzyCMeans>()
        .start()
        .await?;

    let program = CMeans::new(Settings {
        stop_on: StopRule::CenterSum,
        epsilon: 0.0005,
        ..Settings::new(start.clone())
    });
    let result = classify(&machine, program, scene.clone()).await?;
    table("Table I: c-means", &result.iterations, |row| {
        row.center_sum_change
    });

    let program = FuzzyCMeans::new(Settings {
        epsilon: 10.0,
        ..Settings::new(start)
    });
    let result = classify(&machine, program, scene).await?;
    table("Table II: fuzzy c-means", &result.iterations, |row| {
        row.objective_change
    });
    Ok(())
}

fn table(title: &str, rows: &[Iteration], error: fn(&Iteration) -> f64) {
    println!(
        "{title}\n{:>4} {:>10} {:>10} {:>10} {:>16}",
        "", "c1", "c2", "c3", "error"
    );
    for row in rows {
        print!("{:>4}", row.iteration);
        for center in row.centers.values() {
            print!(" {center:>10.4}");
        }
        println!(" {:>16.5}", error(row));
    }
    println!();
}
