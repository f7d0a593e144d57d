//! Every message there is, with anything in it, there and back.

use bytestring::ByteString;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::any::{texts, values};
use super::{config, edits, mutated};
use crate::protocol::message::{self, *};
use crate::protocol::*;
use crate::serializer::Serializer;

/// What messages are made of.
#[derive(Clone, Debug)]
struct Parts {
    ids: [u64; 3],
    uri: String,
    text: Option<String>,
    flag: Option<bool>,
    extra: Dict,
    args: Vec<Value>,
    kwargs: Dict,
}

fn parts() -> impl Strategy<Value = Parts> {
    let dicts = || vec((texts(), values()), 0..4).prop_map(Dict::from_iter);
    let ids = prop_oneof![1..=300_u64, 1..=1_u64 << 53, Just(1 << 53)];
    (
        [ids.clone(), ids.clone(), ids],
        texts(),
        option::of(texts()),
        any::<Option<bool>>(),
        dicts(),
        vec(values(), 0..4),
        dicts(),
    )
        .prop_map(|(ids, uri, text, flag, extra, args, kwargs)| Parts {
            ids,
            uri,
            text,
            flag,
            extra,
            args,
            kwargs,
        })
}

impl Parts {
    fn request(&self) -> RequestId {
        RequestId::new(self.ids[0]).unwrap()
    }

    fn subscription(&self) -> SubscriptionId {
        SubscriptionId::new(self.ids[1]).unwrap()
    }

    fn registration(&self) -> RegistrationId {
        RegistrationId::new(self.ids[1]).unwrap()
    }

    fn publication(&self) -> PublicationId {
        PublicationId::new(self.ids[2]).unwrap()
    }

    fn uri(&self) -> Uri {
        Uri::from(&*self.uri)
    }

    fn some_uri(&self) -> Option<Uri> {
        self.text.as_deref().map(Uri::from)
    }

    fn some_text(&self) -> Option<ByteString> {
        self.text.as_deref().map(ByteString::from)
    }

    fn roles(&self) -> Option<Roles> {
        self.flag.map(|has_broker| {
            let roles = Roles::default().with(Role::Caller, &[]);
            match has_broker {
                true => roles.with(Role::Broker, &[Feature::PublisherExclusion]),
                false => roles.with(Role::Subscriber, &Feature::ALL),
            }
        })
    }

    fn some_match(&self) -> Option<MatchPolicy> {
        self.flag.map(|is_prefix| match is_prefix {
            true => MatchPolicy::Prefix,
            false => MatchPolicy::Wildcard,
        })
    }

    /// Request and details of UNSUBSCRIBED and UNREGISTERED.
    fn taken_back(&self, of: RevocationDetails) -> (Option<RequestId>, Option<RevocationDetails>) {
        match self.flag {
            Some(_) => (None, Some(of)),
            None => (Some(self.request()), None),
        }
    }

    fn message(&self, code: MessageCode, serializer: Serializer) -> Message {
        let request = self.request();
        let uri = self.uri();
        let payload = Payload::from_values(serializer, &self.args, &self.kwargs);
        match code {
            MessageCode::Hello => {
                let authmethods = self.some_text().map(|text| vec![text.clone(), text]);
                let details = Box::new(HelloDetails {
                    roles: self.roles(),
                    agent: self.some_text(),
                    authmethods,
                    ..HelloDetails::default()
                });
                Hello {
                    realm: uri,
                    details,
                }
                .into()
            }
            MessageCode::Welcome => {
                let session = SessionId::new(self.ids[0]).unwrap();
                let details = Box::new(WelcomeDetails {
                    roles: self.roles(),
                    realm: self.some_uri(),
                    authid: self.some_text(),
                    ..WelcomeDetails::default()
                });
                Welcome { session, details }.into()
            }
            MessageCode::Abort => {
                let message = self.some_text();
                let details = AbortDetails { message };
                Abort {
                    details,
                    reason: uri,
                    payload,
                }
                .into()
            }
            MessageCode::Challenge => Challenge {
                authmethod: (&*self.uri).into(),
                extra: self.extra.clone(),
            }
            .into(),
            MessageCode::Authenticate => Authenticate {
                signature: (&*self.uri).into(),
                extra: self.extra.clone(),
            }
            .into(),
            MessageCode::Goodbye => {
                let message = self.some_text();
                let details = GoodbyeDetails { message };
                Goodbye {
                    details,
                    reason: uri,
                }
                .into()
            }
            MessageCode::Error => message::Error {
                request_type: MessageCode::Call,
                request,
                details: ErrorDetails::default(),
                error: uri,
                payload,
            }
            .into(),
            _ => self.of_a_session(code, payload),
        }
    }

