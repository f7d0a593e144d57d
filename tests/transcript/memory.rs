//! The stage in memory: the core, driven as `node` drives it, with counting ids and a clock that stands still.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use wamp::protocol::message::Abort;
use wamp::protocol::{Message, RequestId, SessionId, Uri, Value};
use wamp::router::{
    Authenticator, End, Handshake, Holdings, Joining, Limits, Occurrence, Output, Question, Realm,
    Settings, Sources, Step, Transport, Violation,
};
use wamp::serializer::Serializer;

use super::realms::{self, SMALL};
use super::stage::{Frame, Received, Stage, Way};

/// Realms and the transports to them.
pub(super) struct Memory {
    realms: BTreeMap<Uri, Realm>,
    authenticator: Authenticator,
    /// How many messages of handshakes there were: what is random elsewhere is counted here.
    occurrences: u64,
    connections: BTreeMap<String, Connection>,
    /// About whom procedures are asked, by realm and question.
    asked: Vec<(Uri, RequestId, String)>,
    now: Instant,
}

struct Connection {
    serializer: Serializer,
    is_local: bool,
    phase: Phase,
    handshake: Handshake,
    inbox: VecDeque<Received>,
}

enum Phase {
    Joining,
    Joined(Uri, SessionId),
    Closed,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self {
            realms: open_realms(),
            authenticator: realms::authenticator(),
            occurrences: 0,
            connections: BTreeMap::new(),
            asked: Vec::new(),
            now: wamp::node::now(),
        }
    }

    fn connection(&mut self, name: &str) -> &mut Connection {
        self.connections.get_mut(name).expect("it has connected")
    }

    fn handle_first(&mut self, name: &str, received: Result<Message, Violation>) {
        let nonce = self.nonce();
        let realms = &self.realms;
        let connection = self.connections.get_mut(name).expect("it has connected");
        let step = match received {
            Ok(message) => connection.handshake.handle_message(
                message,
                |realm| realms.contains_key(realm),
                &self.authenticator,
                &occurrence(self.occurrences, &nonce),
            ),
            Err(violation) => Step::Refuse(Box::new(violation.abort())),
        };
        self.take(name, step);
    }

    fn handle_answer(&mut self, name: &str, answer: Message) {
        let nonce = self.nonce();
        let occurrence = occurrence(self.occurrences, &nonce);
        let handshake = &mut self.connection(name).handshake;
        let step = handshake.handle_answer(Some(answer), &occurrence);
        self.take(name, step);
    }

    fn nonce(&mut self) -> [u8; 32] {
        self.occurrences += 1;
        let mut nonce = [0; 32];
        nonce[..8].copy_from_slice(&self.occurrences.to_be_bytes());
        nonce
    }

    fn take(&mut self, name: &str, step: Step) {
        match step {
            Step::Join(joining) => self.join(name, &joining),
            Step::Challenge(challenge) => self.connection(name).push(&(*challenge).into()),
            Step::Ask(question) => self.ask(name, *question),
            Step::Refuse(abort) | Step::Deny(abort) => self.connection(name).refuse(*abort),
            Step::Close => self.connection(name).close(),
        }
    }

    fn ask(&mut self, name: &str, question: Question) {
        let (at, procedure) = (question.realm.clone(), question.procedure.clone());
        let payload = question.payload(&self.connections[name].transport(name));
        let realm = self.realms.get_mut(&at).expect("it exists");
        let request = realm.handle_question(self.now, procedure, payload);
        self.asked.push((at, request, name.to_owned()));
    }

    fn join(&mut self, name: &str, joining: &Joining) {
        let realm = self.realms.get_mut(&joining.realm).expect("it exists");
        let transport = self.connections[name].transport(name);
        match realm.handle_join(joining, transport) {
            Ok(session) => {
                self.connection(name).phase = Phase::Joined(joining.realm.clone(), session);
            }
            Err(abort) => self.connection(name).refuse(*abort),
        }
    }

    /// Does what the cores ask for. A message to a session that is over fails the test.
    fn deliver(&mut self) {
        loop {
            let answers = self.deliver_messages();
            if answers.is_empty() {
                return;
            }
            for (name, answer) in answers {
                self.handle_answer(&name, answer);
            }
        }
    }

    /// Returns what procedures have said about whom.
    fn deliver_messages(&mut self) -> Vec<(String, Message)> {
        let (connections, asked) = (&mut self.connections, &mut self.asked);
        let mut answers = Vec::new();
        for (name, realm) in &mut self.realms {
            while let Some(output) = realm.poll_output() {
                match output {
                    Output::Send { to, message } => at(connections, name, to).push(&message),
                    Output::SendMany { to, message } => {
                        for to in to {
                            at(connections, name, to).push(&message);
                        }
                    }
                    Output::Answer { request, answer } => {
                        let about = asked.iter().position(|it| it.0 == *name && it.1 == request);
                        let (_, _, about) = asked.remove(about.expect("it was asked"));
                        answers.push((about, answer));
                    }
                    Output::End { session, end } => at(connections, name, session).end(end),
                    // Peers do not hear of it.
                    Output::Remark { .. } => {}
                }
            }
        }
        answers
    }
}

fn at<'a>(
    connections: &'a mut BTreeMap<String, Connection>,
    realm: &Uri,
    session: SessionId,
) -> &'a mut Connection {
    connections
        .values_mut()
        .find(|connection| connection.session() == Some((realm, session)))
        .expect("the core knows sessions that are open")
}

/// What is new with the message of this number.
fn occurrence(number: u64, nonce: &[u8; 32]) -> Occurrence<'_> {
    Occurrence {
        session: SessionId::from_random(number),
        time: jiff::Timestamp::UNIX_EPOCH,
        nonce,
        channel: None,
        remembered: None,
    }
}

