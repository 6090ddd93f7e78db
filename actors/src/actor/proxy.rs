//! The proxy (Proxy Ms Provider): accepts jobs, keeps their journals, returns their results.

mod losses;
mod standing;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Context, Handler};

use crate::actor::{Tick, Vital, ticking};
use crate::core::admission::{Admission, Admitted};
use crate::core::patience::Patience;
use crate::core::record::Record;
use crate::error::JobError;
use crate::host::Host;
use crate::id::{Incarnation, JobId, NodeId, Origin, Round, TeamId};
use crate::job::{Finished, JobState, Phase, WaitReason, What};
use crate::journal::{Journal, Journals};
use crate::link::Letter;
use crate::message::{
    Address, BalancerMessage, DirectoryMessage, Invocation, Message, ProxyMessage,
    SupervisorMessage,
};
use crate::payload::Payload;

/// So many leaders of a job may be lost in one round: after that the program is to blame.
const MAX_LEADER_LOSSES: u8 = 8;

#[doc(alias = "Proxy Ms Provider")]
pub(crate) struct Proxy {
    host: Host,
    _vital: Vital,
    admission: Admission,
    journals: Journals,
    jobs: BTreeMap<JobId, Job>,
    /// The latest incarnation of each node that is lost, and since when; for a while: the balancer may
    /// have chosen it just before.
    lost: BTreeMap<NodeId, (Incarnation, Duration)>,
}

/// What the proxy keeps of a job until it has ended.
struct Job {
    invocation: Invocation,
    /// Given away with the order to start the leader, where no leader can be lost.
    input: Option<Payload>,
    /// Where the leader goes, when the balancer has said so.
    leader: Option<Origin>,
    /// Under which epoch it speaks, when the directory has said so.
    team: Option<TeamId>,
    /// Whether the leader was ordered, and is known to be there.
    ordered: bool,
    started: bool,
    /// The input is with the order: it may take longer than a tick.
    patience: Patience,
    /// Where the job stands, and the number of the record in its leader's counting.
    record: Option<Record>,
    /// How far the leader has told: the number of what the job is at, and of which round how many
    /// tiles have answered. What it said before may come after.
    told: u64,
    answered: (Round, u32),
    /// Leaders lost in this round.
    losses: u8,
    /// Since when there is no node for it.
    waiting_since: Option<Duration>,
}

impl Job {
    fn round(&self) -> Round {
        self.record.as_ref().map_or(Round(0), |record| record.round)
    }
}

fn is_lost(lost: &BTreeMap<NodeId, (Incarnation, Duration)>, origin: Origin) -> bool {
    let lost = lost.get(&origin.node);
    lost.is_some_and(|(lost, _)| origin.incarnation <= *lost)
}

/// Hop 1: a job is submitted; answered with its journal once it is admitted.
#[derive(actix::Message)]
#[rtype(result = "Result<Arc<Journal>, JobError>")]
pub(crate) struct Submit {
    pub(crate) invocation: Invocation,
    pub(crate) input: Payload,
    pub(crate) submitted: Duration,
}

/// Someone asks for a job's end.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Cancel(pub(crate) JobId);

impl Proxy {
    pub(crate) fn new(host: Host, vital: Vital, journals: Journals) -> Self {
        let limits = host.limits;
        Self {
            host,
            _vital: vital,
            admission: Admission::new(&limits),
            journals,
            jobs: BTreeMap::new(),
            lost: BTreeMap::new(),
        }
    }

    /// Hop 2: asks where the leader goes and under which epoch it speaks.
    fn place(&mut self, job: JobId) {
        self.write(job, What::State(JobState::Running(Phase::Placing)));
        if !self.jobs.contains_key(&job) {
            // Its journal is full.
            return;
        }
        log::debug!("job {job}: hop 2, proxy asks the balancer");
        let link = &self.host.link;
        link.send(Address::Balancer, BalancerMessage::PlaceLeader { job });
        link.send(Address::Directory, DirectoryMessage::Grant { job });
    }

