//! Everything that a peer can make grow, and how far.

use std::time::Duration;

/// The bounds of one router. Each is per what its name says; the defaults are those of DESIGN.md, section 3.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of one message once the session is open.
    pub message_bytes: usize,
    /// Bytes of one message before WELCOME.
    pub message_bytes_before_welcome: usize,
    /// Bytes waiting for one peer; an empty outbox takes any one message.
    pub outbox_bytes: usize,
    /// Messages waiting for one peer.
    pub outbox_messages: usize,
    /// Bytes waiting for all peers together; beyond it the slowest are closed.
    pub outbox_bytes_total: usize,
    /// Subscriptions of one session.
    pub session_subscriptions: usize,
    /// Registrations of one session.
    pub session_registrations: usize,
    /// Bytes of the node key of one subscription or registration.
    pub node_key_bytes: usize,
    /// Calls of one session that have no answer yet.
    pub session_calls: usize,
    /// Invocations of one session that it has not answered, those whose caller has gone counted.
    pub session_invocations: usize,
    /// Shapes of wildcards (how many parts, and which are empty) of one session. bound: what a look-up costs.
    pub session_wildcard_shapes: usize,
    /// Shapes of wildcards in a realm, of subscriptions and of registrations each.
    pub realm_wildcard_shapes: usize,
    /// Bytes of a session's calls that are kept because they wait, may go to another callee, or are made in parts.
    pub session_kept_bytes: usize,
    /// Invocations of a session that nobody waits for any more, whose late answers are still known as such.
    pub session_late_answers: usize,
    /// Calls of a session, made in parts, that have ended, whose late parts are still known as such.
    pub session_ended_calls: usize,
    /// Calls that wait until a callee of one registration is free.
    pub registration_queue_calls: usize,
    /// Bytes of these.
    pub registration_queue_bytes: usize,
    /// Testaments of one session in one scope.
    pub session_testaments: usize,
    /// Bytes of one testament.
    pub testament_bytes: usize,
    /// Topics of one realm that keep an event for subscribers to come.
    pub retained_topics: usize,
    /// Bytes of these events.
    pub retained_bytes: usize,
    /// Events for some subscribers only that one topic keeps.
    pub retained_filtered: usize,
    /// Bytes of a realm's event history.
    pub history_bytes: usize,
    /// Events in one answer of `wamp.subscription.get_events`.
    pub history_answer_events: usize,
    /// Payload bytes of these. bound: how long others wait for the realm.
    pub history_answer_bytes: usize,
    /// Payload bytes of a call of a procedure of the router's own. bound: how long others wait for the realm.
    pub meta_call_bytes: usize,
    /// Bytes of the URIs in one answer of `wamp.reflection.*.list`. bound: how long others wait for the realm.
    pub reflection_answer_bytes: usize,
    /// URIs that one session defines for reflection.
    pub session_definitions: usize,
    /// Bytes of one such definition.
    pub definition_bytes: usize,
    /// Connections of the whole router.
    pub connections: usize,
    /// Bytes of an HTTP head.
    pub http_head_bytes: usize,
    /// Headers of an HTTP head.
    pub http_headers: usize,
    /// Time to finish the HTTP upgrade.
    pub upgrade_time: Duration,
    /// Time from the upgrade, or from a GOODBYE, to WELCOME.
    pub join_time: Duration,
    /// Time in which a peer with messages waiting must take some bytes.
    pub stall_time: Duration,
    /// Time between two pings; a peer silent for three of them has gone.
    pub ping_interval: Duration,
    /// Time that calls in flight get at a shutdown.
    pub grace_time: Duration,
    /// Time that a peer gets to answer GOODBYE, or to close its side.
    pub goodbye_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        const KIB: usize = 1024;
        const MIB: usize = 1024 * KIB;
        Self {
            message_bytes: 16 * MIB,
            message_bytes_before_welcome: 64 * KIB,
            outbox_bytes: 4 * MIB,
            outbox_messages: 65_536,
            outbox_bytes_total: 512 * MIB,
            session_subscriptions: 100_000,
            session_registrations: 100_000,
            node_key_bytes: KIB,
            session_calls: 10_000,
            session_invocations: 100_000,
            session_wildcard_shapes: 64,
            realm_wildcard_shapes: 1_024,
            session_kept_bytes: 4 * MIB,
            session_late_answers: 1_000,
            session_ended_calls: 1_000,
            registration_queue_calls: 1_000,
            registration_queue_bytes: 4 * MIB,
            session_testaments: 16,
            testament_bytes: 64 * KIB,
            retained_topics: 100_000,
            retained_bytes: 64 * MIB,
            retained_filtered: 8,
            history_bytes: 64 * MIB,
            history_answer_events: 1_000,
            history_answer_bytes: 256 * KIB,
            meta_call_bytes: 128 * KIB,
            reflection_answer_bytes: MIB,
            session_definitions: 100,
            definition_bytes: 4 * KIB,
            connections: 100_000,
            http_head_bytes: 8 * KIB,
            http_headers: 64,
            upgrade_time: Duration::from_secs(5),
            join_time: Duration::from_secs(10),
            stall_time: Duration::from_secs(10),
            ping_interval: Duration::from_secs(10),
            grace_time: Duration::from_secs(10),
            goodbye_time: Duration::from_secs(2),
        }
    }
}
