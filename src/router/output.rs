//! What the core asks its surroundings to do.

use crate::protocol::{Message, RequestId, SessionId, Uri};

/// One thing to do, in the order in which they come out.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send a message to a session.
    Send {
        /// To whom.
        to: SessionId,
        /// What.
        message: Message,
    },
    /// Send one message to many sessions: encode it once for each of their serializers.
    SendMany {
        /// To whom, each once.
        to: Vec<SessionId>,
        /// What.
        message: Message,
    },
    /// A procedure that the router called has answered.
    Answer {
        /// What was asked: see [`Realm::handle_question`](super::Realm::handle_question).
        request: RequestId,
        /// RESULT, or ERROR.
        answer: Message,
    },
    /// The session is over, after what was sent to it before; the core has forgotten it.
    End {
        /// Which session.
        session: SessionId,
        /// What becomes of its transport.
        end: End,
    },
    /// Tell the operator: no message tells the peer.
    Remark {
        /// Of which session.
        session: SessionId,
        /// What.
        remark: Remark,
    },
}

/// What peers are not told, and operators may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// The answer to a SUBSCRIBE with `get_retained` reached its bound.
    RetainedCut {
        /// How many events it held.
        events: usize,
    },
    /// The session is over, and so many of its publications were refused that had asked for no answer.
    PublishesDropped {
        /// Of this session.
        count: u64,
        /// Of all sessions that the realm has had.
        realm_count: u64,
        /// Why the last was.
        last: Uri,
    },
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The client said GOODBYE; its transport may carry another session. Spec: bp#session-close.
    Left,
    /// The router said GOODBYE, and the client answered or ran out of time.
    Dismissed,
    /// The same, because another session asked for it.
    Killed,
    /// The client broke a rule, or sent ABORT.
    Aborted,
}
