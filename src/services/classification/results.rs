//! What the MsVPUs answer each round.

use msvpu_actors::{Cancellation, ProgramError};
use serde::{Deserialize, Serialize};

use super::centers::Centers;
use super::sum::CompensatedSum;
use super::survey::Survey;

/// The answer of an MsVPU to a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FitPartial {
    /// What the tile holds: where the task has no centers yet.
    Survey(Survey),
    /// The elementary results with the centers of the task.
    Results(ElementaryResults),
}

/// The elementary results ER1 to ER3 of one tile (eqs. 11 to 16 of the paper).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ElementaryResults {
    /// Pixels with data.
    pub pixels: u64,
    /// ER1: the tile's part of the objective `J`, Σ |x − c| (c-means) or Σ uᵐ · |x − c|.
    pub distance_sum: f64,
    /// ER2 and ER3.
    pub sums: ClassSums,
}

/// ER2 and ER3: exact integers where the samples are integers and belong to one class wholly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ClassSums {
    /// c-means of integer samples.
    Integer {
        /// ER2: Σ x of each class and band, class by class.
        weighted_sum: Vec<u64>,
        /// ER3: the pixels of each class.
        weight: Vec<u64>,
    },
    /// Everything else.
    Real {
        /// ER2: Σ x, or Σ uᵐ · x, of each class and band, class by class.
        weighted_sum: Vec<f64>,
        /// ER3: the pixels of each class, or Σ uᵐ.
        weight: Vec<f64>,
    },
}

/// The global results GER1 to GER3: the elementary ones of all tiles, added in rank order.
pub(crate) struct GlobalResults {
    pub(crate) pixels: u64,
    pub(crate) objective: f64,
    sums: ClassSums,
}

impl GlobalResults {
    pub(crate) fn fold(
        parts: &[&ElementaryResults],
        cancellation: &Cancellation,
    ) -> Result<Self, ProgramError> {
        let disagree = || ProgramError::failed("tiles answered with results of different kinds");
        let first = parts
            .first()
            .ok_or_else(|| ProgramError::failed("no tile answered"))?;
        let sums = match &first.sums {
            ClassSums::Integer { .. } => {
                let parts: Option<Vec<_>> = parts.iter().map(|part| part.sums.integer()).collect();
                let parts = parts.ok_or_else(disagree)?;
                ClassSums::Integer {
                    weighted_sum: add(parts.iter().map(|part| part.0), cancellation)?
                        .ok_or_else(disagree)?,
                    weight: add(parts.iter().map(|part| part.1), cancellation)?
                        .ok_or_else(disagree)?,
                }
            }
            ClassSums::Real { .. } => {
                let parts: Option<Vec<_>> = parts.iter().map(|part| part.sums.real()).collect();
                let parts = parts.ok_or_else(disagree)?;
                ClassSums::Real {
                    weighted_sum: add(parts.iter().map(|part| part.0), cancellation)?
                        .ok_or_else(disagree)?,
                    weight: add(parts.iter().map(|part| part.1), cancellation)?
                        .ok_or_else(disagree)?,
                }
            }
        };
        Ok(Self {
            pixels: parts.iter().map(|part| part.pixels).sum(),
            objective: parts
                .iter()
                .map(|part| part.distance_sum)
                .collect::<CompensatedSum>()
                .value(),
            sums,
        })
    }

    /// `c_k = GER2(k) / GER3(k)`; a class of weight 0 keeps its center.
    pub(crate) fn centers(&self, before: &Centers) -> Result<Centers, ProgramError> {
        let bands = before.bands();
        let quotients = match &self.sums {
            ClassSums::Integer {
                weighted_sum,
                weight,
            } => quotients(
                before,
                weighted_sum.iter().map(|&sum| sum as f64),
                weight.iter().map(|&weight| weight as f64),
            ),
            ClassSums::Real {
                weighted_sum,
                weight,
            } => quotients(before, weighted_sum.iter().copied(), weight.iter().copied()),
        };
        if quotients.len() == before.values().len() {
            Ok(Centers::from_flat(bands, quotients))
        } else {
            Err(ProgramError::failed(format!(
                "tiles answered {} sums, where {} classes of {bands} bands have {}",
                quotients.len(),
                before.classes(),
                before.values().len()
            )))
        }
    }
}

impl ClassSums {
    const fn integer(&self) -> Option<(&Vec<u64>, &Vec<u64>)> {
        match self {
            Self::Integer {
                weighted_sum,
                weight,
            } => Some((weighted_sum, weight)),
            Self::Real { .. } => None,
        }
    }

    const fn real(&self) -> Option<(&Vec<f64>, &Vec<f64>)> {
        match self {
            Self::Real {
                weighted_sum,
                weight,
            } => Some((weighted_sum, weight)),
            Self::Integer { .. } => None,
        }
    }
}

fn quotients(
    before: &Centers,
    sums: impl Iterator<Item = f64>,
    weights: impl Iterator<Item = f64>,
) -> Vec<f64> {
    let weights = weights.flat_map(|weight| std::iter::repeat_n(weight, before.bands()));
    sums.zip(weights)
        .zip(before.values())
        .map(
            |((sum, weight), &before)| {
                if weight > 0.0 { sum / weight } else { before }
            },
        )
        .collect()
}

/// How the parts of a sum are added.
trait Total: Copy {
    fn total(terms: impl Iterator<Item = Self>) -> Self;
}

impl Total for u64 {
    fn total(terms: impl Iterator<Item = Self>) -> Self {
        terms.sum()
    }
}

impl Total for f64 {
    fn total(terms: impl Iterator<Item = Self>) -> Self {
        terms.collect::<CompensatedSum>().value()
    }
}

/// Adds lists element by element; `None` when they differ in length.
fn add<'a, T: Total + 'a>(
    lists: impl Iterator<Item = &'a Vec<T>> + Clone,
    cancellation: &Cancellation,
) -> Result<Option<Vec<T>>, ProgramError> {
    let length = lists.clone().next().map_or(0, Vec::len);
    if lists.clone().any(|list| list.len() != length) {
        return Ok(None);
    }
    let total = |index: usize| {
        cancellation.check()?;
        Ok(T::total(lists.clone().map(|list| list[index])))
    };
    (0..length).map(total).collect::<Result<_, _>>().map(Some)
}
