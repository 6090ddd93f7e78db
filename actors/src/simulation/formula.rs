//! Formulas in x, such as `x*log2(x)`: what a step costs, what a message weighs.

mod parser;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A formula in one variable, x: the size of a tile, in pixels.
///
/// Numbers (`786`, `0.5`, `2e9`), `x`, `+ - * / ^`, brackets, `log2(a)`, `sqrt(a)`, `min(a, b)` and
/// `max(a, b)`. As in mathematics `^` binds tightest and to the right (`2^3^2` = 2⁹), then the sign
/// (`-x^2` = −(x²)), then `* /`, then `+ -`.
///
/// ```
/// use msvpu_actors::Formula;
///
/// let complexity: Formula = "x*log2(x)".parse()?;
/// assert_eq!(complexity.eval(1024.0), 10240.0);
/// assert_eq!(complexity.to_string(), "x*log2(x)");
/// # Ok::<(), msvpu_actors::FormulaError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    text: String,
    root: Node,
}

impl Formula {
    /// The most characters of a formula.
    pub const MAX_LENGTH: usize = 1000;
    /// How deep brackets, signs and powers may nest.
    pub const MAX_DEPTH: usize = 64;

    /// Reads a formula; [`FromStr`] does the same.
    ///
    /// # Errors
    ///
    /// What does not follow the grammar above, with its column; a formula that is longer than
    /// [`Self::MAX_LENGTH`] or nests deeper than [`Self::MAX_DEPTH`].
    pub fn parse(text: &str) -> Result<Self, FormulaError> {
        Ok(Self {
            text: text.to_owned(),
            root: parser::parse(text)?,
        })
    }

    /// The formula `x`.
    #[must_use]
    pub fn x() -> Self {
        Self {
            text: "x".to_owned(),
            root: Node::X,
        }
    }

    /// Its value at `x`, the same bits on every machine.
    ///
    /// Follows IEEE 754: infinite where it overflows or divides by zero, NaN where it has no value, as
    /// `sqrt(0-x)`. [`Spec::validate`](crate::Spec::validate) refuses both at the size of the job's tiles.
    #[must_use]
    pub fn eval(&self, x: f64) -> f64 {
        self.root.eval(x)
    }
}

/// A formula that is the same for every x.
impl From<u32> for Formula {
    fn from(number: u32) -> Self {
        Self {
            text: number.to_string(),
            root: Node::Number(number.into()),
        }
    }
}

impl FromStr for Formula {
    type Err = FormulaError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A text is not a formula.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("column {column}: {problem}")]
pub struct FormulaError {
    /// Where, in characters from 1.
    pub column: usize,
    /// What, and what would be right.
    pub problem: FormulaProblem,
}

/// What keeps a text from being a formula.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FormulaProblem {
    /// More was to come.
    #[error("the formula ends where {expected} should be")]
    Ended {
        /// What would be right.
        expected: &'static str,
    },
    /// Something else was to come.
    #[error("`{found}` is where {expected} should be")]
    Unexpected {
        /// What came.
        found: String,
        /// What would be right.
        expected: &'static str,
    },
    /// Neither x nor a function.
    #[error(
        "`{name}` is neither the variable `x` nor one of the functions log2, sqrt, min and max"
    )]
    UnknownName {
        /// What came.
        name: String,
    },
    /// Begins like a number, but is none, or none that is finite.
    #[error("`{text}` is not a finite number; write it as 786, 0.5 or 2e9")]
    InvalidNumber {
        /// What came.
        text: String,
    },
    /// Too few or too many arguments.
    #[error("{function} takes {expected}, not {found}")]
    Arguments {
        /// Which function.
        function: &'static str,
        /// How many it takes, in words.
        expected: &'static str,
        /// How many it was given.
        found: usize,
    },
    /// More than [`Formula::MAX_LENGTH`] characters.
    #[error("the formula is longer than {} characters", Formula::MAX_LENGTH)]
    TooLong,
    /// Deeper than [`Formula::MAX_DEPTH`].
    #[error(
        "more than {} brackets, signs and powers within each other",
        Formula::MAX_DEPTH
    )]
    TooDeep,
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Number(f64),
    X,
    Unary(Unary, Box<Node>),
    Binary(Binary, Box<(Node, Node)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unary {
    Negate,
    Log2,
    Sqrt,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Min,
    Max,
}

impl Node {
    /// As deep a recursion as the text is long at most, and that is bounded.
    fn eval(&self, x: f64) -> f64 {
        match self {
            Self::Number(number) => *number,
            Self::X => x,
            Self::Unary(operation, of) => {
                let a = of.eval(x);
                match operation {
                    Unary::Negate => -a,
                    Unary::Log2 => libm::log2(a),
                    Unary::Sqrt => a.sqrt(),
                }
            }
            Self::Binary(operation, of) => {
                let (a, b) = (of.0.eval(x), of.1.eval(x));
                match operation {
                    Binary::Add => a + b,
                    Binary::Subtract => a - b,
                    Binary::Multiply => a * b,
                    Binary::Divide => a / b,
                    Binary::Power => libm::pow(a, b),
                    // Unlike `f64::min`, these do not hide a NaN.
                    Binary::Min if a.is_nan() || a < b => a,
                    Binary::Max if a.is_nan() || a > b => a,
                    Binary::Min | Binary::Max => b,
                }
            }
        }
    }
}
