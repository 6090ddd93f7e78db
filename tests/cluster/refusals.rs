//! Brokers that are not there or refuse us, and machines that have a head: what a command says, with
//! which exit status, and that it never says a password.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::broker::shared;
use crate::jobs::{assert_equal, long, noise, outcome, rounds};
use crate::process::{Machine, Process, command, run, soon};

const SECRET: &str = "s3cret-w0rd";

/// A command that is refused has not waited: without --connect-timeout it would for ever.
const AT_ONCE: Duration = Duration::from_secs(15);

/// The shared broker's host, and its URL with another password and another virtual host.
fn other(password: Option<&str>, vhost: Option<&str>) -> (String, String) {
    let shared = shared();
    let (scheme, rest) = shared.split_once("://").unwrap();
    let (user, place) = rest.rsplit_once('@').unwrap();
    let (host, known_vhost) = place.split_once('/').unwrap_or((place, "%2f"));
    let (name, known) = user.split_once(':').unwrap();
    let (password, vhost) = (password.unwrap_or(known), vhost.unwrap_or(known_vhost));
    let url = format!("{scheme}://{name}:{password}@{host}/{vhost}");
    (host.to_owned(), url)
}

/// Each verb that needs a broker.
fn verbs() -> [Vec<String>; 3] {
    let image = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/scene.png");
    let classify = format!("classify {image} --classes 2 --quiet");
    [&*classify, "node --cpus 1 --quiet", "nodes"]
        .map(|line| line.split(' ').map(ToOwned::to_owned).collect())
}

/// Each verb ends so, with one line that has all of these words, and prints nothing else.
#[track_caller]
pub(crate) fn assert_told(options: &[&str], status: i32, words: &[&str]) {
    for verb in verbs() {
        let ran = run(command(&verb).args(options));
        let text = format!("{verb:?}: {}", ran.stderr);
        assert_eq!(ran.status, Some(status), "{text}");
        assert!(ran.took < AT_ONCE, "{text}after {:?}", ran.took);
        assert_eq!(ran.stdout, "");
        let last = ran.stderr.lines().last().unwrap();
        assert!(last.starts_with("msvpu: "), "{text}");
        for word in words {
            assert!(last.contains(word), "{word}? {text}");
        }
        assert!(!ran.stderr.contains(SECRET), "{text}");
    }
}

#[test]
fn a_wrong_password_is_refused_at_once() {
    let (host, url) = other(Some(SECRET), None);
    assert_told(&["--broker", &url], 2, &[&host, "the password"]);
}

#[test]
fn a_wrong_virtual_host_is_refused_at_once() {
    let (host, url) = other(None, Some("nowhere"));
    assert_told(&["--broker", &url], 2, &[&host, "virtual host", "nowhere"]);
}

#[test]
fn what_is_no_url_is_refused_without_being_repeated() {
    for url in [
        format!("http://guest:{SECRET}@localhost"),
        format!("amqp://guest:{SECRET}@"),
        format!("guest:{SECRET}@localhost"),
        format!("amqp://guest:{SECRET}@localhost:port"),
    ] {
        assert_told(&["--broker", &url], 2, &["not a broker's URL"]);
    }
    // A variable of a script that is not set: none is not what was meant.
    assert_told(&["--broker", ""], 2, &["URL is empty", "MSVPU_BROKER"]);
}

#[test]
fn no_log_tells_the_password() {
    let (_, refused) = other(Some(SECRET), None);
    let (_, unreachable) = nowhere();
    for url in [refused, unreachable] {
        for verb in verbs() {
            let options = ["--broker", &url, "--connect-timeout", "1"];
            let ran = run(command(&verb).args(options).env("RUST_LOG", "trace"));
            assert!(!ran.stderr.contains(SECRET), "{verb:?}: {}", ran.stderr);
            // Attempts that fail are logged; what is refused is tried but once.
            let logs = ran.stderr.contains("WARN");
            assert_eq!(logs, ran.status == Some(1), "{verb:?}: {}", ran.stderr);
        }
    }
}

/// A host where nobody listens, and a URL of it.
fn nowhere() -> (String, String) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let url = format!("amqp://guest:{SECRET}@{host}/%2f");
    (host, url)
}

#[test]
fn a_broker_that_is_not_there_is_named_when_time_is_up() {
    let (host, url) = nowhere();
    let options = ["--broker", &url, "--connect-timeout", "1"];
    assert_told(&options, 1, &[&host, "cannot be reached"]);
}

/// Without a time-out, and without a log.
#[test]
fn whoever_waits_for_a_broker_says_so_and_names_it() {
    let (host, url) = nowhere();
    let [classify, node, _] = verbs();
    for verb in [classify, node] {
        let mut command = command(&verb);
        command.args(["--broker", &url]).stderr(Stdio::piped());
        let mut child = command.stdout(Stdio::null()).spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let _process = Process::of(child);
        let first = BufReader::new(stderr).lines().next().unwrap().unwrap();
        for word in [&*host, "cannot be reached", "trying again"] {
            assert!(first.contains(word), "{word}? {verb:?}: {first}");
        }
        assert!(!first.contains(SECRET), "{first}");
    }
}

#[test]
fn a_url_in_the_wrong_place_is_not_repeated_with_its_password() {
    let (_, url) = nowhere();
    for arguments in [
        vec!["nodes", &url],
        vec!["nodes", "--vm", &url, "--broker", &url],
    ] {
        let ran = run(&mut command(&arguments));
        assert_eq!(ran.status, Some(2), "{}", ran.stderr);
        assert!(!ran.stderr.contains(SECRET), "{}", ran.stderr);
    }
}

#[test]
fn the_url_can_come_from_a_file_or_from_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broker");
    let machine = Machine::new("from-a-file");
    std::fs::write(&file, format!("{}\nnot this\n", machine.url)).unwrap();
    let from_file = |command: &mut Command| {
        command.arg("--broker-file").arg(&file);
    };
    let from_file_by_environment = |command: &mut Command| {
        command.env("MSVPU_BROKER_FILE", &file);
    };
    let from_environment = |command: &mut Command| {
        command.env("MSVPU_BROKER", &machine.url);
    };
    let ways: [&dyn Fn(&mut Command); 3] =
        [&from_file, &from_file_by_environment, &from_environment];
    for tell in ways {
        let mut nodes = command(["nodes", "--json", "--vm", &machine.vm]);
        tell(&mut nodes);
        assert_eq!(run(&mut nodes).json()["vm"], machine.vm);
    }
    // A password in a file is kept as well.
    let (host, url) = other(Some(SECRET), None);
    std::fs::write(&file, url).unwrap();
    let file = file.to_str().unwrap();
    assert_told(&["--broker-file", file], 2, &[&host, "the password"]);
    assert_told(&["--broker-file", "/no/such/file"], 2, &["/no/such/file"]);
}

#[tokio::test]
async fn a_second_head_is_refused_with_exit_status_1_and_the_first_goes_on() {
    let machine = Machine::new("second-head");
    let (head, nodes) = machine.start::<1>().await;
    let job = head.submit(long(), noise()).await.unwrap();
    rounds(&job, 3).await;
    let [classify, ..] = verbs();
    let ran = run(&mut machine.command(&classify));
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    for word in [&*machine.vm, "has a head already"] {
        assert!(ran.stderr.contains(word), "{}", ran.stderr);
    }
    assert!(ran.took < AT_ONCE, "{:?}", ran.took);
    let got = soon(outcome(job)).await.unwrap();
    assert_equal(got, long(), noise()).await;
    machine.end(head, nodes).await;
}
