//! The team leader: drives one job's rounds.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler};
use tokio::time::Instant;

use crate::actor::Counted;
use crate::catalog::Instance;
use crate::compute::Compute;
use crate::core::gather::Taken;
use crate::core::team::{Effect, Event, Team};
use crate::error::{JobError, ProgramError, Site};
use crate::id::NodeId;
use crate::job::{Finished, JobState, Phase, What};
use crate::link::{Letter, Link};
use crate::message::{
    Address, Answer, BalancerMessage, Invocation, LeaderMessage, Message, MsvpuMessage,
    ProxyMessage, SupervisorMessage, TeamId,
};
use crate::payload::Payload;
use crate::program::Cancellation;

/// A round that takes longer tells watchers how many tiles have answered, no oftener than this.
const TILES_EVERY: Duration = Duration::from_millis(50);

pub(crate) struct TeamLeader {
    pub(crate) link: Link,
    pub(crate) compute: Compute,
    pub(crate) node: NodeId,
    pub(crate) team: TeamId,
    pub(crate) invocation: Invocation,
    pub(crate) instance: Arc<dyn Instance>,
    pub(crate) cancellation: Cancellation,
    /// Taken when the actor starts.
    pub(crate) input: Option<Payload>,
    pub(crate) core: Team,
    pub(crate) told: Instant,
    pub(crate) _counted: Counted,
}

/// Work came back from the compute pool.
#[derive(actix::Message)]
#[rtype(result = "()")]
struct Done(Event);

impl Actor for TeamLeader {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.enter(Phase::Splitting);
        let input = self.input.take().unwrap_or_default();
        let instance = Arc::clone(&self.instance);
        self.run(context, Site::Split, Event::Split, move |cancellation| {
            instance.split(input, cancellation)
        });
    }
}

impl Handler<Letter> for TeamLeader {
    type Result = ();

    fn handle(&mut self, Letter(message): Letter, context: &mut Self::Context) {
        let message = match message {
            Message::Leader(message) => message,
            other => return self.link.misdirected(&other),
        };
        let event = match message {
            LeaderMessage::Allotted(shares) => Event::Allotted(shares),
            LeaderMessage::Started(node) => {
                log::debug!("job {}: hop 5, the tiles go to node {node}", self.team.job);
                Event::Started(node)
            }
            LeaderMessage::Failed(error) => Event::Failed(error),
            LeaderMessage::Cancel => Event::Cancel,
            LeaderMessage::Answers(answers) => {
                for answer in answers {
                    self.step(answer.into(), context);
                }
                return self.tell_tiles();
            }
        };
        self.step(event, context);
    }
}

impl Handler<Done> for TeamLeader {
    type Result = ();

    fn handle(&mut self, Done(event): Done, context: &mut Self::Context) {
        self.step(event, context);
    }
}

impl From<Answer> for Event {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Partial {
                rank,
                round,
                partial,
            } => Self::Partial(rank, round, partial),
            Answer::Collected { rank, tile } => Self::Collected(rank, tile),
        }
    }
}

impl TeamLeader {
    fn step(&mut self, event: Event, context: &Context<Self>) {
        for effect in self.core.step(event) {
            self.perform(effect, context);
        }
    }

    fn perform(&mut self, effect: Effect, context: &Context<Self>) {
        let (job, team) = (self.team.job, self.team);
        match effect {
            Effect::Enter(phase) => self.enter(phase),
            Effect::Allot(team_size) => {
                log::debug!("job {job}: {team_size} tiles, asking the balancer for places");
                self.link.send(
                    Address::Balancer,
                    BalancerMessage::Allot { team, team_size },
                );
            }
            Effect::Start(share) => self.link.send(
                Address::Supervisor(share.node),
                SupervisorMessage::StartMsvpus {
                    team,
                    invocation: self.invocation.clone(),
                    ranks: share.ranks,
                    // The core has checked that it fits.
                    team_size: self.core.team_size() as u32,
                },
            ),
            Effect::SendTile(rank, tile) => {
                log::trace!("job {job}: tile {rank}, {} bytes", tile.len_bytes());
                self.link.send_rank(team, rank, MsvpuMessage::Tile(tile));
            }
            Effect::SendTask(round, task) => {
                log::debug!("job {job}: hop 6, task of round {round}");
                self.told = Instant::now();
                let begun = What::Round {
                    round,
                    task: task.clone(),
                };
                self.link
                    .send_team(team, &MsvpuMessage::Task { round, task });
                self.tell(begun);
            }
            Effect::Fold(round, task, partials) => {
                log::debug!("job {job}: hop 7, all results of round {round}");
                let instance = Arc::clone(&self.instance);
                let site = Site::GlobalStep(round);
                self.run(context, site, Event::Folded, move |cancellation| {
                    instance.global_step(round, task, partials, cancellation)
                });
            }
            Effect::SendOutput(output) => {
                self.link.send_team(team, &MsvpuMessage::Collect { output });
            }
            Effect::Drop(Taken::Stranger) => self.link.stranger(),
            Effect::Drop(_) => self.link.duplicate(),
            Effect::Finish(result) => self.finish(result),
        }
    }

    fn enter(&self, phase: Phase) {
        log::debug!("job {}: {phase}", self.team.job);
        self.tell(What::State(JobState::Running(phase)));
    }

    /// Tells watchers, by way of the proxy.
    fn tell(&self, what: What) {
        let team = self.team;
        self.link
            .send(Address::Proxy, ProxyMessage::Progressed { team, what });
    }

    /// Runs a function of the program on the pool; its result comes back as an event.
    fn run<T: Send + 'static>(
        &self,
        context: &Context<Self>,
        site: Site,
        event: fn(Result<T, JobError>) -> Event,
        work: impl FnOnce(&Cancellation) -> Result<T, ProgramError> + Send + 'static,
    ) {
        let (link, address) = (self.link.clone(), context.address());
        let cancellation = self.cancellation.clone();
        let work = move || {
            cancellation.check()?;
            work(&cancellation)
        };
        self.compute.run(site, work, move |result| {
            link.complete(&address, Done(event(result)));
        });
    }

    fn tell_tiles(&mut self) {
        let Some((round, answered)) = self.core.answered() else {
            return;
        };
        if answered > 0 && self.told.elapsed() >= TILES_EVERY {
            self.told = Instant::now();
            self.tell(What::Tiles {
                round,
                answered: answered as u32,
                team_size: self.core.team_size() as u32,
            });
        }
    }

    fn finish(&self, result: Result<Finished, JobError>) {
        let team = self.team;
        let mut nodes: Vec<NodeId> = self.core.shares().iter().map(|share| share.node).collect();
        if !nodes.contains(&self.node) {
            nodes.push(self.node);
        }
        for node in nodes {
            self.link
                .send(Address::Supervisor(node), SupervisorMessage::Stop { team });
        }
        log::debug!("job {}: hop 8, the result goes to the proxy", team.job);
        self.link
            .send(Address::Proxy, ProxyMessage::Ended { team, result });
    }
}
