//! A WebSocket on the server's side: frames read by tungstenite, written straight into one buffer.
//!
//! tungstenite's sans-io context (what `WebSocketStream` wraps) is driven directly: its limits can change once
//! a session is open, the task's own waker is registered without a detour, and what it writes by itself (pong,
//! close) goes to the same buffer as our messages, so that one system call sends what many messages left.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::Message as WsMessage;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, FrameHeader};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};

use super::ending::poll_end;
use super::http::Upgraded;
use super::write_buffer::WriteBuffer;
use crate::serializer::Serializer;

/// The read buffer. Small: every connection holds one, and a larger one gains nothing (`peers.md`).
const READ_BUFFER_BYTES: usize = 4 * 1024;

/// The longest head of a frame that a server sends.
const FRAME_HEAD_BYTES_MAX: usize = 10;

/// A WebSocket that carries messages.
#[derive(Debug)]
pub struct WebSocket<S> {
    stream: S,
    /// Read from the stream before we had it.
    read_ahead: Bytes,
    context: WebSocketContext,
    out: WriteBuffer,
}

/// The type of a message's frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameType {
    /// UTF-8.
    Text,
    /// Any bytes.
    Binary,
}

/// What came from the peer.
#[derive(Debug)]
pub enum Incoming {
    /// A whole message, however many frames it took. [`Text`](FrameType::Text) is UTF-8.
    Data(FrameType, Bytes),
    /// A ping, which is answered already, or a pong.
    Alive,
    /// Its close frame, which is answered with the next read; nothing but the end follows. `None`: it gave no code.
    Close(Option<CloseFrame>),
}

/// Why nothing more can be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The peer closed, in order or not.
    #[error("the peer closed the connection")]
    Closed,
    /// A message above the limit in force.
    #[error("a message of more than {max} bytes")]
    TooLarge {
        /// The limit.
        max: usize,
    },
    /// A text message on a binary session, or the reverse.
    #[error("a frame of the wrong type")]
    FrameType,
    /// Against RFC 6455.
    #[error("{why}")]
    Broken {
        /// The code to close with.
        code: CloseCode,
        /// What it did.
        why: String,
    },
}

impl From<Serializer> for FrameType {
    fn from(serializer: Serializer) -> Self {
        if serializer.is_text() {
            Self::Text
        } else {
            Self::Binary
        }
    }
}

impl FrameType {
    const fn opcode(self) -> OpCode {
        OpCode::Data(match self {
            Self::Text => Data::Text,
            Self::Binary => Data::Binary,
        })
    }
}

/// Appends one message as a frame of a server's; returns how many bytes that took.
pub fn append_frame(out: &mut BytesMut, frame_type: FrameType, message: &[u8]) -> usize {
    let before = out.len();
    append(out, frame_type.opcode(), message);
    out.len() - before
}

fn append(out: &mut BytesMut, opcode: OpCode, payload: &[u8]) {
    out.reserve(FRAME_HEAD_BYTES_MAX + payload.len());
    append_head(out, opcode, payload.len());
    out.extend_from_slice(payload);
}

