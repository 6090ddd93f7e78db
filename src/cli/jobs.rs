//! `msvpu jobs`: the jobs of a server.

mod fetch;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use clap::{Args, Subcommand};
use msvpu_web::model::{EventBody, Job, State};
use serde::Serialize;
use uuid::Uuid;

use super::failure::Failure;
use super::interrupts::Interrupts;
use super::on_runtime::on_a_runtime;
use super::remote::{Heard, Server, TokenArgs};
use super::stdout::{complain, print};
use super::table::{dash, table};
use fetch::{fetch, written};
use msvpu::report::number::{counted, grouped, short};

const HELP: &str = "\
Exit status:
  0    success; `watch`: the job has succeeded
  1    the server cannot be reached, or a failure at run time; `watch`: the job has failed or was cancelled
  2    bad arguments, or a request that the server refuses; `watch`: the picture or the parameters of the job are wrong";

/// Look at the jobs of a server, and end them.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct JobsArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Clone, Debug, Args)]
struct At {
    /// Where the server is.
    #[arg(
        long,
        value_name = "URL",
        env = "MSVPU_SERVER",
        default_value = "http://127.0.0.1:8080"
    )]
    server: String,

    #[command(flatten)]
    token: TokenArgs,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List jobs, newest first.
    List {
        #[command(flatten)]
        at: At,
        /// Only those in this state: pending, running, succeeded, failed or cancelled.
        #[arg(long, value_parser = state)]
        state: Option<State>,
        /// Only those of this service.
        #[arg(long)]
        service: Option<String>,
        /// At most so many.
        #[arg(long, value_name = "N", default_value = "50")]
        most: usize,
        /// Print one JSON document instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Show a job.
    Show {
        #[command(flatten)]
        at: At,
        /// The job.
        #[arg(value_parser = job_id)]
        id: Uuid,
        /// Print the job as the server has it.
        #[arg(long)]
        json: bool,
    },
    /// Follow a job to its end.
    Watch {
        #[command(flatten)]
        at: At,
        /// The job.
        #[arg(value_parser = job_id)]
        id: Uuid,
        /// Print each event as a line of JSON.
        #[arg(long)]
        json: bool,
    },
    /// Ask a job to end.
    Cancel {
        #[command(flatten)]
        at: At,
        /// The job.
        #[arg(value_parser = job_id)]
        id: Uuid,
    },
    /// Forget an ended job and its files.
    Delete {
        #[command(flatten)]
        at: At,
        /// The job.
        #[arg(value_parser = job_id)]
        id: Uuid,
    },
    /// Fetch the files that a job has made.
    Fetch {
        #[command(flatten)]
        at: At,
        /// The job.
        #[arg(value_parser = job_id)]
        id: Uuid,
        /// These only [default: all].
        names: Vec<String>,
        /// Where to; it is made if need be.
        #[arg(long, short, value_name = "DIR", default_value = ".")]
        output: PathBuf,
        /// Replace files that are there.
        #[arg(long, short)]
        force: bool,
    },
}

fn job_id(text: &str) -> Result<Uuid, String> {
    let id = text.parse();
    id.map_err(|_| "expected the id of a job, as `msvpu jobs list` shows it".to_owned())
}

fn state(text: &str) -> Result<State, String> {
    serde_json::from_value(text.to_uppercase().into())
        .map_err(|_| "expected pending, running, succeeded, failed or cancelled".to_owned())
}

impl At {
    fn server(&self) -> Result<Server, Failure> {
        Server::new(&self.server, &self.token)
    }
}

/// Does what was asked for.
pub(crate) fn jobs(args: &JobsArgs) -> Result<(), Failure> {
    match &args.verb {
        Verb::List {
            at,
            state,
            service,
            most,
            json,
        } => list(&at.server()?, *state, service.as_deref(), *most, *json),
        Verb::Show { at, id, json } => {
            let job = at.server()?.job(*id)?;
            print(&if *json {
                document(&job)?
            } else {
                summary(&job, None)
            })
        }
        Verb::Watch { at, id, json } => watch(&at.server()?, *id, *json),
        Verb::Cancel { at, id } => {
            let job = at.server()?.cancel(*id)?;
            print(&format!("{}: {}\n", job.id, job.reason))
        }
        Verb::Delete { at, id } => at.server()?.delete(*id),
        Verb::Fetch {
            at,
            id,
            names,
            output,
            force,
        } => {
            let (server, id, force) = (at.server()?, *id, *force);
            let (names, output) = (names.clone(), output.clone());
            on_a_runtime(None, |_| async move {
                let mut interrupts = Interrupts::listen();
                let fetch =
                    move |stop: &AtomicBool| fetch(&server, id, &names, &output, force, stop);
                print(&interrupts.or_stopped(fetch).await?)
            })
        }
    }
}

fn document(value: &impl Serialize) -> Result<String, Failure> {
    Ok(serde_json::to_string(value).map_err(Failure::runtime)? + "\n")
}

/// The word of a state, as people write it.
fn word(state: State) -> &'static str {
    match state {
        State::Pending => "pending",
        State::Running => "running",
        State::Succeeded => "succeeded",
        State::Failed => "failed",
        State::Cancelled => "cancelled",
    }
}

