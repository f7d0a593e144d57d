//! Registrations: procedures, who offers them, and who waits for a callee to be free.
//!
//! Spec: ap#rpc-pattern-reg, ap#rpc-shared-registration.

use std::collections::VecDeque;

use bytestring::ByteString;
use indexmap::IndexMap;
use jiff::Timestamp;
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::call::CallKey;
use crate::protocol::{InvocationPolicy, MatchPolicy, RegisterOptions, RegistrationId, SessionId};
use crate::router::pattern::{PatternIndex, Shape};

/// The registrations of one realm.
#[derive(Debug)]
pub(in crate::router) struct Registrations {
    index: PatternIndex<Registration>,
    /// registration -> its place in the index.
    places: FxHashMap<RegistrationId, (MatchPolicy, Box<str>)>,
    next: RegistrationId,
}

/// A procedure, or a pattern of them. All who offer it under one policy share its id.
#[derive(Debug)]
pub(in crate::router) struct Registration {
    pub(in crate::router) id: RegistrationId,
    pub(in crate::router) policy: MatchPolicy,
    pub(in crate::router) invoke: InvocationPolicy,
    pub(in crate::router) created: Timestamp,
    /// Who offers it, in the order of their REGISTERs.
    pub(in crate::router) callees: IndexMap<SessionId, Callee, FxBuildHasher>,
    /// Where `roundrobin` goes on.
    pub(super) cursor: usize,
    /// Calls that wait until a callee is free.
    pub(super) queue: VecDeque<CallKey>,
    /// Payload bytes of these.
    pub(super) queue_bytes: usize,
}

/// What a callee asked for when it registered, and how busy it is.
#[derive(Debug)]
pub(in crate::router) struct Callee {
    /// How many calls it takes at once.
    pub(super) concurrency: Option<u64>,
    /// How many it has; counted only where there is a limit.
    pub(super) running: u64,
    pub(super) disclose_caller: bool,
    pub(super) forward_timeout: bool,
    pub(super) node_key: Option<ByteString>,
}

impl Callee {
    pub(super) fn new(options: &RegisterOptions) -> Self {
        Self {
            concurrency: options.concurrency.filter(|&limit| limit > 0),
            running: 0,
            disclose_caller: options.disclose_caller == Some(true),
            forward_timeout: options.forward_timeout == Some(true),
            node_key: options.nkey.clone(),
        }
    }

    pub(super) fn is_busy(&self) -> bool {
        self.concurrency.is_some_and(|limit| self.running >= limit)
    }
}

impl Registration {
    /// Takes a callee out; whoever is next in turn stays so.
    fn remove_callee(&mut self, session: SessionId) -> bool {
        let Some((at, ..)) = self.callees.shift_remove_full(&session) else {
            return false;
        };
        self.cursor -= usize::from(at < self.cursor);
        true
    }
}

impl Registrations {
    pub(super) fn new() -> Self {
        Self {
            index: PatternIndex::new(),
            places: FxHashMap::default(),
            next: RegistrationId::FIRST,
        }
    }

    pub(in crate::router) fn len(&self) -> usize {
        debug_assert_eq!(self.places.len(), self.index.len());
        self.places.len()
    }

    /// The registration of this very pattern.
    pub(in crate::router) fn at(
        &self,
        policy: MatchPolicy,
        procedure: &str,
    ) -> Option<&Registration> {
        self.index.get(policy, procedure)
    }

    pub(super) fn at_mut(
        &mut self,
        policy: MatchPolicy,
        procedure: &str,
    ) -> Option<&mut Registration> {
        self.index.get_mut(policy, procedure)
    }

    /// The registration that a call of a procedure goes to.
    pub(in crate::router) fn best_match(&self, procedure: &str) -> Option<&Registration> {
        self.index.best_match(procedure)
    }

    pub(in crate::router) fn get(&self, id: RegistrationId) -> Option<&Registration> {
        let (policy, procedure) = self.places.get(&id)?;
        self.index.get(*policy, procedure)
    }

    pub(super) fn get_mut(&mut self, id: RegistrationId) -> Option<&mut Registration> {
        let (policy, procedure) = self.places.get(&id)?;
        self.index.get_mut(*policy, procedure)
    }

    /// The pattern of a registration.
    pub(in crate::router) fn pattern(&self, id: RegistrationId) -> Option<(MatchPolicy, &str)> {
        let (policy, procedure) = self.places.get(&id)?;
        Some((*policy, procedure))
    }

    /// Every registration, in the order of the ids. Cost: O(n log n).
    pub(in crate::router) fn all(&self) -> Vec<(RegistrationId, MatchPolicy, &str)> {
        let places = self.places.iter();
        let mut all: Vec<_> = places
            .map(|(&id, (policy, procedure))| (id, *policy, &**procedure))
            .collect();
        all.sort_unstable();
        all
    }

    /// Whether one more wildcard of this shape makes another shape.
    pub(super) fn has_shape(&self, shape: Shape) -> bool {
        self.index.has_shape(shape)
    }

    pub(super) fn shapes(&self) -> usize {
        self.index.shapes()
    }

    /// Makes a registration that nobody offers yet.
    pub(super) fn create(
        &mut self,
        policy: MatchPolicy,
        procedure: &str,
        invoke: InvocationPolicy,
        created: Timestamp,
    ) -> RegistrationId {
        let id = self.next;
        self.next = id.next();
        let registration = Registration {
            id,
            policy,
            invoke,
            created,
            callees: IndexMap::default(),
            cursor: 0,
            queue: VecDeque::new(),
            queue_bytes: 0,
        };
        self.index.insert(policy, procedure, registration);
        self.places.insert(id, (policy, procedure.into()));
        id
    }

    /// Takes a callee out, and the registration with its last one: then its queue is handed back.
    pub(super) fn remove_callee(
        &mut self,
        id: RegistrationId,
        session: SessionId,
    ) -> Option<Removed> {
        let registration = self.get_mut(id)?;
        if !registration.remove_callee(session) {
            return None;
        }
        if !registration.callees.is_empty() {
            return Some(Removed::Callee);
        }
        let (policy, procedure) = self.places.remove(&id)?;
        let registration = self.index.remove(policy, &procedure)?;
        Some(Removed::Registration(registration.queue))
    }
}

/// What went with a callee.
#[derive(Debug)]
pub(super) enum Removed {
    /// Itself; others offer the procedure too.
    Callee,
    /// The registration; these calls waited.
    Registration(VecDeque<CallKey>),
}
