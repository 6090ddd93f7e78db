//! What the tests of clusters share.

use std::time::Duration;

use futures_util::StreamExt;
use lapin::options::{BasicGetOptions, QueueDeleteOptions};
use msvpu_actors::{
    BrokerCounters, ClusterBuilder, CompletionOf, Job, JobError, JobState, Node, NodeBuilder,
    NodeList, Program, Progress, QueueCounters, Round, VirtualMachine,
};

pub(crate) use crate::broker::leavings::connection;
use crate::broker::leavings::{assert_gone, is_there};
use crate::broker::shared;
use crate::programs::Sum;
use crate::work::Work;

/// Nodes are lost sooner than by default.
pub(crate) const LEASE: Duration = Duration::from_secs(1);

/// Nothing may hang: a test that waits longer than this has failed.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(150), what)
        .await
        .expect("still not there after minutes")
}

/// Waits for counters, which tell nobody when they change.
pub(crate) async fn until(what: &str, mut fits: impl FnMut() -> bool) {
    let mut looks = tokio::time::interval(Duration::from_millis(5));
    let looking = async {
        while !fits() {
            looks.tick().await;
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(60), looking).await;
    assert!(found.is_ok(), "{what}: not after a minute");
}

/// The machine of one test: its name on a broker.
pub(crate) struct Cluster {
    pub(crate) url: String,
    pub(crate) vm: String,
}

impl Cluster {
    /// On the broker that tests share.
    pub(crate) fn new(test: &str) -> Self {
        Self::on(&shared(), test)
    }

    pub(crate) fn on(url: &str, test: &str) -> Self {
        let _ = env_logger::builder().is_test(true).try_init();
        Self {
            url: url.to_owned(),
            // Others may use the broker at the same time.
            vm: format!("{test}-{}", std::process::id()),
        }
    }

    pub(crate) fn head(&self) -> ClusterBuilder {
        VirtualMachine::cluster(&self.url)
            .vm(&self.vm)
            .workers(1)
            .lease(LEASE)
            // Each node gets its share, however busy the machine is.
            .strategy("uniform")
            .service::<Sum>()
            .service::<Work>()
    }

    pub(crate) fn node(&self, name: &str) -> NodeBuilder {
        Node::join(&self.url)
            .vm(&self.vm)
            .name(name)
            .cpus(1)
            .lease(LEASE)
            .service::<Sum>()
            .service::<Work>()
    }

    pub(crate) fn list(&self) -> NodeList {
        NodeList::at(&self.url).vm(&self.vm)
    }

    /// A head and nodes of one CPU each, all of which it knows.
    pub(crate) async fn start<const N: usize>(&self) -> (VirtualMachine, [Node; N]) {
        let head = soon(self.head().start()).await.unwrap();
        let nodes = self.nodes().await;
        soon(head.nodes_are(|nodes| computing(nodes) == N)).await;
        (head, nodes)
    }

    pub(crate) async fn nodes<const N: usize>(&self) -> [Node; N] {
        let names = std::array::from_fn::<_, N, _>(|index| format!("node-{index}"));
        let mut nodes = Vec::new();
        for name in names {
            nodes.push(soon(self.node(&name).start()).await.unwrap());
        }
        nodes.try_into().unwrap()
    }

    /// Ends all of it, and sees that nothing is left on the broker.
    pub(crate) async fn end(self, head: VirtualMachine, nodes: impl IntoIterator<Item = Node>) {
        let counters = head.counters();
        assert_eq!((counters.misdirected, counters.strangers), (0, 0));
        soon(head.shutdown()).await;
        for node in nodes {
            let counters = node.counters();
            assert_eq!((counters.misdirected, counters.strangers), (0, 0));
            soon(node.shutdown()).await;
        }
        soon(self.assert_gone()).await;
    }

    /// Takes the unreadable messages that are kept, so many and no more, and removes their queue,
    /// which outlives the machine. Returns the length of the longest.
    pub(crate) async fn exhume(&self, messages: u64) -> usize {
        let connection = connection(&self.url).await;
        let exchange = format!("msvpu.{}", self.vm);
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        while !is_there(&connection, &exchange, Some("dead")).await {
            looks.tick().await;
        }
        let channel = connection.create_channel().await.unwrap();
        let queue = || format!("{exchange}.dead").into();
        let (mut longest, mut kept) = (0, 0);
        while kept < messages {
            let got = channel.basic_get(queue(), BasicGetOptions { no_ack: true });
            match soon(got).await.unwrap() {
                Some(message) => {
                    longest = longest.max(message.data.len());
                    kept += 1;
                }
                None => tokio::task::yield_now().await,
            }
        }
        let deleted = channel.queue_delete(queue(), QueueDeleteOptions::default());
        assert_eq!(deleted.await.unwrap(), 0, "and nothing else");
        connection.close(200, "OK".into()).await.unwrap();
        longest
    }

    /// Waits until the machine has nothing on the broker any more.
    pub(crate) async fn assert_gone(&self) {
        assert_gone(&self.url, &self.vm).await;
    }
}

/// How many nodes there are that run MsVPUs.
pub(crate) fn computing(nodes: &[msvpu_actors::NodeStatus]) -> usize {
    nodes
        .iter()
        .filter(|node| node.cpus > 0 && node.performance_index.is_some())
        .count()
}

/// All that a job gives.
pub(crate) struct Outcome<P: Program> {
    pub(crate) result: CompletionOf<P>,
    pub(crate) trace: Vec<(Round, P::Task)>,
}

pub(crate) async fn outcome<P: Program>(job: Job<P>) -> Result<Outcome<P>, JobError> {
    let mut trace = Vec::new();
    let mut progress = job.progress();
    while let Some(event) = progress.next().await {
        if let Progress::Round { round, task, .. } = event? {
            trace.push((round, task));
        }
    }
    let result = job.await?;
    Ok(Outcome { result, trace })
}

/// What a machine of one process makes of it.
pub(crate) async fn local<P: Program>(program: P, input: P::Input) -> Outcome<P> {
    let machine = VirtualMachine::local().workers(1).service::<P>();
    let machine = machine.start().await.unwrap();
    let job = machine.submit(program, input).await.unwrap();
    let outcome = soon(outcome(job)).await.unwrap();
    machine.shutdown().await;
    outcome
}

/// The job gives all that it gives in one process, bit by bit.
pub(crate) async fn assert_equal<P>(job: Job<P>, program: P, input: P::Input)
where
    P: Program,
    P::Task: PartialEq + std::fmt::Debug,
    P::Output: PartialEq + std::fmt::Debug,
    P::TileOutput: PartialEq,
{
    let expected = local(program, input).await;
    let got = soon(outcome(job)).await.unwrap();
    assert_eq!(got.trace, expected.trace);
    assert_eq!(got.result.output, expected.result.output);
    assert_eq!(got.result.tiles.len(), expected.result.tiles.len());
    for (rank, (got, expected)) in got
        .result
        .tiles
        .iter()
        .zip(&expected.result.tiles)
        .enumerate()
    {
        assert!(got == expected, "tile {rank} differs");
    }
}

/// Waits until the job is in a state that fits.
pub(crate) async fn state_is<P: Program>(job: &Job<P>, mut fits: impl FnMut(&JobState) -> bool) {
    let mut progress = job.progress();
    while let Some(event) = progress.next().await {
        if let Progress::State { state, .. } = event.unwrap()
            && fits(&state)
        {
            return;
        }
    }
    panic!("it ended as {}", job.state());
}

/// A counter over the queues of all kinds.
pub(crate) fn total(counters: &BrokerCounters, of: impl Fn(&QueueCounters) -> u64) -> u64 {
    let BrokerCounters {
        control,
        data,
        tasks,
        results,
        ..
    } = counters;
    [control, data, tasks, results].into_iter().map(of).sum()
}
