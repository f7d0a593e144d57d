//! What becomes of a message that is longer than its peer said that it takes. Spec: ap#rawsocket.
//!
//! Nobody else pays for a peer's small limit, and the peer no more than it must: an EVENT is dropped and counted, an
//! INVOCATION answered in the callee's place, a RESULT becomes an ERROR or, where more follow, ends its call. Anything
//! else ends the connection.

use tokio::io::{AsyncRead, AsyncWrite};
use tracing::warn;

use super::{Connection, Received};
use crate::protocol::message::{Cancel, Error, Invocation, Result};
use crate::protocol::{
    CancelOptions, ErrorDetails, Message, MessageCode, Payload, RequestId, uris,
};
use crate::transport::CloseCode;

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) fn handle_too_long(&mut self, message: &Message, bytes: usize) {
        let code = message.code();
        warn!(peer = %self.arrival.peer, ?code, bytes, "the peer does not take messages as long");
        match message {
            Message::Event(_) => self.outbox.drop_event(),
            Message::Invocation(Invocation { request, .. }) => {
                let error = too_long(MessageCode::Invocation, *request);
                self.unrouted.push_back(Received::Message(error));
            }
            // More of it follow, which have nowhere to go once the call has ended: so its caller cancels it.
            Message::Result(Result {
                request, details, ..
            }) if details.progress == Some(true) => {
                let cancel = Cancel {
                    request: *request,
                    options: CancelOptions::default(),
                };
                self.unrouted.push_back(Received::Message(cancel.into()));
            }
            Message::Result(Result { request, .. }) => {
                self.push_in_place(&too_long(MessageCode::Call, *request));
            }
            Message::Error(error) if error.error != uris::PAYLOAD_SIZE_EXCEEDED => {
                self.push_in_place(&too_long(error.request_type, error.request));
            }
            _ => self.close(CloseCode::Size, "a message is longer than you take"),
        }
    }

    fn push_in_place(&mut self, error: &Message) {
        // Shorter than any limit that a peer can name.
        let encoded = self.wire.serializer().encode(error);
        self.wire.push_shared(encoded);
    }
}

fn too_long(request_type: MessageCode, request: RequestId) -> Message {
    Error {
        request_type,
        request,
        details: ErrorDetails::default(),
        error: uris::PAYLOAD_SIZE_EXCEEDED,
        payload: Payload::default(),
    }
    .into()
}
