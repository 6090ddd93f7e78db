//! What can go wrong, by who has to know.

use std::any::type_name;

use thiserror::Error;

/// A value could not be written for, or read from, its travelling form.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("cannot {action} a `{type_name}`: {reason}")]
pub struct CodecError {
    action: &'static str,
    type_name: &'static str,
    reason: String,
}

impl CodecError {
    pub(crate) fn encode<T>(reason: impl ToString) -> Self {
        Self {
            action: "encode",
            type_name: type_name::<T>(),
            reason: reason.to_string(),
        }
    }

    pub(crate) fn decode<T>(reason: impl ToString) -> Self {
        Self {
            action: "decode",
            type_name: type_name::<T>(),
            reason: reason.to_string(),
        }
    }

    /// The bytes were read, but the value is not one that a `T` can have.
    #[must_use]
    pub fn invalid<T>(reason: impl ToString) -> Self {
        Self::decode::<T>(reason)
    }

    pub(crate) fn trailing<T>(extra_bytes: usize) -> Self {
        Self::decode::<T>(format!("{extra_bytes} bytes too many"))
    }
}

/// What a program's own functions return when they cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProgramError {
    /// The input or the parameters do not fit; whoever submitted the job can mend it.
    #[error("{0}")]
    InvalidInput(String),
    /// The program failed on input that should have worked.
    #[error("{0}")]
    Failed(String),
    /// [`Context::check`](crate::Context::check) saw that the job was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// What arrived is not what this program sends.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

impl ProgramError {
    /// The input or the parameters do not fit: say what is wrong, where, and what would be right.
    #[must_use]
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self::InvalidInput(message.into())
    }

    /// The program failed: say at what.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }
}
