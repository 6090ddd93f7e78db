use std::sync::Mutex;

use actix::{Addr, System};
use tokio::sync::watch;

use super::*;
use crate::catalog::Catalog;
use crate::clock::StoppedClock;
use crate::job::JobOptions;
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
        for (round, answered, further) in [
            (1, 4, 1),
            (1, 3, 1),
            (1, 4, 1),
            (1, 5, 2),
            (2, 1, 3),
            (1, 9, 3),
        ] {
            told(progressed(round, answered)).await;
            assert_eq!(*journal.watch().borrow(), written + further);
        }
    });
}
