//! The programs that a machine may be asked to run, with their types taken off.
//!
//! Only registered programs can be asked for: no code travels.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::caught::caught;
use crate::core::performance::LARGEST;
use crate::error::{CodecError, JobError, ProgramError};
use crate::id::Round;
use crate::job::Cost;
use crate::payload::{Payload, Wire};
use crate::program::{Cancellation, Context, Program, Result, Step};

/// A program together with the parameters of one job.
pub(crate) trait Instance: Send + Sync {
    fn split(
        &self,
        input: Payload,
        cancellation: &Cancellation,
    ) -> Result<(Vec<(Payload, Cost)>, Payload)>;
    fn load(self: Arc<Self>, tile: Payload, context: &Context) -> Result<Box<dyn LoadedTile>>;
    fn global_step(
        &self,
        round: Round,
        task: Payload,
        partials: Vec<Payload>,
        cancellation: &Cancellation,
    ) -> Result<Step<Payload, Payload>>;
}

/// A tile as its MsVPU keeps it between the rounds.
pub(crate) trait LoadedTile: Send {
    fn local_step(&mut self, task: Payload, context: &Context) -> Result<Payload>;
    fn collect(self: Box<Self>, output: Payload, context: &Context) -> Result<Option<Payload>>;
}

impl<P: Program> Instance for P {
    fn split(
        &self,
        input: Payload,
        cancellation: &Cancellation,
    ) -> Result<(Vec<(Payload, Cost)>, Payload)> {
        let input = P::Input::from_payload(input)?;
        let (tiles, task) = Program::split(self, input, cancellation)?;
        // Collected, they would not know how many they are, and move as they grow.
        let mut parts = Vec::with_capacity(tiles.len());
        for tile in tiles {
            let complexity = stated("complexity", self.complexity(&tile))?;
            let bytes_exchanged = stated("bytes_exchanged", self.bytes_exchanged(&tile))?;
            let tile = tile.into_payload()?;
            let cost = Cost {
                complexity,
                bytes_exchanged,
                tile_bytes: tile.len_bytes() as f64,
            };
            parts.push((tile, cost));
        }
        Ok((parts, task.into_payload()?))
    }

    fn load(self: Arc<Self>, tile: Payload, context: &Context) -> Result<Box<dyn LoadedTile>> {
        let state = Program::load(&*self, P::Tile::from_payload(tile)?, context)?;
        Ok(Box::new(Loaded {
            program: self,
            state,
        }))
    }

    fn global_step(
        &self,
        round: Round,
        task: Payload,
        partials: Vec<Payload>,
        cancellation: &Cancellation,
    ) -> Result<Step<Payload, Payload>> {
        let task = P::Task::from_payload(task)?;
        let partials = partials
            .into_iter()
            .map(P::Partial::from_payload)
            .collect::<Result<Vec<_>, CodecError>>()?;
        let step = Program::global_step(self, round, &task, &partials, cancellation)?;
        Ok(match step {
            Step::Next(task) => Step::Next(task.into_payload()?),
            Step::Done(output) => Step::Done(output.into_payload()?),
        })
    }
}

fn stated(name: &str, cost: f64) -> Result<f64> {
    if (0.0..=LARGEST).contains(&cost) {
        Ok(cost)
    } else {
        Err(ProgramError::failed(format!(
            "the program states {cost} as its `{name}`; a number from 0 to {LARGEST:e} is needed"
        )))
    }
}

struct Loaded<P: Program> {
    program: Arc<P>,
    state: P::State,
}

impl<P: Program> LoadedTile for Loaded<P> {
    fn local_step(&mut self, task: Payload, context: &Context) -> Result<Payload> {
        let task = P::Task::from_payload(task)?;
        let partial = self.program.local_step(&mut self.state, &task, context)?;
        Ok(partial.into_payload()?)
    }

    fn collect(self: Box<Self>, output: Payload, context: &Context) -> Result<Option<Payload>> {
        let output = P::Output::from_payload(output)?;
        let collected = self.program.collect(self.state, &output, context)?;
        Ok(collected.map(Wire::into_payload).transpose()?)
    }
}

type Instantiate = fn(&[u8]) -> Result<Arc<dyn Instance>, serde_json::Error>;

/// The programs registered with a machine, by name.
#[derive(Clone, Default)]
pub(crate) struct Catalog {
    programs: BTreeMap<&'static str, Instantiate>,
}

impl Catalog {
    pub(crate) fn register<P: Program>(&mut self) {
        self.programs.insert(P::NAME, |parameters| {
            Ok(Arc::new(serde_json::from_slice::<P>(parameters)?))
        });
    }

    /// Whether there is such a program and the parameters are its own.
    pub(crate) fn check(&self, name: &str, parameters: &Bytes) -> Result<(), JobError> {
        let instance = self.instantiate(name, parameters)?;
        caught(|| drop(instance)).map_err(|panic| JobError::InvalidParameters {
            program: name.to_owned(),
            reason: format!("dropping them panicked: {panic}"),
        })
    }

    pub(crate) fn instantiate(
        &self,
        name: &str,
        parameters: &Bytes,
    ) -> Result<Arc<dyn Instance>, JobError> {
        let instantiate = self
            .programs
            .get(name)
            .ok_or_else(|| JobError::UnknownProgram {
                name: name.to_owned(),
                known: self.programs.keys().map(ToString::to_string).collect(),
            })?;
        caught(|| instantiate(parameters).map_err(|error| error.to_string()))
            .unwrap_or_else(|panic| Err(format!("reading them panicked: {panic}")))
            .map_err(|reason| JobError::InvalidParameters {
                program: name.to_owned(),
                reason,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_that_nobody_could_compute_with_is_refused() {
        for cost in [0.0, 1.0, LARGEST] {
            assert_eq!(stated("complexity", cost).unwrap(), cost);
        }
        for cost in [-1.0, f64::NAN, f64::INFINITY, 1.1 * LARGEST] {
            let refusal = stated("complexity", cost).unwrap_err().to_string();
            let needed = "as its `complexity`; a number from 0 to 1e30 is needed";
            assert!(refusal.ends_with(needed), "{refusal}");
        }
    }
}
