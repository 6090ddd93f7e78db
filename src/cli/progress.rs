//! The progress bar: on stderr, and only where somebody can see it move.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::failure::one_line;
use super::stdout::complain;
use msvpu::report::number::short;

const SPINNER: &str = "{spinner} {msg}";
const BAR: &str = "{spinner} {wide_bar} iteration {pos}/{len}{msg}";
const REFRESH: Duration = Duration::from_millis(100);

/// Shows what the command is at; shows nothing when `quiet` or when stderr is no terminal.
pub(crate) struct Display {
    bar: ProgressBar,
    quiet: bool,
}

impl Display {
    pub(crate) fn new(quiet: bool) -> Self {
        let bar = if quiet || !stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.enable_steady_tick(REFRESH);
            bar
        };
        Self { bar, quiet }
    }

    /// Something whose length is not known, such as `decoding`.
    pub(crate) fn phase(&self, what: &str) {
        self.bar.set_style(style(SPINNER));
        self.bar.set_message(what.to_owned());
    }

    /// The iterations begin; there will be `limit` at most.
    pub(crate) fn iterations(&self, limit: u32) {
        self.bar.set_style(style(BAR));
        self.bar.set_message("");
        self.bar.set_length(limit.into());
        self.bar.set_position(0);
    }

    /// An iteration is over.
    pub(crate) fn iteration(&self, iteration: u32, objective_change: f64) {
        self.bar.set_position(iteration.into());
        self.bar
            .set_message(format!(", J changed by {}", short(objective_change)));
    }

    /// This round has begun, counted from 1.
    pub(crate) fn round(&self, round: u32) {
        self.bar.set_position(round.into());
        self.bar.set_message("");
    }

    /// Tiles have answered in a long round.
    pub(crate) fn tiles(&self, answered: u32, of: u32) {
        self.bar.set_message(format!(", {answered} of {of} tiles"));
    }

    /// Says something that does not end the command, above the bar.
    pub(crate) fn warn(&self, message: &str) {
        warn(&self.bar, message);
    }

    /// What warns as [`warn`](Self::warn) does, from wherever it is called.
    #[cfg(feature = "amqp")]
    pub(crate) fn warner(&self) -> impl Fn(&str) + Send + Sync + use<> {
        let bar = self.bar.clone();
        move |message| warn(&bar, message)
    }

    /// Says what the command waits for, to whoever wants to know what it is at.
    pub(crate) fn note(&self, message: &str) {
        if !self.quiet {
            let line = one_line(message);
            self.bar.suspend(|| complain(&line));
        }
    }

    /// Takes the bar away.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

fn warn(bar: &ProgressBar, message: &str) {
    let line = one_line(&format!("warning: {message}"));
    bar.suspend(|| complain(&line));
}

impl Drop for Display {
    fn drop(&mut self) {
        self.clear();
    }
}

/// The templates are constants; a test sees that they parse.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_parse() {
        for template in [SPINNER, BAR] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
