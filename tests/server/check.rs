//! Whether the server has kept what it promised.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use msvpu_web::model::{Job, State};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use ureq::Agent;
use ureq::http::StatusCode;
use uuid::Uuid;

use crate::ledger::{Accepted, Entries, Fate};
use crate::site::{Answer, Ask, agent, ask};

#[derive(Deserialize)]
struct Page {
    jobs: Vec<Job>,
    next_page_token: Option<String>,
}

/// A server that nobody kills meanwhile.
pub(crate) struct Check {
    url: String,
    agent: Agent,
}

impl Check {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            agent: agent(),
        }
    }

    fn get(&self, path: impl Into<String>) -> Answer {
        ask(&self.agent, &self.url, &Ask::get(path)).unwrap()
    }

    /// All jobs that there are; no two have one key.
    fn listed(&self) -> BTreeMap<String, Job> {
        let mut listed = BTreeMap::new();
        let mut token = String::new();
        loop {
            let path = format!("/jobs?page_size=200{token}");
            let page: Page = self.get(path).of(StatusCode::OK).json();
            for job in page.jobs {
                let key = job.metadata["key"].clone();
                let other = listed.insert(key, job);
                assert!(other.is_none(), "two jobs under one key: {other:?}");
            }
            match page.next_page_token {
                Some(next) => token = format!("&page_token={next}"),
                None => return listed,
            }
        }
    }

    /// After a start, before clients go on: everything accepted is there, and what they saw is as they saw it.
    /// `seen` are keys of jobs whose artifacts need not be looked at again.
    pub(crate) fn kept(&self, entries: &mut Entries, seen: &mut BTreeSet<String>) {
        let listed = self.listed();
        for (key, job) in &listed {
            let known = entries.jobs.contains_key(key) || entries.asked.contains(key);
            assert!(known, "nobody asked for {job:?}");
        }
        for (key, accepted) in &entries.jobs {
            let found = listed.get(key);
            if accepted.fate == Fate::Deleted {
                assert!(found.is_none(), "it was deleted: {found:?}");
                continue;
            }
            let Some(job) = found else {
                assert_eq!(accepted.fate, Fate::MayBeDeleted, "lost: {accepted:?}");
                continue;
            };
            assert_eq!(job.id, accepted.id);
            if let Some(ended) = &accepted.ended {
                // Lists have no results.
                let ended = Job {
                    result: None,
                    ..ended.clone()
                };
                assert_eq!(*job, ended);
                if seen.insert(key.clone()) {
                    self.artifacts(job);
                }
            }
        }
        // A request that was not answered may have been accepted: then its key belongs to that job, and to no other.
        for key in std::mem::take(&mut entries.asked) {
            match listed.get(&key) {
                Some(job) => drop(entries.jobs.insert(key, Accepted::new(job.id))),
                None => drop(entries.asked.insert(key)),
            }
        }
        self.uploads(entries);
    }

    fn uploads(&self, entries: &Entries) {
        let all = [
            (&entries.uploads, StatusCode::OK),
            (&entries.removed, StatusCode::NOT_FOUND),
        ];
        for (ids, status) in all {
            for id in ids {
                let answer = self.get(format!("/uploads/{id}"));
                assert_eq!(answer.status, status, "upload {id}");
            }
        }
    }

    /// Every file of a job that has succeeded is what the job says.
    fn artifacts(&self, job: &Job) {
        assert_eq!(job.state, State::Succeeded);
        let names: Vec<&str> = job.artifacts.iter().map(|file| &*file.name).collect();
        for name in ["labels.png", "report.json", "report.html"] {
            assert!(names.contains(&name), "{names:?}");
        }
        for file in &job.artifacts {
            let answer = self.get(format!("/jobs/{}/artifacts/{}", job.id, file.name));
            assert_eq!(answer.status, StatusCode::OK, "{} of {}", file.name, job.id);
            assert_eq!(digest(&answer.body), file.sha256, "{}", file.name);
            assert_eq!(answer.body.len() as u64, file.bytes);
        }
    }

    /// When nobody asks for anything any more: all ends as it has to, whole, and nothing lies about.
    pub(crate) fn ended(&self, entries: &Entries) -> Counts {
        let mut labels: BTreeMap<String, String> = BTreeMap::new();
        let mut counts = Counts::default();
        let listed = self.listed();
        for (key, Accepted { id, fate, .. }) in &entries.jobs {
            if *fate == Fate::Deleted {
                counts.deleted += 1;
                assert!(!listed.contains_key(key));
                continue;
            }
            let job = self.end(*id);
            counts.begun_again += usize::from(job.attempts > 1);
            match (fate, job.state) {
                (Fate::Cancelled | Fate::MayBeCancelled, State::Cancelled) => counts.cancelled += 1,
                (Fate::Runs | Fate::MayBeCancelled, State::Succeeded) => {
                    counts.succeeded += 1;
                    self.artifacts(&job);
                    let file = job.artifacts.iter().find(|file| file.name == "labels.png");
                    let (kind, sha256) = (job.metadata["kind"].clone(), &file.unwrap().sha256);
                    let first = labels.entry(kind).or_insert_with(|| sha256.clone());
                    assert_eq!(first, sha256, "the labels of {job:?}");
                }
                _ => panic!("{fate:?}: {job:?}"),
            }
        }
        assert_eq!(self.listed().len() + counts.deleted, entries.jobs.len());
        self.uploads(entries);
        counts
    }

    fn end(&self, id: Uuid) -> Job {
        loop {
            let job: Job = self
                .get(format!("/jobs/{id}?wait=30"))
                .of(StatusCode::OK)
                .json();
            if job.state.is_terminal() {
                return job;
            }
        }
    }

    /// Everything that lies in the data directory belongs to something.
    pub(crate) fn is_tidy(&self, data: &Path) {
        let names = |folder: &str| {
            let entries = fs::read_dir(data.join(folder)).unwrap();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap())
        };
        for (folder, path) in [("uploads", "/uploads"), ("jobs", "/jobs")] {
            for name in names(folder) {
                let answer = self.get(format!("{path}/{name}"));
                assert_eq!(answer.status, StatusCode::OK, "{folder}/{name}");
            }
        }
    }
}

fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How many jobs ended how.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) succeeded: usize,
    pub(crate) cancelled: usize,
    pub(crate) deleted: usize,
    /// Those that a kill had ended.
    pub(crate) begun_again: usize,
}
