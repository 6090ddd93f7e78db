//! Values of the file, which know where they stand in it, and what they must be.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::error::{SpecError, SpecProblem};
use super::section::{Section, Source};
use crate::simulation::formula::{Formula, FormulaError};
use crate::simulation::rules::{self, Range};

type Result<T> = std::result::Result<T, SpecError>;

/// The value of a key.
#[derive(Clone)]
pub(super) struct Value<'a> {
    pub(super) source: &'a Source<'a>,
    pub(super) key: String,
    pub(super) spanned: &'a Spanned<DeValue<'a>>,
}

impl<'a> Value<'a> {
    pub(super) fn at(&self) -> usize {
        self.spanned.span().start
    }

    pub(super) fn error(&self, problem: SpecProblem) -> SpecError {
        self.source.error(self.at(), problem)
    }

    pub(super) fn wrong_type(&self, expected: impl fmt::Display) -> SpecError {
        self.error(SpecProblem::WrongType {
            key: self.key.clone(),
            found: match self.spanned.get_ref() {
                DeValue::String(_) => "a text",
                DeValue::Integer(_) => "a whole number",
                DeValue::Float(_) => "a fraction",
                DeValue::Boolean(_) => "a boolean",
                DeValue::Datetime(_) => "a date",
                DeValue::Array(_) => "an array",
                DeValue::Table(_) => "a table",
            },
            expected: expected.to_string(),
        })
    }

    pub(super) fn invalid(&self, expected: impl fmt::Display) -> SpecError {
        self.error(SpecProblem::InvalidValue {
            key: self.key.clone(),
            value: self.written(),
            expected: expected.to_string(),
        })
    }

    /// As it stands in the file.
    fn written(&self) -> String {
        shortened(self.source.text.get(self.spanned.span()).unwrap_or(""))
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(self.spanned.get_ref(), DeValue::String(_))
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(
            self.spanned.get_ref(),
            DeValue::Integer(_) | DeValue::Float(_)
        )
    }

    pub(super) fn is_table(&self) -> bool {
        matches!(self.spanned.get_ref(), DeValue::Table(_))
    }

    pub(super) fn text(&self, expected: &str) -> Result<&'a str> {
        match self.spanned.get_ref() {
            DeValue::String(text) => Ok(text),
            _ => Err(self.wrong_type(expected)),
        }
    }

    pub(super) fn name(&self) -> Result<String> {
        let name = self.text("a text")?;
        if rules::is_name(name) {
            Ok(name.to_owned())
        } else {
            Err(self.invalid(rules::NAME))
        }
    }

    pub(super) fn number(&self, range: Range) -> Result<f64> {
        let number: Option<f64> = match self.spanned.get_ref() {
            DeValue::Integer(_) => self.whole_number().map(|number| number as f64),
            DeValue::Float(float) => float.as_str().parse().ok(),
            _ => return Err(self.wrong_type(format_args!("a number {range}"))),
        };
        number
            .filter(|&number| range.contains(number))
            .ok_or_else(|| self.invalid(range))
    }

    fn whole_number(&self) -> Option<i128> {
        let DeValue::Integer(integer) = self.spanned.get_ref() else {
            return None;
        };
        i128::from_str_radix(integer.as_str(), integer.radix()).ok()
    }

    pub(super) fn whole(&self, range: RangeInclusive<u64>) -> Result<u64> {
        let expected = || rules::whole(&range);
        if !matches!(self.spanned.get_ref(), DeValue::Integer(_)) {
            return Err(self.wrong_type(expected()));
        }
        self.whole_number()
            .and_then(|number| u64::try_from(number).ok())
            .filter(|number| range.contains(number))
            .ok_or_else(|| self.invalid(expected()))
    }

    pub(super) fn count(&self, range: RangeInclusive<u32>) -> Result<u32> {
        let wide = u64::from(*range.start())..=u64::from(*range.end());
        // It is in a range of u32.
        Ok(self.whole(wide)? as u32)
    }

    /// A number of milliseconds.
    pub(super) fn milliseconds(&self, range: Range) -> Result<Duration> {
        Ok(rules::from_milliseconds(self.number(range)?))
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T> {
        let names = || choices.iter().map(|(name, _)| *name);
        let text = self.text(&format!(
            "a text, one of {}",
            names().collect::<Vec<_>>().join(", ")
        ))?;
        match choices.iter().find(|(name, _)| *name == text) {
            Some((_, choice)) => Ok(*choice),
            None => Err(self.unknown_name(text, names())),
        }
    }

    pub(super) fn unknown_name<'n>(
        &self,
        name: &str,
        known: impl Iterator<Item = &'n str> + Clone,
    ) -> SpecError {
        self.error(SpecProblem::UnknownName {
            key: self.key.clone(),
            name: shortened(name),
            nearest: nearest(name, known.clone()),
            known: known.map(str::to_owned).collect(),
        })
    }

    /// A table of which these are all keys.
    pub(super) fn section(&self, kind: &'static str, known: &[&str]) -> Result<Section<'a>> {
        let DeValue::Table(table) = self.spanned.get_ref() else {
            return Err(self.wrong_type(format_args!("a table {{ {} }}", known.join(", "))));
        };
        Section::new(self.source, kind, self.at(), table)
            .below(&self.key)
            .only(kind, known)
    }

    /// A formula in x, or a plain number.
    pub(super) fn formula(&self) -> Result<Formula> {
        let (text, quote) = match self.spanned.get_ref() {
            DeValue::String(text) => (text.as_ref(), 1),
            DeValue::Integer(integer) if integer.radix() == 10 => (integer.as_str(), 0),
            DeValue::Float(float) => (float.as_str(), 0),
            _ => return Err(self.wrong_type("a formula in x, such as \"x^2\"")),
        };
        Formula::parse(text).map_err(|FormulaError { column, problem }| {
            let mut error = self.error(SpecProblem::Formula {
                key: self.key.clone(),
                problem,
            });
            // Where no escapes are in between, the very character can be named.
            let raw = self.source.text.get(self.spanned.span()).unwrap_or("");
            if raw.len() == text.len() + 2 * quote && raw[quote..].starts_with(text) {
                error.column += quote + column - 1;
            }
            error
        })
    }
}

/// What someone may have meant: the most similar word, if it is similar at all.
pub(super) fn nearest<'n>(word: &str, known: impl Iterator<Item = &'n str>) -> Option<String> {
    const SIMILAR: f64 = 0.8;
    if word.len() > MOST_SHOWN {
        return None;
    }
    known
        .map(|name| (name, strsim::jaro_winkler(word, name)))
        .filter(|(_, similarity)| *similarity >= SIMILAR)
        // The first of several that are equally similar.
        .reduce(|best, next| if next.1 > best.1 { next } else { best })
        .map(|(name, _)| name.to_owned())
}

/// The most characters of the file that an error repeats at a time.
const MOST_SHOWN: usize = 60;

pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
