//! A process that takes in jobs is killed at random moments, again and again.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use msvpu_web::engine::{EngineConfig, EngineError, Filter};
use msvpu_web::model::State;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use uuid::Uuid;

use crate::script::EXIT;
use crate::support::{admin, config, ended, key, new_job, nobody, open_with, read, upload};

/// Where the child keeps its data.
const DATA: &str = "MSVPU_TEST_CRASH_DATA";
/// How many children there are, one after the other.
const ROUNDS: &str = "MSVPU_TEST_CRASH_ROUNDS";
const SUBMITTERS: usize = 4;

/// The child: takes in jobs until it is killed, and prints each that was accepted.
#[test]
#[ignore = "run by `nothing_accepted_is_lost_to_kill_9`"]
fn child() {
    let Ok(data) = env::var(DATA) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (engine, _script, _begins) = open_with(patient(Path::new(&data))).await.unwrap();
        println!("\nopen");
        let submitters = (0..SUBMITTERS).map(|_| {
            let engine = engine.clone();
            tokio::spawn(async move {
                loop {
                    let name = Uuid::now_v7().to_string();
                    let file = upload(&engine, &nobody(), &name, 1).await.unwrap();
                    let bytes = if file.id.as_u128() % 4 == 0 {
                        600_000
                    } else {
                        100
                    };
                    let params = json!({"iterations": 2, "files": 2, "file_bytes": bytes});
                    let job = new_job(file.id, params);
                    match engine.submit(&nobody(), job, Some(key(&name, "one"))).await {
                        Ok((job, _)) => {
                            let mut out = std::io::stdout().lock();
                            writeln!(out, "accepted {name} {}", job.id).unwrap();
                            out.flush().unwrap();
                        }
                        Err(EngineError::QueueFull { .. }) => tokio::task::yield_now().await,
                        Err(other) => panic!("{other}"),
                    }
                }
            })
        });
        // None of them ever ends but by a panic.
        let (stopped, _, _) = futures_util::future::select_all(submitters).await;
        stopped.unwrap();
    });
}

/// None of its jobs is to blame for a crash, however often it was there.
fn patient(data: &Path) -> EngineConfig {
    EngineConfig {
        max_crashes: u32::MAX,
        ..config(data)
    }
}

/// Starts a child and kills it `after` it is open; gives what it accepted.
fn round(data: &Path, after: Duration) -> Vec<(String, Uuid)> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--ignored", "--nocapture"])
        .env(DATA, data)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (open, is_open) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut accepted = Vec::new();
        for line in lines.map_while(Result::ok) {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["open"] => open.send(()).unwrap(),
                // The last line may be cut off.
                ["accepted", key, id] => {
                    if let Ok(id) = id.parse() {
                        accepted.push((key.to_owned(), id));
                    }
                }
                _ => {}
            }
        }
        accepted
    });
    is_open
        .recv_timeout(Duration::from_secs(60))
        .expect("the store opens each time");
    // The sender is gone when the child is: this is but a way to wait.
    let ended = is_open.recv_timeout(after);
    assert_eq!(ended, Err(mpsc::RecvTimeoutError::Timeout));
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

#[test]
fn nothing_accepted_is_lost_to_kill_9() {
    let rounds = env::var(ROUNDS).map_or(10, |rounds| rounds.parse().unwrap());
    let folder = TempDir::new().unwrap();
    let mut accepted = BTreeMap::new();
    for _ in 0..rounds {
        // Random enough: the low bits of a UUID are.
        let after = Duration::from_micros(Uuid::new_v4().as_u128() as u64 % 400_000);
        for (key, id) in round(folder.path(), after) {
            assert_eq!(accepted.insert(key, id), None);
        }
    }
    println!("{} jobs were accepted in {rounds} rounds", accepted.len());
    assert!(!accepted.is_empty());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(check(folder.path(), accepted));
}

async fn check(folder: &Path, accepted: BTreeMap<String, Uuid>) {
    let (engine, _script, _begins) = open_with(patient(folder)).await.unwrap();
    for (name, id) in &accepted {
        let done = ended(&engine, *id).await;
        assert_eq!(done.state, State::Succeeded, "{done:?}");
        assert_eq!(done.input.name.as_ref(), Some(name));
        assert_eq!(done.artifacts.len(), 2);
        for file in &done.artifacts {
            let found = engine.artifact(&nobody(), *id, &file.name).await.unwrap();
            let digest = Sha256::digest(read(found.1));
            let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(digest, file.sha256);
        }
    }
    // No key has two jobs, whether the client heard of it or not; and nothing lies about.
    let mut names = Vec::new();
    let mut after = None;
    loop {
        let page = engine
            .jobs(&admin(), &Filter::default(), 200, after)
            .await
            .unwrap();
        names.extend(page.jobs.into_iter().map(|job| job.input.name.unwrap()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all);
    for name in accepted.keys() {
        assert!(names.binary_search(name).is_ok());
    }
    let page = engine
        .jobs(&admin(), &Filter::default(), 1000, None)
        .await
        .unwrap();
    for job in page.jobs {
        ended(&engine, job.id).await;
    }
    engine.close().await;
    for entry in fs::read_dir(folder.join("jobs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.contains("partial"), "{name}");
    }
}

/// The child: asks for a job that takes the process with it, and for one that runs beside it.
#[test]
#[ignore = "run by `a_job_that_takes_the_server_with_it_is_given_up_and_no_other`"]
fn victim() {
    let Ok(data) = env::var(DATA) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (engine, script, _begins) = open_with(config(Path::new(&data))).await.unwrap();
        let mut ids = Vec::new();
        // In every child the same two.
        for (name, params) in [
            ("innocent", json!({"hold": true})),
            ("guilty", json!({"exit": true})),
        ] {
            let file = upload(&engine, &nobody(), name, 1).await.unwrap();
            let job = new_job(file.id, params);
            let key = Some(key(name, "one"));
            let submitted = engine.submit(&nobody(), job, key).await;
            ids.push(submitted.unwrap().0.id);
        }
        // One at a time: the guilty one may wait for the other.
        script.gate.send_replace(true);
        let (innocent, guilty) = (ended(&engine, ids[0]).await, ended(&engine, ids[1]).await);
        assert_eq!(innocent.state, State::Succeeded);
        assert_eq!(guilty.state, State::Failed);
        let error = guilty.error.unwrap();
        assert_eq!(error.code, "crashed");
        assert!(error.message.contains("3 times"), "{error:?}");
        engine.close().await;
    });
}

#[test]
fn a_job_that_takes_the_server_with_it_is_given_up_and_no_other() {
    let folder = TempDir::new().unwrap();
    let mut crashes = 0;
    loop {
        let ended = Command::new(env::current_exe().unwrap())
            .args(["--exact", "crash::victim", "--ignored", "--nocapture"])
            .env(DATA, folder.path())
            .stdout(Stdio::null())
            .status()
            .unwrap();
        if ended.code() != Some(EXIT) {
            assert!(ended.success(), "{ended:?}");
            break;
        }
        crashes += 1;
        assert!(crashes < 10, "it takes each server with it");
    }
    // The first may have come before the record that it ran.
    assert!((3..=4).contains(&crashes), "{crashes}");
}
