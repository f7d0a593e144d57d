//! The rules that a router can break towards a client.

use crate::protocol::{MessageCode, RegistrationId, RequestId, SubscriptionId};

/// A rule that the router broke; the session is over. Spec: `bp#protocol_errors`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// A message that this state never accepts.
    #[error("the router sent {} to a session that is {state}", got.name())]
    Unexpected {
        /// What the session was doing.
        state: &'static str,
        /// What came.
        got: MessageCode,
    },
    /// An answer to a request that was never made, or was answered before.
    #[error("the router answered by {} a request that is not pending: {request}", got.name())]
    NotPending {
        /// What came.
        got: MessageCode,
        /// The request it names.
        request: RequestId,
    },
    /// An event of a subscription that this session does not hold.
    #[error("the router sent an event of a subscription that nobody asked for: {0}")]
    UnknownSubscription(SubscriptionId),
    /// A call of a registration that this session does not hold.
    #[error("the router sent a call for a registration that does not exist: {0}")]
    UnknownRegistration(RegistrationId),
    /// An invocation under the id of one that is not answered yet.
    #[error("the router used the invocation id {0} twice")]
    InvocationTwice(RequestId),
    /// UNSUBSCRIBED or UNREGISTERED with request 0 that does not say what it takes back.
    #[error("the router sent {} for request 0 and does not say of what", got.name())]
    RevokedNothing {
        /// What came.
        got: MessageCode,
    },
}
