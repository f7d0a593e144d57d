//! What is to be written to a stream: frames in one buffer, and at most one large message that is not copied.
//!
//! What a frame looks like is not known here.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncWrite;

/// From so many bytes on, a message is written from where it lies: others may be written from there, too.
const LARGE_BYTES_MIN: usize = 64 * 1024;

/// Bytes to be written, in order.
#[derive(Debug, Default)]
pub(super) struct WriteBuffer {
    out: BytesMut,
    /// Behind `out`, whose last bytes are its head.
    large: Option<Box<Large>>,
}

/// A large message that is not copied, and what follows it.
#[derive(Debug)]
struct Large {
    message: Bytes,
    behind: BytesMut,
}

impl WriteBuffer {
    /// Where to append what is to be written next.
    pub(super) fn end(&mut self) -> &mut BytesMut {
        match &mut self.large {
            None => &mut self.out,
            Some(large) => &mut large.behind,
        }
    }

    /// Appends a message whose head is appended: it is not copied where it is large, one at a time.
    pub(super) fn push_message(&mut self, message: Bytes) {
        if message.len() < LARGE_BYTES_MIN || self.large.is_some() {
            self.end().extend_from_slice(&message);
            return;
        }
        let behind = BytesMut::new();
        self.large = Some(Box::new(Large { message, behind }));
    }

    /// Appends frames; returns an empty buffer for others.
    pub(super) fn push_frames(&mut self, mut frames: BytesMut) -> BytesMut {
        let out = self.end();
        if out.is_empty() {
            return std::mem::replace(out, frames);
        }
        out.extend_from_slice(&frames);
        frames.clear();
        frames
    }

    /// How many bytes wait.
    pub(super) fn len(&self) -> usize {
        let large = self.large.as_ref();
        self.out.len() + large.map_or(0, |it| it.message.len() + it.behind.len())
    }

    /// Gives the memory back, if nothing waits.
    pub(super) fn release(&mut self) {
        if self.out.is_empty() {
            self.out = BytesMut::new();
        }
    }

    /// Writes what waits; `Ready` when nothing does. Returns how many bytes went out in this turn.
    ///
    /// # Errors
    /// The stream's own; nothing more can be written then.
    pub(super) fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> (usize, Poll<io::Result<()>>) {
        let before = self.len();
        let outcome = self.poll_drain(stream, cx);
        (before - self.len(), outcome)
    }

    fn poll_drain<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(large) = &mut self.large {
            // The head goes with its message: two writes would wake the peer twice.
            let mut both = (&mut self.out).chain(&mut large.message);
            ready!(poll_write_all(stream, &mut both, cx))?;
            let behind = std::mem::take(&mut large.behind);
            self.large = None;
            if !behind.is_empty() {
                self.out = behind;
            }
        }
        ready!(poll_write_all(stream, &mut self.out, cx))?;
        Pin::new(stream).poll_flush(cx)
    }
}

/// Writes until nothing of `bytes` is left.
fn poll_write_all<S: AsyncWrite + Unpin>(
    stream: &mut S,
    bytes: &mut impl Buf,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    while bytes.has_remaining() {
        let mut slices = [IoSlice::new(&[]); 2];
        let written = match bytes.chunks_vectored(&mut slices) {
            2 => Pin::new(&mut *stream).poll_write_vectored(cx, &slices),
            _ => Pin::new(&mut *stream).poll_write(cx, bytes.chunk()),
        };
        let written = ready!(written)?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        bytes.advance(written);
    }
    Poll::Ready(Ok(()))
}
