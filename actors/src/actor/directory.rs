//! The directory (DF Ms): who is where, and which leader may speak.

use actix::{Actor, Context, Handler};

use crate::actor::Vital;
use crate::core::membership::Membership;
use crate::link::{Letter, Link};
use crate::message::{Address, BalancerMessage, DirectoryMessage, Message, ProxyMessage};

#[doc(alias = "DF Ms")]
pub(crate) struct Directory {
    link: Link,
    _vital: Vital,
    membership: Membership,
}

impl Directory {
    pub(crate) fn new(link: Link, vital: Vital) -> Self {
        Self {
            link,
            _vital: vital,
            membership: Membership::default(),
        }
    }
}

impl Actor for Directory {
    type Context = Context<Self>;
}

impl Handler<Letter> for Directory {
    type Result = ();

    fn handle(&mut self, Letter(message): Letter, _: &mut Self::Context) {
        let message = match message {
            Message::Directory(message) => message,
            other => return self.link.misdirected(&other),
        };
        match message {
            DirectoryMessage::Join(member) => {
                if self.membership.join(member) {
                    log::debug!("directory: node {} with {} CPUs", member.node, member.cpus);
                    let members = BalancerMessage::Members(self.membership.members());
                    self.link.send(Address::Balancer, members);
                }
            }
            DirectoryMessage::Grant { job } => {
                let epoch = self.membership.grant(job);
                log::debug!("job {job}: directory grants epoch {epoch}");
                self.link
                    .send(Address::Proxy, ProxyMessage::EpochGranted { job, epoch });
            }
            DirectoryMessage::Release { job } => self.membership.release(job),
        }
    }
}
