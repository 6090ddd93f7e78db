//! The team leader: drives one job's rounds.

mod answers;
mod telling;

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler};

use crate::actor::{Tick, ticking};
use crate::catalog::Instance;
use crate::core::patience::Patience;
use crate::core::record::Record;
use crate::core::report::Reports;
use crate::core::team::{Dropped, Effect, Event, Team};
use crate::error::{JobError, ProgramError, Site};
use crate::host::{Counted, Host};
use crate::id::{NodeId, Origin, Rank, TeamId};
use crate::job::{Cost, Finished, JobState, Phase, WaitReason};
use crate::link::Letter;
use crate::message::{
    Address, BalancerMessage, Invocation, LeaderMessage, Message, ProxyMessage, SupervisorMessage,
};
use crate::payload::Payload;
use crate::program::Cancellation;
use crate::work::{Label, run};

use telling::{Stand, ToldTimes};

pub(crate) struct TeamLeader {
    host: Host,
    team: TeamId,
    invocation: Box<Invocation>,
    instance: Arc<dyn Instance>,
    cancellation: Cancellation,
    /// Taken when the actor starts.
    input: Option<Payload>,
    core: Team,
    /// What the steps on the tiles cost, by rank.
    costs: Vec<Cost>,
    told: Duration,
    told_times: ToldTimes,
    stand: Stand,
    reports: Reports,
    /// The end, until the proxy has it. The result is in it: it may take longer than a tick.
    ended: Option<Result<Finished, JobError>>,
    patience: Patience,
    /// Whether the end came from there.
    proxy_knows: bool,
    _counted: Counted,
}

/// Work came back from the compute pool.
#[derive(actix::Message)]
#[rtype(result = "()")]
enum Done {
    Split(Result<(Vec<(Payload, Cost)>, Payload), JobError>),
    Folded(Event),
}

impl Actor for TeamLeader {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        ticking!(self.host, context);
        self.enter(Phase::Splitting);
        let input = self.input.take().unwrap_or_default();
        let (instance, cancellation) = (Arc::clone(&self.instance), self.cancellation.clone());
        self.run(context, Site::Split, Done::Split, move || {
            instance.split(input, &cancellation)
        });
    }
}

impl Handler<Tick> for TeamLeader {
    type Result = ();

    fn handle(&mut self, _: Tick, context: &mut Self::Context) {
        ticking!(self.host, context);
        match &self.ended {
            Some(result) if self.patience.tick() => self.tell_end(result.clone()),
            Some(_) => {}
            None => {
                self.tell_stand();
                self.step(Event::Tick, context);
            }
        }
    }
}

impl Handler<Letter> for TeamLeader {
    type Result = ();

    fn handle(&mut self, Letter { message, .. }: Letter, context: &mut Self::Context) {
        let message = match message {
            Message::Leader(message) => message,
            other => return self.host.link.misdirected(&other),
        };
        let event = match message {
            LeaderMessage::Allotted(plan) => {
                self.reports.foretell(&plan.forecasts);
                Event::Allotted(plan.shares)
            }
            LeaderMessage::Move(plan) => {
                self.reports.foretell(&plan.forecasts);
                Event::Moved(plan.shares)
            }
            LeaderMessage::NoNode => Event::NoNode,
            LeaderMessage::Lost(origins) => {
                let team = self.team;
                self.host.link.audit(|audit| audit.lost(team, &origins));
                Event::Lost(origins)
            }
            LeaderMessage::Fates(fates) => Event::Fates(fates),
            LeaderMessage::Started { origin, ranks } => {
                log::debug!(
                    "job {}: hop 5, the tiles go to node {origin}",
                    self.team.job
                );
                Event::Started(origin, ranks)
            }
            LeaderMessage::Failed { origin, error } => Event::Failed(origin, error),
            LeaderMessage::Loading { origin } => Event::Loading(origin),
            LeaderMessage::Lacks {
                origin,
                tiles,
                orders,
            } => Event::Lacks {
                origin,
                tiles,
                orders,
            },
            LeaderMessage::Reserved { origin, id } => Event::Reserved(origin, id),
            LeaderMessage::Released { origin, id } => Event::Released(origin, id),
            LeaderMessage::Settled { origin } => Event::Settled(origin),
            LeaderMessage::Absent { origin, ranks } => Event::Absent(origin, ranks),
            LeaderMessage::Committed { sequence } => Event::Committed(sequence),
            LeaderMessage::Cancel => {
                self.proxy_knows = true;
                Event::End(JobError::Cancelled)
            }
            LeaderMessage::Answers {
                origin,
                sent,
                answers,
            } => {
                return self.take(origin, sent, answers, context);
            }
        };
        self.step(event, context);
    }
}

