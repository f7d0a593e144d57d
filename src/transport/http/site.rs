//! What one server has at which path, and what was agreed on with a client there.

use hyper::header::HeaderValue;

use crate::serializer::Serializer;
use crate::transport::admission::Admission;

/// What is where on a server, and who is let in.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// Where WAMP is spoken over WebSocket, as `/ws`; `None` on a server that knows no WAMP.
    pub wamp_path: Option<String>,
    /// Where raw WebSocket is spoken.
    pub raw_paths: RawPaths,
    /// Hosts and origins let in.
    pub admission: Admission,
}

/// The paths of raw WebSockets.
#[derive(Clone, Debug)]
pub enum RawPaths {
    /// These.
    Listed(&'static [&'static str]),
    /// All that nothing else is at.
    All,
}

/// What is spoken on a WebSocket.
#[derive(Clone, Debug)]
pub enum Agreed {
    /// WAMP, with this serializer.
    Wamp(Serializer),
    /// Whatever the client likes.
    Raw {
        /// The path of its request.
        path: String,
        /// The first subprotocol that it offered.
        subprotocol: Option<HeaderValue>,
    },
}

impl Site {
    /// The path in this server's URL.
    #[must_use]
    pub fn path(&self) -> &str {
        self.wamp_path.as_deref().unwrap_or("/")
    }
}

impl RawPaths {
    pub(super) fn contains(&self, path: &str) -> bool {
        match self {
            Self::Listed(paths) => paths.contains(&path),
            Self::All => true,
        }
    }
}

impl Default for RawPaths {
    fn default() -> Self {
        Self::Listed(&[])
    }
}

impl Agreed {
    /// The subprotocol as the answer names it.
    pub(super) fn subprotocol(&self) -> Option<HeaderValue> {
        match self {
            Self::Wamp(serializer) => Some(HeaderValue::from_static(serializer.subprotocol())),
            Self::Raw { subprotocol, .. } => subprotocol.clone(),
        }
    }
}
