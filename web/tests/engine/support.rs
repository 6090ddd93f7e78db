//! An engine on a directory of its own, and what is asked of it.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use msvpu_actors::{Priority, VirtualMachine};
use msvpu_web::engine::{
    After, Caller, Content, EngineConfig, EngineError, IdempotencyKey, OpenError,
};
use msvpu_web::model::{Event, InputInfo, Job, NewJob, Upload};
use msvpu_web::service::{InputReader, ProbeError};
use msvpu_web::{Engine, Services};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::script::{Script, script};

/// A file that begins with `P` and the number of bytes that it takes when it is decoded.
pub(crate) struct Heads;

impl InputReader for Heads {
    fn probe(&self, path: &Path) -> Result<InputInfo, ProbeError> {
        let text = fs::read_to_string(path).map_err(|error| ProbeError::Io(error.to_string()))?;
        let number = text
            .strip_prefix('P')
            .ok_or_else(|| ProbeError::Unsupported("it does not begin with P".to_owned()))?;
        let number = number.split_whitespace().next().unwrap_or_default();
        let decoded_bytes = number
            .parse()
            .map_err(|_| ProbeError::Invalid(format!("`{number}` is no number")))?;
        Ok(InputInfo {
            format: "p".to_owned(),
            width: 1,
            height: 1,
            bands: 1,
            decoded_bytes,
        })
    }
}

/// What is in an artifact.
pub(crate) fn read(content: Content) -> Vec<u8> {
    match content {
        Content::Bytes(bytes) => bytes.to_vec(),
        Content::File(path) => fs::read(path).unwrap(),
    }
}

/// An engine, and what it stands on.
pub(crate) struct Bench {
    pub(crate) engine: Engine,
    pub(crate) script: Script,
    pub(crate) begins: mpsc::UnboundedReceiver<String>,
    pub(crate) folder: Arc<TempDir>,
}

pub(crate) fn config(folder: &Path) -> EngineConfig {
    EngineConfig {
        max_decoded_bytes: 1 << 30,
        ..EngineConfig::new(folder)
    }
}

pub(crate) async fn open_with(
    config: EngineConfig,
) -> Result<(Engine, Script, mpsc::UnboundedReceiver<String>), OpenError> {
    let machine = VirtualMachine::local().workers(1).start().await.unwrap();
    let (script, begins) = script();
    let services = Services::default().with(script.clone());
    let engine = Engine::open(config, machine, services, Arc::new(Heads)).await?;
    Ok((engine, script, begins))
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::on(Arc::new(TempDir::new().unwrap()), |_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut EngineConfig)) -> Self {
        Self::on(Arc::new(TempDir::new().unwrap()), change).await
    }

    /// On a directory that may have been used before.
    pub(crate) async fn on(folder: Arc<TempDir>, change: impl FnOnce(&mut EngineConfig)) -> Self {
        let mut config = config(folder.path());
        change(&mut config);
        let (engine, script, begins) = open_with(config).await.unwrap();
        Self {
            engine,
            script,
            begins,
            folder,
        }
    }

    pub(crate) fn release(&self) {
        self.script.gate.send_replace(true);
    }

    pub(crate) async fn upload(&self, name: &str, decoded_bytes: u64) -> Upload {
        upload(&self.engine, &nobody(), name, decoded_bytes)
            .await
            .unwrap()
    }

    /// Submits a job with an upload of its own.
    pub(crate) async fn submit(&self, name: &str, params: Value) -> Job {
        let upload = self.upload(name, 1).await;
        let job = new_job(upload.id, params);
        self.engine.submit(&nobody(), job, None).await.unwrap().0
    }

    pub(crate) async fn take(
        &self,
        job: NewJob,
        key: Option<IdempotencyKey>,
    ) -> Result<(Job, bool), EngineError> {
        self.engine.submit(&nobody(), job, key).await
    }

    pub(crate) async fn ended(&self, id: Uuid) -> Job {
        ended(&self.engine, id).await
    }

    pub(crate) async fn events(&self, id: Uuid, after: impl Into<After>) -> Vec<Event> {
        let events = self.engine.events(&nobody(), id, after).await.unwrap();
        events.collect().await
    }
}

pub(crate) async fn ended(engine: &Engine, id: Uuid) -> Job {
    let job = engine
        .job_after(&admin(), id, None, Duration::from_secs(60))
        .await
        .unwrap();
    assert!(job.state.is_terminal(), "{job:?}");
    job
}

pub(crate) async fn upload(
    engine: &Engine,
    caller: &Caller,
    name: &str,
    decoded_bytes: u64,
) -> Result<Upload, EngineError> {
    let name = Some(name.to_owned());
    let mut writer = engine.begin_upload(caller, name, None).await?;
    writer
        .write(Bytes::from(format!("P{decoded_bytes} ")))
        .await?;
    writer
        .write(Bytes::from_static(b"and what follows"))
        .await?;
    writer.finish().await
}

pub(crate) fn nobody() -> Caller {
    Caller {
        name: None,
        admin: false,
    }
}

pub(crate) fn named(name: &str) -> Caller {
    Caller {
        name: Some(name.to_owned()),
        admin: false,
    }
}

pub(crate) fn admin() -> Caller {
    Caller {
        name: Some("root".to_owned()),
        admin: true,
    }
}

pub(crate) fn new_job(upload_id: Uuid, params: Value) -> NewJob {
    let Value::Object(params) = params else {
        panic!("parameters are an object");
    };
    NewJob {
        service: "script".to_owned(),
        upload_id,
        params,
        outputs: None,
        metadata: std::collections::BTreeMap::default(),
        priority: Priority::Normal,
    }
}

pub(crate) fn key(key: &str, digest: &str) -> IdempotencyKey {
    IdempotencyKey {
        key: key.to_owned(),
        digest: digest.to_owned(),
    }
}

/// Whether ids are 1, 2, 3 … from `first` on.
pub(crate) fn is_gapless(events: &[Event], first: u64) -> bool {
    events
        .iter()
        .map(|event| event.id)
        .eq((first..).take(events.len()))
}
