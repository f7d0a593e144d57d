//! Everything that a peer can make grow, and how far.
//!
//! One row a limit: the field, its unit, its default and what an operator may set it to. [`Limits::TABLE`] hands the
//! rows on, so that nobody keeps a second list. Who has limits of their own is in [`bounds`](super::bounds).

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const GIB: usize = 1024 * MIB;
/// The greatest number of bytes that can be set.
const TIB: usize = 1024 * GIB;
/// The greatest count that can be set.
const MANY: usize = 1_000_000_000;
/// The shortest time for what cannot do without any.
const TENTH: Duration = Duration::from_millis(100);
/// The longest time that can be set: added to a clock, it must not overflow.
const DAY: Duration = Duration::from_hours(24);

/// A row of [`Limits::TABLE`].
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// The field's name.
    pub name: &'static str,
    /// What it bounds, a sentence.
    pub about: &'static str,
    /// Of whom there may be another than the router's.
    pub scope: Scope,
    /// What it counts, and the field.
    pub unit: Unit,
}

/// Who may have limits of their own: a realm has them for what is `Realm`'s or `Session`'s, a role for what is `Session`'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Nobody: it is there before a realm is named, or of all realms together.
    Router,
    /// A realm.
    Realm,
    /// A role, for each of its sessions.
    Session,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug)]
pub enum Unit {
    /// Bytes.
    Bytes(Field<usize>),
    /// Things.
    Count(Field<usize>),
    /// Time.
    Time(Field<Duration>),
}

/// A field of [`Limits`].
#[derive(Clone, Copy)]
pub struct Field<T: 'static> {
    /// What an operator may set it to: nothing outside lets the router work, or a machine hold it.
    pub range: &'static RangeInclusive<T>,
    /// Where it is.
    pub of: fn(&mut Limits) -> &mut T,
}

impl<T: fmt::Debug> fmt::Debug for Field<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.range.fmt(f)
    }
}

