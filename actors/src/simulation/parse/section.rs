//! Tables of the file, which know where they stand in it.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{SpecError, SpecProblem};
use super::value::{Value, nearest, shortened};

type Result<T> = std::result::Result<T, SpecError>;

/// The whole text.
pub(super) struct Source<'a> {
    pub(super) text: &'a str,
    pub(super) origin: &'a str,
}

impl Source<'_> {
    /// Line and column of a byte offset, both from 1.
    pub(super) fn position(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (
            before.matches('\n').count() + 1,
            before[line_start..].chars().count() + 1,
        )
    }

    pub(super) fn error(&self, at: usize, problem: SpecProblem) -> SpecError {
        let (line, column) = self.position(at);
        SpecError {
            origin: self.origin.to_owned(),
            line,
            column,
            problem: problem.into(),
        }
    }
}

/// A table of the file.
pub(super) struct Section<'a> {
    pub(super) source: &'a Source<'a>,
    /// Of what kind it is, for errors: `a node`.
    kind: &'static str,
    /// The key it is the value of, if it is one, with a dot.
    prefix: String,
    /// Where it begins.
    pub(super) at: usize,
    table: &'a DeTable<'a>,
}

impl<'a> Section<'a> {
    pub(super) fn new(
        source: &'a Source<'a>,
        kind: &'static str,
        at: usize,
        table: &'a DeTable<'a>,
    ) -> Self {
        Self {
            source,
            kind,
            prefix: String::new(),
            at,
            table,
        }
    }

    /// It is the value of that key.
    pub(super) fn below(self, key: &str) -> Self {
        Self {
            prefix: format!("{key}."),
            ..self
        }
    }

    /// Refuses every other key: what is misspelt must not be left out in silence.
    pub(super) fn only(mut self, kind: &'static str, known: &[&str]) -> Result<Self> {
        // The first in the file; the table is sorted by name.
        let unknown = self
            .table
            .keys()
            .filter(|key| !known.contains(&key.get_ref().as_ref()))
            .min_by_key(|key| key.span().start);
        if let Some(key) = unknown {
            return Err(self.source.error(
                key.span().start,
                SpecProblem::UnknownKey {
                    table: kind,
                    key: shortened(key.get_ref()),
                    nearest: nearest(key.get_ref(), known.iter().copied()),
                    known: known.iter().map(ToString::to_string).collect(),
                },
            ));
        }
        self.kind = kind;
        Ok(self)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    pub(super) fn value(&self, key: &str) -> Option<Value<'a>> {
        self.table.get(key).map(|spanned| Value {
            source: self.source,
            key: format!("{}{key}", self.prefix),
            spanned,
        })
    }

    pub(super) fn optional<T>(
        &self,
        key: &str,
        read: impl FnOnce(Value<'a>) -> Result<T>,
    ) -> Result<Option<T>> {
        self.value(key).map(read).transpose()
    }

    pub(super) fn or<T>(
        &self,
        key: &str,
        default: T,
        read: impl FnOnce(Value<'a>) -> Result<T>,
    ) -> Result<T> {
        Ok(self.optional(key, read)?.unwrap_or(default))
    }

    pub(super) fn required<T>(
        &self,
        key: &'static str,
        example: &'static str,
        read: impl FnOnce(Value<'a>) -> Result<T>,
    ) -> Result<T> {
        match self.value(key) {
            Some(value) => read(value),
            None => Err(self.source.error(
                self.at,
                SpecProblem::MissingKey {
                    table: self.kind,
                    key,
                    example,
                },
            )),
        }
    }

    /// The tables of `[[key]]`.
    pub(super) fn tables(&self, key: &str, kind: &'static str) -> Result<Vec<Section<'a>>> {
        let Some(value) = self.value(key) else {
            return Ok(Vec::new());
        };
        let expected = format!("tables, each under its own line [[{key}]]");
        let DeValue::Array(items) = value.spanned.get_ref() else {
            return Err(value.wrong_type(expected));
        };
        let table = |item: &'a Spanned<DeValue<'a>>| match item.get_ref() {
            DeValue::Table(table) => Ok(Section::new(self.source, kind, item.span().start, table)),
            _ => Err(Value {
                source: self.source,
                key: key.to_owned(),
                spanned: item,
            }
            .wrong_type(expected.clone())),
        };
        items.iter().map(table).collect()
    }
}
