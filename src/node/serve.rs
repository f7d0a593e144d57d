//! Listening: from an address to connections, and down again in good order.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tracing::{debug, error, info, warn};

use super::connection::Connection;
use super::router::Router;
use crate::transport::{Agreed, Ends, Site, io_text, upgrade};

/// How long to wait after the system refused to accept, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {}", io_text(.cause))]
pub struct BindError {
    /// The address, as it was given.
    pub address: String,
    /// The system's answer.
    pub cause: io::Error,
}

/// Listeners that are bound, and not yet accepting.
#[derive(Debug)]
pub struct Listening {
    listeners: Vec<(TcpListener, SocketAddr)>,
    gate: Gate,
}

/// What every new connection needs.
#[derive(Clone, Debug)]
pub struct Gate {
    router: Arc<Router>,
    site: Arc<Site>,
    /// Held by every connection: when all have let go, the last is over.
    _alive: mpsc::Sender<()>,
}

impl Listening {
    /// Binds every address; a port of 0 picks a free one.
    ///
    /// # Errors
    /// The first [`BindError`]; nothing is bound then.
    pub async fn bind(
        addresses: &[String],
        router: Arc<Router>,
        site: Site,
    ) -> Result<(Self, Closing), BindError> {
        let mut listeners = Vec::with_capacity(addresses.len());
        for address in addresses {
            let bind = async {
                let listener = TcpListener::bind(address).await?;
                let local = listener.local_addr()?;
                Ok((listener, local))
            };
            listeners.push(bind.await.map_err(|cause| BindError {
                address: address.clone(),
                cause,
            })?);
        }
        let (alive, all_over) = mpsc::channel(1);
        Ok((
            Self {
                listeners,
                gate: Gate {
                    router,
                    site: Arc::new(site),
                    _alive: alive,
                },
            },
            Closing(all_over),
        ))
    }

    /// What clients connect to, one URL a listener.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        let path = self.gate.site.path();
        self.listeners
            .iter()
            .map(|(_, local)| format!("ws://{local}{path}"))
            .collect()
    }

    /// The addresses bound.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.listeners.iter().map(|(_, local)| *local)
    }

    /// What lets a stream in that no listener accepted, such as one inside this process.
    #[must_use]
    pub fn gate(&self) -> Gate {
        self.gate.clone()
    }

    /// Accepts until it is dropped.
    pub async fn accept(self) {
        let connections = Arc::new(Semaphore::new(self.gate.router.limits().connections));
        let mut accepting = JoinSet::new();
        for (listener, local) in self.listeners {
            accepting.spawn(accept(
                listener,
                local,
                self.gate.clone(),
                Arc::clone(&connections),
            ));
        }
        let router = Arc::clone(&self.gate.router);
        accepting.spawn(async move { router.shed_load().await });
        let router = Arc::clone(&self.gate.router);
        accepting.spawn(async move { router.run_deadlines().await });
        while accepting.join_next().await.is_some() {}
    }
}

/// What tells when the last connection is over.
#[derive(Debug)]
pub struct Closing(mpsc::Receiver<()>);

impl Closing {
    /// Waits for the last connection, at most that long. All [`Gate`]s and the [`Listening`] must be dropped before.
    pub async fn all_over(mut self, at_most: Duration) {
        if tokio::time::timeout(at_most, self.0.recv()).await.is_err() {
            warn!("some connections were still open at the end");
        }
    }
}

async fn accept(listener: TcpListener, local: SocketAddr, gate: Gate, connections: Arc<Semaphore>) {
    let mut is_failing = false;
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Once, not ten times a second for as long as it lasts.
                if !std::mem::replace(&mut is_failing, true) {
                    error!("cannot accept connections on {local}: {error}; trying on");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if std::mem::take(&mut is_failing) {
            info!("accepting connections on {local} again");
        }
        let Ok(permit) = Arc::clone(&connections).try_acquire_owned() else {
            warn!(%peer, "refused: the router has as many connections as it may have");
            continue;
        };
        let gate = gate.clone();
        tokio::spawn(async move {
            if let Some(connection) = gate.open_tcp(stream, peer).await {
                // A task of its own: what the upgrade needed is not held for the session's life.
                tokio::spawn(async move {
                    connection.run().await;
                    drop((permit, gate));
                });
            }
        });
    }
}

impl Gate {
    async fn open_tcp(&self, stream: TcpStream, peer: SocketAddr) -> Option<Connection<TcpStream>> {
        let local = stream.local_addr().ok()?;
        // Without it, small replies wait for the peer's acknowledgement of the one before.
        stream.set_nodelay(true).ok()?;
        self.open(stream, Ends { local, peer }).await
    }

    /// Lets a stream in, if its HTTP upgrade succeeds.
    async fn open<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        ends: Ends,
    ) -> Option<Connection<S>> {
        debug!(peer = %ends.peer, "connected");
        let limits = self.router.limits();
        let (upgraded, agreed) = upgrade(stream, ends, &self.site, limits).await?;
        let Agreed::Wamp(serializer) = agreed else {
            return None;
        };
        let router = Arc::clone(&self.router);
        Some(Connection::new(router, ends.peer, upgraded, serializer))
    }

    /// The path of the WebSocket.
    #[must_use]
    pub fn path(&self) -> &str {
        self.site.path()
    }

    /// Serves a stream of this process to its end, as if it came from loopback.
    pub async fn serve_local<S: AsyncRead + AsyncWrite + Unpin>(self, stream: S) {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        if let Some(connection) = self
            .open(
                stream,
                Ends {
                    local: nowhere,
                    peer: nowhere,
                },
            )
            .await
        {
            connection.run().await;
        }
    }
}

impl fmt::Display for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.urls().join(" "))
    }
}

/// Logs where the router listens, and what that means.
pub fn log_listening(listening: &Listening) {
    for address in listening
        .addresses()
        .filter(|address| !address.ip().is_loopback())
    {
        warn!(
            "{address} is reachable from other machines, and everybody who reaches it may do everything"
        );
    }
    let realms = listening.gate.router.realm_names().join(", ");
    info!("listening on {listening}, {realms}");
}
