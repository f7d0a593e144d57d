//! The realms on every stage, and who may say who it is.

use std::time::Duration;

use wamp::auth::{CraKey, Principal, Principals, Record, Ticket};
use wamp::protocol::{HelloDetails, MatchPolicy, Uri, UriRule};
use wamp::router::{
    Action, Authenticator, DynamicAuthenticator, DynamicAuthorizer, HistoryRule, Identity, Limits,
    Reach, RequestIds, RetentionRule, Rights, Roles, Rule, Settings, SignInRules, TimeUnit,
    TrustRule, UriPattern,
};

/// How long `short` keeps an event.
const SHORT: Duration = Duration::from_millis(100);

/// The realms of a router without a config, which `wamp router` serves too.
pub(super) const PLAIN: [&str; 2] = ["realm1", "realm2"];

/// The realm in which every bound is soon reached; its limits are those of its whole router.
pub(super) const SMALL: &str = "small";

/// Every realm that is not [`SMALL`].
pub(super) fn realms() -> impl Iterator<Item = (Uri, Settings)> {
    let plain = PLAIN.map(|name| (Uri::from(name), Settings::default()));
    plain.into_iter().chain(configured())
}

/// Realms in which an operator has decided something; each is about one decision.
fn configured() -> [(Uri, Settings); 15] {
    let with = |name: &str, decide: fn(&mut Settings)| {
        let mut settings = Settings::default();
        decide(&mut settings);
        (Uri::from(name), settings)
    };
    [
        with("members", |_| {}),
        with("club", |_| {}),
        with("guarded", |_| {}),
        with("strict", |settings| settings.uri_rule = UriRule::Strict),
        with("lenient", |settings| {
            settings.request_ids = RequestIds::Lenient;
            settings.call_timeout_unit = TimeUnit::Seconds;
        }),
        with("private", |settings| {
            settings.roles = Roles::same_for_all(Rights::new(vec![grant("", &AMONG_ALL)], None));
        }),
        with("trust", |settings| {
            settings.trust = vec![
                trusted("com.vault.", Some("staff"), 3),
                trusted("com.vault.", None, 0),
                trusted("com.hall.", None, 1),
            ];
        }),
        with("history", |settings| {
            settings.history = vec![
                kept(MatchPolicy::Prefix, "com.history.", 5),
                kept(MatchPolicy::Exact, "com.one", 2),
            ];
        }),
        with("short", |settings| {
            settings.retention = vec![
                retained("com.short.", Some(SHORT)),
                retained("com.ever.", None),
            ];
        }),
        with("forgetful", |settings| settings.retention = Vec::new()),
        with("closed", |_| {}),
        with("rules", |settings| {
            settings.roles = ruled();
            settings.history = vec![kept(MatchPolicy::Prefix, "com.secret.", 5)];
        }),
        with("asked", |settings| settings.roles = asked()),
        with("equals", |settings| {
            settings.roles = Roles::same_for_all(Rights::new(vec![grant("", &Action::ALL)], None));
        }),
        with("peaceful", |settings| {
            settings.roles = Roles::same_for_all(Rights::new(vec![grant("", &AMONG_ALL)], None));
        }),
    ]
}

/// What sessions do among each other.
const AMONG_ALL: [Action; 4] = [
    Action::Call,
    Action::Register,
    Action::Publish,
    Action::Subscribe,
];

/// Staff may do everything; guests some of it, and readers next to nothing.
fn ruled() -> Roles {
    let at = |policy, uri, allow: &[Action]| Rule {
        uris: under(policy, uri),
        ..grant("", allow)
    };
    let guest = vec![
        grant("com.", &[Action::Call, Action::Publish, Action::Subscribe]),
        grant("com.own.", &AMONG_ALL),
        grant("com.secret.", &[]),
        at(
            MatchPolicy::Exact,
            "com.secret.door",
            &[Action::Call, Action::Publish],
        ),
        at(
            MatchPolicy::Wildcard,
            "org..open",
            &[Action::Subscribe, Action::Register],
        ),
        grant(
            "org.told.",
            &[
                Action::Call,
                Action::Publish,
                Action::Register,
                Action::Disclose,
            ],
        ),
        grant("wamp.", &[Action::Call, Action::Subscribe]),
        Rule {
            from: Reach::Loopback,
            ..at(
                MatchPolicy::Exact,
                "wamp.session.kill",
                &[Action::Call, Action::Kill],
            )
        },
        at(MatchPolicy::Exact, "wamp.session.kill_all", &[]),
    ];
    let reader = vec![
        grant("com.", &[Action::Subscribe]),
        grant("com.secret.", &[]),
    ];
    Roles::new([
        (
            "staff".into(),
            Rights::new(vec![grant("", &Action::ALL)], None),
        ),
        ("guest".into(), Rights::new(guest, None)),
        ("reader".into(), Rights::new(reader, None)),
    ])
}

