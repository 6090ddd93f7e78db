//! Tables I and II of the paper, on a picture with its histogram.
//!
//! The rows below are not copied from print: an independent program (plain Python floats, level by
//! level over `data/paper_histogram.csv`) computed them once. The histogram was reconstructed from
//! the printed tables, with every center within 0.0006 and every error within 1 % of the print.

mod common;

use common::classify;
use common::paper::{PAPER_SIZE, paper_histogram, paper_scene};
use msvpu::{CMeans, Centers, FuzzyCMeans, Iteration, Settings, Start, StopRule, StoppedBy};

/// Centers, and |Σ c(t) − Σ c(t−1)|.
const TABLE_I: [([f64; 3], f64); 13] = [
    ([1.2, 2.5, 3.8], 7.5),
    ([0.000689, 2.252527, 132.118524], 126.872),
    ([0.000689, 31.030489, 138.599531], 35.259),
    ([0.21852, 47.574485, 140.413531], 18.5758),
    ([1.224519, 65.062466, 142.38353], 20.464),
    ([3.480523, 87.135473, 145.766532], 27.712),
    ([4.089484, 99.092512, 152.041491], 18.841),
    ([4.379485, 105.238516, 156.876492], 11.271),
    ([4.563488, 108.869518, 160.110493], 7.04901),
    ([4.705529, 110.646481, 161.732533], 3.54104),
    ([4.784067, 111.79652, 162.822494], 2.31854),
    ([4.865527, 112.396107, 163.370494], 1.22905),
    ([4.865527, 112.396107, 163.370494], 0.0),
];

/// Centers, and |J_t − J_(t−1)|.
const TABLE_II: [([f64; 3], f64); 25] = [
    ([1.2, 2.5, 3.8], 1_952_210_000.0),
    ([56.56151, 123.683536, 128.646378], 1_026_610_000.0),
    ([18.376519, 128.180571, 142.342464], 229_574_000.0),
    ([6.347536, 122.691581, 153.588502], 137_007_000.0),
    ([4.744801, 116.811517, 160.696522], 24_331_700.0),
    ([4.343647, 114.47754, 163.436347], 1_267_710.0),
    ([4.215824, 113.8239, 164.238834], 1_135_380.0),
    ([4.180486, 113.665588, 164.459662], 444_563.0),
    ([4.171809, 113.633007, 164.52303], 113_811.0),
    ([4.169995, 113.629529, 164.543501], 33851.0),
    ([4.169791, 113.631587, 164.551414], 12030.6),
    ([4.169897, 113.633915, 164.555105], 5209.26),
    ([4.170021, 113.635619, 164.55708], 2654.94),
    ([4.170113, 113.636736, 164.558222], 1495.83),
    ([4.170173, 113.637442, 164.558907], 886.355),
    ([4.170211, 113.637882, 164.559325], 537.289),
    ([4.170235, 113.638154, 164.559581], 328.884),
    ([4.17025, 113.638322, 164.559738], 202.143),
    ([4.170259, 113.638425, 164.559835], 124.458),
    ([4.170264, 113.638489, 164.559895], 76.6828),
    ([4.170268, 113.638529, 164.559932], 47.2614),
    ([4.17027, 113.638553, 164.559955], 29.1322),
    ([4.170271, 113.638568, 164.559969], 17.9583),
    ([4.170272, 113.638577, 164.559977], 11.0705),
    ([4.170272, 113.638583, 164.559983], 6.82456),
];

fn settings() -> Settings {
    Settings::new(Start::Centers(Centers::gray([1.2, 2.5, 3.8]).unwrap()))
}

#[track_caller]
fn assert_table(rows: &[Iteration], table: &[([f64; 3], f64)], error: fn(&Iteration) -> f64) {
    assert_eq!(rows.len(), table.len());
    for ((number, row), (centers, expected)) in (1..).zip(rows).zip(table) {
        assert_eq!(row.iteration, number);
        for (found, center) in row.centers.values().iter().zip(centers) {
            assert!(
                (found - center).abs() <= 1e-6,
                "row {number}: {found} is not {center}"
            );
        }
        assert!(
            (error(row) - expected).abs() <= 1e-5 * expected + 1e-9,
            "row {number}: error {} is not {expected}",
            error(row)
        );
    }
}

#[test]
fn c_means_gives_table_one() {
    let program = CMeans::new(Settings {
        stop_on: StopRule::CenterSum,
        epsilon: 0.0005,
        ..settings()
    });
    let result = classify(&program, &paper_scene().unwrap()).unwrap();
    assert_table(&result.iterations, &TABLE_I, |row| row.center_sum_change);
    assert!(result.converged);
    assert_eq!(result.stopped_by, StoppedBy::CenterSum);
    assert_eq!(result.tiling.to_string(), "14x1");
}

#[test]
fn fuzzy_c_means_gives_table_two() {
    let program = FuzzyCMeans::new(Settings {
        epsilon: 10.0,
        ..settings()
    });
    let result = classify(&program, &paper_scene().unwrap()).unwrap();
    assert_table(&result.iterations, &TABLE_II, |row| row.objective_change);
    assert!(result.converged);
    assert_eq!(result.stopped_by, StoppedBy::Objective);
}

#[test]
fn the_picture_has_the_histogram() {
    let scene = paper_scene().unwrap();
    let shape = scene.shape();
    assert_eq!((shape.height, shape.width), PAPER_SIZE);
    let mut counts = vec![0_u64; 256];
    for &sample in scene.samples() {
        counts[usize::from(sample)] += 1;
    }
    let expected: Vec<u64> = paper_histogram()
        .unwrap()
        .into_iter()
        .map(|(_, pixels)| pixels)
        .collect();
    assert_eq!(counts, expected);
}
