//! What the router says of itself. Announced are exactly the features that work.

use super::handshake::Joining;
use super::settings::Settings;
use crate::protocol::{Feature, Role, Roles, Uri, WelcomeDetails};

/// The roles of a router, each with all of its features that have a meaning yet. Ours has every one; some need a setting.
pub const ROUTER_FEATURES: [(Role, &[Feature]); 2] = [
    (
        Role::Broker,
        &[
            Feature::EventHistory,
            Feature::EventRetention,
            Feature::PatternBasedSubscription,
            Feature::PayloadPassthruMode,
            Feature::PublicationTrustlevels,
            Feature::PublisherExclusion,
            Feature::PublisherIdentification,
            Feature::Reflection,
            Feature::SessionMetaApi,
            Feature::ShardedSubscription,
            Feature::SubscriberBlackwhiteListing,
            Feature::SubscriptionMetaApi,
            Feature::SubscriptionRevocation,
        ],
    ),
    (
        Role::Dealer,
        &[
            Feature::CallCanceling,
            Feature::CallReroute,
            Feature::CallTimeout,
            Feature::CallTrustlevels,
            Feature::CallerIdentification,
            Feature::PatternBasedRegistration,
            Feature::PayloadPassthruMode,
            Feature::ProgressiveCallInvocations,
            Feature::ProgressiveCallResults,
            Feature::Reflection,
            Feature::RegistrationMetaApi,
            Feature::RegistrationRevocation,
            Feature::SessionMetaApi,
            Feature::ShardedRegistration,
            Feature::SharedRegistration,
            Feature::TestamentMetaApi,
        ],
    ),
];

/// The details of a WELCOME.
pub(super) fn welcome_details(
    realm: &Uri,
    settings: &Settings,
    joining: &Joining,
) -> WelcomeDetails {
    let identity = &joining.identity;
    WelcomeDetails {
        roles: Some(roles(settings)),
        agent: Some(concat!("wamp/", env!("CARGO_PKG_VERSION")).into()),
        realm: Some(realm.clone()),
        authid: Some(identity.authid.clone()),
        authrole: Some(identity.authrole.clone()),
        authmethod: Some(identity.authmethod.clone()),
        authprovider: Some(identity.authprovider.clone()),
        authextra: joining.authextra.clone(),
    }
}

/// Both roles, with what always works and what the realm's settings make work.
fn roles(settings: &Settings) -> Roles {
    let unset = [
        (Feature::EventHistory, settings.history.is_empty()),
        (Feature::EventRetention, settings.retention.is_empty()),
        (Feature::PublicationTrustlevels, settings.trust.is_empty()),
        (Feature::CallTrustlevels, settings.trust.is_empty()),
    ];
    let works = |feature: &Feature| !unset.contains(&(*feature, true));
    let mut roles = Roles::default();
    for (role, features) in ROUTER_FEATURES {
        let features: Vec<Feature> = features.iter().copied().filter(works).collect();
        roles = roles.with(role, &features);
    }
    roles
}
