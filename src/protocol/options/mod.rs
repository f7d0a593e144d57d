//! Options and details: decoded once into typed views, so that nobody looks up keys by text later.
//!
//! One table a message. A key that is absent is `None`; a key nobody here knows is left out, as the
//! specification asks; a known key with a value of the wrong type is an [`OptionError`], which breaks the
//! protocol (the specification's own vectors say so). Keys that belong together and are rare are a *group*: on
//! the wire they lie beside the others, here behind one pointer, so that messages without them stay small.
//! What types values can have is in `value.rs`. Spec: bp#messages.

mod value;

use bytestring::ByteString;

use super::feature::Roles;
use super::id::{RegistrationId, SessionId, SubscriptionId};
use super::uri::{MatchPolicy, Uri};
use super::value::{Dict, Value};
use value::read;
pub use value::{CancelMode, EncAlgo, EncSerializer, InvocationPolicy, RunMode};

/// A known option with a value that it cannot have, or one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("option \"{key}\" must be {expected}")]
pub struct OptionError {
    /// The option's key.
    pub key: &'static str,
    /// What its value must be, as in `a boolean`.
    pub expected: &'static str,
}

/// A typed view of one message's options or details.
pub(crate) trait Options: Default {
    fn from_dict(dict: Dict) -> Result<Self, OptionError>;
    fn to_dict(&self) -> Dict;
    /// Whether it says nothing: then there is no need to make a dict of it.
    fn is_empty(&self) -> bool;
}

/// Views that are large and rare are kept out of the way of small and frequent messages.
impl<O: Options> Options for Box<O> {
    fn from_dict(dict: Dict) -> Result<Self, OptionError> {
        O::from_dict(dict).map(Self::new)
    }

    fn to_dict(&self) -> Dict {
        O::to_dict(self)
    }

    fn is_empty(&self) -> bool {
        O::is_empty(self)
    }
}

/// Rare keys of a message that belong together.
trait Group: Default {
    /// Takes the value of a key of its own; gives back any other.
    fn take(
        slot: &mut Option<Box<Self>>,
        key: &str,
        value: Value,
    ) -> Result<Option<Value>, OptionError>;
    fn write(&self, dict: &mut Dict);
}

macro_rules! groups {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $key:literal $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: Option<$type>,)*
        }

        impl $name {
            /// A copy that does not hold on to the memory of the frame it came in.
            #[must_use]
            pub fn detached(&self) -> Self {
                Self {
                    $($field: self.$field.as_ref().map(value::OptionValue::detached),)*
                }
            }

            /// Bytes that it takes of memory.
            #[must_use]
            pub fn weight(&self) -> usize {
                size_of::<Self>() $(+ self.$field.as_ref().map_or(0, value::OptionValue::weight))*
            }
        }

        impl Group for $name {
            fn take(slot: &mut Option<Box<Self>>, key: &str, value: Value) -> Result<Option<Value>, OptionError> {
                match key {
                    $($key => read(&mut slot.get_or_insert_default().$field, $key, value)?,)*
                    _ => return Ok(Some(value)),
                }
                Ok(None)
            }

            fn write(&self, dict: &mut Dict) {
                $(if let Some(value) = &self.$field {
                    dict.push($key, value::OptionValue::to_value(value));
                })*
            }
        }
    )*};
}

