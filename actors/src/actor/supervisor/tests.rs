use std::sync::Mutex;

use actix::System;
use tokio::sync::watch;

use super::*;
use crate::catalog::Catalog;
use crate::clock::{Clock, StoppedClock};
use crate::compute::Compute;
use crate::core::ranks::Ranks;
use crate::core::reservation::ReservationId;
use crate::host::Timing;
use crate::id::{Epoch, Incarnation, JobId, NodeId, Origin};
use crate::job::JobOptions;
use crate::link::Link;
use crate::program;
use crate::simulation::Synthetic;
use crate::work::Processors;

fn origin(incarnation: u64) -> Origin {
    Origin {
        node: NodeId(3),
        incarnation: Incarnation(incarnation),
    }
}

fn host() -> Host {
    let mut catalog = Catalog::default();
    catalog.register::<Synthetic>();
    Host::idle(Link::local(origin(1)), catalog)
}

/// An order to start MsVPU 0 of a team of one.
fn start() -> SupervisorMessage {
    start_ranks((0..1).into(), 1)
}

const TEAM: TeamId = team(1);

const fn team(job: u128) -> TeamId {
    TeamId {
        job: JobId::new(uuid::Uuid::from_u128(job)),
        epoch: Epoch(1),
    }
}

fn start_ranks(ranks: Ranks, team_size: u32) -> SupervisorMessage {
    start_of(TEAM, ranks, team_size)
}

fn start_of(team: TeamId, ranks: Ranks, team_size: u32) -> SupervisorMessage {
    let program = Synthetic {
        tiles: 1,
        rounds: 1,
        complexity: 1.0,
        tile_bytes: 1,
        partial_bytes: 1,
    };
    SupervisorMessage::StartMsvpus {
        team,
        leader: NodeId(4),
        invocation: Box::new(Invocation {
            program: <Synthetic as program::Program>::NAME.to_owned(),
            parameters: serde_json::to_vec(&program).unwrap().into(),
            options: JobOptions::default(),
        }),
        ranks,
        team_size,
    }
}

/// It would start actors until there is no memory left.
#[test]
fn a_team_of_more_than_may_be_is_refused() {
    System::new().block_on(async {
        let host = host();
        let limit = host.limits.max_tiles_per_job as u32;
        let (link, census) = (host.link.clone(), host.census.subscribe());
        let supervisor = Supervisor::new(host, None).start();
        let address = Address::Supervisor(NodeId(3));
        link.register_forever(address, supervisor.clone().recipient());
        for (ranks, team_size, started) in [
            (0..u32::MAX, 1, 0),
            (0..1, u32::MAX, 0),
            (limit..limit + 1, limit, 0),
            (limit - 1..limit, limit, 1),
        ] {
            link.order(origin(1), start_ranks(ranks.into(), team_size));
            supervisor.send(Tick).await.unwrap();
            assert_eq!(census.borrow().msvpus, started);
        }
    });
}

/// The node was given up while an order to it was already in its mailbox.
#[test]
fn an_order_to_an_incarnation_that_was_given_up_is_refused_and_counted() {
    System::new().block_on(async {
        let host = host();
        let (link, census) = (host.link.clone(), host.census.subscribe());
        let supervisor = Supervisor::new(host, None).start();
        let address = Address::Supervisor(NodeId(3));
        link.register_forever(address, supervisor.clone().recipient());
        // What was sent before is handled before.
        let settled = || supervisor.send(Tick);
        link.order(origin(1), start());
        settled().await.unwrap();
        assert_eq!((census.borrow().msvpus, link.counters().stale), (1, 0));
        let incarnation = Incarnation(1);
        link.send(address, SupervisorMessage::Expelled { incarnation });
        link.order(origin(1), start());
        settled().await.unwrap();
        assert_eq!(link.origin(), origin(2));
        assert_eq!(link.counters().stale, 1, "what it speaks of is gone");
        link.order(origin(2), start());
        settled().await.unwrap();
        assert_eq!((census.borrow().msvpus, link.counters().stale), (1, 1));
    });
}

