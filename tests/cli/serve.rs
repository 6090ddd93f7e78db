//! `msvpu serve` from its start, or why there is none, to its end.

use std::net::TcpListener;
use std::process::Stdio;

use serde_json::Value;

use crate::interrupts::press;
use crate::refusals::refused;
use crate::server::{Server, Started, command_at};
use crate::{Pictures, command, msvpu};

/// Refuses `serve` on a free port, with these options and a data directory that is not made.
#[track_caller]
fn options_refused(options: &[&str], words: &[&str]) {
    let folder = Pictures::new();
    let data = folder.name("data");
    let mut args = vec!["serve", "--data", &data];
    if !options.contains(&"--listen") {
        args.extend(["--listen", "127.0.0.1:0"]);
    }
    args.extend(options);
    refused(&args, words);
    assert!(!folder.path("data").exists(), "{options:?}");
}

#[test]
fn without_tokens_only_this_machine_is_served() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8080"] {
        options_refused(
            &["--listen", address],
            &[
                address,
                "there are no tokens",
                "`msvpu token`",
                "--token-file",
            ],
        );
    }
}

#[test]
fn addresses_that_cannot_be_listened_at() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    options_refused(&["--listen", &taken], &["--listen", &taken, "in use"]);
    options_refused(&["--listen", "localhost"], &["--listen", "localhost"]);
    options_refused(&["--listen", "8080"], &["--listen", "8080"]);
}

#[test]
fn files_of_tokens_that_cannot_be_used() {
    let folder = Pictures::new();
    let file = folder.name("tokens");
    let refuse = |words: &[&str]| {
        let mut all = vec!["--token-file"];
        all.extend(words);
        options_refused(&["--token-file", &file], &all);
    };
    refuse(&[&file, "No such file"]);
    folder.write("tokens", b"# nobody\n\n");
    refuse(&["no token", "`msvpu token`"]);
    let digest = "0".repeat(64);
    for (line, reason) in [
        ("secret", "not three parts"),
        ("ann:root:secret", "read, submit or admin"),
        ("ann:read:secret", "64 hexadecimal digits"),
        (":read:secret", "name"),
    ] {
        let text = format!("bob:read:{digest}\n{line}\n");
        folder.write("tokens", text.as_bytes());
        refuse(&["line 2", reason, "name:scope:sha256"]);
        let data = folder.name("data");
        let said = msvpu(["serve", "--data", &data, "--token-file", &file]).stderr;
        assert!(!said.contains("secret"), "{said}");
    }
}

#[test]
fn other_options_that_cannot_be() {
    options_refused(&["--allowed-host", "a b"], &["a b"]);
    options_refused(&["--max-queued-jobs", "0"], &["--max-queued-jobs"]);
    options_refused(&["--max-running-jobs", "0"], &["--max-running-jobs"]);
    options_refused(&["--max-upload-bytes", "0"], &["--max-upload-bytes"]);
    options_refused(&["--retention-days", "-1"], &["--retention-days"]);
    options_refused(&["--workers", "0"], &["--workers", "from 1"]);
}

#[test]
fn a_data_directory_belongs_to_one_server() {
    let folder = Pictures::new();
    let data = folder.path("data");
    let server = Server::start(&data);
    let named = folder.name("data");
    refused(
        &["serve", "--listen", "127.0.0.1:0", "--data", &named],
        &[&named, "in use by another process"],
    );
    // The first is not disturbed.
    let listed = msvpu(["jobs", "list", "--json", "--server", &server.url]);
    assert_eq!(listed.json(), serde_json::json!([]));
    server.end();
    Server::start(&data).end();
}

#[test]
fn data_directories_that_cannot_be_made() {
    let folder = Pictures::new();
    let file = folder.gray();
    for data in [file.to_str().unwrap(), "/proc/none/such"] {
        refused(
            &["serve", "--listen", "127.0.0.1:0", "--data", data],
            &["--data", data],
        );
    }
}

/// What a URL answers; a status that is no success is as good.
fn get(url: &str) -> (u16, String) {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build();
    let agent: ureq::Agent = config.into();
    let mut answer = agent.get(url).call().unwrap();
    let text = answer.body_mut().read_to_string().unwrap();
    (answer.status().as_u16(), text)
}

#[test]
fn it_says_where_it_listens_and_where_jobs_are_kept() {
    let folder = Pictures::new();
    let data = folder.name("data");
    // A variable is as good as the option.
    let mut serve = command(["serve", "--listen", "127.0.0.1:0"]);
    serve.env("MSVPU_DATA", &data).stderr(Stdio::piped());
    let server = Server::of(&mut serve);
    assert_eq!(get(&format!("{}/healthz", server.url)), (200, "ok".into()));
    assert_eq!(
        get(&format!("{}/readyz", server.url)),
        (200, "ready".into())
    );
    let (status, page) = get(&server.url);
    assert_eq!(status, 200);
    assert!(page.starts_with("<!doctype html>"), "{page}");
    let said = server.end_saying();
    assert_eq!(
        said,
        format!("msvpu: jobs are kept in {data}; SIGTERM or Ctrl-C ends\n")
    );
}

#[test]
fn ctrl_c_ends_it_well() {
    let folder = Pictures::new();
    let server = Server::start(&folder.path("data"));
    press(server.process());
    assert_eq!(server.ended().code(), Some(0));
}

#[test]
fn a_server_for_others_wants_tokens_and_the_name_that_it_is_known_by() {
    let folder = Pictures::new();
    let tokens = folder.name("tokens");
    let token = msvpu(["token", "ann", "--token-file", &tokens]).stdout();
    let mut serve = command_at("0.0.0.0:0", &folder.path("data"));
    serve.args(["--token-file", &tokens, "--allowed-host", "scenes.example"]);
    let server = Started::new(&mut serve);
    let Ok(server) = server.listening(std::time::Duration::from_secs(60)) else {
        panic!("it does not listen");
    };
    let url = server.url.replace("0.0.0.0", "127.0.0.1");
    let agent = ureq::agent();
    let asks = |host: &str, token: &str| {
        let answer = agent
            .get(format!("{url}/api/v1/whoami"))
            .header("Host", host)
            .header("Authorization", format!("Bearer {}", token.trim_end()))
            .config()
            .http_status_as_error(false)
            .build()
            .call();
        let mut answer = answer.unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        (answer.status().as_u16(), value)
    };
    let (status, who) = asks("scenes.example", &token);
    assert_eq!((status, &who["name"]), (200, &"ann".into()), "{who}");
    assert_eq!(asks("scenes.example", "msvpu_wrong").0, 401);
    let (status, problem) = asks("evil.example", &token);
    assert_eq!(problem["code"], "unknown-host", "{status} {problem}");
    server.end();
}
