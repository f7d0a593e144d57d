//! A batched WebSocket: several messages in one of the WebSocket's. Spec: ap#batchedwebsocket.
//!
//! What a batch looks like is [`framing::batched`](crate::framing::batched)'s business.

use std::task::{Context, Poll, ready};

use bytes::{BufMut as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::websocket::{ReadError, WebSocket};
use crate::framing::batched::{Batch, BatchError, LENGTH_BYTES, SEPARATOR, append_length};
use crate::serializer::Serializer;

/// A WebSocket that carries batches.
#[derive(Debug)]
pub(super) struct Batched<S> {
    socket: WebSocket<S>,
    serializer: Serializer,
    /// What follows each message in JSON; the peer's first batch says it.
    separator: Option<u8>,
    /// Read, and not all taken.
    batch: Option<Batch>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Batched<S> {
    pub(super) const fn new(socket: WebSocket<S>, serializer: Serializer) -> Self {
        Self {
            socket,
            serializer,
            separator: None,
            batch: None,
        }
    }

    /// Reads one message; `None` is something that only shows the peer alive.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, ReadError>> {
        loop {
            if let Some(message) = self.batch.as_mut().and_then(Iterator::next) {
                return Poll::Ready(Ok(Some(message?)));
            }
            self.batch = None;
            match ready!(self.socket.poll_read_only(self.serializer.into(), cx))? {
                Some(bytes) => {
                    let batch = Batch::new(self.serializer, bytes);
                    self.separator = self.separator.or_else(|| batch.separator());
                    self.batch = Some(batch);
                }
                None => return Poll::Ready(Ok(None)),
            }
        }
    }

    /// Appends a message as a batch of one.
    pub(super) fn push(&mut self, message: Bytes) {
        let (frame_type, is_text) = (self.serializer.into(), self.serializer.is_text());
        let around = if is_text { 1 } else { LENGTH_BYTES };
        self.socket.push_head(frame_type, message.len() + around);
        if !is_text {
            append_length(self.socket.out().end(), message.len());
        }
        self.socket.out().push_message(message);
        if is_text {
            let separator = self.separator();
            self.socket.out().end().put_u8(separator);
        }
    }

    /// Appends messages as they stand in a batch; returns an empty buffer for others.
    pub(super) fn push_batch(&mut self, mut batch: BytesMut) -> BytesMut {
        self.socket.push(self.serializer.into(), &batch);
        batch.clear();
        batch
    }
}

impl<S> Batched<S> {
    /// The WebSocket, for all that is not about messages.
    pub(super) const fn socket(&mut self) -> &mut WebSocket<S> {
        &mut self.socket
    }

    pub(super) const fn separator(&self) -> u8 {
        match self.separator {
            Some(separator) => separator,
            None => SEPARATOR,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Batched<S> {
    pub(super) fn unwritten(&self) -> usize {
        self.socket.unwritten()
    }
}

impl From<BatchError> for ReadError {
    fn from(error: BatchError) -> Self {
        Self::Broken {
            code: CloseCode::Protocol,
            why: error.to_string(),
        }
    }
}
