//! What the command line takes.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::values::{ByteSize, CentersValue, epsilon, fuzzifier, nodata};

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
    /// List what can be run, with parameters and defaults.
    Services(ServicesArgs),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ServicesArgs {
    /// Print one JSON document instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Classify the pixels of an image: c-means or fuzzy c-means.
///
/// Exit status: 0; 2 for bad arguments or input; 1 for a failure at run time; 130 after Ctrl-C.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("begin").required(true).args(["classes", "centers"])))]
pub(crate) struct ClassifyArgs {
    /// PNG, JPEG, TIFF, GeoTIFF or PNM; 8 or 16 bit, or float.
    pub(crate) image: PathBuf,

    /// Which program runs.
    #[arg(long, short, value_enum, default_value_t = Algorithm::CMeans)]
    pub(crate) algorithm: Algorithm,

    /// How many classes; their first centers are found in the image (--init).
    #[arg(long, short = 'k', value_name = "K", value_parser = super::values::classes, allow_hyphen_values = true)]
    pub(crate) classes: Option<u32>,

    /// The first centers: 1.2,2.5,3.8 for one band, R,G,B;R,G,B;… for several.
    #[arg(long, value_name = "CENTERS", allow_hyphen_values = true)]
    pub(crate) centers: Option<CentersValue>,

    /// How the first centers are found [default: linear].
    #[arg(long, value_enum, conflicts_with = "centers")]
    pub(crate) init: Option<InitArg>,

    /// What random and kmeans++ depend on [default: 0].
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "centers",
        allow_hyphen_values = true
    )]
    pub(crate) seed: Option<u64>,

    /// How fuzzy the classes are, greater than 1; fuzzy-cmeans only [default: 2].
    #[arg(long, value_name = "M", value_parser = fuzzifier, allow_hyphen_values = true)]
    pub(crate) fuzzifier: Option<f64>,

    /// Stop when the change that --stop-on names is below this.
    #[arg(long, value_name = "E", value_parser = epsilon, allow_hyphen_values = true,
          default_value_t = msvpu::Settings::DEFAULT_EPSILON)]
    pub(crate) epsilon: f64,

    /// Which change from one iteration to the next is compared with --epsilon.
    #[arg(long, value_enum, value_name = "RULE", default_value_t = StopOn::Objective)]
    pub(crate) stop_on: StopOn,

    /// Stop after this many iterations at the latest.
    #[arg(long, value_name = "N", allow_hyphen_values = true,
          value_parser = clap::value_parser!(u32).range(1..),
          default_value_t = msvpu::Settings::DEFAULT_MAX_ITERATIONS)]
    pub(crate) max_iterations: u32,

    /// How the image is cut; one MsVPU owns each tile [default: chosen from the image's shape].
    #[arg(long, value_name = "ROWSxCOLUMNS", allow_hyphen_values = true)]
    pub(crate) tiles: Option<msvpu::Tiling>,

    /// How many CPUs to use [default: all that this process may use].
    #[arg(long, short = 'j', value_name = "N", allow_hyphen_values = true,
          value_parser = super::values::workers)]
    pub(crate) workers: Option<NonZeroUsize>,

    /// Pixels whose every band has this value belong to no class [default: what the image says].
    #[arg(long, value_name = "V", value_parser = nodata, allow_hyphen_values = true)]
    pub(crate) nodata: Option<f64>,

    /// The most bytes that the decoded image may take, such as 4GiB.
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true,
          default_value_t = ByteSize(msvpu::raster::ReadLimits::DEFAULT_MAX_DECODED_BYTES))]
    pub(crate) max_decoded_bytes: ByteSize,

    /// Write report.json, labels, masks and convergence.svg into this directory; it is made if need be.
    #[arg(long, short, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,

    /// Also write membership_1.png to membership_K.png; fuzzy-cmeans only, needs --output.
    #[arg(long, requires = "output", conflicts_with = "no_images")]
    pub(crate) memberships: bool,

    /// Fit only: no labels are made, and of the files only report.json is written.
    #[arg(long)]
    pub(crate) no_images: bool,

    /// Print the report as one JSON document instead of the summary.
    #[arg(long)]
    pub(crate) json: bool,

    /// No progress bar and no summary; --json still prints its document.
    #[arg(long, short)]
    pub(crate) quiet: bool,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum InitArg {
    /// Spread evenly over the values of each band.
    Linear,
    /// Distinct pixels, drawn at random.
    Random,
    /// Pixels drawn far from each other (Arthur and Vassilvitskii 2007).
    #[value(name = "kmeans++")]
    KMeansPlusPlus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StopOn {
    /// Of the objective: |J − J before|.
    Objective,
    /// Of the sum of all centers.
    CenterSum,
    /// The farthest move of a center.
    CenterShift,
}
