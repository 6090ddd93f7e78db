//! The command, deaf to the settings of whoever runs the tests.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

/// The command with these arguments, without a terminal.
pub(crate) fn command<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_msvpu"));
    deafen(&mut command);
    command.args(args).stdin(Stdio::null());
    command
}

/// Takes from it every variable that the command goes by; those of the tests stay.
pub(crate) fn deafen(command: &mut Command) {
    command.env_remove("RUST_LOG");
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("MSVPU_") && !text.starts_with("MSVPU_TEST_") {
            command.env_remove(&name);
        }
    }
}
