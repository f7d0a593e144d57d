//! THE CORE: what a router decides. Deterministic, without IO, clock, randomness, lock or log.
//!
//! A [`Handshake`] decides who may join; a [`Realm`] takes the messages of its sessions and says what is to be
//! sent to whom, its [`Broker`](broker) for events, its [`Dealer`](dealer) for calls. A request that cannot be
//! granted is an ERROR message; a broken rule is a [`Violation`], and becomes ABORT in one place.
//! `node` runs it: there are the locks, the sockets and the clock.

#![warn(clippy::indexing_slicing, clippy::wildcard_enum_match_arm)]

mod asking;
mod authenticator;
mod authorizer;
mod bites;
mod bounds;
mod broker;
mod context;
mod deadlines;
mod dealer;
mod dynamic;
mod handshake;
mod identity;
mod leaving;
mod limits;
mod meta;
mod output;
mod pattern;
mod permission;
mod question;
mod rate;
mod realm;
mod remembered;
mod revision;
mod session;
mod settings;
mod shard;
mod sources;
mod violation;
mod welcome;

pub use authenticator::{Authenticator, Occurrence, SignInRules};
pub use authorizer::{
    Action, Actions, Decision, DynamicAuthorizer, Explanation, Reach, Rights, Roles, Rule,
};
pub use bites::{Bite, Bites};
pub use bounds::{Bounds, Rates, RoleBounds, SessionBounds};
pub use broker::{EventStore, KeptAudience, KeptPublication, StoredEvent};
pub use dynamic::{DynamicAuthenticator, Question};
pub use handshake::{Handshake, Joining, Step, denied, denied_for_now};
pub use identity::{Certificate, Channel, Identity, Remembered, Transport};
pub use limits::{Field, Limit, LimitName, Limits, Scope, Unit};
pub use output::{End, Output, Remark};
pub use pattern::{PatternIndex, Shape};
pub use rate::{Bucket, Joins, Rate, TooMany};
pub use realm::{Holdings, Realm};
pub use settings::{
    HistoryRule, RequestIds, RetentionRule, Settings, TimeUnit, TrustRule, UriPattern,
};
pub use sources::Sources;
pub use violation::Violation;
pub use welcome::ROUTER_FEATURES;
