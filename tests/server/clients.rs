//! Clients: they submit, cancel, delete, and ask again whatever was not answered.

use msvpu_web::model::{Job, State, Upload};
use ureq::Agent;
use ureq::http::{Method, StatusCode};
use uuid::Uuid;

use crate::ledger::{Fate, Ledger};
use crate::pictures::Kind;
use crate::site::{Answer, Ask, Site, agent};

/// A number below `below`. Random enough: the low bits of a UUID are.
pub(crate) fn random(below: u64) -> u64 {
    Uuid::new_v4().as_u128() as u64 % below
}

pub(crate) struct Client<'a> {
    pub(crate) site: &'a Site,
    pub(crate) ledger: &'a Ledger,
    pub(crate) kinds: &'a [Kind],
}

impl Client<'_> {
    /// Until nothing more is to be begun.
    pub(crate) fn run(&self) {
        let agent = agent();
        while !self.site.is_closing() {
            // One in 12 is large.
            let kind = match random(12) {
                0 => &self.kinds[2],
                1..=3 => &self.kinds[1],
                _ => &self.kinds[0],
            };
            let (key, id) = self.submit(&agent, kind);
            match random(10) {
                0 => self.cancel(&agent, &key, id),
                1 => {
                    self.wait(&agent, &key, id);
                    self.delete(&agent, &key, id);
                }
                2 => self.upload_only(&agent, kind),
                // Others wait too, so that not more is begun than can be done.
                3..=6 => self.wait(&agent, &key, id),
                _ => {}
            }
        }
    }

    fn upload(&self, agent: &Agent, kind: &Kind) -> Uuid {
        let ask = Ask::new(Method::POST, "/uploads")
            .header("Content-Type", "application/octet-stream")
            .header("X-File-Name", kind.name)
            .body(&kind.picture);
        let answer = self.site.ask(agent, &ask).of(StatusCode::CREATED);
        answer.json::<Upload>().id
    }

    /// Asks under one key until the job is accepted.
    fn submit(&self, agent: &Agent, kind: &Kind) -> (String, Uuid) {
        let key = Uuid::new_v4().to_string();
        let (media_type, body) = if random(3) == 0 {
            let job = kind.job(&key, Some(self.upload(agent, kind)));
            ("application/json", job.to_string().into_bytes())
        } else {
            kind.form(&key)
        };
        self.ledger.ask(&key);
        let ask = Ask::new(Method::POST, "/jobs")
            .header("Content-Type", media_type)
            .header("Idempotency-Key", &key)
            .body(&body);
        let answer = self.site.ask(agent, &ask).of(StatusCode::ACCEPTED);
        let id = answer.json::<Job>().id;
        self.ledger.accept(&key, id);
        if random(8) == 0 {
            // Who is not sure asks again.
            let again: Job = self.site.ask(agent, &ask).of(StatusCode::ACCEPTED).json();
            assert_eq!(again.id, id);
        }
        (key, id)
    }

    fn wait(&self, agent: &Agent, key: &str, id: Uuid) {
        let job = loop {
            let ask = Ask::get(format!("/jobs/{id}?wait=30"));
            let job: Job = self.site.ask(agent, &ask).of(StatusCode::OK).json();
            if job.state.is_terminal() {
                break job;
            }
        };
        assert_eq!(job.state, State::Succeeded, "{job:?}");
        self.ledger.end(key, job);
    }

    fn cancel(&self, agent: &Agent, key: &str, id: Uuid) {
        self.ledger.turn(key, Fate::MayBeCancelled);
        let ask = Ask::new(Method::POST, format!("/jobs/{id}/cancel"));
        let answer: Answer = self.site.ask(agent, &ask);
        match answer.status {
            StatusCode::ACCEPTED => self.ledger.turn(key, Fate::Cancelled),
            // It has ended by itself, or of an earlier attempt to cancel it.
            StatusCode::CONFLICT => {}
            _ => panic!("{answer:?}"),
        }
    }

    fn delete(&self, agent: &Agent, key: &str, id: Uuid) {
        self.ledger.turn(key, Fate::MayBeDeleted);
        self.remove(agent, format!("/jobs/{id}"));
        self.ledger.turn(key, Fate::Deleted);
    }

    /// One that no job needs; half of them go again.
    fn upload_only(&self, agent: &Agent, kind: &Kind) {
        let id = self.upload(agent, kind);
        if random(2) == 0 {
            self.ledger.entries().uploads.insert(id);
            return;
        }
        self.remove(agent, format!("/uploads/{id}"));
        self.ledger.entries().removed.insert(id);
    }

    fn remove(&self, agent: &Agent, path: String) {
        let answer = self.site.ask(agent, &Ask::new(Method::DELETE, path));
        // Not there any more, if the server was killed before it could answer.
        let gone = [StatusCode::NO_CONTENT, StatusCode::NOT_FOUND];
        assert!(gone.contains(&answer.status), "{answer:?}");
    }
}
