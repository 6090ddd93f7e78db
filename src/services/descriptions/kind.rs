//! What values a parameter takes: one line for people, a schema for programs.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

/// What values a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ParameterKind {
    /// A whole number, both ends included.
    Integer {
        /// The least.
        from: u64,
        /// The greatest.
        to: u64,
    },
    /// A finite number.
    Number {
        /// It must be greater than this, if there is a bound.
        above: Option<f64>,
        /// The greatest, if there is one.
        to: Option<f64>,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// True or false.
    Boolean,
    /// `{"rows": 4, "columns": 2}`.
    Tiling,
    /// One list a class, one number a band.
    Centers,
    /// Something that is said in words only.
    Words(&'static str),
}

impl fmt::Display for ParameterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Where the type ends there is nothing worth telling.
            Self::Integer { from, to } if *to >= u32::MAX.into() => {
                write!(f, "integer, from {from}")
            }
            Self::Integer { from, to } => write!(f, "integer, {from} to {to}"),
            Self::Number { above, to } => {
                f.write_str("number")?;
                if let Some(above) = above {
                    write!(f, ", above {above}")?;
                }
                to.map_or(Ok(()), |to| write!(f, ", at most {to}"))
            }
            Self::Choice(words) => f.write_str(&words.join(" | ")),
            Self::Boolean => f.write_str("boolean"),
            Self::Tiling => f.write_str("{rows, columns}, from 1"),
            Self::Centers => f.write_str("list of lists of numbers"),
            Self::Words(words) => f.write_str(words),
        }
    }
}

impl Serialize for ParameterKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl ParameterKind {
    /// The keywords of a schema; with `null` among the values where it stands for nothing.
    pub(super) fn schema(&self, nullable: bool) -> Map<String, Value> {
        let of_type = |name: &str| match nullable {
            true => json!([name, "null"]),
            false => json!(name),
        };
        let schema = match self {
            Self::Integer { from, to } => {
                json!({ "type": of_type("integer"), "minimum": from, "maximum": to })
            }
            Self::Number { above, to } => {
                let mut number = json!({ "type": of_type("number") });
                for (keyword, bound) in [("exclusiveMinimum", above), ("maximum", to)] {
                    if let Some(bound) = bound {
                        number[keyword] = json!(bound);
                    }
                }
                number
            }
            Self::Choice(words) => json!({ "type": of_type("string"), "enum": words }),
            Self::Boolean => json!({ "type": of_type("boolean") }),
            Self::Tiling => {
                let side = |order: u8, title: &str| json!({ "type": "integer", "minimum": 1, "maximum": u32::MAX, "title": title, "x-order": order });
                json!({
                    "type": of_type("object"),
                    "properties": { "rows": side(0, "Rows"), "columns": side(1, "Columns") },
                    "required": ["rows", "columns"],
                    "additionalProperties": false
                })
            }
            Self::Centers => json!({
                "type": of_type("array"),
                "minItems": 1,
                "items": { "type": "array", "minItems": 1, "items": { "type": "number" } }
            }),
            Self::Words(words) => json!({ "$comment": words }),
        };
        match schema {
            Value::Object(keywords) => keywords,
            _ => Map::new(),
        }
    }
}
