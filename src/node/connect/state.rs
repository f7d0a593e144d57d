//! What a [`Peer`](super::Peer) says about its session as time goes by.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::error::ConnectError;
use crate::client::End;
use crate::protocol::message::Welcome;
use crate::serializer::Serializer;
use crate::transport::TransportError;

/// How the session is. Watchers see the latest only, so [`Joined`] tells of the gap before it.
#[derive(Clone, Debug)]
pub enum SessionState {
    /// Open.
    Joined(Arc<Joined>),
    /// Lost; joining again is being tried.
    Lost(SessionEnd),
    /// Over.
    Closed(SessionEnd),
}

/// An open session.
#[derive(Clone, Debug)]
pub struct Joined {
    /// The session id, and what the router says of itself and of us.
    pub welcome: Welcome,
    /// The serializer agreed upon.
    pub serializer: Serializer,
    /// The time without a session before this one; `None` for the first.
    pub gap: Option<Gap>,
}

/// A time without a session. Events published in it have not been seen.
#[derive(Clone, Debug)]
pub struct Gap {
    /// How the session before it ended.
    pub end: SessionEnd,
    /// How long it lasted.
    pub duration: Duration,
    /// How many gaps there have been.
    pub count: u32,
}

/// How a session ended.
#[derive(Clone, Debug)]
pub enum SessionEnd {
    /// By a message, one side's or the other's.
    Ended(End),
    /// With its connection.
    Transport(TransportError),
    /// We left, and the router did not answer GOODBYE in time.
    LeftUnanswered,
    /// It was lost, and joining again failed for good.
    NotRejoined(Arc<ConnectError>),
}

impl SessionEnd {
    /// Whether joining again may help: the connection was lost, or the router goes down and may come back. One that
    /// does not speak the protocol will not have learnt it.
    pub(super) fn is_lost(&self) -> bool {
        match self {
            Self::Transport(
                TransportError::Decode(_)
                | TransportError::FrameKind { .. }
                | TransportError::TooLong { .. },
            ) => false,
            Self::Transport(_) => true,
            Self::Ended(End::RouterLeft { reason, .. }) => {
                *reason == crate::protocol::uris::SYSTEM_SHUTDOWN
            }
            Self::Ended(_) | Self::LeftUnanswered | Self::NotRejoined(_) => false,
        }
    }
}

impl fmt::Display for SessionEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(end) => end.fmt(f),
            Self::Transport(error) => error.fmt(f),
            Self::LeftUnanswered => f.write_str("we left, and the router did not say goodbye"),
            Self::NotRejoined(error) => write!(f, "cannot join again: {error}"),
        }
    }
}