fn append_head(out: &mut BytesMut, opcode: OpCode, payload_bytes: usize) {
    let header = FrameHeader {
        is_final: true,
        opcode,
        ..FrameHeader::default()
    };
    // A buffer in memory takes everything.
    let _ = header.format(payload_bytes as u64, &mut out.writer());
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// Takes over a stream; messages above `message_bytes_max` are refused.
    pub fn new(upgraded: Upgraded<S>, message_bytes_max: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .max_message_size(Some(message_bytes_max))
            .max_frame_size(Some(message_bytes_max));
        // Not `from_partially_read`: a buffer that begins empty never grows beyond the frame at hand.
        let context = WebSocketContext::new(Role::Server, Some(config));
        Self {
            stream: upgraded.stream,
            read_ahead: upgraded.read_ahead,
            context,
            out: WriteBuffer::default(),
        }
    }

    /// Changes how large a message may be.
    pub fn set_message_bytes_max(&mut self, message_bytes_max: usize) {
        self.context.set_config(|config| {
            config.max_message_size = Some(message_bytes_max);
            config.max_frame_size = Some(message_bytes_max);
        });
    }

    /// Reads one message, or something else that the peer says.
    ///
    /// # Errors
    /// [`ReadError`], after which nothing more can be read.
    pub fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Incoming, ReadError>> {
        let mut io = Io {
            stream: &mut self.stream,
            read_ahead: &mut self.read_ahead,
            out: self.out.end(),
            cx,
        };
        Poll::Ready(Ok(match self.context.read(&mut io) {
            Ok(WsMessage::Text(text)) => Incoming::Data(FrameType::Text, text.into()),
            Ok(WsMessage::Binary(bytes)) => Incoming::Data(FrameType::Binary, bytes),
            Ok(WsMessage::Close(close)) => Incoming::Close(close),
            Ok(WsMessage::Ping(_) | WsMessage::Pong(_) | WsMessage::Frame(_)) => Incoming::Alive,
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                return Poll::Pending;
            }
            Err(error) => return Poll::Ready(Err(error.into())),
        }))
    }

    /// Reads one message of this type; `None` is something that only shows the peer alive.
    ///
    /// # Errors
    /// [`ReadError`], after which nothing more is to be read: also for a message of the other type.
    pub fn poll_read_only(
        &mut self,
        wanted: FrameType,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, ReadError>> {
        self.poll_read(cx).map_ok(|incoming| match incoming {
            Incoming::Data(frame_type, message) if frame_type == wanted => Ok(Some(message)),
            Incoming::Data(..) => Err(ReadError::FrameType),
            // A close frame is answered by the context; the end of the stream follows.
            Incoming::Alive | Incoming::Close(_) => Ok(None),
        })?
    }

    /// Appends a message to what is to be written.
    pub fn push(&mut self, frame_type: FrameType, message: &[u8]) {
        append_frame(self.out.end(), frame_type, message);
    }

    /// Appends a message that others may get as well: a large one is not copied, one at a time.
    pub fn push_shared(&mut self, frame_type: FrameType, message: Bytes) {
        self.push_head(frame_type, message.len());
        self.out.push_message(message);
    }

    /// Appends the head of a frame of so many bytes, which are pushed next.
    pub(super) fn push_head(&mut self, frame_type: FrameType, payload_bytes: usize) {
        append_head(self.out.end(), frame_type.opcode(), payload_bytes);
    }

    /// Where to append what is to be written next.
    pub(super) fn out(&mut self) -> &mut WriteBuffer {
        &mut self.out
    }

    /// Appends a frame, made by [`append_frame`], that others get as well.
    pub fn push_shared_frame(&mut self, frame: &[u8]) {
        self.out.end().extend_from_slice(frame);
    }

    /// Appends frames, made by [`append_frame`]; returns an empty buffer for others.
    pub fn push_frames(&mut self, frames: BytesMut) -> BytesMut {
        self.out.push_frames(frames)
    }

    /// Appends a ping.
    pub fn push_ping(&mut self) {
        let out = self.out.end();
        append(out, OpCode::Control(Control::Ping), &[]);
    }

    /// Appends a close frame. Nothing may be pushed behind it.
    pub fn push_close(&mut self, code: CloseCode, reason: &'static str) {
        if !self.context.can_write() {
            return;
        }
        let frame = CloseFrame {
            code,
            reason: reason.into(),
        };
        let mut noop = Context::from_waker(std::task::Waker::noop());
        let mut io = Io {
            stream: &mut self.stream,
            read_ahead: &mut self.read_ahead,
            out: self.out.end(),
            cx: &mut noop,
        };
        // The context writes into a buffer, which takes everything. First a pong that is due: nothing follows a close frame.
        let _ = self.context.flush(&mut io);
        let _ = self.context.close(&mut io, Some(frame));
    }

    /// How many bytes wait to be written.
    pub fn unwritten(&self) -> usize {
        self.out.len()
    }

    /// Writes what is waiting; `Ready` when nothing is. Returns how many bytes went out in this turn.
    ///
    /// # Errors
    /// The stream's own; nothing more can be written then.
    pub fn poll_write(&mut self, cx: &mut Context<'_>) -> (usize, Poll<io::Result<()>>) {
        self.out.poll_write(&mut self.stream, cx)
    }

    /// Gives the write buffer back, if it is empty: a connection at rest holds none.
    pub fn release_buffer(&mut self) {
        self.out.release();
    }

    /// Closes our direction of the stream, then passes over what the peer still sends; `Ready` at its end.
    pub fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        poll_end(&mut self.stream, cx)
    }
}

impl From<Error> for ReadError {
    fn from(error: Error) -> Self {
        match error {
            // A stream that ends without a close frame is a peer that has gone, not one that errs.
            Error::ConnectionClosed
            | Error::AlreadyClosed
            | Error::Io(_)
            | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::Closed,
            Error::Capacity(CapacityError::MessageTooLong { max_size, .. }) => {
                Self::TooLarge { max: max_size }
            }
            broken => Self::Broken {
                code: match broken {
                    Error::Utf8(_) => CloseCode::Invalid,
                    _ => CloseCode::Protocol,
                },
                why: broken.to_string(),
            },
        }
    }
}

/// The stream as tungstenite wants it for one call: reads may block, writes go to the buffer.
struct Io<'a, 'b, S> {
    stream: &'a mut S,
    read_ahead: &'a mut Bytes,
    out: &'a mut BytesMut,
    cx: &'a mut Context<'b>,
}

impl<S: AsyncRead + Unpin> Read for Io<'_, '_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.read_ahead.is_empty() {
            let count = buffer.len().min(self.read_ahead.len());
            self.read_ahead.copy_to_slice(&mut buffer[..count]);
            return Ok(count);
        }
        let mut buffer = ReadBuf::new(buffer);
        match Pin::new(&mut *self.stream).poll_read(self.cx, &mut buffer) {
            Poll::Ready(Ok(())) => Ok(buffer.filled().len()),
            Poll::Ready(Err(error)) => Err(error),
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl<S> Write for Io<'_, '_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
