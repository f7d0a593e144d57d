//! Listening: from addresses to connections, each in a task of its own, and word when the last is over.
//!
//! Knows nothing of what a connection is for: router and echo server each give what is done with one.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use super::admission::Ends;
use super::connect::io_text;
use super::crowd::{Crowd, Seat};
use crate::router::{LimitName, Limits};

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
pub struct Listeners {
    bound: Vec<(TcpListener, SocketAddr)>,
    alive: Alive,
    /// Dropped with the listeners, which tells those who wait for [`Alive::stopping`].
    listening: watch::Sender<()>,
}

/// Held for as long as something is not over: see [`Closing`].
#[derive(Clone, Debug)]
pub struct Alive {
    _sender: mpsc::Sender<()>,
    listening: watch::Receiver<()>,
}

/// One of the connections that a server may have at once; given back when dropped.
#[derive(Debug)]
pub struct Place {
    _seat: Seat,
    alive: Alive,
}

/// What tells when the last connection is over.
#[derive(Debug)]
pub struct Closing(mpsc::Receiver<()>);

impl Listeners {
    /// Binds every address; a port of 0 picks a free one.
    ///
    /// # Errors
    /// The first [`BindError`]; nothing is bound then.
    pub async fn bind(addresses: &[String]) -> Result<(Self, Closing), BindError> {
        let mut bound = Vec::with_capacity(addresses.len());
        for address in addresses {
            let bind = async {
                let listener = TcpListener::bind(address).await?;
                let local = listener.local_addr()?;
                Ok((listener, local))
            };
            bound.push(bind.await.map_err(|cause| BindError {
                address: address.clone(),
                cause,
            })?);
        }
        let (sender, all_over) = mpsc::channel(1);
        let (stopping, listening) = watch::channel(());
        let alive = Alive {
            _sender: sender,
            listening,
        };
        let listeners = Self {
            bound,
            alive,
            listening: stopping,
        };
        Ok((listeners, Closing(all_over)))
    }

    /// The addresses bound.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.bound.iter().map(|(_, local)| *local)
    }

    /// What clients on this machine connect to, one URL a listener.
    #[must_use]
    pub fn urls(&self, path: &str) -> Vec<String> {
        self.reachable()
            .map(|local| format!("ws://{local}{path}"))
            .collect()
    }

    /// What browsers on this machine open, one URL a listener.
    #[must_use]
    pub fn pages(&self) -> Vec<String> {
        self.reachable()
            .map(|local| format!("http://{local}/"))
            .collect()
    }

    fn reachable(&self) -> impl Iterator<Item = SocketAddr> {
        self.addresses().map(reachable)
    }

    /// What [`Closing`] waits for, to be held by a connection that no listener accepted.
    #[must_use]
    pub fn alive(&self) -> Alive {
        self.alive.clone()
    }

    /// Accepts until it is dropped; `serve` gets each connection, in a task of its own.
    ///
    /// Limits: `connections` and `address_connections`; a connection counts until its [`Place`] is dropped. Who is one too
    /// many is told so, and `full` which limit it was.
    pub async fn accept<F, T>(
        self,
        limits: &Arc<Limits>,
        full: impl Fn(LimitName, SocketAddr) + Clone + Send + 'static,
        serve: F,
    ) where
        F: Fn(TcpStream, Ends, Place) -> T + Clone + Send + 'static,
        T: Future<Output = ()> + Send + 'static,
    {
        let places = Places {
            crowd: Crowd::new(Arc::clone(limits)),
            alive: self.alive,
        };
        let mut accepting = JoinSet::new();
        for (listener, local) in self.bound {
            accepting.spawn(accept(
                listener,
                local,
                places.clone(),
                full.clone(),
                serve.clone(),
            ));
        }
        drop(places);
        while accepting.join_next().await.is_some() {}
        drop(self.listening);
    }
}

impl Alive {
    /// Ends when no connection is accepted any more: who does nothing that must end in order should end then.
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut listening = self.listening.clone();
        async move { while listening.changed().await.is_ok() {} }
    }
}

impl Place {
    /// As [`Alive::stopping`].
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + use<> {
        self.alive.stopping()
    }
}

impl Closing {
    /// Waits for the last connection, at most that long. The [`Listeners`] and all [`Alive`]s must be dropped before.
    pub async fn all_over(mut self, at_most: Duration) {
        if tokio::time::timeout(at_most, self.0.recv()).await.is_err() {
            warn!("some connections were still open at the end");
        }
    }
}

/// Where a listener is found: one on all addresses on its loopback.
fn reachable(local: SocketAddr) -> SocketAddr {
    let ip = match local.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, local.port())
}

#[derive(Clone)]
struct Places {
    crowd: Crowd,
    alive: Alive,
}

impl Places {
    fn take(&self, peer: SocketAddr) -> Result<Place, LimitName> {
        Ok(Place {
            _seat: self.crowd.enter(peer)?,
            alive: self.alive.clone(),
        })
    }
}

async fn accept<F, T>(
    listener: TcpListener,
    local: SocketAddr,
    places: Places,
    full: impl Fn(LimitName, SocketAddr),
    serve: F,
) where
    F: Fn(TcpStream, Ends, Place) -> T,
    T: Future<Output = ()> + Send + 'static,
{
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
        let place = match places.take(peer) {
            Ok(place) => place,
            Err(limit) => {
                full(limit, peer);
                tokio::spawn(places.crowd.clone().turn_away(stream));
                continue;
            }
        };
        if let Some(ends) = prepare(&stream, peer) {
            tokio::spawn(serve(stream, ends, place));
        }
    }
}

/// Sets the stream's options; `None` where it is over already.
fn prepare(stream: &TcpStream, peer: SocketAddr) -> Option<Ends> {
    // Without it, small replies wait for the peer's acknowledgement of the one before.
    stream.set_nodelay(true).ok()?;
    let local = stream.local_addr().ok()?;
    Some(Ends { local, peer })
}
