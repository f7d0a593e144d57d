//! The stage over sockets: WebSockets to a real `wamp router`, to a router of this process where a realm needs
//! settings or accounts, or to a router that nobody here wrote; one serializer a test.
//!
//! That nothing more comes is known without waiting, from three facts about the router's connection
//! (`node::connection`): it routes all it has read before it writes; it puts a pong into what it will write when
//! it reads the ping; before each write it adds what waits in the outbox. So a pong says that what its client
//! sent before the ping has been routed, and everybody's answers are in their outboxes; and behind two more
//! pongs, one after the other, nothing is left in the outbox of a client ([`Peer::drain`]). A Crossbar.io has one thread
//! for all of its sockets, writes what it routes and its pongs to the same buffers, and leaves meta events to the next
//! turn of its loop: there, a few pings more do the same ([`ELSEWHERE`]).

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use tokio_tungstenite::tungstenite::client::{ClientRequestBuilder, client};
use tokio_tungstenite::tungstenite::{self, Message as WsMessage, Utf8Bytes};
use wamp::protocol::{MessageCode, Value};
use wamp::serializer::Serializer;

use super::library::{Delivery, Library};
use super::realms::PLAIN;
use super::stage::{Frame, Received, Stage, Way};
use crate::support::Router;

/// How long a router may take to answer a ping, or to do what it does in time. Generous: CI shares its two cores.
const DEADLINE: Duration = Duration::from_secs(30);

/// How long a router that nobody here wrote may take to do what it does in time.
const PATIENCE: Duration = Duration::from_secs(1);

const OURS: Habits = Habits {
    settle: 1,
    drain: 2,
    names_callees: false,
};

/// No ping is read in the turn of the loop that answered the one before. It takes two turns for what one message causes;
/// the other two are for good measure.
const ELSEWHERE: Habits = Habits {
    settle: 4,
    drain: 4,
    names_callees: true,
};

/// A router and the clients connected to it.
pub(super) struct WebSockets {
    host: Host,
    serializer: Serializer,
    peers: BTreeMap<String, Peer>,
}

/// Whose router it is.
enum Host {
    /// One process for all scenarios.
    Process(Router),
    /// Begun anew for each of them.
    Library(Library),
    /// Somebody else's, at this URL.
    Elsewhere(String),
}

/// A client's end of a connection.
struct Peer {
    socket: tungstenite::WebSocket<Patient>,
    serializer: Serializer,
    habits: &'static Habits,
    inbox: VecDeque<Received>,
    pings: u64,
    /// Something was sent that the router may not have routed.
    is_ahead: bool,
    is_closed: bool,
}

/// What there is to know of a router.
struct Habits {
    /// How many pings, one after the other, tell that everything sent was routed.
    settle: usize,
    /// How many tell that everything routed was read.
    drain: usize,
    /// Whether a RESULT says who answered.
    names_callees: bool,
}

/// A stream whose calls are repeated when a signal interrupts them, and fail the test at the deadline.
struct Patient(TcpStream);

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buffer).map_err(|error| (error.kind(), error)) {
                Ok(count) => return Ok(count),
                Err((ErrorKind::Interrupted, _)) => {}
                Err((ErrorKind::WouldBlock | ErrorKind::TimedOut, _)) => {
                    panic!("the router says nothing for {DEADLINE:?}")
                }
                Err((_, error)) => return Err(error),
            }
        }
    }
}

impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                outcome => return outcome,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl WebSockets {
    pub(super) fn to_process(serializer: Serializer) -> Self {
        let args = PLAIN.iter().flat_map(|realm| ["--realm", realm]);
        Self::to(Host::Process(Router::start_with(args)), serializer)
    }

    pub(super) fn to_library(serializer: Serializer) -> Self {
        Self::to(Host::Library(Library::start(Delivery::Whole)), serializer)
    }

    /// To such a router, byte by byte.
    pub(super) fn to_split_library(serializer: Serializer) -> Self {
        Self::to(Host::Library(Library::start(Delivery::Split)), serializer)
    }

    pub(super) fn to_elsewhere(url: &str) -> Self {
        Self::to(Host::Elsewhere(url.into()), Serializer::Json)
    }

    const fn to(host: Host, serializer: Serializer) -> Self {
        Self {
            host,
            serializer,
            peers: BTreeMap::new(),
        }
    }

    fn peer(&mut self, name: &str) -> &mut Peer {
        self.peers.get_mut(name).expect("it has connected")
    }

    /// Makes sure that what anybody but `name` has sent was routed: lines take effect in their order.
    fn settle_all_but(&mut self, name: &str) {
        let others = self.peers.iter_mut().filter(|(other, _)| *other != name);
        others.for_each(|(_, peer)| peer.settle());
    }
}

