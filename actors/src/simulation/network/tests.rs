use actix::{Actor, Context, Handler, System};

use super::*;
use crate::id::{Incarnation, JobId, Origin, Rank, TeamId};
use crate::link::Letter;
use crate::message::Address;
use crate::payload::Payload;

const RECEIVER: usize = 3;

/// Three nodes without latency; the first has a line of 1 KB/s, the others of 1 MB/s. What comes to
/// the last finds no mailbox, and is counted.
struct Star {
    timeline: Arc<Timeline>,
    network: Arc<Network>,
    receiver: Link,
}

impl Star {
    fn new(jitter: f64, latency: Duration) -> Self {
        let node = |bandwidth| NodeSpec {
            name: String::new(),
            cpus: 1,
            speed: 1.0,
            latency,
            bandwidth,
        };
        let communication = Communication {
            name: "none".to_owned(),
            envelope_bytes: 0.0,
            expansion: 1.0,
            handling: Duration::ZERO,
            migration_bytes: 0.0,
        };
        let timeline = Arc::new(Timeline::new(RECEIVER + 1));
        let network = Arc::new(Network::new(
            Arc::clone(&timeline),
            communication,
            jitter,
            &[node(8e3), node(8e6), node(8e6)],
            Random::new(1),
        ));
        let receiver = Link::local(origin(RECEIVER as u32));
        network.connect(RECEIVER, receiver.clone());
        Self {
            timeline,
            network,
            receiver,
        }
    }

    /// Some 1000 bytes from a node to the last one.
    fn send(&self, from: usize, sequence: u64) {
        let tile = SupervisorMessage::Tile {
            team: TeamId {
                job: JobId::new(uuid::Uuid::nil()),
                epoch: crate::id::Epoch(1),
            },
            rank: Rank(sequence as u32),
            tile: Payload {
                head: vec![0; 1000].into(),
                ..Payload::default()
            },
            complexity: 0.0,
        };
        let envelope = Envelope {
            from: origin(from as u32),
            sequence,
            to: Address::Supervisor(NodeId(RECEIVER as u32)),
            incarnation: None,
            message: tile.into(),
        };
        let process = self.timeline.process(from);
        self.network.send(process, RECEIVER, envelope);
    }

    /// When each message came, in milliseconds.
    fn arrivals(&self) -> Vec<u128> {
        let came = || {
            let counters = self.receiver.counters();
            counters.undeliverable + counters.repeated
        };
        let mut arrivals = Vec::new();
        while let Some(action) = self.timeline.next() {
            let before = came();
            action();
            if came() > before {
                arrivals.push(self.timeline.now().as_millis());
            }
        }
        arrivals
    }
}

fn origin(node: u32) -> Origin {
    Origin {
        node: NodeId(node),
        incarnation: Incarnation(1),
    }
}

#[test]
fn who_sends_slowly_holds_up_nobody_on_a_line_that_is_idle() {
    let star = Star::new(0.0, Duration::ZERO);
    star.send(1, 1);
    star.send(2, 1);
    star.send(2, 2);
    let arrivals = star.arrivals();
    assert_eq!(arrivals.len(), 3);
    // 1 ms up and 1 ms down; the second follows at once; 1 s up.
    assert!((2..4).contains(&arrivals[0]), "{arrivals:?}");
    assert!((3..5).contains(&arrivals[1]), "{arrivals:?}");
    assert!((1000..1100).contains(&arrivals[2]), "{arrivals:?}");
}

/// Writes down which tiles come, in their order.
struct Witness(Arc<Mutex<Vec<u32>>>);

impl Actor for Witness {
    type Context = Context<Self>;
}

impl Handler<Letter> for Witness {
    type Result = ();

    fn handle(&mut self, Letter { message, .. }: Letter, _: &mut Self::Context) {
        if let Message::Supervisor(SupervisorMessage::Tile { rank, .. }) = message {
            self.0.lock().unwrap().push(rank.0);
        }
    }
}

#[test]
fn a_connection_keeps_its_order_though_latencies_differ() {
    System::new().block_on(async {
        let star = Star::new(10.0, Duration::from_millis(100));
        let came = Arc::<Mutex<Vec<u32>>>::default();
        let witness = Witness(Arc::clone(&came)).start();
        let address = Address::Supervisor(NodeId(RECEIVER as u32));
        star.receiver.register_forever(address, witness.recipient());
        for sequence in 1..=50 {
            star.send(2, sequence);
        }
        while let Some(action) = star.timeline.next() {
            action();
        }
        while came.lock().unwrap().len() < 50 {
            tokio::task::yield_now().await;
        }
        assert!(came.lock().unwrap().is_sorted());
    });
}

#[test]
fn a_line_that_two_faults_cut_passes_messages_when_both_are_over() {
    let star = Star::new(0.0, Duration::ZERO);
    let came = |star: &Star, sequence| {
        star.send(2, sequence);
        !star.arrivals().is_empty()
    };
    star.network.cut(2, Direction::Both);
    star.network.cut(2, Direction::Out);
    assert!(!came(&star, 1));
    star.network.heal(2, Direction::Both);
    assert!(!came(&star, 2), "the other is still there");
    star.network.heal(2, Direction::Out);
    assert!(came(&star, 3));
}
