//! What the MsVPUs answer.

use std::time::Duration;

use actix::Context;

use super::TeamLeader;
use crate::core::answer::Answer;
use crate::core::team::{Effect, Event};
use crate::id::Origin;

impl TeamLeader {
    /// The answers of one node, which have come together; `sent` by its clock.
    pub(super) fn take(
        &mut self,
        origin: Origin,
        sent: Duration,
        answers: Vec<Answer>,
        context: &Context<Self>,
    ) {
        let (team, now) = (self.team, self.host.clock.now());
        let (came, ended) = (answers.len(), self.core.has_ended());
        let answered = Event::Answered {
            origin,
            sent,
            answers,
        };
        let effects = self.core.step(answered, now);
        let dropped = |effect: &&Effect| matches!(effect, Effect::Drop(_));
        if !ended && effects.iter().filter(dropped).count() < came {
            let link = &self.host.link;
            link.audit(|audit| audit.takes_answers(team, origin));
        }
        for effect in effects {
            self.perform(effect, context);
        }
        self.tell_times(now);
        self.tell_tiles();
    }
}
