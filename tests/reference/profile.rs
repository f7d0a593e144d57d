//! What one realm is set up with: for the core, and in the reference's own words.

use std::time::Duration;

use wamp::protocol::{MatchPolicy, UriRule};
use wamp::router::{
    Action, HistoryRule, Limits, RequestIds, RetentionRule, Rights, Roles, Settings, TimeUnit,
    TrustRule, UriPattern,
};

/// Settings and limits; small limits, so that they are met.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    /// How patterns and invocation policies go together.
    pub(super) turn: u8,
    pub(super) strict_uris: bool,
    pub(super) lenient_ids: bool,
    /// Milliseconds in one of what `timeout` counts.
    pub(super) timeout_unit: u64,
    pub(super) disclosure: bool,
    pub(super) trust: Vec<Trust>,
    pub(super) history: Vec<History>,
    pub(super) retention: Vec<Retention>,
    pub(super) session_subscriptions: usize,
    pub(super) session_registrations: usize,
    pub(super) session_calls: usize,
    pub(super) session_invocations: usize,
    pub(super) session_late_answers: usize,
    pub(super) session_ended_calls: usize,
    pub(super) registration_queue_calls: usize,
    pub(super) session_testaments: usize,
    pub(super) testament_bytes: usize,
    pub(super) retained_topics: usize,
    pub(super) retained_filtered: usize,
    pub(super) retained_answer_events: usize,
    pub(super) history_answer_events: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Trust {
    pub(super) policy: &'static str,
    pub(super) pattern: &'static str,
    pub(super) authrole: Option<&'static str>,
    pub(super) level: u64,
}

#[derive(Clone, Debug)]
pub(super) struct History {
    pub(super) policy: &'static str,
    pub(super) pattern: &'static str,
    pub(super) events_max: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Retention {
    pub(super) policy: &'static str,
    pub(super) pattern: &'static str,
    /// In milliseconds.
    pub(super) lifetime: Option<u64>,
}

/// How many profiles there are.
pub(super) const COUNT: u8 = 4;

impl Profile {
    /// One of a few. The first is a realm without a config but for its limits.
    pub(super) fn new(which: u8) -> Self {
        let plain = Self::plain(which);
        match which % COUNT {
            0 => plain,
            1 => Self {
                session_invocations: 4,
                trust: some_trust(),
                history: vec![
                    History {
                        policy: "prefix",
                        pattern: "a",
                        events_max: 6,
                    },
                    History {
                        policy: "exact",
                        pattern: "a.b",
                        events_max: 2,
                    },
                ],
                retention: vec![
                    Retention {
                        policy: "exact",
                        pattern: "a",
                        lifetime: Some(2_000),
                    },
                    Retention {
                        policy: "wildcard",
                        pattern: "a.",
                        lifetime: None,
                    },
                ],
                ..plain
            },
            2 => Self {
                disclosure: false,
                lenient_ids: true,
                retention: Vec::new(),
                session_invocations: 3,
                session_late_answers: 1,
                ..plain
            },
            _ => Self {
                strict_uris: true,
                timeout_unit: 1_000,
                session_ended_calls: 1,
                retained_answer_events: 1,
                history: vec![History {
                    policy: "wildcard",
                    pattern: "a.",
                    events_max: 3,
                }],
                ..plain
            },
        }
    }

    /// A realm without a config.
    fn plain(which: u8) -> Self {
        Self {
            turn: which,
            strict_uris: false,
            lenient_ids: false,
            timeout_unit: 1,
            disclosure: true,
            trust: Vec::new(),
            history: Vec::new(),
            retention: vec![Retention {
                policy: "prefix",
                pattern: "",
                lifetime: None,
            }],
            session_subscriptions: 6,
            session_registrations: 4,
            session_calls: 4,
            session_invocations: 50,
            session_late_answers: 1_000,
            session_ended_calls: 1_000,
            registration_queue_calls: 2,
            session_testaments: 2,
            testament_bytes: 4_096,
            retained_topics: 3,
            retained_filtered: 2,
            retained_answer_events: 2,
            history_answer_events: 2,
        }
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            session_subscriptions: self.session_subscriptions,
            session_registrations: self.session_registrations,
            session_calls: self.session_calls,
            session_invocations: self.session_invocations,
            session_late_answers: self.session_late_answers,
            session_ended_calls: self.session_ended_calls,
            registration_queue_calls: self.registration_queue_calls,
            session_testaments: self.session_testaments,
            testament_bytes: self.testament_bytes,
            retained_topics: self.retained_topics,
            retained_filtered: self.retained_filtered,
            retained_answer_events: self.retained_answer_events,
            history_answer_events: self.history_answer_events,
            ..Limits::default()
        }
    }

    pub(super) fn settings(&self) -> Settings {
        let trust = self.trust.iter().map(|rule| TrustRule {
            uris: pattern(rule.policy, rule.pattern),
            authrole: rule.authrole.map(Into::into),
            level: rule.level,
        });
        let history = self.history.iter().map(|rule| HistoryRule {
            topics: pattern(rule.policy, rule.pattern),
            events_max: rule.events_max,
        });
        let retention = self.retention.iter().map(|rule| RetentionRule {
            topics: pattern(rule.policy, rule.pattern),
            lifetime: rule.lifetime.map(Duration::from_millis),
        });
        Settings {
            uri_rule: if self.strict_uris {
                UriRule::Strict
            } else {
                UriRule::Loose
            },
            request_ids: if self.lenient_ids {
                RequestIds::Lenient
            } else {
                RequestIds::Strict
            },
            call_timeout_unit: if self.timeout_unit == 1 {
                TimeUnit::Milliseconds
            } else {
                TimeUnit::Seconds
            },
            roles: roles(self.disclosure),
            trust: trust.collect(),
            history: history.collect(),
            retention: retention.collect(),
        }
    }
}

/// Everybody may do everything, but for disclosure where it is not to be.
fn roles(disclosure: bool) -> Roles {
    let open = Rights::open();
    let mut rules = open.rules().to_vec();
    for rule in rules.iter_mut().filter(|_| !disclosure) {
        let all = Action::ALL.into_iter();
        let kept = all.filter(|it| rule.allow.contains(*it) && *it != Action::Disclose);
        rule.allow = kept.collect();
    }
    Roles::same_for_all(Rights::new(rules, None))
}

/// Of which the first that matches counts.
fn some_trust() -> Vec<Trust> {
    vec![
        Trust {
            policy: "exact",
            pattern: "a.b",
            authrole: Some("staff"),
            level: 2,
        },
        Trust {
            policy: "prefix",
            pattern: "a",
            authrole: None,
            level: 1,
        },
        Trust {
            policy: "wildcard",
            pattern: ".b",
            authrole: Some("guest"),
            level: 0,
        },
    ]
}

fn pattern(policy: &str, pattern: &'static str) -> UriPattern {
    let policy = match policy {
        "exact" => MatchPolicy::Exact,
        "prefix" => MatchPolicy::Prefix,
        _ => MatchPolicy::Wildcard,
    };
    UriPattern {
        policy,
        pattern: pattern.into(),
    }
}
