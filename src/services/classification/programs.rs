//! The two programs.

use std::collections::BTreeMap;

use msvpu_actors::{Cancellation, Context, Program, Result, Round, Step};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::cost;
use super::default_tiling::default_tiling;
use super::method::Method;
use super::output::{TileOutput, collect};
use super::results::FitPartial;
use super::rounds::{Fit, FitTask, first_task, global_step};
use super::settings::{Settings, invalid};
use super::state::{TileState, load, local_step};
use super::tile::{Tile, split};
use crate::scene::{Scene, Shape};

/// c-means (k-means; DSCM in the paper): every pixel belongs to the class whose center is nearest.
///
/// As JSON an object of the keys of [`Settings`], all of which may be left out.
///
/// ```
/// use msvpu::{CMeans, Centers, Settings, Start};
///
/// let program = CMeans::new(Settings::new(Start::Centers(Centers::gray([1.2, 2.5, 3.8])?)));
/// let json = r#"{"start": {"centers": [[1.2], [2.5], [3.8]]}}"#;
/// assert_eq!(program, serde_json::from_str(json)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "kmeans")]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "CMeansKeys")]
pub struct CMeans {
    /// What both programs can be told.
    #[serde(flatten)]
    pub settings: Settings,
}

/// Fuzzy c-means (DSFCM in the paper): every pixel belongs to every class in part, the more the
/// nearer its center is; its label is the class it belongs to most.
///
/// As JSON an object of the keys of [`Settings`], `fuzzifier` (2) and `memberships` (false), all of
/// which may be left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "FuzzyCMeansKeys")]
pub struct FuzzyCMeans {
    /// What both programs can be told.
    #[serde(flatten)]
    pub settings: Settings,
    /// The exponent `m` of the memberships, above 1 and [`MAX_FUZZIFIER`](Self::MAX_FUZZIFIER) at most: near 1 hardly
    /// fuzzy, 2 in the paper.
    pub fuzzifier: f64,
    /// Whether the result holds a picture of the memberships in each class.
    pub memberships: bool,
}

impl CMeans {
    /// c-means with these settings.
    #[must_use]
    pub const fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// Checks the parameters against the shape of the scene that they are for.
    ///
    /// # Errors
    /// [`ProgramError::InvalidInput`](msvpu_actors::ProgramError::InvalidInput) with one line that names what does not fit.
    pub fn validate(&self, shape: Shape) -> Result<()> {
        self.settings.validate(shape)
    }
}

impl FuzzyCMeans {
    /// The fuzzifier of the paper.
    pub const DEFAULT_FUZZIFIER: f64 = 2.0;
    /// The greatest fuzzifier. A pixel that belongs to two classes alike weighs 2^(1 − m) in the objective, to more
    /// classes less: past this the objective of a whole scene changes by less than the default epsilon, whatever the
    /// centers do.
    pub const MAX_FUZZIFIER: f64 = 20.0;
    /// What all pictures of the memberships together may take: one byte for each pixel and class.
    pub const MAX_MEMBERSHIP_BYTES: u128 = 4 << 30;

    /// Fuzzy c-means with these settings, fuzzifier 2, without pictures of the memberships.
    #[must_use]
    pub const fn new(settings: Settings) -> Self {
        Self {
            settings,
            fuzzifier: Self::DEFAULT_FUZZIFIER,
            memberships: false,
        }
    }

    /// Checks the parameters against the shape of the scene that they are for.
    ///
    /// # Errors
    /// [`ProgramError::InvalidInput`](msvpu_actors::ProgramError::InvalidInput) with one line that names what does not fit.
    pub fn validate(&self, shape: Shape) -> Result<()> {
        self.settings.validate(shape)?;
        if !(self.fuzzifier > 1.0 && self.fuzzifier <= Self::MAX_FUZZIFIER) {
            return invalid(format!(
                "fuzzifier is {}: it must be a number greater than 1 and at most {}",
                self.fuzzifier,
                Self::MAX_FUZZIFIER
            ));
        }
        let classes = self.settings.start.classes();
        let bytes = u128::from(shape.pixels()) * classes as u128;
        if self.memberships && bytes > Self::MAX_MEMBERSHIP_BYTES {
            return invalid(format!(
                "memberships in {classes} classes of {} x {} pixels take {bytes} bytes: at most {} are kept",
                shape.width,
                shape.height,
                Self::MAX_MEMBERSHIP_BYTES
            ));
        }
        Ok(())
    }

