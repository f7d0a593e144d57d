//! One connection's messages, whichever way they travel: WebSocket, batched WebSocket or RawSocket.
//!
//! An `enum` where a trait could be: each is asked for a message at a time, and what that costs does not show. Knows
//! nothing of what a message says.

use std::io;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::batched::Batched;
use super::http::Upgraded;
use super::rawsocket::{Accepted, RawSocket};
use super::websocket::{ReadError, WebSocket, append_frame};
use crate::framing::{batched, rawsocket};
use crate::serializer::Serializer;

/// How many bytes of messages become one batch. bound: what a client must hold before it has the first of them.
const BATCH_BYTES_MAX: usize = 64 * 1024;

/// A connection that carries messages of one serializer.
#[derive(Debug)]
pub struct Wire<S> {
    serializer: Serializer,
    /// What there is to know of it by long-poll.
    polled: Option<Polled>,
    carrier: Carrier<S>,
}

#[derive(Debug)]
struct Polled {
    /// What its client agreed to.
    subprotocol: Subprotocol,
    /// The longest message that is taken, for who reads requests: none any more once this has gone.
    message_bytes_max: watch::Sender<usize>,
}

#[derive(Debug)]
enum Carrier<S> {
    WebSocket(WebSocket<S>),
    Batched(Batched<S>),
    RawSocket(RawSocket<S>),
}

/// A WebSocket subprotocol that carries WAMP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subprotocol {
    /// How messages are written.
    pub serializer: Serializer,
    /// Whether several of them are one message of the WebSocket's. Spec: ap#batchedwebsocket.
    pub is_batched: bool,
}

/// What is put around an encoded message on its way to a peer. `Copy`: whoever fills an outbox has its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// A frame of a WebSocket server's.
    WebSocket,
    /// A place in a batch; the batch's frame is made when it is written.
    Batched {
        /// What follows each message in JSON.
        separator: u8,
    },
    /// A frame of RawSocket's.
    RawSocket {
        /// What the peer takes.
        message_bytes_max: usize,
    },
}

impl Subprotocol {
    /// Every one there is.
    pub const ALL: [Self; 6] = {
        let [json, msgpack, cbor] = Serializer::ALL;
        [
            Self::new(json, false),
            Self::new(msgpack, false),
            Self::new(cbor, false),
            Self::new(json, true),
            Self::new(msgpack, true),
            Self::new(cbor, true),
        ]
    };

    const fn new(serializer: Serializer, is_batched: bool) -> Self {
        Self {
            serializer,
            is_batched,
        }
    }

    /// As it is offered: `wamp.2.json`, `wamp.2.json.batched`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match (self.is_batched, self.serializer) {
            (false, serializer) => serializer.subprotocol(),
            (true, Serializer::Json) => "wamp.2.json.batched",
            (true, Serializer::MsgPack) => "wamp.2.msgpack.batched",
            (true, Serializer::Cbor) => "wamp.2.cbor.batched",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

impl Framing {
    /// Appends an encoded message with what is around it; returns how many bytes that took.
    pub fn append(self, out: &mut BytesMut, serializer: Serializer, message: &[u8]) -> usize {
        let before = out.len();
        match self {
            Self::WebSocket => return append_frame(out, serializer.into(), message),
            Self::Batched { separator } => batched::append(out, serializer, separator, message),
            Self::RawSocket { .. } => {
                rawsocket::append_frame(out, rawsocket::Kind::Message, message);
            }
        }
        out.len() - before
    }

    /// Whether the peer takes a message of so many bytes.
    #[must_use]
    pub const fn takes(self, message_bytes: usize) -> bool {
        match self {
            Self::WebSocket | Self::Batched { .. } => true,
            Self::RawSocket { message_bytes_max } => message_bytes <= message_bytes_max,
        }
    }

