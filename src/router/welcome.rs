//! What the router says of itself. Announced are exactly the features that work.

use super::handshake::Joining;
use super::settings::Settings;
use crate::protocol::{Feature, Role, Roles, Uri, WelcomeDetails};

const BROKER: &[Feature] = &[
    Feature::PatternBasedSubscription,
    Feature::PayloadPassthruMode,
    Feature::PublisherExclusion,
    Feature::PublisherIdentification,
    Feature::Reflection,
    Feature::SessionMetaApi,
    Feature::ShardedSubscription,
    Feature::SubscriberBlackwhiteListing,
    Feature::SubscriptionMetaApi,
    Feature::SubscriptionRevocation,
];

const DEALER: &[Feature] = &[
    Feature::CallCanceling,
    Feature::CallReroute,
    Feature::CallTimeout,
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
    let mut broker = BROKER.to_vec();
    let mut dealer = DEALER.to_vec();
    if !settings.history.is_empty() {
        broker.push(Feature::EventHistory);
    }
    if !settings.retention.is_empty() {
        broker.push(Feature::EventRetention);
    }
    if !settings.trust.is_empty() {
        broker.push(Feature::PublicationTrustlevels);
        dealer.push(Feature::CallTrustlevels);
    }
    Roles::default()
        .with(Role::Broker, &broker)
        .with(Role::Dealer, &dealer)
}
