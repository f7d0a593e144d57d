//! A RawSocket after its handshake: frames in and out of a stream. The same for both sides. Spec: ap#rawsocket.
//!
//! What a frame looks like is [`framing::rawsocket`](crate::framing::rawsocket)'s business; the handshake is here too,
//! for it is all that happens before.

use std::io;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::ending::poll_end;
use super::websocket::ReadError;
use super::write_buffer::WriteBuffer;
use crate::framing::rawsocket::{
    Frame, FrameError, HEAD_BYTES, Handshake, HandshakeError, Kind, MESSAGE_BYTES_MAX,
    append_frame, append_head, bytes_missing, take_frame,
};

/// The read buffer, of which every connection holds one.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// How much is made room for at once, however long a frame claims to be.
const READ_BYTES_MAX: usize = 64 * 1024;

/// A RawSocket that carries messages.
#[derive(Debug)]
pub struct RawSocket<S> {
    stream: S,
    received: BytesMut,
    out: WriteBuffer,
    /// What we said that we take; a limit in force is no higher.
    announced_bytes_max: usize,
    message_bytes_max: usize,
    peer_bytes_max: usize,
    /// It has sent a PING or a PONG.
    knows_pings: bool,
}

/// The rest of a client's handshake: what it is answered with, which is written.
///
/// # Errors
/// The stream's own, and a handshake that is refused; the reply says so.
pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    message_bytes_max: usize,
) -> Result<Accepted, AcceptError> {
    let mut octets = [0; HEAD_BYTES];
    stream.read_exact(&mut octets).await?;
    let theirs = match Handshake::of_client(octets) {
        Ok(handshake) => handshake,
        Err(error) => {
            if let HandshakeError::Refused(refusal) = error {
                stream.write_all(&refusal.octets()).await?;
            }
            return Err(error.into());
        }
    };
    let ours = Handshake::new(theirs.serializer, message_bytes_max);
    stream.write_all(&ours.octets()).await?;
    stream.flush().await?;
    Ok(Accepted { ours, theirs })
}

/// What both sides have said.
#[derive(Clone, Copy, Debug)]
pub struct Accepted {
    /// What we take.
    pub ours: Handshake,
    /// What the peer takes.
    pub theirs: Handshake,
}

/// Why there is no RawSocket.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The stream broke, or ended.
    #[error("the connection ended in the handshake: {}", super::io_text(.0))]
    Io(#[from] io::Error),
    /// What came is no handshake, or one that is refused.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
}

impl<S: AsyncRead + AsyncWrite + Unpin> RawSocket<S> {
    /// Takes over a stream behind its handshake; messages above `message_bytes_max` are refused.
    pub fn new(stream: S, agreed: Accepted, message_bytes_max: usize) -> Self {
        let announced_bytes_max = agreed.ours.message_bytes_max;
        Self {
            stream,
            received: BytesMut::new(),
            out: WriteBuffer::default(),
            announced_bytes_max,
            message_bytes_max: message_bytes_max.min(announced_bytes_max),
            peer_bytes_max: agreed.theirs.message_bytes_max.min(MESSAGE_BYTES_MAX),
            knows_pings: false,
        }
    }

    /// Changes how large a message may be; never larger than we said.
    pub fn set_message_bytes_max(&mut self, message_bytes_max: usize) {
        self.message_bytes_max = message_bytes_max.min(self.announced_bytes_max);
    }

    /// How long a message the peer takes.
    pub const fn peer_bytes_max(&self) -> usize {
        self.peer_bytes_max
    }

    /// Reads one message; `None` is something that only shows the peer alive.
    ///
    /// # Errors
    /// [`ReadError`], after which nothing more is to be read.
    pub fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, ReadError>> {
        loop {
            let frame = take_frame(&mut self.received, self.message_bytes_max)?;
            if let Some(frame) = frame {
                return Poll::Ready(Ok(self.take(frame)));
            }
            if ready!(self.poll_fill(cx)).is_none() {
                return Poll::Ready(Err(ReadError::Closed));
            }
        }
    }

    fn take(&mut self, frame: Frame) -> Option<Bytes> {
        self.knows_pings |= !matches!(frame, Frame::Message(_));
        match frame {
            Frame::Message(message) => {
                if message.len() > READ_BUFFER_BYTES {
                    // What is behind it lies in the same memory, which is large.
                    self.received = BytesMut::from(&*self.received);
                }
                Some(message)
            }
            Frame::Ping(payload) => {
                append_frame(self.out.end(), Kind::Pong, &payload);
                None
            }
            Frame::Pong(_) => None,
        }
    }

    /// Reads some bytes; `None` at the end of the stream.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Option<()>> {
        // Room for what has come and a little more: a length that is claimed allocates nothing.
        let missing = bytes_missing(&self.received);
        self.received
            .reserve(missing.clamp(READ_BUFFER_BYTES, READ_BYTES_MAX));
        let read = pin!(self.stream.read_buf(&mut self.received)).poll(cx);
        read.map(|read| read.ok().filter(|&count| count > 0).map(drop))
    }

    /// Appends a message to what is to be written.
    pub fn push(&mut self, message: &[u8]) {
        append_frame(self.out.end(), Kind::Message, message);
    }

    /// Appends a message that others may get as well: a large one is not copied, one at a time.
    pub fn push_shared(&mut self, message: Bytes) {
        append_head(self.out.end(), Kind::Message, message.len());
        self.out.push_message(message);
    }

    /// Appends frames; returns an empty buffer for others.
    pub fn push_frames(&mut self, frames: BytesMut) -> BytesMut {
        self.out.push_frames(frames)
    }

    /// Says that the peer knows pings, before it has shown so.
    pub const fn expect_pongs(&mut self) {
        self.knows_pings = true;
    }

    /// Appends a PING, where the peer has shown that it knows them: autobahn-python ends the connection at one. False where
    /// it is not asked; TCP's own probes find a cut link then.
    pub fn push_ping(&mut self) -> bool {
        if self.knows_pings {
            append_frame(self.out.end(), Kind::Ping, &[]);
        }
        self.knows_pings
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

    /// Gives the write buffer back, if it is empty.
    pub fn release_buffer(&mut self) {
        self.out.release();
    }

    /// Closes our direction of the stream, then passes over what the peer still sends; `Ready` at its end.
    pub fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        poll_end(&mut self.stream, cx)
    }
}

impl From<FrameError> for ReadError {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::TooLong { max, .. } => Self::TooLarge { max },
            FrameError::Head(_) => Self::Broken {
                code: CloseCode::Protocol,
                why: error.to_string(),
            },
        }
    }
}
