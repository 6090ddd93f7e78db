//! What the command line takes.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use msvpu::raster::ReadLimits;
use msvpu::{Centers, Init, Settings, StopRule, Tiling};

#[cfg(feature = "amqp")]
use super::broker::{BrokerArgs, ClusterArgs};
use super::jobs::JobsArgs;
use super::remote::TokenArgs;
use super::serve::ServeArgs;
use super::token::NewTokenArgs;
use super::values::{self, ByteSize, Seconds};

/// A massively distributed virtual machine: classify large satellite images with teams of actors.
#[derive(Debug, Parser)]
#[command(name = "msvpu", version, propagate_version = false)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Classify the pixels of an image.
    Classify(Box<ClassifyArgs>),
    /// Compare all pairs of the pixels of each tile: a load of O(x²).
    Pairwise(Box<PairwiseArgs>),
    /// Run MsVPUs for the head of a cluster, until told to leave.
    #[cfg(feature = "amqp")]
    Node(NodeArgs),
    /// List the nodes of a cluster.
    #[cfg(feature = "amqp")]
    Nodes(NodesArgs),
    /// Serve jobs over REST, with a dashboard.
    Serve(Box<ServeArgs>),
    /// Look at the jobs of a server, and end them.
    Jobs(JobsArgs),
    /// Make a token for the users of a server.
    Token(NewTokenArgs),
    /// Simulate a cluster, its jobs and its faults, in virtual time.
    Simulate(Box<SimulateArgs>),
    /// List what can be run, with parameters and defaults.
    Services(ServicesArgs),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

const EXIT_STATUSES: &str = "\
Exit status:
  0    success
  1    failure at run time
  2    bad arguments or input
  130  cancelled by Ctrl-C";

#[derive(Debug, Args)]
pub(crate) struct ServicesArgs {
    /// Print one JSON document instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(feature = "amqp")]
const NODE_HELP: &str = "\
Examples:
  msvpu node --broker amqp://user:password@host:5672/%2f
  MSVPU_BROKER=amqps://user:password@host msvpu node --name rack-4 --cpus 8 --drain-timeout 120

SIGTERM or Ctrl-C lets the node hand back its tiles, or finish them where there is no other node, and leave;
a second one, or the end of --drain-timeout, ends it at once: others compute again what it had.

Exit status:
  0    the node has left
  1    there is no connection to the broker, or the node was not done in time
  2    bad arguments, or a broker that refuses them";

/// Run MsVPUs for the head of a cluster: a `msvpu classify --broker`, or a service that embeds the machine.
///
/// The node may be started before the head, and before the broker. It serves one head after the other.
#[cfg(feature = "amqp")]
#[derive(Debug, Args)]
#[command(after_help = NODE_HELP)]
pub(crate) struct NodeArgs {
    #[command(flatten)]
    pub(crate) broker: BrokerArgs,

    /// What people call the node [default: the host's name and the process's number].
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// How many steps it computes at once [default: the CPUs that this process may use].
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = values::workers)]
    pub(crate) cpus: Option<NonZeroUsize>,

    /// How long a node that is told to leave may take.
    #[arg(
        long,
        value_name = "SECONDS",
        allow_hyphen_values = true,
        default_value = "30"
    )]
    pub(crate) drain_timeout: Seconds,

    /// Say nothing on standard error but what goes wrong.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// List the nodes of a cluster: as its head knows them, or those that wait for a head.
#[cfg(feature = "amqp")]
#[derive(Debug, Args)]
#[command(after_help = NODES_HELP)]
pub(crate) struct NodesArgs {
    #[command(flatten)]
    pub(crate) broker: BrokerArgs,

    /// Print one JSON document instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(feature = "amqp")]
const NODES_HELP: &str = "\
Exit status:
  0    success
  1    the broker cannot be reached
  2    bad arguments, or a broker that refuses them";

const SIMULATE_HELP: &str = "\
Examples:
  msvpu simulate examples/specs/table3.toml
  msvpu simulate examples/specs/node-loss.toml --seed 8 --output out
  msvpu simulate examples/specs/straggler.toml --json | jq .makespan_s

Exit status:
  0    every job has succeeded, or failed by a fault of the spec
  1    a job has failed otherwise, or has not ended; what there is is printed and written
  2    bad arguments, or an error in the spec (file:line:column)
  130  cancelled by Ctrl-C";

/// Simulate a cluster on this machine: uneven nodes, jobs and faults as a spec has them, in virtual time.
///
/// The machine is the real one: proxy, balancer, monitors, supervisors, leaders and MsVPUs. Only CPUs, links
/// and the clock are simulated, so that hours pass in moments, and the same seed gives the same trace.
/// With compute = "cost" a step only takes its time; with compute = "real" the kernels of cmeans,
/// fuzzy-cmeans and pairwise run on a generated scene, cost what they say themselves, and every result
/// is compared, bit by bit, with that of the local deployment.
#[derive(Debug, Args)]
#[command(after_help = SIMULATE_HELP)]
pub(crate) struct SimulateArgs {
    /// The spec, in TOML; examples/specs has five to begin with.
    pub(crate) spec: PathBuf,

