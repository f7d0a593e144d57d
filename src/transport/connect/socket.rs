//! Frames in and out of one WebSocket that we have dialled: what is to be written waits here, bounded.
//!
//! Does not look into frames: that is [`Connection`](super::Connection)'s business for WAMP, [`ws`](crate::ws)'s
//! for everything else.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink, Stream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message as Frame};

use super::reach::ByteStream;
use crate::transport::ending::poll_end;

/// How many messages wait to be written before no more should be queued.
const QUEUED_MAX: usize = 256;
/// How many bytes of them.
const QUEUED_BYTES_MAX: usize = 4 * 1024 * 1024;
/// What one connection reads ahead; taken eagerly, so a small one.
const READ_BUFFER_BYTES: usize = 8 * 1024;

/// The client's end of an open WebSocket.
pub struct Socket {
    stream: WebSocketStream<Box<dyn ByteStream>>,
    queue: VecDeque<Frame>,
    queued_bytes: usize,
    /// Something was given to the stream that is not flushed yet.
    unflushed: bool,
}

/// What waiting on a socket brought.
#[derive(Debug)]
pub enum Heard {
    /// A message, whole, or a control frame.
    Frame(Frame),
    /// All that was queued is written.
    Written,
}

impl Socket {
    /// Takes over a stream after the handshake; `read_ahead` came behind it. Longer messages than
    /// `message_bytes_max` are refused.
    pub async fn new(
        stream: Box<dyn ByteStream>,
        read_ahead: Bytes,
        message_bytes_max: usize,
    ) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .max_message_size(Some(message_bytes_max))
            .max_frame_size(Some(message_bytes_max));
        let stream = WebSocketStream::from_partially_read(
            stream,
            read_ahead.into(),
            Role::Client,
            Some(config),
        );
        Self {
            stream: stream.await,
            queue: VecDeque::new(),
            queued_bytes: 0,
            unflushed: false,
        }
    }

    /// Queues a frame; [`read`](Self::read) writes it. bound: see [`has_room`](Self::has_room).
    pub fn queue(&mut self, frame: Frame) {
        self.queued_bytes += frame.len();
        self.queue.push_back(frame);
    }

    /// Whether more should be queued: not while too much waits to be written.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.queue.len() < QUEUED_MAX && self.queued_bytes < QUEUED_BYTES_MAX
    }

    /// Writes what is queued, and waits for what comes; with `wanted` false for [`Heard::Written`] alone.
    ///
    /// Reads on while it cannot write, so that two ends full of each other's messages cannot wait for each other.
    /// Cancel-safe: dropped while it waits, it loses nothing.
    ///
    /// # Errors
    /// tungstenite's own; nothing more can be read then. `ConnectionClosed` where the stream has ended in order.
    pub async fn read(&mut self, wanted: bool) -> Result<Heard, Error> {
        std::future::poll_fn(|cx| self.poll(cx, wanted)).await
    }

    /// What can be read without waiting.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_ready(&mut self) -> Result<Option<Frame>, Error> {
        let mut context = Context::from_waker(std::task::Waker::noop());
        match self.poll_read(&mut context) {
            Poll::Ready(read) => read.map(Some),
            Poll::Pending => Ok(None),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, wanted: bool) -> Poll<Result<Heard, Error>> {
        let had_some = self.unflushed || !self.queue.is_empty();
        if had_some && let Poll::Ready(written) = self.poll_write(cx) {
            return Poll::Ready(written.map(|()| Heard::Written));
        }
        if wanted {
            self.poll_read(cx).map_ok(Heard::Frame)
        } else {
            Poll::Pending
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while !self.queue.is_empty() {
            ready!(Pin::new(&mut self.stream).poll_ready(cx))?;
            if let Some(frame) = self.queue.pop_front() {
                self.unflushed = true;
                self.queued_bytes = self.queued_bytes.saturating_sub(frame.len());
                Pin::new(&mut self.stream).start_send(frame)?;
            }
        }
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.unflushed = false;
        Poll::Ready(Ok(()))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, Error>> {
        let frame = ready!(Pin::new(&mut self.stream).poll_next(cx));
        Poll::Ready(frame.unwrap_or(Err(Error::ConnectionClosed)))
    }

    /// Writes what is queued and reads what comes to the end of the stream, at most for `patience`; returns the
    /// close frame of the other end, if one came.
    ///
    /// Who wants to close queues a close frame first.
    pub async fn finish(&mut self, patience: Duration) -> Option<Frame> {
        let mut close = None;
        let finished = async {
            loop {
                match self.read(true).await {
                    Ok(Heard::Frame(frame @ Frame::Close(_))) => close = Some(frame),
                    Ok(_) => {}
                    Err(_) => break,
                }
            }
            // After a broken rule tungstenite reads no more, but what we have to say about it can still be written.
            let _ = std::future::poll_fn(|cx| self.poll_write(cx)).await;
            std::future::poll_fn(|cx| poll_end(self.stream.get_mut(), cx)).await;
        };
        // The other end has had its time; what it did with it changes nothing.
        drop(tokio::time::timeout(patience, finished).await);
        close
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("queued", &self.queue.len())
            .finish_non_exhaustive()
    }
}
