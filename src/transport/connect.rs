//! The client's end of a WebSocket: dialling, and messages in and out of one connection.
//!
//! Knows URLs and subprotocols, not sessions; who re-dials, and when, is
//! [`node::connect`](crate::node::connect)'s business.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::{ProtocolError, SubProtocolError};
use tokio_tungstenite::tungstenite::http::{HeaderValue, Response};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message as Frame};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use url::{Host, Url};

use crate::protocol::Message;
use crate::serializer::{DecodeError, Serializer};

/// What one connection reads ahead; taken eagerly, so a small one.
const READ_BUFFER_BYTES: usize = 8 * 1024;
/// The greatest message this client takes.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How many messages wait to be written before no more should be queued.
const QUEUED_MAX: usize = 256;
/// How many bytes of them.
const QUEUED_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The port of a `ws://` URL without one.
const WS_PORT: u16 = 80;
/// How much of a refusing server's page is quoted.
const BODY_EXCERPT_CHARS: usize = 120;

/// Any stream that a WebSocket can run over.
pub trait ByteStream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> ByteStream for S {}

/// Opens a stream to a router; called again for each re-join.
pub type Opener =
    Arc<dyn Fn() -> BoxFuture<'static, io::Result<Box<dyn ByteStream>>> + Send + Sync>;

/// How to reach a router.
#[derive(Clone)]
pub struct Dialer {
    /// `ws://host:port/path`: where to connect, and what the handshake says.
    pub url: Url,
    /// Opens the stream in another way than TCP to the URL's host, for a router in this process.
    pub opener: Option<Opener>,
    /// The serializers offered, the best first.
    pub serializers: Vec<Serializer>,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Looking the name up.
    Resolve,
    /// Connecting.
    Connect,
    /// The WebSocket handshake.
    Upgrade,
    /// HELLO has been sent.
    Join,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DialError {
    /// A URL that is no WebSocket's, or one of a kind that is not to be had.
    #[error("{reason}")]
    Url {
        /// What is wrong with it.
        reason: String,
    },
    /// The host's name leads nowhere.
    #[error("the name {host:?} cannot be resolved: {}", io_text(.source))]
    Resolve {
        /// The name.
        host: String,
        /// Why.
        source: io::Error,
    },
    /// Nobody answered at the address.
    #[error("{}", io_text(.source))]
    Connect {
        /// Why.
        source: io::Error,
    },
    /// Something answered that speaks HTTP and does not want to change to WebSocket.
    #[error("the server answered HTTP {status}{}", quoted(.body))]
    Http {
        /// The status, as in `404 Not Found`.
        status: String,
        /// How its page begins.
        body: String,
    },
    /// A WebSocket, but none of WAMP's serializers offered.
    #[error("the server speaks WebSocket, but none of {offered}")]
    Subprotocol {
        /// The subprotocols offered.
        offered: String,
    },
    /// No WebSocket.
    #[error("the WebSocket handshake failed: {reason}")]
    Handshake {
        /// Why.
        reason: String,
    },
    /// It took too long.
    #[error("no answer in time while {}", stage.doing())]
    Timeout {
        /// Where it stopped.
        stage: Stage,
    },
}

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

impl Dialer {
    /// Connects, and agrees on a serializer.
    ///
    /// # Errors
    /// [`DialError`], [`DialError::Timeout`] once `deadline` has passed.
    pub async fn dial(&self, deadline: Option<Instant>) -> Result<Connection, DialError> {
        let stream = self.open(deadline).await?;
        within(deadline, Stage::Upgrade, self.upgrade(stream)).await
    }

    async fn open(&self, deadline: Option<Instant>) -> Result<Box<dyn ByteStream>, DialError> {
        if let Some(opener) = &self.opener {
            let opened = async {
                opener()
                    .await
                    .map_err(|source| DialError::Connect { source })
            };
            return within(deadline, Stage::Connect, opened).await;
        }
        if self.url.scheme() != "ws" {
            let reason = format!("{}:// is not supported, only ws:// is", self.url.scheme());
            return Err(DialError::Url { reason });
        }
        let port = self.url.port().unwrap_or(WS_PORT);
        let stream = match self.url.host() {
            None => {
                let reason = "the URL names no host".to_owned();
                return Err(DialError::Url { reason });
            }
            Some(Host::Ipv4(ip)) => within(deadline, Stage::Connect, tcp((ip, port))).await?,
            Some(Host::Ipv6(ip)) => within(deadline, Stage::Connect, tcp((ip, port))).await?,
            Some(Host::Domain(name)) => {
                let looked_up = async {
                    let addresses = tokio::net::lookup_host((name, port)).await;
                    addresses.map_err(|source| DialError::Resolve {
                        host: name.to_owned(),
                        source,
                    })
                };
                let addresses: Vec<_> =
                    within(deadline, Stage::Resolve, looked_up).await?.collect();
                within(deadline, Stage::Connect, tcp(addresses.as_slice())).await?
            }
        };
        Ok(Box::new(stream))
    }

