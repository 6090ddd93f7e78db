//! Which of the two algorithms a step computes.

/// The algorithm of a step, with what only it is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Method {
    /// c-means: a pixel belongs to the class of the nearest center.
    Hard,
    /// Fuzzy c-means: a pixel belongs to every class, in part.
    Fuzzy {
        /// The exponent `m`, above 1.
        fuzzifier: f64,
        /// Whether the result holds the memberships.
        memberships: bool,
    },
}
