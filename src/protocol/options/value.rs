//! The types that an option's value can have, and their words on the wire.

use bytestring::ByteString;

use super::OptionError;
use crate::protocol::{
    Dict, MatchPolicy, RegistrationId, Roles, SessionId, SubscriptionId, Uri, Value,
};

/// A type that an option's value can have.
pub(super) trait OptionValue: Sized {
    const EXPECTED: &'static str;
    fn from_value(value: Value) -> Option<Self>;
    fn to_value(&self) -> Value;
    /// A copy that does not hold on to the memory of the frame it came in.
    fn detached(&self) -> Self;
    /// Bytes that it takes of memory beyond its own size.
    fn weight(&self) -> usize {
        0
    }
}

/// Reads an option into its place. spec(bp#messages): the keys of a dict are unique.
pub(super) fn read<T: OptionValue>(
    place: &mut Option<T>,
    key: &'static str,
    value: Value,
) -> Result<(), OptionError> {
    let wrong = |expected| OptionError { key, expected };
    if place.is_some() {
        return Err(wrong("given once"));
    }
    let read = T::from_value(value).ok_or_else(|| wrong(T::EXPECTED))?;
    *place = Some(read);
    Ok(())
}

/// A type of which each value is one word on the wire.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident = $expected:literal { $($(#[$variant_doc:meta])* $word:literal $variant:ident,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// Every one, the default first.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The word on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl OptionValue for $name {
            const EXPECTED: &'static str = $expected;

            fn from_value(value: Value) -> Option<Self> {
                named(&value, Self::ALL, Self::name)
            }

            fn to_value(&self) -> Value {
                self.name().into()
            }

            fn detached(&self) -> Self {
                *self
            }
        }
    )*};
}

words! {
    /// Which callee of a registration gets a call. Spec: ap#rpc-shared-registration.
    InvocationPolicy = "\"single\", \"roundrobin\", \"random\", \"first\" or \"last\"" {
        /// There is only one.
        #[default]
        "single" Single,
        /// Each in turn.
        "roundrobin" RoundRobin,
        /// Any.
        "random" Random,
        /// The one that registered first.
        "first" First,
        /// The one that registered last.
        "last" Last,
    }
    /// What becomes of a call that is cancelled. Spec: ap#rpc-call-canceling.
    CancelMode = "\"skip\", \"kill\" or \"killnowait\"" {
        /// The caller gets its ERROR at once, the callee an INTERRUPT.
        #[default]
        "killnowait" KillNoWait,
        /// The callee gets an INTERRUPT, the caller what the callee then answers.
        "kill" Kill,
        /// The caller gets its ERROR at once, the callee is not told.
        "skip" Skip,
    }
    /// Which callees of a sharded registration a call goes to. Spec: ap#rpc-sharded-registration.
    RunMode = "\"partition\" or \"all\"" {
        /// The one that owns the resource key.
        #[default]
        "partition" Partition,
        /// All of them; the specification does not say what that means.
        "all" All,
    }
}

/// A text out of a closed list, or one of somebody's own that begins with `x_`.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident = $expected:literal [$($word:literal),*];)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(ByteString);

        impl OptionValue for $name {
            const EXPECTED: &'static str = $expected;

            fn from_value(value: Value) -> Option<Self> {
                let text = ByteString::from_value(value)?;
                let is_known = [$($word),*].contains(&&*text) || text.starts_with("x_");
                is_known.then_some(Self(text))
            }

            fn to_value(&self) -> Value {
                Value::Text(self.0.clone())
            }

            fn detached(&self) -> Self {
                Self(self.0.detached())
            }

            fn weight(&self) -> usize {
                self.0.weight()
            }
        }
    )*};
}

texts! {
    /// How Autobahn encrypts a payload.
    EncAlgo = "\"cryptobox\", \"mqtt\", \"xbr\", \"null\" or begin with \"x_\"" ["cryptobox", "mqtt", "xbr", "null"];
    /// How Autobahn encodes a payload that it encrypts.
    EncSerializer = "a serializer's name, \"opaque\", \"null\" or begin with \"x_\""
        ["json", "msgpack", "cbor", "ubjson", "flatbuffers", "opaque", "null"];
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

    fn detached(&self) -> Self {
        *self
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

    fn detached(&self) -> Self {
        Self::from(&**self)
    }

    fn weight(&self) -> usize {
        self.len()
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

    fn detached(&self) -> Self {
        Self::detached(self)
    }
}

impl OptionValue for Dict {
    const EXPECTED: &'static str = "a dict";

    fn from_value(value: Value) -> Option<Self> {
        let Value::Dict(value) = value else {
            return None;
        };
        Some(value)
    }

    fn to_value(&self) -> Value {
        Value::Dict(self.clone())
    }

    fn detached(&self) -> Self {
        // No group holds a dict that is kept.
        self.clone()
    }
}

/// Lists of one type.
macro_rules! lists {
    ($($item:ty: $expected:literal,)*) => {$(
        impl OptionValue for Vec<$item> {
            const EXPECTED: &'static str = $expected;

            fn from_value(value: Value) -> Option<Self> {
                let Value::List(values) = value else {
                    return None;
                };
                values.into_iter().map(<$item>::from_value).collect()
            }

            fn to_value(&self) -> Value {
                Value::List(self.iter().map(OptionValue::to_value).collect())
            }

            fn detached(&self) -> Self {
                self.iter().map(OptionValue::detached).collect()
            }

            fn weight(&self) -> usize {
                let items: usize = self.iter().map(OptionValue::weight).sum();
                size_of_val(self.as_slice()) + items
            }
        }
    )*};
}

lists! {
    ByteString: "a list of texts",
    SessionId: "a list of session ids",
    Dict: "a list of dicts",
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

    fn detached(&self) -> Self {
        *self
    }
}

impl OptionValue for MatchPolicy {
    const EXPECTED: &'static str = "\"exact\", \"prefix\" or \"wildcard\"";

    fn from_value(value: Value) -> Option<Self> {
        named(&value, &Self::ALL, Self::name)
    }

    fn to_value(&self) -> Value {
        self.name().into()
    }

    fn detached(&self) -> Self {
        *self
    }
}

/// The one of a closed set that a text names.
fn named<T: Copy>(value: &Value, all: &[T], name: impl Fn(T) -> &'static str) -> Option<T> {
    let Value::Text(text) = value else {
        return None;
    };
    all.iter().copied().find(|&one| text == name(one))
}

impl OptionValue for u64 {
    const EXPECTED: &'static str = "a whole number that is not negative";

    fn from_value(value: Value) -> Option<Self> {
        value.whole_number()?.try_into().ok()
    }

    fn to_value(&self) -> Value {
        (*self).into()
    }

    fn detached(&self) -> Self {
        *self
    }
}

macro_rules! ids {
    ($($name:ident)*) => {$(
        impl OptionValue for $name {
            const EXPECTED: &'static str = "an id";

            fn from_value(value: Value) -> Option<Self> {
                Self::new(u64::from_value(value)?).ok()
            }

            fn to_value(&self) -> Value {
                self.value().into()
            }

            fn detached(&self) -> Self {
                *self
            }
        }
    )*};
}

ids! { SessionId SubscriptionId RegistrationId }
