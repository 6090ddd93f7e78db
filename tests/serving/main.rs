//! The services as an engine runs them: on a machine of this process, with a folder of their own.
#![allow(clippy::unwrap_used, clippy::panic)]

mod checking;
mod ending;
mod hostile;
#[path = "../common/pictures.rs"]
mod pictures;
mod running;
mod schema;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use msvpu::raster::ReadLimits;
use msvpu::serving::{PictureReader, services};
use msvpu::{CMeans, FuzzyCMeans, JobOptions, Pairwise, VirtualMachine};
use msvpu_web::model::{EventBody, FieldError, InputInfo, IterationRow, TeamTimes};
use msvpu_web::service::{
    Asked, Cancelled, Folder, InputReader, Reporter, Run, RunError, Service, Told,
};
use serde_json::{Map, Value};
use tempfile::TempDir;
use tokio::sync::watch;

/// What came of a run.
struct Ran {
    result: Result<Value, RunError>,
    told: Vec<Told>,
    folder: TempDir,
}

impl Ran {
    /// The names of the artifacts that were told, in order.
    fn artifacts(&self) -> Vec<&str> {
        let names = self.told.iter().filter_map(|told| match told {
            Told::Artifact { name, .. } | Told::Document { name, .. } => Some(name.as_str()),
            _ => None,
        });
        let mut names: Vec<&str> = names.collect();
        names.sort_unstable();
        names
    }

    fn iterations(&self) -> Vec<&IterationRow> {
        let rows = self.told.iter().filter_map(|told| match told {
            Told::Event(EventBody::Iteration(row)) => Some(row),
            _ => None,
        });
        rows.collect()
    }

    /// What the team did, as it was told last.
    fn team(&self) -> &TeamTimes {
        let told = self.told.iter().rev().find_map(|told| match told {
            Told::Team(times) => Some(times),
            _ => None,
        });
        told.unwrap()
    }

    /// The documents, by name.
    fn documents(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.told.iter().filter_map(|told| match told {
            Told::Document { name, content, .. } => Some((name.as_str(), content.as_ref())),
            _ => None,
        })
    }

    /// The names of the documents and of what is in the folder, if that was made.
    fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = self.documents().map(|(name, _)| name.to_owned()).collect();
        if let Ok(files) = std::fs::read_dir(self.place()) {
            names.extend(files.map(|file| file.unwrap().file_name().into_string().unwrap()));
        }
        names.sort_unstable();
        names
    }

    fn place(&self) -> PathBuf {
        self.folder.path().join("job")
    }

    fn read(&self, name: &str) -> Vec<u8> {
        let document = self.documents().find(|(told, _)| *told == name);
        match document {
            Some((_, content)) => content.to_vec(),
            None => std::fs::read(self.place().join(name)).unwrap(),
        }
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }
}

/// Whether a job that is asked for would be accepted.
fn check(
    name: &str,
    params: &Map<String, Value>,
    outputs: &[String],
    input: &InputInfo,
) -> Result<(), Vec<FieldError>> {
    service(name).check(&Asked {
        params,
        outputs,
        input,
    })
}

async fn machine() -> VirtualMachine {
    VirtualMachine::local()
        .workers(2)
        .service::<CMeans>()
        .service::<FuzzyCMeans>()
        .service::<Pairwise>()
        .start()
        .await
        .unwrap()
}

fn service(name: &str) -> Arc<dyn Service> {
    let services = services(ReadLimits::default());
    Arc::clone(&services.get(name).unwrap().service)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("no object: {other}"),
    }
}

fn probe(path: &Path) -> InputInfo {
    PictureReader::new(ReadLimits::default())
        .probe(path)
        .unwrap()
}

/// Runs a job; someone asks for its end as soon as something is told for which `cancel` is true.
async fn run_until(
    machine: &VirtualMachine,
    name: &str,
    image: &Path,
    params: Value,
    outputs: &[&str],
    cancel: impl Fn(&Told) -> bool + Send + Sync + 'static,
) -> Ran {
    let service = service(name);
    let params = object(params);
    let info = probe(image);
    let outputs: Vec<String> = outputs.iter().map(|&output| output.to_owned()).collect();
    check(name, &params, &outputs, &info).unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let (ask, asked) = watch::channel(false);
    let heard = Arc::clone(&told);
    let reporter = Reporter::new(move |what| {
        if cancel(&what) {
            ask.send_replace(true);
        }
        heard.lock().unwrap().push(what);
    });
    let folder = tempfile::tempdir().unwrap();
    let run = Run {
        machine: machine.clone(),
        options: JobOptions::default(),
        input: image.to_owned(),
        input_name: Some("scene <1>.tif".to_owned()),
        info,
        params,
        outputs,
        folder: Folder::new(folder.path().join("job")),
        reporter,
        cancelled: Cancelled::new(asked),
    };
    let result = service.run(run).await;
    let told = std::mem::take(&mut *told.lock().unwrap());
    Ran {
        result,
        told,
        folder,
    }
}

async fn run(name: &str, image: &Path, params: Value, outputs: &[&str]) -> Ran {
    let machine = machine().await;
    let ran = run_until(&machine, name, image, params, outputs, |_| false).await;
    machine.shutdown().await;
    ran
}
