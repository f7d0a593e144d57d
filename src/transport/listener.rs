//! Listening: from addresses to connections, each in a task of its own, and word when the last is over.
//!
//! Knows nothing of what a connection is for: router and echo server each give what is done with one.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use ipnet::IpNet;
use rustix::net::sockopt;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tracing::{error, info, warn};

use super::address::{Address, Ends};
use super::connect::io_text;
use super::crowd::{Crowd, Seat};
use super::door::turn_away_full;
use super::link::Link;
use super::socket_file::{self, SocketFile};
use crate::router::{LimitName, Limits};

/// After so long without a byte, and between probes.
const PROBE_TIME: Duration = Duration::from_secs(10);
/// A link on which so many probes are not answered is cut: after 30 s in all.
const PROBES: u32 = 2;
/// How long to wait after the system refused to accept, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many are told at once that there is no place for them.
const TURNED_AWAY_MAX: usize = 64;

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
    bound: Vec<Bound>,
    alive: Alive,
    /// Dropped with the listeners, which tells those who wait for [`Alive::stopping`].
    listening: watch::Sender<()>,
}

/// A listener that is bound.
#[derive(Debug)]
enum Bound {
    Tcp(TcpListener, SocketAddr),
    Unix(UnixListener, SocketFile),
}

/// What an address of a Unix socket begins with.
const UNIX: &str = "unix:";

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
    /// Binds every address, as `host:port` or `unix:/path`; a port of 0 picks a free one.
    ///
    /// # Errors
    /// The first [`BindError`]; nothing is bound then.
    pub async fn bind(addresses: &[String]) -> Result<(Self, Closing), BindError> {
        let mut bound = Vec::with_capacity(addresses.len());
        for address in addresses {
            bound.push(Bound::at(address).await.map_err(|cause| BindError {
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

    /// The addresses bound on networks.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.bound.iter().filter_map(|bound| match bound {
            Bound::Tcp(_, local) => Some(*local),
            Bound::Unix(..) => None,
        })
    }

    /// What clients on this machine connect to, one URL a listener; `scheme` is the one for networks.
    #[must_use]
    pub fn urls(&self, scheme: &str, path: &str) -> Vec<String> {
        let url = |bound: &Bound| match bound {
            Bound::Tcp(_, local) => format!("{scheme}://{}{path}", reachable(*local)),
            Bound::Unix(_, file) => format!("{UNIX}{}", file.path().display()),
        };
        self.bound.iter().map(url).collect()
    }

    /// What browsers on this machine open, one URL a listener on a network.
    #[must_use]
    pub fn pages(&self, scheme: &str) -> Vec<String> {
        let locals = self.addresses().map(reachable);
        locals.map(|local| format!("{scheme}://{local}/")).collect()
    }

    /// What [`Closing`] waits for, to be held by a connection that no listener accepted.
    #[must_use]
    pub fn alive(&self) -> Alive {
        self.alive.clone()
    }

    /// Accepts until it is dropped, and nothing from then on; `serve` gets each connection, in a task of its own.
    ///
    /// Limits: `connections` and `address_connections`, of which `proxies` are exempt; a connection counts until its
    /// [`Place`] is dropped. Who is one too many is told so, and `full` which limit it was.
    pub async fn accept<F, T>(
        self,
        limits: &Limits,
        proxies: Vec<IpNet>,
        full: impl Fn(LimitName, Address) + Clone,
        serve: F,
    ) where
        F: Fn(Link, Ends, Place) -> T + Clone + Send + 'static,
        T: Future<Output = ()> + Send + 'static,
    {
        let places = Places {
            crowd: Crowd::new(limits, proxies),
            turned_away: Arc::new(Semaphore::new(TURNED_AWAY_MAX)),
            alive: self.alive,
        };
        // order: not in tasks of their own, which would close their listeners some time after this is dropped.
        let accepting = self.bound.into_iter();
        let accepting =
            accepting.map(|bound| bound.accept(places.clone(), full.clone(), serve.clone()));
        join_all(accepting).await;
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
    /// bound: beyond, who finds no place is not told so.
    turned_away: Arc<Semaphore>,
    alive: Alive,
}

impl Places {
    fn take(&self, peer: Address) -> Result<Place, LimitName> {
        Ok(Place {
            _seat: self.crowd.enter(peer)?,
            alive: self.alive.clone(),
        })
    }

    /// Tells a peer that there is no place, as long as that is told to few at once.
    fn turn_away(&self, link: Link) {
        if let Ok(permit) = Arc::clone(&self.turned_away).try_acquire_owned() {
            tokio::spawn(async move {
                turn_away_full(link).await;
                drop(permit);
            });
        }
    }
}

impl Bound {
    async fn at(address: &str) -> io::Result<Self> {
        if let Some(path) = address.strip_prefix(UNIX) {
            let (listener, file) = socket_file::listen(path)?;
            return Ok(Self::Unix(listener, file));
        }
        let listener = TcpListener::bind(address).await?;
        let local = listener.local_addr()?;
        Ok(Self::Tcp(listener, local))
    }

    /// Accepts until it is dropped; a socket's file goes with it.
    async fn accept<F, T>(self, places: Places, full: impl Fn(LimitName, Address), serve: F)
    where
        F: Fn(Link, Ends, Place) -> T,
        T: Future<Output = ()> + Send + 'static,
    {
        match self {
            Self::Tcp(listener, _) => accept(listener, places, full, serve).await,
            Self::Unix(listener, _file) => accept(listener, places, full, serve).await,
        }
    }
}

/// What accepts streams.
trait Acceptor: Send + 'static {
    /// Waits for the next; `None` where it is over already.
    fn next(&self) -> impl Future<Output = io::Result<Option<(Link, Ends)>>> + Send;
}

impl Acceptor for TcpListener {
    async fn next(&self) -> io::Result<Option<(Link, Ends)>> {
        let (stream, peer) = self.accept().await?;
        Ok(ends(&stream, peer).map(|ends| (Link::Tcp(stream), ends)))
    }
}

impl Acceptor for UnixListener {
    async fn next(&self) -> io::Result<Option<(Link, Ends)>> {
        let (stream, _) = self.accept().await?;
        let ends = Ends {
            local: Address::Unix(None),
            peer: Address::Unix(process(&stream)),
        };
        Ok(Some((Link::Unix(stream), ends)))
    }
}

async fn accept<A, F, T>(listener: A, places: Places, full: impl Fn(LimitName, Address), serve: F)
where
    A: Acceptor + std::fmt::Debug,
    F: Fn(Link, Ends, Place) -> T,
    T: Future<Output = ()> + Send + 'static,
{
    let mut is_failing = false;
    loop {
        let accepted = match listener.next().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Once, not ten times a second for as long as it lasts.
                if !std::mem::replace(&mut is_failing, true) {
                    error!("cannot accept connections on {listener:?}: {error}; trying on");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if std::mem::take(&mut is_failing) {
            info!("accepting connections on {listener:?} again");
        }
        let Some((link, ends)) = accepted else {
            continue;
        };
        let place = match places.take(ends.peer) {
            Ok(place) => place,
            Err(limit) => {
                full(limit, ends.peer);
                places.turn_away(link);
                continue;
            }
        };
        tokio::spawn(serve(link, ends, place));
    }
}

/// Sets the stream's options; `None` where it is over already.
fn ends(stream: &TcpStream, peer: SocketAddr) -> Option<Ends> {
    // Without it, small replies wait for the peer's acknowledgement of the one before.
    stream.set_nodelay(true).ok()?;
    keep_alive(stream).ok()?;
    let local = stream.local_addr().ok()?.into();
    let peer = peer.into();
    Some(Ends { local, peer })
}

/// Has the system look after the link of a peer that is asked for no sign of life.
fn keep_alive(stream: &TcpStream) -> rustix::io::Result<()> {
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, PROBE_TIME)?;
    sockopt::set_tcp_keepintvl(stream, PROBE_TIME)?;
    sockopt::set_tcp_keepcnt(stream, PROBES)
}

/// The process at the other end.
fn process(stream: &UnixStream) -> Option<i32> {
    stream.peer_cred().ok()?.pid()
}