/// A step that has begun cannot be stopped, and may take the node with it.
#[test]
fn a_node_is_settled_when_nothing_of_an_earlier_leader_is_at_work_and_stays_so() {
    System::new().block_on(async {
        let host = host();
        let (link, census) = (host.link.clone(), host.census.subscribe());
        let mut supervisor = Supervisor::new(host, None);
        let settled = Arc::<Mutex<Vec<Message>>>::default();
        let leader = Words(Arc::clone(&settled)).start();
        let later = TeamId {
            epoch: Epoch(2),
            ..TEAM
        };
        link.register_forever(
            Address::Leader(later, NodeId(4)),
            leader.clone().recipient(),
        );
        let settle = SupervisorMessage::Settle {
            team: later,
            leader: NodeId(4),
        };
        let mut context = Context::new();
        let mut order = |message: SupervisorMessage| {
            let letter = Letter {
                message: message.into(),
                incarnation: None,
            };
            supervisor.handle(letter, &mut context);
            let step = supervisor.hosted.get(&TEAM).and_then(|of| of.crew.as_ref());
            let step = step.map(|crew| Arc::clone(&crew.team));
            (step, supervisor.lingering.jobs())
        };
        // As one that computes has it.
        let (step, _) = order(start());
        assert!(step.is_some());
        let (hosted, since) = order(settle.clone());
        assert!(hosted.is_none(), "the earlier team was stopped");
        assert_eq!(since, [(TEAM.job, Incarnation(1))]);
        while census.borrow().msvpus > 0 {
            tokio::task::yield_now().await;
        }
        order(settle.clone());
        drop(step);
        let (_, since) = order(settle);
        assert_eq!(since, []);
        let stale = link.counters().stale;
        let (hosted, _) = order(start());
        assert!(hosted.is_none(), "late");
        assert_eq!(link.counters().stale, stale + 1);
        // What was sent before is handled before.
        leader.send(Tick).await.unwrap();
        let origin = origin(1);
        let word = LeaderMessage::Settled { origin };
        let said = settled.lock().unwrap();
        assert_eq!(format!("{said:?}"), format!("{:?}", [Message::from(word)]));
    });
}

/// Takes the place of the leader, and writes down what it is told.
struct Words(Arc<Mutex<Vec<Message>>>);

impl Actor for Words {
    type Context = Context<Self>;
}

impl Handler<Letter> for Words {
    type Result = ();

    fn handle(&mut self, Letter { message, .. }: Letter, _: &mut Self::Context) {
        self.0.lock().unwrap().push(message);
    }
}

impl Handler<Tick> for Words {
    type Result = ();

    fn handle(&mut self, _: Tick, _: &mut Self::Context) {}
}

/// Takes the place of the leader, and writes down which MsVPUs are said not to be there.
struct Absences(Arc<Mutex<Vec<Ranks>>>);

impl Actor for Absences {
    type Context = Context<Self>;
}

impl Handler<Letter> for Absences {
    type Result = ();

    fn handle(&mut self, Letter { message, .. }: Letter, _: &mut Self::Context) {
        if let Message::Leader(LeaderMessage::Absent { ranks, .. }) = message {
            self.0.lock().unwrap().push(ranks);
        }
    }
}

/// Who told it tells it until then.
#[test]
fn a_node_that_is_told_to_stop_msvpus_answers_that_they_are_gone() {
    System::new().block_on(async {
        let host = host();
        let (link, census) = (host.link.clone(), host.census.subscribe());
        let absences = Arc::<Mutex<Vec<Ranks>>>::default();
        let leader = Absences(Arc::clone(&absences)).start();
        link.register_forever(Address::Leader(TEAM, NodeId(4)), leader.recipient());
        let supervisor = Supervisor::new(host, None).start();
        let address = Address::Supervisor(NodeId(3));
        link.register_forever(address, supervisor.clone().recipient());
        link.order(origin(1), start_ranks((0..3).into(), 3));
        let ranks: Ranks = (1..3).into();
        for _ in 0..2 {
            let (team, ranks) = (TEAM, ranks.clone());
            link.order(origin(1), SupervisorMessage::Retire { team, ranks });
        }
        supervisor.send(Tick).await.unwrap();
        while census.borrow().msvpus > 1 || absences.lock().unwrap().len() < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(*absences.lock().unwrap(), [ranks.clone(), ranks]);
    });
}

