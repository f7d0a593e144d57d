//! Random conversations with the core, and what holds in all of them.
//!
//! Every call is answered once, nobody who has left is sent anything, each event reaches exactly the matching
//! subscriptions, nothing is left behind, and one sequence of actions has one outcome.

use std::collections::BTreeSet;
use std::time::Instant;

use proptest::prelude::*;
use wamp::protocol::{
    MatchPolicy, Message, MessageCode, RegistrationId, RequestId, Role, Roles, SessionId,
    SubscriptionId, Uri,
};
use wamp::router::{End, Holdings, Joining, Limits, Output, Realm, Settings, Sources, Transport};
use wamp::serializer::Serializer;

const SESSIONS: usize = 5;
const TOPICS: [&str; 6] = ["a", "a.b", "a.b.c", "a.x.c", "b.b.c", "b"];
/// None matches a topic of the router's own.
const PATTERNS: [(MatchPolicy, &str); 12] = [
    (MatchPolicy::Exact, "a"),
    (MatchPolicy::Exact, "a.b.c"),
    (MatchPolicy::Exact, "b"),
    (MatchPolicy::Prefix, "b"),
    (MatchPolicy::Prefix, "a"),
    (MatchPolicy::Prefix, "a."),
    (MatchPolicy::Prefix, "a.b"),
    (MatchPolicy::Wildcard, "a.."),
    (MatchPolicy::Wildcard, "a..c"),
    (MatchPolicy::Wildcard, "a.."),
    (MatchPolicy::Wildcard, ".b."),
    (MatchPolicy::Wildcard, "a.b.c"),
];
const PROCEDURES: [&str; 4] = ["p", "p.q", "p.q.r", "wamp.p"];

/// What one session does. Numbers choose among what there is.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Join,
    Leave,
    Goodbye,
    Abort,
    Break,
    Subscribe(usize),
    Unsubscribe(usize),
    Publish { topic: usize, exclude_me: bool },
    Register(usize),
    Unregister(usize),
    Call(usize),
    Yield(usize),
    Fail(usize),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        3 => Just(Deed::Join),
        1 => Just(Deed::Leave),
        1 => Just(Deed::Goodbye),
        1 => Just(Deed::Abort),
        1 => Just(Deed::Break),
        4 => (0..PATTERNS.len()).prop_map(Deed::Subscribe),
        2 => any::<usize>().prop_map(Deed::Unsubscribe),
        6 => (0..TOPICS.len(), any::<bool>())
            .prop_map(|(topic, exclude_me)| Deed::Publish { topic, exclude_me }),
        4 => (0..PROCEDURES.len()).prop_map(Deed::Register),
        2 => any::<usize>().prop_map(Deed::Unregister),
        8 => (0..PROCEDURES.len()).prop_map(Deed::Call),
        5 => any::<usize>().prop_map(Deed::Yield),
        2 => any::<usize>().prop_map(Deed::Fail),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn whatever_sessions_do_calls_end_once_and_nothing_is_left(
        deeds in prop::collection::vec((0..SESSIONS, deed()), 1..150),
    ) {
        let outcome = run(&deeds);
        assert_eq!(outcome, run(&deeds), "one sequence of deeds has one outcome");
    }
}

/// Does all that, ends what is open, and returns what the core asked for.
fn run(deeds: &[(usize, Deed)]) -> Vec<Output> {
    let mut world = World::new();
    for &(who, deed) in deeds {
        world.act(who, deed);
    }
    for who in 0..SESSIONS {
        while world.peers[who]
            .as_ref()
            .is_some_and(|peer| !peer.invocations.is_empty())
        {
            world.act(who, Deed::Yield(0));
        }
    }
    for (who, peer) in world.peers.iter().enumerate() {
        let calls = peer.as_ref().map(|peer| &peer.calls);
        assert!(
            calls.is_none_or(BTreeSet::is_empty),
            "calls of {who} have no answer: {calls:?}"
        );
    }
    for who in 0..SESSIONS {
        world.act(who, Deed::Leave);
    }
    assert_eq!(world.realm.holdings(), Holdings::default());
    world.outputs
}

/// The core, and what its sessions know.
struct World {
    realm: Realm,
    now: Instant,
    peers: [Option<Peer>; SESSIONS],
    outputs: Vec<Output>,
}

