//! From a stream to what is spoken on it, told by its first octet: RawSocket, or HTTP and what comes of that.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};
use tracing::{debug, info};

use super::connection::{Arrival, Connection};
use super::router::Router;
use super::serve::Gate;
use crate::echo;
use crate::framing::rawsocket;
use crate::router::{Channel, Limits};
use crate::transport::{
    Agreed, Alive, Ends, Entered, Link, LongPoll, Rewound, Wire, accept, end, upgrade,
};

/// What a stream has become.
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once")]
pub(super) enum Opened<S> {
    Session(Connection<Rewound<S>>),
    Raw(echo::Client<Rewound<S>>),
}

impl Gate {
    /// Lets in what a listener has accepted, if what its peer says first leads to something in time.
    pub(super) async fn open_link(&self, link: Link, ends: Ends) -> Option<Opened<Link>> {
        debug!(peer = %ends.peer, "connected");
        let deadline = Instant::now() + self.router.limits().upgrade_time;
        let entering = tokio::select! {
            entered = timeout_at(deadline, self.site.door.enter(link, ends)) => entered,
            () = self.alive.stopping() => return None,
        };
        match entering {
            Ok(Ok(Entered {
                stream,
                ends,
                channel,
            })) => self.open(stream, ends, channel, deadline).await,
            Ok(Err(turned)) => {
                info!(peer = %ends.peer, "closed: {turned}");
                None
            }
            Err(_) => {
                debug!(peer = %ends.peer, "closed: it has said nothing in time, or not all");
                None
            }
        }
    }

    /// Lets in a stream of this process.
    pub(super) async fn open_local<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        ends: Ends,
    ) -> Option<Opened<S>> {
        let deadline = Instant::now() + self.router.limits().upgrade_time;
        self.open(Rewound::new(stream), ends, None, deadline).await
    }

    async fn open<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut stream: Rewound<S>,
        ends: Ends,
        channel: Option<Arc<Channel>>,
        deadline: Instant,
    ) -> Option<Opened<S>> {
        let first = tokio::select! {
            first = timeout_at(deadline, stream.look(1)) => first.ok()?.ok()?.first().copied()?,
            () = self.alive.stopping() => return None,
        };
        let mut cookie = None;
        let wire = if first == rawsocket::MAGIC {
            let opening = timeout_at(deadline, self.open_rawsocket(stream, ends));
            opening.await.unwrap_or_else(|_| {
                info!(peer = %ends.peer, "closed: no RawSocket handshake in time");
                None
            })?
        } else {
            let limits = self.router.limits();
            let stopping = self.alive.stopping();
            let is_secure = channel.is_some();
            let upgrading = upgrade(stream, (ends, is_secure), &self.site, limits, stopping);
            let (upgraded, agreed) = upgrading.await?;
            match agreed {
                Agreed::Wamp(subprotocol, token) => {
                    cookie = token;
                    let before_welcome = limits.message_bytes_before_welcome;
                    Wire::websocket(upgraded, subprotocol, before_welcome)
                }
                Agreed::Raw(request) => {
                    let server = self.router.raw().at(&request.path)?;
                    return Some(Opened::Raw(server.open(upgraded, &request, ends)));
                }
            }
        };
        let arrival = Arrival {
            peer: ends.peer,
            channel,
            cookie,
        };
        let connection = Connection::new(Arc::clone(&self.router), arrival, wire);
        Some(Opened::Session(connection))
    }

    async fn open_rawsocket<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut stream: Rewound<S>,
        ends: Ends,
    ) -> Option<Wire<Rewound<S>>> {
        let limits = self.router.limits();
        match accept(&mut stream, limits.message_bytes).await {
            Ok(agreed) => {
                let before_welcome = limits.message_bytes_before_welcome;
                Some(Wire::rawsocket(stream, agreed, before_welcome))
            }
            Err(error) => {
                info!(peer = %ends.peer, "no RawSocket agreed on: {error}");
                end(&mut stream, limits.goodbye_time).await;
                None
            }
        }
    }
}

/// Sessions by long-poll: connections as any other.
pub(super) fn longpoll(router: &Arc<Router>, alive: Alive) -> LongPoll {
    let limits = Limits::clone(router.limits());
    let router = Arc::clone(router);
    LongPoll::new(limits, move |stream, subprotocol, ends, bytes_max| {
        let wire = Wire::polled(Rewound::new(stream), subprotocol, bytes_max);
        let arrival = Arrival {
            peer: ends.peer,
            channel: None,
            cookie: None,
        };
        let connection = Connection::new(Arc::clone(&router), arrival, wire);
        let alive = alive.clone();
        Box::pin(async move {
            connection.run().await;
            drop(alive);
        })
    })
}