    const fn method(&self) -> Method {
        Method::Fuzzy {
            fuzzifier: self.fuzzifier,
            memberships: self.memberships,
        }
    }
}

impl Default for FuzzyCMeans {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

fn tiles_of(settings: &Settings, scene: &Scene) -> (Vec<Tile>, FitTask) {
    let tiling = settings
        .tiles
        .unwrap_or_else(|| default_tiling(scene.shape()));
    (split(scene, tiling), first_task(settings))
}

macro_rules! program {
    ($type:ty, $name:literal, $self:ident => $method:expr) => {
        impl Program for $type {
            const NAME: &'static str = $name;
            type Input = Scene;
            type Tile = Tile;
            type State = TileState;
            type Task = FitTask;
            type Partial = FitPartial;
            type TileOutput = TileOutput;
            type Output = Fit;

            fn split(
                &self,
                scene: Scene,
                _: &Cancellation,
            ) -> Result<(Vec<Tile>, FitTask)> {
                self.validate(scene.shape())?;
                Ok(tiles_of(&self.settings, &scene))
            }

            fn complexity(&self, tile: &Tile) -> f64 {
                cost::complexity(&self.settings, &tile.head)
            }

            fn bytes_exchanged(&self, tile: &Tile) -> f64 {
                cost::bytes_exchanged(&self.settings, &tile.head)
            }

            fn load(&self, tile: Tile, context: &Context) -> Result<TileState> {
                load(&self.settings, tile, context)
            }

            fn local_step(
                &$self,
                state: &mut TileState,
                task: &FitTask,
                context: &Context,
            ) -> Result<FitPartial> {
                local_step(&$self.settings, $method, state, task, context)
            }

            fn global_step(
                &$self,
                _round: Round,
                task: &FitTask,
                partials: &[FitPartial],
                cancellation: &Cancellation,
            ) -> Result<Step<FitTask, Fit>> {
                global_step(&$self.settings, $method, task, partials, cancellation)
            }

            fn collect(
                &$self,
                state: TileState,
                fit: &Fit,
                context: &Context,
            ) -> Result<Option<TileOutput>> {
                collect($method, state, fit, context).map(Some)
            }
        }
    };
}

program!(CMeans, "cmeans", self => Method::Hard);
program!(FuzzyCMeans, "fuzzy-cmeans", self => self.method());

/// A key that the program does not know.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown parameter `{0}`")]
struct UnknownKey(String);

/// serde cannot refuse unknown keys beside a flattened part by itself, so they are gathered here.
type UnknownKeys = BTreeMap<String, IgnoredAny>;

fn refuse(unknown: UnknownKeys) -> Result<(), UnknownKey> {
    match unknown.into_keys().next() {
        None => Ok(()),
        Some(key) => Err(UnknownKey(key)),
    }
}

#[derive(Deserialize)]
struct CMeansKeys {
    #[serde(flatten)]
    settings: Settings,
    #[serde(flatten)]
    unknown: UnknownKeys,
}

impl TryFrom<CMeansKeys> for CMeans {
    type Error = UnknownKey;

    fn try_from(keys: CMeansKeys) -> Result<Self, UnknownKey> {
        refuse(keys.unknown)?;
        Ok(Self::new(keys.settings))
    }
}

#[derive(Deserialize)]
struct FuzzyCMeansKeys {
    #[serde(flatten)]
    settings: Settings,
    #[serde(default = "default_fuzzifier")]
    fuzzifier: f64,
    #[serde(default)]
    memberships: bool,
    #[serde(flatten)]
    unknown: UnknownKeys,
}

impl TryFrom<FuzzyCMeansKeys> for FuzzyCMeans {
    type Error = UnknownKey;

    fn try_from(keys: FuzzyCMeansKeys) -> Result<Self, UnknownKey> {
        refuse(keys.unknown)?;
        Ok(Self {
            settings: keys.settings,
            fuzzifier: keys.fuzzifier,
            memberships: keys.memberships,
        })
    }
}

const fn default_fuzzifier() -> f64 {
    FuzzyCMeans::DEFAULT_FUZZIFIER
}
