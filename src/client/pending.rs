//! Requests on their way: which kind each is, until it is answered.

use std::collections::HashMap;

use super::violation::Violation;
use crate::protocol::{MessageCode, RegistrationId, RequestId, SubscriptionId};

/// A request that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Call {
        /// Whether it asked for results as they come.
        is_progressive: bool,
    },
    Publish,
    Subscribe,
    Unsubscribe(SubscriptionId),
    Register,
    Unregister(RegistrationId),
}

/// The requests that wait. bound: whoever inserts checks [`Limits`](super::Limits) first.
#[derive(Debug, Default)]
pub(super) struct Pending {
    requests: HashMap<RequestId, Request>,
    /// How many of them are SUBSCRIBE.
    subscribes: usize,
    /// How many of them are REGISTER.
    registers: usize,
}

impl Request {
    const fn code(self) -> MessageCode {
        match self {
            Self::Call { .. } => MessageCode::Call,
            Self::Publish => MessageCode::Publish,
            Self::Subscribe => MessageCode::Subscribe,
            Self::Unsubscribe(_) => MessageCode::Unsubscribe,
            Self::Register => MessageCode::Register,
            Self::Unregister(_) => MessageCode::Unregister,
        }
    }
}

impl Pending {
    pub(super) fn insert(&mut self, id: RequestId, request: Request) {
        self.subscribes += usize::from(request == Request::Subscribe);
        self.registers += usize::from(request == Request::Register);
        self.requests.insert(id, request);
    }

    /// Takes out a request of the kind that `got` answers.
    pub(super) fn answer(
        &mut self,
        got: MessageCode,
        asked: MessageCode,
        id: RequestId,
    ) -> Result<Request, Violation> {
        let request = self.requests.get(&id).copied();
        let request = request
            .filter(|request| request.code() == asked)
            .ok_or(Violation::NotPending { got, request: id })?;
        self.requests.remove(&id);
        self.subscribes -= usize::from(request == Request::Subscribe);
        self.registers -= usize::from(request == Request::Register);
        Ok(request)
    }

    /// Whether the request is a call.
    pub(super) fn is_call(&self, id: RequestId) -> bool {
        matches!(self.requests.get(&id), Some(Request::Call { .. }))
    }

    /// Whether the request is a call that may have more than one result.
    pub(super) fn is_progressive(&self, id: RequestId) -> bool {
        let request = self.requests.get(&id);
        matches!(
            request,
            Some(Request::Call {
                is_progressive: true
            })
        )
    }

    pub(super) fn len(&self) -> usize {
        self.requests.len()
    }

    pub(super) const fn subscribes(&self) -> usize {
        self.subscribes
    }

    pub(super) const fn registers(&self) -> usize {
        self.registers
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
