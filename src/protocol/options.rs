//! Options and details: decoded once into typed views, so that nobody looks up keys by text later.
//!
//! One table a message. A key that is absent is `None`; a key nobody here knows is left out, as the
//! specification asks; a known key with a value of the wrong type is an [`OptionError`], which breaks the
//! protocol (the specification's own vectors say so). Spec: bp#messages.

use bytestring::ByteString;

use super::feature::Roles;
use super::id::{RegistrationId, SubscriptionId};
use super::uri::{MatchPolicy, Uri};
use super::value::{Dict, Value};

/// A known option with a value that it cannot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("option \"{key}\" must be {expected}")]
pub struct OptionError {
    /// The option's key.
    pub key: &'static str,
    /// What its value must be, as in `a boolean`.
    pub expected: &'static str,
}

/// A typed view of one message's options or details.
pub(crate) trait Options: Sized {
    fn from_dict(dict: Dict) -> Result<Self, OptionError>;
    fn to_dict(&self) -> Dict;
}

/// Views that are large and rare are kept out of the way of small and frequent messages.
impl<O: Options> Options for Box<O> {
    fn from_dict(dict: Dict) -> Result<Self, OptionError> {
        O::from_dict(dict).map(Self::new)
    }

    fn to_dict(&self) -> Dict {
        O::to_dict(self)
    }
}

/// A type that an option's value can have.
trait OptionValue: Sized {
    const EXPECTED: &'static str;
    fn from_value(value: Value) -> Option<Self>;
    fn to_value(&self) -> Value;
}

macro_rules! options {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $key:literal $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: Option<$type>,)*
        }

        impl Options for $name {
            fn from_dict(dict: Dict) -> Result<Self, OptionError> {
                $(let mut $field = None;)*
                // leniency: wampy writes options that are not given as null.
                for (key, value) in dict.into_iter().filter(|(_, value)| *value != Value::Null) {
                    match &*key {
                        $($key => $field = Some(read($key, value)?),)*
                        _ => drop(value),
                    }
                }
                Ok(Self { $($field,)* })
            }

            fn to_dict(&self) -> Dict {
                dict_of([$(self.$field.as_ref().map(|value| ($key, value.to_value())),)*])
            }
        }
    )*};
}

fn read<T: OptionValue>(key: &'static str, value: Value) -> Result<T, OptionError> {
    T::from_value(value).ok_or(OptionError {
        key,
        expected: T::EXPECTED,
    })
}

fn dict_of<const N: usize>(entries: [Option<(&'static str, Value)>; N]) -> Dict {
    entries.into_iter().flatten().collect()
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
    ErrorDetails {}
    /// What a publisher asks of the broker.
    PublishOptions {
        /// Asks for PUBLISHED, or ERROR. Default: neither is sent.
        "acknowledge" acknowledge: bool,
        /// Whether the publisher gets no event of its own. Default: true.
        "exclude_me" exclude_me: bool,
    }
    /// How a subscription matches.
    SubscribeOptions {
        /// Default: exact.
        "match" match_policy: MatchPolicy,
    }
    /// What came with an event.
    EventDetails {
        /// The topic published to; always there where the subscription is by pattern.
        "topic" topic: Uri,
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
    CallOptions {}
    /// How a call is cancelled.
    CancelOptions {}
    /// How an invocation is interrupted.
    InterruptOptions {}
    /// Details of a result.
    ResultDetails {}
    /// How a registration matches, and how its callees share it.
    RegisterOptions {
        /// Default: exact.
        "match" match_policy: MatchPolicy,
        /// Default: single.
        "invoke" invoke: InvocationPolicy,
    }
    /// What came with an invocation.
    InvocationDetails {
        /// The procedure called, where the registration is by pattern.
        "procedure" procedure: Uri,
    }
    /// Options of a callee's answer.
    YieldOptions {}
}

/// Which callee of a registration gets a call. Spec: ap#rpc-shared-registration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InvocationPolicy {
    /// There is only one.
    #[default]
    Single,
    /// Each in turn.
    RoundRobin,
    /// Any.
    Random,
    /// The one that registered first.
    First,
    /// The one that registered last.
    Last,
}

impl InvocationPolicy {
    const ALL: [Self; 5] = [
        Self::Single,
        Self::RoundRobin,
        Self::Random,
        Self::First,
        Self::Last,
    ];

    /// The word in `Options.invoke`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::RoundRobin => "roundrobin",
            Self::Random => "random",
            Self::First => "first",
            Self::Last => "last",
        }
    }
}

