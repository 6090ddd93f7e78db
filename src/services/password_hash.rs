//! Argon2id of a list of passwords: the example of the paper's Fig. 1.

use std::fmt;

use argon2::password_hash::phc::{self, Output, ParamsString, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use msvpu_actors::{Cancellation, Context, Program, ProgramError, Result, Round, Step};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Argon2id (RFC 9106, version 0x13) of a list of passwords: each tile a part of the list, the
/// output one PHC string for each password, in the order of the list.
///
/// **For demonstration.** A program has to give the same bits wherever it runs, so the salts are
/// not random: that of password `i` (from 0) is the first 16 bytes of SHA-256(`salt` ‖ `i` as 8
/// bytes, the least significant first). Whoever knows `salt` knows them all; a store of real
/// passwords draws a random salt for each.
///
/// The lanes of one password are computed one after the other, whatever `parallelism` says: it is
/// the list that is computed in parallel. Each CPU of a node takes `memory_kib` while it hashes.
///
/// ```
/// use msvpu::{PasswordHash, Passwords, VirtualMachine};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let machine = VirtualMachine::local().service::<PasswordHash>().start().await?;
/// let program = PasswordHash { memory_kib: 64, ..PasswordHash::new("a demonstration") };
/// let passwords = Passwords::from_iter(["secret", "swordfish"]);
/// let hashes = machine.run(program, passwords).await?.output;
/// assert_eq!(hashes.len(), 2);
/// assert!(hashes[0].starts_with("$argon2id$v=19$m=64,t=2,p=1$"));
/// # Ok(())
/// # }
/// ```
///
/// As JSON an object of these keys, all of which but `salt` may be left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordHash {
    /// What the salts are made from, 8 to 1024 bytes.
    pub salt: String,
    /// The memory that one password takes, in KiB: from 8 a lane to
    /// [`MAX_MEMORY_KIB`](Self::MAX_MEMORY_KIB).
    #[serde(default = "default_memory_kib")]
    pub memory_kib: u32,
    /// Passes over that memory, from 1; limited by [`MAX_WORK_KIB`](Self::MAX_WORK_KIB).
    #[serde(default = "default_iterations")]
    pub iterations: u32,
    /// Lanes, 1 to 255.
    #[serde(default = "default_parallelism")]
    pub parallelism: u32,
    /// Passwords of a tile, from 1; when absent one, or as many as make 1024 tiles of the list.
    #[serde(default)]
    pub chunk: Option<u32>,
}

impl PasswordHash {
    /// Memory and passes of the first choice of OWASP's Password Storage Cheat Sheet.
    pub const DEFAULT_MEMORY_KIB: u32 = 19 * 1024;
    /// See [`DEFAULT_MEMORY_KIB`](Self::DEFAULT_MEMORY_KIB).
    pub const DEFAULT_ITERATIONS: u32 = 2;
    /// The most memory of one password: 1 GiB, on each CPU of a node at once.
    pub const MAX_MEMORY_KIB: u32 = 1 << 20;
    /// The most that memory × passes of one password may be: 4 GiB, some seconds. One password
    /// cannot be interrupted: so long a CPU may be busy after its job was cancelled.
    pub const MAX_WORK_KIB: u64 = 1 << 22;
    /// The most lanes.
    pub const MAX_PARALLELISM: u32 = 255;
    /// The longest list.
    pub const MAX_PASSWORDS: usize = 1_000_000;
    /// The longest password, in bytes.
    pub const MAX_PASSWORD_BYTES: usize = 4096;
    /// The shortest and the longest base of the salts, in bytes.
    pub const SALT_BYTES: std::ops::RangeInclusive<usize> = 8..=1024;

    /// As many tiles as the program makes by itself: few messages beside some ten ms of work each,
    /// and more than any node has CPUs.
    const DEFAULT_TILES: usize = 1024;

    /// The defaults, with salts made from this.
    #[must_use]
    pub fn new(salt: impl Into<String>) -> Self {
        Self {
            salt: salt.into(),
            memory_kib: Self::DEFAULT_MEMORY_KIB,
            iterations: Self::DEFAULT_ITERATIONS,
            parallelism: default_parallelism(),
            chunk: None,
        }
    }

