//! A client's end of every transport there is: messages and pings out, messages and pongs in.
//!
//! Written by hand beside tungstenite: what the router's own code gets wrong, the same code would not notice.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tokio_tungstenite::tungstenite::client::{ClientRequestBuilder, client};
use tokio_tungstenite::tungstenite::{self, Message as WsMessage, Utf8Bytes};
use wamp::serializer::Serializer;

use super::stage::{Frame, Way};

/// How long a router may take to answer a ping, or to do what it does in time. Generous: CI shares its two cores.
pub(super) const DEADLINE: Duration = Duration::from_secs(30);
/// What is written byte by byte, where anything is: no message of a transcript's but the few long ones is longer.
const SPLIT_BYTES_MAX: usize = 2048;
/// What separates messages of a batch where nobody says otherwise.
const SEPARATOR: u8 = 0x1e;
/// The longest message that RawSocket can carry.
const RAWSOCKET_BYTES_MAX: usize = 1 << 24;

/// How a client's messages travel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) serializer: Serializer,
    pub(super) carried: Carried,
    pub(super) through: Through,
    /// Whether the router gets them byte by byte.
    pub(super) is_split: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carried {
    WebSocket,
    Batched,
    RawSocket,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Through {
    Tcp,
    Tls,
    Unix,
}

/// Where a router is to be found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) url: &'a str,
    /// Where its socket and its certificate are, if it has any.
    pub(super) folder: &'a Path,
}

/// The names of files in a [`Place`].
pub(super) const SOCKET: &str = "router.sock";
pub(super) const CERT: &str = "wamp.crt";

/// What came.
pub(super) enum Heard {
    Message(Bytes),
    Pong(Bytes),
}

/// An open connection.
pub(super) struct Wire {
    carrier: Carrier,
    serializer: Serializer,
    heard: VecDeque<Heard>,
}

enum Carrier {
    WebSocket(tungstenite::WebSocket<Stream>),
    Batched {
        socket: tungstenite::WebSocket<Stream>,
        /// Written, and waiting for others to be written with.
        batch: BytesMut,
        separator: u8,
    },
    RawSocket {
        stream: Stream,
        received: BytesMut,
        waiting: BytesMut,
    },
}

impl From<Serializer> for Line {
    fn from(serializer: Serializer) -> Self {
        Self {
            serializer,
            carried: Carried::WebSocket,
            through: Through::Tcp,
            is_split: false,
        }
    }
}

impl Wire {
    pub(super) fn connect(place: Place<'_>, line: Line, way: Way<'_>) -> Self {
        let stream = Stream::open(place, line);
        let carrier = match line.carried {
            Carried::RawSocket => {
                let bytes_max = way.bytes_max.unwrap_or(RAWSOCKET_BYTES_MAX);
                rawsocket(stream, way.serializer, bytes_max)
            }
            Carried::WebSocket => {
                let name = way.serializer.subprotocol();
                Carrier::WebSocket(websocket(place.url, stream, name))
            }
            Carried::Batched => Carrier::Batched {
                socket: websocket(
                    place.url,
                    stream,
                    &format!("{}.batched", way.serializer.subprotocol()),
                ),
                batch: BytesMut::new(),
                separator: way.separator.unwrap_or(SEPARATOR),
            },
        };
        Self {
            carrier,
            serializer: way.serializer,
            heard: VecDeque::new(),
        }
    }

    /// Hands a message over, which may wait for others to be sent with. A peer that has been closed cannot send; the
    /// conversation says so where it matters.
    pub(super) fn write(&mut self, frame: Frame) {
        let is_text = self.serializer.is_text();
        match &mut self.carrier {
            Carrier::WebSocket(socket) => drop(socket.write(message(frame))),
            Carrier::Batched { socket, batch, .. } if frame.is_text != is_text => {
                send_batch(socket, batch, is_text);
                let _ = socket.write(message(frame));
            }
            Carrier::Batched {
                batch, separator, ..
            } => {
                if !is_text {
                    batch.put_u32(frame.bytes.len().try_into().expect("a short message"));
                }
                batch.put(frame.bytes);
                if is_text {
                    batch.put_u8(*separator);
                }
            }
            Carrier::RawSocket { waiting, .. } => append(waiting, 0, &frame.bytes),
        }
    }

    /// Sends all that waits, and a ping behind it.
    pub(super) fn ping(&mut self, payload: Bytes) {
        let is_text = self.serializer.is_text();
        match &mut self.carrier {
            Carrier::WebSocket(socket) => drop(socket.send(WsMessage::Ping(payload))),
            Carrier::Batched { socket, batch, .. } => {
                send_batch(socket, batch, is_text);
                let _ = socket.send(WsMessage::Ping(payload));
            }
            Carrier::RawSocket {
                stream, waiting, ..
            } => {
                append(waiting, 1, &payload);
                let _ = stream.write_all(waiting).and_then(|()| stream.flush());
                waiting.clear();
            }
        }
    }

