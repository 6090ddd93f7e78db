//! What can be wrong with a spec.

use std::fmt;

use thiserror::Error;

use crate::simulation::formula::FormulaProblem;

/// A text is not a spec: where, what is wrong, and what would be right.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{origin}:{line}:{column}: {problem}")]
pub struct SpecError {
    /// Where the text came from, as it was given to [`Spec::parse`](crate::Spec::parse).
    pub origin: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: Box<SpecProblem>,
}

/// What is wrong with a spec, and what would be right.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum SpecProblem {
    /// The text is longer than the parser takes.
    #[error("the spec has {bytes} bytes; at most {limit} are read")]
    TooLong {
        /// Of the text.
        bytes: usize,
        /// What is taken.
        limit: usize,
    },
    /// The text is not TOML.
    #[error("this is not TOML: {0}")]
    Syntax(String),
    /// No such key in this table.
    #[error("{table} has no key `{key}`; {}", Known { nearest, known })]
    UnknownKey {
        /// Of what kind the table is: `a node`.
        table: &'static str,
        /// What was written.
        key: String,
        /// What may have been meant.
        nearest: Option<String>,
        /// All keys of the table.
        known: Vec<String>,
    },
    /// A key without a default is not there.
    #[error("{table} needs the key `{key}`, such as `{key} = {example}`")]
    MissingKey {
        /// Of what kind the table is.
        table: &'static str,
        /// What is missing.
        key: &'static str,
        /// A value that would be right.
        example: &'static str,
    },
    /// Not of the type that the key has.
    #[error("`{key}` is {found}; it must be {expected}")]
    WrongType {
        /// Of which key; `speed.min` for a key within a key.
        key: String,
        /// The type that was written.
        found: &'static str,
        /// What would be right.
        expected: String,
    },
    /// Of the right type, but out of range or of the wrong form.
    #[error("`{key}` is {value}; it must be {expected}")]
    InvalidValue {
        /// Of which key.
        key: String,
        /// What was written.
        value: String,
        /// What would be right.
        expected: String,
    },
    /// Names nothing that there is.
    #[error("`{key}` is `{name}`, which there is not; {}", Known { nearest, known })]
    UnknownName {
        /// Of which key.
        key: String,
        /// What was written.
        name: String,
        /// What may have been meant.
        nearest: Option<String>,
        /// What could have been named.
        known: Vec<String>,
    },
    /// Two of the same name.
    #[error("{what} `{name}` is there already, since line {first_line}; names must differ")]
    DuplicateName {
        /// Of what kind: `the node`.
        what: &'static str,
        /// The name.
        name: String,
        /// Where the other one stands.
        first_line: usize,
    },
    /// Not a formula in x.
    #[error("`{key}` is no formula: {problem}")]
    Formula {
        /// Of which key.
        key: String,
        /// What is wrong with it.
        problem: FormulaProblem,
    },
    /// A formula that has no use at the size of the job's tiles.
    #[error("`{key}` gives {value} for x = {x}; it must be {expected}")]
    FormulaValue {
        /// Of which key.
        key: String,
        /// What the formula gives.
        value: f64,
        /// The size of a tile, in pixels.
        x: f64,
        /// What would be right.
        expected: String,
    },
    /// More than a spec may hold.
    #[error("the spec has {found} {what}; at most {limit} are taken")]
    TooMany {
        /// Nodes, jobs or faults.
        what: &'static str,
        /// How many.
        found: usize,
        /// How many may be.
        limit: usize,
    },
    /// A cluster without a node.
    #[error("the spec has no node; it needs at least one table [[nodes]] with a `name`")]
    NoNodes,
    /// A node joins twice.
    #[error("the node `{node}` joins already at line {first_line}; it can join once")]
    JoinsTwice {
        /// Its name.
        node: String,
        /// Where the other fault stands.
        first_line: usize,
    },
}

/// As many known names as one cares to read.
const SHOWN: usize = 10;

struct Known<'a> {
    nearest: &'a Option<String>,
    known: &'a [String],
}

impl fmt::Display for Known<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(nearest) = self.nearest {
            write!(f, "did you mean `{nearest}`? ")?;
        }
        if self.known.is_empty() {
            return f.write_str("there are none");
        }
        let shown = self.known.get(..SHOWN).unwrap_or(self.known);
        write!(f, "known: {}", shown.join(", "))?;
        match self.known.len() - shown.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}
