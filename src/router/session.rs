//! One session: who it is, what it holds, and which request comes next.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use rustc_hash::FxBuildHasher;

use super::asking::{Said, Undecided, Verdicts};
use super::authorizer::Rights;
use super::dealer::{CallKey, Offer};
use super::identity::{Identity, Transport};
use super::limits::Limits;
use super::meta::Testaments;
use super::pattern::Shape;
use super::remembered::{Memory, Remembered};
use super::settings::RequestIds;
use super::violation::Violation;
use crate::protocol::{
    Feature, MatchPolicy, Message, RegistrationId, RequestId, Role, Roles, SubscriptionId, Uri,
};

/// A joined session.
///
/// Maps keep an order of their own, so that walking them does not depend on hashing: one seed, one run.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) identity: Identity,
    pub(super) limits: Arc<Limits>,
    /// What its role may do.
    pub(super) rights: Arc<Rights>,
    /// What its client announced.
    roles: Roles,
    pub(super) transport: Transport,
    request_next: RequestId,
    invocation_next: RequestId,
    pub(super) subscriptions: IndexSet<SubscriptionId, FxBuildHasher>,
    pub(super) registrations: IndexSet<RegistrationId, FxBuildHasher>,
    /// As a caller: request -> its call.
    pub(super) calls: IndexMap<RequestId, CallKey, FxBuildHasher>,
    /// As a callee: invocation -> the call that waits for its answer.
    pub(super) invocations: IndexMap<RequestId, CallKey, FxBuildHasher>,
    rare: Option<Box<Rare>>,
}

/// What few sessions have.
#[derive(Debug, Default)]
pub(super) struct Rare {
    /// As a callee: invocations that nobody waits for, each with the registration that it keeps busy, if one does.
    pub(super) late: Remembered<Option<(RegistrationId, Offer)>>,
    /// As a caller: calls that it made in parts, and that ended before it had sent the last.
    pub(super) ended: Remembered<()>,
    /// As a caller: payload bytes that are kept for another callee.
    pub(super) kept_bytes: usize,
    /// As a callee: registrations with calls that wait until it has answered one.
    pub(super) awaited: IndexSet<RegistrationId, FxBuildHasher>,
    /// Shapes of its wildcards, and how many it has of each.
    pub(super) shapes: IndexMap<Shape, usize, FxBuildHasher>,
    pub(super) testaments: Testaments,
    /// How many publications were refused that had asked for no answer, and why the last was.
    pub(super) publishes_dropped: Option<(u64, Uri)>,
    /// What waits for an authorizer.
    pub(super) undecided: Option<Box<Undecided>>,
    /// What an authorizer has said of the message at hand.
    pub(super) said: Vec<Said>,
    /// What authorizers have said, and still holds.
    pub(super) verdicts: Verdicts,
}

/// What a request's id says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestOrder {
    /// It is a new one.
    New,
    /// It was there before, so it may only continue a call.
    Earlier,
}

impl Session {
    pub(super) fn new(
        identity: Identity,
        rights: Arc<Rights>,
        limits: Arc<Limits>,
        roles: Roles,
        transport: Transport,
    ) -> Self {
        Self {
            identity,
            limits,
            rights,
            roles,
            transport,
            request_next: RequestId::FIRST,
            invocation_next: RequestId::FIRST,
            subscriptions: IndexSet::default(),
            registrations: IndexSet::default(),
            calls: IndexMap::default(),
            invocations: IndexMap::default(),
            rare: None,
        }
    }

    /// Whether its client announced a feature for a role.
    pub(super) fn announces(&self, role: Role, feature: Feature) -> bool {
        self.roles.has(role, feature)
    }

    /// What is rare, if it has any of it.
    pub(super) fn rare(&self) -> Option<&Rare> {
        self.rare.as_deref()
    }

    /// What is rare, to be filled.
    pub(super) fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Takes out what waits for an authorizer.
    pub(super) fn take_undecided(&mut self) -> Option<Box<Undecided>> {
        self.rare.as_mut()?.undecided.take()
    }

    /// Takes out what is to be published when the session ends.
    pub(super) fn take_testaments(&mut self) -> Testaments {
        let rare = self.rare.as_mut();
        rare.map(|rare| std::mem::take(&mut rare.testaments))
            .unwrap_or_default()
    }

