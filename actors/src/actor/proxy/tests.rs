use std::sync::Mutex;

use actix::{Addr, System};
use bytes::Bytes;
use tokio::sync::watch;

use super::*;
use crate::catalog::Catalog;
use crate::clock::StoppedClock;
use crate::core::suspects::Suspects;
use crate::job::{JobOptions, Limits};
use crate::link::Link;
use crate::simulation::Synthetic;

const NODE: NodeId = NodeId(3);

fn origin(incarnation: u64) -> Origin {
    Origin {
        node: NODE,
        incarnation: Incarnation(incarnation),
    }
}

/// Writes down what it is told.
struct Witness(Arc<Mutex<Vec<String>>>);

impl Actor for Witness {
    type Context = Context<Self>;
}

impl Handler<Letter> for Witness {
    type Result = ();

    fn handle(&mut self, Letter { message, .. }: Letter, _: &mut Self::Context) {
        let text = format!("{message:?}");
        let kind = text.split(" {").next().unwrap_or_default();
        self.0.lock().unwrap().push(kind.to_owned());
    }
}

fn host() -> Host {
    let mut catalog = Catalog::default();
    catalog.register::<Synthetic>();
    Host::idle(Link::local(origin(1)), catalog)
}

async fn proxy_with_a_job(host: Host) -> (Addr<Proxy>, Arc<Journal>) {
    let vital = Vital {
        stop: watch::Sender::new(true),
    };
    let link = host.link.clone();
    let proxy = Proxy::new(host, vital, Journals::default()).start();
    link.register_forever(Address::Proxy, proxy.clone().recipient());
    let work = Synthetic {
        tiles: 1,
        rounds: 1,
        complexity: 1.0,
        tile_bytes: 1,
        partial_bytes: 1,
    };
    let submit = crate::machine::submission(&work, (), JobOptions::default(), Duration::ZERO);
    let journal = proxy.send(submit.unwrap()).await.unwrap().unwrap();
    (proxy, journal)
}

