//! The rules that a peer can break. Breaking one ends the session: ABORT, made in one place.

use crate::protocol::message::Abort;
use crate::protocol::{AbortDetails, Feature, MessageCode, Payload, RequestId, Role, uris};
use crate::serializer::DecodeError;

/// A rule the peer broke. Spec: `bp#protocol_errors`, one variant a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// Bytes that are no message.
    #[error("{0}")]
    Malformed(#[from] DecodeError),
    /// A text frame where the serializer is binary, or the reverse.
    #[error("{expected} frames carry this session's messages")]
    FrameType {
        /// `text` or `binary`.
        expected: &'static str,
    },
    /// A message larger than the limit in force.
    #[error("a message of more than {max} bytes")]
    TooLarge {
        /// The limit.
        max: usize,
    },
    /// A message that this state, or a router, never takes.
    #[error("{} is not expected {when}", got.name())]
    Unexpected {
        /// What came.
        got: MessageCode,
        /// As in `before HELLO`.
        when: &'static str,
    },
    /// A request id that is not the one before it plus one. Spec: bp#ids.
    #[error(
        "request id {got} came where {expected} is next: ids of requests count up by one \
         (the router takes any with --request-ids lenient, or request_ids = \"lenient\" in its config)"
    )]
    RequestOutOfOrder {
        /// The id that is next.
        expected: RequestId,
        /// The id that came.
        got: RequestId,
    },
    /// A YIELD or ERROR for an invocation that the callee does not have.
    #[error("there is no invocation {request} to answer")]
    UnknownInvocation {
        /// The id that came.
        request: RequestId,
    },
    /// An ERROR for anything but an INVOCATION.
    #[error("a client's ERROR answers an INVOCATION, not {}", request_type.name())]
    ErrorForNoInvocation {
        /// What it claims to answer.
        request_type: MessageCode,
    },
    /// A message that needs a feature which the client did not announce for that role.
    #[error("{} needs the feature \"{}\", which HELLO does not announce for {}s", got.name(), feature.key(), role.name())]
    NotAnnounced {
        /// What came.
        got: MessageCode,
        /// What it needs.
        feature: Feature,
        /// As what the client sent it.
        role: Role,
    },
    /// A CALL under the id of an earlier one that it does not continue. Spec: ap#rpc-progressive-call-invocations.
    #[error(
        "CALL {request} has the id of an earlier request and does not continue a call made in parts: ids of requests \
         count up by one (the router takes any with --request-ids lenient, or request_ids = \"lenient\" in its config)"
    )]
    NoContinuation {
        /// The id that came.
        request: RequestId,
    },
    /// A HELLO that announces no role of a client's.
    #[error("HELLO must announce a role: caller, callee, publisher or subscriber")]
    NoRole,
}

impl Violation {
    /// The ABORT that tells the peer.
    #[must_use]
    pub fn abort(self) -> Abort {
        let is_too_large = matches!(self, Self::TooLarge { .. });
        let reason = if is_too_large {
            uris::PAYLOAD_SIZE_EXCEEDED
        } else {
            uris::PROTOCOL_VIOLATION
        };
        abort(reason, &self.to_string())
    }
}

/// An ABORT with a reason, and a sentence for people.
pub(crate) fn abort(reason: crate::protocol::Uri, message: &str) -> Abort {
    Abort {
        details: AbortDetails {
            message: Some(message.into()),
        },
        reason,
        payload: Payload::empty(),
    }
}
