//! The brokers that tests run on: one that they share, and private ones for tests that harm theirs.
//!
//! Private ones are run by `scripts/private-broker`, which ends them when this process ends,
//! however that is: its input is then at an end.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub(crate) mod leavings;
pub(crate) mod proxy;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

/// Compiled in: the tests of several crates are run from several folders.
const SCRIPT: &str = include_str!("../../../scripts/private-broker");

/// The URL of the broker that tests share: what MSVPU_TEST_AMQP_URL says, or else a private one
/// that lives as long as this process. Each test takes a machine's name of its own.
pub(crate) fn shared() -> String {
    static SHARED: OnceLock<(String, Option<PrivateBroker>)> = OnceLock::new();
    let (url, _) = SHARED.get_or_init(|| match std::env::var("MSVPU_TEST_AMQP_URL") {
        Ok(url) => (url, None),
        Err(_) => {
            let broker = PrivateBroker::start();
            (broker.url().to_owned(), Some(broker))
        }
    });
    url.clone()
}

/// A RabbitMQ that belongs to one test. When it is dropped, nothing of it is left.
pub(crate) struct PrivateBroker {
    url: String,
    folder: PathBuf,
    /// Where it speaks TLS, if it does.
    tls_port: Option<u16>,
    guard: Child,
    /// Taken away when it is to end.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl PrivateBroker {
    /// One that takes connections.
    pub(crate) fn start() -> Self {
        let mut broker = Self::prepare();
        broker.start_again();
        broker
    }

    /// One that will listen at a further address, on the same port. This machine must have it by then.
    pub(crate) fn prepare_at(address: &str) -> Self {
        Self::configured(&[("BROKER_ADDRESS", address)])
    }

    /// One that speaks TLS too, with the `ca.pem`, `server.pem` and `server.key` of a folder, and may
    /// want certificates of its clients.
    pub(crate) fn start_with_tls(folder: &Path, of_clients: bool) -> Self {
        let folder = folder.to_str().unwrap();
        let all = [("BROKER_TLS", folder), ("BROKER_TLS_CLIENTS", "1")];
        let mut broker = Self::configured(&all[..1 + usize::from(of_clients)]);
        broker.start_again();
        broker
    }

    /// One whose URL is known, and which is not there yet.
    pub(crate) fn prepare() -> Self {
        Self::configured(&[])
    }

    fn configured(settings: &[(&str, &str)]) -> Self {
        let mut guard = Command::new("bash")
            .args(["-c", SCRIPT, "private-broker"])
            .envs(settings.iter().copied())
            // Ctrl-C is for us, and ends it when it has ended us.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash is needed to run a private rabbitmq-server");
        let orders = guard.stdin.take();
        let mut answers = BufReader::new(guard.stdout.take().unwrap());
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        let (url, folder) = line.trim_end().split_once(' ').expect(
            "no private rabbitmq-server: the package rabbitmq-server is needed, or \
             MSVPU_TEST_AMQP_URL with the URL of a RabbitMQ that tests may use",
        );
        let speaks_tls = settings.iter().any(|(name, _)| *name == "BROKER_TLS");
        let (folder, tls_port) = match folder.rsplit_once(' ') {
            Some((folder, port)) if speaks_tls => (folder, Some(port.parse().unwrap())),
            _ => (folder, None),
        };
        Self {
            url: url.to_owned(),
            folder: folder.into(),
            tls_port,
            guard,
            orders,
            answers,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The same broker, as it is reached at another of its addresses.
    pub(crate) fn url_at(&self, address: &str) -> String {
        self.url.replace("127.0.0.1", address)
    }

    /// Where it speaks TLS: its certificate is one of `localhost`.
    pub(crate) fn tls_url(&self) -> String {
        let port = self.tls_port.expect("it was not told to speak TLS");
        format!("amqps://guest:guest@localhost:{port}/%2f")
    }

    fn order(&mut self, order: &str, expected: &str) {
        writeln!(self.orders.as_mut().unwrap(), "{order}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        assert_eq!(answer.trim_end(), expected, "the private broker's script");
    }

    /// As `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.order("kill", "killed");
    }

    /// On the same port and with the same data.
    pub(crate) fn start_again(&mut self) {
        self.order("start", "started");
    }

    /// What `rabbitmqctl` answers. It takes about a second.
    pub(crate) fn control(&self, arguments: &[&str]) -> String {
        let output = Command::new(self.folder.join("ctl"))
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "rabbitmqctl {arguments:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    fn list(&self, command: &str, column: &str) -> Vec<String> {
        let rows = self.control(&["-q", "--formatter", "json", command, column]);
        let rows: Vec<serde_json::Value> = serde_json::from_str(&rows).unwrap();
        let text = |row: &serde_json::Value| row[column].as_str().map(ToOwned::to_owned);
        rows.iter().filter_map(text).collect()
    }

    /// The names of all queues.
    pub(crate) fn queues(&self) -> Vec<String> {
        self.list("list_queues", "name")
    }

    /// All connections, each as from where to where it goes.
    pub(crate) fn connections(&self) -> Vec<String> {
        self.list("list_connections", "name")
    }

    /// Closes all connections from the broker's side.
    pub(crate) fn close_all_connections(&self) {
        self.control(&["close_all_connections", "a test"]);
    }

    /// Stops the broker properly, and leaves what it runs in.
    pub(crate) fn stop_app(&self) {
        self.control(&["stop_app"]);
    }

    pub(crate) fn start_app(&self) {
        self.control(&["start_app"]);
    }

    /// The memory alarm: connections that publish are held up until [`Self::unblock`].
    pub(crate) fn block(&self) {
        self.control(&["set_vm_memory_high_watermark", "0.0001"]);
    }

    pub(crate) fn unblock(&self) {
        self.control(&["set_vm_memory_high_watermark", "0.6"]);
    }
}

impl Drop for PrivateBroker {
    fn drop(&mut self) {
        drop(self.orders.take());
        // It ends by itself now; nobody is left to be told if not.
        let _ = self.guard.wait();
    }
}
