//! A client that waits on its way into a session: it is not read from, and keeps nobody else waiting.

use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite};
use tracing::warn;

use super::{Connection, Phase};
use crate::node::clock::now;
use crate::protocol::message::Challenge;
use crate::router::{Handshake, denied_for_now};

/// What it waits for.
pub(super) enum Waiting {
    /// That its challenge may go out: somebody at its address has tried to be whom they are not.
    Turn {
        due: Instant,
        handshake: Handshake,
        challenge: Box<Challenge>,
    },
}

impl Waiting {
    /// When it has waited for long enough.
    pub(super) const fn until(&self) -> Instant {
        match self {
            Self::Turn { due, .. } => *due,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Sends a challenge, when its turn has come.
    pub(super) fn challenge(&mut self, challenge: Box<Challenge>) {
        let now = now();
        let wait = self.router.tries().lock().wait(now, self.peer.ip());
        match wait {
            Ok(Duration::ZERO) => self.say(&(*challenge).into()),
            Ok(wait) => {
                warn!(peer = %self.peer, "waits for {wait:?} to be challenged: there were failed tries from its address");
                let Phase::Joining { handshake, .. } = &mut self.phase else {
                    return;
                };
                let handshake = std::mem::take(handshake);
                self.phase = Phase::Waiting(Box::new(Waiting::Turn {
                    due: now + wait,
                    handshake,
                    challenge,
                }));
            }
            Err(wait) => self.refuse(&denied_for_now(wait)),
        }
    }

    /// Goes on with the handshake of whoever has waited for long enough.
    pub(super) fn go_on(&mut self) {
        let deadline = now() + self.router.limits().join_time;
        let joining = Phase::Joining {
            deadline,
            handshake: Handshake::default(),
        };
        match std::mem::replace(&mut self.phase, joining) {
            Phase::Waiting(waiting) => match *waiting {
                Waiting::Turn {
                    handshake,
                    challenge,
                    ..
                } => {
                    self.phase = Phase::Joining {
                        deadline,
                        handshake,
                    };
                    self.say(&(*challenge).into());
                }
            },
            other => self.phase = other,
        }
    }
}
