//! `msvpu serve` as a process, on a free port, with a data directory of a test's own.
#![allow(dead_code, reason = "every test takes what it needs")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "deaf.rs"]
pub(crate) mod deaf;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

/// Nothing may hang: what takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// The command, deaf to the settings of whoever runs the tests.
pub(crate) fn command(data: &Path) -> Command {
    command_at("127.0.0.1:0", data)
}

/// The same at an address of one's own.
pub(crate) fn command_at(address: &str, data: &Path) -> Command {
    let mut command = deaf::command(["serve", "--quiet", "--listen", address, "--data"]);
    command.arg(data);
    command
}

/// A process that may not serve yet. It ends with its owner at the latest.
pub(crate) struct Started {
    process: Child,
    lines: Receiver<String>,
}

fn lines(of: ChildStdout) -> Receiver<String> {
    let (line, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for said in BufReader::new(of).lines().map_while(Result::ok) {
            if line.send(said).is_err() {
                break;
            }
        }
    });
    lines
}

impl Started {
    pub(crate) fn new(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = lines(process.stdout.take().unwrap());
        Self { process, lines }
    }

    /// Waits so long for it to listen.
    ///
    /// # Errors
    /// The process as it is, when it does not listen yet.
    pub(crate) fn listening(mut self, within: Duration) -> Result<Server, Self> {
        match self.lines.recv_timeout(within) {
            Ok(line) => {
                let url = line.strip_prefix("listening on ").expect(&line);
                Ok(Server {
                    url: url.to_owned(),
                    started: self,
                })
            }
            Err(RecvTimeoutError::Timeout) => Err(self),
            Err(RecvTimeoutError::Disconnected) => {
                panic!("it does not serve: {}", self.process.wait().unwrap())
            }
        }
    }

    /// As `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // One that has ended already is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A process that serves.
pub(crate) struct Server {
    pub(crate) url: String,
    started: Started,
}

impl Server {
    pub(crate) fn start(data: &Path) -> Self {
        Self::of(&mut command(data))
    }

    /// That of a command of one's own.
    pub(crate) fn of(command: &mut Command) -> Self {
        Started::new(command)
            .listening(PATIENCE)
            .unwrap_or_else(|_| panic!("it does not listen"))
    }

    /// Waits so long. A server that ends by itself meanwhile has failed.
    pub(crate) fn lives(&self, so_long: Duration) {
        let said = self.started.lines.recv_timeout(so_long);
        assert_eq!(said, Err(RecvTimeoutError::Timeout));
    }

    /// As `kill -9` does.
    pub(crate) fn kill(self) {
        self.started.kill();
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    pub(crate) const fn process(&self) -> &Child {
        &self.started.process
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> ExitStatus {
        self.started.process.wait().unwrap()
    }

    /// Told to end, it ends well.
    pub(crate) fn end(self) {
        self.tell();
        assert!(self.ended().success());
    }

    /// The same; what it said on its standard error, if that is a pipe.
    pub(crate) fn end_saying(mut self) -> String {
        self.tell();
        let mut said = String::new();
        let stderr = self.started.process.stderr.as_mut();
        stderr.unwrap().read_to_string(&mut said).unwrap();
        assert!(self.ended().success());
        said
    }

    fn tell(&self) {
        let id = rustix::process::Pid::from_child(&self.started.process);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    }
}
