//! The tables of parameters. The defaults are not written here: they are asked of the program.

use super::kind::ParameterKind::{self, Boolean, Centers, Choice, Integer, Number, Tiling, Words};
use crate::services::classification::{FuzzyCMeans, MAX_CLASSES};

/// A parameter: its key, what forms call it, what values it takes, what it means in one line. Forms show that line to
/// people who know no keys and no JSON.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) kind: ParameterKind,
    pub(super) doc: &'static str,
}

/// One parameter, or an object that can be written in several ways.
pub(super) enum Entry {
    One(Row),
    OneOf {
        name: &'static str,
        title: &'static str,
        doc: &'static str,
        ways: &'static [Way],
    },
}

/// A way to write an object: its first parameter has to be there, the others may.
pub(super) struct Way {
    pub(super) title: &'static str,
    pub(super) rows: &'static [Row],
}

const fn row(
    name: &'static str,
    title: &'static str,
    kind: ParameterKind,
    doc: &'static str,
) -> Row {
    Row {
        name,
        title,
        kind,
        doc,
    }
}

const fn one(
    name: &'static str,
    title: &'static str,
    kind: ParameterKind,
    doc: &'static str,
) -> Entry {
    Entry::One(row(name, title, kind, doc))
}

/// A count of 32 bits.
const FROM_ONE: ParameterKind = Integer {
    from: 1,
    to: u32::MAX as u64,
};

pub(super) const SETTINGS: &[Entry] = &[
    Entry::OneOf {
        name: "start",
        title: "First centers",
        doc: "how many classes to look for, and where their centers begin",
        ways: &[
            Way {
                title: "Found in the scene",
                rows: &[
                    row(
                        "classes",
                        "Classes",
                        Integer {
                            from: 1,
                            to: MAX_CLASSES as u64,
                        },
                        "how many classes the pixels are divided into",
                    ),
                    row(
                        "init",
                        "How they are found",
                        Choice(&["linear", "random", "kmeans++"]),
                        "where the centers begin: linear spreads them evenly between the least and the greatest value, random takes pixels by \
                         chance, kmeans++ takes pixels by chance that lie far apart",
                    ),
                    row(
                        "seed",
                        "Seed",
                        Integer {
                            from: 0,
                            to: u64::MAX,
                        },
                        "the number that chance begins with: with the same one the same pixels are taken; linear needs none",
                    ),
                ],
            },
            Way {
                title: "Given",
                rows: &[row(
                    "centers",
                    "Centers",
                    Centers,
                    "a center for each class, with one value for each band, in place of a number of classes",
                )],
            },
        ],
    },
    one(
        "epsilon",
        "Epsilon",
        Number {
            above: Some(0.0),
            to: None,
        },
        "the iterations end when the change to stop on is smaller than this: smaller values are more exact and take longer",
    ),
    one(
        "stop_on",
        "Stop on",
        Choice(&["objective", "center-sum", "center-shift"]),
        "what has to change by less than epsilon from one iteration to the next: the objective (all distances summed up), the \
         sum of the centers, or the center that moves farthest",
    ),
    one(
        "max_iterations",
        "Most iterations",
        FROM_ONE,
        "the iterations end after so many at the latest; the result then says that it has not converged",
    ),
    one(
        "tiles",
        "Tiles",
        Tiling,
        "how the scene is cut into pieces that are computed side by side; if left out, chosen by its size",
    ),
    one(
        "nodata",
        "No data",
        Number {
            above: None,
            to: None,
        },
        "pixels that have this value in every band belong to no class; if left out, what the file says, or none",
    ),
];

pub(super) const FUZZY: &[Entry] = &[
    one(
        "fuzzifier",
        "Fuzzifier",
        Number {
            above: Some(1.0),
            to: Some(FuzzyCMeans::MAX_FUZZIFIER),
        },
        "how much the classes overlap: close to 1 hardly at all, 2 is usual, and more blurs them",
    ),
    one(
        "memberships",
        "Memberships",
        Boolean,
        "whether there is also a picture for each class of how much each pixel belongs to it",
    ),
];

pub(super) const PAIRWISE: &[Entry] = &[
    one(
        "tiles",
        "Tiles",
        Tiling,
        "how the scene is cut into pieces, within which pixels are compared; if left out, chosen by its size and the sampling",
    ),
    one(
        "sampling",
        "Sampling",
        FROM_ONE,
        "1 compares all pixels of a tile, 2 every second one, and so on",
    ),
    one(
        "rounds",
        "Rounds",
        FROM_ONE,
        "how often everything is computed anew; the result is the same, the work more",
    ),
    one(
        "nodata",
        "No data",
        Number {
            above: None,
            to: None,
        },
        "pixels that have this value in every band are not compared; if left out, what the file says, or none",
    ),
];

pub(super) const SALT: &str = "salt";

pub(super) const PASSWORD_HASH: &[Entry] = &[
    one(
        SALT,
        "Salt",
        Words("text of 8 to 1024 bytes"),
        "what the salts are made from; to be given. For demonstration: real salts are random",
    ),
    one(
        "memory_kib",
        "Memory",
        Words("integer, 8 a lane to 1048576"),
        "the memory that one password takes",
    ),
    one(
        "iterations",
        "Iterations",
        FROM_ONE,
        "passes over that memory; memory_kib x iterations is 4194304 at most",
    ),
    one(
        "parallelism",
        "Lanes",
        Integer { from: 1, to: 255 },
        "lanes",
    ),
    one(
        "chunk",
        "Chunk",
        FROM_ONE,
        "passwords of a tile; null: 1, or as many as make 1024 tiles",
    ),
];
