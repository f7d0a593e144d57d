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

/// An optional ability, announced under a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// Subscriptions by prefix and wildcard. Spec: ap#pubsub-pattern.
    PatternBasedSubscription,
    /// A publisher may ask to hear itself. Spec: ap#pubsub-pub-exclusion.
    PublisherExclusion,
}

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

impl Feature {
    /// Every feature.
    pub const ALL: [Self; 2] = [Self::PatternBasedSubscription, Self::PublisherExclusion];

    /// The key under which it is announced.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::PatternBasedSubscription => "pattern_based_subscription",
            Self::PublisherExclusion => "publisher_exclusion",
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
    let Some(features) = role.get("features") else {
        return Some(FeatureSet::default());
    };
    let Value::Dict(features) = features else {
        return None;
    };
    let announced = |feature: &Feature| features.get(feature.key()) == Some(&Value::Bool(true));
    Some(FeatureSet::of(
        &Feature::ALL
            .into_iter()
            .filter(announced)
            .collect::<Vec<_>>(),
    ))
}

fn features_to(features: FeatureSet) -> Value {
    let announced = Feature::ALL
        .into_iter()
        .filter(|&feature| features.contains(feature));
    let features: Dict = announced.map(|feature| (feature.key(), true)).collect();
    if features.is_empty() {
        return Value::Dict(Dict::new());
    }
    Value::Dict(Dict::from_iter([("features", features)]))
}