    /// Whether another message may be appended to these bytes of messages.
    #[must_use]
    pub const fn has_room(self, frames_bytes: usize) -> bool {
        match self {
            Self::WebSocket | Self::RawSocket { .. } => true,
            Self::Batched { .. } => frames_bytes < BATCH_BYTES_MAX,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// A WebSocket after its handshake; messages above `message_bytes_max` are refused.
    pub fn websocket(
        upgraded: Upgraded<S>,
        subprotocol: Subprotocol,
        message_bytes_max: usize,
    ) -> Self {
        let serializer = subprotocol.serializer;
        let socket = WebSocket::new(upgraded, message_bytes_max);
        let carrier = if subprotocol.is_batched {
            Carrier::Batched(Batched::new(socket, serializer))
        } else {
            Carrier::WebSocket(socket)
        };
        Self {
            serializer,
            polled: None,
            carrier,
        }
    }

    /// This end of a stream from which long-poll takes messages, and puts them on; it is told how long they may be
    /// through `message_bytes_max`, which says it for the begin.
    pub fn polled(
        stream: S,
        subprotocol: Subprotocol,
        message_bytes_max: watch::Sender<usize>,
    ) -> Self {
        let both = rawsocket::Handshake::new(subprotocol.serializer, rawsocket::MESSAGE_BYTES_MAX);
        let agreed = Accepted {
            ours: both,
            theirs: both,
        };
        let before_welcome = *message_bytes_max.borrow();
        let polled = Polled {
            subprotocol,
            message_bytes_max,
        };
        let mut socket = RawSocket::new(stream, agreed, before_welcome);
        // Requests for messages answer pings: who sends none any more has gone.
        socket.expect_pongs();
        Self {
            serializer: subprotocol.serializer,
            polled: Some(polled),
            carrier: Carrier::RawSocket(socket),
        }
    }

    /// A RawSocket after its handshake; messages above `message_bytes_max` are refused.
    pub fn rawsocket(stream: S, agreed: Accepted, message_bytes_max: usize) -> Self {
        Self {
            serializer: agreed.ours.serializer,
            polled: None,
            carrier: Carrier::RawSocket(RawSocket::new(stream, agreed, message_bytes_max)),
        }
    }

    /// How messages are written.
    pub const fn serializer(&self) -> Serializer {
        self.serializer
    }

    /// What kind of transport it is, as the meta API says it.
    pub const fn kind(&self) -> &'static str {
        match self.carrier {
            Carrier::WebSocket(_) | Carrier::Batched(_) => "websocket",
            Carrier::RawSocket(_) if self.polled.is_some() => "longpoll",
            Carrier::RawSocket(_) => "rawsocket",
        }
    }

    /// The name of what is spoken, as the meta API says it.
    pub const fn protocol(&self) -> &'static str {
        if let Some(polled) = &self.polled {
            return polled.subprotocol.name();
        }
        let is_batched = matches!(self.carrier, Carrier::Batched(_));
        Subprotocol::new(self.serializer, is_batched).name()
    }

    /// What is put around messages. Known once the peer has sent one: in JSON it chooses what separates a batch.
    pub const fn framing(&self) -> Framing {
        match &self.carrier {
            Carrier::WebSocket(_) => Framing::WebSocket,
            Carrier::Batched(batched) => Framing::Batched {
                separator: batched.separator(),
            },
            Carrier::RawSocket(socket) => Framing::RawSocket {
                message_bytes_max: socket.peer_bytes_max(),
            },
        }
    }

    /// Whether closing is told to the peer by more than the end of the stream, and answered.
    pub const fn has_close_frames(&self) -> bool {
        matches!(self.carrier, Carrier::WebSocket(_) | Carrier::Batched(_))
    }

    /// Changes how large a message may be.
    pub fn set_message_bytes_max(&mut self, message_bytes_max: usize) {
        if let Some(polled) = &self.polled {
            polled.message_bytes_max.send_replace(message_bytes_max);
        }
        match &mut self.carrier {
            Carrier::WebSocket(socket) => socket.set_message_bytes_max(message_bytes_max),
            Carrier::Batched(batched) => batched.socket().set_message_bytes_max(message_bytes_max),
            Carrier::RawSocket(socket) => socket.set_message_bytes_max(message_bytes_max),
        }
    }

