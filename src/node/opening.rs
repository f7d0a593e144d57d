//! From a stream to what is spoken on it, told by its first octet: RawSocket, or HTTP and what comes of that.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};
use tracing::{debug, info};

use super::connection::Connection;
use super::serve::Gate;
use crate::echo;
use crate::framing::rawsocket;
use crate::transport::{Agreed, Ends, Rewound, Wire, accept, end, upgrade};

/// What a stream has become.
pub(super) enum Opened<S> {
    Session(Connection<Rewound<S>>),
    Raw(echo::Client<Rewound<S>>),
}

impl Gate {
    /// Lets a stream in, if what its peer says first leads to something in time.
    pub(super) async fn open<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        ends: Ends,
    ) -> Option<Opened<S>> {
        debug!(peer = %ends.peer, "connected");
        let deadline = Instant::now() + self.router.limits().upgrade_time;
        let mut stream = Rewound::new(stream);
        let first = tokio::select! {
            first = timeout_at(deadline, stream.look(1)) => first.ok()?.ok()?.first().copied()?,
            () = self.alive.stopping() => return None,
        };
        if first == rawsocket::MAGIC {
            let opening = timeout_at(deadline, self.open_rawsocket(stream, ends));
            return opening.await.unwrap_or_else(|_| {
                info!(peer = %ends.peer, "closed: no RawSocket handshake in time");
                None
            });
        }
        self.open_http(stream, ends).await
    }

    async fn open_rawsocket<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut stream: Rewound<S>,
        ends: Ends,
    ) -> Option<Opened<S>> {
        let limits = self.router.limits();
        match accept(&mut stream, limits.message_bytes).await {
            Ok(agreed) => {
                let wire = Wire::rawsocket(stream, agreed, limits.message_bytes_before_welcome);
                let router = Arc::clone(&self.router);
                Some(Opened::Session(Connection::new(router, ends.peer, wire)))
            }
            Err(error) => {
                info!(peer = %ends.peer, "no RawSocket agreed on: {error}");
                end(&mut stream, limits.goodbye_time).await;
                None
            }
        }
    }

    async fn open_http<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: Rewound<S>,
        ends: Ends,
    ) -> Option<Opened<S>> {
        let limits = self.router.limits();
        let stopping = self.alive.stopping();
        let (upgraded, agreed) = upgrade(stream, ends, &self.site, limits, stopping).await?;
        match agreed {
            Agreed::Wamp(subprotocol) => {
                let before_welcome = limits.message_bytes_before_welcome;
                let wire = Wire::websocket(upgraded, subprotocol, before_welcome);
                let router = Arc::clone(&self.router);
                Some(Opened::Session(Connection::new(router, ends.peer, wire)))
            }
            Agreed::Raw(request) => {
                let server = self.router.raw().at(&request.path)?;
                Some(Opened::Raw(server.open(upgraded, &request, ends)))
            }
        }
    }
}
