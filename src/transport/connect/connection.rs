//! Messages in and out of one connection that we have dialled, a WebSocket or a RawSocket.

use std::time::Duration;

use bytes::Bytes;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message as Frame};

use super::io_text;
use super::raw_client::RawClient;
use super::reach::ByteStream;
use super::socket::{Heard, Socket};
use crate::protocol::Message;
use crate::serializer::{DecodeError, Serializer};
use crate::transport::rawsocket::RawSocket;
use crate::transport::tls::TlsSession;

/// Why a connection is over, or is to be ended.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The other end closed the connection.
    #[error("the router closed the connection{}", closed(*.code, .reason))]
    Closed {
        /// The close code; `None` where it gave none.
        code: Option<u16>,
        /// What it said.
        reason: String,
    },
    /// The stream broke.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// Nothing was heard for too long.
    #[error("the router did not answer pings for {} s", .0.as_secs())]
    Dead(Duration),
    /// What came is no WAMP message.
    #[error("the router sent what is no WAMP message: {0}")]
    Decode(#[from] DecodeError),
    /// What was to be sent is longer than the other end takes.
    #[error("a message of {bytes} bytes is to be sent, and the router takes {max} at most")]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        max: usize,
    },
    /// What came is a frame of the kind that this serializer does not use.
    #[error("the router sent a {frame} frame under {}", serializer.subprotocol())]
    FrameKind {
        /// The kind of frame that came.
        frame: &'static str,
        /// The serializer agreed upon.
        serializer: Serializer,
    },
}

/// What waiting on a connection brought.
#[derive(Debug)]
pub enum Read {
    /// A message.
    Message(Message),
    /// A ping, a pong: the other end lives.
    Alive,
    /// All that was queued is written.
    Written,
}

/// An open connection that speaks WAMP.
#[derive(Debug)]
pub struct Connection {
    carrier: Carrier,
    serializer: Serializer,
    tls: Option<TlsSession>,
}

#[derive(Debug)]
enum Carrier {
    WebSocket(Box<Socket>),
    RawSocket(Box<RawClient>),
}

impl Connection {
    pub(super) fn websocket(
        socket: Socket,
        serializer: Serializer,
        tls: Option<TlsSession>,
    ) -> Self {
        Self {
            carrier: Carrier::WebSocket(Box::new(socket)),
            serializer,
            tls,
        }
    }

    pub(super) fn rawsocket(
        socket: RawSocket<Box<dyn ByteStream>>,
        serializer: Serializer,
        tls: Option<TlsSession>,
    ) -> Self {
        Self {
            carrier: Carrier::RawSocket(Box::new(RawClient::new(socket))),
            serializer,
            tls,
        }
    }

    /// What TLS agreed on, where it is in between.
    #[must_use]
    pub const fn tls(&self) -> Option<&TlsSession> {
        self.tls.as_ref()
    }

    /// The serializer agreed upon.
    #[must_use]
    pub const fn serializer(&self) -> Serializer {
        self.serializer
    }

    /// Encodes a message and queues it; [`read`](Self::read) writes it. bound: see [`has_room`](Self::has_room).
    pub fn queue(&mut self, message: &Message) {
        let encoded = self.serializer.encode(message);
        match &mut self.carrier {
            Carrier::WebSocket(socket) => socket.queue(frame(encoded, self.serializer)),
            Carrier::RawSocket(socket) => socket.queue(encoded),
        }
    }

    /// Queues a ping.
    pub fn queue_ping(&mut self) {
        match &mut self.carrier {
            Carrier::WebSocket(socket) => socket.queue(Frame::Ping(Bytes::new())),
            Carrier::RawSocket(socket) => socket.queue_ping(),
        }
    }

    /// Whether more should be queued: not while too much waits to be written.
    #[must_use]
    pub fn has_room(&self) -> bool {
        match &self.carrier {
            Carrier::WebSocket(socket) => socket.has_room(),
            Carrier::RawSocket(socket) => socket.has_room(),
        }
    }

