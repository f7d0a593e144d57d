//! Dialling: TCP or any other stream, the WebSocket handshake, the serializer.

use std::fmt;
use std::io;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::{ProtocolError, SubProtocolError};
use tokio_tungstenite::tungstenite::http::{HeaderValue, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use url::{Host, Url};

use super::connection::Connection;
use super::io_text;
use crate::serializer::Serializer;

/// What one connection reads ahead; taken eagerly, so a small one.
const READ_BUFFER_BYTES: usize = 8 * 1024;
/// The greatest message this client takes.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
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
        Ok(Connection::new(stream, serializer))
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

fn quoted(body: &str) -> String {
    if body.is_empty() {
        String::new()
    } else {
        format!(": {body}")
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
