//! Tables I and II and Figures 11 and 12: c-means and fuzzy c-means of the paper's picture.

use std::error::Error;

use msvpu::{
    CMeans, Centers, FuzzyCMeans, Iteration, Scene, Settings, Start, StopRule, VirtualMachine,
    classify,
};

use crate::chart::{Axis, Chart, Mark, Scale, Series};
use crate::html::Table;
use crate::report::{Facts, Report, Section};

/// Which of the two algorithms, with what its table needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    CMeans,
    FuzzyCMeans,
}

pub(crate) const ALGORITHMS: [Algorithm; 2] = [Algorithm::CMeans, Algorithm::FuzzyCMeans];

impl Algorithm {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::CMeans => "c-means",
            Self::FuzzyCMeans => "fuzzy c-means",
        }
    }

    /// Settings of the paper's tables: its first centers, and the rule and threshold that its error
    /// columns were found to come from.
    pub(crate) fn settings(self) -> Result<Settings, Box<dyn Error>> {
        let start = Start::Centers(Centers::gray([1.2, 2.5, 3.8])?);
        let (stop_on, epsilon) = match self {
            Self::CMeans => (StopRule::CenterSum, 0.0005),
            Self::FuzzyCMeans => (StopRule::Objective, 10.0),
        };
        Ok(Settings {
            stop_on,
            epsilon,
            ..Settings::new(start)
        })
    }

    const fn error(self, row: &Iteration) -> f64 {
        match self {
            Self::CMeans => row.center_sum_change,
            Self::FuzzyCMeans => row.objective_change,
        }
    }

    const fn error_axis(self) -> &'static str {
        match self {
            Self::CMeans => "|Σc(t) − Σc(t−1)|",
            Self::FuzzyCMeans => "|J(t) − J(t−1)|",
        }
    }
}

/// A machine in this process with both programs.
pub(crate) async fn machine() -> Result<VirtualMachine, Box<dyn Error>> {
    let builder = VirtualMachine::local();
    let builder = builder.service::<CMeans>().service::<FuzzyCMeans>();
    Ok(builder.start().await?)
}

/// Adds Tables I and II, Figures 11 and 12.
pub(crate) async fn add(
    report: &mut Report,
    machine: &VirtualMachine,
    scene: &Scene,
) -> Result<(), Box<dyn Error>> {
    for algorithm in ALGORITHMS {
        let settings = algorithm.settings()?;
        let epsilon = settings.epsilon;
        let result = match algorithm {
            Algorithm::CMeans => classify(machine, CMeans::new(settings), scene.clone()).await?,
            Algorithm::FuzzyCMeans => {
                classify(machine, FuzzyCMeans::new(settings), scene.clone()).await?
            }
        };
        let rows = &result.iterations;
        let (id, title, what, paper, csv) = match algorithm {
            Algorithm::CMeans => (
                "table-1",
                "Table I and Figure 11: c-means",
                "Table I, rows until c-means stops",
                "13",
                "table-1.csv",
            ),
            Algorithm::FuzzyCMeans => (
                "table-2",
                "Table II and Figure 12: fuzzy c-means",
                "Table II, rows until fuzzy c-means stops",
                "25",
                "table-2.csv",
            ),
        };
        report.found(what, paper, rows.len().to_string());
        let mut section = Section::new(id, title, FACTS);
        let table = table(algorithm, rows);
        let body = section.body();
        body.element("div", &[("class", "figures")], |html| {
            html.append(&centers(algorithm, rows).to_html());
            html.append(&errors(algorithm, rows, epsilon).to_html());
        });
        let caption = match algorithm {
            Algorithm::CMeans => {
                "Centers of each iteration and |Σc(t) − Σc(t−1)|, as computed here; the paper’s rows are recorded to agree \
                 within 0.0006 (centers) and 1 % (error)"
            }
            Algorithm::FuzzyCMeans => {
                "Centers of each iteration and |J(t) − J(t−1)|, as computed here; the paper’s rows are recorded to agree \
                 within 0.0006 (centers) and 1 % (error)"
            }
        };
        body.append(&table.to_html(caption, 0));
        report.section(section);
        report.csv(csv, table);
    }
    Ok(())
}

