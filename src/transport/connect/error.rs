//! Why there is no connection.

use std::io;

use super::io_text;
use crate::framing::rawsocket::HandshakeError;
use crate::transport::tls::TlsError;

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Looking the name up.
    Resolve,
    /// Connecting.
    Connect,
    /// The TLS handshake.
    Tls,
    /// The WebSocket handshake.
    Upgrade,
    /// HELLO has been sent.
    Join,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DialError {
    /// A URL that is no WebSocket's, or one of a kind that is not to be had.
    #[error("{reason}")]
    Url {
        /// What is wrong with it.
        reason: String,
    },
    /// The host's name leads nowhere.
    #[error("the name {host:?} cannot be resolved: {}", io_text(.source))]
    Resolve {
        /// The name.
        host: String,
        /// Why.
        source: io::Error,
    },
    /// Nobody answered at the address.
    #[error("{}", io_text(.source))]
    Connect {
        /// Why.
        source: io::Error,
    },
    /// No TLS, or not with this server.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// What answered a plain handshake speaks TLS.
    #[error("the server speaks TLS on this port")]
    TlsPort,
    /// Something answered that speaks HTTP and does not want to change to WebSocket.
    #[error("the server answered HTTP {status}{}", quoted(.body))]
    Http {
        /// The status, as in `404 Not Found`.
        status: String,
        /// How its page begins, in words; or where it says to go instead.
        body: String,
    },
    /// Something answered that does not speak HTTP.
    #[error("what answers there is no WebSocket server; it says {head:?}")]
    NotHttp {
        /// How its answer begins.
        head: String,
    },
    /// What answered a RawSocket handshake speaks something else.
    #[error("what answers there does not speak RawSocket{}", quoted(.head))]
    NotRawSocket {
        /// How its answer begins, where it is text.
        head: String,
    },
    /// A RawSocket server says no.
    #[error("the server refuses RawSocket: {0}")]
    RawSocketRefused(HandshakeError),
    /// The server ended the connection where its answer should have come.
    #[error("the server closed the connection without an answer")]
    NoAnswer,
    /// A WebSocket, but none of the subprotocols offered.
    #[error("the server speaks WebSocket, but none of {offered}")]
    Subprotocol {
        /// The subprotocols offered.
        offered: String,
    },
    /// No WebSocket.
    #[error("the WebSocket handshake failed: {reason}")]
    Handshake {
        /// Why.
        reason: String,
    },
    /// It took too long.
    #[error("no answer in time while {}", stage.doing())]
    Timeout {
        /// Where it stopped.
        stage: Stage,
    },
}

impl Stage {
    /// What was going on, as messages say it.
    #[must_use]
    pub const fn doing(self) -> &'static str {
        match self {
            Self::Resolve => "looking up the name",
            Self::Connect => "connecting",
            Self::Tls => "shaking hands over TLS",
            Self::Upgrade => "shaking hands",
            Self::Join => "joining the realm",
        }
    }
}

fn quoted(body: &str) -> String {
    if body.is_empty() {
        String::new()
    } else {
        format!(": {body}")
    }
}
