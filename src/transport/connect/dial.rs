//! Dialling a router: a stream, the handshake of WebSocket or RawSocket, the serializer.

use std::fmt;
use std::io;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;
use url::Url;

use super::connection::Connection;
use super::error::{DialError, Stage};
use super::handshake::{Handshake as WebSocketHandshake, TLS_ALERT, lost};
use super::reach::{ByteStream, Reached, reach, within};
use super::socket::Socket;
use crate::framing::rawsocket::{HEAD_BYTES, Handshake, HandshakeError, Refusal};
use crate::serializer::Serializer;
use crate::transport::rawsocket::{Accepted, RawSocket};
use crate::transport::tls::TlsClient;

/// The greatest message this client takes.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The schemes of RawSocket's URLs.
pub const RAWSOCKET_SCHEMES: [&str; 4] = ["tcp", "rs", "rss", "unix"];

const NO_SERIALIZER: HandshakeError = HandshakeError::Refused(Refusal::Serializer);

/// Opens a stream to a router; called again for each re-join.
pub type Opener =
    Arc<dyn Fn() -> BoxFuture<'static, io::Result<Box<dyn ByteStream>>> + Send + Sync>;

/// How to reach a router.
#[derive(Clone)]
pub struct Dialer {
    /// Where to connect, and what the handshake says: `ws://host:port/path` or `wss://…` for WebSocket;
    /// `tcp://host:port` (or `rs://…`), `rss://…` (through TLS) or `unix:/path` for RawSocket.
    pub url: Url,
    /// How to speak TLS, for `wss://` and `rss://`.
    pub tls: Option<TlsClient>,
    /// Opens the stream in another way than TCP to the URL's host, for a router in this process.
    pub opener: Option<Opener>,
    /// The serializers offered, the best first.
    pub serializers: Vec<Serializer>,
}

impl Dialer {
    /// Connects, and agrees on a serializer.
    ///
    /// # Errors
    /// [`DialError`], [`DialError::Timeout`] once `deadline` has passed.
    pub async fn dial(&self, deadline: Option<Instant>) -> Result<Connection, DialError> {
        if !self.speaks_rawsocket() {
            let reached = self.open(deadline).await?;
            return within(deadline, Stage::Upgrade, self.upgrade(reached)).await;
        }
        // Only one can be asked for at a time.
        let mut refused = DialError::RawSocketRefused(NO_SERIALIZER);
        for &serializer in &self.serializers {
            let reached = self.open(deadline).await?;
            let shaking = rawsocket(reached, serializer);
            match within(deadline, Stage::Upgrade, shaking).await {
                Err(error @ DialError::RawSocketRefused(NO_SERIALIZER)) => refused = error,
                outcome => return outcome,
            }
        }
        Err(refused)
    }

    /// Whether the URL is one of RawSocket's.
    #[must_use]
    pub fn speaks_rawsocket(&self) -> bool {
        RAWSOCKET_SCHEMES.contains(&self.url.scheme())
    }

    async fn open(&self, deadline: Option<Instant>) -> Result<Reached, DialError> {
        let Some(opener) = &self.opener else {
            return reach(&self.url, self.tls.as_ref(), deadline).await;
        };
        let opened = async {
            opener()
                .await
                .map_err(|source| DialError::Connect { source })
        };
        Ok(Reached {
            stream: within(deadline, Stage::Connect, opened).await?,
            address: None,
            tls: None,
        })
    }

    /// Makes a stream to the router a connection to it: the WebSocket handshake, and the serializer.
    ///
    /// # Errors
    /// [`DialError`], of these stages.
    pub async fn upgrade(&self, reached: Reached) -> Result<Connection, DialError> {
        let Reached {
            mut stream, tls, ..
        } = reached;
        let names = self.serializers.iter().map(|s| s.subprotocol().to_owned());
        let handshake = WebSocketHandshake {
            subprotocols: names.collect(),
            ..WebSocketHandshake::default()
        };
        let upgraded = handshake.run(&self.url, &mut stream).await?;
        let chosen = upgraded.subprotocol.unwrap_or_default();
        let serializer = self.serializers.iter().find(|s| s.subprotocol() == chosen);
        let serializer = *serializer.ok_or_else(|| DialError::Subprotocol {
            offered: handshake.subprotocols.join(", "),
        })?;
        let socket = Socket::new(stream, upgraded.read_ahead, MESSAGE_BYTES_MAX).await;
        Ok(Connection::websocket(socket, serializer, tls))
    }
}

async fn rawsocket(reached: Reached, serializer: Serializer) -> Result<Connection, DialError> {
    let Reached {
        mut stream, tls, ..
    } = reached;
    let ours = Handshake::new(serializer, MESSAGE_BYTES_MAX);
    stream.write_all(&ours.octets()).await.map_err(lost)?;
    stream.flush().await.map_err(lost)?;
    let mut octets = [0; HEAD_BYTES];
    stream.read_exact(&mut octets).await.map_err(lost)?;
    match Handshake::of_router(octets, serializer) {
        Ok(theirs) => {
            let socket = RawSocket::new(stream, Accepted { ours, theirs }, MESSAGE_BYTES_MAX);
            Ok(Connection::rawsocket(socket, serializer, tls))
        }
        Err(HandshakeError::Magic) if octets.starts_with(&TLS_ALERT) => Err(DialError::TlsPort),
        Err(HandshakeError::Magic) => {
            let text = String::from_utf8_lossy(&octets).into_owned();
            let is_text = octets.iter().all(u8::is_ascii_graphic);
            let head = if is_text { text } else { String::new() };
            Err(DialError::NotRawSocket { head })
        }
        Err(error) => Err(DialError::RawSocketRefused(error)),
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