    /// What everything random is drawn from [default: what the spec says].
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = values::seed)]
    pub(crate) seed: Option<u64>,

    /// Stop when so much virtual time has passed [default: more than the slowest CPU would need for all jobs].
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    pub(crate) limit: Option<Seconds>,

    /// Write simulation.json, nodes.csv, jobs.csv, teams.csv and simulation.svg into this directory; it is
    /// made if need be. Such files of an earlier run are replaced.
    #[arg(long, short, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,

    /// Print the report as one JSON document instead of the summary.
    #[arg(long)]
    pub(crate) json: bool,

    /// No progress and no summary; --json still prints its document.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// Compare all pairs of the pixels of each tile: a load that grows with the square of a tile's size.
///
/// Prints the mean absolute difference of each tile and of all; of several bands the mean is compared.
#[derive(Debug, Args)]
#[command(after_help = EXIT_STATUSES)]
pub(crate) struct PairwiseArgs {
    /// PNG, JPEG, TIFF, GeoTIFF or PNM; 8 or 16 bit, or float.
    pub(crate) image: PathBuf,

    /// How the image is cut; one MsVPU owns each tile [default: chosen from its shape and --sampling].
    #[arg(long, value_name = "ROWSxCOLUMNS", allow_hyphen_values = true)]
    pub(crate) tiles: Option<Tiling>,

    /// Compare every Nth pixel of a tile only.
    #[arg(long, value_name = "N", value_parser = values::from_one, allow_hyphen_values = true,
          default_value = "1")]
    pub(crate) sampling: NonZeroU32,

    /// How often all pairs are computed.
    #[arg(long, value_name = "N", value_parser = values::from_one, allow_hyphen_values = true,
          default_value = "1")]
    pub(crate) rounds: NonZeroU32,

    /// Pixels whose every band has this value are not compared [default: what the image says].
    #[arg(long, value_name = "V", value_parser = values::nodata, allow_hyphen_values = true)]
    pub(crate) nodata: Option<f64>,

    /// How many CPUs to use [default: all that this process may use, by affinity and cgroup].
    #[arg(long, short = 'j', value_name = "N", allow_hyphen_values = true,
          value_parser = values::workers)]
    pub(crate) workers: Option<NonZeroUsize>,

    #[cfg(feature = "amqp")]
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,

    /// The most bytes that the decoded image may take, such as 4GiB.
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true,
          default_value_t = ByteSize(ReadLimits::DEFAULT_MAX_DECODED_BYTES))]
    pub(crate) max_decoded_bytes: ByteSize,

    /// Print the report as one JSON document instead of the summary.
    #[arg(long)]
    pub(crate) json: bool,

    /// No progress bar and no summary; --json still prints its document.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// Classify the pixels of an image: c-means or fuzzy c-means.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("begin").required(true).args(["classes", "centers"])))]
#[command(after_help = EXIT_STATUSES)]
pub(crate) struct ClassifyArgs {
    /// PNG, JPEG, TIFF, GeoTIFF or PNM; 8 or 16 bit, or float.
    pub(crate) image: PathBuf,

    /// Which program runs.
    #[arg(long, short, value_enum, default_value_t = Algorithm::CMeans)]
    pub(crate) algorithm: Algorithm,

    /// How many classes; their first centers are found in the image (--init).
    #[arg(long, short = 'k', value_name = "K", value_parser = values::classes, allow_hyphen_values = true)]
    pub(crate) classes: Option<u32>,

    /// The first centers: 1.2,2.5,3.8 for one band, R,G,B;R,G,B;… for several.
    #[arg(long, value_name = "CENTERS", value_parser = values::centers, allow_hyphen_values = true)]
    pub(crate) centers: Option<Centers>,

    /// How the first centers are found [default: linear].
    #[arg(long, value_parser = init(), conflicts_with = "centers")]
    pub(crate) init: Option<Init>,

