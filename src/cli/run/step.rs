//! What a step does, and what is expected to come of it.

use std::time::Duration;

use crate::protocol::{Dict, Value};

/// Arguments, as they stand in a file: texts such as `$name` are captured values.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Arguments {
    pub(super) args: Vec<Value>,
    pub(super) kwargs: Dict,
}

/// A step.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) action: Action,
    /// The options of the request, by the specification's names.
    pub(super) options: Dict,
    pub(super) expected: Expected,
    pub(super) within: Duration,
}

/// What it does.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    /// Offers a procedure that always answers the same, or what it was given.
    Register {
        procedure: String,
        answer: Option<Arguments>,
    },
    Call {
        procedure: String,
        arguments: Arguments,
    },
    /// Hears a topic, from here on.
    Subscribe {
        topic: String,
    },
    Publish {
        topic: String,
        arguments: Arguments,
    },
    /// Takes the next event of a subscription.
    Event {
        topic: String,
    },
}

/// What is to come of it. An invocation, of what is registered; an event, of what is subscribed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Expected {
    /// Exactly this, as the command line would print it.
    pub(super) value: Option<Value>,
    /// Exactly these arguments.
    pub(super) arguments: Option<Arguments>,
    /// This, and whatever else.
    pub(super) part: Option<Value>,
    /// An ERROR with this URI.
    pub(super) error: Option<String>,
    /// Names for what came, each with the place of it as a JSON pointer; an empty one is all of it.
    pub(super) captures: Vec<(String, String)>,
}
