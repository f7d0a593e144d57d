//! A call of a meta procedure, its arguments taken apart, and the answer to it.

use std::time::Instant;

use bytestring::ByteString;

use crate::protocol::message::Call;
use crate::protocol::{
    Dict, Options, Passthru, Payload, RegistrationId, SessionId, SubscriptionId, Uri, Value, uris,
};
use crate::router::context::Refusal;
use crate::serializer::Serializer;

/// A call of a meta procedure.
#[derive(Debug)]
pub(in crate::router) struct Request {
    pub(super) now: Instant,
    pub(super) caller: SessionId,
    pub(super) procedure: Uri,
    args: Vec<Value>,
    kwargs: Dict,
    serializer: Serializer,
}

/// What a meta procedure answers.
#[derive(Debug, Default)]
pub(in crate::router) struct Reply {
    args: Vec<Value>,
    kwargs: Dict,
}

impl Reply {
    /// One value.
    pub(super) fn value(value: impl Into<Value>) -> Self {
        Self {
            args: vec![value.into()],
            kwargs: Dict::new(),
        }
    }

    /// One value, and something said of it.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.kwargs.push(name, value);
        self
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident: $type:ident, $what:literal;)*) => {$(
        $(#[$doc])*
        pub(super) fn $name(&self, at: usize) -> Result<$type, Refusal> {
            let number = self.argument(at).and_then(Value::whole_number);
            let number = number.and_then(|number| u64::try_from(number).ok());
            number
                .and_then(|number| $type::new(number).ok())
                .ok_or_else(|| wrong(at, concat!("the id of a ", $what)))
        }
    )*};
}

impl Request {
    /// Takes a call's arguments apart. Cost: O(payload).
    pub(in crate::router) fn new(
        now: Instant,
        caller: SessionId,
        call: &Call,
    ) -> Result<Self, Refusal> {
        let is_in_parts = call.options.progress == Some(true);
        if is_in_parts || Passthru::is_used(call.options.passthru.as_deref()) {
            // spec(ap#rpc-progressive-call-invocations, ap#payload-passthru-mode): a callee that has neither; it is us.
            let text = "the router's own procedures take no calls in parts and no opaque payload";
            return Err(Refusal::new(uris::FEATURE_NOT_SUPPORTED, text.into()));
        }
        let opaque = |error| Refusal::argument(format!("the arguments are no list: {error}"));
        Ok(Self {
            now,
            caller,
            procedure: call.procedure.clone(),
            args: call.payload.args().map_err(opaque)?,
            kwargs: call.payload.kwargs().map_err(opaque)?,
            serializer: call.payload.serializer(),
        })
    }

    /// The answer, in bytes that the caller's serializer most likely has as well.
    pub(in crate::router) fn encode(&self, reply: &Reply) -> Payload {
        Payload::from_values(self.serializer, &reply.args, &reply.kwargs)
    }

    /// Encodes values to be kept.
    pub(super) fn keep(&self, args: &[Value], kwargs: &Dict) -> Payload {
        Payload::from_values(self.serializer, args, kwargs)
    }

    /// A positional argument; one that is null is not given.
    pub(super) fn argument(&self, at: usize) -> Option<&Value> {
        self.args.get(at).filter(|value| **value != Value::Null)
    }

    /// A keyword argument; one that is null is not given.
    pub(super) fn keyword(&self, name: &str) -> Option<&Value> {
        self.kwargs.get(name).filter(|value| **value != Value::Null)
    }

    ids! {
        /// A session.
        session: SessionId, "session";
        /// A registration.
        registration: RegistrationId, "registration";
        /// A subscription.
        subscription: SubscriptionId, "subscription";
    }

    pub(super) fn text(&self, at: usize) -> Result<&ByteString, Refusal> {
        match self.argument(at) {
            Some(Value::Text(text)) => Ok(text),
            _ => Err(wrong(at, "a text")),
        }
    }

    pub(super) fn uri(&self, at: usize) -> Result<Uri, Refusal> {
        self.text(at)
            .map(|text| Uri::new(text.clone()))
            .map_err(|_| wrong(at, "a URI"))
    }

    /// A list of texts, if it is given.
    pub(super) fn texts(&self, at: usize) -> Result<Option<Vec<&ByteString>>, Refusal> {
        let expected = || wrong(at, "a list of texts");
        match self.argument(at) {
            None => Ok(None),
            Some(Value::List(values)) => {
                let texts: Option<Vec<_>> = values.iter().map(Value::as_text).collect();
                texts.map(Some).ok_or_else(expected)
            }
            Some(_) => Err(expected()),
        }
    }

    /// The options of a message, if they are given.
    pub(super) fn options<O: Options + Default>(&self, at: usize) -> Result<O, Refusal> {
        match self.argument(at) {
            None => Ok(O::default()),
            Some(Value::Dict(options)) => options_from(options.clone()),
            Some(_) => Err(wrong(at, "a dict")),
        }
    }

    /// A keyword argument that is a text, if it is given.
    pub(super) fn keyword_text(&self, name: &str) -> Result<Option<&ByteString>, Refusal> {
        match self.keyword(name) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(wrong_keyword(name, "a text")),
        }
    }

    /// A keyword argument that is a boolean; false where it is not given.
    pub(super) fn keyword_flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.keyword(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(wrong_keyword(name, "a boolean")),
        }
    }

    /// A keyword argument that is a whole number above 0, if it is given.
    pub(super) fn keyword_number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let Some(value) = self.keyword(name) else {
            return Ok(None);
        };
        let number = value.whole_number().and_then(|it| u64::try_from(it).ok());
        let number = number.filter(|&number| number > 0);
        number
            .map(Some)
            .ok_or_else(|| wrong_keyword(name, "a whole number above 0"))
    }
}

/// Reads the options of a message that stand among arguments.
pub(super) fn options_from<O: Options>(options: Dict) -> Result<O, Refusal> {
    O::from_dict(options).map_err(|error| Refusal::argument(error.to_string()))
}

pub(super) fn wrong(at: usize, expected: &str) -> Refusal {
    Refusal::argument(format!("argument {} must be {expected}", at + 1))
}

pub(super) fn wrong_keyword(name: &str, expected: &str) -> Refusal {
    Refusal::argument(format!("keyword argument {name:?} must be {expected}"))
}