    async fn upgrade(&self, stream: Box<dyn ByteStream>) -> Result<Connection, DialError> {
        let offered: Vec<_> = self.serializers.iter().map(|s| s.subprotocol()).collect();
        let offered = offered.join(",");
        let mut request = self
            .url
            .as_str()
            .into_client_request()
            .map_err(|error| handshake(&error))?;
        let protocols =
            HeaderValue::from_str(&offered).map_err(|error| handshake(&error.into()))?;
        request
            .headers_mut()
            .insert("Sec-WebSocket-Protocol", protocols);
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        let upgraded = client_async_with_config(request, stream, Some(config)).await;
        let (stream, response) = upgraded.map_err(|error| refused(error, &offered))?;
        let agreed = agreed(&response, &self.serializers);
        let serializer = agreed.ok_or(DialError::Subprotocol { offered })?;
        Ok(Connection {
            stream,
            serializer,
            queue: VecDeque::new(),
            queued_bytes: 0,
            unflushed: false,
        })
    }
}

async fn tcp(address: impl tokio::net::ToSocketAddrs) -> Result<TcpStream, DialError> {
    let connected = TcpStream::connect(address).await;
    let stream = connected.map_err(|source| DialError::Connect { source })?;
    stream
        .set_nodelay(true)
        .map_err(|source| DialError::Connect { source })?;
    Ok(stream)
}

async fn within<T>(
    deadline: Option<Instant>,
    stage: Stage,
    work: impl Future<Output = Result<T, DialError>>,
) -> Result<T, DialError> {
    match deadline {
        None => work.await,
        Some(deadline) => timeout_at(deadline, work)
            .await
            .map_err(|_| DialError::Timeout { stage })?,
    }
}

fn agreed<B>(response: &Response<B>, offered: &[Serializer]) -> Option<Serializer> {
    let answer = response.headers().get("Sec-WebSocket-Protocol")?;
    offered
        .iter()
        .copied()
        .find(|s| answer.as_bytes() == s.subprotocol().as_bytes())
}

fn handshake(error: &tungstenite::Error) -> DialError {
    DialError::Handshake {
        reason: error.to_string(),
    }
}

fn refused(error: tungstenite::Error, offered: &str) -> DialError {
    match error {
        tungstenite::Error::Http(response) => {
            let body = response.body().as_deref().unwrap_or_default();
            let body = String::from_utf8_lossy(body);
            let body = body.trim().chars().take(BODY_EXCERPT_CHARS).collect();
            DialError::Http {
                status: response.status().to_string(),
                body,
            }
        }
        tungstenite::Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(
            SubProtocolError::NoSubProtocol | SubProtocolError::InvalidSubProtocol,
        )) => DialError::Subprotocol {
            offered: offered.to_owned(),
        },
        tungstenite::Error::Io(source) => DialError::Handshake {
            reason: io_text(&source),
        },
        error => handshake(&error),
    }
}

impl Connection {
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

impl Stage {
    /// What was going on, as messages say it.
    #[must_use]
    pub const fn doing(self) -> &'static str {
        match self {
            Self::Resolve => "looking up the name",
            Self::Connect => "connecting",
            Self::Upgrade => "shaking hands",
            Self::Join => "joining the realm",
        }
    }
}

/// An IO error as our messages say it: lower case, without the system's number.
#[must_use]
pub fn io_text(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}

fn quoted(body: &str) -> String {
    if body.is_empty() {
        String::new()
    } else {
        format!(": {body}")
    }
}

fn closed(code: Option<u16>, reason: &str) -> String {
    match code {
        None => String::new(),
        Some(code) if reason.is_empty() => format!(" (code {code})"),
        Some(code) => format!(" (code {code}, {reason})"),
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer")
            .field("url", &self.url.as_str())
            .field("serializers", &self.serializers)
            .finish_non_exhaustive()
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
