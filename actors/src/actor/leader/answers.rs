//! What the MsVPUs answer.

use std::time::Duration;

use actix::Context;

use super::TeamLeader;
use crate::core::team::{Effect, Event};
use crate::id::Origin;
use crate::message::Answer;

impl TeamLeader {
    /// The answers of one node, which have come together; `sent` by its clock.
    pub(super) fn take(
        &mut self,
        of: Origin,
        sent: Duration,
        answers: Vec<Answer>,
        context: &Context<Self>,
    ) {
        let (team, now) = (self.team, self.host.clock.now());
        for answer in answers {
            let ended = self.core.has_ended();
            let spent = answer.effort.map(|effort| effort.sent(sent));
            let Answer { rank, stage, .. } = answer;
            let event = Event::Answered(of, rank, stage, answer.payload, spent);
            let effects = self.core.step(event, now);
            let dropped = |effect: &Effect| matches!(effect, Effect::Drop(_));
            if !ended && !effects.iter().any(dropped) {
                self.host.link.audit(|audit| audit.takes_answer(team, of));
            }
            for effect in effects {
                self.perform(effect, context);
            }
        }
        self.tell_times(now);
        self.tell_tiles();
    }
}
