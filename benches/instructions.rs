//! Instructions a message, counted by callgrind: from bytes through the core to bytes, without sockets.
//!
//! `benches/instructions.sh` runs it and subtracts; a run alone does `COUNT` rounds of one scenario and says nothing.

#![expect(
    clippy::expect_used,
    reason = "a bench that cannot be set up must stop"
)]

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use wamp::protocol::{MatchPolicy, Message, MessageCode, Role, Roles, SessionId};
use wamp::router::{Identity, Joining, Limits, Output, Realm, Settings, Sources, Transport};
use wamp::serializer::Serializer;

mod worst;

/// Topics taken in turn where there are many.
const TOPICS: usize = 1_000;

fn main() {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let usage = "instructions SCENARIO COUNT";
    let scenario = args.next().expect(usage);
    let count: usize = args.next().and_then(|it| it.parse().ok()).expect(usage);
    let mut table = Table::new();
    match scenario.as_str() {
        "publish-1" => publish(&mut table, count, 1),
        "publish-100" => publish(&mut table, count, 100),
        "call" => call(&mut table, count),
        "worst-all-hit" => publish_at_worst(&mut table, count, "x"),
        "worst-none-hits" => publish_at_worst(&mut table, count, "z"),
        other => {
            let (policy, patterns) = other.split_once('-').expect(usage);
            let policy = MatchPolicy::ALL.into_iter().find(|it| it.name() == policy);
            let patterns = patterns.parse().expect(usage);
            publish_among(&mut table, count, policy.expect(usage), patterns);
        }
    }
}

/// A publication to so many subscribers of its topic.
fn publish(table: &mut Table, count: usize, subscribers: usize) {
    for _ in 0..subscribers {
        table.join().send(table, r#"[32,1,{},"com.example.topic"]"#);
    }
    let mut publisher = table.join();
    publisher.rounds(table, count, subscribers, |request, _| {
        format!(r#"[16,{request},{{}},"com.example.topic",["0123456789abcdef"]]"#)
    });
}

/// A call, from CALL to RESULT.
fn call(table: &mut Table, count: usize) {
    let mut callee = table.join();
    callee.send(table, r#"[64,1,{},"com.example.procedure"]"#);
    let mut caller = table.join();
    for round in 1..=count {
        let call = format!(r#"[48,{round},{{}},"com.example.procedure",["0123456789abcdef"]]"#);
        caller.send(table, &call);
        callee.send(table, &format!(r#"[70,{round},{{}},["0123456789abcdef"]]"#));
    }
}

/// A publication that one of many patterns matches, another each time.
fn publish_among(table: &mut Table, count: usize, policy: MatchPolicy, patterns: usize) {
    let uri = |number: usize| {
        let scrambled = number.wrapping_mul(2_654_435_761) % 1_000_003;
        format!(
            "org{}.app{}.object{scrambled}.event{number}",
            number % 4,
            number % 23
        )
    };
    let mut subscriber = table.join();
    for number in 0..patterns {
        let topic = uri(number);
        let pattern = match policy {
            MatchPolicy::Exact => topic,
            MatchPolicy::Prefix => topic[..topic.len() - 1].to_owned(),
            MatchPolicy::Wildcard => topic.replace(&format!(".app{}.", number % 23), ".."),
        };
        let request = number + 1;
        let policy = policy.name();
        subscriber.send(
            table,
            &format!(r#"[32,{request},{{"match":"{policy}"}},"{pattern}"]"#),
        );
    }
    let mut publisher = table.join();
    publisher.rounds(table, count, 1, |request, round| {
        let topic = uri(round.wrapping_mul(7_919) % patterns);
        format!(r#"[16,{request},{{}},"{topic}",["0123456789abcdef"]]"#)
    });
}

/// A publication that the worst wildcards are aimed at which the limits allow.
fn publish_at_worst(table: &mut Table, count: usize, last: &str) {
    let by_shape = worst::by_shape(last);
    for shapes in by_shape.chunks(Limits::default().session_wildcard_shapes) {
        let mut subscriber = table.join();
        for (request, pattern) in (1..).zip(shapes.concat()) {
            let subscribe = format!(r#"[32,{request},{{"match":"wildcard"}},"{pattern}"]"#);
            subscriber.send(table, &subscribe);
        }
    }
    let uri = worst::uri();
    let hits = if uri.ends_with(last) {
        by_shape.len()
    } else {
        0
    };
    let mut publisher = table.join();
    publisher.rounds(table, count, hits, |request, _| {
        format!(r#"[16,{request},{{}},"{uri}",["0123456789abcdef"]]"#)
    });
}

/// A realm, and what is done with its outputs: they are encoded.
struct Table {
    realm: Realm,
    now: Instant,
}

struct Seat(SessionId);

impl Table {
    #[expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
    fn new() -> Self {
        let (limits, sources) = (Limits::default(), Sources::counting(0));
        Self {
            realm: Realm::new("bench".into(), Settings::default(), limits, sources),
            now: Instant::now(),
        }
    }

    fn join(&mut self) -> Seat {
        let joining = Joining {
            realm: "bench".into(),
            identity: Identity::anonymous("bench"),
            session: None,
            authextra: None,
            roles: Roles::default().with(Role::Subscriber, &[]),
            agent: None,
        };
        let transport = Transport {
            kind: "memory",
            protocol: "wamp.2.json",
            peer: "nobody".into(),
            is_local: true,
        };
        let session = self.realm.handle_join(&joining, transport).expect("open");
        self.drain();
        Seat(session)
    }

    /// Routes a message; returns how many peers are sent something.
    fn receive(&mut self, from: SessionId, frame: &Bytes) -> usize {
        let message: Message = Serializer::Json.decode(frame).expect("well-formed");
        self.realm.handle_message(self.now, from, message);
        self.drain()
    }

    fn drain(&mut self) -> usize {
        let mut peers = 0;
        while let Some(output) = self.realm.poll_output() {
            let (to, message) = match output {
                Output::Send { message, .. } => (1, message),
                Output::SendMany { to, message } => (to.len(), message),
                Output::Answer { .. } | Output::End { .. } | Output::Remark { .. } => {
                    panic!("a bench breaks a rule")
                }
            };
            assert_ne!(message.code(), MessageCode::Error, "a bench is refused");
            black_box(Serializer::Json.encode(&message));
            peers += to;
        }
        peers
    }
}

impl Seat {
    /// Sends a message; returns how many peers are sent something for it.
    fn send(&mut self, table: &mut Table, message: &str) -> usize {
        table.receive(self.0, &Bytes::copy_from_slice(message.as_bytes()))
    }

    /// Sends so many messages, made from their request's number and a number that goes round; each reaches so many
    /// peers.
    fn rounds(
        &mut self,
        table: &mut Table,
        count: usize,
        peers: usize,
        message: impl Fn(usize, usize) -> String,
    ) {
        for request in 1..=count {
            let reached = self.send(table, &message(request, request % TOPICS));
            assert_eq!(reached, peers, "a bench does not do what it measures");
        }
    }
}
