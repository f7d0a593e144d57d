//! The bare relay: what tokio-tungstenite can do at most, with no WAMP in it.
//!
//! Runs as a process of its own, so that its CPU and memory can be told from the generator's. The
//! path of a request says what a connection is for: `/pair/KEY/1/hub` and `/pair/KEY/1/leaf` are
//! joined both ways, `/cast/KEY/N/hub` is copied to N times `/cast/KEY/N/leaf`, and `/echo` answers
//! with what it got. Each loop drains what is readable, then flushes once for each destination.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use anyhow::Result;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

/// The library's 128 KiB is taken eagerly for every connection and gains no throughput.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// Bounds what a broadcast holds between reading and writing.
const BATCH_MAX: usize = 1024;

type Socket = WebSocketStream<TcpStream>;

/// Serves until standard input ends, as it does when the bench is gone.
pub(crate) fn run() -> Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let mut stdin = tokio::io::stdin();
            let mut byte = [0];
            tokio::select! {
                served = serve() => served,
                _ = stdin.read(&mut byte) => Ok(()),
            }
        })
}

async fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("ws://{}/", listener.local_addr()?);
    let lobby = Arc::new(Lobby::default());
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(admit(stream, Arc::clone(&lobby)));
    }
}

/// Shakes hands and hands the connection to its loop; one that fails is dropped.
async fn admit(stream: TcpStream, lobby: Arc<Lobby>) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let mut path = String::new();
    #[expect(
        clippy::result_large_err,
        reason = "the handshake wants this signature"
    )]
    let note_path = |request: &Request, response: Response| -> Result<_, ErrorResponse> {
        request.uri().path().clone_into(&mut path);
        Ok(response)
    };
    let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES);
    let accepted =
        tokio_tungstenite::accept_hdr_async_with_config(stream, note_path, Some(config)).await;
    if let Ok(socket) = accepted {
        lobby.seat(&path, socket);
    }
}

/// Connections that wait for the others of their group.
#[derive(Debug, Default)]
struct Lobby {
    groups: Mutex<HashMap<String, Group>>,
}

#[derive(Debug, Default)]
struct Group {
    hub: Option<Socket>,
    leaves: Vec<Socket>,
}

impl Lobby {
    /// Starts the loop of a group with its last member.
    fn seat(&self, path: &str, socket: Socket) {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match parts[..] {
            ["echo"] => drop(tokio::spawn(Echo { socket })),
            ["pair", key, "1", role] => {
                if let Some((hub, mut leaves)) = self.complete(key, 1, role, socket)
                    && let Some(leaf) = leaves.pop()
                {
                    tokio::spawn(Pair { hub, leaf });
                }
            }
            ["cast", key, size, role] => {
                let size = size.parse().unwrap_or(1);
                if let Some((hub, leaves)) = self.complete(key, size, role, socket) {
                    tokio::spawn(Broadcast::new(hub, leaves));
                }
            }
            _ => {}
        }
    }

    /// Adds a member and takes the group out once a hub and `size` leaves are there.
    fn complete(
        &self,
        key: &str,
        size: usize,
        role: &str,
        socket: Socket,
    ) -> Option<(Socket, Vec<Socket>)> {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let group = groups.entry(key.to_owned()).or_default();
        if role == "hub" {
            group.hub = Some(socket);
        } else {
            group.leaves.push(socket);
        }
        if group.hub.is_none() || group.leaves.len() < size {
            return None;
        }
        let group = groups.remove(key)?;
        Some((group.hub?, group.leaves))
    }
}

/// Sends back what comes.
struct Echo {
    socket: Socket,
}

impl Future for Echo {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let socket = &mut self.get_mut().socket;
        while let Poll::Ready(next) = socket.poll_next_unpin(cx) {
            let Some(Ok(message)) = next else {
                return Poll::Ready(());
            };
            if is_data(&message) && socket.start_send_unpin(message).is_err() {
                return Poll::Ready(());
            }
        }
        end_on_error(&socket.poll_flush_unpin(cx))
    }
}