    fn of_a_session(&self, code: MessageCode, payload: Payload) -> Message {
        let request = self.request();
        let subscription = self.subscription();
        let publication = self.publication();
        let uri = self.uri();
        match code {
            MessageCode::Publish => {
                let options = PublishOptions {
                    acknowledge: self.flag,
                    exclude_me: self.flag,
                };
                Publish {
                    request,
                    options,
                    topic: uri,
                    payload,
                }
                .into()
            }
            MessageCode::Published => Published {
                request,
                publication,
            }
            .into(),
            MessageCode::Subscribe => {
                let match_policy = self.some_match();
                let options = SubscribeOptions { match_policy };
                Subscribe {
                    request,
                    options,
                    topic: uri,
                }
                .into()
            }
            MessageCode::Subscribed => Subscribed {
                request,
                subscription,
            }
            .into(),
            MessageCode::Unsubscribe => Unsubscribe {
                request,
                subscription,
            }
            .into(),
            MessageCode::Unsubscribed => {
                let (request, details) = self.taken_back(RevocationDetails {
                    subscription: Some(subscription),
                    reason: self.some_text(),
                    ..RevocationDetails::default()
                });
                Unsubscribed { request, details }.into()
            }
            MessageCode::Event => {
                let topic = self.some_uri();
                let details = EventDetails { topic };
                Event {
                    subscription,
                    publication,
                    details,
                    payload,
                }
                .into()
            }
            MessageCode::EventReceived => EventReceived { publication }.into(),
            _ => self.of_calls(code, payload),
        }
    }

    fn of_calls(&self, code: MessageCode, payload: Payload) -> Message {
        let request = self.request();
        let registration = self.registration();
        let uri = self.uri();
        match code {
            MessageCode::Call => {
                let options = CallOptions::default();
                Call {
                    request,
                    options,
                    procedure: uri,
                    payload,
                }
                .into()
            }
            MessageCode::Cancel => {
                let options = CancelOptions::default();
                Cancel { request, options }.into()
            }
            MessageCode::Result => {
                let details = ResultDetails::default();
                message::Result {
                    request,
                    details,
                    payload,
                }
                .into()
            }
            MessageCode::Register => {
                let options = RegisterOptions {
                    match_policy: self.some_match(),
                    invoke: self.flag.map(|_| InvocationPolicy::RoundRobin),
                };
                Register {
                    request,
                    options,
                    procedure: uri,
                }
                .into()
            }
            MessageCode::Registered => Registered {
                request,
                registration,
            }
            .into(),
            MessageCode::Unregister => Unregister {
                request,
                registration,
            }
            .into(),
            MessageCode::Unregistered => {
                let (request, details) = self.taken_back(RevocationDetails {
                    registration: Some(registration),
                    reason: self.some_text(),
                    ..RevocationDetails::default()
                });
                Unregistered { request, details }.into()
            }
            MessageCode::Invocation => {
                let procedure = self.some_uri();
                let details = InvocationDetails { procedure };
                Invocation {
                    request,
                    registration,
                    details,
                    payload,
                }
                .into()
            }
            MessageCode::Interrupt => {
                let options = InterruptOptions::default();
                Interrupt { request, options }.into()
            }
            MessageCode::Yield => {
                let options = YieldOptions::default();
                Yield {
                    request,
                    options,
                    payload,
                }
                .into()
            }
            other => panic!("no {}", other.name()),
        }
    }
}

/// What a message means, whatever its payload is encoded in.
fn meaning(message: &Message) -> Value {
    let encoded = Serializer::Cbor.encode(message);
    Serializer::Cbor.decode_value(&encoded).unwrap()
}

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn every_message_survives_every_serializer(parts in parts()) {
        for serializer in Serializer::ALL {
            for &code in MessageCode::ALL {
                let message = parts.message(code, serializer);
                let frame = serializer.encode(&message);
                prop_assert_eq!(serializer.decode(&frame), Ok(message), "{:?}", frame);
            }
        }
    }

    #[test]
    fn a_message_means_the_same_to_peers_of_any_serializer(parts in parts()) {
        for from in Serializer::ALL {
            for &code in MessageCode::ALL {
                let message = parts.message(code, from);
                for to in Serializer::ALL {
                    let received = to.decode(&to.encode(&message)).unwrap();
                    prop_assert_eq!(meaning(&received), meaning(&message));
                }
            }
        }
    }

    #[test]
    fn broken_messages_are_refused_or_make_sense(parts in parts(), edits in edits()) {
        for serializer in Serializer::ALL {
            for &code in MessageCode::ALL {
                let frame = serializer.encode(&parts.message(code, serializer));
                let Ok(message) = serializer.decode(&mutated(&frame, &edits)) else { continue };
                for other in Serializer::ALL {
                    prop_assert!(other.decode(&other.encode(&message)).is_ok(), "{:?}", message);
                }
            }
        }
    }
}