fn list(
    server: &Server,
    state: Option<State>,
    service: Option<&str>,
    most: usize,
    json: bool,
) -> Result<(), Failure> {
    let filter = state.map(|state| word(state).to_uppercase());
    let mut jobs: Vec<Job> = Vec::new();
    let mut token = None;
    while jobs.len() < most {
        let page = server.jobs(filter.as_deref(), service, token.as_deref())?;
        jobs.extend(page.jobs);
        token = page.next_page_token;
        if token.is_none() {
            break;
        }
    }
    jobs.truncate(most);
    if let Some(service) = service.filter(|_| jobs.is_empty()) {
        note_unknown(server, service);
    }
    if json {
        return print(&document(&jobs)?);
    }
    let head = [
        "job",
        "service",
        "state",
        "image",
        "iterations",
        "accepted (UTC)",
        "why",
    ];
    let rows = jobs.iter().map(|job| {
        let at = job.created_at;
        let (hour, minute, second) = (at.hour(), at.minute(), at.second());
        vec![
            job.id.to_string(),
            job.service.clone(),
            word(job.state).to_owned(),
            name_of(job),
            job.progress.iteration.to_string(),
            format!("{} {hour:02}:{minute:02}:{second:02}", at.date()),
            job.reason.clone(),
        ]
    });
    let lines = table(&head.map(str::to_owned), rows.collect(), head.len());
    print(&(lines.join("\n") + "\n"))
}

/// A list may be empty because of a slip. Jobs outlive their services, so that the server does not refuse any name.
fn note_unknown(server: &Server, service: &str) {
    // The list is there all the same.
    let Ok(known) = server.services() else {
        return;
    };
    if !known.iter().any(|name| name == service) {
        let known = known.join(", ");
        let note = format!("there is no service `{service}`; there are: {known}");
        complain(&super::failure::one_line(&note));
    }
}

/// The input, as it was called.
fn name_of(job: &Job) -> String {
    let name = job.input.name.as_deref().map(super::failure::one_line);
    name.unwrap_or_else(dash)
}

fn watch(server: &Server, id: Uuid, json: bool) -> Result<(), Failure> {
    for heard in server.events(id) {
        match heard? {
            Heard::Event(event) if json => print(&document(&event)?)?,
            Heard::Event(event) => print(&line(&event.body))?,
            Heard::Away(why) => complain(&format!("{why}; trying again")),
        }
    }
    ended(&server.job_at_last(id)?)
}

/// An event, for people; nothing for what is of no interest.
fn line(event: &EventBody) -> String {
    match event {
        EventBody::State {
            state,
            phase,
            reason,
        } => {
            let phase = phase.map(|phase| format!(", {phase:?}").to_lowercase());
            let phase = phase.unwrap_or_default();
            format!("{}{phase}: {reason}\n", word(*state))
        }
        EventBody::Iteration(row) => {
            let error = row.error.map_or_else(dash, short);
            format!("iteration {}: error {error}\n", row.iteration)
        }
        EventBody::Tiles {
            round,
            answered,
            team_size,
        } => format!("round {round}: {answered} of {team_size} tiles\n"),
        EventBody::Log { message, .. } => format!("{message}\n"),
        // Of the end its state has told.
        EventBody::Node { .. } | EventBody::Done { .. } => String::new(),
    }
}

/// A job that has not succeeded is a failure of the command.
pub(crate) fn ended(job: &Job) -> Result<(), Failure> {
    match (&job.error, job.state) {
        (Some(error), _) if error.code.starts_with("invalid") => {
            Err(Failure::input(&error.message))
        }
        (Some(error), _) => Err(Failure::runtime(&error.message)),
        (None, State::Succeeded) => Ok(()),
        (None, _) => Err(Failure::runtime(format_args!(
            "job {}: {}",
            job.id, job.reason
        ))),
    }
}

/// A job for people.
pub(crate) fn summary(job: &Job, files: Option<(&Path, &[String])>) -> String {
    let mut lines = vec![
        format!("{} of {}", job.service, name_of(job)),
        String::new(),
        format!("job         {}", job.id),
        format!("state       {}: {}", word(job.state), job.reason),
        format!(
            "image       {} x {} pixels, {}",
            job.input.info.width,
            job.input.info.height,
            counted(u64::from(job.input.info.bands), "band")
        ),
        format!("iterations  {}", job.progress.iteration),
    ];
    if let Some(error) = &job.error {
        lines.push(format!("error       {}: {}", error.code, error.message));
    }
    lines.extend(classes(job));
    match files {
        Some((directory, names)) => {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            lines.push(written(directory, &names));
        }
        None => lines.extend(job.artifacts.iter().map(|artifact| {
            format!(
                "artifact    {}, {} bytes: {}",
                artifact.name,
                grouped(artifact.bytes),
                artifact.doc
            )
        })),
    }
    lines.push(String::new());
    lines.join("\n")
}

/// The classes of a result that has some.
fn classes(job: &Job) -> Vec<String> {
    let of = |key: &str| {
        let list = job.result.as_ref().and_then(|result| result.get(key));
        list.and_then(|list| list.as_array()).cloned()
    };
    let (Some(classes), Some(centers)) = (of("classes"), of("centers")) else {
        return Vec::new();
    };
    let rows = classes.iter().zip(&centers).map(|(class, center)| {
        let center = center.as_array().into_iter().flatten();
        let center: Vec<String> = center
            .filter_map(|value| value.as_f64().map(short))
            .collect();
        vec![
            class["label"].to_string(),
            center.join(", "),
            class["pixels"].as_u64().map_or_else(dash, grouped),
            class["share"]
                .as_f64()
                .map_or_else(dash, |share| format!("{:.2} %", share * 100.0)),
        ]
    });
    let head = ["class", "center", "pixels", "share"].map(str::to_owned);
    let mut lines = vec![String::new()];
    lines.extend(table(&head, rows.collect(), 0));
    lines.push(String::new());
    lines
}
