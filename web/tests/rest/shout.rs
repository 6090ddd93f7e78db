//! A service that makes text loud, and its inputs.

use std::fs;
use std::path::Path;

use futures_util::future::BoxFuture;
use msvpu_web::Service;
use msvpu_web::model::{
    EventBody, Failure, FieldError, InputInfo, IterationRow, Phase, TeamRound, TeamTimes,
};
use msvpu_web::service::{
    Asked, InputReader, OutputInfo, ProbeError, Run, RunError, SeriesNames, ServiceInfo, Told,
};
use serde_json::{Map, Value, json};
use tokio::sync::watch;

/// Files that begin with `text:`; with `text!` they are damaged.
pub(crate) struct TextReader;

impl InputReader for TextReader {
    fn probe(&self, path: &Path) -> Result<InputInfo, ProbeError> {
        let bytes = fs::read(path).map_err(|error| ProbeError::Io(error.to_string()))?;
        if bytes.starts_with(b"text!") {
            return Err(ProbeError::Invalid("the text is damaged".to_owned()));
        }
        if !bytes.starts_with(b"text:") {
            let reason = "it is no text; right would be a file that begins with `text:`";
            return Err(ProbeError::Unsupported(reason.to_owned()));
        }
        Ok(InputInfo {
            format: "text".to_owned(),
            width: 1,
            height: 1,
            bands: 1,
            decoded_bytes: bytes.len() as u64,
        })
    }
}

/// With `hold`, a job waits until the gate is open.
pub(crate) struct Shout {
    pub(crate) gate: watch::Receiver<bool>,
}

impl Service for Shout {
    fn info(&self) -> ServiceInfo {
        let output = |name: &str, default| OutputInfo {
            name: name.to_owned(),
            doc: format!("a {name}"),
            default,
        };
        ServiceInfo {
            name: "shout".to_owned(),
            title: "Shout".to_owned(),
            doc: "Makes text loud.".to_owned(),
            accepts: vec![".txt".to_owned()],
            params_schema: json!({
                "type": "object",
                "properties": {
                    "rounds": {"type": "integer", "minimum": 0, "maximum": 100, "default": 3},
                    "hold": {"type": "boolean", "default": false},
                    "fail": {"type": "boolean", "default": false},
                },
                "additionalProperties": false,
            }),
            outputs: vec![output("loud", true), output("picture", false)],
            series: Some(SeriesNames {
                values: "loudness".to_owned(),
                error: "change of the loudness".to_owned(),
            }),
        }
    }

    fn check(&self, asked: &Asked<'_>) -> Result<(), Vec<FieldError>> {
        let wrong = asked.params.iter().filter_map(|(name, value)| {
            let fits = match name.as_str() {
                "rounds" => value.as_u64().is_some_and(|rounds| rounds <= 100),
                "hold" | "fail" => value.is_boolean(),
                _ => false,
            };
            (!fits).then(|| FieldError {
                pointer: format!("/params/{name}"),
                detail: "it is not as the schema has it".to_owned(),
            })
        });
        let mut wrong: Vec<_> = wrong.collect();
        let picture = asked.outputs.iter().position(|output| output == "picture");
        if let Some(place) = picture
            && asked.params.get("rounds") == Some(&json!(100))
        {
            wrong.push(FieldError {
                pointer: format!("/outputs/{place}"),
                detail: "of so many rounds there is no picture".to_owned(),
            });
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    fn run(&self, run: Run) -> BoxFuture<'static, Result<Value, RunError>> {
        Box::pin(shout(run, self.gate.clone()))
    }
}

async fn shout(mut run: Run, mut gate: watch::Receiver<bool>) -> Result<Value, RunError> {
    let asked = |name: &str| run.params.get(name).and_then(Value::as_bool) == Some(true);
    let (holds, fails) = (asked("hold"), asked("fail"));
    let rounds = run
        .params
        .get("rounds")
        .and_then(Value::as_u64)
        .unwrap_or(3);
    let rounds = u32::try_from(rounds).unwrap();
    run.reporter.tell(Told::Phase(Phase::Iterating, None));
    run.reporter.tell(Told::MaxIterations(rounds));
    if rounds > 0 {
        run.reporter.tell(Told::Team(team(rounds)));
    }
    for iteration in 1..=rounds {
        run.reporter
            .tell(Told::Event(EventBody::Iteration(IterationRow {
                iteration,
                values: vec![vec![f64::from(iteration)]],
                error: Some(1.0),
                elapsed_ms: 1.0,
                details: Map::new(),
            })));
    }
    if holds {
        tokio::select! {
            opened = gate.wait_for(|open| *open) => drop(opened.map_err(|_| RunError::Stopped)?),
            () = run.cancelled.asked() => return Err(RunError::Cancelled),
        }
    }
    if fails {
        return Err(RunError::Failed(Failure {
            code: "hoarse".to_owned(),
            message: "no voice is left".to_owned(),
        }));
    }
    let text = fs::read_to_string(&run.input).unwrap();
    make(
        &run,
        "report.html",
        "text/html; charset=utf-8",
        "<!doctype html><p>loud",
    );
    if run.outputs.iter().any(|output| output == "loud") {
        make(
            &run,
            "loud.txt",
            "text/plain; charset=utf-8",
            &text.to_uppercase(),
        );
    }
    if run.outputs.iter().any(|output| output == "picture") {
        let picture = "<svg xmlns=\"http://www.w3.org/2000/svg\"><script/></svg>";
        make(&run, "picture.svg", "image/svg+xml", picture);
    }
    Ok(json!({"bytes": text.len(), "name": run.input_name}))
}

/// Two MsVPUs of four, of which the second has not answered in the last round.
pub(crate) fn team(rounds: u32) -> TeamTimes {
    let round = |of: u32| TeamRound {
        round: Some(of),
        began_ms: f64::from(of) * 10.0,
        ended_ms: (of < rounds).then(|| f64::from(of) * 10.0 + 8.5),
        node: vec![Some(0), (of < rounds).then_some(7)],
        arrived_ms: vec![Some(8.0), (of < rounds).then_some(8.5)],
        waited_ms: vec![Some(0.25), (of < rounds).then_some(1.0)],
        computed_ms: vec![Some(6.0), (of < rounds).then_some(5.0)],
        kept_ms: vec![Some(1.0), (of < rounds).then_some(0.0)],
    };
    TeamTimes {
        team_size: 4,
        stride: 2,
        rounds: (1..=rounds).map(round).collect(),
    }
}

fn make(run: &Run, name: &str, media_type: &str, text: &str) {
    fs::write(run.folder.path().unwrap().join(name), text).unwrap();
    run.reporter.tell(Told::Artifact {
        name: name.to_owned(),
        media_type: media_type.to_owned(),
        doc: format!("the {name}"),
    });
}