impl Handler<Done> for TeamLeader {
    type Result = ();

    fn handle(&mut self, done: Done, context: &mut Self::Context) {
        let event = match done {
            Done::Split(Ok((tiles, task))) => {
                let (tiles, costs) = tiles.into_iter().unzip();
                self.costs = costs;
                Event::Split(Ok((tiles, task)))
            }
            Done::Split(Err(error)) => Event::Split(Err(error)),
            Done::Folded(event) => event,
        };
        self.step(event, context);
    }
}

impl TeamLeader {
    pub(crate) fn new(
        host: Host,
        team: TeamId,
        invocation: Box<Invocation>,
        instance: Arc<dyn Instance>,
        cancellation: Cancellation,
        input: Payload,
        resumed: Option<Record>,
    ) -> Self {
        let done = resumed.as_ref().map(|record| record.done.clone());
        Self {
            team,
            invocation,
            instance,
            cancellation,
            input: Some(input),
            core: Team::new(host.limits, host.is_recoverable(), resumed),
            costs: Vec::new(),
            told: host.clock.now(),
            told_times: ToldTimes::at(host.clock.now()),
            stand: Stand::default(),
            reports: Reports::resumed(done.unwrap_or_default()),
            ended: None,
            patience: Patience::default(),
            proxy_knows: false,
            _counted: Counted::new(&host.census, |census| &mut census.leaders),
            host,
        }
    }

    fn step(&mut self, event: Event, context: &Context<Self>) {
        for effect in self.core.step(event, self.host.clock.now()) {
            self.perform(effect, context);
        }
    }

    fn perform(&mut self, effect: Effect, context: &Context<Self>) {
        let (job, team) = (self.team.job, self.team);
        match effect {
            Effect::Enter(phase) => self.enter(phase),
            Effect::Wait => self.stand_at(JobState::Waiting(WaitReason::NoNode)),
            Effect::Allot(ranks) => {
                log::debug!(
                    "job {job}: {} tiles, asking the balancer for places",
                    ranks.len()
                );
                let allot = BalancerMessage::Allot {
                    team,
                    leader: self.node(),
                    ranks,
                    program: self.invocation.program.clone(),
                    cost: Cost::mean(&self.costs),
                };
                self.host.link.send(Address::Balancer, allot);
            }
            Effect::Survey { origins, accused } => {
                let survey = BalancerMessage::Survey {
                    team,
                    leader: self.node(),
                    origins,
                    accused,
                };
                self.host.link.send(Address::Balancer, survey);
            }
            Effect::Start(origin, ranks) => self.order(
                origin,
                SupervisorMessage::StartMsvpus {
                    team,
                    leader: self.node(),
                    invocation: self.invocation.clone(),
                    ranks,
                    team_size: self.core.team_size(),
                },
            ),
            Effect::Retire(origin, ranks) => {
                self.order(origin, SupervisorMessage::Retire { team, ranks });
            }
            Effect::SendTile(origin, rank, tile) => self.send_tile(origin, rank, tile),
            Effect::SendTask(origin, ranks, round, task) => {
                log::debug!("job {job}: hop 6, task of round {round} to node {origin}");
                let order = SupervisorMessage::Task {
                    team,
                    ranks,
                    round,
                    task,
                };
                self.order(origin, order);
            }
            Effect::SendOutput(origin, ranks, output) => {
                let order = SupervisorMessage::Collect {
                    team,
                    ranks,
                    output,
                };
                self.order(origin, order);
            }
            Effect::Inquire(origin, ranks, stage) => {
                let inquire = SupervisorMessage::Inquire {
                    team,
                    leader: self.node(),
                    ranks,
                    stage,
                };
                self.order(origin, inquire);
            }
            Effect::Reserve(origin, rank, id) => {
                let reserve = SupervisorMessage::Reserve {
                    team,
                    leader: self.node(),
                    rank,
                    id,
                };
                self.order(origin, reserve);
            }
            Effect::Release(origin, id) => {
                let leader = self.node();
                self.order(origin, SupervisorMessage::Release { team, leader, id });
            }
            Effect::Settle(origin) => {
                let leader = self.node();
                self.order(origin, SupervisorMessage::Settle { team, leader });
            }
            Effect::Commit(mut record) => {
                self.told = self.host.clock.now();
                record.done = self.reports.recorded(record.sequence);
                let commit = ProxyMessage::Commit { team, record };
                self.host.link.send(Address::Proxy, commit);
            }
            Effect::Fold(round, task, partials) => {
                log::debug!("job {job}: hop 7, all results of round {round}");
                let instance = Arc::clone(&self.instance);
                let cancellation = self.cancellation.clone();
                let folded = |result| Done::Folded(Event::Folded(result));
                self.run(context, Site::GlobalStep(round), folded, move || {
                    instance.global_step(round, task, partials, &cancellation)
                });
            }
            Effect::Measured(round, laps) => {
                self.reports.round(&laps);
                let measured = BalancerMessage::Measured {
                    team,
                    leader: self.node(),
                    round,
                    laps,
                };
                self.host.link.send(Address::Balancer, measured);
            }
            Effect::Drop(Dropped::Stranger) => self.host.link.stranger(),
            Effect::Drop(Dropped::Stale) => self.host.link.stale(),
            Effect::Drop(Dropped::StaleAnswer) => self.host.link.stale_answer(),
            Effect::Drop(Dropped::Duplicate) => self.host.link.duplicate(),
            Effect::Finish(result) => self.finish(result),
        }
    }

