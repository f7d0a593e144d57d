//! The way into a session: what the handshake leads to, and the session it opens.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tracing::warn;

use super::pace::Pace;
use super::{Connection, Phase};
use crate::node::realm::log_joined;
use crate::protocol::Message;
use crate::protocol::message::Abort;
use crate::router::{Joining, Step, Transport};
use crate::transport::{CloseCode, network};

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) fn handle_step(&mut self, step: Step) {
        match step {
            Step::Join(joining) => self.join(&joining),
            Step::Challenge(challenge) => self.say(&(*challenge).into()),
            Step::Refuse(abort) => self.refuse(&abort),
            Step::Close => self.close(CloseCode::Normal, "goodbye"),
        }
    }

    fn join(&mut self, joining: &Joining) {
        let Some(realm) = self.router.realm(&joining.realm).map(Arc::clone) else {
            return;
        };
        let protocol = self.wire.protocol();
        self.outbox.set_framing(self.wire.framing());
        let transport = Transport {
            kind: self.wire.kind(),
            protocol,
            peer: self.peer.to_string().into(),
            is_local: self.peer.ip().to_canonical().is_loopback(),
        };
        let address = (!transport.is_local).then(|| network(self.peer.ip()));
        match realm.join(joining, transport, address, Arc::clone(&self.outbox)) {
            Ok((session, bounds)) => {
                log_joined(session, joining, self.peer, protocol);
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
        warn!(peer = %self.peer, reason = abort.reason.as_str(), "refused to join: {message}");
        self.say(&abort.clone().into());
        self.close(CloseCode::Normal, "refused to join");
    }

    /// Says something to a client that is in no session.
    fn say(&mut self, message: &Message) {
        let encoded = self.wire.serializer().encode(message);
        self.push(message, encoded);
    }
}
