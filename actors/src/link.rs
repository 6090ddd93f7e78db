//! How a message finds its mailbox; the only place that knows whether the way is local.

pub(crate) mod audit;
mod tally;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Handler, Recipient};
use dashmap::DashMap;

use crate::core::dedupe::Window;
use crate::id::{Incarnation, NodeId, Origin};
use crate::message::queue::Queue;
use crate::message::{Address, Envelope, Message, SupervisorMessage};

use audit::Audit;
pub use tally::Counters;
pub(crate) use tally::Tally;
use tally::count;

/// A message in a mailbox.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) message: Message,
    /// The only incarnation of the receiver that it is for. To be looked at when the message is
    /// taken up: the node may have joined anew since it arrived.
    pub(crate) incarnation: Option<Incarnation>,
}

impl actix::Message for Letter {
    type Result = ();
}

/// The way to other nodes. May lose, repeat, delay and reorder; must not alter.
pub(crate) trait Transport: Send + Sync {
    /// Sends to the node where the envelope's address is.
    fn send(&self, to: NodeId, envelope: Envelope);
}

/// What one node knows of its exchange with the others, and when it last had to do with each.
#[derive(Default)]
struct Exchange {
    now: Duration,
    swept: Duration,
    sent: BTreeMap<(NodeId, Queue), (u64, Duration)>,
    /// No receiver that is forgotten was sent a higher number: who is met again is counted on from
    /// here, because it may remember.
    highest_forgotten: u64,
    seen: BTreeMap<(Origin, Queue), (Window, Duration)>,
}

impl Exchange {
    /// Each queue has numbers of its own: what comes through one may overtake any number of messages
    /// in another, and they would be taken for repetitions.
    fn number(&mut self, to: (NodeId, Queue)) -> u64 {
        let first = (self.highest_forgotten, self.now);
        let (sent, at) = self.sent.entry(to).or_insert(first);
        *at = self.now;
        *sent += 1;
        *sent
    }

    fn is_new(&mut self, from: (Origin, Queue), sequence: u64) -> bool {
        let (window, at) = self.seen.entry(from).or_default();
        *at = self.now;
        window.take(sequence)
    }

    fn forget_silent(&mut self, now: Duration, memory: Duration) {
        self.now = now;
        if now.saturating_sub(self.swept) < memory / 4 {
            return;
        }
        self.swept = now;
        let silent = |at: &Duration| now.saturating_sub(*at) > memory;
        let highest = &mut self.highest_forgotten;
        self.sent.retain(|_, (sent, at)| {
            let silent = silent(at);
            if silent {
                *highest = (*highest).max(*sent);
            }
            !silent
        });
        self.seen.retain(|_, (_, at)| !silent(at));
    }
}

/// The way from one node to every mailbox of the machine. Cheap to clone; usable from every thread.
///
/// `do_send` is used here and nowhere else: it passes the mailbox's bound, which is safe because
/// the protocol bounds what is under way (a job has at most two unanswered messages per MsVPU, and
/// the number of jobs and MsVPUs is limited), and its silence is mended by the counters.
#[derive(Clone)]
pub(crate) struct Link {
    node: NodeId,
    /// Under which incarnation its process came up.
    process: Incarnation,
    /// Grows when the node was given up by the directory and joins anew.
    incarnation: Arc<AtomicU64>,
    head: NodeId,
    mailboxes: Arc<DashMap<Address, Recipient<Letter>>>,
    tally: Arc<Tally>,
    /// Where the nodes are simulated.
    audit: Option<Arc<Audit>>,
    exchange: Arc<Mutex<Exchange>>,
    /// `None` where the machine is one process.
    transport: Option<Arc<dyn Transport>>,
}

impl Link {
    /// The link of a machine that is one process.
    pub(crate) fn local(origin: Origin) -> Self {
        Self::new(origin, origin.node, None, Arc::default())
    }

    /// The link of one node; proxy, balancer and directory are at `head`. Links may share a tally.
    pub(crate) fn new(
        origin: Origin,
        head: NodeId,
        transport: Option<Arc<dyn Transport>>,
        tally: Arc<Tally>,
    ) -> Self {
        Self {
            node: origin.node,
            process: origin.incarnation,
            incarnation: Arc::new(AtomicU64::new(origin.incarnation.0)),
            head,
            mailboxes: Arc::default(),
            tally,
            audit: None,
            exchange: Arc::default(),
            transport,
        }
    }

    pub(crate) fn audited(self, audit: &Arc<Audit>) -> Self {
        Self {
            audit: Some(Arc::clone(audit)),
            ..self
        }
    }

    /// Puts something down where what is taken is audited.
    pub(crate) fn audit(&self, note: impl FnOnce(&Audit)) {
        if let Some(audit) = &self.audit {
            note(audit);
        }
    }

    /// The node, and under which incarnation it speaks.
    pub(crate) fn origin(&self) -> Origin {
        Origin {
            node: self.node,
            incarnation: Incarnation(self.incarnation.load(Ordering::Relaxed)),
        }
    }

    /// The incarnation under which the node's process came up.
    pub(crate) const fn process(&self) -> Incarnation {
        self.process
    }

    /// From now on the node speaks under this incarnation.
    pub(crate) fn reincarnate(&self, incarnation: Incarnation) {
        self.incarnation.store(incarnation.0, Ordering::Relaxed);
    }

    /// Makes a mailbox reachable until the registration is dropped.
    pub(crate) fn register(&self, address: Address, mailbox: Recipient<Letter>) -> Registration {
        self.register_forever(address, mailbox);
        Registration {
            link: self.clone(),
            address,
        }
    }