    /// Checks the parameters.
    ///
    /// # Errors
    /// [`ProgramError::InvalidInput`] with one line that names what does not fit.
    pub fn validate(&self) -> Result<()> {
        let Self {
            memory_kib,
            iterations,
            parallelism,
            ..
        } = *self;
        let salt = self.salt.len();
        if !Self::SALT_BYTES.contains(&salt) {
            return invalid(format!(
                "salt has {salt} bytes: {} to {} are needed",
                Self::SALT_BYTES.start(),
                Self::SALT_BYTES.end()
            ));
        }
        if !(1..=Self::MAX_PARALLELISM).contains(&parallelism) {
            return invalid(format!(
                "parallelism is {parallelism}: it must be 1 to {}",
                Self::MAX_PARALLELISM
            ));
        }
        let least = Params::MIN_M_COST * parallelism;
        if !(least..=Self::MAX_MEMORY_KIB).contains(&memory_kib) {
            return invalid(format!(
                "memory_kib is {memory_kib}: it must be {least} (8 for each of {parallelism} lanes) to {}",
                Self::MAX_MEMORY_KIB
            ));
        }
        if iterations == 0 {
            return invalid("iterations is 0: at least 1 is needed".to_owned());
        }
        let work = u64::from(memory_kib) * u64::from(iterations);
        if work > Self::MAX_WORK_KIB {
            return invalid(format!(
                "memory_kib x iterations is {work}: at most {} for one password",
                Self::MAX_WORK_KIB
            ));
        }
        if self.chunk == Some(0) {
            return invalid("chunk is 0: a tile has at least 1 password".to_owned());
        }
        Ok(())
    }

    /// The salt of the password at this index of the list.
    fn salt_of(&self, index: u64) -> [u8; SALT_BYTES] {
        let digest = Sha256::new()
            .chain_update(&self.salt)
            .chain_update(index.to_le_bytes())
            .finalize();
        std::array::from_fn(|at| digest[at])
    }

    /// The length of each PHC string: 16 bytes of salt and 32 of hash are 22 and 43 characters of
    /// base64 without padding.
    fn phc_bytes(&self) -> usize {
        let Self {
            memory_kib,
            iterations,
            parallelism,
            ..
        } = self;
        format!("$argon2id$v=19$m={memory_kib},t={iterations},p={parallelism}$$").len() + 22 + 43
    }
}

const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// Argon2id with memory that is used again from one password to the next: to get it from the
/// system anew takes about a fifth of the time.
struct Hasher {
    argon2: Argon2<'static>,
    params: ParamsString,
    memory: Vec<Block>,
}

impl Hasher {
    fn new(program: &PasswordHash) -> Result<Self> {
        let refused = |error: &dyn fmt::Display| ProgramError::invalid_input(error.to_string());
        let params = Params::new(
            program.memory_kib,
            program.iterations,
            program.parallelism,
            Some(HASH_BYTES),
        )
        .map_err(|error| refused(&error))?;
        let blocks = params.block_count();
        let mut memory = Vec::new();
        memory.try_reserve_exact(blocks).map_err(|_| {
            ProgramError::failed(format!(
                "no {} KiB of memory are left for a password",
                program.memory_kib
            ))
        })?;
        memory.resize(blocks, Block::default());
        Ok(Self {
            params: ParamsString::try_from(&params).map_err(|error| refused(&error))?,
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            memory,
        })
    }

    /// The PHC string of a password.
    fn hash(
        &mut self,
        password: &str,
        salt: &[u8],
    ) -> Result<String, argon2::password_hash::Error> {
        let mut hash = [0; HASH_BYTES];
        self.argon2.hash_password_into_with_memory(
            password.as_bytes(),
            salt,
            &mut hash,
            &mut self.memory,
        )?;
        let phc = phc::PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: self.params.clone(),
            salt: Some(Salt::new(salt)?),
            hash: Some(Output::new(&hash)?),
        };
        Ok(phc.to_string())
    }
}

const fn default_memory_kib() -> u32 {
    PasswordHash::DEFAULT_MEMORY_KIB
}

