//! What the core does with a message: from its arrival to the outputs, without bytes and without sockets.

use std::hint::black_box;
use std::time::Instant;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion};
use wamp::protocol::message::{Call, Publish, Register, Subscribe, Yield};
use wamp::protocol::{
    CallOptions, Dict, MatchPolicy, Message, MessageCode, Payload, PublishOptions, RegisterOptions,
    RequestId, Role, Roles, SessionId, SubscribeOptions, Uri, YieldOptions,
};
use wamp::router::{Identity, Joining, Limits, Output, Realm, Settings, Sources, Transport};
use wamp::serializer::Serializer;

use crate::pattern::{self, Patterns};

/// Benchmarks an event to one and to a thousand, one that one of many patterns matches, and a call from CALL to
/// RESULT.
pub(crate) fn bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("routing");
    for subscribers in [1, 1_000] {
        let mut table = Table::new();
        for _ in 0..subscribers {
            let mut subscriber = table.join();
            let subscribe = subscribe(subscriber.request(), MatchPolicy::Exact, topic());
            table.send(subscriber.session, subscribe);
        }
        let mut publisher = table.join();
        group.bench_function(format!("publish/{subscribers}"), |b| {
            b.iter(|| table.send(publisher.session, publish(publisher.request(), topic())));
        });
    }
    for policy in MatchPolicy::ALL {
        for patterns_count in pattern::COUNTS {
            publish_among(&mut group, policy, patterns_count);
        }
    }
    let mut table = Table::new();
    let callee = table.join();
    table.send(callee.session, register());
    let mut caller = table.join();
    let mut invocation = RequestId::FIRST;
    group.bench_function("call", |b| {
        b.iter(|| {
            table.send(caller.session, call(caller.request()));
            table.send(callee.session, answer(invocation));
            invocation = invocation.next();
        });
    });
    group.finish();
}

fn publish_among(
    group: &mut BenchmarkGroup<'_, WallTime>,
    policy: MatchPolicy,
    patterns_count: usize,
) {
    let Patterns { patterns, uris } = pattern::random(policy, patterns_count);
    let mut table = Table::new();
    for patterns in patterns.chunks(Limits::default().session_subscriptions) {
        let mut subscriber = table.join();
        for pattern in patterns {
            let subscribe = subscribe(subscriber.request(), policy, Uri::new(pattern.as_str()));
            table.send(subscriber.session, subscribe);
        }
    }
    let mut publisher = table.join();
    let uris: Vec<Uri> = uris.into_iter().map(Uri::new).collect();
    let mut uris = uris.iter().cycle().cloned();
    let what = format!("publish/{}", policy.name());
    group.bench_function(BenchmarkId::new(what, patterns_count), |b| {
        b.iter(|| {
            let uri = uris.next().unwrap_or_else(topic);
            table.send(publisher.session, publish(publisher.request(), uri));
        });
    });
}

/// A realm, and what its sessions do with its outputs: nothing.
struct Table {
    realm: Realm,
    now: Instant,
}

struct Seat {
    session: SessionId,
    request_next: RequestId,
}

impl Seat {
    fn request(&mut self) -> RequestId {
        let request = self.request_next;
        self.request_next = request.next();
        request
    }
}

impl Table {
    #[expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
    fn new() -> Self {
        let realm = Realm::new(
            "bench".into(),
            Settings::default(),
            Limits::default(),
            Sources::counting(0),
        );
        Self {
            realm,
            now: Instant::now(),
        }
    }

    fn join(&mut self) -> Seat {
        let roles = Roles::default().with(Role::Subscriber, &[]);
        let joining = Joining {
            realm: "bench".into(),
            roles,
            agent: None,
            identity: Identity::anonymous("bench"),
            session: None,
            authextra: None,
        };
        let transport = Transport {
            kind: "memory",
            protocol: "none",
            peer: "nobody".into(),
            is_local: true,
        };
        let session = self
            .realm
            .handle_join(&joining, transport)
            .expect("the realm is open");
        while self.realm.poll_output().is_some() {}
        Seat {
            session,
            request_next: RequestId::FIRST,
        }
    }

    fn send(&mut self, from: SessionId, message: Message) {
        self.realm.handle_message(self.now, from, message);
        while let Some(output) = self.realm.poll_output() {
            let is_wrong = match &output {
                Output::Send { message, .. } => message.code() == MessageCode::Error,
                Output::SendMany { .. } => false,
                Output::Answer { .. } | Output::End { .. } | Output::Remark { .. } => true,
            };
            assert!(!is_wrong, "a bench does what it may not: {output:?}");
            black_box(output);
        }
    }
}

fn payload() -> Payload {
    Payload::from_values(Serializer::Json, &["0123456789abcdef".into()], &Dict::new())
}

fn topic() -> Uri {
    Uri::from_static("com.example.topic")
}

fn subscribe(request: RequestId, policy: MatchPolicy, topic: Uri) -> Message {
    let options = SubscribeOptions {
        match_policy: Some(policy),
        ..SubscribeOptions::default()
    };
    Subscribe {
        request,
        options,
        topic,
    }
    .into()
}

fn register() -> Message {
    let options = RegisterOptions::default();
    Register {
        request: RequestId::FIRST,
        options,
        procedure: "com.example.procedure".into(),
    }
    .into()
}

fn publish(request: RequestId, topic: Uri) -> Message {
    Publish {
        request,
        options: PublishOptions::default(),
        topic,
        payload: payload(),
    }
    .into()
}

fn call(request: RequestId) -> Message {
    let procedure = Uri::from_static("com.example.procedure");
    Call {
        request,
        options: CallOptions::default(),
        procedure,
        payload: payload(),
    }
    .into()
}

fn answer(invocation: RequestId) -> Message {
    Yield {
        request: invocation,
        options: YieldOptions::default(),
        payload: payload(),
    }
    .into()
}
