//! Which WebSocket to open, and what was agreed on when it was.

use std::net::SocketAddr;

use tokio::time::Instant;
use url::Url;

use super::client::Client;
use crate::transport::tls::{TlsClient, TlsSession};
use crate::transport::{Answered, DialError, Handshake, Socket, Stage, reach, within};

/// A WebSocket to open.
#[derive(Clone, Debug)]
pub struct Target {
    /// `ws://host:port/path` or `wss://…`.
    pub url: Url,
    /// How to speak TLS, for `wss://`.
    pub tls: Option<TlsClient>,
    /// Headers and subprotocols.
    pub handshake: Handshake,
    /// The greatest message taken, in bytes.
    pub message_bytes_max: usize,
}

/// What was agreed on.
#[derive(Debug)]
pub struct Opened {
    /// Who is at the other end.
    pub address: Option<SocketAddr>,
    /// TLS, if any.
    pub tls: Option<TlsSession>,
    /// The handshake, as it was sent and answered.
    pub answered: Answered,
}

impl Target {
    /// Opens it.
    ///
    /// # Errors
    /// [`DialError`], [`DialError::Timeout`] once `deadline` has passed.
    pub async fn open(&self, deadline: Option<Instant>) -> Result<(Client, Opened), DialError> {
        let mut reached = reach(&self.url, self.tls.as_ref(), deadline).await?;
        let shaking = self.handshake.run(&self.url, &mut reached.stream);
        let mut answered = within(deadline, Stage::Upgrade, shaking).await?;
        let read_ahead = std::mem::take(&mut answered.read_ahead);
        let socket = Socket::new(reached.stream, read_ahead, self.message_bytes_max).await;
        let opened = Opened {
            address: reached.address,
            tls: reached.tls,
            answered,
        };
        Ok((Client::new(socket), opened))
    }
}
