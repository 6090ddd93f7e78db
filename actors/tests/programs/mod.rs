//! Programs that the tests run.
#![allow(dead_code, missing_docs)]

use msvpu_actors::{Cancellation, Context, Program, ProgramError, Result, Round, Step};
use serde::{Deserialize, Serialize};

/// Adds its input up, once each round: `rounds × Σ input`, with an echo of each tile.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sum {
    pub(crate) tile_len: usize,
    pub(crate) rounds: u32,
}

impl Program for Sum {
    const NAME: &'static str = "sum";
    type Input = Vec<u64>;
    type Tile = Vec<u64>;
    type State = Vec<u64>;
    type Task = u64;
    type Partial = u64;
    type TileOutput = Vec<u64>;
    type Output = u64;

    fn split(&self, input: Vec<u64>, _: &Cancellation) -> Result<(Vec<Vec<u64>>, u64)> {
        if self.tile_len == 0 {
            return Err(ProgramError::invalid_input(
                "a tile of 0 numbers; at least 1",
            ));
        }
        Ok((
            input.chunks(self.tile_len).map(<[u64]>::to_vec).collect(),
            0,
        ))
    }

    fn load(&self, tile: Vec<u64>, _: &Context) -> Result<Vec<u64>> {
        Ok(tile)
    }

    fn local_step(&self, tile: &mut Vec<u64>, _: &u64, _: &Context) -> Result<u64> {
        Ok(tile.iter().sum())
    }

    fn global_step(
        &self,
        round: Round,
        so_far: &u64,
        partials: &[u64],
        _: &Cancellation,
    ) -> Result<Step<u64, u64>> {
        let total = so_far + partials.iter().sum::<u64>();
        Ok(if round.0 < self.rounds {
            Step::Next(total)
        } else {
            Step::Done(total)
        })
    }

    fn collect(&self, tile: Vec<u64>, _: &u64, _: &Context) -> Result<Option<Vec<u64>>> {
        Ok(Some(tile))
    }
}

/// Where [`Faulty`] does what it should not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Where {
    Split,
    Load,
    LocalStep,
    GlobalStep,
    Collect,
}

/// What [`Faulty`] does there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Fault {
    Panic,
    Fail,
    Refuse,
}

/// Three tiles and three rounds; at one place, on tile 1 and in round 2, it goes wrong.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Faulty {
    pub(crate) at: Where,
    pub(crate) fault: Fault,
}

impl Faulty {
    fn go(&self, at: Where) -> Result<()> {
        match self.fault {
            _ if at != self.at => Ok(()),
            Fault::Panic => panic!("on purpose"),
            Fault::Fail => Err(ProgramError::failed("on purpose")),
            Fault::Refuse => Err(ProgramError::invalid_input("on purpose")),
        }
    }
}

impl Program for Faulty {
    const NAME: &'static str = "faulty";
    type Input = ();
    type Tile = ();
    type State = ();
    type Task = u32;
    type Partial = ();
    type TileOutput = ();
    type Output = ();

    fn split(&self, (): (), _: &Cancellation) -> Result<(Vec<()>, u32)> {
        self.go(Where::Split)?;
        Ok((vec![(); 3], 1))
    }

    fn load(&self, (): (), context: &Context) -> Result<()> {
        if context.rank().0 == 1 {
            self.go(Where::Load)?;
        }
        Ok(())
    }

    fn local_step(&self, (): &mut (), round: &u32, context: &Context) -> Result<()> {
        if context.rank().0 == 1 && *round == 2 {
            self.go(Where::LocalStep)?;
        }
        Ok(())
    }

    fn global_step(
        &self,
        round: Round,
        _: &u32,
        _: &[()],
        _: &Cancellation,
    ) -> Result<Step<u32, ()>> {
        if round.0 == 2 {
            self.go(Where::GlobalStep)?;
        }
        Ok(if round.0 < 3 {
            Step::Next(round.0 + 1)
        } else {
            Step::Done(())
        })
    }

    fn collect(&self, (): (), (): &(), context: &Context) -> Result<Option<()>> {
        if context.rank().0 == 1 {
            self.go(Where::Collect)?;
        }
        Ok(None)
    }
}