    /// Writes what is queued, and waits for what comes; with `wanted` false for [`Read::Written`] alone.
    ///
    /// Reads on while it cannot write, so that two ends full of each other's messages cannot wait for each other.
    /// Cancel-safe: dropped while it waits, it loses nothing.
    ///
    /// # Errors
    /// [`TransportError`] where the connection is over, or must be.
    pub async fn read(&mut self, wanted: bool) -> Result<Read, TransportError> {
        match &mut self.carrier {
            Carrier::WebSocket(socket) => match socket.read(wanted).await.map_err(broken)? {
                Heard::Frame(frame) => take(self.serializer, frame),
                Heard::Written => Ok(Read::Written),
            },
            Carrier::RawSocket(socket) => match socket.read(wanted).await? {
                Some(heard) => take_raw(self.serializer, heard),
                None => Ok(Read::Written),
            },
        }
    }

    /// What can be read without waiting.
    ///
    /// # Errors
    /// [`TransportError`] where the connection is over, or must be.
    pub fn read_ready(&mut self) -> Result<Option<Read>, TransportError> {
        let serializer = self.serializer;
        match &mut self.carrier {
            Carrier::WebSocket(socket) => {
                let frame = socket.read_ready().map_err(broken)?;
                frame.map(|frame| take(serializer, frame)).transpose()
            }
            Carrier::RawSocket(socket) => {
                let heard = socket.read_ready()?;
                heard.map(|heard| take_raw(serializer, heard)).transpose()
            }
        }
    }

    /// Writes what is queued, closes the connection, and waits at most `patience` for the other end to do so too.
    pub async fn close(self, patience: Duration) {
        match self.carrier {
            Carrier::WebSocket(mut socket) => {
                socket.queue(Frame::Close(Some(CloseFrame {
                    code: CloseCode::Normal,
                    reason: "".into(),
                })));
                socket.finish(patience).await;
            }
            Carrier::RawSocket(mut socket) => socket.finish(patience).await,
        }
    }
}

fn frame(encoded: Bytes, serializer: Serializer) -> Frame {
    if !serializer.is_text() {
        return Frame::Binary(encoded);
    }
    // What the JSON writer made is text.
    tungstenite::Utf8Bytes::try_from(encoded).map_or_else(|_| Frame::text(""), Frame::Text)
}

/// What a RawSocket brought: a message, or a sign of life.
fn take_raw(serializer: Serializer, heard: Option<Bytes>) -> Result<Read, TransportError> {
    match heard {
        Some(message) => Ok(Read::Message(serializer.decode(&message)?)),
        None => Ok(Read::Alive),
    }
}

fn take(serializer: Serializer, frame: Frame) -> Result<Read, TransportError> {
    match frame {
        Frame::Text(text) if serializer.is_text() => {
            Ok(Read::Message(serializer.decode(&text.into())?))
        }
        Frame::Binary(bytes) if !serializer.is_text() => {
            Ok(Read::Message(serializer.decode(&bytes)?))
        }
        Frame::Text(_) => Err(TransportError::FrameKind {
            frame: "text",
            serializer,
        }),
        Frame::Binary(_) => Err(TransportError::FrameKind {
            frame: "binary",
            serializer,
        }),
        Frame::Close(close) => Err(closed_by(close)),
        Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_) => Ok(Read::Alive),
    }
}

fn broken(error: tungstenite::Error) -> TransportError {
    match error {
        tungstenite::Error::ConnectionClosed
        | tungstenite::Error::AlreadyClosed
        | tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            TransportError::Closed {
                code: None,
                reason: String::new(),
            }
        }
        tungstenite::Error::Io(error) => TransportError::Broken(io_text(&error)),
        error => TransportError::Broken(error.to_string()),
    }
}

fn closed_by(close: Option<CloseFrame>) -> TransportError {
    match close {
        None => TransportError::Closed {
            code: None,
            reason: String::new(),
        },
        Some(close) => TransportError::Closed {
            code: Some(close.code.into()),
            reason: close.reason.as_str().to_owned(),
        },
    }
}

fn closed(code: Option<u16>, reason: &str) -> String {
    match code {
        None => String::new(),
        Some(code) if reason.is_empty() => format!(" (code {code})"),
        Some(code) => format!(" (code {code}, {reason})"),
    }
}
