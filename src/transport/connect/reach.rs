//! From a URL to a stream: the name, TCP, and TLS where the URL asks for it.
//!
//! Knows nothing of WebSockets; proxies and other ways to a host belong here.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use url::{Host, Url};

use super::error::{DialError, Stage};
use crate::transport::tls::{TlsClient, TlsSession};

/// Any stream that a WebSocket can run over.
pub trait ByteStream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> ByteStream for S {}

/// A stream to the host of a URL.
pub struct Reached {
    /// The stream, inside TLS where the URL is `wss://`.
    pub stream: Box<dyn ByteStream>,
    /// Who is at the other end of it.
    pub address: Option<SocketAddr>,
    /// What TLS agreed on.
    pub tls: Option<TlsSession>,
}

/// Connects to the host of a `ws://` or `wss://` URL; `tls` is needed for the latter.
///
/// # Errors
/// [`DialError`] up to the TLS handshake, [`DialError::Timeout`] once `deadline` has passed.
pub async fn reach(
    url: &Url,
    tls: Option<&TlsClient>,
    deadline: Option<Instant>,
) -> Result<Reached, DialError> {
    let tls = match (url.scheme(), tls) {
        ("ws", _) => None,
        ("wss", Some(tls)) => Some(tls),
        (scheme, _) => {
            let reason = format!("{scheme}:// is not supported here");
            return Err(DialError::Url { reason });
        }
    };
    let Some(host) = url.host() else {
        let reason = "the URL names no host".to_owned();
        return Err(DialError::Url { reason });
    };
    // Both schemes have a default.
    let port = url.port_or_known_default().unwrap_or_default();
    let tcp = connect(&host, port, deadline).await?;
    let address = tcp.peer_addr().ok();
    let Some(tls) = tls else {
        return Ok(Reached {
            stream: Box::new(tcp),
            address,
            tls: None,
        });
    };
    let handshake = async { Ok(tls.connect(&host, tcp).await?) };
    let (stream, session) = within(deadline, Stage::Tls, handshake).await?;
    Ok(Reached {
        stream: Box::new(stream),
        address,
        tls: Some(session),
    })
}

async fn connect(
    host: &Host<&str>,
    port: u16,
    deadline: Option<Instant>,
) -> Result<TcpStream, DialError> {
    let addresses = match host {
        Host::Ipv4(ip) => vec![SocketAddr::from((*ip, port))],
        Host::Ipv6(ip) => vec![SocketAddr::from((*ip, port))],
        Host::Domain(name) => within(deadline, Stage::Resolve, resolve(name, port)).await?,
    };
    let connected = async {
        let tcp = TcpStream::connect(addresses.as_slice()).await?;
        tcp.set_nodelay(true)?;
        Ok(tcp)
    };
    let connected = async {
        connected
            .await
            .map_err(|source| DialError::Connect { source })
    };
    within(deadline, Stage::Connect, connected).await
}

async fn resolve(name: &str, port: u16) -> Result<Vec<SocketAddr>, DialError> {
    match tokio::net::lookup_host((name, port)).await {
        Ok(addresses) => Ok(addresses.collect()),
        Err(source) => Err(DialError::Resolve {
            host: name.to_owned(),
            source,
        }),
    }
}

/// Does a stage's work, until the deadline of the whole.
pub(crate) async fn within<T>(
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

impl std::fmt::Debug for Reached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reached")
            .field("address", &self.address)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}
