//! What a stream goes through before anything is spoken on it: the word of a proxy, then TLS.
//!
//! All of it in one task a connection and within the caller's deadline; who never finishes keeps nobody waiting.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use proxy_header::{Error as ProxyError, ParseConfig, ProxyHeader};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::address::Ends;
use super::connect::io_text;
use super::ending::end;
use super::link::Link;
use super::rewound::Rewound;
use super::tls::TlsServer;
use crate::framing::rawsocket;
use crate::router::Channel;

/// The longest header of a proxy that is read.
const PROXY_BYTES_MAX: usize = 2 * 1024;
/// How such a header begins, in its first version.
const PROXY_V1: &[u8] = b"PROXY";
/// And in its second.
const PROXY_V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// And where it brings nobody: the connection is the proxy's own.
const PROXY_V2_LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20";
/// The first octet of TLS: a handshake's record.
const TLS: u8 = 0x16;
/// How long who is turned away may take to read why.
const PATIENCE: Duration = Duration::from_secs(1);
const WANTS_TLS: &str = "this router wants TLS: use wss:// or https://";
const IS_FULL: &str = "this router has as many connections as it may have";

/// How streams are let in.
#[derive(Clone, Debug, Default)]
pub struct Door {
    /// TLS, where there is a certificate.
    pub tls: Option<Arc<TlsServer>>,
    /// Who may come without TLS, where there is.
    pub plain: Plain,
    /// The proxies that say whom they bring, and must.
    pub proxies: Vec<IpNet>,
}

/// Who may come without TLS to a server that has a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plain {
    /// Nobody, except through a Unix socket.
    Never,
    /// Whoever is on this machine.
    #[default]
    Local,
    /// Everybody.
    Always,
}

/// A stream that was let in.
#[derive(Debug)]
pub struct Entered {
    /// The stream, of which nothing is read.
    pub stream: Rewound<Link>,
    /// Its ends, as the proxy says where there is one.
    pub ends: Ends,
    /// What TLS tells, where it is in between.
    pub channel: Option<Arc<Channel>>,
}

