//! What happened in a whole campaign.

use std::ops::AddAssign;

/// What happened in a whole campaign.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) seeds: u64,
    pub(crate) jobs: u64,
    pub(crate) kills: u64,
    pub(crate) lost: u64,
    pub(crate) repeated: u64,
    pub(crate) overtaken: u64,
    pub(crate) stale: u64,
    pub(crate) duplicates: u64,
    pub(crate) poisoned: u64,
    pub(crate) panicked: u64,
    /// Ended as poisoned because three processes were killed for other reasons while a tile ran there,
    /// the third time alone: what the job says is true, but the tile is not to blame.
    pub(crate) mistaken: u64,
    /// Ended because so many leaders were lost in one round that the program could be the cause.
    pub(crate) given_up: u64,
    pub(crate) virtual_seconds: f64,
}

impl AddAssign for Totals {
    fn add_assign(&mut self, of: Self) {
        self.seeds += of.seeds;
        self.jobs += of.jobs;
        self.kills += of.kills;
        self.lost += of.lost;
        self.repeated += of.repeated;
        self.overtaken += of.overtaken;
        self.stale += of.stale;
        self.duplicates += of.duplicates;
        self.poisoned += of.poisoned;
        self.panicked += of.panicked;
        self.mistaken += of.mistaken;
        self.given_up += of.given_up;
        self.virtual_seconds += of.virtual_seconds;
    }
}

impl Totals {
    /// A campaign without faults would prove nothing.
    pub(crate) fn assert_that_faults_happened(&self) {
        for (what, count) in [
            ("kills", self.kills),
            ("lost messages", self.lost),
            ("repeated messages", self.repeated),
            ("overtaken messages", self.overtaken),
            ("refused messages of the lost and the replaced", self.stale),
            ("dropped answers", self.duplicates),
            ("poison tiles", self.poisoned),
            ("panics", self.panicked),
        ] {
            assert!(count > 10, "only {count} {what}");
        }
        let (mistaken, jobs) = (self.mistaken, self.jobs);
        assert!(
            1000 * mistaken < jobs,
            "{mistaken} of {jobs} jobs blame an innocent tile"
        );
        let given_up = self.given_up;
        assert!(
            1000 * given_up < jobs,
            "{given_up} of {jobs} jobs lost too many leaders"
        );
    }
}