impl Peer {
    fn connect(url: &str, serializer: Serializer, habits: &'static Habits) -> Self {
        let address = url.trim_start_matches("ws://").split('/').next();
        let stream = TcpStream::connect(address.unwrap_or_default()).expect("the router listens");
        stream.set_nodelay(true).expect("a fresh socket");
        stream
            .set_read_timeout(Some(DEADLINE))
            .expect("a fresh socket");
        let request = ClientRequestBuilder::new(url.parse().expect("a URL"))
            .with_sub_protocol(serializer.subprotocol());
        let (socket, _) = client(request, Patient(stream)).expect("the router speaks WebSocket");
        Self {
            socket,
            serializer,
            habits,
            inbox: VecDeque::new(),
            pings: 0,
            is_ahead: false,
            is_closed: false,
        }
    }

    /// Hands a frame to the socket, which keeps it until something is waited for: frames come in batches.
    fn send(&mut self, frame: Frame) {
        let message = if frame.is_text {
            let text = Utf8Bytes::try_from(frame.bytes).expect("text frames hold UTF-8");
            WsMessage::Text(text)
        } else {
            WsMessage::Binary(frame.bytes)
        };
        self.is_ahead = true;
        // A peer that has been closed cannot send; the conversation says so where it matters.
        let _ = self.socket.write(message);
    }

    /// Waits until everything sent was routed.
    fn settle(&mut self) {
        if std::mem::take(&mut self.is_ahead) {
            (0..self.habits.settle).for_each(|_| self.ping());
        }
    }

    /// Reads everything the router had for this client when the last of them was settled.
    fn drain(&mut self) {
        (0..self.habits.drain).for_each(|_| self.ping());
    }

    /// Reads on to the answer of a ping, or to the end.
    fn ping(&mut self) {
        self.pings += 1;
        let payload = Bytes::copy_from_slice(&self.pings.to_be_bytes());
        if !self.is_closed {
            let _ = self.socket.send(WsMessage::Ping(payload.clone()));
        }
        while !self.is_closed {
            match self.socket.read() {
                Ok(WsMessage::Pong(answer)) if answer == payload => return,
                Ok(message) => self.take(message),
                Err(_) => self.end(),
            }
        }
    }

    /// Reads until there is something, however long that takes, up to the deadline.
    fn read_on(&mut self) {
        let deadline = wamp::node::now() + DEADLINE;
        while self.inbox.is_empty() && wamp::node::now() < deadline {
            match self.socket.read() {
                Ok(message) => self.take(message),
                Err(_) => self.end(),
            }
        }
    }

    /// Asks again and again whether there is something, for as long as that may take.
    fn ask_on(&mut self) {
        let deadline = wamp::node::now() + PATIENCE;
        while self.inbox.is_empty() && wamp::node::now() < deadline {
            self.ping();
        }
    }

    fn take(&mut self, message: WsMessage) {
        let bytes = match message {
            WsMessage::Text(text) if self.serializer.is_text() => text.into(),
            WsMessage::Binary(bytes) if !self.serializer.is_text() => bytes,
            WsMessage::Ping(_) | WsMessage::Close(_) => return,
            other => panic!("the router sent {other:?}"),
        };
        let value = self.serializer.decode_value(&bytes);
        let mut value = value.unwrap_or_else(|error| panic!("the router sent {bytes:?}: {error}"));
        if self.habits.names_callees {
            forget_callee(&mut value);
        }
        self.inbox.push_back(Received::Message(value));
    }