#[test]
fn a_leader_that_was_placed_on_a_node_lost_meanwhile_is_placed_anew() {
    System::new().block_on(async {
        let (host, heard) = (host(), Arc::<Mutex<Vec<String>>>::default());
        let link = host.link.clone();
        let witness = Witness(Arc::clone(&heard)).start();
        link.register_forever(Address::Balancer, witness.clone().recipient());
        link.register_forever(Address::Supervisor(NODE), witness.recipient());
        let (proxy, journal) = proxy_with_a_job(host).await;
        let job = journal.job();
        let tell = |message: ProxyMessage| link.send(Address::Proxy, message);
        let epoch = crate::id::Epoch(1);
        tell(ProxyMessage::EpochGranted { job, epoch });
        tell(ProxyMessage::Lost(origin(7)));
        let placed = |incarnation| ProxyMessage::LeaderPlaced {
            job,
            origin: Some(origin(incarnation)),
        };
        tell(placed(7));
        tell(placed(8));
        // What was sent before is handled before.
        proxy.send(Cancel(job)).await.unwrap();
        let heard = loop {
            let heard = heard.lock().unwrap().clone();
            if heard.iter().any(|what| what.contains("Stop")) {
                break heard;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(
            heard,
            [
                "Balancer(PlaceLeader",
                "Balancer(PlaceLeader",
                "Supervisor(StartLeader",
                "Supervisor(CancelLeader",
                "Balancer(Forget",
                "Supervisor(Stop",
            ]
        );
    });
}

#[test]
fn a_job_fails_when_it_has_waited_for_a_node_for_too_long_at_a_stretch() {
    System::new().block_on(async {
        let clock = Arc::new(StoppedClock::default());
        let timeout = Duration::from_secs(10);
        let host = Host {
            clock: Arc::clone(&clock) as Arc<dyn crate::clock::Clock>,
            timing: Some(crate::host::Timing {
                lease: Duration::from_secs(2),
                node_timeout: Some(timeout),
            }),
            ..host()
        };
        let link = host.link.clone();
        let (proxy, journal) = proxy_with_a_job(host).await;
        let job = journal.job();
        let placed = |origin| link.send(Address::Proxy, ProxyMessage::LeaderPlaced { job, origin });
        let at = async |seconds| {
            *clock.0.lock().unwrap() = Duration::from_secs(seconds);
            proxy.send(Tick).await.unwrap();
            journal.state()
        };
        let waiting = JobState::Waiting(WaitReason::NoNode);
        placed(None);
        assert_eq!(at(0).await, waiting);
        placed(None);
        assert_eq!(at(9).await, waiting, "it counts from the first time");
        placed(Some(origin(2)));
        let running = JobState::Running(Phase::Placing);
        assert_eq!(at(11).await, running, "there was a node in between");
        placed(None);
        assert_eq!(at(11).await, waiting);
        assert_eq!(at(20).await, waiting);
        assert_eq!(at(21).await, JobState::Failed(JobError::NoNode { timeout }));
    });
}

#[test]
fn what_the_leader_said_before_does_not_count_after_what_it_says_now() {
    System::new().block_on(async {
        let host = host();
        let link = host.link.clone();
        let (proxy, journal) = proxy_with_a_job(host).await;
        let job = journal.job();
        let epoch = crate::id::Epoch(1);
        let team = TeamId { job, epoch };
        let told = async |message: ProxyMessage| {
            link.send(Address::Proxy, message);
            // What was sent before is handled before.
            proxy
                .send(Cancel(JobId::new(uuid::Uuid::nil())))
                .await
                .unwrap();
            journal.state()
        };
        told(ProxyMessage::EpochGranted { job, epoch }).await;
        let stands = |number, state: &JobState| ProxyMessage::Stands {
            team,
            number,
            state: state.clone(),
        };
        let waiting = JobState::Waiting(WaitReason::NoNode);
        let iterating = JobState::Running(Phase::Iterating);
        assert_eq!(told(stands(2, &iterating)).await, iterating);
        // The leader had waited before that: it was overtaken, and comes twice.
        for _ in 0..2 {
            assert_eq!(told(stands(1, &waiting)).await, iterating);
        }
        let written = *journal.watch().borrow();
        assert_eq!(told(stands(2, &iterating)).await, iterating);
        assert_eq!(told(stands(3, &iterating)).await, iterating);
        assert_eq!(
            *journal.watch().borrow(),
            written,
            "nothing is written twice"
        );
        assert_eq!(told(stands(4, &waiting)).await, waiting);

        let progressed = |round, answered| ProxyMessage::Progressed {
            team,
            round: Round(round),
            answered,
            team_size: 9,
        };
        let written = *journal.watch().borrow();
        told(progressed(1, 4)).await;
        assert_eq!(*journal.watch().borrow(), written, "it has not begun");
        told(commit(team, record(1, 1))).await;
        for (round, answered, further) in [
            (1, 4, 2),
            (1, 3, 2),
            (1, 4, 2),
            (1, 5, 3),
            (2, 1, 3),
            (1, 9, 4),
        ] {
            told(progressed(round, answered)).await;
            assert_eq!(*journal.watch().borrow(), written + further);
        }
        told(commit(team, record(2, 2))).await;
        for (round, answered, further) in [(1, 10, 5), (2, 1, 6), (2, 1, 6)] {
            told(progressed(round, answered)).await;
            assert_eq!(*journal.watch().borrow(), written + further);
        }
    });
}

fn record(sequence: u64, round: u32) -> Record {
    Record {
        sequence,
        round: Round(round),
        task: Payload::default(),
        shares: Vec::new(),
        suspects: Suspects::default(),
        done: Vec::new(),
    }
}

fn commit(team: TeamId, record: Record) -> ProxyMessage {
    let record = Box::new(record);
    ProxyMessage::Commit { team, record }
}

/// Nobody would ever say that it is over.
#[test]
fn a_job_whose_journal_is_full_is_placed_nowhere() {
    System::new().block_on(async {
        // Room for the first entry.
        let limit = size_of::<crate::journal::Event>();
        let limits = Limits {
            max_journal_bytes_per_job: limit,
            ..Limits::default()
        };
        let host = Host { limits, ..host() };
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let witness = Witness(Arc::clone(&heard)).start();
        let link = host.link.clone();
        for address in [Address::Balancer, Address::Directory] {
            link.register_forever(address, witness.clone().recipient());
        }
        let (_, journal) = proxy_with_a_job(host).await;
        let full = JobState::Failed(JobError::JournalFull { limit });
        assert_eq!(journal.state(), full);
        // What was sent before is handled before.
        let message = BalancerMessage::Members(Vec::new()).into();
        let last = Letter {
            message,
            incarnation: None,
        };
        witness.send(last).await.unwrap();
        let heard = heard.lock().unwrap();
        assert_eq!(heard[..2], ["Directory(Release", "Balancer(Forget"]);
        assert_eq!(heard.len(), 3, "{heard:?}");
    });
}

/// As long as the journal lives: what it counts is what it takes.
#[test]
fn a_task_of_another_process_keeps_nothing_of_what_it_came_in() {
    System::new().block_on(async {
        for (node, copied) in [(NODE, false), (NodeId(4), true)] {
            let host = host();
            let link = host.link.clone();
            let (proxy, journal) = proxy_with_a_job(host).await;
            let job = journal.job();
            let epoch = crate::id::Epoch(1);
            let team = TeamId { job, epoch };
            let leader = Origin { node, ..origin(1) };
            let origin = Some(leader);
            link.send(Address::Proxy, ProxyMessage::LeaderPlaced { job, origin });
            link.send(Address::Proxy, ProxyMessage::EpochGranted { job, epoch });
            let came = Bytes::from(vec![7; 100_000]);
            let mut first = record(1, 1);
            first.task.body = came.slice(5000..7000);
            link.send(Address::Proxy, commit(team, first));
            // What was sent before is handled before.
            let other = JobId::new(uuid::Uuid::nil());
            proxy.send(Cancel(other)).await.unwrap();
            let mut events = (0..*journal.watch().borrow()).filter_map(|at| journal.event(at));
            let task = events.find_map(|(_, event)| match event.what {
                What::Round { task, .. } => Some(task.body),
                _ => None,
            });
            let task = task.unwrap();
            assert_eq!(task, came.slice(5000..7000));
            let is_part = came.as_ptr_range().contains(&task.as_ptr());
            assert_eq!(is_part, !copied, "led at {node}");
        }
    });
}
