//! Which broker a command uses, and how it proves to it who it is.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;
use std::{fmt, fs};

use clap::Args;
use clap::builder::PossibleValuesParser;
use msvpu::{BrokerError, StartError, Tls, VirtualMachine};

use super::failure::Failure;
use super::first_line::first_line;
use super::values::Seconds;

/// What is taken as it stands, and never shown.
#[derive(Clone)]
pub(crate) struct Secret(pub(crate) String);

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// The options of commands that need a broker.
#[derive(Clone, Debug, Args)]
#[group(skip)]
pub(crate) struct BrokerArgs {
    /// The RabbitMQ that joins the processes: amqp://user:password@host:5672/vhost, or amqps://. Others see
    /// what stands in a command line: rather set the variable, or take --broker-file.
    #[arg(long, value_name = "URL", env = "MSVPU_BROKER", hide_env_values = true)]
    pub(crate) broker: Option<Secret>,

    /// A file whose first line is the URL.
    #[arg(
        long,
        value_name = "FILE",
        env = "MSVPU_BROKER_FILE",
        conflicts_with = "broker"
    )]
    pub(crate) broker_file: Option<PathBuf>,

    /// The virtual machine, of which a broker may serve several: letters, digits, - and _.
    #[arg(long, value_name = "NAME", env = "MSVPU_VM", default_value = "default")]
    pub(crate) vm: String,

    /// Give up when the broker is not there after so long [default: wait as long as it takes].
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    pub(crate) connect_timeout: Option<Seconds>,

    /// Who signs the broker's certificate, in PEM, besides whom the system trusts.
    #[arg(long, value_name = "FILE", env = "MSVPU_TLS_CA")]
    pub(crate) tls_ca: Option<PathBuf>,

    /// The certificate to show to the broker, in PEM; needs --tls-key.
    #[arg(
        long,
        value_name = "FILE",
        env = "MSVPU_TLS_CERT",
        requires = "tls_key"
    )]
    pub(crate) tls_cert: Option<PathBuf>,

    /// The private key of --tls-cert (PKCS #8, PEM).
    #[arg(
        long,
        value_name = "FILE",
        env = "MSVPU_TLS_KEY",
        requires = "tls_cert"
    )]
    pub(crate) tls_key: Option<PathBuf>,
}

/// The options of commands that can be the head of a cluster.
#[derive(Clone, Debug, Args)]
#[group(skip)]
#[command(next_help_heading = "On a cluster")]
pub(crate) struct ClusterArgs {
    #[command(flatten)]
    pub(crate) broker: BrokerArgs,

    /// How tiles are shared out between nodes.
    #[arg(
        long,
        value_name = "NAME",
        value_parser = PossibleValuesParser::new(VirtualMachine::strategies()),
        default_value = VirtualMachine::strategies()[0]
    )]
    pub(crate) strategy: String,

    /// Fail when there was no node for so long [default: wait as long as it takes].
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    pub(crate) node_timeout: Option<Seconds>,
}

/// A broker, as the options have it.
pub(crate) struct Access {
    pub(crate) url: String,
    pub(crate) vm: String,
    pub(crate) tls: Tls,
    pub(crate) connect_timeout: Option<Duration>,
}

impl BrokerArgs {
    /// The broker that was named, if one was.
    pub(crate) fn access(&self) -> Result<Option<Access>, Failure> {
        let url = match (&self.broker, &self.broker_file) {
            // That of an unset variable of a script is no wish to have none.
            (Some(url), _) if url.0.is_empty() => {
                return Err(Failure::input(
                    "the broker's URL is empty; to do without one, leave --broker out and unset MSVPU_BROKER",
                ));
            }
            (Some(url), _) => url.0.clone(),
            (None, Some(file)) => first_line(file, "a broker's URL")?,
            (None, None) => return Ok(None),
        };
        let authorities = self.tls_ca.as_deref().map(text).transpose()?;
        let identity = match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => Some((bytes(certificate)?, bytes(key)?)),
            _ => None,
        };
        Ok(Some(Access {
            url: url.trim().to_owned(),
            vm: self.vm.clone(),
            tls: Tls {
                authorities,
                identity,
            },
            connect_timeout: self.connect_timeout.map(|timeout| timeout.0),
        }))
    }

    /// The broker, where there must be one.
    pub(crate) fn required(&self) -> Result<Access, Failure> {
        self.access()?.ok_or_else(|| {
            Failure::input(
                "which broker? Take --broker URL or --broker-file FILE, or set MSVPU_BROKER",
            )
        })
    }
}

/// What cannot be mended by waiting is the arguments' fault.
pub(crate) fn failure(error: StartError) -> Failure {
    match &error {
        StartError::Broker(
            BrokerError::Url(_)
            | BrokerError::Name(_)
            | BrokerError::Refused { .. }
            | BrokerError::VirtualHost { .. }
            | BrokerError::Permission { .. }
            | BrokerError::Tls { .. },
        )
        | StartError::Strategy(_) => Failure::input(error),
        _ => Failure::runtime(error),
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path)
        .map_err(|error| Failure::input(format_args!("cannot read {}: {error}", path.display())))
}

fn text(path: &Path) -> Result<String, Failure> {
    String::from_utf8(bytes(path)?)
        .map_err(|_| Failure::input(format_args!("{}: not PEM, which is text", path.display())))
}
