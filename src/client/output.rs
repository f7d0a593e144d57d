//! What a session gives back: messages to send, and what has happened.

use bytestring::ByteString;

use super::violation::Violation;
use crate::auth::SignInError;
use crate::protocol::message::{self, Event, Invocation, Welcome};
use crate::protocol::{
    Message, Payload, PublicationId, RegistrationId, RequestId, SubscriptionId, Uri,
};

/// One thing to do or to know, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// A message for the router.
    Send(Message),
    /// The session is open.
    Joined(Welcome),
    /// A request got its answer.
    Answered {
        /// The request, as the command returned it.
        request: RequestId,
        /// What the router, or the callee, said.
        answer: Result<Answer, ErrorReply>,
    },
    /// An event of a subscription that this session holds.
    Event(Event),
    /// A call of a registration that this session holds; answered by `yield_result` or `fail`.
    Invocation(Invocation),
    /// An invocation is no longer wanted; answered like any other, and nobody waits for it.
    Interrupted(RequestId),
    /// The router took a subscription back.
    SubscriptionRevoked {
        /// Which one.
        subscription: SubscriptionId,
        /// Why, for people.
        reason: Option<ByteString>,
    },
    /// The router took a registration back.
    RegistrationRevoked {
        /// Which one.
        registration: RegistrationId,
        /// Why, for people.
        reason: Option<ByteString>,
    },
    /// The session is over: nothing follows, what was pending will not be answered.
    Ended(End),
}

/// How a request was granted.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The event went out.
    Published(PublicationId),
    /// Its events follow.
    Subscribed(SubscriptionId),
    /// Its events have ended.
    Unsubscribed,
    /// Its calls follow.
    Registered(RegistrationId),
    /// Its calls have ended.
    Unregistered,
    /// The callee answered.
    Result(message::Result),
}

/// An ERROR, with all that it says: how a request is refused, or a call fails.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorReply {
    /// What kind of error it is.
    pub error: Uri,
    /// Its arguments.
    pub payload: Payload,
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// The router answered HELLO by ABORT.
    Refused {
        /// Why.
        reason: Uri,
        /// Why, for people.
        message: Option<ByteString>,
    },
    /// The router asks for, or shows, what this client does not trust.
    Mistrusted(SignInError),
    /// The router wants a proof of identity that this client has not got.
    Challenged {
        /// Which.
        authmethod: ByteString,
    },
    /// The router ended the open session at once.
    Aborted {
        /// Why.
        reason: Uri,
        /// Why, for people.
        message: Option<ByteString>,
    },
    /// The router ended the session in good order.
    RouterLeft {
        /// Why.
        reason: Uri,
        /// Why, for people.
        message: Option<ByteString>,
    },
    /// We left, and the router said goodbye.
    Left,
    /// The router broke the protocol.
    Violation(Violation),
}

impl ErrorReply {
    /// An error without arguments.
    #[must_use]
    pub const fn new(error: Uri) -> Self {
        Self {
            error,
            payload: Payload::empty(),
        }
    }

    /// An error whose one argument is a text for people.
    #[must_use]
    pub fn text(error: Uri, text: &str) -> Self {
        Self {
            error,
            payload: Payload::text(text),
        }
    }
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (what, reason, message) = match self {
            Self::Refused { reason, message } => ("the router refused to join", reason, message),
            Self::Aborted { reason, message } => {
                ("the router aborted the session", reason, message)
            }
            Self::RouterLeft { reason, message } => {
                ("the router ended the session", reason, message)
            }
            Self::Challenged { authmethod } => {
                return write!(
                    f,
                    "the router wants us to sign in by {authmethod:?}, for which nothing was given"
                );
            }
            Self::Mistrusted(error) => return error.fmt(f),
            Self::Left => return f.write_str("we left"),
            Self::Violation(violation) => return violation.fmt(f),
        };
        match message {
            Some(message) => write!(f, "{what}: {message} ({reason})"),
            None => write!(f, "{what}: {reason}"),
        }
    }
}
