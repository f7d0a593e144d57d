//! Registrations: procedures, who offers them, and who waits for a callee to be free.
//!
//! Spec: ap#rpc-pattern-reg, ap#rpc-shared-registration.

use std::collections::VecDeque;

use indexmap::IndexMap;
use jiff::Timestamp;
use rustc_hash::{FxBuildHasher, FxHashMap};
use slab::Slab;

use super::call::CallKey;
use crate::protocol::{InvocationPolicy, MatchPolicy, RegisterOptions, RegistrationId, SessionId};
use crate::router::pattern::{PatternIndex, Shape};
use crate::router::shard::Node;

/// The registrations of one realm.
#[derive(Debug)]
pub(in crate::router) struct Registrations {
    held: Slab<Registration>,
    /// pattern -> its registration's place.
    index: PatternIndex<usize>,
    /// registration -> its place.
    places: FxHashMap<RegistrationId, usize>,
    next: RegistrationId,
    /// How many offers there were.
    offers: u64,
}

/// A procedure, or a pattern of them. All who offer it under one policy share its id.
#[derive(Debug)]
pub(in crate::router) struct Registration {
    pub(in crate::router) id: RegistrationId,
    pub(in crate::router) policy: MatchPolicy,
    pub(in crate::router) procedure: Box<str>,
    pub(in crate::router) invoke: InvocationPolicy,
    pub(in crate::router) created: Timestamp,
    /// Who offers it, in the order of their REGISTERs.
    pub(in crate::router) callees: IndexMap<SessionId, Callee, FxBuildHasher>,
    /// Where `roundrobin` goes on.
    pub(super) cursor: usize,
    /// Calls that wait until a callee is free.
    pub(super) queue: VecDeque<CallKey>,
    /// Bytes of these.
    pub(super) queue_bytes: usize,
    /// What is known of them.
    pub(super) look: Look,
}

/// How far a queue has been looked at for calls that need not wait any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// To its end: none can go until somebody is free again.
    Done,
    /// As far as was not too much work for once.
    Partial,
    /// Up to here; it is to be gone on with.
    Due(usize),
}

/// One REGISTER that was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::router) struct Offer(u64);

/// What a callee asked for when it registered, and how busy it is.
#[derive(Debug)]
pub(in crate::router) struct Callee {
    /// Tells this offer from an earlier one of the same callee.
    pub(super) offer: Offer,
    /// How many calls it takes at once.
    pub(super) concurrency: Option<u64>,
    /// How many it has; counted only where there is a limit.
    pub(super) running: u64,
    pub(super) disclose_caller: bool,
    pub(super) forward_timeout: bool,
    /// As which it owns resource keys.
    pub(super) node: Node,
}

impl Callee {
    fn new(session: SessionId, options: &RegisterOptions, offer: Offer) -> Self {
        let key = options.nkey.as_deref();
        Self {
            offer,
            concurrency: options.concurrency.filter(|&limit| limit > 0),
            running: 0,
            disclose_caller: options.disclose_caller == Some(true),
            forward_timeout: options.forward_timeout == Some(true),
            node: key.map_or_else(|| Node::of_session(session), Node::named),
        }
    }

    pub(super) fn is_busy(&self) -> bool {
        self.concurrency.is_some_and(|limit| self.running >= limit)
    }
}

impl Registration {
    /// Whether this callee asked to learn who calls.
    pub(in crate::router) fn discloses_to(&self, callee: SessionId) -> bool {
        self.callees
            .get(&callee)
            .is_some_and(|it| it.disclose_caller)
    }

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
            held: Slab::new(),
            index: PatternIndex::new(),
            places: FxHashMap::default(),
            next: RegistrationId::FIRST,
            offers: 0,
        }
    }

    pub(in crate::router) fn len(&self) -> usize {
        debug_assert_eq!(self.held.len(), self.index.len());
        self.held.len()
    }

    /// The registration of this very pattern.
    pub(in crate::router) fn at(
        &self,
        policy: MatchPolicy,
        procedure: &str,
    ) -> Option<&Registration> {
        self.held.get(*self.index.get(policy, procedure)?)
    }

    /// The registration that a call of a procedure goes to.
    pub(in crate::router) fn best_match(&self, procedure: &str) -> Option<&Registration> {
        self.held.get(*self.index.best_match(procedure)?)
    }

    pub(in crate::router) fn get(&self, id: RegistrationId) -> Option<&Registration> {
        self.held.get(*self.places.get(&id)?)
    }

    pub(super) fn get_mut(&mut self, id: RegistrationId) -> Option<&mut Registration> {
        self.held.get_mut(*self.places.get(&id)?)
    }

    /// Every registration, in the order of the ids. Cost: O(n log n).
    pub(in crate::router) fn all(&self) -> Vec<&Registration> {
        let mut all: Vec<_> = self.held.iter().map(|(_, held)| held).collect();
        all.sort_unstable_by_key(|held| held.id);
        all
    }

    /// Every procedure, and every pattern of them, in no order that means anything.
    pub(in crate::router) fn procedures(&self) -> impl Iterator<Item = &str> {
        self.held.iter().map(|(_, held)| &*held.procedure)
    }

    /// Whether a wildcard of this shape is there: one more then adds none to `shapes`.
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
            procedure: procedure.into(),
            invoke,
            created,
            callees: IndexMap::default(),
            cursor: 0,
            queue: VecDeque::new(),
            queue_bytes: 0,
            look: Look::Done,
        };
        let place = self.held.insert(registration);
        self.index.insert(policy, procedure, place);
        self.places.insert(id, place);
        id
    }

    /// Adds a callee to a registration that is there.
    pub(super) fn add_callee(
        &mut self,
        id: RegistrationId,
        session: SessionId,
        options: &RegisterOptions,
    ) {
        self.offers += 1;
        let callee = Callee::new(session, options, Offer(self.offers));
        if let Some(held) = self.get_mut(id) {
            held.callees.insert(session, callee);
        }
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
        let place = self.places.remove(&id)?;
        let registration = self.held.try_remove(place)?;
        self.index
            .remove(registration.policy, &registration.procedure);
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
