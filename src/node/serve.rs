//! The router's listeners: from a stream to a session's connection, or to a raw WebSocket.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::opening::{Opened, longpoll};
use super::router::Router;
use crate::transport::{Address, Alive, BindError, Closing, Ends, Listeners, Site};

/// Listeners that are bound, and not yet accepting.
#[derive(Debug)]
pub struct Listening {
    listeners: Listeners,
    gate: Gate,
}

/// What every new connection needs.
#[derive(Clone, Debug)]
pub struct Gate {
    pub(super) router: Arc<Router>,
    pub(super) site: Arc<Site>,
    /// Held by every connection: when all have let go, the last is over.
    pub(super) alive: Alive,
}

impl Listening {
    /// Binds every address; a port of 0 picks a free one.
    ///
    /// # Errors
    /// The first [`BindError`]; nothing is bound then.
    pub async fn bind(
        addresses: &[String],
        router: Arc<Router>,
        mut site: Site,
    ) -> Result<(Self, Closing), BindError> {
        let (listeners, closing) = Listeners::bind(addresses).await?;
        site.longpoll = Some(longpoll(&router, listeners.alive()));
        if let Some(cookies) = &site.cookies {
            router.set_cookies(Arc::clone(cookies));
        }
        let gate = Gate {
            router,
            site: Arc::new(site),
            alive: listeners.alive(),
        };
        Ok((Self { listeners, gate }, closing))
    }

    /// What clients connect to, one URL a listener.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.listeners
            .urls(self.gate.scheme("ws"), self.gate.path())
    }

    /// The addresses bound.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.listeners.addresses()
    }

    /// What lets a stream in that no listener accepted, such as one inside this process.
    #[must_use]
    pub fn gate(&self) -> Gate {
        self.gate.clone()
    }

    /// Accepts until it is dropped.
    pub async fn accept(self) {
        let Self { listeners, gate } = self;
        let mut running = JoinSet::new();
        let router = Arc::clone(&gate.router);
        running.spawn(async move { router.shed_load().await });
        let router = Arc::clone(&gate.router);
        running.spawn(async move { router.run_deadlines().await });
        if let Some(tls) = gate.site.door.tls.clone() {
            running.spawn(async move { tls.watch().await });
        }
        let (router, limits) = (Arc::clone(&gate.router), Arc::clone(gate.router.limits()));
        let full = move |limit, peer: Address| router.counters().note_peer(limit, peer);
        let proxies = gate.site.door.proxies.clone();
        let accepting = listeners.accept(&limits, proxies, full, move |link, ends, place| {
            let gate = gate.clone();
            async move {
                // A task of its own: what the upgrade needed is not held for the session's life.
                match gate.open_link(link, ends).await {
                    None => {}
                    Some(Opened::Session(connection)) => drop(tokio::spawn(async move {
                        connection.run().await;
                        drop((place, gate));
                    })),
                    Some(Opened::Raw(client)) => drop(tokio::spawn(async move {
                        client.run().await;
                        drop((place, gate));
                    })),
                }
            }
        });
        accepting.await;
    }
}

impl Gate {
    /// The scheme of URLs where there is TLS, or as it is.
    fn scheme(&self, plain: &'static str) -> &'static str {
        match (self.site.door.tls.is_some(), plain) {
            (false, plain) => plain,
            (true, "http") => "https",
            (true, _) => "wss",
        }
    }

    /// The path of the WebSocket.
    #[must_use]
    pub fn path(&self) -> &str {
        self.site.path()
    }

    /// Serves a stream of this process to its end, as if it came from loopback.
    pub async fn serve_local<S: AsyncRead + AsyncWrite + Unpin>(self, stream: S) {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0)).into();
        let ends = Ends {
            local: nowhere,
            peer: nowhere,
        };
        match self.open_local(stream, ends).await {
            None => {}
            Some(Opened::Session(connection)) => connection.run().await,
            Some(Opened::Raw(client)) => client.run().await,
        }
    }
}

impl fmt::Display for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.urls().join(" "))
    }
}

/// Logs where the router listens, and what that means where some realm is open to everybody.
pub fn log_listening(listening: &Listening, is_open: bool) {
    for address in listening
        .addresses()
        .filter(|address| is_open && !address.ip().is_loopback())
    {
        warn!(
            "{address} is reachable from other machines, and everybody who reaches it may call, register, publish and subscribe"
        );
    }
    let realms = listening.gate.router.realm_names().join(", ");
    info!("listening on {listening}, {realms}");
    let pages = listening.listeners.pages(listening.gate.scheme("http"));
    info!("pages for browsers: {}", pages.join(" "));
}
