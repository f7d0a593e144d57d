//! Roles and the features a peer announces for each of them.
//!
//! Spec: bp#roles, ap#features. Announced are exactly the features that work.

use super::value::{Dict, Value};

/// A part that a peer plays in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Calls procedures.
    Caller,
    /// Registers procedures.
    Callee,
    /// Publishes events.
    Publisher,
    /// Subscribes to topics.
    Subscriber,
    /// Routes calls; a router's.
    Dealer,
    /// Routes events; a router's.
    Broker,
}

macro_rules! features {
    ($($(#[$doc:meta])* $name:ident = $key:literal,)*) => {
        /// An optional ability, announced under a role.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Feature {
            $($(#[$doc])* $name,)*
        }

        impl Feature {
            /// Every feature.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The key under which it is announced.
            #[must_use]
            pub const fn key(self) -> &'static str {
                match self {
                    $(Self::$name => $key,)*
                }
            }
        }
    };
}

features! {
    /// Subscriptions by prefix and wildcard. Spec: ap#pattern-based-subscription.
    PatternBasedSubscription = "pattern_based_subscription",
    /// A publisher may ask to hear itself. Spec: ap#pubsub-pub-exclusion.
    PublisherExclusion = "publisher_exclusion",
    /// A publisher says who gets its event. Spec: ap#pubsub-bw-listing.
    SubscriberBlackwhiteListing = "subscriber_blackwhite_listing",
    /// A publisher may be disclosed. Spec: ap#pubsub-pub-identification.
    PublisherIdentification = "publisher_identification",
    /// Events say how far they are trusted. Spec: ap#pubsub-pub-trustlevels.
    PublicationTrustlevels = "publication_trustlevels",
    /// Events by resource key to one node of many. Spec: ap#pubsub-sharded-subscription.
    ShardedSubscription = "sharded_subscription",
    /// Earlier events can be asked for. Spec: ap#pubsub-event-history.
    EventHistory = "event_history",
    /// A topic keeps an event for subscribers to come. Spec: ap#event-retention.
    EventRetention = "event_retention",
    /// The broker may take a subscription back. Spec: ap#subscription-revocation.
    SubscriptionRevocation = "subscription_revocation",
    /// What is subscribed can be asked for. Spec: ap#pubsub-sub-metapi.
    SubscriptionMetaApi = "subscription_meta_api",
    /// Who is there can be asked for. Spec: ap#session-metapi.
    SessionMetaApi = "session_meta_api",
    /// A call may have many results. Spec: ap#rpc-progressive-call-results.
    ProgressiveCallResults = "progressive_call_results",
    /// A call may be made in parts. Spec: ap#rpc-progressive-call-invocations.
    ProgressiveCallInvocations = "progressive_call_invocations",
    /// A call may have a time limit. Spec: ap#rpc-call-timeout.
    CallTimeout = "call_timeout",
    /// A call may be cancelled. Spec: ap#rpc-call-canceling.
    CallCanceling = "call_canceling",
    /// A callee may pass a call on. Spec: ap#rpc-call-rerouting.
    CallReroute = "call_reroute",
    /// A caller may be disclosed. Spec: ap#rpc-call-identification.
    CallerIdentification = "caller_identification",
    /// Invocations say how far they are trusted. Spec: ap#rpc-call-trust-levels.
    CallTrustlevels = "call_trustlevels",
    /// Registrations by prefix and wildcard. Spec: ap#rpc-pattern-reg.
    PatternBasedRegistration = "pattern_based_registration",
    /// A procedure may have many callees. Spec: ap#rpc-shared-registration.
    SharedRegistration = "shared_registration",
    /// A resource key may choose among callees. Spec: ap#rpc-sharded-registration.
    ShardedRegistration = "sharded_registration",
    /// The dealer may take a registration back. Spec: ap#rpc-registration-revocation.
    RegistrationRevocation = "registration_revocation",
    /// What is registered can be asked for. Spec: ap#rpc-reg-metapi.
    RegistrationMetaApi = "registration_meta_api",
    /// Events may be left for when a session ends. Spec: ap#session-testament.
    TestamentMetaApi = "testament_meta_api",
    /// Procedures, topics and errors can be listed and described. Spec: ap#interface-reflection.
    Reflection = "reflection",
    /// Payload may be opaque. Spec: ap#payload-passthru-mode.
    PayloadPassthruMode = "payload_passthru_mode",
}

/// Other keys that the specification itself spells some features by; understood, never sent.
const OTHER_KEYS: &[(Feature, &str)] = &[
    (Feature::CallCanceling, "call_cancelling"),
    (Feature::CallReroute, "call_rerouting"),
    (Feature::ShardedSubscription, "shareded_subscriptions"),
];

/// The one that is announced beside a role's features, not among them. Spec: ap#interface-reflection.
const BESIDE: Feature = Feature::Reflection;

/// Features of one role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeatureSet(u32);

/// The roles a peer announces, each with its features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles([Option<FeatureSet>; Role::ALL.len()]);

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] = [
        Self::Caller,
        Self::Callee,
        Self::Publisher,
        Self::Subscriber,
        Self::Dealer,
        Self::Broker,
    ];

    /// The word in `Details.roles`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Callee => "callee",
            Self::Publisher => "publisher",
            Self::Subscriber => "subscriber",
            Self::Dealer => "dealer",
            Self::Broker => "broker",
        }
    }
}

