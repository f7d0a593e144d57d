//! One session: what it holds, and which request comes next.

use indexmap::{IndexMap, IndexSet};
use rustc_hash::FxBuildHasher;

use super::identity::{Identity, Transport};
use super::violation::Violation;
use crate::protocol::{RegistrationId, RequestId, Roles, SessionId, SubscriptionId};

/// A joined session.
///
/// Maps keep an order of their own, so that walking them does not depend on hashing: one seed, one run.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) identity: Identity,
    /// What its client announced.
    pub(super) roles: Roles,
    pub(super) transport: Transport,
    request_next: RequestId,
    invocation_next: RequestId,
    pub(super) subscriptions: IndexSet<SubscriptionId, FxBuildHasher>,
    pub(super) registrations: IndexSet<RegistrationId, FxBuildHasher>,
    /// As a caller: request -> the callee at work, and its invocation.
    pub(super) calls: IndexMap<RequestId, (SessionId, RequestId), FxBuildHasher>,
    /// As a callee: invocation -> who asked.
    pub(super) invocations: IndexMap<RequestId, Asker, FxBuildHasher>,
}

/// Who waits for an invocation's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    /// A caller, and its request.
    Call(SessionId, RequestId),
    /// Nobody any more: the caller has gone. The answer is taken and dropped.
    Gone,
}

impl Session {
    pub(super) fn new(identity: Identity, roles: Roles, transport: Transport) -> Self {
        Self {
            identity,
            roles,
            transport,
            request_next: RequestId::FIRST,
            invocation_next: RequestId::FIRST,
            subscriptions: IndexSet::default(),
            registrations: IndexSet::default(),
            calls: IndexMap::default(),
            invocations: IndexMap::default(),
        }
    }

    /// Takes the id of a request. Spec: bp#ids, session scope: the first is 1, each the one before plus 1.
    pub(super) fn take_request(&mut self, got: RequestId) -> Result<(), Violation> {
        let expected = self.request_next;
        if got != expected {
            return Err(Violation::RequestOutOfOrder { expected, got });
        }
        self.request_next = expected.next();
        Ok(())
    }

    /// Opens an invocation of this callee.
    pub(super) fn begin_invocation(&mut self, asker: Asker) -> RequestId {
        let invocation = self.invocation_next;
        self.invocation_next = invocation.next();
        self.invocations.insert(invocation, asker);
        invocation
    }

    /// Takes back the newest invocation, which its callee never saw: ids have no gaps. Spec: bp#ids.
    pub(super) fn take_invocation_back(&mut self, invocation: RequestId) {
        debug_assert_eq!(invocation.next(), self.invocation_next);
        self.invocation_next = invocation;
    }
}
