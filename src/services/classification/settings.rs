//! The parameters that both classification programs share.

use std::fmt;
use std::str::FromStr;

use msvpu_actors::ProgramError;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::centers::Centers;
use super::tiling::Tiling;
use crate::scene::Shape;

/// The most classes that a label of two bytes can name.
pub const MAX_CLASSES: u32 = u16::MAX as u32;

/// The greatest size of a sample and of a value of a center: squares of their differences, over all
/// bands, must be finite numbers.
pub const MAX_VALUE: f64 = 1e150;

/// What both classification programs can be told.
///
/// | key | default | meaning |
/// |---|---|---|
/// | `start` | 3 classes, `linear` | see [`Start`] |
/// | `epsilon` | 0.0005 | the threshold `E_th` of the stopping rule, in the rule's own unit (see [`StopRule`]) |
/// | `stop_on` | `objective` | see [`StopRule`] |
/// | `max_iterations` | 300 | rows of the iteration table at most |
/// | `tiles` | chosen from the shape of the scene | see [`Tiling`] |
/// | `nodata` | none | a pixel whose every band equals this value belongs to no class |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Where the class centers begin.
    pub start: Start,
    /// Iterations stop when the change that `stop_on` names is below this; absolute, not relative.
    pub epsilon: f64,
    /// Which change is compared with `epsilon`.
    pub stop_on: StopRule,
    /// Iterations stop here at the latest; the result then says that it has not converged.
    pub max_iterations: u32,
    /// How the scene is cut; the program's own choice when absent.
    pub tiles: Option<Tiling>,
    /// The value that marks pixels without data, compared after rounding to the sample type.
    pub nodata: Option<f64>,
}

impl Settings {
    /// The threshold of the paper's Table I. Under [`StopRule::Objective`] its unit is gray
    /// levels × pixels, as in Table II (which stops at 10); 0.0005 there lets the centers of a
    /// scene settle to far below a thousandth.
    pub const DEFAULT_EPSILON: f64 = 0.0005;
    /// Rows of the iteration table at most, unless told otherwise.
    pub const DEFAULT_MAX_ITERATIONS: u32 = 300;

    /// The default settings with this start.
    #[must_use]
    pub const fn new(start: Start) -> Self {
        Self {
            start,
            epsilon: Self::DEFAULT_EPSILON,
            stop_on: StopRule::Objective,
            max_iterations: Self::DEFAULT_MAX_ITERATIONS,
            tiles: None,
            nodata: None,
        }
    }

    /// Checks the settings against the shape of the scene that they are for.
    ///
    /// # Errors
    /// [`ProgramError::InvalidInput`] with one line that names what does not fit.
    pub fn validate(&self, shape: Shape) -> Result<(), ProgramError> {
        self.start.validate(shape)?;
        if !(self.epsilon > 0.0 && self.epsilon.is_finite()) {
            return invalid(format!(
                "epsilon is {}: it must be a finite number greater than 0",
                self.epsilon
            ));
        }
        if self.max_iterations == 0 {
            return invalid("max_iterations is 0: at least 1 iteration is needed".to_owned());
        }
        self.tiles.map_or(Ok(()), |tiling| tiling.validate(shape))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new(Start::default())
    }
}

/// Where the class centers begin: given, or found in the scene.
///
/// As JSON either `{"centers": [[1.2], [2.5], [3.8]]}` or
/// `{"classes": 3, "init": "kmeans++", "seed": 7}` (`init` and `seed` may be left out).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StartKeys", into = "StartKeys")]
pub enum Start {
    /// These centers, one value per band each.
    Centers(Centers),
    /// This many classes, their centers found in the scene.
    Classes {
        /// The number of classes, 1 to [`MAX_CLASSES`].
        classes: u32,
        /// How their centers are found.
        init: Init,
        /// What the sample and the draws of `random` and `kmeans++` depend on.
        seed: u64,
    },
}

impl Start {
    /// `classes` classes, spread evenly over the values of the scene.
    #[must_use]
    pub const fn linear(classes: u32) -> Self {
        Self::Classes {
            classes,
            init: Init::Linear,
            seed: 0,
        }
    }

    /// The number of classes asked for.
    #[must_use]
    pub const fn classes(&self) -> usize {
        match self {
            Self::Centers(centers) => centers.classes(),
            Self::Classes { classes, .. } => *classes as usize,
        }
    }