impl FeatureSet {
    /// The set of these features.
    #[must_use]
    pub fn of(features: &[Feature]) -> Self {
        Self(
            features
                .iter()
                .fold(0, |bits, &feature| bits | 1 << feature as u32),
        )
    }

    /// Whether a feature is in the set.
    #[must_use]
    pub const fn contains(self, feature: Feature) -> bool {
        self.0 & 1 << feature as u32 != 0
    }
}

impl Roles {
    /// Adds a role with its features.
    #[must_use]
    pub fn with(mut self, role: Role, features: &[Feature]) -> Self {
        self.0[role as usize] = Some(FeatureSet::of(features));
        self
    }

    /// Whether a feature is announced for a role.
    #[must_use]
    pub fn has(&self, role: Role, feature: Feature) -> bool {
        self.features(role)
            .is_some_and(|features| features.contains(feature))
    }

    /// The features of a role; `None` where it is not announced.
    #[must_use]
    pub const fn features(&self, role: Role) -> Option<FeatureSet> {
        self.0[role as usize]
    }

    /// Reads `Details.roles`. Roles and features nobody has heard of are ignored;
    /// `None` where a known role, or its features, is no dict.
    pub(super) fn from_dict(roles: &Dict) -> Option<Self> {
        let mut known = Self::default();
        for role in Role::ALL {
            if let Some(announced) = roles.get(role.name()) {
                known.0[role as usize] = Some(features_from(announced)?);
            }
        }
        Some(known)
    }

    pub(super) fn to_dict(self) -> Dict {
        let announced = |role: Role| {
            self.features(role)
                .map(|features| (role.name(), features_to(features)))
        };
        Role::ALL.into_iter().filter_map(announced).collect()
    }
}

fn features_from(role: &Value) -> Option<FeatureSet> {
    let Value::Dict(role) = role else { return None };
    let none = Dict::new();
    let features = match role.get("features") {
        None => &none,
        Some(Value::Dict(features)) => features,
        Some(_) => return None,
    };
    let by_key = Feature::ALL.iter().map(|&feature| (feature, feature.key()));
    let announced = by_key
        .chain(OTHER_KEYS.iter().copied())
        .filter(|&(feature, key)| {
            let place = if feature == BESIDE { role } else { features };
            place.get(key) == Some(&Value::Bool(true))
        });
    Some(FeatureSet::of(
        &announced.map(|(feature, _)| feature).collect::<Vec<_>>(),
    ))
}

fn features_to(announced: FeatureSet) -> Value {
    let features = Feature::ALL
        .iter()
        .filter(|&&feature| announced.contains(feature) && feature != BESIDE);
    let features: Dict = features.map(|feature| (feature.key(), true)).collect();
    let mut role = Dict::new();
    if !features.is_empty() {
        role.push("features", features);
    }
    if announced.contains(BESIDE) {
        role.push(BESIDE.key(), true);
    }
    Value::Dict(role)
}
