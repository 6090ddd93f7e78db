//! `msvpu jobs` at a server.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::interrupts::noise;
use crate::server::{Server, command_at};
use crate::{Pictures, Ran, command, msvpu};

/// A server of a test, and its pictures.
pub(crate) struct Site {
    pub(crate) pictures: Pictures,
    pub(crate) server: Server,
}

impl Site {
    pub(crate) fn new() -> Self {
        let pictures = Pictures::new();
        let server = Server::start(&pictures.path("data"));
        Self { pictures, server }
    }

    /// `msvpu jobs` with the words of `line`, and where the server is.
    pub(crate) fn jobs(&self, line: &str) -> Ran {
        let mut args: Vec<&str> = vec!["jobs"];
        args.extend(line.split_whitespace());
        args.extend(["--server", &self.server.url]);
        msvpu(args)
    }

    pub(crate) fn list(&self) -> Vec<Value> {
        let list = self.jobs("list --json").json();
        list.as_array().unwrap().clone()
    }

    /// Classifies there; the job's id.
    fn classify(&self, image: &Path, options: &str) -> String {
        let mut args = vec!["classify", image.to_str().unwrap(), "--quiet"];
        args.extend(options.split_whitespace());
        args.extend(["--server", &self.server.url]);
        msvpu(args).stdout();
        id(&self.list()[0])
    }

    /// Asks for a job of so many iterations, of a second each hundred or longer, and does not wait for it.
    fn submit_long(&self, iterations: u32) -> String {
        let image = std::fs::read(noise(&self.pictures)).unwrap();
        let upload = self.post("/uploads", "application/octet-stream", &image);
        let job = serde_json::json!({
            "service": "fuzzy-cmeans",
            "input": {"upload_id": upload["id"]},
            "params": {"start": {"classes": 16}, "epsilon": 1e-300, "max_iterations": iterations},
            "outputs": ["labels"],
        });
        id(&self.post("/jobs", "application/json", job.to_string().as_bytes()))
    }