macro_rules! options {
    ($(
        $(#[$doc:meta])*
        $name:ident { $($(#[$field_doc:meta])* $key:literal $field:ident: $type:ty,)* }
        $(+ { $($(#[$group_doc:meta])* $group:ident: $group_type:ty,)* })?
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: Option<$type>,)*
            $($($(#[$group_doc])* pub $group: Option<Box<$group_type>>,)*)?
        }

        impl Options for $name {
            fn from_dict(dict: Dict) -> Result<Self, OptionError> {
                let mut options = Self::default();
                // leniency: wampy writes options that are not given as null.
                for (key, value) in dict.into_iter().filter(|(_, value)| *value != Value::Null) {
                    match &*key {
                        $($key => read(&mut options.$field, $key, value)?,)*
                        _ => {
                            $($(let Some(value) = Group::take(&mut options.$group, &key, value)? else {
                                continue;
                            };)*)?
                            drop(value);
                        }
                    }
                }
                Ok(options)
            }

            fn is_empty(&self) -> bool {
                true $(&& self.$field.is_none())* $($(&& self.$group.is_none())*)?
            }

            fn to_dict(&self) -> Dict {
                let dict = dict_of([$(self.$field.as_ref().map(|value| ($key, value::OptionValue::to_value(value))),)*]);
                $(
                    let mut dict = dict;
                    $(if let Some(group) = &self.$group {
                        group.write(&mut dict);
                    })*
                )?
                dict
            }
        }
    )*};
}

fn dict_of<const N: usize>(entries: [Option<(&'static str, Value)>; N]) -> Dict {
    entries.into_iter().flatten().collect()
}

groups! {
    /// Who gets an event among those who subscribed; each condition that is there must hold.
    /// Spec: ap#pubsub-bw-listing, ap#pubsub-sharded-subscription.
    Audience {
        /// Not these sessions.
        "exclude" exclude: Vec<SessionId>,
        /// Not who signed in as one of these.
        "exclude_authid" exclude_authid: Vec<ByteString>,
        /// Not who has one of these roles.
        "exclude_authrole" exclude_authrole: Vec<ByteString>,
        /// Only these sessions.
        "eligible" eligible: Vec<SessionId>,
        /// Only who signed in as one of these.
        "eligible_authid" eligible_authid: Vec<ByteString>,
        /// Only who has one of these roles.
        "eligible_authrole" eligible_authrole: Vec<ByteString>,
        /// The resource key: among subscribers with node keys, those of one node only.
        "rkey" rkey: ByteString,
    }
    /// What the payload is, where it is no list: one binary string that routers leave alone.
    /// Spec: ap#payload-passthru-mode; the `enc_` keys are Autobahn's older form of it.
    Passthru {
        /// Whose format; there whenever the mode is used.
        "ppt_scheme" ppt_scheme: ByteString,
        /// What encoded it.
        "ppt_serializer" ppt_serializer: ByteString,
        /// What encrypted it.
        "ppt_cipher" ppt_cipher: ByteString,
        /// Which key did.
        "ppt_keyid" ppt_keyid: ByteString,
        /// Autobahn's scheme.
        "enc_algo" enc_algo: EncAlgo,
        /// Autobahn's key.
        "enc_key" enc_key: ByteString,
        /// Autobahn's serializer.
        "enc_serializer" enc_serializer: EncSerializer,
    }
    /// What other routers and ledgers write into messages: checked, and never handed on for a client.
    Links {
        /// The sessions on whose behalf a router forwards.
        "forward_for" forward_for: Vec<Dict>,
        /// A transaction that the message is part of.
        "transaction_hash" transaction_hash: ByteString,
        /// Whether the event asks for `EVENT_RECEIVED`.
        "x_acknowledged_delivery" acknowledged_delivery: bool,
    }
    /// What the broker says of an event beside its topic.
    EventOrigin {
        /// The session that published it, where that is disclosed. Spec: ap#pubsub-pub-identification.
        "publisher" publisher: SessionId,
        /// Who that is.
        "publisher_authid" publisher_authid: ByteString,
        /// Its role.
        "publisher_authrole" publisher_authrole: ByteString,
        /// How far the broker trusts it, 0 least. Spec: ap#pubsub-pub-trustlevels.
        "trustlevel" trustlevel: u64,
        /// Whether this is an earlier event, kept for subscribers to come. Spec: ap#event-retention.
        "retained" retained: bool,
    }
    /// What the dealer says of a call beside its procedure.
    CallOrigin {
        /// The session that called, where that is disclosed. Spec: ap#rpc-call-identification.
        "caller" caller: SessionId,
        /// Who that is.
        "caller_authid" caller_authid: ByteString,
        /// Its role.
        "caller_authrole" caller_authrole: ByteString,
        /// How far the dealer trusts the call, 0 least. Spec: ap#rpc-call-trust-levels.
        "trustlevel" trustlevel: u64,
        /// The time limit, in milliseconds, that the callee has to watch. Spec: ap#rpc-call-timeout.
        "timeout" timeout: u64,
    }
    /// How long a call may take, and which callee gets it.
    CallTerms {
        /// How long to wait for a result, in the realm's unit; 0 or absent is for ever. Spec: ap#rpc-call-timeout.
        "timeout" timeout: u64,
        /// The resource key; its callee is always the same. Spec: ap#rpc-sharded-registration.
        "rkey" rkey: ByteString,
        /// Default: `partition`, where there is a key.
        "runmode" runmode: RunMode,
    }
}

options! {
    /// What a client says of itself.
    HelloDetails {
        /// Its roles; a client must announce one.
        "roles" roles: Roles,
        /// Its software and version.
        "agent" agent: ByteString,
        /// The ways in which it can sign in, as `ticket`.
        "authmethods" authmethods: Vec<ByteString>,
        /// Whom it claims to be.
        "authid" authid: ByteString,
        /// The role it asks for.
        "authrole" authrole: ByteString,
        /// What its method of signing in needs beside.
        "authextra" authextra: Dict,
    }
    /// What a router says of itself, and who the session is.
    WelcomeDetails {
        /// Broker and dealer, with the features that work.
        "roles" roles: Roles,
        /// Its software and version.
        "agent" agent: ByteString,
        /// The realm joined.
        "realm" realm: Uri,
        /// Who the session is.
        "authid" authid: ByteString,
        /// What it may do.
        "authrole" authrole: ByteString,
        /// How it signed in.
        "authmethod" authmethod: ByteString,
        /// Who vouched for it.
        "authprovider" authprovider: ByteString,
        /// What its method of signing in needs beside.
        "authextra" authextra: Dict,
    }
    /// Why a session ends before its time.
    AbortDetails {
        /// For people.
        "message" message: ByteString,
    }
    /// Why a session ends.
    GoodbyeDetails {
        /// For people.
        "message" message: ByteString,
    }
    /// Details of a refused or failed request.
    ErrorDetails {} + {
        /// What the payload is, where it is no list.
        passthru: Passthru,
    }
    /// What a publisher asks of the broker.
    PublishOptions {
        /// Asks for PUBLISHED, or ERROR. Default: neither is sent.
        "acknowledge" acknowledge: bool,
        /// Whether the publisher gets no event of its own. Default: true.
        "exclude_me" exclude_me: bool,
        /// Asks that subscribers learn who published. Default: false.
        "disclose_me" disclose_me: bool,
        /// Asks that later subscribers get the event too. Default: false. Spec: ap#event-retention.
        "retain" retain: bool,
    } + {
        /// Who of the subscribers gets it.
        audience: Audience,
        /// What the payload is, where it is no list.
        passthru: Passthru,
        /// What is not handed on.
        links: Links,
    }
    /// How a subscription matches.
    SubscribeOptions {
        /// Default: exact.
        "match" match_policy: MatchPolicy,
        /// Asks for the topic's retained event. Default: false.
        "get_retained" get_retained: bool,
        /// The node key: of publications with a resource key, only this node's. Spec: ap#pubsub-sharded-subscription.
        "nkey" nkey: ByteString,
    } + {
        /// What is not handed on.
        links: Links,
    }
    /// What came with an event.
    EventDetails {
        /// The topic published to; always there where the subscription is by pattern.
        "topic" topic: Uri,
    } + {
        /// What else the broker says.
        origin: EventOrigin,
        /// What the payload is, where it is no list.
        passthru: Passthru,
        /// What other routers wrote.
        links: Links,
    }
    /// The subscription or registration that the router took back.
    RevocationDetails {
        /// The subscription, in UNSUBSCRIBED.
        "subscription" subscription: SubscriptionId,
        /// The registration, in UNREGISTERED.
        "registration" registration: RegistrationId,
        /// Why.
        "reason" reason: ByteString,
    }
    /// What a caller asks of the dealer.
    CallOptions {
        /// Asks for results as they come. Default: false. Spec: ap#rpc-progressive-call-results.
        "receive_progress" receive_progress: bool,
        /// Whether more CALLs of this request follow. Default: false. Spec: ap#rpc-progressive-call-invocations.
        "progress" progress: bool,
        /// Asks that the callee learns who called. Default: false.
        "disclose_me" disclose_me: bool,
    } + {
        /// How long it may take, and which callee gets it.
        terms: CallTerms,
        /// What the payload is, where it is no list.
        passthru: Passthru,
        /// What is not handed on.
        links: Links,
    }
    /// How a call is cancelled.
    CancelOptions {
        /// Default: killnowait, as Autobahn and nexus take it.
        "mode" mode: CancelMode,
    }
    /// How an invocation is interrupted.
    InterruptOptions {
        /// Whether an answer is waited for.
        "mode" mode: CancelMode,
    }
    /// Details of a result.
    ResultDetails {
        /// Whether more results follow.
        "progress" progress: bool,
    } + {
        /// What the payload is, where it is no list.
        passthru: Passthru,
    }
    /// How a registration matches, and how its callees share it.
    RegisterOptions {
        /// Default: exact.
        "match" match_policy: MatchPolicy,
        /// Default: single.
        "invoke" invoke: InvocationPolicy,
        /// How many calls this callee takes at once; 0 or absent is without limit. Crossbar.io's.
        "concurrency" concurrency: u64,
        /// Takes the procedure from whoever holds it. Default: false. Crossbar.io's.
        "force_reregister" force_reregister: bool,
        /// Asks to learn who calls. Default: false. Spec: ap#rpc-call-identification.
        "disclose_caller" disclose_caller: bool,
        /// Whether the callee watches the time limit of calls itself. Default: false. Spec: ap#rpc-call-timeout.
        "forward_timeout" forward_timeout: bool,
        /// The node key by which resource keys choose this callee. Default: its session's id.
        "nkey" nkey: ByteString,
    } + {
        /// What is not handed on.
        links: Links,
    }
    /// What came with an invocation.
    InvocationDetails {
        /// The procedure called, where the registration is by pattern.
        "procedure" procedure: Uri,
        /// Whether the caller takes results as they come.
        "receive_progress" receive_progress: bool,
        /// Whether more invocations of this request follow.
        "progress" progress: bool,
    } + {
        /// What else the dealer says.
        origin: CallOrigin,
        /// What the payload is, where it is no list.
        passthru: Passthru,
    }
    /// Options of a callee's answer.
    YieldOptions {
        /// Whether more results follow. Default: false.
        "progress" progress: bool,
    } + {
        /// What the payload is, where it is no list.
        passthru: Passthru,
    }
}

impl Passthru {
    /// Whether the specification's form of the mode is used, which must be announced.
    ///
    /// Spec: ap#payload-passthru-mode, `ppt_scheme`.
    #[must_use]
    pub fn is_used(passthru: Option<&Self>) -> bool {
        let scheme = passthru.and_then(|passthru| passthru.ppt_scheme.as_ref());
        scheme.is_some_and(|scheme| !scheme.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_are_left_out_and_known_ones_typed() {
        let dict = Dict::from_iter([("_mine", Value::from(1_u64)), ("acknowledge", true.into())]);
        let options = PublishOptions::from_dict(dict).unwrap();
        assert_eq!(
            options,
            PublishOptions {
                acknowledge: Some(true),
                ..PublishOptions::default()
            }
        );
        assert_eq!(options.to_dict(), Dict::from_iter([("acknowledge", true)]));
    }

    #[test]
    fn an_option_that_is_null_is_not_given() {
        let dict = Dict::from_iter([("acknowledge", Value::Null)]);
        assert_eq!(
            PublishOptions::from_dict(dict),
            Ok(PublishOptions::default())
        );
    }

    #[test]
    fn an_option_is_given_once() {
        let twice = [
            [
                ("acknowledge", Value::from(true)),
                ("acknowledge", true.into()),
            ],
            [("rkey", Value::from("x")), ("rkey", "x".into())],
        ];
        for dict in twice.map(Dict::from_iter) {
            let error = PublishOptions::from_dict(dict).unwrap_err();
            assert_eq!(error.expected, "given once");
        }
    }

    #[test]
    fn an_integer_is_no_boolean() {
        let dict = Dict::from_iter([("acknowledge", 1_u64)]);
        let error = PublishOptions::from_dict(dict).unwrap_err();
        assert_eq!(
            error.to_string(),
            "option \"acknowledge\" must be a boolean"
        );
    }
}