    /// Waits for what comes next; `None` at the end.
    pub(super) fn read(&mut self) -> Option<Heard> {
        loop {
            if let Some(heard) = self.heard.pop_front() {
                return Some(heard);
            }
            match &mut self.carrier {
                Carrier::WebSocket(socket) => {
                    let message = socket.read().ok()?;
                    self.heard.extend(heard(message, self.serializer));
                }
                Carrier::Batched {
                    socket, separator, ..
                } => match heard(socket.read().ok()?, self.serializer) {
                    Some(Heard::Message(batch)) => {
                        let messages = unbatched(batch, self.serializer, *separator);
                        self.heard.extend(messages.map(Heard::Message));
                    }
                    other => self.heard.extend(other),
                },
                Carrier::RawSocket {
                    stream,
                    received,
                    waiting,
                } => match take(received) {
                    Some((0, message)) => self.heard.push_back(Heard::Message(message)),
                    Some((1, ping)) => append(waiting, 2, &ping),
                    Some((2, pong)) => self.heard.push_back(Heard::Pong(pong)),
                    Some((kind, _)) => panic!("the router sent a frame of kind {kind}"),
                    None => {
                        let mut bytes = [0; 4096];
                        let count = stream.read(&mut bytes).unwrap_or_default();
                        received.extend_from_slice(&bytes[..count]);
                        if count == 0 {
                            assert!(received.is_empty(), "the router sent half a frame");
                            return None;
                        }
                    }
                },
            }
        }
    }

    /// Ends the connection, and waits for the router to do so.
    pub(super) fn leave(mut self, with_close: bool) {
        let is_text = self.serializer.is_text();
        match &mut self.carrier {
            Carrier::WebSocket(socket) => {
                if with_close {
                    let _ = socket.close(None);
                }
                let _ = socket.flush();
                socket.get_ref().end();
            }
            Carrier::Batched { socket, batch, .. } => {
                send_batch(socket, batch, is_text);
                if with_close {
                    let _ = socket.close(None);
                }
                let _ = socket.flush();
                socket.get_ref().end();
            }
            Carrier::RawSocket {
                stream, waiting, ..
            } => {
                let _ = stream.write_all(waiting).and_then(|()| stream.flush());
                stream.end();
            }
        }
        while self.read().is_some() {}
    }
}

fn websocket(url: &str, stream: Stream, subprotocol: &str) -> tungstenite::WebSocket<Stream> {
    // What stands in the way, if anything, has been gone through.
    let url = url.replacen("wss://", "ws://", 1);
    let request =
        ClientRequestBuilder::new(url.parse().expect("a URL")).with_sub_protocol(subprotocol);
    client(request, stream)
        .expect("the router speaks WebSocket")
        .0
}

fn rawsocket(mut stream: Stream, serializer: Serializer, bytes_max: usize) -> Carrier {
    let exponent = u8::try_from(bytes_max.ilog2() - 9).expect("a length of RawSocket's");
    let code = match serializer {
        Serializer::Json => 1,
        Serializer::MsgPack => 2,
        Serializer::Cbor => 3,
    };
    let handshake = [0x7f, exponent << 4 | code, 0, 0];
    stream.write_all(&handshake).expect("a fresh stream");
    stream.flush().expect("a fresh stream");
    let mut reply = [0; 4];
    stream.read_exact(&mut reply).expect("the router replies");
    assert_eq!(reply, [0x7f, 0xf0 | code, 0, 0], "the router's handshake");
    Carrier::RawSocket {
        stream,
        received: BytesMut::new(),
        waiting: BytesMut::new(),
    }
}

fn message(frame: Frame) -> WsMessage {
    if frame.is_text {
        let text = Utf8Bytes::try_from(frame.bytes).expect("text frames hold UTF-8");
        WsMessage::Text(text)
    } else {
        WsMessage::Binary(frame.bytes)
    }
}

fn heard(message: WsMessage, serializer: Serializer) -> Option<Heard> {
    match message {
        WsMessage::Text(text) if serializer.is_text() => Some(Heard::Message(text.into())),
        WsMessage::Binary(bytes) if !serializer.is_text() => Some(Heard::Message(bytes)),
        WsMessage::Pong(payload) => Some(Heard::Pong(payload)),
        WsMessage::Ping(_) | WsMessage::Close(_) => None,
        other => panic!("the router sent {other:?}"),
    }
}

