//! The client's end of an open WebSocket: data as it is, and control frames.

use std::time::Duration;

use bytes::Bytes;
use tokio_tungstenite::tungstenite::{Message as Frame, Utf8Bytes};

use super::end::{Closing, End};
use super::pings::Pings;
use crate::transport::{Heard, Socket};

/// The longest payload of a ping or pong, in bytes.
const CONTROL_BYTES_MAX: usize = 125;

/// A message, of one of the two types that there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// Text.
    Text(Utf8Bytes),
    /// Bytes.
    Binary(Bytes),
}

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A message, whole.
    Data(Data),
    /// A ping; it is answered without further ado.
    Ping(Bytes),
    /// A pong, and how long it took where it answers a ping.
    Pong(Bytes, Option<Duration>),
    /// Nothing: all that was queued is written.
    Written,
}

/// An open WebSocket.
#[derive(Debug)]
pub struct Client {
    socket: Socket,
    pings: Pings,
}

impl Client {
    pub(super) fn new(socket: Socket) -> Self {
        Self {
            socket,
            pings: Pings::default(),
        }
    }

    /// Queues a message; [`next`](Self::next) writes it. bound: see [`has_room`](Self::has_room).
    pub fn send(&mut self, data: Data) {
        self.socket.queue(match data {
            Data::Text(text) => Frame::Text(text),
            Data::Binary(bytes) => Frame::Binary(bytes),
        });
    }

    /// Queues a ping, with a payload of its own if none is given. What is beyond 125 bytes is left out.
    pub fn ping(&mut self, payload: Option<Bytes>) {
        let payload = payload.map_or_else(|| self.pings.next_payload(), |payload| fit(&payload));
        self.pings.sent(payload.clone());
        self.socket.queue(Frame::Ping(payload));
    }

    /// Queues a pong that nobody has asked for. What is beyond 125 bytes is left out.
    pub fn pong(&mut self, payload: &Bytes) {
        self.socket.queue(Frame::Pong(fit(payload)));
    }

    /// Queues a close frame; nothing may be sent behind it, and the server's is still to come.
    pub fn close(&mut self, closing: &Closing) {
        self.socket.queue(closing.to_frame());
    }

    /// Whether more should be sent: not while too much waits to be written.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.socket.has_room()
    }

    /// Writes what is queued, and waits for what comes; with `wanted` false only writes.
    ///
    /// Cancel-safe: dropped while it waits, it loses nothing.
    ///
    /// # Errors
    /// [`End`], after which nothing more will come; [`finish`](Self::finish) is still to be called.
    pub async fn next(&mut self, wanted: bool) -> Result<Incoming, End> {
        loop {
            return Ok(match self.socket.read(wanted).await? {
                Heard::Written => Incoming::Written,
                Heard::Frame(Frame::Text(text)) => Incoming::Data(Data::Text(text)),
                Heard::Frame(Frame::Binary(bytes)) => Incoming::Data(Data::Binary(bytes)),
                Heard::Frame(Frame::Ping(payload)) => Incoming::Ping(payload),
                Heard::Frame(Frame::Pong(payload)) => {
                    let after = self.pings.answered(&payload);
                    Incoming::Pong(payload, after)
                }
                Heard::Frame(Frame::Close(close)) => {
                    return Err(End::Closed(Closing::of_frame(close)));
                }
                // Never read, only written.
                Heard::Frame(Frame::Frame(_)) => continue,
            });
        }
    }

    /// Says what is to be said about an end, writes what is queued, and waits for the server to end the
    /// connection, for `patience` at most. Returns the server's close, if it came now.
    pub async fn finish(mut self, end: Option<&End>, patience: Duration) -> Option<Closing> {
        if let Some(closing) = end.and_then(End::closing) {
            self.close(&closing);
        }
        match self.socket.finish(patience).await {
            Some(Frame::Close(close)) => Closing::of_frame(close),
            _ => None,
        }
    }
}

fn fit(payload: &Bytes) -> Bytes {
    payload.slice(..payload.len().min(CONTROL_BYTES_MAX))
}