fn open_realms() -> BTreeMap<Uri, Realm> {
    let realm = |(at, (name, settings)): (u64, (Uri, Settings))| {
        let limits = if name.as_str() == SMALL {
            realms::small_limits()
        } else {
            Limits::default()
        };
        // Ids of sessions and publications are global: each realm counts in a range of its own.
        let sources = Sources::counting(at * 1_000_000);
        let realm = Realm::new(name.clone(), settings, limits, sources);
        (name, realm)
    };
    (0..)
        .zip(realms::realms().chain([realms::small_realm()]))
        .map(realm)
        .collect()
}

impl Connection {
    fn transport(&self, name: &str) -> Transport {
        Transport {
            kind: "memory",
            protocol: self.serializer.subprotocol(),
            peer: name.into(),
            is_local: self.is_local,
        }
    }

    fn session(&self) -> Option<(&Uri, SessionId)> {
        match &self.phase {
            Phase::Joined(realm, session) => Some((realm, *session)),
            Phase::Joining | Phase::Closed => None,
        }
    }

    fn decode(&self, frame: &Frame) -> Result<Message, Violation> {
        if frame.is_text != self.serializer.is_text() {
            let expected = if frame.is_text { "binary" } else { "text" };
            return Err(Violation::FrameType { expected });
        }
        Ok(self.serializer.decode(&frame.bytes)?)
    }

    fn push(&mut self, message: &Message) {
        let bytes = self.serializer.encode(message);
        let value: Value = self.serializer.decode_value(&bytes).expect("well-formed");
        self.inbox.push_back(Received::Message(value));
    }

    fn refuse(&mut self, abort: Abort) {
        self.push(&abort.into());
        self.close();
    }

    fn end(&mut self, end: End) {
        match end {
            End::Left => {
                self.phase = Phase::Joining;
                self.handshake = Handshake::default();
            }
            End::Dismissed | End::Killed | End::Aborted => self.close(),
        }
    }

    fn close(&mut self) {
        self.phase = Phase::Closed;
        self.inbox.push_back(Received::Closed);
    }
}

impl Stage for Memory {
    fn serializer(&self) -> Serializer {
        Serializer::Json
    }

    fn is(&self, place: &str) -> bool {
        place == "memory" || place == "frames" || place == Serializer::Json.name()
    }

    fn connect(&mut self, name: &str, way: Way<'_>) {
        let connection = Connection {
            serializer: way.serializer,
            is_local: way.is_local,
            phase: Phase::Joining,
            handshake: Handshake::default(),
            inbox: VecDeque::new(),
        };
        self.connections.insert(name.into(), connection);
    }

    fn send(&mut self, name: &str, frame: Frame) {
        let now = self.now;
        let connection = self.connection(name);
        let received = connection.decode(&frame);
        match &connection.phase {
            Phase::Joining => self.handle_first(name, received),
            Phase::Joined(realm, session) => {
                let (realm, from) = (realm.clone(), *session);
                let realm = self.realms.get_mut(&realm).expect("it exists");
                match received {
                    Ok(message) => realm.handle_message(now, from, message),
                    Err(violation) => realm.handle_violation(now, from, violation),
                }
            }
            Phase::Closed => {}
        }
        self.deliver();
    }

    fn receive(&mut self, name: &str) -> Option<Received> {
        self.connection(name).inbox.pop_front()
    }

    fn await_next(&mut self, name: &str) -> Option<Received> {
        loop {
            if let Some(received) = self.receive(name) {
                return Some(received);
            }
            let next = self.realms.values().filter_map(Realm::poll_timeout).min()?;
            self.advance(next.saturating_duration_since(self.now));
        }
    }

    fn unread(&mut self) -> Vec<(String, Received)> {
        let mut unread = Vec::new();
        for (name, connection) in &mut self.connections {
            unread.extend(connection.inbox.drain(..).map(|it| (name.clone(), it)));
        }
        unread
    }

    fn leave(&mut self, name: &str, _with_close: bool) {
        let connection = self.connections.remove(name).expect("it has connected");
        let asked = self.asked.iter().position(|(_, _, about)| about == name);
        if let Some((realm, request, _)) = asked.map(|at| self.asked.remove(at)) {
            let realm = self.realms.get_mut(&realm).expect("it exists");
            realm.handle_withdrawal(self.now, request);
        }
        if let Phase::Joined(realm, session) = connection.phase {
            let realm = self.realms.get_mut(&realm).expect("it exists");
            realm.handle_lost(self.now, session);
        }
        self.deliver();
    }

    fn advance(&mut self, by: Duration) {
        self.now += by;
        for realm in self.realms.values_mut() {
            while realm.poll_timeout().is_some_and(|due| due <= self.now) {
                realm.handle_timeout(self.now);
            }
        }
        self.deliver();
    }

    fn stop(&mut self) {
        for realm in self.realms.values_mut() {
            realm.handle_shutdown(self.now);
        }
        self.deliver();
    }

    fn is_down(&self) -> bool {
        self.realms.values().all(Realm::is_down)
    }

    fn log(&self) -> String {
        String::new()
    }

    fn finish(&mut self) -> Result<(), String> {
        while let Some(name) = self.connections.keys().next().cloned() {
            self.leave(&name, true);
        }
        let fresh = open_realms();
        for (name, realm) in &self.realms {
            // A topic keeps its event for subscribers to come.
            let held = Holdings {
                retained: 0,
                ..realm.holdings()
            };
            if held != fresh[name].holdings() {
                return Err(format!("everybody has left {name}, which holds {held:?}"));
            }
        }
        self.realms = fresh;
        Ok(())
    }
}