fn send_batch(socket: &mut tungstenite::WebSocket<Stream>, batch: &mut BytesMut, is_text: bool) {
    if !batch.is_empty() {
        let bytes = batch.split().freeze();
        let _ = socket.write(message(Frame { bytes, is_text }));
    }
}

/// The messages of a batch, which has some, each with what belongs around it.
fn unbatched(
    mut batch: Bytes,
    serializer: Serializer,
    separator: u8,
) -> impl Iterator<Item = Bytes> {
    assert!(!batch.is_empty(), "the router sent an empty batch");
    std::iter::from_fn(move || {
        if batch.is_empty() {
            return None;
        }
        if serializer.is_text() {
            let end = batch.iter().position(|&byte| byte == separator);
            let message = batch.split_to(end.expect("each message is separated as its first was"));
            batch.advance(1);
            return Some(message);
        }
        let length = batch.get_u32();
        Some(batch.split_to(length.try_into().expect("a length in memory")))
    })
}

/// Appends a frame of RawSocket's.
fn append(out: &mut BytesMut, kind: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).expect("a short message");
    out.put_u32(kind << 24 | length);
    out.put(payload);
}

/// Takes a frame that is all there.
fn take(received: &mut BytesMut) -> Option<(u32, Bytes)> {
    let head = u32::from_be_bytes(*received.first_chunk()?);
    let length = usize::try_from(head & 0x00ff_ffff).expect("a length in memory");
    if received.len() < 4 + length {
        return None;
    }
    received.advance(4);
    Some((head >> 24, received.split_to(length).freeze()))
}

/// A stream, through TLS or not.
enum Stream {
    Plain(Patient),
    Tls(Box<StreamOwned<ClientConnection, Patient>>),
}

/// A stream whose calls are repeated when a signal interrupts them, and fail the test at the deadline.
struct Patient {
    stream: Plain,
    is_split: bool,
}

enum Plain {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    fn open(place: Place<'_>, line: Line) -> Self {
        let stream = if line.through == Through::Unix {
            let stream =
                UnixStream::connect(place.folder.join(SOCKET)).expect("the router listens");
            let timeout = stream.set_read_timeout(Some(DEADLINE));
            timeout.expect("a fresh socket");
            Plain::Unix(stream)
        } else {
            let address = place
                .url
                .split("://")
                .nth(1)
                .and_then(|it| it.split('/').next());
            let address = address.unwrap_or_default();
            let stream = TcpStream::connect(address).expect("the router listens");
            stream.set_nodelay(true).expect("a fresh socket");
            let timeout = stream.set_read_timeout(Some(DEADLINE));
            timeout.expect("a fresh socket");
            Plain::Tcp(stream)
        };
        let patient = Patient {
            stream,
            is_split: line.is_split,
        };
        match line.through {
            Through::Tcp | Through::Unix => Self::Plain(patient),
            Through::Tls => {
                let session = tls(&place.folder.join(CERT));
                Self::Tls(Box::new(StreamOwned::new(session, patient)))
            }
        }
    }

    /// Ends what we send.
    fn end(&self) {
        let patient = match self {
            Self::Plain(patient) => patient,
            Self::Tls(stream) => stream.get_ref(),
        };
        let _ = match &patient.stream {
            Plain::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Plain::Unix(stream) => stream.shutdown(Shutdown::Write),
        };
    }
}

/// A session with who holds this certificate.
fn tls(cert: &Path) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    let cert = CertificateDer::from_pem_file(cert).expect("a certificate");
    roots.add(cert).expect("one that can be trusted");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the versions that ring has")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "localhost".try_into().expect("a name");
    ClientConnection::new(Arc::new(config), name).expect("a session")
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match &mut self.stream {
                Plain::Tcp(stream) => stream.read(buffer),
                Plain::Unix(stream) => stream.read(buffer),
            };
            match read.map_err(|error| (error.kind(), error)) {
                Ok(count) => return Ok(count),
                Err((ErrorKind::Interrupted, _)) => {}
                Err((ErrorKind::WouldBlock | ErrorKind::TimedOut, _)) => {
                    panic!("the router says nothing for {DEADLINE:?}")
                }
                Err((_, error)) => return Err(error),
            }
        }
    }
}

impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let is_split = self.is_split && bytes.len() <= SPLIT_BYTES_MAX;
        let bytes = if is_split {
            &bytes[..bytes.len().min(1)]
        } else {
            bytes
        };
        loop {
            let written = match &mut self.stream {
                Plain::Tcp(stream) => stream.write(bytes),
                Plain::Unix(stream) => stream.write(bytes),
            };
            match written {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                outcome => return outcome,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
