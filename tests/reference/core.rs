//! The core, driven as `node` drives it: JSON in, JSON out, by session.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use wamp::protocol::{HelloDetails, Message, SessionId};
use wamp::router::{
    Authenticator, End, Handshake, Holdings, Identity, Occurrence, Output, Realm, Sources, Step,
    Transport, Violation,
};
use wamp::serializer::Serializer;

use super::json::{Json, json};
use super::profile::Profile;

pub(super) struct Core {
    realm: Realm,
    authenticator: Authenticator,
    joined: u8,
    now: Instant,
    /// Milliseconds since it began.
    clock: Arc<AtomicU64>,
}

/// What each session got, in order. Its end is a message `["END", how]`.
pub(super) type Received = BTreeMap<u64, Vec<Json>>;

impl Core {
    pub(super) fn new(profile: &Profile) -> Self {
        let clock = Arc::new(AtomicU64::new(0));
        let time = Arc::clone(&clock);
        let time_of_day = move || {
            let milliseconds = time.load(Ordering::Relaxed).try_into().unwrap();
            jiff::Timestamp::from_millisecond(milliseconds).unwrap()
        };
        let sources = Sources::new(random(), time_of_day);
        let realm = Realm::new(
            "realm1".into(),
            profile.settings(),
            profile.limits(),
            sources,
        );
        let authenticator = Authenticator::new(harness_identity);
        Self {
            realm,
            authenticator,
            joined: 0,
            now: wamp::node::now(),
            clock,
        }
    }

    pub(super) fn join(&mut self, name: &str, hello: &Json, is_local: bool) -> u64 {
        let message = decode(hello).unwrap();
        self.joined = self.joined.wrapping_add(1);
        let occurrence = Occurrence {
            session: id(1),
            time: jiff::Timestamp::UNIX_EPOCH,
            nonce: &[self.joined; 32],
            channel: None,
            remembered: None,
        };
        let mut handshake = Handshake::default();
        let step = handshake.handle_message(message, |_| true, &self.authenticator, &occurrence);
        let Step::Join(joining) = step else {
            panic!("{hello} is refused");
        };
        let protocol = Serializer::Json.subprotocol();
        let transport = Transport {
            kind: "memory",
            protocol,
            peer: name.into(),
            is_local,
        };
        self.realm.handle_join(&joining, transport).unwrap().value()
    }

    pub(super) fn lose(&mut self, session: u64) {
        self.realm.handle_lost(self.now, id(session));
    }

    pub(super) fn send(&mut self, session: u64, message: &Json) {
        match decode(message) {
            Ok(message) => self.realm.handle_message(self.now, id(session), message),
            Err(violation) => self
                .realm
                .handle_violation(self.now, id(session), violation),
        }
    }

    pub(super) fn advance(&mut self, milliseconds: u64) {
        self.now += Duration::from_millis(milliseconds);
        self.clock.fetch_add(milliseconds, Ordering::Relaxed);
        while self.realm.poll_timeout().is_some_and(|due| due <= self.now) {
            self.realm.handle_timeout(self.now);
        }
    }

    /// Takes what the core asks for.
    pub(super) fn receive(&mut self) -> Received {
        let mut received = Received::new();
        let mut push =
            |to: SessionId, message| received.entry(to.value()).or_default().push(message);
        while let Some(output) = self.realm.poll_output() {
            match output {
                Output::Send { to, message } => push(to, encode(&message)),
                Output::SendMany { to, message } => {
                    let message = encode(&message);
                    for to in to {
                        push(to, message.clone());
                    }
                }
                Output::Answer { .. } => panic!("the router asks nobody here"),
                Output::End { session, end } => {
                    let how = match end {
                        End::Left => "left",
                        End::Dismissed => "dismissed",
                        End::Aborted => "aborted",
                        End::Killed => "killed",
                    };
                    push(session, json!(["END", how]));
                }
                // Peers do not hear of it.
                Output::Remark { .. } => {}
            }
        }
        received
    }

    pub(super) fn holdings(&self) -> Holdings {
        self.realm.holdings()
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.realm.poll_timeout().is_some()
    }
}

/// The identity that a HELLO of a test asks for.
fn harness_identity(details: &HelloDetails) -> Option<Identity> {
    let is_ours = details
        .authmethods
        .as_ref()?
        .iter()
        .any(|method| method == "harness");
    is_ours.then_some(Identity {
        authid: details.authid.clone()?,
        authrole: details.authrole.clone()?,
        authmethod: "harness".into(),
        authprovider: "harness".into(),
    })
}

fn id(session: u64) -> SessionId {
    SessionId::new(session).unwrap()
}

fn decode(message: &Json) -> Result<Message, Violation> {
    Ok(Serializer::Json.decode(&message.to_string().into())?)
}

fn encode(message: &Message) -> Json {
    serde_json::from_slice(&Serializer::Json.encode(message)).unwrap()
}

/// Numbers without a pattern, the same in each run (`SplitMix64`).
fn random() -> impl FnMut() -> u64 + Send + 'static {
    let mut state = 0_u64;
    move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
