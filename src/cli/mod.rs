//! The command line.

mod chart;
mod failure;
mod number;
mod output;
mod report;
mod values;

pub(crate) fn run() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