    /// Counts a refused PUBLISH that had asked for no answer.
    pub(super) fn count_dropped_publish(&mut self, why: Uri) {
        let dropped = &mut self.rare_mut().publishes_dropped;
        let count = dropped.take().map_or(0, |(count, _)| count);
        *dropped = Some((count + 1, why));
    }

    /// Takes out which registrations have calls that wait until it has answered one.
    pub(super) fn take_awaited(&mut self) -> IndexSet<RegistrationId, FxBuildHasher> {
        let rare = self.rare.as_mut();
        let rare = rare.filter(|rare| !rare.awaited.is_empty());
        rare.map(|rare| std::mem::take(&mut rare.awaited))
            .unwrap_or_default()
    }

    /// Forgets a registration that it no longer offers.
    pub(super) fn forget_awaited(&mut self, registration: RegistrationId) {
        if let Some(rare) = &mut self.rare {
            rare.awaited.swap_remove(&registration);
        }
    }

    /// Takes the id of a message that is a request.
    pub(super) fn take(
        &mut self,
        message: &Message,
        rule: RequestIds,
    ) -> Result<RequestOrder, Violation> {
        match message.request() {
            Some(request) if matches!(message, Message::Call(_)) => self.take_call(request, rule),
            Some(request) => self.take_request(request, rule),
            None => Ok(RequestOrder::New),
        }
    }

    /// Takes the id of a request. Spec: bp#ids, session scope: the first is 1, each the one before plus 1.
    fn take_request(
        &mut self,
        got: RequestId,
        rule: RequestIds,
    ) -> Result<RequestOrder, Violation> {
        let expected = self.request_next;
        if got != expected && rule == RequestIds::Strict {
            return Err(Violation::RequestOutOfOrder { expected, got });
        }
        self.request_next = expected.max(got).next();
        Ok(RequestOrder::New)
    }

    /// Takes the id of a CALL, which may be an earlier one. Spec: ap#rpc-progressive-call-invocations, the watermark.
    fn take_call(&mut self, got: RequestId, rule: RequestIds) -> Result<RequestOrder, Violation> {
        let is_earlier = got < self.request_next
            && match rule {
                RequestIds::Strict => true,
                RequestIds::Lenient => self.calls.contains_key(&got) || self.has_ended(got),
            };
        if is_earlier {
            return Ok(RequestOrder::Earlier);
        }
        self.take_request(got, rule)
    }

    /// Whether a call made in parts has ended under this id before its last part came.
    fn has_ended(&self, request: RequestId) -> bool {
        let rare = self.rare.as_ref();
        rare.is_some_and(|rare| rare.ended.recall(request) == Memory::Ended(()))
    }

    /// Counts a wildcard that the session subscribed to, or registered; nothing for other patterns.
    pub(super) fn hold_shape(&mut self, policy: MatchPolicy, pattern: &str) {
        if policy == MatchPolicy::Wildcard {
            *self
                .rare_mut()
                .shapes
                .entry(Shape::of(pattern))
                .or_default() += 1;
        }
    }

    /// Counts such a wildcard no more.
    pub(super) fn release_shape(&mut self, policy: MatchPolicy, pattern: &str) {
        if policy != MatchPolicy::Wildcard {
            return;
        }
        let shape = Shape::of(pattern);
        let shapes = &mut self.rare_mut().shapes;
        if let Some(held) = shapes.get_mut(&shape) {
            *held -= 1;
            if *held == 0 {
                shapes.swap_remove(&shape);
            }
        }
    }

    /// Opens an invocation of this callee.
    pub(super) fn begin_invocation(&mut self, call: CallKey) -> RequestId {
        let invocation = self.invocation_next;
        self.invocation_next = invocation.next();
        self.invocations.insert(invocation, call);
        invocation
    }

    /// Takes back the newest invocation, which its callee never saw: ids have no gaps. Spec: bp#ids.
    pub(super) fn take_invocation_back(&mut self, invocation: RequestId) {
        debug_assert_eq!(invocation.next(), self.invocation_next);
        self.invocation_next = invocation;
    }
}
