//! From a URL to a stream: the name, TCP, and TLS where the URL asks for it; or a Unix socket.
//!
//! Knows nothing of what is spoken on it; proxies and other ways to a host belong here.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, timeout_at};
use url::{Host, Url};

use super::error::{DialError, Stage};
use crate::transport::tls::{TlsClient, TlsSession};

/// The port of RawSocket where a URL names none: the one that `wamp router` listens on.
const RAWSOCKET_PORT: u16 = 8080;

/// Any stream that messages can run over.
pub trait ByteStream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> ByteStream for S {}

/// A stream to the host of a URL.
pub struct Reached {
    /// The stream, inside TLS where the URL is `wss://` or `rss://`.
    pub stream: Box<dyn ByteStream>,
    /// Who is at the other end of it.
    pub address: Option<SocketAddr>,
    /// What TLS agreed on.
    pub tls: Option<TlsSession>,
}

/// Connects to where a URL says: `ws://` and `tcp://` (or `rs://`) by TCP, `wss://` and `rss://` through TLS, for which
/// `tls` is needed, `unix:/path` to a socket of this machine.
///
/// # Errors
/// [`DialError`] up to the TLS handshake, [`DialError::Timeout`] once `deadline` has passed.
pub async fn reach(
    url: &Url,
    tls: Option<&TlsClient>,
    deadline: Option<Instant>,
) -> Result<Reached, DialError> {
    let tls = match (url.scheme(), tls) {
        ("unix", _) => return reach_unix(&socket_path(url)?, deadline).await,
        ("ws" | "tcp" | "rs", _) => None,
        ("wss" | "rss", Some(tls)) => Some(tls),
        (scheme, _) => {
            let reason = format!("{scheme}:// is not supported here");
            return Err(DialError::Url { reason });
        }
    };
    let Some(host) = url.host() else {
        let reason = "the URL names no host".to_owned();
        return Err(DialError::Url { reason });
    };
    // What `ws` and `wss` have a default for, the others get from us.
    let port = url.port_or_known_default().unwrap_or(RAWSOCKET_PORT);
    // Of a scheme that is not the web's, the host is not taken apart.
    let host = match host {
        Host::Domain(name) => Host::parse(name).map_err(|error| DialError::Url {
            reason: error.to_string(),
        })?,
        host => host.to_owned(),
    };
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

/// The path of a Unix socket's URL, which is written like that of a file.
fn socket_path(url: &Url) -> Result<PathBuf, DialError> {
    let file = Url::parse(&url.as_str().replacen("unix:", "file:", 1)).ok();
    let path = file.and_then(|file| file.to_file_path().ok());
    path.ok_or_else(|| DialError::Url {
        reason: "write the path of a Unix socket as unix:/path".to_owned(),
    })
}

async fn reach_unix(path: &Path, deadline: Option<Instant>) -> Result<Reached, DialError> {
    let connected = async {
        UnixStream::connect(path)
            .await
            .map_err(|source| DialError::Connect { source })
    };
    Ok(Reached {
        stream: Box::new(within(deadline, Stage::Connect, connected).await?),
        address: None,
        tls: None,
    })
}

async fn connect(
    host: &Host<String>,
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