    fn node(&self) -> NodeId {
        self.host.link.origin().node
    }

    fn order(&self, to: Origin, order: SupervisorMessage) {
        self.host.link.order(to, order);
    }

    fn send_tile(&self, origin: Origin, rank: Rank, tile: Payload) {
        let (job, team) = (self.team.job, self.team);
        log::trace!("job {job}: tile {rank}, {} bytes", tile.len_bytes());
        let cost = self.costs.get(rank.index());
        let order = SupervisorMessage::Tile {
            team,
            rank,
            tile,
            complexity: cost.map_or(0.0, |cost| cost.complexity),
        };
        self.order(origin, order);
    }

    /// Runs a function of the program on the pool; its result comes back as an event.
    fn run<T: Send + 'static>(
        &self,
        context: &Context<Self>,
        site: Site,
        done: impl Fn(Result<T, JobError>) -> Done + Send + 'static,
        work: impl FnOnce() -> Result<T, ProgramError> + Send + 'static,
    ) {
        let (link, address) = (self.host.link.clone(), context.address());
        let label = Label {
            flow: self.invocation.options.flow(self.team.job),
            site,
            cost: 0.0,
        };
        run(&*self.host.processors, label, work, move |result| {
            link.tell(&address, done(result));
        });
    }

    /// The team stops; the leader stays until the proxy has its end, and stops it.
    fn finish(&mut self, result: Result<Finished, JobError>) {
        let team = self.team;
        // Where the proxy has ended the job there is nothing to stay for, and its order to stop may
        // have come before the last MsVPUs were started here.
        let leaves = |origin: &Origin| self.proxy_knows || origin.node != self.node();
        for origin in self.core.origins().into_iter().filter(leaves) {
            self.order(origin, SupervisorMessage::Stop { team });
        }
        log::debug!("job {}: hop 8, the result goes to the proxy", team.job);
        if self.proxy_knows {
            return;
        }
        if self.host.is_recoverable() {
            self.ended = Some(result.clone());
        }
        self.tell_end(result);
    }

    fn tell_end(&self, result: Result<Finished, JobError>) {
        let ended = ProxyMessage::Ended {
            team: self.team,
            result: Box::new(result),
            nodes: self.reports.nodes(),
            times: self.core.times().clone(),
        };
        self.host.link.send(Address::Proxy, ended);
    }
}
