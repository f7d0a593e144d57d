//! One server: what it does, and who is connected.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use rustc_hash::FxBuildHasher;
use tokio::io::{AsyncRead, AsyncWrite};

use super::behaviour::{Answer, Behaviour};
use super::client::Client;
use super::mailbox::Mailbox;
use super::note::{Note, Watcher};
use crate::router::Limits;
use crate::transport::{
    Agreed, Ends, FrameType, RawRequest, Site, Upgraded, append_frame, upgrade,
};

/// A raw WebSocket server, without its listeners.
#[derive(Clone, Debug)]
pub struct Server(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    behaviour: Behaviour,
    limits: Limits,
    watcher: Watcher,
    numbers: AtomicU64,
    clients: Mutex<Clients>,
    /// Bytes that all clients together are owed; below zero for moments, where two account for the same.
    owed: AtomicI64,
}

#[derive(Debug, Default)]
struct Clients {
    mailboxes: HashMap<u64, Arc<Mailbox>, FxBuildHasher>,
    is_closed: bool,
}

impl Server {
    /// A server with nobody connected.
    ///
    /// Of `limits` it keeps those of messages, outboxes, heads and times.
    #[must_use]
    pub fn new(behaviour: Behaviour, limits: Limits, watcher: Watcher) -> Self {
        Self(Arc::new(Inner {
            behaviour,
            limits,
            watcher,
            numbers: AtomicU64::new(0),
            clients: Mutex::default(),
            owed: AtomicI64::new(0),
        }))
    }

    /// Serves a fresh stream to its end, from its HTTP request on.
    ///
    /// Once `stopping` ends, who has not asked for a WebSocket is let go.
    pub async fn serve<S>(
        &self,
        stream: S,
        ends: Ends,
        site: &Site,
        stopping: impl Future<Output = ()>,
    ) where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let number = self.next_number();
        self.tell(number, &Note::Connected { peer: ends.peer });
        // In a box: what the upgrade needs is not held for the client's life.
        let upgraded = Box::pin(upgrade(
            stream,
            (ends, false),
            site,
            &self.0.limits,
            stopping,
        ))
        .await;
        match upgraded {
            Some((upgraded, Agreed::Raw(request))) => {
                self.welcome(number, upgraded, &request, ends).run().await;
            }
            Some((_, Agreed::Wamp(..))) | None => self.tell(number, &Note::NoWebSocket),
        }
    }

    /// Takes a stream on which a raw WebSocket has been agreed.
    pub fn open<S>(&self, upgraded: Upgraded<S>, request: &RawRequest, ends: Ends) -> Client<S>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.welcome(self.next_number(), upgraded, request, ends)
    }

    fn welcome<S>(
        &self,
        number: u64,
        upgraded: Upgraded<S>,
        request: &RawRequest,
        ends: Ends,
    ) -> Client<S>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let peer = ends.peer;
        self.tell(number, &Note::Open { peer, request });
        Client::new(self.seat(number), upgraded)
    }

    /// Closes all connections, and those that still come.
    pub fn shut_down(&self) {
        let mut clients = self.clients();
        clients.is_closed = true;
        for mailbox in clients.mailboxes.values() {
            mailbox.close();
        }
    }

    pub(super) fn behaviour(&self) -> &Behaviour {
        &self.0.behaviour
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    pub(super) fn tell(&self, client: u64, note: &Note<'_>) {
        self.0.watcher.tell(client, note);
    }

    /// Sends a message to everybody. The lock is what makes the order the same for all.
    pub(super) fn broadcast(&self, frame_type: FrameType, message: &[u8]) {
        let mut frame = BytesMut::new();
        append_frame(&mut frame, frame_type, message);
        let frame = frame.freeze();
        for mailbox in self.clients().mailboxes.values() {
            mailbox.push(frame.clone());
        }
    }

    fn next_number(&self) -> u64 {
        self.0.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn seat(&self, number: u64) -> Seat {
        let limits = &self.0.limits;
        let mailbox = Arc::new(Mailbox::new(limits.outbox_bytes, limits.outbox_messages));
        let mut clients = self.clients();
        if clients.is_closed {
            mailbox.close();
        }
        clients.mailboxes.insert(number, Arc::clone(&mailbox));
        self.tell_count(&clients);
        drop(clients);
        Seat {
            server: self.clone(),
            number,
            mailbox,
        }
    }

    /// Takes note of what a client is owed. bound: beyond the limit for all, who is owed most is cut.
    fn account(&self, mailbox: &Mailbox, bytes: usize) {
        let change = signed(bytes) - signed(mailbox.note_owed(bytes));
        let owed = self.0.owed.fetch_add(change, Ordering::Relaxed) + change;
        if change > 0 && owed > signed(self.0.limits.outbox_bytes_total) {
            self.cut_slowest();
        }
    }

    fn cut_slowest(&self) {
        let clients = self.clients();
        if let Some(slowest) = clients.mailboxes.values().max_by_key(|it| it.owed()) {
            // It ends in a task of its own, and counts no more.
            let bytes = signed(slowest.note_owed(0));
            self.0.owed.fetch_sub(bytes, Ordering::Relaxed);
            slowest.cut();
        }
    }

    fn leave(&self, number: u64) {
        let mut clients = self.clients();
        if clients.mailboxes.remove(&number).is_some() {
            self.tell_count(&clients);
        }
    }

    fn tell_count(&self, clients: &Clients) {
        if self.0.behaviour.answer == Answer::Count {
            for mailbox in clients.mailboxes.values() {
                mailbox.set_count(clients.mailboxes.len());
            }
        }
    }

    fn clients(&self) -> MutexGuard<'_, Clients> {
        // Nothing in here panics half-way.
        self.0
            .clients
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// A client's part in its server: it counts as connected until this is dropped, or it [leaves](Self::leave).
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) server: Server,
    pub(super) number: u64,
    pub(super) mailbox: Arc<Mailbox>,
}

impl Seat {
    /// Counts no more, and gets no more messages.
    pub(super) fn leave(&self) {
        self.server.leave(self.number);
        self.server.account(&self.mailbox, 0);
    }

    pub(super) fn tell(&self, note: &Note<'_>) {
        self.server.tell(self.number, note);
    }

    /// Tells how many bytes the client is owed, besides what is in its mailbox.
    pub(super) fn account(&self, bytes: usize) {
        let bytes = bytes + self.mailbox.bytes();
        self.server.account(&self.mailbox, bytes);
    }
}

/// However a connection ends, a panic included, it is no longer counted.
impl Drop for Seat {
    fn drop(&mut self) {
        self.leave();
    }
}
