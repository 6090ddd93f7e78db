//! What jobs are at, as their leaders say it.

use bytes::Bytes;

use super::Proxy;
use crate::core::record::Record;
use crate::id::{JobId, Round, TeamId};
use crate::job::{JobState, What};
use crate::message::{Address, LeaderMessage};

impl Proxy {
    /// The leader says what the job is at.
    pub(super) fn stands(&mut self, id: JobId, number: u64, state: JobState) {
        if let Some(job) = self.jobs.get_mut(&id)
            && number > job.told
        {
            job.told = number;
            self.write_state(id, state);
        }
    }

    /// Unless it is known.
    pub(super) fn write_state(&mut self, id: JobId, state: JobState) {
        if self.journals.get(id).is_some_and(|j| j.state() != state) {
            self.write(id, What::State(state));
        }
    }

    /// So many tiles have answered. Of a round that the proxy does not know to have begun nothing is
    /// written: its record comes again, and so does this.
    pub(super) fn progressed(&mut self, id: JobId, round: Round, answered: u32, team_size: u32) {
        if let Some(job) = self.jobs.get_mut(&id)
            && (round, answered) > job.answered
            && round == job.round()
        {
            job.answered = (round, answered);
            let tiles = What::Tiles {
                round,
                answered,
                team_size,
            };
            self.write(id, tiles);
        }
    }

    /// The leader says where it stands; it is told when that is safe.
    pub(super) fn commit(&mut self, team: TeamId, mut record: Record) {
        let here = self.host.link.origin().node;
        let Some(job) = self.jobs.get_mut(&team.job) else {
            return;
        };
        let (before, round, sequence) = (job.round(), record.round, record.sequence);
        // A record that was overtaken tells nothing new.
        let newer = job
            .record
            .as_ref()
            .is_none_or(|known| sequence > known.sequence);
        if newer && job.leader.is_some_and(|leader| leader.node != here) {
            // It lasts as long as the journal, and what it came in with others is longer.
            record.task.body = Bytes::copy_from_slice(&record.task.body);
        }
        let task = record.task.clone();
        if newer {
            job.record = Some(record);
        }
        if let Some(leader) = job.leader {
            let committed = LeaderMessage::Committed { sequence };
            self.host
                .link
                .send(Address::Leader(team, leader.node), committed);
        }
        if newer && round > before {
            job.losses = 0;
            self.write(team.job, What::Round { round, task });
        }
    }
}
