//! A server of this project, seen from the command line: requests, and what its answers mean.

mod classify;
mod events;
mod patience;
mod refusal;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use clap::Args;
use msvpu_web::model::{Artifact, Job, Upload};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use ureq::http::{Response, Uri, header};
use ureq::typestate::WithoutBody;
use ureq::{Agent, Body, RequestBuilder};
use uuid::Uuid;

use super::failure::Failure;
use super::first_line::first_line;
pub(crate) use classify::classify;
use events::Events;
pub(crate) use events::Heard;
use patience::Patience;
use refusal::{Problem, refusal};

/// A connection that takes longer is none.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A server that is silent for longer while it has something to say is away; in a stream of events it says something
/// every 15 s.
const SILENCE: Duration = Duration::from_secs(40);
/// What was handed in may take that long to come to the disk.
const LONG_SILENCE: Duration = Duration::from_secs(600);
/// Where the routes are.
const ROOT: &str = "/api/v1";
/// So much of a file is taken at once.
const PART_BYTES: usize = 64 << 10;

/// How a client shows who it is.
#[derive(Clone, Debug, Args)]
#[group(skip)]
pub(crate) struct TokenArgs {
    /// A file whose first line is the token to show to the server. MSVPU_TOKEN may hold the token itself.
    #[arg(long, value_name = "FILE", env = "MSVPU_TOKEN_FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

impl TokenArgs {
    fn token(&self) -> Result<Option<String>, Failure> {
        match &self.token_file {
            Some(file) => first_line(file, "a token").map(Some),
            None => Ok(std::env::var("MSVPU_TOKEN").ok()),
        }
    }
}

/// A server.
pub(crate) struct Server {
    agent: Agent,
    /// Without a slash at its end.
    url: String,
    token: Option<String>,
}

/// A part of a list of jobs.
#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    pub(crate) jobs: Vec<Job>,
    pub(crate) next_page_token: Option<String>,
}

/// What can be asked for.
#[derive(Debug, Deserialize)]
struct Services {
    services: Vec<Named>,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

impl Server {
    pub(crate) fn new(url: &str, token: &TokenArgs) -> Result<Self, Failure> {
        let parsed = url.parse::<Uri>().ok();
        let fits = parsed.is_some_and(|parsed| {
            let scheme = parsed.scheme_str().unwrap_or_default();
            ["http", "https"].contains(&scheme)
                && parsed.host().is_some_and(|host| !host.is_empty())
        });
        if !fits {
            return Err(Failure::input(format_args!(
                "--server {url}: expected http://host:port or https://host"
            )));
        }
        let url = url.trim_end_matches('/');
        // That of its routes is as good.
        let url = url.strip_suffix(ROOT).unwrap_or(url);
        let config = Agent::config_builder()
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_per_read(Some(LONG_SILENCE))
            .timeout_per_write(Some(SILENCE))
            // What the server says of a refusal is in the body.
            .http_status_as_error(false)
            .build();
        Ok(Self {
            agent: config.into(),
            url: url.to_owned(),
            token: token.token()?,
        })
    }

    fn at(&self, path: &str) -> String {
        format!("{}{ROOT}{path}", self.url)
    }

    fn authorized<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match &self.token {
            Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }

