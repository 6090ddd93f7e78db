//! How a message finds its mailbox; the only place that knows whether the way is local.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Handler, Recipient};
use dashmap::DashMap;

use crate::id::Rank;
use crate::message::{Address, Message, MsvpuMessage, TeamId};

/// A message in a mailbox.
#[derive(Debug)]
pub(crate) struct Letter(pub(crate) Message);

impl actix::Message for Letter {
    type Result = ();
}

/// What the link has done so far; see [`Counters`].
#[derive(Debug, Default)]
struct Tally {
    sent: AtomicU64,
    undeliverable: AtomicU64,
    misdirected: AtomicU64,
    duplicates: AtomicU64,
    strangers: AtomicU64,
}

/// Message counts since the machine started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Messages put into a mailbox.
    pub sent: u64,
    /// Messages whose mailbox was gone; normal for what a cancelled step still answers.
    pub undeliverable: u64,
    /// Messages that the actor at their address does not understand; none in a healthy machine.
    pub misdirected: u64,
    /// Answers that had come before, or late.
    pub duplicates: u64,
    /// Answers of ranks that the team does not have; none in a healthy machine.
    pub strangers: u64,
}

/// Mailboxes of one node's share of a team.
struct LocalTeam {
    first_rank: u32,
    mailboxes: Vec<Recipient<Letter>>,
}

#[derive(Default)]
struct Mailboxes {
    single: DashMap<Address, Recipient<Letter>>,
    teams: DashMap<TeamId, LocalTeam>,
    tally: Tally,
}

/// The way to every mailbox of the machine. Cheap to clone; usable from every thread.
///
/// `do_send` is used here and nowhere else: it passes the mailbox's bound, which is safe because
/// the protocol bounds what is under way (a job has at most two unanswered messages per MsVPU, and
/// the number of jobs and MsVPUs is limited), and its silence is mended by the counters.
#[derive(Clone, Default)]
pub(crate) struct Link {
    mailboxes: Arc<Mailboxes>,
}

impl Link {
    /// Makes a mailbox reachable until the registration is dropped.
    pub(crate) fn register(&self, address: Address, mailbox: Recipient<Letter>) -> Registration {
        self.register_forever(address, mailbox);
        Registration {
            link: self.clone(),
            what: Registered::Single(address),
        }
    }

    /// Makes a mailbox reachable for the life of the machine.
    pub(crate) fn register_forever(&self, address: Address, mailbox: Recipient<Letter>) {
        self.mailboxes.single.insert(address, mailbox);
    }

    /// Makes this node's MsVPUs of a team reachable until the registration is dropped.
    pub(crate) fn register_team(
        &self,
        team: TeamId,
        first_rank: u32,
        mailboxes: Vec<Recipient<Letter>>,
    ) -> Registration {
        let local = LocalTeam {
            first_rank,
            mailboxes,
        };
        self.mailboxes.teams.insert(team, local);
        Registration {
            link: self.clone(),
            what: Registered::Team(team),
        }
    }

    pub(crate) fn send(&self, to: Address, message: impl Into<Message>) {
        match self.mailboxes.single.get(&to) {
            Some(mailbox) => self.put(&mailbox, message.into()),
            None => self.lose(&to),
        }
    }

    /// Sends to one MsVPU.
    pub(crate) fn send_rank(&self, team: TeamId, rank: Rank, message: MsvpuMessage) {
        let local = self.mailboxes.teams.get(&team);
        let mailbox = local.as_ref().and_then(|local| {
            let index = rank.0.checked_sub(local.first_rank)?;
            local.mailboxes.get(index as usize)
        });
        match mailbox {
            Some(mailbox) => self.put(mailbox, message.into()),
            None => self.lose(&(team, rank)),
        }
    }

    /// Sends to every MsVPU of a team.
    pub(crate) fn send_team(&self, team: TeamId, message: &MsvpuMessage) {
        match self.mailboxes.teams.get(&team) {
            Some(local) => {
                for mailbox in &local.mailboxes {
                    self.put(mailbox, message.clone().into());
                }
            }
            None => self.lose(&team),
        }
    }