    /// Reads one message; `None` is something that only shows the peer alive.
    ///
    /// # Errors
    /// [`ReadError`], after which nothing more is to be read.
    pub fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, ReadError>> {
        match &mut self.carrier {
            Carrier::WebSocket(socket) => socket.poll_read_only(self.serializer.into(), cx),
            Carrier::Batched(batched) => batched.poll_read(cx),
            Carrier::RawSocket(socket) => socket.poll_read(cx),
        }
    }

    /// Appends a message to what is to be written. It is not longer than the peer takes: [`Framing::takes`].
    pub fn push(&mut self, message: &[u8]) {
        match &mut self.carrier {
            Carrier::WebSocket(socket) => socket.push(self.serializer.into(), message),
            Carrier::Batched(batched) => batched.push(Bytes::copy_from_slice(message)),
            Carrier::RawSocket(socket) => socket.push(message),
        }
    }

    /// Appends a message that others may get as well: a large one is not copied, one at a time.
    pub fn push_shared(&mut self, message: Bytes) {
        match &mut self.carrier {
            Carrier::WebSocket(socket) => socket.push_shared(self.serializer.into(), message),
            Carrier::Batched(batched) => batched.push(message),
            Carrier::RawSocket(socket) => socket.push_shared(message),
        }
    }

    /// Appends messages, framed by [`Framing::append`]; returns an empty buffer for others.
    pub fn push_frames(&mut self, frames: BytesMut) -> BytesMut {
        match &mut self.carrier {
            Carrier::WebSocket(socket) => socket.push_frames(frames),
            Carrier::Batched(batched) => batched.push_batch(frames),
            Carrier::RawSocket(socket) => socket.push_frames(frames),
        }
    }

    /// Appends a ping; false where the peer is not asked, for it may know none.
    pub fn push_ping(&mut self) -> bool {
        match &mut self.carrier {
            Carrier::WebSocket(socket) => socket.push_ping(),
            Carrier::Batched(batched) => batched.socket().push_ping(),
            Carrier::RawSocket(socket) => return socket.push_ping(),
        }
        true
    }

    /// Says that we close, where that can be said. Nothing may be pushed behind it.
    pub fn push_close(&mut self, code: CloseCode, reason: &'static str) {
        match &mut self.carrier {
            Carrier::WebSocket(socket) => socket.push_close(code, reason),
            Carrier::Batched(batched) => batched.socket().push_close(code, reason),
            Carrier::RawSocket(_) => {}
        }
    }

    /// How many bytes wait to be written.
    pub fn unwritten(&self) -> usize {
        match &self.carrier {
            Carrier::WebSocket(socket) => socket.unwritten(),
            Carrier::Batched(batched) => batched.unwritten(),
            Carrier::RawSocket(socket) => socket.unwritten(),
        }
    }

    /// Writes what is waiting; `Ready` when nothing is. Returns how many bytes went out in this turn.
    ///
    /// # Errors
    /// The stream's own; nothing more can be written then.
    pub fn poll_write(&mut self, cx: &mut Context<'_>) -> (usize, Poll<io::Result<()>>) {
        match &mut self.carrier {
            Carrier::WebSocket(socket) => socket.poll_write(cx),
            Carrier::Batched(batched) => batched.socket().poll_write(cx),
            Carrier::RawSocket(socket) => socket.poll_write(cx),
        }
    }

    /// Gives the write buffer back, if it is empty: a connection at rest holds none.
    pub fn release_buffer(&mut self) {
        match &mut self.carrier {
            Carrier::WebSocket(socket) => socket.release_buffer(),
            Carrier::Batched(batched) => batched.socket().release_buffer(),
            Carrier::RawSocket(socket) => socket.release_buffer(),
        }
    }

    /// Closes our direction of the stream, then passes over what the peer still sends; `Ready` at its end.
    pub fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.carrier {
            Carrier::WebSocket(socket) => socket.poll_end(cx),
            Carrier::Batched(batched) => batched.socket().poll_end(cx),
            Carrier::RawSocket(socket) => socket.poll_end(cx),
        }
    }
}