    fn end(&mut self) {
        self.is_closed = true;
        self.inbox.push_back(Received::Closed);
    }

    /// Ends the transport, and waits for the router to do so: by then it has ended the session.
    fn leave(mut self, with_close: bool) {
        if with_close {
            let _ = self.socket.close(None);
        }
        let _ = self.socket.flush();
        let _ = self.socket.get_ref().0.shutdown(Shutdown::Write);
        while self.socket.read().is_ok() {}
    }
}

/// Takes out of a RESULT what Crossbar.io puts into each of them, and no section has: the one difference that the list
/// in `crossbar.txt` does not have scenario by scenario.
fn forget_callee(message: &mut Value) {
    const CALLEE: [&str; 3] = ["callee", "callee_authid", "callee_authrole"];
    let Value::List(items) = message else { return };
    if let [Value::Integer(code), _, Value::Dict(details), ..] = items.as_mut_slice()
        && *code == MessageCode::Result as i128
    {
        let is_ours = |(key, _): &(ByteString, Value)| !CALLEE.contains(&&**key);
        *details = std::mem::take(details)
            .into_iter()
            .filter(is_ours)
            .collect();
    }
}

impl Stage for WebSockets {
    fn serializer(&self) -> Serializer {
        self.serializer
    }

    fn is(&self, place: &str) -> bool {
        place == "websocket" || place == self.serializer.name()
    }

    fn authmethod(&self) -> &'static str {
        match self.host {
            Host::Process(_) | Host::Library(_) => "harness",
            Host::Elsewhere(_) => "ticket",
        }
    }

    fn connect(&mut self, name: &str, way: Way<'_>) {
        assert!(way.is_local, "who comes from afar does so in memory only");
        self.settle_all_but(name);
        let (url, habits) = match &self.host {
            Host::Process(router) => (router.url(), &OURS),
            Host::Library(library) => (library.url(way.realm), &OURS),
            Host::Elsewhere(url) => (url.as_str(), &ELSEWHERE),
        };
        let peer = Peer::connect(url, way.serializer, habits);
        self.peers.insert(name.into(), peer);
    }

    fn send(&mut self, name: &str, frame: Frame) {
        self.settle_all_but(name);
        self.peer(name).send(frame);
    }

    fn receive(&mut self, name: &str) -> Option<Received> {
        if self.peer(name).inbox.is_empty() {
            self.peers.values_mut().for_each(Peer::settle);
            self.peer(name).drain();
        }
        self.peer(name).inbox.pop_front()
    }

    fn await_next(&mut self, name: &str) -> Option<Received> {
        self.peers.values_mut().for_each(Peer::settle);
        match self.host {
            Host::Process(_) | Host::Library(_) => self.peer(name).read_on(),
            Host::Elsewhere(_) => self.peer(name).ask_on(),
        }
        self.peer(name).inbox.pop_front()
    }

    fn unread(&mut self) -> Vec<(String, Received)> {
        self.peers.values_mut().for_each(Peer::settle);
        let mut unread = Vec::new();
        for (name, peer) in &mut self.peers {
            peer.drain();
            unread.extend(peer.inbox.drain(..).map(|it| (name.clone(), it)));
        }
        unread
    }

    fn leave(&mut self, name: &str, with_close: bool) {
        self.settle_all_but(name);
        let peer = self.peers.remove(name).expect("it has connected");
        peer.leave(with_close);
    }

    fn advance(&mut self, _by: Duration) {
        panic!("time passes in memory only");
    }

    fn stop(&mut self) {
        panic!("the router stops in memory only");
    }

    fn is_down(&self) -> bool {
        false
    }

    fn log(&self) -> String {
        match &self.host {
            Host::Process(router) => router.log(),
            Host::Library(_) | Host::Elsewhere(_) => String::new(),
        }
    }

    fn finish(&mut self) -> Result<(), String> {
        for (_, peer) in std::mem::take(&mut self.peers) {
            peer.leave(true);
        }
        if let Host::Library(library) = &mut self.host {
            *library = library.again();
        }
        Ok(())
    }
}