    /// What random and kmeans++ depend on [default: 0].
    #[arg(long, value_name = "N", conflicts_with = "centers", allow_hyphen_values = true,
          value_parser = values::seed)]
    pub(crate) seed: Option<u64>,

    /// How fuzzy the classes are, greater than 1 and at most 20; fuzzy-cmeans only [default: 2].
    #[arg(long, value_name = "M", value_parser = values::fuzzifier, allow_hyphen_values = true)]
    pub(crate) fuzzifier: Option<f64>,

    /// Stop when the change that --stop-on names is below this.
    #[arg(long, value_name = "E", value_parser = values::epsilon, allow_hyphen_values = true,
          default_value_t = Settings::DEFAULT_EPSILON)]
    pub(crate) epsilon: f64,

    /// Which change from one iteration to the next is compared with --epsilon.
    #[arg(long, value_name = "RULE", value_parser = stop_rule(), default_value_t = StopRule::default())]
    pub(crate) stop_on: StopRule,

    /// Stop after this many iterations at the latest.
    #[arg(long, value_name = "N", allow_hyphen_values = true,
          value_parser = values::max_iterations,
          default_value_t = Settings::DEFAULT_MAX_ITERATIONS)]
    pub(crate) max_iterations: u32,

    /// How the image is cut; one MsVPU owns each tile [default: chosen from the image's shape].
    #[arg(long, value_name = "ROWSxCOLUMNS", allow_hyphen_values = true)]
    pub(crate) tiles: Option<Tiling>,

    /// How many CPUs to use [default: all that this process may use, by affinity and cgroup].
    #[arg(long, short = 'j', value_name = "N", allow_hyphen_values = true,
          value_parser = values::workers)]
    pub(crate) workers: Option<NonZeroUsize>,

    /// Pixels whose every band has this value belong to no class [default: what the image says].
    #[arg(long, value_name = "V", value_parser = values::nodata, allow_hyphen_values = true)]
    pub(crate) nodata: Option<f64>,

    #[cfg(feature = "amqp")]
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,

    /// Let this server do it (`msvpu serve`), such as http://127.0.0.1:8080; Ctrl-C cancels the job there.
    #[arg(long, value_name = "URL", conflicts_with_all = ["workers", "max_decoded_bytes"])]
    pub(crate) server: Option<String>,

    #[command(flatten)]
    pub(crate) token: TokenArgs,

    /// The most bytes that the decoded image may take, such as 4GiB.
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true,
          default_value_t = ByteSize(ReadLimits::DEFAULT_MAX_DECODED_BYTES))]
    pub(crate) max_decoded_bytes: ByteSize,

    /// Write report.json, labels, masks and convergence.svg into this directory; it is made if need be.
    /// Such files of an earlier run are replaced or removed.
    #[arg(long, short, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,

    /// Also write membership_1.png to membership_K.png; fuzzy-cmeans only, needs --output.
    #[arg(long, requires = "output", conflicts_with = "no_images")]
    pub(crate) memberships: bool,

    /// Fit only: of the files only report.json is written.
    #[arg(long)]
    pub(crate) no_images: bool,

    /// Print the report as one JSON document instead of the summary.
    #[arg(long)]
    pub(crate) json: bool,

    /// No progress bar and no summary; --json still prints its document.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

impl ClassifyArgs {
    /// Whether the first centers are spread evenly over the values.
    pub(crate) fn starts_linear(&self) -> bool {
        self.centers.is_none() && self.init.unwrap_or_default() == Init::Linear
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Algorithm {
    /// Each pixel belongs to the class of the nearest center.
    #[value(name = "cmeans")]
    CMeans,
    /// Each pixel belongs to every class to a degree.
    #[value(name = "fuzzy-cmeans")]
    FuzzyCMeans,
}

fn init() -> impl TypedValueParser<Value = Init> {
    PossibleValuesParser::new([
        PossibleValue::new("linear").help("Spread evenly over the values of each band"),
        PossibleValue::new("random").help("Distinct pixels, drawn at random"),
        PossibleValue::new("kmeans++")
            .help("Pixels drawn far from each other (Arthur and Vassilvitskii 2007)"),
    ])
    .try_map(|text| text.parse::<Init>())
}

fn stop_rule() -> impl TypedValueParser<Value = StopRule> {
    PossibleValuesParser::new([
        PossibleValue::new("objective").help("Of the objective: |J - J before|, over all pixels"),
        PossibleValue::new("center-sum").help("Of the sum of all centers"),
        PossibleValue::new("center-shift").help("The farthest move of a center"),
    ])
    .try_map(|text| text.parse::<StopRule>())
}
