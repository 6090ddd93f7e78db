//! A server under load is killed at random moments, those of its start among them.

use std::collections::BTreeSet;
use std::env;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::check::Check;
use crate::clients::{Client, random};
use crate::ledger::Ledger;
use crate::pictures::kinds;
use crate::server::{Server, Started, command};
use crate::site::Site;

/// How often the server is killed.
const KILLS: &str = "MSVPU_SERVER_KILLS";
const CLIENTS: usize = 4;
/// A start that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Ends the clients, whatever ends the test.
struct Closing<'a>(&'a Site);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn kills() -> u64 {
    env::var(KILLS).map_or(10, |kills| kills.parse().unwrap())
}

/// The jobs are not to blame, however often one of them runs when it is killed.
fn serve(data: &Path) -> Command {
    let mut serve = command(data);
    serve.args(["--max-crashes", "1000000"]);
    serve
}

/// Starts a server and kills it within a time that most of its start falls into.
fn start_and_kill(data: &Path) {
    let so_long = Duration::from_micros(random(30_000));
    match Started::new(&mut serve(data)).listening(so_long) {
        Ok(server) => server.kill(),
        Err(started) => started.kill(),
    }
}

fn start(data: &Path) -> Server {
    let started = Started::new(&mut serve(data));
    let server = started.listening(PATIENCE);
    server.unwrap_or_else(|_| panic!("it does not start"))
}

#[test]
fn a_first_start_that_is_killed_is_begun_anew() {
    for _ in 0..kills() {
        let folder = TempDir::new().unwrap();
        start_and_kill(folder.path());
        start(folder.path()).kill();
    }
}

#[test]
fn a_server_that_is_killed_loses_nothing_and_does_nothing_twice() {
    let kills = kills();
    let folder = TempDir::new().unwrap();
    let (site, ledger, kinds) = (Site::default(), Ledger::default(), kinds());
    let client = Client {
        site: &site,
        ledger: &ledger,
        kinds: &kinds,
    };
    let mut seen = BTreeSet::new();
    let mut on_the_way = 0_u64;
    let server = thread::scope(|scope| {
        let _closing = Closing(&site);
        for _ in 0..CLIENTS {
            scope.spawn(|| client.run());
        }
        let mut left = kills;
        while left > 0 {
            let early = left > 1 && random(5) == 0;
            left -= 1 + u64::from(early);
            if early {
                start_and_kill(folder.path());
                on_the_way += 1;
            }
            let server = start(folder.path());
            Check::new(&server.url).kept(&mut ledger.entries(), &mut seen);
            site.open(&server.url);
            server.lives(Duration::from_micros(random(400_000)));
            site.shut();
            server.kill();
        }
        let server = start(folder.path());
        Check::new(&server.url).kept(&mut ledger.entries(), &mut seen);
        site.open(&server.url);
        server
    });
    let check = Check::new(&server.url);
    let entries = ledger.entries();
    let counts = check.ended(&entries);
    check.is_tidy(folder.path());
    println!(
        "{kills} kills, {on_the_way} of them before it listened: {counts:?}, {} uploads",
        entries.uploads.len()
    );
    assert!(
        counts.succeeded > 0 && counts.begun_again > 0,
        "too little happened"
    );
    server.end();
}
