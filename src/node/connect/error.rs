//! Why joining, or a request, failed.

use crate::client::{CommandError, End, ErrorReply};
use crate::transport::{DialError, TransportError};

use super::state::SessionEnd;

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// There is no connection.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The connection ended before the session was open.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The router answered HELLO by something else than WELCOME.
    #[error("{0}")]
    Join(End),
}

/// Why a request has no good answer.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The router, or the callee, answered by ERROR.
    #[error("{}", .0.error)]
    Refused(ErrorReply),
    /// The session ended before the answer came.
    #[error("session lost: {0}")]
    Lost(SessionEnd),
    /// The session did not take it.
    #[error(transparent)]
    Command(#[from] CommandError),
}