/// Else its threads would wait for work that waits for a reservation that nobody gives back.
#[test]
fn a_node_that_stops_while_its_cpus_are_reserved_leaves_no_thread() {
    System::new().block_on(async {
        let alive = Arc::new(watch::Sender::new(0));
        let compute = Compute::start(1, Arc::clone(&alive)).unwrap();
        let host = Host {
            processors: Arc::new(compute.clone()),
            ..host()
        };
        let link = host.link.clone();
        let supervisor = Supervisor::new(host, None).start();
        let address = Address::Supervisor(NodeId(3));
        link.register_forever(address, supervisor.clone().recipient());
        let other = team(2);
        link.order(origin(1), start_of(TEAM, (0..1).into(), 1));
        link.order(origin(1), start_of(other, (0..1).into(), 1));
        let reserve = SupervisorMessage::Reserve {
            team: other,
            leader: NodeId(4),
            rank: Rank(0),
            id: ReservationId(1),
        };
        link.order(origin(1), reserve);
        let tile = SupervisorMessage::Tile {
            team: TEAM,
            rank: Rank(0),
            tile: Payload::default(),
            complexity: 1.0,
        };
        link.order(origin(1), tile);
        while compute.load() == 0 {
            tokio::task::yield_now().await;
        }
        drop((compute, supervisor));
        link.close();
        let mut threads = alive.subscribe();
        let ended = threads.wait_for(|threads| *threads == 0);
        let ended = tokio::time::timeout(Duration::from_secs(60), ended);
        let ended = ended.await.is_ok();
        assert!(ended, "{} threads wait", *alive.borrow());
    });
}

/// Takes the place of the directory, and writes down under which incarnation a node renews.
struct Renewals(Arc<Mutex<Vec<Incarnation>>>);

impl Actor for Renewals {
    type Context = Context<Self>;
}

impl Handler<Letter> for Renewals {
    type Result = ();

    fn handle(&mut self, Letter { message, .. }: Letter, _: &mut Self::Context) {
        if let Message::Directory(DirectoryMessage::Renew { member, seen, .. }) = message {
            assert_eq!(seen, None, "it was granted nothing");
            self.0.lock().unwrap().push(member.origin.incarnation);
        }
    }
}

/// What was dropped would be missed for ever by a head that is there after all.
#[test]
fn a_node_that_drops_all_because_its_head_is_silent_joins_as_another() {
    System::new().block_on(async {
        let clock = Arc::new(StoppedClock(Mutex::new(Duration::from_secs(1000))));
        let host = Host {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            timing: Some(Timing {
                lease: Duration::from_secs(2),
                node_timeout: None,
            }),
            ..host()
        };
        let (link, census) = (host.link.clone(), host.census.subscribe());
        let renewals = Arc::<Mutex<Vec<Incarnation>>>::default();
        let directory = Renewals(Arc::clone(&renewals)).start();
        link.register_forever(Address::Directory, directory.recipient());
        let supervisor = Supervisor::new(host, None).start();
        let address = Address::Supervisor(NodeId(3));
        link.register_forever(address, supervisor.clone().recipient());
        let settled = || supervisor.send(Tick);
        link.order(origin(1), start());
        settled().await.unwrap();
        settled().await.unwrap();
        assert_eq!(census.borrow().msvpus, 1, "it has waited for no time yet");
        *clock.0.lock().unwrap() += Duration::from_secs(61);
        settled().await.unwrap();
        while census.borrow().msvpus > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(link.origin(), origin(2));
        settled().await.unwrap();
        assert_eq!(link.origin(), origin(2), "once: there is nothing to drop");
        while renewals.lock().unwrap().last() != Some(&Incarnation(2)) {
            tokio::task::yield_now().await;
        }
    });
}
