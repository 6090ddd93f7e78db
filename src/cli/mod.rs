//! The command line: arguments in, a report and files out.

mod args;
#[cfg(feature = "amqp")]
mod broker;
mod classify;
mod connection;
mod decoding;
mod destination;
mod failure;
mod files;
mod first_line;
mod interrupts;
mod jobs;
mod machine;
#[cfg(feature = "amqp")]
mod node;
mod node_table;
#[cfg(feature = "amqp")]
mod nodes;
mod on_runtime;
mod pairwise;
mod progress;
mod remote;
mod run;
mod serve;
mod services;
mod simulate;
mod stale;
mod stdout;
mod stops;
mod summary;
mod table;
mod token;
mod values;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use clap_complete::Shell;

use args::{Cli, Command};
use failure::Failure;

/// Runs the command that the process was called with, and says how it ended.
pub(crate) fn run() -> ExitCode {
    let parsed = Cli::try_parse();
    let filter = default_filter(parsed.as_ref().ok());
    env_logger::init_from_env(env_logger::Env::default().default_filter_or(filter));
    // Panics of decoders and programs are caught and become errors of one line; here they are logged.
    std::panic::set_hook(Box::new(|panic| log::debug!("{panic}")));
    let ended = parsed.map_or_else(not_parsed, |cli| execute(cli.command));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            stdout::complain(&failure.to_string());
            ExitCode::from(failure.status())
        }
    }
}

/// What is logged without RUST_LOG. What the client of the broker complains of, the commands say in their own words.
const fn default_filter(cli: Option<&Cli>) -> &'static str {
    match cli {
        // Runs unwatched, where a node that is lost is news; a simulation loses nodes on purpose.
        Some(Cli {
            command: Command::Serve(_),
        }) => "error,lapin=off,msvpu_web::store=warn,msvpu_actors::actor::directory=warn",
        _ => "error,lapin=off,msvpu_web::store=warn",
    }
}

fn execute(command: Command) -> Result<(), Failure> {
    match command {
        Command::Classify(args) => classify::classify(*args),
        Command::Pairwise(args) => pairwise::pairwise(&args),
        #[cfg(feature = "amqp")]
        Command::Node(args) => node::node(&args),
        #[cfg(feature = "amqp")]
        Command::Nodes(args) => nodes::nodes(&args),
        Command::Serve(args) => serve::serve(*args),
        Command::Jobs(args) => jobs::jobs(&args),
        Command::Token(args) => token::token(&args),
        Command::Simulate(args) => simulate::simulate(&args),
        Command::Services(args) => services::list(&args),
        Command::Completions { shell } => completions(shell),
    }
}

/// Help and version are asked for, and so no failure.
fn not_parsed(error: clap::Error) -> Result<(), Failure> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            stdout::print(&error.render().to_string())
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let help = help_command();
            Err(Failure::input(format_args!("no command; see `{help}`")))
        }
        _ => Err(failure::from_clap(&error, &help_command())),
    }
}

/// The command that prints the help of the verb that was called, if it is one.
fn help_command() -> String {
    let verb = std::env::args_os()
        .nth(1)
        .and_then(|verb| verb.into_string().ok());
    match verb.filter(|verb| Cli::command().find_subcommand(verb).is_some()) {
        Some(verb) => format!("msvpu {verb} --help"),
        None => "msvpu --help".to_owned(),
    }
}

fn completions(shell: Shell) -> Result<(), Failure> {
    // Into memory first: `generate` panics when it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "msvpu", &mut script);
    stdout::print(&String::from_utf8_lossy(&script))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