const fn default_iterations() -> u32 {
    PasswordHash::DEFAULT_ITERATIONS
}

const fn default_parallelism() -> u32 {
    1
}

fn invalid(message: String) -> Result<()> {
    Err(ProgramError::InvalidInput(message))
}

/// A list of passwords. Its `Debug` tells how many there are, so that none gets into a log.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Passwords(Vec<String>);

impl Passwords {
    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<String>> for Passwords {
    fn from(passwords: Vec<String>) -> Self {
        Self(passwords)
    }
}

impl<T: Into<String>> FromIterator<T> for Passwords {
    fn from_iter<I: IntoIterator<Item = T>>(passwords: I) -> Self {
        Self(passwords.into_iter().map(Into::into).collect())
    }
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Passwords({} of them)", self.len())
    }
}

/// A part of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordTile {
    /// The index in the list of the first password.
    pub first: u64,
    /// The passwords, at least one.
    pub passwords: Passwords,
}

impl Program for PasswordHash {
    const NAME: &'static str = "password-hash";
    type Input = Passwords;
    type Tile = PasswordTile;
    type State = PasswordTile;
    type Task = ();
    type Partial = Vec<String>;
    type TileOutput = ();
    /// One PHC string for each password, in the order of the list.
    type Output = Vec<String>;

    fn split(
        &self,
        passwords: Passwords,
        cancellation: &Cancellation,
    ) -> Result<(Vec<PasswordTile>, ())> {
        self.validate()?;
        let count = passwords.len();
        if !(1..=Self::MAX_PASSWORDS).contains(&count) {
            return Err(ProgramError::invalid_input(format!(
                "the list has {count} passwords: 1 to {} are taken",
                Self::MAX_PASSWORDS
            )));
        }
        let too_long = |password: &String| password.len() > Self::MAX_PASSWORD_BYTES;
        if let Some(index) = passwords.0.iter().position(too_long) {
            return Err(ProgramError::invalid_input(format!(
                "password {index} (from 0) has {} bytes: at most {} are taken",
                passwords.0[index].len(),
                Self::MAX_PASSWORD_BYTES
            )));
        }
        let chunk = self.chunk.map_or_else(
            || count.div_ceil(Self::DEFAULT_TILES),
            |chunk| chunk as usize,
        );
        let mut rest = passwords.0.into_iter();
        let mut tiles = Vec::with_capacity(count.div_ceil(chunk));
        for first in (0..count).step_by(chunk) {
            cancellation.check()?;
            tiles.push(PasswordTile {
                first: first as u64,
                passwords: rest.by_ref().take(chunk).collect(),
            });
        }
        Ok((tiles, ()))
    }

    /// KiB of memory that are filled: memory × passes × passwords.
    fn complexity(&self, tile: &PasswordTile) -> f64 {
        f64::from(self.memory_kib) * f64::from(self.iterations) * tile.passwords.len() as f64
    }

    /// The encoded answer; the task is empty. A string has a byte before it that tells its length,
    /// the list at most ten.
    fn bytes_exchanged(&self, tile: &PasswordTile) -> f64 {
        (tile.passwords.len() * (1 + self.phc_bytes()) + 10) as f64
    }

    fn load(&self, tile: PasswordTile, _context: &Context) -> Result<PasswordTile> {
        Ok(tile)
    }

    fn local_step(
        &self,
        tile: &mut PasswordTile,
        _task: &(),
        context: &Context,
    ) -> Result<Vec<String>> {
        let mut hasher = Hasher::new(self)?;
        (tile.first..)
            .zip(&tile.passwords.0)
            .map(|(index, password)| {
                context.check()?;
                hasher
                    .hash(password, &self.salt_of(index))
                    .map_err(|error| ProgramError::failed(format!("password {index}: {error}")))
            })
            .collect()
    }

    fn global_step(
        &self,
        _round: Round,
        _task: &(),
        partials: &[Vec<String>],
        _cancellation: &Cancellation,
    ) -> Result<Step<(), Vec<String>>> {
        Ok(Step::Done(partials.concat()))
    }
}
