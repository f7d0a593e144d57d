//! Every message there is, with anything in it, there and back.

use bytestring::ByteString;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::any::{texts, values};
use super::{config, edits, mutated};
use crate::protocol::{
    AbortDetails, Audience, CallOptions, CallOrigin, CallTerms, CancelMode, CancelOptions, Dict,
    ErrorDetails, EventDetails, EventOrigin, Feature, GoodbyeDetails, HelloDetails,
    InterruptOptions, InvocationDetails, InvocationPolicy, Links, MatchPolicy, Message,
    MessageCode, Passthru, Payload, PublicationId, PublishOptions, RegisterOptions, RegistrationId,
    RequestId, ResultDetails, RevocationDetails, Role, Roles, RunMode, SessionId, SubscribeOptions,
    SubscriptionId, Uri, Value, WelcomeDetails, YieldOptions, message,
};
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
            if has_broker {
                roles.with(Role::Broker, &[Feature::PublisherExclusion])
            } else {
                roles.with(Role::Subscriber, Feature::ALL)
            }
        })
    }

    fn some_match(&self) -> Option<MatchPolicy> {
        let policy = |is_prefix| {
            if is_prefix {
                MatchPolicy::Prefix
            } else {
                MatchPolicy::Wildcard
            }
        };
        self.flag.map(policy)
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
                message::Hello {
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
                message::Welcome { session, details }.into()
            }
            MessageCode::Abort => {
                let message = self.some_text();
                let details = AbortDetails { message };
                message::Abort {
                    details,
                    reason: uri,
                    payload,
                }
                .into()
            }
            MessageCode::Challenge => message::Challenge {
                authmethod: (&*self.uri).into(),
                extra: self.extra.clone(),
            }
            .into(),
            MessageCode::Authenticate => message::Authenticate {
                signature: (&*self.uri).into(),
                extra: self.extra.clone(),
            }
            .into(),
            MessageCode::Goodbye => {
                let message = self.some_text();
                let details = GoodbyeDetails { message };
                message::Goodbye {
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
                let options = self.publish_options();
                message::Publish {
                    request,
                    options,
                    topic: uri,
                    payload,
                }
                .into()
            }
            MessageCode::Published => message::Published {
                request,
                publication,
            }
            .into(),
            MessageCode::Subscribe => {
                let options = self.subscribe_options();
                message::Subscribe {
                    request,
                    options,
                    topic: uri,
                }
                .into()
            }
            MessageCode::Subscribed => message::Subscribed {
                request,
                subscription,
            }
            .into(),
            MessageCode::Unsubscribe => message::Unsubscribe {
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
                message::Unsubscribed { request, details }.into()
            }
            MessageCode::Event => {
                let details = self.event_details();
                message::Event {
                    subscription,
                    publication,
                    details,
                    payload,
                }
                .into()
            }
            MessageCode::EventReceived => message::EventReceived { publication }.into(),
            _ => self.of_calls(code, payload),
        }
    }

    fn of_calls(&self, code: MessageCode, payload: Payload) -> Message {
        let request = self.request();
        let registration = self.registration();
        let uri = self.uri();
        match code {
            MessageCode::Call => {
                let options = self.call_options();
                message::Call {
                    request,
                    options,
                    procedure: uri,
                    payload,
                }
                .into()
            }
            MessageCode::Cancel => {
                let mode = self.flag.map(|_| CancelMode::Skip);
                let options = CancelOptions { mode };
                message::Cancel { request, options }.into()
            }
            MessageCode::Result => {
                let details = ResultDetails {
                    progress: self.flag,
                    passthru: self.some_passthru(),
                };
                message::Result {
                    request,
                    details,
                    payload,
                }
                .into()
            }
            MessageCode::Invocation => {
                let details = self.invocation_details();
                message::Invocation {
                    request,
                    registration,
                    details,
                    payload,
                }
                .into()
            }
            MessageCode::Interrupt => {
                let mode = self.flag.map(|_| CancelMode::Kill);
                let options = InterruptOptions { mode };
                message::Interrupt { request, options }.into()
            }
            MessageCode::Yield => {
                let options = YieldOptions {
                    progress: self.flag,
                    passthru: self.some_passthru(),
                };
                message::Yield {
                    request,
                    options,
                    payload,
                }
                .into()
            }
            _ => self.of_registrations(code),
        }
    }

    fn of_registrations(&self, code: MessageCode) -> Message {
        let request = self.request();
        let registration = self.registration();
        match code {
            MessageCode::Register => {
                let options = self.register_options();
                message::Register {
                    request,
                    options,
                    procedure: self.uri(),
                }
                .into()
            }
            MessageCode::Registered => message::Registered {
                request,
                registration,
            }
            .into(),
            MessageCode::Unregister => message::Unregister {
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
                message::Unregistered { request, details }.into()
            }
            other => panic!("no {}", other.name()),
        }
    }
}

