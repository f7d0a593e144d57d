//! `sub --last`: what a router remembers of a topic, from its event history. Spec: ap#pubsub-event-history.

use anyhow::Result;
use jiff::Timestamp;

use super::argument::Arguments;
use super::client::Client;
use super::pattern::Pattern;
use super::printer::ShownEvent;
use crate::node::connect::RequestError;
use crate::protocol::{CallOptions, Dict, Payload, PublicationId, Value};

/// The last events of a subscription that this session holds, oldest first.
///
/// # Errors
/// The router remembers nothing of it, or does not tell.
pub(super) async fn last_events(
    client: &Client<'_>,
    pattern: &Pattern,
    count: u64,
) -> Result<Vec<ShownEvent>, RequestError> {
    let policy = Dict::from_iter([("match", pattern.policy.name())]);
    let args = [pattern.uri.as_str().into(), policy.into()];
    let found = call(client, "wamp.subscription.lookup", &args, &Dict::new()).await?;
    let Some(subscription) = found.first().filter(|id| **id != Value::Null) else {
        return Ok(Vec::new());
    };
    let mut wanted = Dict::from_iter([("limit", count)]);
    wanted.push("reverse", true);
    let args = [subscription.clone()];
    let told = call(client, "wamp.subscription.get_events", &args, &wanted).await?;
    let mut events: Vec<ShownEvent> = match told.into_iter().next() {
        Some(Value::List(events)) => events
            .into_iter()
            .filter_map(|event| understood(event, pattern))
            .collect(),
        _ => Vec::new(),
    };
    events.sort_by_key(|event| event.received);
    Ok(events)
}

async fn call(
    client: &Client<'_>,
    procedure: &str,
    args: &[Value],
    kwargs: &Dict,
) -> Result<Vec<Value>, RequestError> {
    let payload = Payload::from_values(client.serializer(), args, kwargs);
    let outcome = client.peer.call(procedure, CallOptions::default(), payload);
    Ok(outcome.await?.payload.args().unwrap_or_default())
}

/// An event as the router tells it; `None` for what is none.
fn understood(event: Value, pattern: &Pattern) -> Option<ShownEvent> {
    let Value::Dict(event) = event else {
        return None;
    };
    let details = match event.get("details") {
        Some(Value::Dict(details)) => details.clone(),
        _ => Dict::new(),
    };
    let topic = details.get("topic").or_else(|| event.get("topic"));
    let topic = topic.and_then(Value::as_text);
    let publication = event.get("publication").and_then(Value::whole_number)?;
    let publication = u64::try_from(publication).ok()?;
    let time = event.get("timestamp").and_then(Value::as_text)?;
    let received: Timestamp = time.parse().ok()?;
    Some(ShownEvent {
        topic: topic.map_or_else(|| pattern.uri.clone(), ToString::to_string),
        arguments: Arguments {
            args: match event.get("args") {
                Some(Value::List(args)) => args.clone(),
                _ => Vec::new(),
            },
            kwargs: match event.get("kwargs") {
                Some(Value::Dict(kwargs)) => kwargs.clone(),
                _ => Dict::new(),
            },
        },
        publication: PublicationId::new(publication).ok()?,
        received,
        details,
    })
}