macro_rules! limits {
    ($($(#[doc = $about:literal])+ $name:ident: $unit:ident of $scope:ident = $default:expr, $range:expr;)*) => {
        /// The bounds of one router. Each is per what its name says.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Limits {
            $($(#[doc = $about])+ pub $name: limits!(@ $unit),)*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        /// The name of a limit: its place in [`Limits::TABLE`].
        #[expect(non_camel_case_types, reason = "they are spelled as the fields and the config are")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum LimitName {
            $($(#[doc = $about])+ $name,)*
        }

        impl Limits {
            /// Every limit, in the order in which they make sense to a reader.
            pub const TABLE: &[Limit] = &[$(Limit {
                name: stringify!($name),
                about: concat!($($about),+).trim_ascii(),
                scope: Scope::$scope,
                unit: Unit::$unit(Field { range: &($range), of: |limits| &mut limits.$name }),
            },)*];
        }
    };
    (@ Time) => { Duration };
    (@ $count:ident) => { usize };
}

limits! {
    /// Bytes of one message once the session is open.
    message_bytes: Bytes of Session = 16 * MIB, KIB..=GIB;
    /// Bytes of one message before WELCOME.
    message_bytes_before_welcome: Bytes of Router = 64 * KIB, KIB..=GIB;
    /// Bytes waiting for one peer; an empty outbox takes any one message.
    outbox_bytes: Bytes of Session = 4 * MIB, KIB..=TIB;
    /// Messages waiting for one peer.
    outbox_messages: Count of Session = 65_536, 1..=MANY;
    /// Bytes waiting for all peers together; beyond it the slowest are closed.
    outbox_bytes_total: Bytes of Router = 512 * MIB, KIB..=TIB;
    /// Subscriptions of one session.
    session_subscriptions: Count of Session = 100_000, 0..=MANY;
    /// Registrations of one session.
    session_registrations: Count of Session = 100_000, 0..=MANY;
    /// Bytes of the node key of one subscription or registration.
    node_key_bytes: Bytes of Realm = KIB, 0..=TIB;
    /// Calls of one session that have no answer yet.
    session_calls: Count of Session = 10_000, 0..=MANY;
    /// Invocations of one session that it has not answered, those whose caller has gone counted.
    session_invocations: Count of Session = 100_000, 0..=MANY;
    /// Shapes of wildcards (how many parts, and which are empty) of one session. They are what a look-up costs.
    session_wildcard_shapes: Count of Session = 64, 0..=MANY;
    /// Shapes of wildcards in a realm, of subscriptions and of registrations each.
    realm_wildcard_shapes: Count of Realm = 1_024, 0..=MANY;
    /// Bytes of a session's calls that are kept because they wait, may go to another callee, or are made in parts.
    session_kept_bytes: Bytes of Session = 4 * MIB, 0..=TIB;
    /// Invocations of a session that nobody waits for any more, whose late answers are still known as such.
    session_late_answers: Count of Session = 1_000, 0..=MANY;
    /// Calls of a session, made in parts, that have ended, whose late parts are still known as such.
    session_ended_calls: Count of Session = 1_000, 0..=MANY;
    /// Calls that wait until a callee of one registration is free.
    registration_queue_calls: Count of Realm = 1_000, 0..=MANY;
    /// Bytes of these.
    registration_queue_bytes: Bytes of Realm = 4 * MIB, 0..=TIB;
    /// Messages of one session that wait while an authorizer decides about the first of them.
    session_undecided: Count of Session = 1_000, 1..=MANY;
    /// Bytes that these hold on to; the first may be of any size.
    session_undecided_bytes: Bytes of Session = MIB, 0..=TIB;
    /// Answers of an authorizer that are kept for one session.
    session_verdicts: Count of Session = 1_000, 0..=MANY;
    /// Clients about whom the authenticator of a realm is asked at the same time.
    realm_sign_ins: Count of Realm = 1_000, 1..=MANY;
    /// Testaments of one session in one scope.
    session_testaments: Count of Session = 16, 0..=MANY;
    /// Bytes of one testament.
    testament_bytes: Bytes of Session = 64 * KIB, 0..=TIB;
    /// Topics of one realm that keep an event for subscribers to come.
    retained_topics: Count of Realm = 100_000, 0..=MANY;
    /// Bytes of these events, with all that keeping them takes.
    retained_bytes: Bytes of Realm = 64 * MIB, 0..=TIB;
    /// Events for some subscribers only that one topic keeps.
    retained_filtered: Count of Realm = 8, 0..=MANY;
    /// Events that one SUBSCRIBE with `get_retained` gets, those of the first topics. Others wait for the realm that long.
    retained_answer_events: Count of Realm = 1_000, 0..=MANY;
    /// Bytes of a realm's event history, with all that keeping it takes.
    history_bytes: Bytes of Realm = 64 * MIB, 0..=TIB;
    /// Events in one answer of `wamp.subscription.get_events`.
    history_answer_events: Count of Realm = 1_000, 1..=MANY;
    /// Payload bytes of these. Others wait for the realm that long.
    history_answer_bytes: Bytes of Realm = 256 * KIB, KIB..=GIB;
    /// Payload bytes of a call of a procedure of the router's own. Others wait for the realm that long.
    meta_call_bytes: Bytes of Realm = 128 * KIB, KIB..=GIB;
    /// Bytes of the URIs in one answer of `wamp.reflection.*.list`. Others wait for the realm that long.
    reflection_answer_bytes: Bytes of Realm = MIB, KIB..=GIB;
    /// URIs that one session defines for reflection.
    session_definitions: Count of Session = 100, 0..=MANY;
    /// Bytes of one such definition.
    definition_bytes: Bytes of Session = 4 * KIB, 0..=TIB;
    /// Sessions of a realm.
    realm_sessions: Count of Realm = 100_000, 1..=MANY;
    /// Subscriptions of all sessions of a realm together.
    realm_subscriptions: Count of Realm = 1_000_000, 0..=MANY;
    /// Registrations of all sessions of a realm together.
    realm_registrations: Count of Realm = 1_000_000, 0..=MANY;
    /// Connections of the whole router, those that ask for pages counted.
    connections: Count of Router = 100_000, 1..=MANY;
    /// Connections from one address, of IPv6 from one network of 64 bits; this machine and proxies are exempt.
    address_connections: Count of Router = 1_000, 1..=MANY;
    /// Sessions by long-poll of the whole router.
    longpoll_sessions: Count of Router = 1_000, 0..=MANY;
    /// Browsers that are known again by their cookie.
    cookies: Count of Router = 10_000, 1..=MANY;
    /// Bytes of an HTTP head.
    http_head_bytes: Bytes of Router = 8 * KIB, 8 * KIB..=MIB;
    /// Headers of an HTTP head.
    http_headers: Count of Router = 64, 16..=1_000;
    /// Time to send an HTTP head, from the start of the connection or from the answer to the one before.
    upgrade_time: Time of Router = Duration::from_secs(5), TENTH..=DAY;
    /// Time from the upgrade, or from a GOODBYE, to WELCOME.
    join_time: Time of Router = Duration::from_secs(10), TENTH..=DAY;
    /// Time in which a peer with messages or an HTTP answer waiting must take some bytes.
    stall_time: Time of Session = Duration::from_secs(10), TENTH..=DAY;
    /// Time between two pings; a peer silent for three of them has gone.
    ping_interval: Time of Session = Duration::from_secs(10), TENTH..=DAY;
    /// Time that an authorizer or an authenticator has to decide.
    authorization_time: Time of Realm = Duration::from_secs(5), TENTH..=DAY;
    /// Time that calls in flight get at a shutdown.
    grace_time: Time of Router = Duration::from_secs(10), Duration::ZERO..=DAY;
    /// Time that a peer gets to answer GOODBYE, or to close its side.
    goodbye_time: Time of Router = Duration::from_secs(2), Duration::ZERO..=DAY;
}

impl LimitName {
    /// As the config spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        Limits::TABLE
            .get(self as usize)
            .map_or("", |limit| limit.name)
    }
}
