//! What a server tells of its clients: who connects, what each sends, how it closed.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::transport::{Address, FrameType, RawRequest};

/// Something that happened to one client.
#[derive(Debug)]
pub enum Note<'a> {
    /// It has connected, and asked for nothing yet.
    Connected {
        /// Its address.
        peer: Address,
    },
    /// It has left without a WebSocket: it wanted a page, or was not let in.
    NoWebSocket,
    /// Its WebSocket is open.
    Open {
        /// Its address.
        peer: Address,
        /// What it asked for.
        request: &'a RawRequest,
    },
    /// A message came. Text is UTF-8.
    Data(FrameType, &'a Bytes),
    /// The message that came last gets no answer, on purpose.
    Unanswered,
    /// So many messages for everybody were dropped since this was told last: it does not take them fast enough.
    Missed(u64),
    /// Its WebSocket is closed.
    Closed(&'a Ending),
}

/// How a WebSocket closed.
#[derive(Clone, Debug)]
pub struct Ending {
    /// The close code, as RFC 6455 counts: 1005 where the peer gave none, 1006 where there was no close frame.
    pub code: u16,
    /// What was said with the code by who closed, or what happened instead; text of the peer's.
    pub reason: Cow<'static, str>,
    /// Whether both have said that they close.
    pub is_clean: bool,
    /// Whether it was us who closed.
    pub is_ours: bool,
    /// Messages that came.
    pub messages: u64,
}

/// Who is told.
#[derive(Clone)]
pub struct Watcher(Arc<Told>);

type Told = dyn Fn(u64, &Note<'_>) + Send + Sync;

impl Watcher {
    /// `told` gets the client's number, counted up from 1, and must not wait for anything.
    pub fn new(told: impl Fn(u64, &Note<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(told))
    }

    pub(super) fn tell(&self, client: u64, note: &Note<'_>) {
        (self.0)(client, note);
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}