/// Runs until it is cancelled: in short steps without end, or in one function without end.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Endless {
    Rounds,
    Step,
    Split,
    GlobalStep,
}

fn until_cancelled(cancellation: &Cancellation) -> Result<()> {
    loop {
        cancellation.check()?;
        std::thread::yield_now();
    }
}

impl Program for Endless {
    const NAME: &'static str = "endless";
    type Input = u32;
    type Tile = ();
    type State = ();
    type Task = u32;
    type Partial = ();
    type TileOutput = ();
    type Output = ();

    fn split(&self, team_size: u32, cancellation: &Cancellation) -> Result<(Vec<()>, u32)> {
        if let Self::Split = self {
            until_cancelled(cancellation)?;
        }
        Ok((vec![(); team_size as usize], 0))
    }

    fn load(&self, (): (), _: &Context) -> Result<()> {
        Ok(())
    }

    fn local_step(&self, (): &mut (), _: &u32, context: &Context) -> Result<()> {
        match self {
            Self::Step => until_cancelled(context.cancellation()),
            _ => Ok(()),
        }
    }

    fn global_step(
        &self,
        round: Round,
        _: &u32,
        _: &[()],
        cancellation: &Cancellation,
    ) -> Result<Step<u32, ()>> {
        if let Self::GlobalStep = self {
            until_cancelled(cancellation)?;
        }
        Ok(Step::Next(round.0))
    }
}

/// Tells on which thread its loaded tile was dropped, by a panic there. Fails in its first round.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Heavy;

/// The tile of a [`Heavy`].
pub(crate) struct Weight;

/// The names of the threads that dropped a [`Weight`].
pub(crate) static DROPPED_ON: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());

impl Drop for Weight {
    fn drop(&mut self) {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or_default().to_owned();
        DROPPED_ON.lock().unwrap().push(name);
        panic!("dropped on purpose");
    }
}

impl Program for Heavy {
    const NAME: &'static str = "heavy";
    type Input = u32;
    type Tile = ();
    type State = Weight;
    type Task = ();
    type Partial = ();
    type TileOutput = ();
    type Output = ();

    fn split(&self, team_size: u32, _: &Cancellation) -> Result<(Vec<()>, ())> {
        Ok((vec![(); team_size as usize], ()))
    }

    fn load(&self, (): (), _: &Context) -> Result<Weight> {
        Ok(Weight)
    }

    fn local_step(&self, _: &mut Weight, (): &(), _: &Context) -> Result<()> {
        Ok(())
    }

    fn global_step(&self, _: Round, (): &(), _: &[()], _: &Cancellation) -> Result<Step<(), ()>> {
        Err(ProgramError::failed("on purpose"))
    }
}

/// Panics while its parameters are read, or when it is dropped.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(try_from = "bool", into = "bool")]
pub(crate) struct Explosive {
    pub(crate) when_read: bool,
}

impl TryFrom<bool> for Explosive {
    type Error = String;

    fn try_from(when_read: bool) -> std::result::Result<Self, String> {
        assert!(!when_read, "read on purpose");
        Ok(Self { when_read })
    }
}

impl From<Explosive> for bool {
    fn from(explosive: Explosive) -> Self {
        explosive.when_read
    }
}

/// What panics once more when it is dropped.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("dropped on purpose");
    }
}

impl Program for Explosive {
    const NAME: &'static str = "explosive";
    type Input = ();
    type Tile = ();
    type State = ();
    type Task = ();
    type Partial = ();
    type TileOutput = ();
    type Output = ();

    fn split(&self, (): (), _: &Cancellation) -> Result<(Vec<()>, ())> {
        Ok((vec![()], ()))
    }

    fn load(&self, (): (), _: &Context) -> Result<()> {
        Ok(())
    }

    fn local_step(&self, (): &mut (), (): &(), _: &Context) -> Result<()> {
        std::panic::panic_any(Grenade)
    }

    fn global_step(&self, _: Round, (): &(), _: &[()], _: &Cancellation) -> Result<Step<(), ()>> {
        Ok(Step::Done(()))
    }
}
