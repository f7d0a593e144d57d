//! The way into a session: what the handshake leads to, and the session it opens.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tracing::warn;

use super::pace::Pace;
use super::{Connection, Phase};
use crate::node::clock::now;
use crate::node::realm::log_joined;
use crate::protocol::Message;
use crate::protocol::message::Abort;
use crate::router::{Joining, Step, Transport};
use crate::transport::{CloseCode, network};

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) fn handle_step(&mut self, step: Step) {
        match step {
            Step::Join(joining) => self.join(&joining),
            Step::Challenge(_) | Step::Ask(_) => self.take_turn(step),
            Step::Refuse(abort) => self.refuse(&abort),
            Step::Deny(abort) => self.deny(&abort),
            Step::Close => self.close(CloseCode::Normal, "goodbye"),
        }
    }

    /// Over what the client has come.
    pub(super) fn transport(&self) -> Transport {
        Transport {
            kind: self.wire.kind(),
            protocol: self.wire.protocol(),
            peer: self.arrival.peer.to_string().into(),
            is_local: self.arrival.peer.is_local(),
        }
    }

    fn join(&mut self, joining: &Joining) {
        let protocol = self.wire.protocol();
        self.outbox.set_framing(self.wire.framing());
        let transport = self.transport();
        let peer = self.arrival.peer;
        let ip = peer.ip().filter(|_| !peer.is_local());
        let outbox = Arc::clone(&self.outbox);
        match (self.router).join(joining, transport, ip.map(network), outbox) {
            Ok((realm, session, bounds)) => {
                if let Some(token) = self.arrival.cookie {
                    self.router.remember(token, joining);
                }
                log_joined(session, joining, self.arrival.peer, protocol);
                self.pace = Pace::new(bounds.messages);
                self.limits = bounds.limits;
                self.wire.set_message_bytes_max(self.limits.message_bytes);
                self.phase = Phase::Joined {
                    realm,
                    session,
                    is_fresh: true,
                };
            }
            Err(abort) => self.refuse(&abort),
        }
    }

    pub(super) fn refuse(&mut self, abort: &Abort) {
        let message = abort.details.message.as_deref().unwrap_or_default();
        warn!(peer = %self.arrival.peer, reason = abort.reason.as_str(), "refused to join: {message}");
        self.say(&abort.clone().into());
        self.close(CloseCode::Normal, "refused to join");
    }

    /// Counts a failed try, and refuses.
    fn deny(&mut self, abort: &Abort) {
        let failed = self
            .router
            .tries()
            .lock()
            .fail(now(), self.arrival.peer.ip());
        warn!(peer = %self.arrival.peer, from_this_address = failed.count, total = failed.total, "a failed try to sign in");
        self.refuse(abort);
    }

    /// Says something to a client that is in no session.
    pub(super) fn say(&mut self, message: &Message) {
        let encoded = self.wire.serializer().encode(message);
        self.push(message, encoded);
    }
}