    /// Makes a mailbox reachable for the life of the node.
    pub(crate) fn register_forever(&self, address: Address, mailbox: Recipient<Letter>) {
        self.mailboxes.insert(address, mailbox);
    }

    /// Makes no mailbox of the node reachable any more.
    pub(crate) fn close(&self) {
        self.mailboxes.clear();
    }

    const fn node_of(&self, address: Address) -> NodeId {
        match address {
            Address::Proxy | Address::Balancer | Address::Directory => self.head,
            Address::Supervisor(node)
            | Address::Monitor(node)
            | Address::Leader(_, node)
            | Address::Observer(node) => node,
        }
    }

    pub(crate) fn send(&self, to: Address, message: impl Into<Message>) {
        self.post(to, None, message.into());
    }

    /// Gives an order to the supervisor of a node, under this incarnation and no other: a later one
    /// does not run what the order speaks of, and whoever gave it will learn of the loss.
    pub(crate) fn order(&self, to: Origin, order: SupervisorMessage) {
        let supervisor = Address::Supervisor(to.node);
        self.post(supervisor, Some(to.incarnation), order.into());
    }

    fn post(&self, to: Address, incarnation: Option<Incarnation>, message: Message) {
        let node = self.node_of(to);
        match &self.transport {
            Some(transport) if node != self.node => {
                let sequence = self.exchange().number((node, Queue::of(&message)));
                let envelope = Envelope {
                    from: self.origin(),
                    sequence,
                    to,
                    incarnation,
                    message,
                };
                transport.send(node, envelope);
            }
            _ => self.put(
                to,
                Letter {
                    message,
                    incarnation,
                },
            ),
        }
    }

    /// Takes in what another node has sent; what has come before is dropped. Tells whether it is new.
    pub(crate) fn deliver(&self, envelope: Envelope) -> bool {
        let through = Queue::of(&envelope.message);
        let from = (envelope.from, through);
        let is_new = self.exchange().is_new(from, envelope.sequence);
        if is_new {
            let letter = Letter {
                message: envelope.message,
                incarnation: envelope.incarnation,
            };
            self.put(envelope.to, letter);
        } else {
            count(&self.tally.repeated);
        }
        is_new
    }

    /// Forgets with whom nothing has been exchanged for `memory`. To be called now and then: what is
    /// exchanged counts as of the time of the call before.
    pub(crate) fn forget_silent(&self, now: Duration, memory: Duration) {
        self.exchange().forget_silent(now, memory);
    }

    fn exchange(&self) -> std::sync::MutexGuard<'_, Exchange> {
        // Numbers are counted up under the lock, and nothing else is done.
        self.exchange.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[allow(clippy::disallowed_methods)]
    fn put(&self, to: Address, letter: Letter) {
        match self.mailboxes.get(&to) {
            Some(mailbox) if mailbox.connected() => {
                mailbox.do_send(letter);
                count(&self.tally.sent);
            }
            _ => self.lose(&to),
        }
    }

    /// Sends to an actor of this process.
    #[allow(clippy::disallowed_methods)]
    pub(crate) fn tell<A, M>(&self, actor: &Addr<A>, message: M)
    where
        A: Actor + Handler<M>,
        A::Context: ToEnvelope<A, M>,
        M: actix::Message<Result = ()> + Send + 'static,
    {
        if actor.connected() {
            actor.do_send(message);
            count(&self.tally.sent);
        } else {
            self.lose(&std::any::type_name::<A>());
        }
    }

    fn lose(&self, what: &dyn std::fmt::Debug) {
        count(&self.tally.undeliverable);
        log::trace!("undeliverable, its mailbox is gone: {what:?}");
    }

    /// Counts a message for something that this node does not run.
    pub(crate) fn undeliverable(&self, what: &dyn std::fmt::Debug) {
        self.lose(what);
    }

    /// Counts a message that came to an actor which does not understand it.
    pub(crate) fn misdirected(&self, message: &Message) {
        count(&self.tally.misdirected);
        log::error!("misdirected: {message:?}");
    }

    /// Counts what had come before, or late.
    pub(crate) fn duplicate(&self) {
        count(&self.tally.duplicates);
    }

    /// Counts what a replaced leader or a lost node still said, or was still told, or is said of what is
    /// elsewhere now.
    pub(crate) fn stale(&self) {
        count(&self.tally.stale);
    }

    /// Counts a result of an MsVPU whose place is elsewhere.
    pub(crate) fn stale_answer(&self) {
        self.stale();
        count(&self.tally.stale_answers);
    }

    /// Counts nodes whose lease has run out.
    pub(crate) fn given_up(&self, nodes: usize) {
        self.tally
            .given_up
            .fetch_add(nodes as u64, Ordering::Relaxed);
    }

    /// Counts an answer of a rank that the team does not have.
    pub(crate) fn stranger(&self) {
        count(&self.tally.strangers);
    }

    pub(crate) fn counters(&self) -> Counters {
        self.tally.counters()
    }

    /// Messages put into a mailbox so far.
    pub(crate) fn sent(&self) -> u64 {
        self.tally.sent()
    }
}

/// Keeps a mailbox reachable; an actor stops when nothing can reach it any more.
pub(crate) struct Registration {
    link: Link,
    address: Address,
}

impl Drop for Registration {
    fn drop(&mut self) {
        drop(self.link.mailboxes.remove(&self.address));
    }
}

#[cfg(test)]
mod tests;
