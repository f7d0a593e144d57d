//! The stage over sockets, whatever travels on them ([`wire`](super::wire)): to a real `wamp router`, to a router of this process where a realm needs
//! settings or accounts, or to a router that nobody here wrote; one transport and serializer a test.
//!
//! That nothing more comes is known without waiting, from three facts about the router's connection
//! (`node::connection`): it routes all it has read before it writes; it puts a pong into what it will write when
//! it reads the ping; before each write it adds what waits in the outbox. So a pong says that what its client
//! sent before the ping has been routed, and everybody's answers are in their outboxes; and behind two more
//! pongs, one after the other, nothing is left in the outbox of a client ([`Peer::drain`]). A Crossbar.io has one thread
//! for all of its sockets, writes what it routes and its pongs to the same buffers, and leaves meta events to the next
//! turn of its loop: there, a few pings more do the same ([`ELSEWHERE`]).

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use tempfile::TempDir;
use wamp::protocol::{MessageCode, Value};
use wamp::serializer::Serializer;

use super::library::Library;
use super::realms::PLAIN;
use super::stage::{Frame, Received, Stage, Way};
use super::wire::{Carried, DEADLINE, Heard, Line, Place, SOCKET, Through, Wire};
use crate::support::{Router, wamp};

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
    line: Line,
    peers: BTreeMap<String, Peer>,
}

/// Whose router it is.
enum Host {
    /// One process for all scenarios, and the folder of its socket and certificate.
    Process(Router, TempDir),
    /// Begun anew for each of them.
    Library(Library),
    /// Somebody else's, at this URL.
    Elsewhere(String),
}

/// A client's end of a connection.
struct Peer {
    wire: Wire,
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

impl WebSockets {
    pub(super) fn to_process(line: impl Into<Line>) -> Self {
        let line = line.into();
        let folder = tempfile::tempdir().expect("a folder");
        let mut args: Vec<String> = PLAIN
            .iter()
            .flat_map(|it| ["--realm", it])
            .map(str::to_owned)
            .collect();
        match line.through {
            Through::Tcp => {}
            Through::Unix => {
                let socket = folder.path().join(SOCKET);
                args.extend(["--listen".to_owned(), format!("unix:{}", socket.display())]);
            }
            Through::Tls => {
                wamp(["init", "--tls"])
                    .dir(folder.path())
                    .run()
                    .exit_code(0);
                let config = folder.path().join("wamp.toml");
                args.extend(["--config".to_owned(), config.display().to_string()]);
            }
        }
        Self::to(Host::Process(Router::start_with(args), folder), line)
    }

    pub(super) fn to_library(line: impl Into<Line>) -> Self {
        let line = line.into();
        Self::to(Host::Library(Library::start(line.through)), line)
    }

    pub(super) fn to_elsewhere(url: &str) -> Self {
        Self::to(Host::Elsewhere(url.into()), Serializer::Json.into())
    }

    const fn to(host: Host, line: Line) -> Self {
        Self {
            host,
            line,
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
    fn connect(place: Place<'_>, line: Line, way: Way<'_>, habits: &'static Habits) -> Self {
        Self {
            wire: Wire::connect(place, line, way),
            serializer: way.serializer,
            habits,
            inbox: VecDeque::new(),
            pings: 0,
            is_ahead: false,
            is_closed: false,
        }
    }

    /// Hands a frame to the socket, which keeps it until something is waited for: frames come in batches.
    fn send(&mut self, frame: Frame) {
        self.is_ahead = true;
        self.wire.write(frame);
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
            self.wire.ping(payload.clone());
        }
        while !self.is_closed {
            match self.wire.read() {
                Some(Heard::Pong(answer)) if answer == payload => return,
                heard => self.take(heard),
            }
        }
    }

    /// Reads until there is something, however long that takes, up to the deadline.
    fn read_on(&mut self) {
        let deadline = wamp::node::now() + DEADLINE;
        while self.inbox.is_empty() && wamp::node::now() < deadline {
            let heard = self.wire.read();
            self.take(heard);
        }
    }

    /// Asks again and again whether there is something, for as long as that may take.
    fn ask_on(&mut self) {
        let deadline = wamp::node::now() + PATIENCE;
        while self.inbox.is_empty() && wamp::node::now() < deadline {
            self.ping();
        }
    }

    fn take(&mut self, heard: Option<Heard>) {
        let bytes = match heard {
            Some(Heard::Message(bytes)) => bytes,
            Some(Heard::Pong(payload)) => panic!("the router sent a pong of {payload:?}"),
            None => return self.end(),
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
    fn leave(self, with_close: bool) {
        self.wire.leave(with_close);
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
        self.line.serializer
    }

    fn is(&self, place: &str) -> bool {
        let carried = self.line.carried;
        match place {
            "websocket" => carried == Carried::WebSocket,
            "batched" => carried == Carried::Batched,
            "rawsocket" => carried == Carried::RawSocket,
            "frames" => carried != Carried::RawSocket,
            name => name == self.line.serializer.name(),
        }
    }

    fn authmethod(&self) -> &'static str {
        match self.host {
            Host::Process(..) | Host::Library(_) => "harness",
            Host::Elsewhere(_) => "ticket",
        }
    }

    fn connect(&mut self, name: &str, way: Way<'_>) {
        assert!(way.is_local, "who comes from afar does so in memory only");
        self.settle_all_but(name);
        let (url, folder, habits) = match &self.host {
            Host::Process(router, folder) => (router.url(), folder.path(), &OURS),
            Host::Library(library) => (library.url(way.realm), library.folder(way.realm), &OURS),
            Host::Elsewhere(url) => (url.as_str(), Path::new(""), &ELSEWHERE),
        };
        let peer = Peer::connect(Place { url, folder }, self.line, way, habits);
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
            Host::Process(..) | Host::Library(_) => self.peer(name).read_on(),
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
            Host::Process(router, _) => router.log(),
            Host::Library(_) | Host::Elsewhere(_) => String::new(),
        }
    }

    fn finish(&mut self) -> Result<(), String> {
        for (_, peer) in std::mem::take(&mut self.peers) {
            peer.leave(true);
        }
        if let Host::Library(library) = &mut self.host {
            *library = Library::start(self.line.through);
        }
        Ok(())
    }
}
