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
    /// Calls of one session that have no answer yet.
    pub session_calls: usize,
    /// Invocations of one session that it has not answered, those whose caller has gone counted.
    pub session_invocations: usize,
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
            session_calls: 10_000,
            session_invocations: 100_000,
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