/// Options and details with everything in them, or hardly anything.
impl Parts {
    fn some_passthru(&self) -> Option<Box<Passthru>> {
        let text = self.some_text()?;
        Some(Box::new(Passthru {
            ppt_scheme: Some(text.clone()),
            ppt_keyid: Some(text),
            ..Passthru::default()
        }))
    }

    fn some_links(&self) -> Option<Box<Links>> {
        let hash = self.some_text()?;
        Some(Box::new(Links {
            forward_for: Some(vec![self.kwargs.clone()]),
            transaction_hash: Some(hash),
            acknowledged_delivery: self.flag,
        }))
    }

    fn publish_options(&self) -> PublishOptions {
        let audience = self.some_text().map(|text| Audience {
            exclude: Some(vec![SessionId::new(self.ids[0]).unwrap()]),
            eligible: Some(Vec::new()),
            eligible_authrole: Some(vec![text.clone(), text.clone()]),
            rkey: Some(text),
            ..Audience::default()
        });
        PublishOptions {
            acknowledge: self.flag,
            exclude_me: self.flag,
            disclose_me: self.flag,
            retain: self.flag,
            audience: audience.map(Box::new),
            passthru: self.some_passthru(),
            links: self.some_links(),
        }
    }

    fn subscribe_options(&self) -> SubscribeOptions {
        SubscribeOptions {
            match_policy: self.some_match(),
            get_retained: self.flag,
            nkey: self.some_text(),
            links: self.some_links(),
        }
    }

    fn event_details(&self) -> EventDetails {
        let publisher = self.some_text().map(|text| EventOrigin {
            publisher: Some(SessionId::new(self.ids[0]).unwrap()),
            publisher_authid: Some(text.clone()),
            publisher_authrole: Some(text),
            trustlevel: self.flag.map(|_| self.ids[0]),
            retained: self.flag,
        });
        EventDetails {
            topic: self.some_uri(),
            origin: publisher.map(Box::new),
            passthru: self.some_passthru(),
            links: self.some_links(),
        }
    }

    fn call_options(&self) -> CallOptions {
        let terms = self.some_text().map(|text| CallTerms {
            timeout: self.flag.map(|_| self.ids[1]),
            rkey: Some(text),
            runmode: self.flag.map(|_| RunMode::All),
        });
        CallOptions {
            receive_progress: self.flag,
            progress: self.flag,
            disclose_me: self.flag,
            terms: terms.map(Box::new),
            passthru: self.some_passthru(),
            links: self.some_links(),
        }
    }

    fn invocation_details(&self) -> InvocationDetails {
        let caller = self.some_text().map(|text| CallOrigin {
            caller: Some(SessionId::new(self.ids[0]).unwrap()),
            caller_authid: Some(text.clone()),
            caller_authrole: Some(text),
            trustlevel: self.flag.map(|_| self.ids[2]),
            timeout: self.flag.map(|_| self.ids[1]),
        });
        InvocationDetails {
            procedure: self.some_uri(),
            receive_progress: self.flag,
            progress: self.flag,
            origin: caller.map(Box::new),
            passthru: self.some_passthru(),
        }
    }

    fn register_options(&self) -> RegisterOptions {
        RegisterOptions {
            match_policy: self.some_match(),
            invoke: self.flag.map(|_| InvocationPolicy::RoundRobin),
            concurrency: self.flag.map(|_| self.ids[0]),
            force_reregister: self.flag,
            disclose_caller: self.flag,
            forward_timeout: self.flag,
            nkey: self.some_text(),
            links: self.some_links(),
        }
    }
}

/// What a message means, whatever its payload is encoded in.
fn meaning(message: &Message) -> Value {
    let encoded = Serializer::Cbor.encode(message);
    Serializer::Cbor.decode_value(&encoded).unwrap()
}

proptest! {
    #![proptest_config(config(25))]

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
                // Where a text must be, JSON has none that begins with U+0000.
                let has_no_json = format!("{message:?}").contains("\"\\0");
                for other in Serializer::ALL {
                    if has_no_json && other == Serializer::Json {
                        continue;
                    }
                    prop_assert!(other.decode(&other.encode(&message)).is_ok(), "{:?}", message);
                }
            }
        }
    }
}