/// Why a stream was not let in. What its peer can be told, it has been.
#[derive(Debug, thiserror::Error)]
pub enum Turned {
    /// It ended, or broke.
    #[error("the connection ended: {}", io_text(.0))]
    Io(#[from] io::Error),
    /// A header that only proxies may send.
    #[error("a PROXY header from an address that is not in proxy_from")]
    NoProxy,
    /// A proxy did not say whom it brings, or not in a way that is understood.
    #[error("{0} from an address in proxy_from")]
    Proxy(&'static str),
    /// No TLS.
    #[error("no TLS agreed on: {0}")]
    Tls(io::Error),
    /// Not in the clear.
    #[error("without TLS, which this router wants of other machines")]
    Plain,
}

impl Door {
    /// Lets a stream in. It is to be given up once its time is over.
    ///
    /// # Errors
    /// [`Turned`].
    pub async fn enter(&self, link: Link, ends: Ends) -> Result<Entered, Turned> {
        let Link::Tcp(tcp) = link else {
            return Ok(Entered {
                stream: Rewound::new(link),
                ends,
                channel: None,
            });
        };
        let mut tcp = Rewound::new(tcp);
        let ends = self.heed_proxy(&mut tcp, ends).await?;
        let is_tls = tcp.look(1).await?.first() == Some(&TLS);
        match &self.tls {
            Some(tls) if is_tls => enter_tls(tls, tcp, ends).await,
            Some(_) if !self.lets_in_plain(ends) => {
                turn_away(&mut tcp, "400 Bad Request", WANTS_TLS, None).await;
                Err(Turned::Plain)
            }
            _ => Ok(Entered {
                stream: tcp.map(Link::Tcp),
                ends,
                channel: None,
            }),
        }
    }

    fn lets_in_plain(&self, ends: Ends) -> bool {
        match self.plain {
            Plain::Never => false,
            Plain::Local => ends.peer.is_local(),
            Plain::Always => true,
        }
    }

    /// Reads what a proxy says of whom it brings, and insists on it; of anybody else it is not taken.
    async fn heed_proxy(&self, tcp: &mut Rewound<TcpStream>, ends: Ends) -> Result<Ends, Turned> {
        let is_proxy = ends.peer.ip().is_some_and(|ip| self.is_proxy(ip));
        if !is_proxy {
            let begin = tcp.look(1).await?.first().copied();
            let is_header = match begin {
                Some(b'P') => tcp.look(PROXY_V1.len()).await?.starts_with(PROXY_V1),
                // Nothing else that a client may say begins like this, so the rest of it comes as well.
                Some(b'\r') => {
                    tcp.look(2).await?.starts_with(&PROXY_V2[..2])
                        && tcp.look(PROXY_V2.len()).await?.starts_with(PROXY_V2)
                }
                _ => false,
            };
            return if is_header {
                Err(Turned::NoProxy)
            } else {
                Ok(ends)
            };
        }
        let mut bytes = 1;
        loop {
            let seen = tcp.look(bytes).await?;
            if seen.len() < bytes {
                return Err(Turned::Proxy(
                    "the end of a connection instead of a PROXY header",
                ));
            }
            match ProxyHeader::parse(seen, ParseConfig::default()) {
                Ok((header, length)) => {
                    let is_own = seen.starts_with(PROXY_V2_LOCAL);
                    let ends = match header.proxied_address().filter(|_| !is_own) {
                        Some(named) => Ends {
                            local: named.destination.into(),
                            peer: named.source.into(),
                        },
                        None if is_own => ends,
                        // Whoever it is must not pass for the proxy, which may be on this machine.
                        None => return Err(Turned::Proxy("a PROXY header that names nobody")),
                    };
                    tcp.skip(length);
                    return Ok(ends);
                }
                Err(ProxyError::BufferTooShort) if seen.len() < PROXY_BYTES_MAX => {
                    bytes = seen.len() + 1;
                }
                Err(_) => return Err(Turned::Proxy("no valid PROXY header")),
            }
        }
    }

    fn is_proxy(&self, ip: IpAddr) -> bool {
        self.proxies.iter().any(|net| net.contains(&ip))
    }
}

async fn enter_tls(
    tls: &TlsServer,
    tcp: Rewound<TcpStream>,
    ends: Ends,
) -> Result<Entered, Turned> {
    match tls.accept(tcp).await {
        Ok((stream, channel)) => Ok(Entered {
            stream: Rewound::new(Link::Tls(Box::new(stream))),
            ends,
            channel: Some(Arc::new(channel)),
        }),
        Err((error, mut tcp)) => {
            end(&mut tcp, PATIENCE).await;
            Err(Turned::Tls(error))
        }
    }
}

/// Tells a peer that there is no place for it, in the way that it speaks.
pub(super) async fn turn_away_full(link: Link) {
    if let Link::Tcp(_) | Link::Unix(_) = link {
        let mut stream = Rewound::new(link);
        let refusal = rawsocket::Refusal::Connections;
        let telling = turn_away(
            &mut stream,
            "503 Service Unavailable",
            IS_FULL,
            Some(refusal),
        );
        drop(tokio::time::timeout(PATIENCE, telling).await);
    }
}

/// Says why in HTTP, or with a word of RawSocket's where there is one; in neither to who has said nothing.
async fn turn_away<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut Rewound<S>,
    status: &str,
    why: &str,
    rawsocket: Option<rawsocket::Refusal>,
) {
    let Ok(&[first, ..]) = stream.look(1).await else {
        return;
    };
    let answer = match rawsocket {
        Some(refusal) if first == rawsocket::MAGIC => refusal.octets().to_vec(),
        None if first == rawsocket::MAGIC => return,
        _ => format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{why}\n",
            why.len() + 1
        )
        .into_bytes(),
    };
    if stream.write_all(&answer).await.is_ok() {
        end(stream, PATIENCE).await;
    }
}
