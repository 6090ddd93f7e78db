//! The tables of parameters. The defaults are not written here: they are asked of the program.

use super::kind::ParameterKind::{self, Boolean, Centers, Choice, Integer, Number, Tiling, Words};
use crate::services::classification::{FuzzyCMeans, MAX_CLASSES};

/// A parameter: its key, what forms call it, what values it takes, what it means in one line.
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
        doc: "where the class centers begin",
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
                        "how many classes; their first centers are found in the scene",
                    ),
                    row(
                        "init",
                        "How they are found",
                        Choice(&["linear", "random", "kmeans++"]),
                        "how the first centers are found",
                    ),
                    row(
                        "seed",
                        "Seed",
                        Integer {
                            from: 0,
                            to: u64::MAX,
                        },
                        "what random and kmeans++ depend on",
                    ),
                ],
            },
            Way {
                title: "Given",
                rows: &[row(
                    "centers",
                    "Centers",
                    Centers,
                    "the first centers, one value a band each; instead of the three above",
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
        "stop when the change that stop_on names is below this",
    ),
    one(
        "stop_on",
        "Stop on",
        Choice(&["objective", "center-sum", "center-shift"]),
        "which change from one iteration to the next is compared with epsilon",
    ),
    one(
        "max_iterations",
        "Most iterations",
        FROM_ONE,
        "stop after this many iterations at the latest",
    ),
    one(
        "tiles",
        "Tiles",
        Tiling,
        "how the scene is cut, one MsVPU a tile; null: chosen from its shape",
    ),
    one(
        "nodata",
        "No data",
        Number {
            above: None,
            to: None,
        },
        "pixels whose every band has this value belong to no class; null: what the file says, or none",
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
        "the exponent m of the memberships",
    ),
    one(
        "memberships",
        "Memberships",
        Boolean,
        "whether the result holds a picture of the memberships in each class",
    ),
];

pub(super) const PAIRWISE: &[Entry] = &[
    one(
        "tiles",
        "Tiles",
        Tiling,
        "how the scene is cut, one MsVPU a tile; null: chosen from its shape and sampling",
    ),
    one(
        "sampling",
        "Sampling",
        FROM_ONE,
        "compare every so many pixels of a tile one",
    ),
    one(
        "rounds",
        "Rounds",
        FROM_ONE,
        "how often the sums are asked for, and computed anew",
    ),
    one(
        "nodata",
        "No data",
        Number {
            above: None,
            to: None,
        },
        "pixels whose every band has this value are not compared; null: what the file says, or none",
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
