//! `wamp.subscription.*`: what is subscribed to, by whom, and what was published.
//! Spec: ap#pubsub-sub-metapi, ap#pubsub-event-history.

#![expect(
    clippy::unnecessary_wraps,
    reason = "every meta procedure has the same type"
)]

use jiff::Timestamp;

use super::registration::by_policy;
use super::request::wrong_keyword;
use super::session::no_such_session;
use super::{Reply, Request};
use crate::protocol::{
    Dict, EventDetails, Options, Payload, PublicationId, SubscribeOptions, SubscriptionId, Uri,
    Value, uris,
};
use crate::router::authorizer::Action;
use crate::router::broker::{Subscription, Wanted};
use crate::router::context::Refusal;
use crate::router::limits::LimitName;
use crate::router::realm::Realm;
use crate::router::sources::written;

/// Cost: O(subscriptions).
pub(super) fn list(realm: &mut Realm, _: &Request) -> Result<Reply, Refusal> {
    let all = realm.broker.subscriptions.all();
    let ids = all.into_iter().map(|(id, policy, _)| (policy, id.value()));
    Ok(Reply::value(by_policy(ids)))
}

pub(super) fn lookup(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    let topic = request.uri(0)?;
    let options: SubscribeOptions = request.options(1)?;
    let policy = options.match_policy.unwrap_or_default();
    let found = realm.broker.subscriptions.at(policy, topic.as_str());
    Ok(Reply::value(
        found.map_or(Value::Null, |found| found.id.value().into()),
    ))
}

/// Cost: the index look-up.
pub(super) fn match_uri(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    let topic = request.uri(0)?;
    let mut ids = Vec::new();
    let subscriptions = &realm.broker.subscriptions;
    subscriptions.for_each_match(topic.as_str(), |matching| ids.push(matching.id.value()));
    // spec(ap#pubsub-sub-metapi): a list of all matching ones, or null.
    Ok(Reply::value(if ids.is_empty() {
        Value::Null
    } else {
        ids.into()
    }))
}

pub(super) fn get(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    let id = request.subscription(0)?;
    let details = details(realm, id).ok_or_else(|| no_such_subscription(id))?;
    Ok(Reply::value(details))
}

/// What is told of a subscription.
pub(super) fn details(realm: &Realm, id: SubscriptionId) -> Option<Dict> {
    let subscriptions = &realm.broker.subscriptions;
    let subscription = subscriptions.get(id)?;
    let (policy, topic) = subscriptions.pattern(id)?;
    let details = [
        ("id", Value::from(id.value())),
        ("created", written(subscription.created).into()),
        ("uri", topic.into()),
        ("match", policy.name().into()),
    ];
    Some(details.into_iter().collect())
}

/// Cost: O(subscribers).
pub(super) fn list_subscribers(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    let subscribers = held(realm, request)?.subscribers.iter();
    let subscribers = subscribers.map(|id| id.value());
    Ok(Reply::value(subscribers.collect::<Vec<_>>()))
}

pub(super) fn count_subscribers(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    Ok(Reply::value(held(realm, request)?.subscribers.len() as u64))
}

/// Takes a subscription back from a subscriber. Of Crossbar.io's catalogue.
///
/// Its `reason` is any text, as the specification has it; Autobahn's subscribers take nothing but a URI.
pub(super) fn remove_subscriber(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    realm
        .context
        .check_may_kill(request.caller, &request.procedure)?;
    let id = held(realm, request)?.id;
    let subscriber = request.session(1)?;
    let reason = request.keyword_text("reason")?.map(|reason| &**reason);
    if realm
        .broker
        .revoke(&mut realm.context, id, subscriber, reason)
    {
        Ok(Reply::default())
    } else if realm.context.sessions.contains_key(&subscriber) {
        let text = format!("session {subscriber} is no subscriber of subscription {id}");
        Err(Refusal::new(uris::NO_SUCH_SUBSCRIPTION, text))
    } else {
        Err(no_such_session(subscriber))
    }
}

