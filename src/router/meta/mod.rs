//! The meta API: what the router itself answers, and what it tells of its own.
//!
//! Procedures are called like any other; they answer at once, under the realm's lock, so whatever one of them
//! walks has a bound. One file a chapter of the specification: sessions, registrations, subscriptions (with the
//! event history), testaments, reflection; [`events`] is what the router publishes.
//! Spec: ap#session-metapi, ap#rpc-reg-metapi, ap#pubsub-sub-metapi, ap#session-testament, ap#interface-reflection.

mod events;
mod reflection;
mod registration;
mod request;
mod session;
mod subscription;
mod testament;

pub(super) use reflection::Definitions;
pub(super) use request::{Reply, Request};
pub(super) use session::Farewell;
pub(super) use testament::Testaments;

use super::context::Refusal;
use super::realm::Realm;

/// What a meta procedure does.
pub(super) type Procedure = fn(&mut Realm, &Request) -> Result<Reply, Refusal>;

/// Every meta procedure, sorted by its URI.
pub(super) const PROCEDURES: &[(&str, Procedure)] = &[
    ("wamp.reflect.define", reflection::define),
    ("wamp.reflect.describe", reflection::describe),
    ("wamp.reflection.error.describe", reflection::describe_error),
    ("wamp.reflection.error.list", reflection::list_errors),
    (
        "wamp.reflection.procedure.describe",
        reflection::describe_procedure,
    ),
    (
        "wamp.reflection.procedure.list",
        reflection::list_procedures,
    ),
    ("wamp.reflection.topic.describe", reflection::describe_topic),
    ("wamp.reflection.topic.list", reflection::list_topics),
    (
        "wamp.registration.count_callees",
        registration::count_callees,
    ),
    ("wamp.registration.get", registration::get),
    ("wamp.registration.list", registration::list),
    ("wamp.registration.list_callees", registration::list_callees),
    ("wamp.registration.lookup", registration::lookup),
    ("wamp.registration.match", registration::match_uri),
    (
        "wamp.registration.remove_callee",
        registration::remove_callee,
    ),
    ("wamp.session.add_testament", testament::add),
    ("wamp.session.count", session::count),
    ("wamp.session.flush_testaments", testament::flush),
    ("wamp.session.get", session::get),
    ("wamp.session.kill", session::kill),
    ("wamp.session.kill_all", session::kill_all),
    ("wamp.session.kill_by_authid", session::kill_by_authid),
    ("wamp.session.kill_by_authrole", session::kill_by_authrole),
    ("wamp.session.list", session::list),
    (
        "wamp.subscription.count_subscribers",
        subscription::count_subscribers,
    ),
    ("wamp.subscription.get", subscription::get),
    ("wamp.subscription.get_events", subscription::get_events),
    ("wamp.subscription.list", subscription::list),
    (
        "wamp.subscription.list_subscribers",
        subscription::list_subscribers,
    ),
    ("wamp.subscription.lookup", subscription::lookup),
    ("wamp.subscription.match", subscription::match_uri),
    (
        "wamp.subscription.remove_subscriber",
        subscription::remove_subscriber,
    ),
];

/// The meta procedure of a URI, if the realm has it.
pub(super) fn procedure(realm: &Realm, uri: &str) -> Option<Procedure> {
    let at = PROCEDURES
        .binary_search_by(|(name, _)| (*name).cmp(uri))
        .ok()?;
    let &(name, procedure) = PROCEDURES.get(at)?;
    let is_offered = name != "wamp.subscription.get_events" || realm.has_history();
    is_offered.then_some(procedure)
}

#[cfg(test)]
mod tests {
    use super::PROCEDURES;

    #[test]
    fn the_table_is_sorted() {
        assert!(PROCEDURES.is_sorted_by_key(|(name, _)| name));
    }
}
