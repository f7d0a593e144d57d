//! Messages in and out of one WebSocket.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink, Stream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{self, Message as Frame};

use super::dial::ByteStream;
use super::io_text;
use crate::protocol::Message;
use crate::serializer::{DecodeError, Serializer};

/// How many messages wait to be written before no more should be queued.
const QUEUED_MAX: usize = 256;
/// How many bytes of them.
const QUEUED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Why a connection is over, or is to be ended.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The other end closed the WebSocket.
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

/// An open WebSocket that speaks WAMP.
pub struct Connection {
    stream: WebSocketStream<Box<dyn ByteStream>>,
    serializer: Serializer,
    queue: VecDeque<Frame>,
    queued_bytes: usize,
    /// Something was given to the stream that is not flushed yet.
    unflushed: bool,
}

impl Connection {
    pub(super) fn new(
        stream: WebSocketStream<Box<dyn ByteStream>>,
        serializer: Serializer,
    ) -> Self {
        Self {
            stream,
            serializer,
            queue: VecDeque::new(),
            queued_bytes: 0,
            unflushed: false,
        }
    }

    /// The serializer agreed upon.
    #[must_use]
    pub const fn serializer(&self) -> Serializer {
        self.serializer
    }

    /// Encodes a message and queues it; [`read`](Self::read) writes it. bound: see [`has_room`](Self::has_room).
    pub fn queue(&mut self, message: &Message) {
        let encoded = self.serializer.encode(message);
        self.queued_bytes += encoded.len();
        self.queue.push_back(self.frame(encoded));
    }

    /// Queues a ping.
    pub fn queue_ping(&mut self) {
        self.queue.push_back(Frame::Ping(Bytes::new()));
    }

    /// Whether more should be queued: not while too much waits to be written.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.queue.len() < QUEUED_MAX && self.queued_bytes < QUEUED_BYTES_MAX
    }

    fn frame(&self, encoded: Bytes) -> Frame {
        if !self.serializer.is_text() {
            return Frame::Binary(encoded);
        }
        // What the JSON writer made is text.
        tungstenite::Utf8Bytes::try_from(encoded).map_or_else(|_| Frame::text(""), Frame::Text)
    }

    /// Writes what is queued, and waits for what comes; with `wanted` false for [`Read::Written`] alone.
    ///
    /// Reads on while it cannot write, so that two ends full of each other's messages cannot wait for each other.
    /// Cancel-safe: dropped while it waits, it loses nothing.
    ///
    /// # Errors
    /// [`TransportError`] where the connection is over, or must be.
    pub async fn read(&mut self, wanted: bool) -> Result<Read, TransportError> {
        std::future::poll_fn(|cx| self.poll(cx, wanted)).await
    }

    /// What can be read without waiting.
    ///
    /// # Errors
    /// [`TransportError`] where the connection is over, or must be.
    pub fn read_ready(&mut self) -> Result<Option<Read>, TransportError> {
        let mut context = Context::from_waker(std::task::Waker::noop());
        match self.poll_read(&mut context) {
            Poll::Ready(read) => read.map(Some),
            Poll::Pending => Ok(None),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, wanted: bool) -> Poll<Result<Read, TransportError>> {
        let had_some = self.unflushed || !self.queue.is_empty();
        if had_some {
            match self.poll_write(cx) {
                Poll::Ready(Ok(())) => return Poll::Ready(Ok(Read::Written)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(broken(error))),
                Poll::Pending => {}
            }
        }
        if wanted {
            self.poll_read(cx)
        } else {
            Poll::Pending
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), tungstenite::Error>> {
        while !self.queue.is_empty() {
            std::task::ready!(Pin::new(&mut self.stream).poll_ready(cx))?;
            if let Some(frame) = self.queue.pop_front() {
                self.unflushed = true;
                self.queued_bytes = self.queued_bytes.saturating_sub(frame.len());
                Pin::new(&mut self.stream).start_send(frame)?;
            }
        }
        std::task::ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.unflushed = false;
        Poll::Ready(Ok(()))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Read, TransportError>> {
        let frame = std::task::ready!(Pin::new(&mut self.stream).poll_next(cx));
        Poll::Ready(match frame {
            None => Err(TransportError::Closed {
                code: None,
                reason: String::new(),
            }),
            Some(Err(error)) => Err(broken(error)),
            Some(Ok(frame)) => self.take(frame),
        })
    }

    fn take(&self, frame: Frame) -> Result<Read, TransportError> {
        let serializer = self.serializer;
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

    /// Writes what is queued, closes the WebSocket, and waits at most `patience` for the other end to do so too.
    pub async fn close(mut self, patience: Duration) {
        self.queue.push_back(Frame::Close(Some(CloseFrame {
            code: tungstenite::protocol::frame::coding::CloseCode::Normal,
            reason: "".into(),
        })));
        let finished = async { while self.read(true).await.is_ok() {} };
        // The other end has had its time; what it did with it changes nothing.
        drop(tokio::time::timeout(patience, finished).await);
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

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("serializer", &self.serializer)
            .field("queued", &self.queue.len())
            .finish_non_exhaustive()
    }
}