fn held<'a>(realm: &'a Realm, request: &Request) -> Result<&'a Subscription, Refusal> {
    let id = request.subscription(0)?;
    let held = realm.broker.subscriptions.get(id);
    held.ok_or_else(|| no_such_subscription(id))
}

fn no_such_subscription(id: SubscriptionId) -> Refusal {
    let text = format!("there is no subscription {id} in this realm");
    Refusal::new(uris::NO_SUCH_SUBSCRIPTION, text)
}

/// The events of a subscription's topics, as far as one answer may hold them; `more` says that there are others.
pub(super) fn get_events(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    let id = held(realm, request)?.id;
    if let Some((policy, topic)) = realm.broker.subscriptions.pattern(id) {
        let topic = Uri::from(topic);
        let context = &realm.context;
        context.authorize(request.caller, Action::Subscribe, (policy, &topic))?;
    }
    let wanted = wanted(request)?;
    let limits = &realm.context.limits;
    let count_max = limits.history_answer_events;
    let count_max = wanted.limit.map_or(count_max, |limit| limit.min(count_max));
    let bytes_max = limits.history_answer_bytes;
    let found = realm
        .broker
        .history(&realm.context, id, request.caller, &wanted);
    let found = found.unwrap_or_default();
    let found_count = found.len();
    let mut bytes = 0;
    let mut events = Vec::new();
    for (time, details, publication, payload) in found {
        bytes += payload.len();
        // One is told whatever its size, or a reader would never get past it.
        if events.len() >= count_max || (bytes > bytes_max && !events.is_empty()) {
            break;
        }
        events.push(told(id, time, &details, publication, &payload));
    }
    let is_cut =
        events.len() < found_count && wanted.limit.is_none_or(|limit| events.len() < limit);
    if is_cut {
        let limit = if events.len() < count_max {
            LimitName::history_answer_bytes
        } else {
            LimitName::history_answer_events
        };
        realm.context.bite(limit, request.caller);
    }
    let reply = Reply::value(events);
    Ok(if is_cut {
        reply.with("more", true)
    } else {
        reply
    })
}

/// An event as history tells it. Arguments that are one binary string are told as such.
fn told(
    subscription: SubscriptionId,
    time: String,
    details: &EventDetails,
    publication: PublicationId,
    payload: &Payload,
) -> Dict {
    let mut event = Dict::new();
    event.push("timestamp", time);
    event.push("subscription", subscription.value());
    event.push("publication", publication.value());
    event.push("details", details.to_dict());
    let (args, kwargs) = (payload.values(), payload.kwargs().unwrap_or_default());
    if args != Value::List(Vec::new()) || !kwargs.is_empty() {
        event.push("args", args);
    }
    if !kwargs.is_empty() {
        event.push("kwargs", kwargs);
    }
    event
}

fn wanted(request: &Request) -> Result<Wanted, Refusal> {
    let topic = request.keyword_text("topic")?;
    let limit = request.keyword_number("limit")?;
    Ok(Wanted {
        reverse: request.keyword_flag("reverse")?,
        limit: limit.map(|limit| limit.try_into().unwrap_or(usize::MAX)),
        from_time: time(request, "from_time")?,
        after_time: time(request, "after_time")?,
        before_time: time(request, "before_time")?,
        until_time: time(request, "until_time")?,
        topic: topic.map(|topic| Uri::new(topic.clone())),
        from_publication: publication(request, "from_publication")?,
        after_publication: publication(request, "after_publication")?,
        before_publication: publication(request, "before_publication")?,
        until_publication: publication(request, "until_publication")?,
    })
}

fn time(request: &Request, name: &str) -> Result<Option<Timestamp>, Refusal> {
    let expected = "a time such as 2026-11-25T12:00:00Z";
    let text = request.keyword_text(name)?;
    text.map(|text| text.parse().map_err(|_| wrong_keyword(name, expected)))
        .transpose()
}

fn publication(request: &Request, name: &str) -> Result<Option<PublicationId>, Refusal> {
    let id = request.keyword_number(name)?.map(PublicationId::new);
    id.transpose()
        .map_err(|_| wrong_keyword(name, "the id of a publication"))
}
