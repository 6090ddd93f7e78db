use serde_json::Map;

use super::*;

fn row(iteration: u32, elapsed_ms: f64, error: f64) -> IterationRow {
    IterationRow {
        iteration,
        values: Vec::new(),
        error: Some(error),
        elapsed_ms,
        details: Map::new(),
    }
}

fn told(rows: &[IterationRow], max: Option<u32>, bound: Option<f64>) -> Progress {
    let mut estimate = Estimate::default();
    if let Some(bound) = bound {
        estimate.bound(bound);
    }
    for row in rows {
        estimate.add(row);
    }
    let mut progress = Progress {
        iteration: rows.last().map_or(0, |row| row.iteration),
        max_iterations: max,
        ..Progress::default()
    };
    estimate.tell(&mut progress);
    progress
}

#[test]
fn nothing_is_told_from_nothing() {
    let rows = [row(1, 10.0, 1.0), row(2, 20.0, 0.5), row(3, 30.0, 0.25)];
    for (rows, max, bound) in [
        (&rows[..], None, None),
        (&rows[..1], None, Some(0.1)),
        (&[][..], Some(10), Some(0.1)),
    ] {
        let progress = told(rows, max, bound);
        assert_eq!(progress.eta_ms, None);
    }
    assert_eq!(told(&rows, None, None).fraction, None);
}

#[test]
fn without_a_bound_the_most_iterations_count() {
    let rows = [row(1, 10.0, 1.0), row(2, 20.0, 0.5)];
    let progress = told(&rows, Some(8), None);
    assert_eq!(progress.fraction, Some(0.25));
    assert_eq!(progress.eta_ms, Some(60));
}

#[test]
fn an_error_that_halves_reaches_its_bound_when_it_does() {
    let rows: Vec<IterationRow> = (1..=5)
        .map(|n| row(n, 10.0 * f64::from(n), 0.5_f64.powi(n as i32)))
        .collect();
    // Five more halvings, of 10 ms each.
    let progress = told(&rows, Some(1000), Some(0.5_f64.powi(10)));
    assert_eq!(progress.eta_ms, Some(50));
    let fraction = progress.fraction.unwrap();
    assert!((fraction - 0.5).abs() < 1e-9, "{fraction}");
}

#[test]
fn the_most_iterations_bound_what_the_error_promises() {
    let rows: Vec<IterationRow> = (1..=5)
        .map(|n| row(n, 10.0 * f64::from(n), 0.9_f64.powi(n as i32)))
        .collect();
    let progress = told(&rows, Some(7), Some(1e-9));
    assert_eq!(progress.eta_ms, Some(20));
}

#[test]
fn an_error_that_does_not_fall_promises_nothing() {
    let rows: Vec<IterationRow> = (1..=5).map(|n| row(n, f64::from(n), 1.0)).collect();
    let progress = told(&rows, None, Some(0.1));
    assert_eq!((progress.fraction, progress.eta_ms), (None, None));
    let odd = [
        row(1, 1.0, f64::NAN),
        row(2, 2.0, 0.0),
        row(3, f64::NAN, -1.0),
    ];
    let progress = told(&odd, None, Some(0.1));
    assert_eq!((progress.fraction, progress.eta_ms), (None, None));
}