    /// Tells an actor of this process that work it asked for is done.
    #[allow(clippy::disallowed_methods)]
    pub(crate) fn complete<A, M>(&self, actor: &Addr<A>, done: M)
    where
        A: Actor + Handler<M>,
        A::Context: ToEnvelope<A, M>,
        M: actix::Message<Result = ()> + Send + 'static,
    {
        if actor.connected() {
            actor.do_send(done);
        } else {
            self.lose(&std::any::type_name::<A>());
        }
    }

    #[allow(clippy::disallowed_methods)]
    fn put(&self, mailbox: &Recipient<Letter>, message: Message) {
        if mailbox.connected() {
            mailbox.do_send(Letter(message));
            count(&self.mailboxes.tally.sent);
        } else {
            self.lose(&message);
        }
    }

    fn lose(&self, what: &dyn std::fmt::Debug) {
        count(&self.mailboxes.tally.undeliverable);
        log::trace!("undeliverable, its mailbox is gone: {what:?}");
    }

    /// Counts a message that came to an actor which does not understand it.
    pub(crate) fn misdirected(&self, message: &Message) {
        count(&self.mailboxes.tally.misdirected);
        log::error!("misdirected: {message:?}");
    }

    /// Counts an answer that had come before, or late.
    pub(crate) fn duplicate(&self) {
        count(&self.mailboxes.tally.duplicates);
    }

    /// Counts an answer of a rank that the team does not have.
    pub(crate) fn stranger(&self) {
        count(&self.mailboxes.tally.strangers);
    }

    pub(crate) fn counters(&self) -> Counters {
        let tally = &self.mailboxes.tally;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            sent: read(&tally.sent),
            undeliverable: read(&tally.undeliverable),
            misdirected: read(&tally.misdirected),
            duplicates: read(&tally.duplicates),
            strangers: read(&tally.strangers),
        }
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Keeps a mailbox reachable; an actor stops when nothing can reach it any more.
pub(crate) struct Registration {
    link: Link,
    what: Registered,
}

enum Registered {
    Single(Address),
    Team(TeamId),
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mailboxes = &self.link.mailboxes;
        match &self.what {
            Registered::Single(address) => drop(mailboxes.single.remove(address)),
            Registered::Team(team) => drop(mailboxes.teams.remove(team)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Epoch, JobId, Round};
    use crate::message::{LeaderMessage, ProxyMessage};
    use actix::{Context, System};
    use uuid::Uuid;

    struct Nobody;

    impl Actor for Nobody {
        type Context = Context<Self>;
    }

    impl Handler<Letter> for Nobody {
        type Result = ();

        fn handle(&mut self, _: Letter, _: &mut Self::Context) {}
    }

    #[test]
    fn what_cannot_be_delivered_is_counted() {
        let link = Link::default();
        let team = TeamId {
            job: JobId::new(Uuid::from_u128(1)),
            epoch: Epoch(1),
        };
        let cancel = || LeaderMessage::Cancel;
        link.send(Address::Leader(team), cancel());
        assert_eq!(link.counters().undeliverable, 1, "nobody was ever there");
        System::new().block_on(async {
            let registration = link.register(Address::Leader(team), Nobody.start().recipient());
            link.send(Address::Leader(team), cancel());
            assert_eq!(link.counters().sent, 1);
            drop(registration);
            link.send(Address::Leader(team), cancel());
            assert_eq!(link.counters().undeliverable, 2, "its registration is gone");
            link.register_forever(Address::Proxy, Nobody.start().recipient());
        });
        let job = team.job;
        let granted = ProxyMessage::EpochGranted {
            job,
            epoch: Epoch(1),
        };
        link.send(Address::Proxy, granted);
        assert_eq!(link.counters().undeliverable, 3, "its event loop is gone");
        let task = MsvpuMessage::Task {
            round: Round(1),
            task: crate::payload::Payload::default(),
        };
        link.send_team(team, &task);
        link.send_rank(team, Rank(0), task);
        assert_eq!(link.counters().undeliverable, 5, "no such team");
        assert_eq!(link.counters().sent, 1);
    }
}
