//! A stream of which the first bytes were looked at, and are read again by who it is for.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

/// How much is looked at, at most: more than any of the heads that tell what a stream is. Spec: PROXY protocol, 2.1
/// (107 bytes), 2.2 (16 bytes and what they announce).
const LOOK_BYTES: usize = 256;

/// A stream, and what was read of it too early.
#[derive(Debug)]
pub struct Rewound<S> {
    stream: S,
    unread: BytesMut,
}

impl<S: AsyncRead + Unpin> Rewound<S> {
    /// A stream that nobody has read from.
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            unread: BytesMut::new(),
        }
    }

    /// The same stream as part of another type.
    pub fn map<T>(self, into: impl FnOnce(S) -> T) -> Rewound<T> {
        Rewound {
            stream: into(self.stream),
            unread: self.unread,
        }
    }

    /// How the stream begins: so many bytes, fewer only where it ends before. They stay to be read.
    ///
    /// # Errors
    /// The stream's own.
    pub async fn look(&mut self, bytes: usize) -> io::Result<&[u8]> {
        while self.unread.len() < bytes {
            self.unread
                .reserve(LOOK_BYTES.max(bytes) - self.unread.len());
            if self.stream.read_buf(&mut self.unread).await? == 0 {
                break;
            }
        }
        Ok(&self.unread)
    }

    /// Passes over bytes that were looked at.
    pub fn skip(&mut self, bytes: usize) {
        self.unread.advance(bytes.min(self.unread.len()));
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Rewound<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.unread.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        let count = buffer.remaining().min(self.unread.len());
        buffer.put_slice(&self.unread[..count]);
        self.unread.advance(count);
        if self.unread.is_empty() {
            self.unread = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Rewound<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
