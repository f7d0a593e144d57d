//! Dialling a router: a stream, the WebSocket handshake, the serializer.

use std::fmt;
use std::io;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::time::Instant;
use url::Url;

use super::connection::Connection;
use super::error::{DialError, Stage};
use super::handshake::Handshake;
use super::reach::{ByteStream, reach, within};
use super::socket::Socket;
use crate::serializer::Serializer;
use crate::transport::tls::TlsClient;

/// The greatest message this client takes.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Opens a stream to a router; called again for each re-join.
pub type Opener =
    Arc<dyn Fn() -> BoxFuture<'static, io::Result<Box<dyn ByteStream>>> + Send + Sync>;

/// How to reach a router.
#[derive(Clone)]
pub struct Dialer {
    /// `ws://host:port/path` or `wss://…`: where to connect, and what the handshake says.
    pub url: Url,
    /// How to speak TLS, for `wss://`.
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
        let stream = self.open(deadline).await?;
        within(deadline, Stage::Upgrade, self.upgrade(stream)).await
    }

    async fn open(&self, deadline: Option<Instant>) -> Result<Box<dyn ByteStream>, DialError> {
        let Some(opener) = &self.opener else {
            let reached = reach(&self.url, self.tls.as_ref(), deadline).await?;
            return Ok(reached.stream);
        };
        let opened = async {
            opener()
                .await
                .map_err(|source| DialError::Connect { source })
        };
        within(deadline, Stage::Connect, opened).await
    }

    /// Makes a stream to the router a connection to it: the WebSocket handshake, and the serializer.
    ///
    /// # Errors
    /// [`DialError`], of these stages.
    pub async fn upgrade(&self, mut stream: Box<dyn ByteStream>) -> Result<Connection, DialError> {
        let names = self.serializers.iter().map(|s| s.subprotocol().to_owned());
        let handshake = Handshake {
            subprotocols: names.collect(),
            ..Handshake::default()
        };
        let upgraded = handshake.run(&self.url, &mut stream).await?;
        let chosen = upgraded.subprotocol.unwrap_or_default();
        let serializer = self.serializers.iter().find(|s| s.subprotocol() == chosen);
        let serializer = *serializer.ok_or_else(|| DialError::Subprotocol {
            offered: handshake.subprotocols.join(", "),
        })?;
        let socket = Socket::new(stream, upgraded.read_ahead, MESSAGE_BYTES_MAX).await;
        Ok(Connection::new(socket, serializer))
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
