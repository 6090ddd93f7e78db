use actix::{Actor, Context, Handler, System};

use super::*;
use crate::id::{Incarnation, JobId, Origin, Rank, Round, TeamId};
use crate::job::JobState;
use crate::link::Letter;
use crate::message::{Address, DirectoryMessage, LeaderMessage, ProxyMessage};
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
        Self::with(jitter, latency, Duration::ZERO)
    }

    fn with(jitter: f64, latency: Duration, handling: Duration) -> Self {
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
            handling,
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
            team: team(),
            rank: Rank(sequence as u32),
            tile: Payload {
                head: vec![0; 1000].into(),
                ..Payload::default()
            },
            complexity: 0.0,
        };
        self.send_message(from, sequence, tile.into());
    }

    fn send_message(&self, from: usize, sequence: u64, message: Message) {
        let envelope = Envelope {
            from: origin(from as u32),
            sequence,
            to: Address::Supervisor(NodeId(RECEIVER as u32)),
            incarnation: None,
            message,
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
            action.happen();
            if came() > before {
                arrivals.push(self.timeline.now().as_millis());
            }
        }
        arrivals
    }
}

fn team() -> TeamId {
    TeamId {
        job: JobId::new(uuid::Uuid::nil()),
        epoch: crate::id::Epoch(1),
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

#[test]
fn what_is_control_for_the_broker_waits_for_no_tile_here() {
    let control: [Message; 5] = [
        LeaderMessage::Committed { sequence: 1 }.into(),
        ProxyMessage::LeaderStarted { team: team() }.into(),
        ProxyMessage::Stands {
            team: team(),
            number: 1,
            state: JobState::Pending,
        }
        .into(),
        ProxyMessage::Progressed {
            team: team(),
            round: Round(1),
            answered: 1,
            team_size: 2,
        }
        .into(),
        DirectoryMessage::Release { job: team().job }.into(),
    ];
    for message in control {
        let star = Star::new(0.0, Duration::ZERO);
        // A second of the line, up.
        star.send(1, 1);
        star.send_message(1, 1, message.clone());
        let arrivals = star.arrivals();
        assert_eq!(arrivals.len(), 2);
        assert!(arrivals[0] < 500, "{arrivals:?} for {message:?}");
    }
    let star = Star::new(0.0, Duration::ZERO);
    star.send(1, 1);
    star.send_message(1, 1, task(1));
    assert!(star.arrivals()[0] >= 1000, "a task goes with the data");
}

#[test]
fn handling_takes_its_time_for_one_message_after_the_other() {
    let handling = Duration::from_millis(10);
    let star = Star::with(0.0, Duration::ZERO, handling);
    for sequence in 1..=5 {
        star.send_message(2, sequence, task(sequence));
    }
    // Up, and the first one down.
    assert_eq!(star.arrivals(), [20, 30, 40, 50, 60]);
    let star = Star::with(0.0, Duration::ZERO, handling);
    for from in [0, 2] {
        star.send_message(from, 1, task(1));
    }
    assert_eq!(star.arrivals()[1], 30, "they meet at their receiver");
}

fn task(sequence: u64) -> Message {
    task_of(team(), sequence)
}

fn task_of(team: TeamId, sequence: u64) -> Message {
    let task = SupervisorMessage::Task {
        team,
        ranks: Rank(sequence as u32).into(),
        round: Round(1),
        task: Payload::default(),
    };
    task.into()
}

#[test]
fn jobs_take_turns_on_the_line_of_their_sender() {
    let star = Star::new(0.0, Duration::ZERO);
    // A second of the line each.
    for sequence in 1..=10 {
        star.send(1, sequence);
    }
    let other = TeamId {
        job: JobId::new(uuid::Uuid::from_u128(1)),
        ..team()
    };
    star.send_message(1, 11, task_of(other, 11));
    let arrivals = star.arrivals();
    assert_eq!(arrivals.len(), 11);
    let between = arrivals.windows(2).map(|pair| pair[1] - pair[0]);
    let short = between.clone().position(|pause| pause < 500);
    assert!(
        short < Some(2),
        "right after the first or the second: {arrivals:?}"
    );
    assert_eq!(between.filter(|pause| *pause < 500).count(), 1);
}

#[test]
fn what_waits_ends_with_the_process_that_sent_it() {
    let star = Star::new(0.0, Duration::ZERO);
    for sequence in 1..=3 {
        star.send(1, sequence);
    }
    star.network.disconnect(1);
    assert_eq!(star.arrivals().len(), 1, "the first is on its way");
}

/// Writes down which tiles and tasks come, in their order.
#[derive(Clone, Default)]
struct Came {
    tiles: Arc<Mutex<Vec<u32>>>,
    tasks: Arc<Mutex<Vec<u32>>>,
    /// Whether a task has overtaken a tile.
    overtaken: Arc<Mutex<bool>>,
}

struct Witness(Came);

impl Actor for Witness {
    type Context = Context<Self>;
}

impl Handler<Letter> for Witness {
    type Result = ();

    fn handle(&mut self, Letter { message, .. }: Letter, _: &mut Self::Context) {
        match message {
            Message::Supervisor(SupervisorMessage::Tile { rank, .. }) => {
                self.0.tiles.lock().unwrap().push(rank.0);
            }
            Message::Supervisor(SupervisorMessage::Task { ranks, .. }) => {
                let rank = ranks.iter().next().unwrap().0;
                let behind = !self.0.tiles.lock().unwrap().contains(&rank);
                *self.0.overtaken.lock().unwrap() |= behind;
                self.0.tasks.lock().unwrap().push(rank);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn each_queue_keeps_its_order_though_latencies_differ() {
    System::new().block_on(async {
        let star = Star::new(10.0, Duration::from_millis(100));
        let came = Came::default();
        let witness = Witness(came.clone()).start();
        let address = Address::Supervisor(NodeId(RECEIVER as u32));
        star.receiver.register_forever(address, witness.recipient());
        for sequence in 1..=50 {
            star.send(2, sequence);
            star.send_message(2, sequence, task(sequence));
        }
        while let Some(action) = star.timeline.next() {
            action.happen();
        }
        for queue in [&came.tiles, &came.tasks] {
            while queue.lock().unwrap().len() < 50 {
                tokio::task::yield_now().await;
            }
            assert!(queue.lock().unwrap().is_sorted());
        }
        assert!(
            *came.overtaken.lock().unwrap(),
            "none has overtaken another"
        );
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