/// A session, as its client sees it.
struct Peer {
    session: SessionId,
    request: RequestId,
    subscriptions: Vec<(SubscriptionId, usize)>,
    registrations: Vec<RegistrationId>,
    calls: BTreeSet<RequestId>,
    invocations: Vec<RequestId>,
}

impl World {
    fn new() -> Self {
        let limits = Limits::default();
        let realm = Realm::new(
            Uri::from("r"),
            Settings::default(),
            limits,
            Sources::counting(0),
        );
        Self {
            realm,
            now: wamp::node::now(),
            peers: Default::default(),
            outputs: Vec::new(),
        }
    }

    fn act(&mut self, who: usize, deed: Deed) {
        match (&mut self.peers[who], deed) {
            (None, Deed::Join) => self.join(who),
            (None, _) | (Some(_), Deed::Join) => {}
            (Some(peer), Deed::Leave) => {
                let session = peer.session;
                self.peers[who] = None;
                self.realm.handle_lost(self.now, session);
                self.observe();
            }
            (Some(peer), deed) => {
                if let Some(message) = peer.message(deed) {
                    self.send(who, deed, message);
                }
            }
        }
    }

    fn join(&mut self, who: usize) {
        let joining = Joining {
            realm: "r".into(),
            roles: Roles::default().with(Role::Caller, &[]),
            agent: None,
            identity: None,
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
        self.peers[who] = Some(Peer::new(session));
        self.observe();
    }

    fn send(&mut self, who: usize, deed: Deed, message: Message) {
        let session = self.peers[who].as_ref().map(|peer| peer.session);
        let from = session.expect("it is there");
        let expected = self.recipients(who, deed);
        self.realm.handle_message(self.now, from, message);
        let seen = self.observe();
        let mut events: Vec<_> = seen.iter().flat_map(events).collect();
        events.sort_unstable();
        assert_eq!(events, expected, "{deed:?}");
        self.remember(who, deed, &seen);
    }

    /// Takes what the core asks for, and hands it to whom it is for.
    fn observe(&mut self) -> Vec<Output> {
        let mut seen = Vec::new();
        while let Some(output) = self.realm.poll_output() {
            match &output {
                Output::Send { to, message } => self.peer(*to).receive(message),
                Output::SendMany { to, message } => {
                    let distinct: BTreeSet<_> = to.iter().collect();
                    assert_eq!(distinct.len(), to.len(), "each is named once");
                    for to in to {
                        self.peer(*to).receive(message);
                    }
                }
                Output::End { session, end } => {
                    assert_ne!(*end, End::Dismissed);
                    self.peer(*session);
                    self.peers
                        .iter_mut()
                        .filter(|peer| peer.as_ref().is_some_and(|peer| peer.session == *session))
                        .for_each(|peer| *peer = None);
                }
            }
            seen.push(output);
        }
        self.outputs.extend(seen.iter().cloned());
        seen
    }

    /// The session named by the core. One that has left fails the test.
    fn peer(&mut self, session: SessionId) -> &mut Peer {
        let mut peers = self.peers.iter_mut().flatten();
        peers
            .find(|peer| peer.session == session)
            .expect("nobody who has left is sent anything")
    }

    /// Who must get an event, under which subscription.
    fn recipients(&self, publisher: usize, deed: Deed) -> Vec<(SessionId, SubscriptionId)> {
        let Deed::Publish { topic, exclude_me } = deed else {
            return Vec::new();
        };
        let mut recipients = BTreeSet::new();
        for (who, peer) in self.peers.iter().enumerate() {
            let Some(peer) = peer else { continue };
            for &(subscription, pattern) in &peer.subscriptions {
                let (policy, pattern) = PATTERNS[pattern];
                if policy.matches(pattern, TOPICS[topic]) && !(exclude_me && who == publisher) {
                    recipients.insert((peer.session, subscription));
                }
            }
        }
        recipients.into_iter().collect()
    }

    /// Notes what a request has led to.
    fn remember(&mut self, who: usize, deed: Deed, seen: &[Output]) {
        let Some(peer) = &mut self.peers[who] else {
            return;
        };
        let Some(Output::Send { message, .. }) = seen.first() else {
            return;
        };
        match (deed, message) {
            (Deed::Subscribe(pattern), Message::Subscribed(subscribed)) => {
                peer.subscriptions.push((subscribed.subscription, pattern));
            }
            (Deed::Unsubscribe(which), Message::Unsubscribed(_)) => {
                let (ended, _) = peer.subscriptions[which % peer.subscriptions.len()];
                peer.subscriptions
                    .retain(|(subscription, _)| *subscription != ended);
            }
            (Deed::Register(_), Message::Registered(registered)) => {
                peer.registrations.push(registered.registration);
            }
            (Deed::Unregister(which), Message::Unregistered(_)) => {
                peer.registrations.remove(which % peer.registrations.len());
            }
            (Deed::Register(_), Message::Error(_)) => {}
            (
                Deed::Subscribe(_) | Deed::Unsubscribe(_) | Deed::Register(_) | Deed::Unregister(_),
                other,
            ) => {
                panic!("{deed:?} led to {other:?}")
            }
            _ => {}
        }
    }
}

impl Peer {
    fn new(session: SessionId) -> Self {
        Self {
            session,
            request: RequestId::FIRST,
            subscriptions: Vec::new(),
            registrations: Vec::new(),
            calls: BTreeSet::new(),
            invocations: Vec::new(),
        }
    }