impl OptionValue for bool {
    const EXPECTED: &'static str = "a boolean";

    fn from_value(value: Value) -> Option<Self> {
        let Value::Bool(value) = value else {
            return None;
        };
        Some(value)
    }

    fn to_value(&self) -> Value {
        Value::Bool(*self)
    }
}

impl OptionValue for ByteString {
    const EXPECTED: &'static str = "a text";

    fn from_value(value: Value) -> Option<Self> {
        let Value::Text(value) = value else {
            return None;
        };
        Some(value)
    }

    fn to_value(&self) -> Value {
        Value::Text(self.clone())
    }
}

impl OptionValue for Uri {
    const EXPECTED: &'static str = "a URI";

    fn from_value(value: Value) -> Option<Self> {
        ByteString::from_value(value).map(Self::new)
    }

    fn to_value(&self) -> Value {
        self.as_str().into()
    }
}

impl OptionValue for Vec<ByteString> {
    const EXPECTED: &'static str = "a list of texts";

    fn from_value(value: Value) -> Option<Self> {
        let Value::List(values) = value else {
            return None;
        };
        values.into_iter().map(ByteString::from_value).collect()
    }

    fn to_value(&self) -> Value {
        self.clone().into()
    }
}

impl OptionValue for Roles {
    const EXPECTED: &'static str = "a dict of roles, each with a dict of features";

    fn from_value(value: Value) -> Option<Self> {
        let Value::Dict(roles) = value else {
            return None;
        };
        Self::from_dict(&roles)
    }

    fn to_value(&self) -> Value {
        self.to_dict().into()
    }
}

impl OptionValue for MatchPolicy {
    const EXPECTED: &'static str = "\"exact\", \"prefix\" or \"wildcard\"";

    fn from_value(value: Value) -> Option<Self> {
        named(&value, Self::ALL, Self::name)
    }

    fn to_value(&self) -> Value {
        self.name().into()
    }
}

impl OptionValue for InvocationPolicy {
    const EXPECTED: &'static str = "\"single\", \"roundrobin\", \"random\", \"first\" or \"last\"";

    fn from_value(value: Value) -> Option<Self> {
        named(&value, Self::ALL, Self::name)
    }

    fn to_value(&self) -> Value {
        self.name().into()
    }
}

/// The one of a closed set that a text names.
fn named<T: Copy, const N: usize>(
    value: &Value,
    all: [T; N],
    name: impl Fn(T) -> &'static str,
) -> Option<T> {
    let Value::Text(text) = value else {
        return None;
    };
    all.into_iter().find(|&one| text == name(one))
}

impl OptionValue for SubscriptionId {
    const EXPECTED: &'static str = "an id";

    fn from_value(value: Value) -> Option<Self> {
        Self::new(id_from(&value)?).ok()
    }

    fn to_value(&self) -> Value {
        self.value().into()
    }
}

impl OptionValue for RegistrationId {
    const EXPECTED: &'static str = "an id";

    fn from_value(value: Value) -> Option<Self> {
        Self::new(id_from(&value)?).ok()
    }

    fn to_value(&self) -> Value {
        self.value().into()
    }
}

fn id_from(value: &Value) -> Option<u64> {
    let Value::Integer(id) = value else {
        return None;
    };
    u64::try_from(*id).ok()
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
                exclude_me: None
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
    fn an_integer_is_no_boolean() {
        let dict = Dict::from_iter([("acknowledge", 1_u64)]);
        let error = PublishOptions::from_dict(dict).unwrap_err();
        assert_eq!(
            error.to_string(),
            "option \"acknowledge\" must be a boolean"
        );
    }
}