    /// Takes an answer for what it is: a success, or why not.
    fn answered(
        &self,
        answer: Result<Response<Body>, ureq::Error>,
    ) -> Result<Response<Body>, Failure> {
        let mut answer = answer.map_err(|error| {
            let reason = match error {
                ureq::Error::Io(error) => error.to_string(),
                other => other.to_string(),
            };
            Failure::runtime(format_args!("{}: {reason}; is the server there?", self.url))
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let text = answer.body_mut().read_to_string().unwrap_or_default();
        let problem: Problem = serde_json::from_str(&text).unwrap_or_default();
        Err(refusal(status, problem))
    }

    fn json<T: DeserializeOwned>(&self, mut answer: Response<Body>) -> Result<T, Failure> {
        let reader = answer.body_mut().as_reader();
        serde_json::from_reader(reader).map_err(|error| {
            Failure::runtime(format_args!(
                "{}: an answer that is none of ours: {error}",
                self.url
            ))
        })
    }

    /// A request for something that is there.
    fn getting(&self, path: &str) -> RequestBuilder<WithoutBody> {
        self.authorized(self.agent.get(self.at(path)))
            .config()
            .timeout_per_read(Some(SILENCE))
            .build()
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.json(self.answered(self.getting(path).call())?)
    }

    /// Hands in a file.
    pub(crate) fn upload(
        &self,
        path: &Path,
        reader: impl Read + 'static,
    ) -> Result<Upload, Failure> {
        let name = path.file_name().unwrap_or_default();
        let request = self
            .authorized(self.agent.post(self.at("/uploads")))
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .header("X-File-Name", percent_encoded(&name.to_string_lossy()));
        let body = ureq::SendBody::from_owned_reader(reader);
        self.json(self.answered(request.send(body))?)
    }

    /// Asks for a job.
    pub(crate) fn submit(&self, job: &Value) -> Result<Job, Failure> {
        let request = self
            .authorized(self.agent.post(self.at("/jobs")))
            .header(header::CONTENT_TYPE, "application/json");
        self.json(self.answered(request.send(job.to_string()))?)
    }

    pub(crate) fn job(&self, id: Uuid) -> Result<Job, Failure> {
        self.get(&format!("/jobs/{id}"))
    }

    /// The same where the server may be away for some minutes.
    pub(crate) fn job_at_last(&self, id: Uuid) -> Result<Job, Failure> {
        let mut patience = Patience::new();
        loop {
            match self.job(id) {
                Err(failure @ Failure::Runtime(_)) => match patience.next() {
                    Some(wait) => pause(wait),
                    None => return Err(failure.of_job(id)),
                },
                job => return job.map_err(|failure| failure.of_job(id)),
            }
        }
    }

    /// The jobs that fit, newest first, those after a page's token.
    pub(crate) fn jobs(
        &self,
        state: Option<&str>,
        service: Option<&str>,
        page_token: Option<&str>,
    ) -> Result<Page, Failure> {
        let filters = [
            ("state", state),
            ("service", service),
            ("page_token", page_token),
        ];
        let query: Vec<String> = filters
            .into_iter()
            .filter_map(|(key, value)| Some(format!("{key}={}", percent_encoded(value?))))
            .collect();
        self.get(&format!("/jobs?{}", query.join("&")))
    }

    /// The names of what can be asked for.
    pub(crate) fn services(&self) -> Result<Vec<String>, Failure> {
        let Services { services } = self.get("/services")?;
        Ok(services.into_iter().map(|service| service.name).collect())
    }

    pub(crate) fn cancel(&self, id: Uuid) -> Result<Job, Failure> {
        let request = self.authorized(self.agent.post(self.at(&format!("/jobs/{id}/cancel"))));
        self.json(self.answered(request.send_empty())?)
    }

    pub(crate) fn delete(&self, id: Uuid) -> Result<(), Failure> {
        let request = self.authorized(self.agent.delete(self.at(&format!("/jobs/{id}"))));
        self.answered(request.call()).map(drop)
    }

    pub(crate) fn delete_upload(&self, id: Uuid) -> Result<(), Failure> {
        let request = self.authorized(self.agent.delete(self.at(&format!("/uploads/{id}"))));
        self.answered(request.call()).map(drop)
    }

    /// All that happens to a job, from its start to its end; a server that goes away is waited for, some minutes.
    pub(crate) fn events(
        &self,
        id: Uuid,
    ) -> impl Iterator<Item = Result<Heard, Failure>> + use<'_> {
        let open = move |after: &str| {
            let mut request = self
                .getting(&format!("/jobs/{id}/events"))
                .header(header::ACCEPT, "text/event-stream");
            if !after.is_empty() {
                request = request.header("Last-Event-ID", after);
            }
            let answer = self.answered(request.call())?;
            Ok(answer.into_body().into_reader())
        };
        let events = Events::new(open, pause);
        events.map(move |heard| heard.map_err(|failure| failure.of_job(id)))
    }

    /// Writes an artifact into a directory; what is there is whole, or an error. Ends soon after `stop` is set.
    pub(crate) fn fetch(
        &self,
        id: Uuid,
        artifact: &Artifact,
        into: &Path,
        stop: &AtomicBool,
    ) -> Result<(), Failure> {
        // A server may be anybody's: no name leads elsewhere.
        let mut parts = Path::new(&artifact.name).components();
        if !matches!(
            (parts.next(), parts.next()),
            (Some(Component::Normal(_)), None)
        ) {
            return Err(Failure::runtime(format_args!(
                "the server calls a file `{}`, which is no name",
                artifact.name
            )));
        }
        let to = &into.join(&artifact.name);
        let path = format!("/jobs/{id}/artifacts/{}", percent_encoded(&artifact.name));
        let answer = self.answered(self.getting(&path).call())?;
        let mut body = answer.into_body().into_reader();
        let cannot = |error: io::Error| {
            Failure::runtime(format_args!("{}: cannot be written: {error}", to.display()))
        };
        let mut file = File::create(to).map_err(cannot)?;
        let mut part = vec![0; PART_BYTES];
        let mut bytes = 0;
        loop {
            if stop.load(Ordering::Relaxed) {
                return Err(Failure::Interrupted);
            }
            let read = body
                .read(&mut part)
                .map_err(|error| Failure::runtime(format_args!("{}: {error}", artifact.name)))?;
            if read == 0 {
                break;
            }
            file.write_all(&part[..read]).map_err(cannot)?;
            bytes += read as u64;
        }
        if bytes == artifact.bytes {
            Ok(())
        } else {
            Err(Failure::runtime(format_args!(
                "{}: {bytes} bytes came of {}",
                artifact.name, artifact.bytes
            )))
        }
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "nothing tells when a server is back"
)]
fn pause(wait: Duration) {
    thread::sleep(wait);
}

/// As RFC 3986 has it, so that any name is one segment of a path, one value of a query, one header.
fn percent_encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// A job as it is asked for.
fn new_job(service: &str, upload: &Upload, params: Value, outputs: &[&str]) -> Value {
    json!({
        "service": service,
        "input": { "upload_id": upload.id },
        "params": params,
        "outputs": outputs,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded() {
        assert_eq!(percent_encoded("a-Z_0.~"), "a-Z_0.~");
        assert_eq!(percent_encoded("a b/ä?"), "a%20b%2F%C3%A4%3F");
    }

    #[test]
    fn a_url_without_a_scheme_is_refused() {
        let token = TokenArgs { token_file: None };
        let refused = Server::new("localhost:8080", &token).map(drop).unwrap_err();
        assert_eq!(refused.status(), 2);
        assert_eq!(
            Server::new("http://[::1]:1/", &token).unwrap().url,
            "http://[::1]:1"
        );
    }
}
