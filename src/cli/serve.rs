//! `msvpu serve`: jobs over REST, and a dashboard.

use std::net::{SocketAddr, TcpListener};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use directories::ProjectDirs;
use msvpu::Limits;
use msvpu::raster::ReadLimits;
use msvpu::serving::{PictureReader, services};
use msvpu_web::security::Tokens;
use msvpu_web::server::{self, Server, ServerError};
use msvpu_web::{Engine, EngineConfig};

#[cfg(feature = "amqp")]
use super::broker::ClusterArgs;
use super::connection;
use super::failure::Failure;
use super::machine::{self, Wanted};
use super::on_runtime::on_a_runtime;
use super::stdout::{complain, print};
use super::stops::Stops;
use super::values::{self, ByteSize};

const HELP: &str = "\
Examples:
  msvpu serve                                       # http://127.0.0.1:8080, for this machine only
  msvpu token ann --token-file tokens               # makes a token, prints it once
  msvpu serve --listen 0.0.0.0:8080 --token-file tokens --allowed-host scenes.example
  MSVPU_BROKER=amqp://user:password@host msvpu serve   # the head of a cluster

The first line on standard output is `listening on http://…`. Over HTTPS: put it behind a proxy that ends TLS.
With a broker it listens before the broker is there, and while that is away: jobs are refused meanwhile (503), and
/readyz says why. Only a broker that refuses it at the start, or that --connect-timeout is too long for, ends it.
SIGTERM or Ctrl-C ends it; jobs that have not ended run again from the start when it is back. A second one does not
wait for what is under way.

Exit status:
  0    told to end
  1    a failure at run time
  2    bad arguments, such as a directory that another server has, or a broker that refuses the password
  130  told to end twice";

const DAY: Duration = Duration::from_secs(24 * 3600);
// One number bounds a picture and all that run together.
const _: () =
    assert!(EngineConfig::DEFAULT_MAX_DECODED_BYTES == ReadLimits::DEFAULT_MAX_DECODED_BYTES);

/// A default, which is never 0.
const fn some(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

/// Serve jobs over REST, with a dashboard at /, the API at /docs and /openapi.json.
///
/// Without options everything is in this process, for this machine alone, with nothing to install.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct ServeArgs {
    /// Where to listen; port 0 takes a free one. Other machines can only come where there are tokens.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// Where jobs are kept; it is made if need be [default: msvpu in the platform's directory for data].
    #[arg(long, value_name = "DIR", env = "MSVPU_DATA")]
    data: Option<PathBuf>,

    /// Who may ask: lines name:scope:sha256, made by `msvpu token`.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,

    /// A name under which the server is known, with or without a port, beside those of this machine; may be repeated.
    #[arg(long = "allowed-host", value_name = "HOST")]
    allowed_hosts: Vec<String>,

    /// The longest file that may be handed in.
    #[arg(
        long,
        value_name = "SIZE",
        allow_hyphen_values = true,
        default_value_t = ByteSize(EngineConfig::DEFAULT_MAX_UPLOAD_BYTES)
    )]
    max_upload_bytes: ByteSize,

    /// The most bytes that a decoded image may take, and those of all running jobs together.
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true,
          default_value_t = ByteSize(EngineConfig::DEFAULT_MAX_DECODED_BYTES))]
    max_decoded_bytes: ByteSize,

    /// How many jobs may wait; one more is refused. Nobody's token may have more of them than there are places left.
    #[arg(long, value_name = "N", default_value_t = some(EngineConfig::DEFAULT_MAX_QUEUED_JOBS),
          allow_hyphen_values = true, value_parser = values::from_one)]
    max_queued_jobs: NonZeroU32,

    /// How many jobs run at once.
    #[arg(long, value_name = "N", default_value_t = some(EngineConfig::DEFAULT_MAX_RUNNING_JOBS),
          allow_hyphen_values = true, value_parser = values::from_one)]
    max_running_jobs: NonZeroU32,

    /// A job has failed when it ran in so many crashes of the server.
    #[arg(long, value_name = "N", default_value_t = some(EngineConfig::DEFAULT_MAX_CRASHES),
          allow_hyphen_values = true, value_parser = values::from_one)]
    max_crashes: NonZeroU32,

    /// For how many days ended jobs, and files that no job needs, are kept.
    #[arg(long, value_name = "DAYS", default_value_t = EngineConfig::DEFAULT_RETENTION_DAYS,
          allow_hyphen_values = true, value_parser = values::days)]
    retention_days: u32,

    /// What all that is kept may take; the oldest goes first.
    #[arg(
        long,
        value_name = "SIZE",
        allow_hyphen_values = true,
        default_value_t = ByteSize(EngineConfig::DEFAULT_RETENTION_BYTES)
    )]
    retention_bytes: ByteSize,

    /// How many CPUs to use [default: all that this process may use, by affinity and cgroup].
    #[arg(long, short = 'j', value_name = "N", allow_hyphen_values = true,
          value_parser = values::workers)]
    workers: Option<NonZeroUsize>,

    #[cfg(feature = "amqp")]
    #[command(flatten)]
    cluster: ClusterArgs,

    /// Say nothing on standard error but what goes wrong.
    #[arg(long, short)]
    quiet: bool,
}