    fn validate(&self, shape: Shape) -> Result<(), ProgramError> {
        let classes = self.classes();
        if classes == 0 || classes > MAX_CLASSES as usize {
            return invalid(format!(
                "{classes} classes: the number of classes must be 1 to {MAX_CLASSES}"
            ));
        }
        let Self::Centers(centers) = self else {
            return Ok(());
        };
        if centers.bands() != usize::from(shape.bands) {
            return invalid(format!(
                "the centers have {} values each, where the scene has {} bands",
                centers.bands(),
                shape.bands
            ));
        }
        for (index, center) in centers.iter().enumerate() {
            if let Some(value) = center.iter().find(|value| !value.is_finite()) {
                return invalid(format!(
                    "center {} holds {value}: every value must be a finite number",
                    index + 1
                ));
            }
            if let Some(value) = center.iter().find(|value| value.abs() > MAX_VALUE) {
                return invalid(format!(
                    "center {} holds {value:e}: no value may be greater than {MAX_VALUE:e}",
                    index + 1
                ));
            }
        }
        Ok(())
    }
}

impl Default for Start {
    fn default() -> Self {
        Self::linear(3)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StartKeys {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    centers: Option<Centers>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    classes: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    init: Option<Init>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
}

/// The keys of a start do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a start is either `centers`, or `classes` with or without `init` and `seed`")]
struct StartKeysError;

impl TryFrom<StartKeys> for Start {
    type Error = StartKeysError;

    fn try_from(keys: StartKeys) -> Result<Self, StartKeysError> {
        match keys {
            StartKeys {
                centers: Some(centers),
                classes: None,
                init: None,
                seed: None,
            } => Ok(Self::Centers(centers)),
            StartKeys {
                centers: None,
                classes: Some(classes),
                init,
                seed,
            } => Ok(Self::Classes {
                classes,
                init: init.unwrap_or_default(),
                seed: seed.unwrap_or_default(),
            }),
            _ => Err(StartKeysError),
        }
    }
}

impl From<Start> for StartKeys {
    fn from(start: Start) -> Self {
        match start {
            Start::Centers(centers) => Self {
                centers: Some(centers),
                classes: None,
                init: None,
                seed: None,
            },
            Start::Classes {
                classes,
                init,
                seed,
            } => Self {
                centers: None,
                classes: Some(classes),
                init: Some(init),
                seed: Some(seed),
            },
        }
    }
}

/// How the first centers are found when only their number is given.
///
/// The sample of `random` and `kmeans++` is that of the pixels whose SplitMix64 number is least:
/// pixel `i` (row-major, the whole scene) has the `i`-th number of the stream that `seed` starts.
/// So it depends on the scene and the seed, never on the tiles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Init {
    /// Class `k` of `1..=K` starts at `min + (k − ½) / K · (max − min)` of each band: the middles
    /// of `K` equal parts of what the scene holds.
    #[default]
    Linear,
    /// The first `K` distinct pixels of the sample in its (random) order. When the sample has
    /// fewer, they are taken again from the first on: such a class stays empty.
    Random,
    /// Arthur and Vassilvitskii 2007: the first pixel of the sample, then each next one drawn with
    /// a probability in proportion to its squared distance from the nearest center so far. Pixels
    /// that have become impossible to draw (all distances 0) are replaced by the first center.
    #[serde(rename = "kmeans++")]
    KMeansPlusPlus,
}

impl fmt::Display for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Linear => "linear",
            Self::Random => "random",
            Self::KMeansPlusPlus => "kmeans++",
        })
    }
}

impl FromStr for Init {
    type Err = ChoiceError;

    fn from_str(text: &str) -> Result<Self, ChoiceError> {
        [Self::Linear, Self::Random, Self::KMeansPlusPlus]
            .into_iter()
            .find(|init| init.to_string() == text)
            .ok_or_else(|| ChoiceError::new(text, "linear, random or kmeans++"))
    }
}

/// Which change from one iteration to the next ends the iterations when it is below `epsilon`.
///
/// The first iteration has none before it and never ends them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopRule {
    /// `|J_t − J_(t−1)|` (eq. 17 and Table II of the paper); unit: samples × pixels.
    #[default]
    Objective,
    /// `|Σ c(t) − Σ c(t−1)|` over all classes and bands (Table I of the paper); unit: samples.
    CenterSum,
    /// The greatest Euclidean distance that a center has moved; unit: samples.
    CenterShift,
}

impl fmt::Display for StopRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Objective => "objective",
            Self::CenterSum => "center-sum",
            Self::CenterShift => "center-shift",
        })
    }
}

impl FromStr for StopRule {
    type Err = ChoiceError;

    fn from_str(text: &str) -> Result<Self, ChoiceError> {
        [Self::Objective, Self::CenterSum, Self::CenterShift]
            .into_iter()
            .find(|rule| rule.to_string() == text)
            .ok_or_else(|| ChoiceError::new(text, "objective, center-sum or center-shift"))
    }
}

/// A word that is none of the choices.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{found}` is none of {choices}")]
pub struct ChoiceError {
    found: String,
    choices: &'static str,
}

impl ChoiceError {
    fn new(found: &str, choices: &'static str) -> Self {
        Self {
            found: found.to_owned(),
            choices,
        }
    }
}

pub(crate) fn invalid<T>(message: String) -> Result<T, ProgramError> {
    Err(ProgramError::InvalidInput(message))
}
