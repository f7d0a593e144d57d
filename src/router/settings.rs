//! What an operator decides for one realm. The default is a realm without a config.

use std::time::Duration;

use bytestring::ByteString;

use super::authorizer::Roles;
use super::bounds::Bounds;
use crate::protocol::{MatchPolicy, Uri, UriRule};

/// The settings of one realm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Which limits of its own it has, and rates.
    pub bounds: Bounds,
    /// What a valid URI may hold.
    pub uri_rule: UriRule,
    /// What each role may do.
    pub roles: Roles,
    /// Whether ids of requests must count up by one.
    pub request_ids: RequestIds,
    /// What `CALL.Options.timeout` counts.
    pub call_timeout_unit: TimeUnit,
    /// How far calls and publications are trusted: the first rule that matches. Without a rule, the feature is not announced.
    pub trust: Vec<TrustRule>,
    /// Which topics' events are kept for `wamp.subscription.get_events`. Without a rule, the feature is not announced.
    pub history: Vec<HistoryRule>,
    /// Which topics may keep an event for subscribers to come: the first rule that matches. Without a rule, the
    /// feature is not announced.
    pub retention: Vec<RetentionRule>,
}

/// How strictly ids of requests are checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RequestIds {
    /// The first is 1, each the one before plus one. Spec: bp#ids.
    #[default]
    Strict,
    /// Any, for clients written against Crossbar.io.
    Lenient,
}

/// What a time limit counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeUnit {
    /// Spec: ap#rpc-call-timeout.
    #[default]
    Milliseconds,
    /// For clients written against Crossbar.io.
    Seconds,
}

/// URIs that a rule is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UriPattern {
    /// How it matches.
    pub policy: MatchPolicy,
    /// The pattern.
    pub pattern: Uri,
}

/// How far calls of a procedure, or publications to a topic, are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustRule {
    /// Which URIs.
    pub uris: UriPattern,
    /// Of callers and publishers with this role; all where there is none.
    pub authrole: Option<ByteString>,
    /// 0 least.
    pub level: u64,
}

/// How many of some topics' events are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRule {
    /// Which topics.
    pub topics: UriPattern,
    /// How many events at most; then the oldest are forgotten.
    pub events_max: usize,
}

/// How long a topic keeps an event for subscribers to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionRule {
    /// Which topics.
    pub topics: UriPattern,
    /// For how long; for ever where there is none.
    pub lifetime: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bounds: Bounds::default(),
            uri_rule: UriRule::default(),
            roles: Roles::default(),
            request_ids: RequestIds::default(),
            call_timeout_unit: TimeUnit::default(),
            trust: Vec::new(),
            history: Vec::new(),
            retention: vec![RetentionRule {
                topics: UriPattern::everything(),
                lifetime: None,
            }],
        }
    }
}

impl UriPattern {
    /// Matches every URI.
    #[must_use]
    pub const fn everything() -> Self {
        Self {
            policy: MatchPolicy::Prefix,
            pattern: Uri::from_static(""),
        }
    }

    /// Whether it matches a URI. Cost: O(bytes).
    #[must_use]
    pub fn matches(&self, uri: &Uri) -> bool {
        self.policy.matches(self.pattern.as_str(), uri.as_str())
    }
}

impl TimeUnit {
    /// So many of the unit.
    pub(super) const fn duration(self, count: u64) -> Duration {
        match self {
            Self::Milliseconds => Duration::from_millis(count),
            Self::Seconds => Duration::from_secs(count),
        }
    }
}