/// Two connections joined both ways, in one task: nothing to hand over between threads.
struct Pair {
    hub: Socket,
    leaf: Socket,
}

impl Future for Pair {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { hub, leaf } = self.get_mut();
        match pump(hub, leaf, cx).and_then(|open| Ok(open && pump(leaf, hub, cx)?)) {
            Ok(true) => Poll::Pending,
            Ok(false) | Err(_) => Poll::Ready(()),
        }
    }
}

/// Forwards what is readable, then flushes once; `false` when `from` has ended.
fn pump(from: &mut Socket, to: &mut Socket, cx: &mut Context<'_>) -> Result<bool, WsError> {
    while let Poll::Ready(ready) = to.poll_ready_unpin(cx) {
        ready?;
        match from.poll_next_unpin(cx) {
            Poll::Ready(Some(Ok(message))) if is_data(&message) => to.start_send_unpin(message)?,
            Poll::Ready(Some(message)) => drop(message?),
            Poll::Ready(None) => return Ok(false),
            Poll::Pending => break,
        }
    }
    match to.poll_flush_unpin(cx) {
        Poll::Ready(flushed) => flushed.map(|()| true),
        Poll::Pending => Ok(true),
    }
}

/// One connection copied to many.
struct Broadcast {
    publisher: Socket,
    subscribers: Vec<Socket>,
    /// Subscribers whose last flush the kernel did not take whole.
    blocked: Vec<usize>,
    batch: Vec<Message>,
}

impl Broadcast {
    fn new(publisher: Socket, subscribers: Vec<Socket>) -> Self {
        Self {
            publisher,
            subscribers,
            blocked: Vec::new(),
            batch: Vec::new(),
        }
    }

    /// Reads what is there, up to a batch; `false` when the publisher has ended.
    fn read(&mut self, cx: &mut Context<'_>) -> Result<bool, WsError> {
        while self.batch.len() < BATCH_MAX {
            match self.publisher.poll_next_unpin(cx) {
                Poll::Ready(Some(message)) => self.batch.extend(Some(message?).filter(is_data)),
                Poll::Ready(None) => return Ok(false),
                Poll::Pending => break,
            }
        }
        Ok(true)
    }

    /// Feeds the batch to every subscriber, with one flush each.
    fn write(&mut self, cx: &mut Context<'_>) -> Result<(), WsError> {
        for (index, subscriber) in self.subscribers.iter_mut().enumerate() {
            for message in &self.batch {
                subscriber.start_send_unpin(message.clone())?;
            }
            match subscriber.poll_flush_unpin(cx) {
                Poll::Ready(flushed) => flushed?,
                Poll::Pending => self.blocked.push(index),
            }
        }
        self.batch.clear();
        Ok(())
    }

    /// Flushes the blocked ones again; nothing is read before they are through.
    fn unblock(&mut self, cx: &mut Context<'_>) -> Result<(), WsError> {
        let mut failed = Ok(());
        let subscribers = &mut self.subscribers;
        self.blocked
            .retain(|&index| match subscribers[index].poll_flush_unpin(cx) {
                Poll::Ready(flushed) => {
                    if flushed.is_err() {
                        failed = flushed;
                    }
                    false
                }
                Poll::Pending => true,
            });
        failed
    }

    /// Works until there is nothing to read or somebody is blocked; `false` at the end.
    fn turn(&mut self, cx: &mut Context<'_>) -> Result<bool, WsError> {
        self.unblock(cx)?;
        while self.blocked.is_empty() {
            let open = self.read(cx)?;
            if self.batch.is_empty() {
                return Ok(open);
            }
            self.write(cx)?;
            if !open {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Future for Broadcast {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.get_mut().turn(cx) {
            Ok(true) => Poll::Pending,
            Ok(false) | Err(_) => Poll::Ready(()),
        }
    }
}

fn is_data(message: &Message) -> bool {
    message.is_text() || message.is_binary()
}

fn end_on_error(flushed: &Poll<Result<(), WsError>>) -> Poll<()> {
    match flushed {
        Poll::Ready(Err(_)) => Poll::Ready(()),
        Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
    }
}
