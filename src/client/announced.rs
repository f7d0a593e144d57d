//! The features that a client session announces: exactly those that work.

use crate::protocol::{Feature, Role, Roles};

/// What this client announces: all four roles, and the features that it makes use of.
pub(super) fn roles() -> Roles {
    let caller = [
        Feature::CallCanceling,
        Feature::CallTimeout,
        Feature::ProgressiveCallResults,
        Feature::ShardedRegistration,
    ];
    let callee = [
        Feature::CallCanceling,
        Feature::PatternBasedRegistration,
        Feature::ProgressiveCallResults,
        Feature::RegistrationRevocation,
        Feature::SharedRegistration,
    ];
    let publisher = [
        Feature::EventRetention,
        Feature::PublisherExclusion,
        Feature::SubscriberBlackwhiteListing,
    ];
    let subscriber = [
        Feature::EventRetention,
        Feature::PatternBasedSubscription,
        Feature::SubscriptionRevocation,
    ];
    Roles::default()
        .with(Role::Caller, &caller)
        .with(Role::Callee, &callee)
        .with(Role::Publisher, &publisher)
        .with(Role::Subscriber, &subscriber)
}