/// Serves until it is told to end.
pub(crate) fn serve(args: ServeArgs) -> Result<(), Failure> {
    on_a_runtime(args.workers, |workers| steps(args, workers))
}

async fn steps(args: ServeArgs, workers: usize) -> Result<(), Failure> {
    let mut stops = Stops::listen()?;
    // Everything that can be wrong with the arguments, before anything starts.
    let tokens = match &args.token_file {
        Some(file) => Tokens::read(file)
            .map_err(|error| Failure::input(format_args!("--token-file: {error}")))?,
        None => Tokens::none(),
    };
    let config = args.config()?;
    server::check(args.listen, &tokens, &args.allowed_hosts).map_err(refused)?;
    let listener = TcpListener::bind(args.listen)
        .map_err(|error| Failure::input(format_args!("--listen {}: {error}", args.listen)))?;
    let limits = ReadLimits {
        max_decoded_bytes: args.max_decoded_bytes.0,
    };
    let wanted = Wanted {
        workers,
        limits: Limits {
            max_running_jobs: args.max_running_jobs.get() as usize,
            ..Limits::default()
        },
        #[cfg(feature = "amqp")]
        cluster: args.cluster,
    };
    // What there is can be looked at, and be fetched, before there is a broker.
    let machine = machine::begin(&wanted).await?;
    let data = config.data.display().to_string();
    let reader = Arc::new(PictureReader::new(limits));
    let engine = Engine::open(config, machine.clone(), services(limits), reader)
        .await
        .map_err(|error| Failure::input(format_args!("--data: {error}")))?;
    let server = Server::new(listener, engine.clone())
        .tokens(tokens)
        .allowed_hosts(args.allowed_hosts)
        .start()
        .map_err(refused)?;
    print(&format!("listening on http://{}\n", server.address()))?;
    if !args.quiet {
        complain(&format!("jobs are kept in {data}; SIGTERM or Ctrl-C ends"));
    }
    let given_up = tokio::select! {
        () = stops.next() => Ok(()),
        failure = connection::watch(&machine, args.quiet) => Err(failure),
        reason = engine.broken() => Err(Failure::runtime(format_args!(
            "{reason}; what was accepted runs when the server is started again"
        ))),
    };
    let ending = async {
        let ended = server.shutdown().await.map_err(Failure::runtime);
        engine.close().await;
        machine.shutdown().await;
        given_up.and(ended)
    };
    tokio::select! {
        ended = ending => ended,
        () = stops.next() => Err(Failure::Interrupted),
    }
}

impl ServeArgs {
    fn config(&self) -> Result<EngineConfig, Failure> {
        let data = match &self.data {
            Some(data) => data.clone(),
            None => ProjectDirs::from("", "", "msvpu")
                .map(|directories| directories.data_dir().to_owned())
                .ok_or_else(|| {
                    Failure::input("this user has no directory for data; take --data DIR")
                })?,
        };
        Ok(EngineConfig {
            max_upload_bytes: self.max_upload_bytes.0,
            max_queued_jobs: self.max_queued_jobs.get() as usize,
            max_running_jobs: self.max_running_jobs.get() as usize,
            max_crashes: self.max_crashes.get(),
            max_decoded_bytes: self.max_decoded_bytes.0,
            retention_age: DAY * self.retention_days,
            retention_bytes: self.retention_bytes.0,
            ..EngineConfig::new(data)
        })
    }
}

fn refused(error: ServerError) -> Failure {
    match error {
        ServerError::NoTokens(_) | ServerError::Host(_) => Failure::input(error),
        ServerError::Io(_) | ServerError::Document(_) => Failure::runtime(error),
    }
}
