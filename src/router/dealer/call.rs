//! Calls on their way: who asked, who answers, until when, and what is kept to ask somebody else.

use std::time::{Duration, Instant};

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;
use slab::Slab;

use super::registration::Offer;
use crate::protocol::{
    CallOptions, CallTerms, InvocationDetails, Passthru, Payload, RegistrationId, RequestId,
    SessionId, Uri,
};

/// The place of a call on its way. Used again once the call has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::router) struct CallKey(usize);

/// The calls of one realm on their way.
#[derive(Debug, Default)]
pub(in crate::router) struct Calls(Slab<Call>);

/// A call on its way. (The bare word is the WAMP message.)
#[derive(Debug)]
pub(super) struct Call {
    pub(super) caller: SessionId,
    pub(super) request: RequestId,
    pub(super) registration: RegistrationId,
    pub(super) place: Place,
    pub(super) progress: Progress,
    /// Whether the callee was asked to give up, and its answer is waited for.
    pub(super) is_killed: bool,
    /// Whether its callee watches the time limit, and the router does not.
    pub(super) is_watched: bool,
    /// For which offer it counts as running at its callee, if for any.
    pub(super) counts: Option<Offer>,
    /// When its next result is due, and how long after one the next is.
    pub(super) limit: Option<(Instant, Duration)>,
    pub(super) kept: Option<Box<Kept>>,
    /// Bytes of what is kept, as they are counted at its caller.
    pub(super) kept_bytes: usize,
}

/// Whether results are handed on as they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Caller or callee do not want that.
    Unwanted,
    /// They do; none has come.
    Wanted,
    /// Some came: then nobody else is asked any more.
    Begun,
}

/// Where a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// With a callee, as this invocation.
    Invoked(SessionId, RequestId),
    /// In its registration's queue, or on its way to a callee.
    Queued,
    /// With nobody any more: its callee has answered.
    Answered,
}

/// Callees of a registration, to be looked up among all of them.
pub(super) type Tried = IndexSet<SessionId, FxBuildHasher>;

/// What only calls need that wait, that may go to another callee, or that are made in parts.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) procedure: Uri,
    /// Of the first CALL: those of further ones do not count.
    /// Spec: ap#rpc-progressive-call-invocations, freezing of options.
    pub(super) options: CallOptions,
    /// The parts that have not gone to a callee, or that another may need.
    pub(super) parts: Vec<Part>,
    /// Callees that were asked before.
    pub(super) tried: Tried,
    /// Where the call is made in parts.
    pub(super) stream: Option<Stream>,
}

/// One CALL of a call.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// Whether more follow.
    pub(super) progress: bool,
    pub(super) payload: Payload,
}

/// A call made in parts. Spec: ap#rpc-progressive-call-invocations.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// Whether its last part has come.
    pub(super) is_complete: bool,
    /// How many parts were handed to the callee.
    pub(super) parts_sent: usize,
    /// What the first INVOCATION said, for the further ones.
    pub(super) details: InvocationDetails,
}

impl Call {
    /// A call that is with nobody yet.
    pub(super) const fn new(
        caller: SessionId,
        request: RequestId,
        registration: RegistrationId,
    ) -> Self {
        Self {
            caller,
            request,
            registration,
            place: Place::Queued,
            progress: Progress::Unwanted,
            is_killed: false,
            is_watched: false,
            counts: None,
            limit: None,
            kept: None,
            kept_bytes: 0,
        }
    }

    /// Notes what its callee is told that tells how it goes on.
    pub(super) fn note(&mut self, told: &InvocationDetails) {
        self.progress = match told.receive_progress {
            Some(true) => Progress::Wanted,
            Some(false) | None => Progress::Unwanted,
        };
        let origin = told.origin.as_ref();
        self.is_watched = origin.is_some_and(|origin| origin.timeout.is_some());
    }

    /// Whether it was made in parts and its caller may still send some.
    pub(super) fn expects_parts(&self) -> bool {
        self.stream().is_some_and(|stream| !stream.is_complete)
    }

    pub(super) fn stream(&self) -> Option<&Stream> {
        self.kept.as_ref()?.stream.as_ref()
    }

    /// Bytes of the parts that are kept.
    pub(super) fn parts_bytes(&self) -> usize {
        self.kept.as_ref().map_or(0, |kept| kept.parts_bytes())
    }
}

impl Part {
    /// Bytes that one of this payload takes: an empty one takes some as well.
    pub(super) fn bytes(payload: &Payload) -> usize {
        size_of::<Self>() + payload.len()
    }
}

impl Kept {
    fn parts_bytes(&self) -> usize {
        self.parts
            .iter()
            .map(|part| Part::bytes(&part.payload))
            .sum()
    }

    /// Bytes that it takes.
    pub(super) fn weight(&self) -> usize {
        self.procedure.as_str().len() + options_weight(&self.options) + self.parts_bytes()
    }
}

/// Bytes that a call's options take.
pub(super) fn options_weight(options: &CallOptions) -> usize {
    let (terms, passthru) = (options.terms.as_deref(), options.passthru.as_deref());
    terms.map_or(0, CallTerms::weight) + passthru.map_or(0, Passthru::weight)
}

impl Calls {
    pub(in crate::router) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn insert(&mut self, call: Call) -> CallKey {
        CallKey(self.0.insert(call))
    }

    pub(super) fn get(&self, key: CallKey) -> Option<&Call> {
        self.0.get(key.0)
    }

    pub(super) fn get_mut(&mut self, key: CallKey) -> Option<&mut Call> {
        self.0.get_mut(key.0)
    }

    pub(super) fn remove(&mut self, key: CallKey) -> Option<Call> {
        self.0.try_remove(key.0)
    }

    /// The keys of all of them.
    pub(super) fn keys(&self) -> Vec<CallKey> {
        self.0.iter().map(|(key, _)| CallKey(key)).collect()
    }
}