    fn post(&self, path: &str, media_type: &str, body: &[u8]) -> Value {
        let answer = ureq::post(format!("{}/api/v1{path}", self.server.url))
            .header("Content-Type", media_type)
            .send(body);
        let text = answer.unwrap().body_mut().read_to_string().unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

pub(crate) fn id(job: &Value) -> String {
    job["id"].as_str().unwrap().to_owned()
}

impl Ran {
    /// One line on stderr that has all the words, nothing on stdout, and this exit status.
    #[track_caller]
    pub(crate) fn told(self, status: i32, words: &[&str]) {
        assert_eq!(self.status, status, "{}", self.stderr);
        assert_eq!(self.stdout, "");
        assert_eq!(self.stderr.lines().count(), 1, "{}", self.stderr);
        assert!(self.stderr.starts_with("msvpu: "), "{}", self.stderr);
        for word in words {
            assert!(
                self.stderr.contains(word),
                "`{word}` is not in: {}",
                self.stderr
            );
        }
    }
}

const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

/// Each verb, about a job that is not there.
pub(crate) fn verbs() -> [String; 6] {
    let of = |verb: &str| format!("{verb} {NOBODY}");
    [
        "list".to_owned(),
        of("show"),
        of("watch"),
        of("cancel"),
        of("delete"),
        of("fetch"),
    ]
}

#[test]
fn an_ended_job_is_listed_shown_watched_fetched_and_forgotten() {
    let site = Site::new();
    let gray = site.pictures.gray();
    let output = site.pictures.path("classified");
    let hard = format!("--classes 3 --output {}", output.display());
    let hard = site.classify(&gray, &hard);
    let fuzzy = site.classify(&gray, "--algorithm fuzzy-cmeans --classes 2");

    let listed = site.list();
    assert_eq!(listed.iter().map(id).collect::<Vec<_>>(), [&*fuzzy, &*hard]);
    let ids = |line: &str| -> Vec<String> {
        let list = site.jobs(&format!("list --json {line}")).json();
        list.as_array().unwrap().iter().map(id).collect()
    };
    assert_eq!(ids("--service cmeans"), [&*hard]);
    assert_eq!(ids("--state SUCCEEDED").len(), 2);
    assert_eq!(ids("--state failed"), [""; 0]);
    assert_eq!(ids("--most 1"), [&*fuzzy]);
    let table = site.jobs("list").stdout();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    for (line, words) in [
        (lines[0], ["job", "service", "state", "why"]),
        (lines[1], [&*fuzzy, "fuzzy-cmeans", "succeeded", "gray.png"]),
        (lines[2], [&*hard, " cmeans", "succeeded", "gray.png"]),
    ] {
        assert!(words.iter().all(|word| line.contains(word)), "{table}");
    }

    let shown = site.jobs(&format!("show {hard} --json")).json();
    // Results may be long: a list has none.
    let mut without = shown.clone();
    assert!(!without["result"].take().is_null());
    assert_eq!(without, listed[1]);
    let text = site.jobs(&format!("show {hard}")).stdout();
    for words in [
        "cmeans of gray.png",
        &hard,
        "succeeded",
        "61 x 47 pixels, 1 band\n",
        "report.json",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }

    let events = site.jobs(&format!("watch {hard} --json")).stdout();
    let events: Vec<Value> = events
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for (place, event) in events.iter().enumerate() {
        assert_eq!(event["id"], place + 1, "{event}");
    }
    let last = events.last().unwrap();
    assert_eq!(
        (&last["event"], &last["state"]),
        (&"done".into(), &"SUCCEEDED".into())
    );
    let text = site.jobs(&format!("watch {hard}")).stdout();
    assert!(text.contains("iteration 1: error"), "{text}");
    assert!(text.ends_with("\nsucceeded: it has a result\n"), "{text}");

    fetch(&site, &shown);
    site.jobs("show zzz")
        .told(2, &["zzz", "`msvpu jobs list` shows"]);
    let routes = format!("{}/api/v1/", site.server.url);
    let same = command(["jobs", "show", &hard, "--json", "--server", &routes]).output();
    let same: Value = serde_json::from_slice(&same.unwrap().stdout).unwrap();
    assert_eq!(same, shown);
    assert_eq!(site.jobs(&format!("delete {hard}")).stdout(), "");
    for verb in ["show", "watch", "cancel", "delete", "fetch"] {
        site.jobs(&format!("{verb} {hard}")).told(2, &[&hard]);
    }
    assert_eq!(site.list().len(), 1);
    site.server.end();
}

fn fetch(site: &Site, job: &Value) {
    let id = id(job);
    let all = site.pictures.path("all");
    let fetched = site.jobs(&format!("fetch {id} --output {}", all.display()));
    let artifacts = job["artifacts"].as_array().unwrap();
    assert!(artifacts.len() > 2);
    let names = artifacts.iter().map(|of| of["name"].as_str().unwrap());
    let names: Vec<&str> = names.collect();
    let told = format!("written     {}: {}\n", all.display(), names.join(", "));
    assert_eq!(fetched.stdout(), told);
    for artifact in artifacts {
        let content = std::fs::read(all.join(artifact["name"].as_str().unwrap())).unwrap();
        let digest = Sha256::digest(&content);
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(artifact["sha256"], digest);
    }
    assert_eq!(std::fs::read_dir(&all).unwrap().count(), artifacts.len());
    let some = site.pictures.path("some");
    let some_of_them =
        |names: &str| site.jobs(&format!("fetch {id} {names} --output {}", some.display()));
    some_of_them("report.json").stdout();
    // It may be anybody's.
    let there = some.join("report.json");
    std::fs::write(&there, "mine").unwrap();
    some_of_them("report.json report.html").told(2, &["report.json", "--force"]);
    assert_eq!(std::fs::read(&there).unwrap(), b"mine");
    assert_eq!(std::fs::read_dir(&some).unwrap().count(), 1);
    some_of_them("--force report.json report.html").stdout();
    assert_ne!(std::fs::read(&there).unwrap(), b"mine");
    assert_eq!(std::fs::read_dir(&some).unwrap().count(), 2);
    let none = site.pictures.path("none");
    site.jobs(&format!(
        "fetch {id} report.pdf --output {}",
        none.display()
    ))
    .told(2, &["report.pdf", "report.html"]);
    assert!(!none.exists());
}

#[test]
fn a_running_job_is_cancelled_and_cannot_be_forgotten_before() {
    let site = Site::new();
    let id = site.submit_long(1_000_000);
    let mut watch = command(["jobs", "watch", &id, "--server", &site.server.url])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(watch.stdout.take().unwrap()).lines();
    said.find(|line| line.as_ref().unwrap().starts_with("iteration 2"))
        .unwrap()
        .unwrap();
    let running = site.jobs("list --json --state running").json();
    assert_eq!(self::id(&running[0]), id);
    site.jobs(&format!("delete {id}"))
        .told(2, &["cancel it first"]);
    let cancelled = site.jobs(&format!("cancel {id}")).stdout();
    assert!(cancelled.starts_with(&id), "{cancelled}");
    assert_eq!(said.last().unwrap().unwrap(), "cancelled: it was cancelled");
    let watched = watch.wait_with_output().unwrap();
    assert_eq!(watched.status.code(), Some(1));
    let why = String::from_utf8(watched.stderr).unwrap();
    assert_eq!(why, format!("msvpu: job {id}: it was cancelled\n"));
    site.jobs(&format!("cancel {id}"))
        .told(2, &["ended already"]);
    let late = site.jobs(&format!("watch {id}"));
    assert_eq!((late.status, late.stderr), (1, why));
    site.jobs(&format!("delete {id}")).stdout();
    site.server.end();
}

#[test]
fn watching_goes_on_when_the_server_was_away() {
    let site = Site::new();
    let id = site.submit_long(40);
    let address = site.server.address().to_owned();
    let mut watch = command(["jobs", "watch", &id, "--server", &site.server.url])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(watch.stdout.take().unwrap()).lines();
    said.find(|line| line.as_ref().unwrap().starts_with("iteration 1:"))
        .unwrap()
        .unwrap();
    site.server.kill();
    // Until it has noticed.
    let mut complaint = String::new();
    let mut stderr = BufReader::new(watch.stderr.take().unwrap());
    stderr.read_line(&mut complaint).unwrap();
    assert!(complaint.ends_with("trying again\n"), "{complaint}");
    let server = Server::of(&mut command_at(&address, &site.pictures.path("data")));
    let said: Vec<String> = said.map(Result::unwrap).collect();
    assert_eq!(said.last().unwrap(), "succeeded: it has a result");
    assert_eq!(watch.wait().unwrap().code(), Some(0));
    assert!(
        said.iter().any(|line| line.contains("started again")),
        "{said:?}"
    );
    server.end();
}

#[test]
fn a_job_that_fails_for_its_input_says_so() {
    let site = Site::new();
    let clear = vec![0; (2 * crate::WIDTH * crate::HEIGHT) as usize];
    let clear = site
        .pictures
        .png("clear.png", png::ColorType::GrayscaleAlpha, &clear);
    let mut args = vec!["classify", clear.to_str().unwrap(), "--classes", "2"];
    args.extend(["--server", &site.server.url]);
    msvpu(args).told(2, &["clear.png", "every pixel is fully transparent"]);
    let id = id(&site.list()[0]);
    let watched = site.jobs(&format!("watch {id}"));
    assert_eq!(watched.status, 2);
    assert!(
        watched
            .stdout
            .ends_with("\nfailed: every pixel is fully transparent\n"),
        "{}",
        watched.stdout
    );
    let shown = site.jobs(&format!("show {id}")).stdout();
    assert!(
        shown.contains("error       invalid-input: every pixel"),
        "{shown}"
    );
    // It has made nothing.
    let nothing = site.pictures.name("nothing");
    site.jobs(&format!("fetch {id} --output {nothing}"))
        .told(1, &[&id, "no files", "failed"]);
    site.server.end();
}

#[test]
fn what_is_not_there_or_no_id_is_refused() {
    let site = Site::new();
    for line in &verbs()[1..] {
        site.jobs(line).told(2, &["there is no job", NOBODY]);
    }
    for verb in ["show", "watch", "cancel", "delete", "fetch"] {
        site.jobs(&format!("{verb} seven"))
            .told(2, &["seven", "<ID>"]);
    }
    site.jobs("list --state done")
        .told(2, &["--state", "expected pending, running"]);
    let ran = site.jobs("list --service nothing --json");
    assert_eq!((ran.status, ran.stdout.as_str()), (0, "[]\n"));
    let note = "msvpu: there is no service `nothing`; there are: cmeans, fuzzy-cmeans, pairwise\n";
    assert_eq!(ran.stderr, note);
    // That there is no job of a known one is no slip.
    site.jobs("list --service pairwise").stdout();
    site.jobs("lst").told(2, &["lst", "list"]);
    site.server.end();
}

#[test]
fn a_server_that_is_gone_is_named_with_exit_status_1() {
    let site = Site::new();
    let url = site.server.url.clone();
    site.server.end();
    for line in verbs() {
        let mut args = vec!["jobs"];
        args.extend(line.split(' '));
        args.extend(["--server", &url]);
        msvpu(args).told(1, &[&url, "is the server there?"]);
    }
    for (url, words) in [
        ("localhost:8080", "http://host:port"),
        ("http://", "http://"),
        ("http://no host", "http://no host"),
    ] {
        msvpu(["jobs", "list", "--server", url]).told(2, &["--server", words]);
    }
}

#[test]
fn a_server_of_another_kind_is_told_as_such() {
    use std::io::Write;

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answering = std::thread::spawn(move || {
        for answer in [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
            "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
        ] {
            let (mut stream, _) = listener.accept().unwrap();
            stream
                .set_read_timeout(Some(Duration::from_secs(60)))
                .unwrap();
            let mut request = BufReader::new(stream.try_clone().unwrap()).lines();
            while !request.next().unwrap().unwrap().is_empty() {}
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    msvpu(["jobs", "list", "--server", &url]).told(1, &[&url, "an answer that is none of ours"]);
    msvpu(["jobs", "list", "--server", &url]).told(2, &["404"]);
    answering.join().unwrap();
}
