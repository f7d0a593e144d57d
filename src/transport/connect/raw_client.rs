//! Messages in and out of one RawSocket that we have dialled: what [`Socket`](super::Socket) is for WebSocket.

use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;

use super::connection::TransportError;
use super::io_text;
use super::reach::ByteStream;
use crate::transport::rawsocket::RawSocket;
use crate::transport::websocket::ReadError;

/// How many bytes wait to be written before no more should be queued.
const QUEUED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A message, or something that only shows the other end alive.
type Heard = Option<Bytes>;

pub(super) struct RawClient {
    socket: RawSocket<Box<dyn ByteStream>>,
    /// Why nothing more can be done: what was to be sent is too long.
    failed: Option<TransportError>,
    /// Something waits that is not written and flushed yet.
    is_behind: bool,
}

impl RawClient {
    pub(super) const fn new(socket: RawSocket<Box<dyn ByteStream>>) -> Self {
        Self {
            socket,
            failed: None,
            is_behind: false,
        }
    }

    pub(super) fn queue(&mut self, message: Bytes) {
        let (bytes, max) = (message.len(), self.socket.peer_bytes_max());
        if bytes > max {
            self.failed = Some(TransportError::TooLong { bytes, max });
        } else {
            self.socket.push_shared(message);
            self.is_behind = true;
        }
    }

    pub(super) fn queue_ping(&mut self) {
        self.socket.push_ping();
        self.is_behind = true;
    }

    pub(super) fn has_room(&self) -> bool {
        self.socket.unwritten() < QUEUED_BYTES_MAX
    }

    /// Writes what is queued, and waits for what comes; with `wanted` false, and once all is written, `None`.
    pub(super) async fn read(&mut self, wanted: bool) -> Result<Option<Heard>, TransportError> {
        poll_fn(|cx| self.poll(cx, wanted)).await
    }

    pub(super) fn read_ready(&mut self) -> Result<Option<Heard>, TransportError> {
        let mut context = Context::from_waker(std::task::Waker::noop());
        match self.poll_read(&mut context) {
            Poll::Ready(read) => read.map(Some),
            Poll::Pending => Ok(None),
        }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        wanted: bool,
    ) -> Poll<Result<Option<Heard>, TransportError>> {
        if let Some(failed) = &self.failed {
            return Poll::Ready(Err(failed.clone()));
        }
        if self.is_behind
            && let Poll::Ready(written) = self.poll_write(cx)
        {
            return Poll::Ready(written.map(|()| None));
        }
        if wanted {
            self.poll_read(cx).map_ok(Some)
        } else {
            Poll::Pending
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        let (_, written) = self.socket.poll_write(cx);
        ready!(written).map_err(|error| TransportError::Broken(io_text(&error)))?;
        self.is_behind = false;
        Poll::Ready(Ok(()))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Heard, TransportError>> {
        let heard = ready!(self.socket.poll_read(cx)).map_err(|error| match error {
            ReadError::Closed => TransportError::Closed {
                code: None,
                reason: String::new(),
            },
            error => TransportError::Broken(error.to_string()),
        })?;
        // It may have been a ping, whose answer waits.
        self.is_behind |= self.socket.unwritten() > 0;
        Poll::Ready(Ok(heard))
    }

    /// Writes what is queued, closes our side and waits for the other end's, at most for `patience`.
    pub(super) async fn finish(&mut self, patience: Duration) {
        let finished = async {
            if poll_fn(|cx| self.poll_write(cx)).await.is_ok() {
                poll_fn(|cx| self.socket.poll_end(cx)).await;
            }
        };
        // The other end has had its time; what it did with it changes nothing.
        drop(tokio::time::timeout(patience, finished).await);
    }
}

impl fmt::Debug for RawClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawClient")
            .field("queued_bytes", &self.socket.unwritten())
            .finish_non_exhaustive()
    }
}
