//! A client that waits on its way into a session: it is not read from, and keeps nobody else waiting.

use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite};
use tracing::warn;

use super::{Connection, Phase};
use crate::node::clock::now;
use crate::node::realm::Asking;
use crate::node::router::Router;
use crate::protocol::Message;
use crate::router::{Handshake, Question, Step, denied_for_now};

/// A handshake that waits.
pub(super) struct Waiting {
    handshake: Handshake,
    until: Instant,
    reason: Reason,
}

/// For what it waits.
enum Reason {
    /// That this may be done: somebody at its address has tried to be whom they are not.
    Turn(Step),
    /// What a procedure says.
    Answer(Asking),
}

impl Waiting {
    /// When it has waited for long enough.
    pub(super) const fn until(&self) -> Instant {
        self.until
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Takes a step when the turn of its address has come.
    pub(super) fn take_turn(&mut self, step: Step) {
        let now = now();
        let wait = self.router.tries().lock().wait(now, self.arrival.peer.ip());
        match wait {
            Ok(Duration::ZERO) => self.step_on(step),
            Ok(wait) => {
                warn!(peer = %self.arrival.peer, "waits for {wait:?}: tries to sign in have failed from its address");
                self.wait(now + wait, Reason::Turn(step));
            }
            Err(wait) => self.refuse(&denied_for_now(wait)),
        }
    }

    fn step_on(&mut self, step: Step) {
        match step {
            Step::Challenge(challenge) => self.say(&(*challenge).into()),
            Step::Ask(question) => self.ask(*question),
            other => self.handle_step(other),
        }
    }

    fn ask(&mut self, question: Question) {
        let limits = self.router.limits();
        // The realm answers in time; this is for one that does not any more.
        let until = now() + limits.authorization_time + limits.join_time;
        match self.router.ask(question, &self.transport()) {
            Some(asking) => self.wait(until, Reason::Answer(asking)),
            None => self.take_answer(None),
        }
    }

    fn wait(&mut self, until: Instant, reason: Reason) {
        if let Phase::Joining { handshake, .. } = &mut self.phase {
            let handshake = std::mem::take(handshake);
            self.phase = Phase::Waiting(Box::new(Waiting {
                handshake,
                until,
                reason,
            }));
        }
    }

    /// Goes on if what it waits for has been said; false where it has not.
    pub(super) fn poll_answer(&mut self, cx: &mut Context<'_>) -> bool {
        let Phase::Waiting(waiting) = &mut self.phase else {
            return false;
        };
        let Reason::Answer(asking) = &mut waiting.reason else {
            return false;
        };
        let Poll::Ready(answer) = asking.poll(cx) else {
            return false;
        };
        if let Some(Message::Error(error)) = &answer {
            let error = error.error.quoted();
            warn!(peer = %self.arrival.peer, "the authenticator answers with an error: {error}");
        }
        self.join_again();
        self.take_answer(answer);
        true
    }

    /// Goes on with the handshake of whoever has waited for long enough.
    pub(super) fn go_on(&mut self) {
        match self.join_again() {
            Some(Reason::Turn(step)) => self.step_on(step),
            Some(Reason::Answer(_)) => self.take_answer(None),
            None => {}
        }
    }

    fn take_answer(&mut self, answer: Option<Message>) {
        if let Phase::Joining { handshake, .. } = &mut self.phase {
            let step = Router::handle_answer(handshake, answer, self.arrival.channel.as_deref());
            self.handle_step(step);
        }
    }

    /// Ends the wait: the client has its time for the next message.
    fn join_again(&mut self) -> Option<Reason> {
        let joining = Phase::Joining {
            deadline: now() + self.router.limits().join_time,
            handshake: Handshake::default(),
        };
        match std::mem::replace(&mut self.phase, joining) {
            Phase::Waiting(waiting) => {
                if let Phase::Joining { handshake, .. } = &mut self.phase {
                    *handshake = waiting.handshake;
                }
                Some(waiting.reason)
            }
            other => {
                self.phase = other;
                None
            }
        }
    }
}