    fn leader_placed(&mut self, id: JobId, origin: Option<Origin>) {
        let Some(job) = self.jobs.get_mut(&id) else {
            return;
        };
        if origin.is_some_and(|origin| is_lost(&self.lost, origin)) {
            let place = BalancerMessage::PlaceLeader { job: id };
            return self.host.link.send(Address::Balancer, place);
        }
        job.leader = origin;
        self.write_state(
            id,
            match origin {
                Some(_) => JobState::Running(Phase::Placing),
                None => JobState::Waiting(WaitReason::NoNode),
            },
        );
        self.start_leader(id);
    }

    /// Hop 4, when both answers are there, and again until the leader is.
    fn start_leader(&mut self, id: JobId) {
        let recoverable = self.host.is_recoverable();
        let Some(job) = self.jobs.get_mut(&id) else {
            return;
        };
        let (Some(leader), Some(team)) = (job.leader, job.team) else {
            return;
        };
        let input = if recoverable {
            job.input.clone()
        } else {
            job.input.take()
        };
        if let Some(input) = input {
            job.ordered = true;
            let start = SupervisorMessage::StartLeader {
                team,
                invocation: Box::new(job.invocation.clone()),
                input,
                resumed: job.record.clone().map(Box::new),
            };
            self.host.link.order(leader, start);
        }
    }

    fn write(&mut self, job: JobId, what: What) {
        if let (What::State(state), Some(known)) = (&what, self.jobs.get_mut(&job)) {
            known.waiting_since = match state {
                JobState::Waiting(_) => known.waiting_since.or(Some(self.host.clock.now())),
                _ => None,
            };
        }
        let written = self.journals.get(job).map(|journal| journal.write(what));
        if let Some(Err(full)) = written {
            self.cancel(job);
            self.end(job, Err(full));
        }
    }

    /// Asks the job's leader for its end, if there is one to ask. It stops its team; what does not
    /// hear of it is stopped with its node's next grant.
    fn cancel(&self, id: JobId) {
        if let Some(job) = self.jobs.get(&id)
            && let (true, Some(leader), Some(team)) = (job.ordered, job.leader, job.team)
        {
            let cancel = SupervisorMessage::CancelLeader { team };
            self.host.link.order(leader, cancel);
        }
    }

    fn is_current(&self, team: TeamId) -> bool {
        self.jobs
            .get(&team.job)
            .is_some_and(|job| job.team == Some(team))
    }

    fn end(&mut self, id: JobId, result: Result<Finished, JobError>) {
        let link = &self.host.link;
        link.send(Address::Directory, DirectoryMessage::Release { job: id });
        link.send(Address::Balancer, BalancerMessage::Forget { job: id });
        if let Some(job) = self.jobs.remove(&id)
            && let (true, Some(leader), Some(team)) = (job.ordered, job.leader, job.team)
        {
            link.order(leader, SupervisorMessage::Stop { team });
        }
        if let Some(journal) = self.journals.remove(id) {
            journal.end(result);
            log::debug!("job {id}: {}", journal.state());
        }
        if let Some(next) = self.admission.end(id) {
            self.place(next);
        }
    }
}

impl Actor for Proxy {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        ticking!(self.host, context);
    }
}

impl Handler<Tick> for Proxy {
    type Result = ();

    fn handle(&mut self, _: Tick, context: &mut Self::Context) {
        ticking!(self.host, context);
        let repeat = |job: &mut Job| job.ordered && !job.started && job.patience.tick();
        let unheard = self.jobs.iter_mut();
        let unheard = unheard.filter_map(|(id, job)| repeat(job).then_some(*id));
        for id in unheard.collect::<Vec<_>>() {
            self.start_leader(id);
        }
        self.end_those_without_node();
        self.forget_lost();
    }
}