/// Staff may do everything, and decides about the others where no rule does; its word on members is kept for a while.
fn asked() -> Roles {
    let asked = |cache| {
        let authorizer = DynamicAuthorizer {
            procedure: "com.authorize".into(),
            cache,
        };
        let rules = vec![
            grant("com.free.", &AMONG_ALL),
            grant("com.never.", &[]),
            grant("wamp.", &[Action::Call]),
        ];
        Rights::new(rules, Some(authorizer))
    };
    let lost = DynamicAuthorizer {
        procedure: "com.nobody".into(),
        cache: None,
    };
    Roles::new([
        (
            "staff".into(),
            Rights::new(vec![grant("", &Action::ALL)], None),
        ),
        ("guest".into(), asked(None)),
        ("member".into(), asked(Some(Duration::from_mins(1)))),
        ("lost".into(), Rights::new(Vec::new(), Some(lost))),
    ])
}

/// A rule about all that begins so.
fn grant(prefix: &str, allow: &[Action]) -> Rule {
    Rule {
        uris: under(MatchPolicy::Prefix, prefix),
        allow: allow.iter().copied().collect(),
        from: Reach::Any,
    }
}

fn trusted(prefix: &str, authrole: Option<&'static str>, level: u64) -> TrustRule {
    TrustRule {
        uris: under(MatchPolicy::Prefix, prefix),
        authrole: authrole.map(Into::into),
        level,
    }
}

fn kept(policy: MatchPolicy, pattern: &str, events_max: usize) -> HistoryRule {
    HistoryRule {
        topics: under(policy, pattern),
        events_max,
    }
}

fn retained(prefix: &str, lifetime: Option<Duration>) -> RetentionRule {
    RetentionRule {
        topics: under(MatchPolicy::Prefix, prefix),
        lifetime,
    }
}

fn under(policy: MatchPolicy, pattern: &str) -> UriPattern {
    UriPattern {
        policy,
        pattern: pattern.into(),
    }
}

/// [`SMALL`] with its settings.
pub(super) fn small_realm() -> (Uri, Settings) {
    let history = vec![kept(MatchPolicy::Prefix, "com.history.", 100)];
    // Of whom nothing is said here may do everything.
    let authorizer = DynamicAuthorizer {
        procedure: "com.authorize".into(),
        cache: None,
    };
    let asked = Rights::new(Vec::new(), Some(authorizer));
    let settings = Settings {
        roles: Roles::open_but([("asked".into(), asked)]),
        history,
        ..Settings::default()
    };
    (SMALL.into(), settings)
}

/// The limits of [`SMALL`]. Bytes are bounded so that texts of 1,000 bytes tell.
pub(super) fn small_limits() -> Limits {
    const BYTES: usize = 1500;
    Limits {
        session_subscriptions: 3,
        session_registrations: 3,
        session_wildcard_shapes: 1,
        node_key_bytes: BYTES,
        reflection_answer_bytes: BYTES,
        session_calls: 3,
        session_invocations: 5,
        session_kept_bytes: 2 * BYTES,
        session_late_answers: 1,
        session_ended_calls: 1,
        session_undecided: 2,
        session_undecided_bytes: BYTES,
        authorization_time: Duration::from_millis(100),
        session_testaments: 1,
        session_definitions: 1,
        testament_bytes: BYTES,
        definition_bytes: BYTES,
        registration_queue_calls: 2,
        registration_queue_bytes: BYTES,
        retained_topics: 2,
        retained_bytes: 2 * BYTES,
        retained_answer_events: 1,
        retained_filtered: 1,
        history_bytes: 4 * BYTES,
        history_answer_events: 2,
        history_answer_bytes: BYTES,
        ..Limits::default()
    }
}

/// The harness's own: who signs in by the method `harness` is who it claims to be.
pub(super) fn authenticator() -> Authenticator {
    Authenticator::new(|details: &HelloDetails| {
        let methods = details.authmethods.as_ref()?;
        methods.iter().find(|method| *method == "harness")?;
        Some(Identity {
            authid: details.authid.clone()?,
            authrole: details.authrole.clone()?,
            authmethod: "harness".into(),
            authprovider: "harness".into(),
        })
    })
    .with_rules(sign_in_rules())
}

/// `members` is for ann and bob, `club` also for those who do not say who they are, `closed` for nobody;
/// `guarded` is for ann, for whoever a procedure says, and for guests, who may register it.
fn sign_in_rules() -> [(Uri, SignInRules); 4] {
    let member = |authid: &'static str, record| Principal {
        authid: authid.into(),
        authrole: "member".into(),
        authprovider: "static".into(),
        records: vec![record],
        certificates: Vec::new(),
    };
    let members = [
        member("ann", Record::Ticket(Ticket::new("rosebud"))),
        member("bob", Record::WampCra(CraKey::plain("pencil"))),
    ];
    let rules = |anonymous: Option<&'static str>, principals: &[Principal]| SignInRules {
        anonymous: anonymous.map(Into::into),
        principals: Principals::new(principals.iter().cloned(), [7; 32]).into(),
        authenticator: None,
    };
    let authenticator = DynamicAuthenticator {
        procedure: "com.guard".into(),
        realm: None,
    };
    let guarded = SignInRules {
        authenticator: Some(authenticator),
        ..rules(Some("guest"), &members)
    };
    [
        ("guarded".into(), guarded),
        ("members".into(), rules(None, &members)),
        ("club".into(), rules(Some("guest"), &members)),
        ("closed".into(), rules(None, &[])),
    ]
}
