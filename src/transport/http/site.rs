//! What one server has at which path, and what was agreed on with a client there.

use std::sync::Arc;

use hyper::header::HeaderValue;

use super::cookie::{Cookies, Token};
use super::longpoll::LongPoll;
use super::pages::Pages;
use crate::transport::admission::Admission;
use crate::transport::door::Door;
use crate::transport::wire::Subprotocol;

/// What is where on a server, and who is let in.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// Where WAMP is spoken over WebSocket, as `/ws`; `None` on a server that knows no WAMP.
    pub wamp_path: Option<String>,
    /// Where raw WebSocket is spoken.
    pub raw_paths: RawPaths,
    /// WAMP by long-poll, on a server that has it: below `/longpoll`.
    pub longpoll: Option<LongPoll>,
    /// Pages for browsers, at the paths that nothing is spoken at; `None` on a server that has none.
    pub pages: Option<Pages>,
    /// What a connection goes through before HTTP.
    pub door: Door,
    /// Hosts and origins let in.
    pub admission: Admission,
    /// Browsers that are known again; `None` where none is.
    pub cookies: Option<Arc<Cookies>>,
}

/// The paths of raw WebSockets, and what each does there: "a raw WebSocket that …".
#[derive(Clone, Debug)]
pub enum RawPaths {
    /// These.
    Listed(&'static [(&'static str, &'static str)]),
    /// All that nothing else is at.
    All(&'static str),
}

/// What is spoken on a WebSocket.
#[derive(Clone, Debug)]
pub enum Agreed {
    /// WAMP, with a browser that may be known again.
    Wamp(Subprotocol, Option<Token>),
    /// Whatever the client likes.
    Raw(RawRequest),
}

/// What a client asked for that has got a raw WebSocket. All of it is as the client wrote it.
#[derive(Clone, Debug)]
pub struct RawRequest {
    /// The path.
    pub path: String,
    /// What stood behind it and a `?`.
    pub query: Option<String>,
    /// The first subprotocol that it offered, which is the one agreed on.
    pub subprotocol: Option<HeaderValue>,
    /// The page it runs in, where it is a browser.
    pub origin: Option<HeaderValue>,
    /// What it calls itself.
    pub user_agent: Option<HeaderValue>,
}

impl Site {
    /// The path in this server's URL.
    #[must_use]
    pub fn path(&self) -> &str {
        self.wamp_path.as_deref().unwrap_or("/")
    }
}

impl RawPaths {
    /// Those that are listed.
    pub(super) fn listed(&self) -> impl Iterator<Item = &'static str> {
        let paths = match self {
            Self::Listed(paths) => *paths,
            Self::All(_) => &[],
        };
        paths.iter().map(|(path, _)| *path)
    }

    /// What the raw WebSocket at this path does, where there is one.
    pub(super) fn what_is_at(&self, path: &str) -> Option<&'static str> {
        match self {
            Self::Listed(paths) => {
                let mut paths = paths.iter();
                paths.find_map(|(listed, what)| (*listed == path).then_some(*what))
            }
            Self::All(what) => Some(what),
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
            Self::Wamp(subprotocol, _) => Some(HeaderValue::from_static(subprotocol.name())),
            Self::Raw(request) => request.subprotocol.clone(),
        }
    }
}