impl Handler<Submit> for Proxy {
    type Result = Result<Arc<Journal>, JobError>;

    fn handle(&mut self, submit: Submit, _: &mut Self::Context) -> Self::Result {
        let id = self.host.clock.job_id();
        let program = &submit.invocation.program;
        log::debug!("job {id}: hop 1, `{program}` submitted");
        self.host
            .catalog
            .check(program, &submit.invocation.parameters)?;
        let options = &submit.invocation.options;
        let admitted = self.admission.submit(id, options);
        match admitted {
            Admitted::Run | Admitted::Wait => {}
            Admitted::Refused { limit } => return Err(JobError::QueueFull { limit }),
            Admitted::OwnerRefused { limit } => {
                let owner = options.owner.clone();
                return Err(JobError::OwnerQueueFull { owner, limit });
            }
        }
        let job = Job {
            invocation: submit.invocation,
            input: Some(submit.input),
            leader: None,
            team: None,
            ordered: false,
            started: false,
            patience: Patience::default(),
            record: None,
            told: 0,
            answered: (Round(0), 0),
            losses: 0,
            waiting_since: None,
        };
        self.jobs.insert(id, job);
        let clock = Arc::clone(&self.host.clock);
        let max_bytes = self.host.limits.max_journal_bytes_per_job;
        let journal = Arc::new(Journal::new(id, clock, submit.submitted, max_bytes));
        self.journals.insert(Arc::clone(&journal));
        self.write(id, What::State(JobState::Pending));
        if admitted == Admitted::Run {
            self.place(id);
        }
        Ok(journal)
    }
}

impl Handler<Cancel> for Proxy {
    type Result = ();

    fn handle(&mut self, Cancel(id): Cancel, _: &mut Self::Context) {
        if !self.jobs.contains_key(&id) {
            return;
        }
        log::debug!("job {id}: cancelled");
        self.cancel(id);
        self.end(id, Err(JobError::Cancelled));
    }
}

impl Handler<Letter> for Proxy {
    type Result = ();

    fn handle(&mut self, Letter { message, .. }: Letter, _: &mut Self::Context) {
        let message = match message {
            Message::Proxy(message) => message,
            other => return self.host.link.misdirected(&other),
        };
        if let Some(team) = message.leader() {
            if !self.is_current(team) {
                // Of a job that has ended, or of a leader that was replaced.
                return self.host.link.stale();
            }
            self.host.link.audit(|audit| audit.takes_word(team));
        }
        match message {
            ProxyMessage::LeaderPlaced { job, origin } => self.leader_placed(job, origin),
            ProxyMessage::EpochGranted { job: id, epoch } => {
                if let Some(job) = self.jobs.get_mut(&id) {
                    job.team = Some(TeamId { job: id, epoch });
                }
                if let Some(journal) = self.journals.get(id) {
                    journal.led(epoch);
                }
                self.start_leader(id);
            }
            ProxyMessage::Lost(origin) => self.lost(origin),
            ProxyMessage::LeaderStarted { team } => {
                if let Some(job) = self.jobs.get_mut(&team.job) {
                    job.started = true;
                }
            }
            ProxyMessage::Stands {
                team,
                number,
                state,
            } => self.stands(team.job, number, state),
            ProxyMessage::Progressed {
                team,
                round,
                answered,
                team_size,
            } => self.progressed(team.job, round, answered, team_size),
            ProxyMessage::Times { team, news } => {
                if let Some(journal) = self.journals.get(team.job) {
                    journal.times(news);
                }
            }
            ProxyMessage::Commit { team, record } => self.commit(team, *record),
            ProxyMessage::Ended {
                team,
                result,
                nodes,
                times,
            } => {
                if let Some(journal) = self.journals.get(team.job) {
                    journal.report(nodes);
                    journal.times(times);
                }
                self.end(team.job, *result);
            }
        }
    }
}

#[cfg(test)]
mod tests;
