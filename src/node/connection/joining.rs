//! The way into a session: what the handshake leads to, and the session it opens.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tracing::warn;

use super::{Connection, Phase};
use crate::node::realm::log_joined;
use crate::protocol::Message;
use crate::protocol::message::Abort;
use crate::router::{Joining, Step, Transport};
use crate::transport::CloseCode;

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) fn handle_step(&mut self, step: Step) {
        match step {
            Step::Join(joining) => self.join(&joining),
            Step::Challenge(challenge) => self.say(&(*challenge).into()),
            Step::Refuse(abort) | Step::Deny(abort) => self.refuse(&abort),
            Step::Close => self.close(CloseCode::Normal, "goodbye"),
        }
    }

    fn join(&mut self, joining: &Joining) {
        let protocol = self.wire.protocol();
        self.outbox.set_framing(self.wire.framing());
        let transport = Transport {
            kind: self.wire.kind(),
            protocol,
            peer: self.arrival.peer.to_string().into(),
            is_local: self.arrival.peer.is_local(),
        };
        match (self.router).join(joining, transport, Arc::clone(&self.outbox)) {
            Ok((realm, session)) => {
                log_joined(session, joining, self.arrival.peer, protocol);
                self.wire
                    .set_message_bytes_max(self.router.limits().message_bytes);
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

    /// Says something to a client that is in no session.
    fn say(&mut self, message: &Message) {
        let encoded = self.wire.serializer().encode(message);
        self.push(message, encoded);
    }
}
