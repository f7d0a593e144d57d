//! How sessions end: on their own, killed, or because the realm goes down. There is one way out.

use std::time::Instant;

use bytestring::ByteString;

use super::context::Happening;
use super::deadlines::Due;
use super::identity::Identity;
use super::meta::Farewell;
use super::output::{End, Output};
use super::realm::{Phase, Realm};
use crate::protocol::message::Goodbye;
use crate::protocol::{GoodbyeDetails, Message, SessionId, Uri, uris};

/// How a session goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Its testaments are published, and subscribers to meta events told.
    Openly,
    /// Neither; what it held still goes as it always does.
    Quietly,
}

impl Realm {
    /// Takes what was on its way when the router said GOODBYE: only GOODBYE and ABORT still count.
    pub(super) fn handle_message_after_goodbye(&mut self, from: SessionId, message: &Message) {
        if matches!(message, Message::Goodbye(_) | Message::Abort(_)) {
            self.forget_dismissed(from);
        }
    }

    pub(super) fn forget_dismissed(&mut self, session: SessionId) {
        if let Some((due, end)) = self.dismissed.swap_remove(&session) {
            self.context.deadlines.remove(due, Due::Goodbye(session));
            self.context.outputs.push_back(Output::End { session, end });
        }
    }

    /// Ends a session on its own doing.
    pub(super) fn end(&mut self, now: Instant, session: SessionId, end: End) {
        self.take_out(now, session, Manner::Openly);
        self.context.outputs.push_back(Output::End { session, end });
    }

    /// Takes a session out, and everything it held: the one way out.
    pub(super) fn take_out(&mut self, now: Instant, id: SessionId, manner: Manner) {
        let Some(session) = self.context.sessions.get_mut(&id) else {
            return;
        };
        let testaments = session.take_testaments();
        if let Some(undecided) = session.take_undecided() {
            self.withdraw_question(&undecided);
        }
        let Some(session) = self.context.sessions.get_mut(&id) else {
            return;
        };
        for subscription in std::mem::take(&mut session.subscriptions) {
            let context = &mut self.context;
            self.broker.remove_subscriber(context, subscription, id);
        }
        if manner == Manner::Openly {
            // order: while it is still known who the session is, and before anybody hears that it has left.
            for (testament, said) in testaments.into_publications() {
                if let Some(said) = said
                    && let Some(session) = self.context.sessions.get_mut(&id)
                {
                    session.rare_mut().said = vec![said];
                }
                let published = self.broker.publish(&mut self.context, now, id, &testament);
                // One that is refused by now is so in silence, as any publication that asks for no answer.
                if let Err(refusal) = published {
                    self.context.drop_publish(id, refusal);
                }
            }
        }
        let Some(session) = self.context.sessions.swap_remove(&id) else {
            return;
        };
        let context = &mut self.context;
        context.remark_dropped_publishes(id, &session);
        for &registration in &session.registrations {
            self.dealer.remove_callee(context, registration, id);
        }
        let (calls, invocations) = (session.calls, session.invocations);
        self.dealer.drop_caller(context, calls.into_values());
        self.dealer.drop_callee(context, invocations.into_values());
        for uri in self.definitions.remove_all_of(id) {
            context.tell(Happening::Undefined(id, uri));
        }
        match manner {
            Manner::Openly => context.tell(Happening::Left(id, Box::new(session.identity))),
            Manner::Quietly => {}
        }
    }

    /// Ends the sessions of those who may not be here any more, and says how many. Cost: O(sessions).
    pub fn handle_expulsion(
        &mut self,
        now: Instant,
        is_unwanted: impl Fn(&Identity) -> bool,
    ) -> usize {
        let unwanted = self.sessions_where(|_, session| is_unwanted(&session.identity));
        let farewell = Farewell {
            reason: uris::KILLED,
            message: Some(ByteString::from_static(
                "who this session belongs to may not sign in any more, or has another role",
            )),
        };
        for &session in &unwanted {
            self.kill(now, session, &farewell);
        }
        self.settle(now);
        unwanted.len()
    }

    /// Ends a session because another asked for it. Spec: ap#session-metapi.
    pub(super) fn kill(&mut self, now: Instant, victim: SessionId, farewell: &Farewell) {
        self.context.send(victim, farewell.goodbye());
        self.take_out(now, victim, Manner::Openly);
        self.dismiss(now, victim, End::Killed);
    }

    /// Ends sessions without meta events of sessions and without testaments. Spec: ap#session-metapi, `kill_all`.
    pub(super) fn kill_quietly(
        &mut self,
        now: Instant,
        victims: &[SessionId],
        farewell: &Farewell,
    ) {
        let message = farewell.goodbye().into();
        for &victim in victims {
            self.take_out(now, victim, Manner::Quietly);
            self.dismiss(now, victim, End::Killed);
        }
        self.send_many(victims.to_vec(), message);
    }

    /// Gives a session that was told GOODBYE its time to answer.
    fn dismiss(&mut self, now: Instant, session: SessionId, end: End) {
        let due = now + self.context.limits.goodbye_time;
        self.dismissed.insert(session, (due, end));
        self.context.deadlines.insert(due, Due::Goodbye(session));
    }

    pub(super) fn dismiss_all_if_drained(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Draining(_)) && self.dealer.calls.len() == 0 {
            self.dismiss_all(now);
        }
    }

    /// Says GOODBYE to everybody. spec(bp#session-closing): nothing follows it, so calls still on their way end here.
    pub(super) fn dismiss_all(&mut self, now: Instant) {
        self.publish_happenings();
        self.dealer.cancel_all(&mut self.context);
        self.phase = Phase::Down;
        let everybody: Vec<SessionId> = self.context.sessions.keys().copied().collect();
        for &session in &everybody {
            self.take_out(now, session, Manner::Quietly);
            self.dismiss(now, session, End::Dismissed);
        }
        // Nobody is left to hear of it.
        self.context.happenings.clear();
        self.send_many(everybody, goodbye(uris::SYSTEM_SHUTDOWN).into());
    }

    fn send_many(&mut self, to: Vec<SessionId>, message: Message) {
        if !to.is_empty() {
            let output = Output::SendMany { to, message };
            self.context.outputs.push_back(output);
        }
    }
}

pub(super) fn goodbye(reason: Uri) -> Goodbye {
    Goodbye {
        details: GoodbyeDetails::default(),
        reason,
    }
}