    fn next_request(&mut self) -> RequestId {
        let request = self.request;
        self.request = request.next();
        request
    }

    /// The message that does it; `None` where there is nothing to do it to.
    fn message(&mut self, deed: Deed) -> Option<Message> {
        let json = match deed {
            Deed::Join | Deed::Leave => return None,
            Deed::Goodbye => r#"[6,{},"x"]"#.into(),
            Deed::Abort => r#"[3,{},"x"]"#.into(),
            Deed::Break => r#"[1,"r",{}]"#.into(),
            Deed::Subscribe(pattern) => {
                let (policy, topic) = PATTERNS[pattern];
                let request = self.next_request();
                format!(r#"[32,{request},{{"match":"{policy}"}},"{topic}"]"#)
            }
            Deed::Unsubscribe(which) => {
                let (subscription, _) = *chosen(&self.subscriptions, which)?;
                format!("[34,{},{subscription}]", self.next_request())
            }
            Deed::Publish { topic, exclude_me } => {
                let (request, topic) = (self.next_request(), TOPICS[topic]);
                format!(r#"[16,{request},{{"exclude_me":{exclude_me}}},"{topic}"]"#)
            }
            Deed::Register(procedure) => {
                let (request, procedure) = (self.next_request(), PROCEDURES[procedure]);
                format!(r#"[64,{request},{{}},"{procedure}"]"#)
            }
            Deed::Unregister(which) => {
                let registration = *chosen(&self.registrations, which)?;
                format!("[66,{},{registration}]", self.next_request())
            }
            Deed::Call(procedure) => {
                let (request, procedure) = (self.next_request(), PROCEDURES[procedure]);
                self.calls.insert(request);
                format!(r#"[48,{request},{{}},"{procedure}"]"#)
            }
            Deed::Yield(which) => format!("[70,{},{{}}]", self.take_invocation(which)?),
            Deed::Fail(which) => {
                let invocation = self.take_invocation(which)?;
                format!(r#"[8,68,{invocation},{{}},"x"]"#)
            }
        };
        let message = Serializer::Json.decode(&json.clone().into());
        Some(message.unwrap_or_else(|error| panic!("{json}: {error}")))
    }

    fn take_invocation(&mut self, which: usize) -> Option<RequestId> {
        chosen(&self.invocations, which)?;
        let at = which % self.invocations.len();
        Some(self.invocations.remove(at))
    }

    fn receive(&mut self, message: &Message) {
        match message {
            Message::Invocation(invocation) => self.invocations.push(invocation.request),
            Message::Result(result) => self.end_call(result.request),
            Message::Error(error) if error.request_type == MessageCode::Call => {
                self.end_call(error.request);
            }
            _ => {}
        }
    }

    fn end_call(&mut self, request: RequestId) {
        assert!(self.calls.remove(&request), "call {request} ends twice");
    }
}

fn chosen<T>(items: &[T], which: usize) -> Option<&T> {
    items.get(which.checked_rem(items.len())?)
}

/// The events in an output: to whom, under which subscription.
fn events(output: &Output) -> Vec<(SessionId, SubscriptionId)> {
    match output {
        Output::Send {
            to,
            message: Message::Event(event),
        } => vec![(*to, event.subscription)],
        Output::SendMany {
            to,
            message: Message::Event(event),
        } => to.iter().map(|to| (*to, event.subscription)).collect(),
        Output::Send { .. } | Output::SendMany { .. } | Output::End { .. } => Vec::new(),
    }
}