const FACTS: Facts = Facts {
    measured: "Every row is computed by the program on a picture of 7280 × 7750 pixels in this process.",
    simulated: "Nothing; the picture stands for the paper’s, which is not public: its histogram was reconstructed from the \
                printed tables, so that the rows come out shows that the arithmetic is the same, not that the picture is.",
    unknown: "Where the pixels lie in the paper’s picture; and the printed rows themselves are not part of this project, \
              only the record of how closely the reconstruction meets them.",
};

fn table(algorithm: Algorithm, rows: &[Iteration]) -> Table {
    let error = algorithm.error_axis();
    let mut table = Table::new(&["Iteration", "c1", "c2", "c3", error]);
    for row in rows {
        let centers = row.centers.values().iter().map(|c| format!("{c:.4}"));
        let mut cells = vec![row.iteration.to_string()];
        cells.extend(centers);
        cells.push(match algorithm {
            Algorithm::CMeans => format!("{:.5}", algorithm.error(row)),
            Algorithm::FuzzyCMeans => format!("{:.3}", algorithm.error(row)),
        });
        table.push(cells);
    }
    table
}

fn iterations(rows: &[Iteration]) -> Axis {
    let step = if rows.len() > 15 { 4 } else { 2 };
    let ticks = (1..=rows.len()).step_by(step);
    let ticks = ticks.map(|at| (at as f64, at.to_string())).collect();
    let mut axis = Axis::at("iteration", Scale::Linear, ticks);
    axis.high = axis.high.max(rows.len() as f64 + 0.3);
    axis
}

fn figure(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::CMeans => "Figure 11",
        Algorithm::FuzzyCMeans => "Figure 12",
    }
}

fn centers(algorithm: Algorithm, rows: &[Iteration]) -> Chart {
    let values = || rows.iter().flat_map(|row| row.centers.values().to_vec());
    let series = (0..3).map(|k| Series {
        name: format!("c{}", k + 1),
        points: rows
            .iter()
            .map(|row| (f64::from(row.iteration), row.centers.values()[k]))
            .collect(),
    });
    Chart {
        description: format!(
            "The three centers of {} over the iterations",
            algorithm.name()
        ),
        caption: format!(
            "{}: the class centers of {}.",
            figure(algorithm),
            algorithm.name()
        ),
        across: iterations(rows),
        up: Axis::linear("center (gray level)", values(), true),
        series: series.collect(),
        marks: Vec::new(),
    }
}

fn errors(algorithm: Algorithm, rows: &[Iteration], epsilon: f64) -> Chart {
    let points: Vec<(f64, f64)> = rows
        .iter()
        .map(|row| (f64::from(row.iteration), algorithm.error(row)))
        .collect();
    let drawn: Vec<_> = points
        .iter()
        .copied()
        .filter(|(_, error)| *error > 0.0)
        .collect();
    let missing = if drawn.len() < points.len() {
        " The last error is 0, which has no place on a logarithmic axis."
    } else {
        ""
    };
    let values = drawn.iter().map(|(_, error)| *error).chain([epsilon]);
    Chart {
        description: format!(
            "The error of {} over the iterations, falling below its threshold",
            algorithm.name()
        ),
        caption: format!(
            "{}: the error of {}, on a logarithmic axis.{missing}",
            figure(algorithm),
            algorithm.name()
        ),
        across: iterations(rows),
        up: Axis::decades(algorithm.error_axis(), values),
        series: vec![Series {
            name: "error".to_owned(),
            points: drawn,
        }],
        marks: vec![Mark::Horizontal(epsilon, format!("threshold {epsilon}"))],
    }
}
