//! The features that a client session announces: exactly those that work.

use crate::protocol::{Feature, Role, Roles};

/// What this client announces: all four roles, and the features that it makes use of.
pub(super) fn roles() -> Roles {
    let callee = [
        Feature::CallCanceling,
        Feature::PatternBasedRegistration,
        Feature::RegistrationRevocation,
        Feature::SharedRegistration,
    ];
    let subscriber = [
        Feature::PatternBasedSubscription,
        Feature::SubscriptionRevocation,
    ];
    Roles::default()
        .with(Role::Caller, &[])
        .with(Role::Callee, &callee)
        .with(Role::Publisher, &[Feature::PublisherExclusion])
        .with(Role::Subscriber, &subscriber)
}
