//! The async client: a [`Peer`] is a handle to a task that owns one session and its connection.
//!
//! [`Peer::connect`] dials and joins. The task then reads, writes, pings, runs handlers and, if asked to, re-joins
//! after a lost connection and restores what was subscribed and registered. What the messages mean is the sans-io
//! [`client::Session`](crate::client::Session)'s business.

mod callees;
mod command;
mod conversation;
mod driver;
mod error;
mod establish;
mod peer;
mod restore;
mod result_stream;
mod retry;
mod state;
mod subscribers;
mod subscription;
#[cfg(test)]
mod tests;
mod waiting;

use std::time::Duration;

pub use callees::{Handler, Progress, Registration, RegistrationEnd, RegistrationState};
pub use error::{ConnectError, RequestError};
pub use peer::{Outcome, Peer};
pub use result_stream::ResultStream;
pub use retry::Retry;
pub use state::{Gap, Joined, SessionEnd, SessionState};
pub use subscription::{Subscription, SubscriptionEnd, Subscriptions};

use crate::auth::Credentials;
use crate::protocol::Uri;
use crate::transport::Dialer;

/// How to join a realm, and how to stay in it.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// Where the router is, and the serializers offered to it.
    pub dialer: Dialer,
    /// The realm to join.
    pub realm: Uri,
    /// What there is to sign in with.
    pub credentials: Credentials,
    /// Our software and version, as the router sees it.
    pub agent: String,
    /// How long connecting and joining may take; `None` is for ever.
    pub timeout: Option<Duration>,
    /// Whether, and how, a lost session is joined again; `None` ends with the first.
    pub retry: Option<Retry>,
    /// How often to ping; the router is dead after two pings without a sign of life. `None` never asks.
    pub ping_interval: Option<Duration>,
}
