//! The broker: topics, who subscribed to them, and who gets an event.
//!
//! | file | what it owns |
//! |---|---|
//! | here | who subscribes, who publishes, and who gets what |
//! | `subscription.rs` | the subscriptions as they lie in memory |
//! | `publication.rs` | a publication on its way |
//! | `audience.rs` | the filters of a publication |
//! | `retention.rs` | events that topics keep for subscribers to come |
//! | `history.rs` | events to be asked for later |
//! | `store.rs` | where these lie |
//!
//! Spec: bp#publish-and-subscribe, ap#advanced-pubsub.

mod audience;
mod history;
mod publication;
mod retention;
mod store;
mod subscription;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::Instant;

use audience::Filter;
pub use audience::KeptAudience;
use history::History;
pub(super) use history::Wanted;
pub use publication::KeptPublication;
use publication::Publication;
use retention::{Asker, Retention};
pub(super) use store::InMemory;
pub use store::{EventStore, StoredEvent};
use subscription::Removed;
pub(super) use subscription::{Subscription, Subscriptions};

use super::authorizer::Action;
use super::context::{Context, Happening, Refusal};
use super::output::{Output, Remark};
use super::pattern::Shape;
use super::shard::{Key, Node};
use crate::protocol::message::{Publish, Subscribe, Subscribed, Unsubscribe, Unsubscribed};
use crate::protocol::{
    EventDetails, Feature, MatchPolicy, Payload, PublicationId, RevocationDetails, Role, SessionId,
    SubscriptionId, Uri, uris,
};
use crate::router::limits::LimitName;

/// The broker of one realm.
#[derive(Debug)]
pub(super) struct Broker {
    pub(super) subscriptions: Subscriptions,
    /// Subscriptions of all sessions together.
    held: usize,
    retention: Retention,
    /// `None` where no topic has one.
    history: Option<History>,
}

impl Broker {
    /// A broker without subscribers; with the subscriptions that the event history is about.
    pub(super) fn new(context: &mut Context, store: Box<dyn EventStore>) -> Self {
        let mut subscriptions = Subscriptions::new();
        let rules = &context.settings.history;
        for rule in rules {
            let (policy, topic) = (rule.topics.policy, rule.topics.pattern.as_str());
            if subscriptions.at(policy, topic).is_none() {
                subscriptions.create(policy, topic, context.sources.time_of_day(), true);
            }
        }
        let history = (!rules.is_empty()).then(|| History::new(rules, store));
        Self {
            subscriptions,
            held: 0,
            retention: Retention::default(),
            history,
        }
    }

    /// How many topics keep an event for subscribers to come.
    pub(super) fn retained_count(&self) -> usize {
        self.retention.len()
    }

    /// Adds a subscriber. Subscribing again is granted again, with the same id.
    pub(super) fn subscribe(
        &mut self,
        context: &mut Context,
        now: Instant,
        from: SessionId,
        subscribe: &Subscribe,
    ) -> Result<(), Refusal> {
        let policy = subscribe.options.match_policy.unwrap_or_default();
        let topic = subscribe.topic.as_str();
        context.check_uri(&subscribe.topic, policy)?;
        context.authorize(from, Action::Subscribe, (policy, &subscribe.topic))?;
        context.check_node_key(subscribe.options.nkey.as_ref())?;
        let held = self.subscriptions.at(policy, topic).map(|held| held.id);
        self.check_bounds(context, from, (policy, topic), held)?;
        let subscription = held.unwrap_or_else(|| {
            let created = context.sources.time_of_day();
            self.subscriptions.create(policy, topic, created, false)
        });
        let node = subscribe.options.nkey.as_deref().map(Node::named);
        let is_new = self.subscriptions.add(policy, topic, from, node);
        self.held += usize::from(is_new);
        if let Some(session) = context.sessions.get_mut(&from).filter(|_| is_new) {
            session.subscriptions.insert(subscription);
            session.hold_shape(policy, topic);
        }
        context.send(
            from,
            Subscribed {
                request: subscribe.request,
                subscription,
            },
        );
        if subscribe.options.get_retained == Some(true) {
            self.send_retained(context, now, from, (policy, topic));
        }
        if held.is_none() {
            context.tell(Happening::SubscriptionCreated(from, subscription));
        }
        if is_new {
            context.tell(Happening::Subscribed(from, subscription));
        }
        Ok(())
    }

    fn check_bounds(
        &self,
        context: &Context,
        from: SessionId,
        (policy, topic): (MatchPolicy, &str),
        held: Option<SubscriptionId>,
    ) -> Result<(), Refusal> {
        let session = context.sessions.get(&from);
        let own = session.map(|session| &session.subscriptions);
        if own.is_some_and(|own| held.is_some_and(|held| own.contains(&held))) {
            return Ok(());
        }
        let held_max = context.limits_of(from).session_subscriptions;
        if own.is_some_and(|own| own.len() >= held_max) {
            let text = format!("a session holds at most {held_max} subscriptions");
            return Err(Refusal::limit(LimitName::session_subscriptions, text));
        }
        let realm_max = context.limits.realm_subscriptions;
        if self.held >= realm_max {
            let text = format!(
                "the sessions of this realm hold {realm_max} subscriptions, as many as they may"
            );
            return Err(Refusal::limit(LimitName::realm_subscriptions, text));
        }
        if policy == MatchPolicy::Wildcard {
            let shape = Shape::of(topic);
            let is_new = !self.subscriptions.has_shape(shape);
            context.check_shape(from, shape, is_new, self.subscriptions.shapes())?;
        }
        Ok(())
    }

    /// Sends what the matching topics keep, up to a bound. Spec: ap#event-retention.
    fn send_retained(
        &self,
        context: &mut Context,
        now: Instant,
        to: SessionId,
        pattern: (MatchPolicy, &str),
    ) {
        let Some(subscription) = self.subscriptions.at(pattern.0, pattern.1) else {
            return;
        };
        let Some(session) = context.sessions.get(&to) else {
            return;
        };
        let asker = Asker {
            now,
            session: to,
            identity: &session.identity,
            subscription,
        };
        let events_max = context.limits.retained_answer_events;
        let retained = self.retention.answer(pattern, &asker, events_max);
        let cut = retained.is_cut.then_some(retained.events.len());
        for publication in retained.events {
            let mut event = publication.event(subscription);
            event.details.origin.get_or_insert_default().retained = Some(true);
            let message = event.into();
            context.outputs.push_back(Output::Send { to, message });
        }
        if let Some(events) = cut {
            context.bite(LimitName::retained_answer_events, to);
            context.remark(to, Remark::RetainedCut { events });
        }
    }

    pub(super) fn unsubscribe(
        &mut self,
        context: &mut Context,
        from: SessionId,
        unsubscribe: &Unsubscribe,
    ) -> Result<(), Refusal> {
        let Some(session) = context.sessions.get_mut(&from) else {
            return Ok(());
        };
        if !session.subscriptions.swap_remove(&unsubscribe.subscription) {
            let text = format!(
                "this session holds no subscription {}",
                unsubscribe.subscription
            );
            return Err(Refusal::new(uris::NO_SUCH_SUBSCRIPTION, text));
        }
        context.send(
            from,
            Unsubscribed {
                request: Some(unsubscribe.request),
                details: None,
            },
        );
        self.remove_subscriber(context, unsubscribe.subscription, from);
        Ok(())
    }

    /// Takes a subscription back from a subscriber; false where it does not hold it.
    /// Spec: ap#subscription-revocation.
    pub(super) fn revoke(
        &mut self,
        context: &mut Context,
        subscription: SubscriptionId,
        subscriber: SessionId,
        reason: Option<&str>,
    ) -> bool {
        let Some(session) = context.sessions.get_mut(&subscriber) else {
            return false;
        };
        if !session.subscriptions.swap_remove(&subscription) {
            return false;
        }
        if session.announces(Role::Subscriber, Feature::SubscriptionRevocation) {
            let details = RevocationDetails {
                subscription: Some(subscription),
                reason: reason.map(Into::into),
                ..RevocationDetails::default()
            };
            context.send(
                subscriber,
                Unsubscribed {
                    request: None,
                    details: Some(details),
                },
            );
        }
        self.remove_subscriber(context, subscription, subscriber);
        true
    }

    /// Takes a subscriber out of a subscription that it no longer holds.
    pub(super) fn remove_subscriber(
        &mut self,
        context: &mut Context,
        subscription: SubscriptionId,
        subscriber: SessionId,
    ) {
        if let Some((policy, topic)) = self.subscriptions.pattern(subscription)
            && let Some(session) = context.sessions.get_mut(&subscriber)
        {
            session.release_shape(policy, topic);
        }
        let Some(removed) = self.subscriptions.remove(subscription, subscriber) else {
            return;
        };
        self.held -= 1;
        context.tell(Happening::Unsubscribed(subscriber, subscription));
        if removed == Removed::Subscription {
            context.tell(Happening::SubscriptionDeleted(subscriber, subscription));
        }
    }

    /// Delivers a client's event to every matching subscription, under one publication id.
    ///
    /// Returns that id. Cost: the index look-up, and O(recipients).
    pub(super) fn publish(
        &mut self,
        context: &mut Context,
        now: Instant,
        from: SessionId,
        publish: &Publish,
    ) -> Result<PublicationId, Refusal> {
        context.check_uri(&publish.topic, MatchPolicy::Exact)?;
        Context::check_not_reserved(&publish.topic)?;
        let topic = (MatchPolicy::Exact, &publish.topic);
        context.authorize(from, Action::Publish, topic)?;
        context.check_disclosure(from, publish.options.disclose_me, Action::Publish, topic)?;
        let publication = Publication::of_client(context, from, publish);
        self.deliver(context, &publication);
        if publish.options.retain == Some(true) {
            let (rules, limits) = (&context.settings.retention, &context.limits);
            let reached = self.retention.keep(rules, limits, now, &publication);
            context.bites.note_if(reached, from);
        }
        if let Some(history) = &mut self.history {
            let is_full = history.keep(&publication, || context.sources.time_of_day());
            context
                .bites
                .note_if(is_full.then_some(LimitName::history_bytes), from);
        }
        Ok(publication.id)
    }

    /// Whether somebody would get what is published to a topic. Cost: the index look-up.
    pub(super) fn has_subscribers(&self, topic: &Uri) -> bool {
        let mut has_any = false;
        self.subscriptions
            .for_each_match(topic.as_str(), |matching| {
                has_any = has_any || !matching.subscribers.is_empty();
            });
        has_any
    }

    /// Delivers an event of the router's own.
    pub(super) fn publish_own(&self, context: &mut Context, topic: &Uri, payload: &Payload) {
        let publication = Publication::of_router(context, topic, payload);
        self.deliver(context, &publication);
    }

    fn deliver(&self, context: &mut Context, publication: &Publication<'_>) {
        let topic = publication.topic.as_str();
        let (sessions, outputs) = (&context.sessions, &mut context.outputs);
        let Some(audience) = publication.audience else {
            self.subscriptions.for_each_match(topic, |subscription| {
                let to = subscription.subscribers.iter().copied();
                let to = to.filter(|&session| Some(session) != publication.excluded);
                push_event(outputs, publication, subscription, to);
            });
            return;
        };
        let filter = Filter::new(audience);
        let key = audience.rkey.as_deref().map(Key::new);
        self.subscriptions.for_each_match(topic, |subscription| {
            let owner = subscription.owner(key);
            let admits = |&session: &SessionId| {
                let identity = sessions.get(&session).map(|it| &it.identity);
                Some(session) != publication.excluded
                    && identity.is_some_and(|identity| filter.admits(session, identity))
                    && subscription.is_addressed(session, owner)
            };
            let to = subscription.subscribers.iter().copied().filter(admits);
            push_event(outputs, publication, subscription, to);
        });
    }

    /// The events of a subscription that `asker` may see and wants; `None` where no topic has a history.
    ///
    /// One more than an answer may hold at most: that tells that there are more.
    pub(super) fn history(
        &self,
        context: &Context,
        subscription: SubscriptionId,
        asker: SessionId,
        wanted: &Wanted,
    ) -> Option<Vec<(String, EventDetails, PublicationId, Payload)>> {
        let pattern = self.subscriptions.pattern(subscription)?;
        let held = self.subscriptions.get(subscription)?;
        let identity = &context.sessions.get(&asker)?.identity;
        let events_max = context.limits.history_answer_events + 1;
        let history = self.history.as_ref()?;
        let events = history.events(pattern, identity, wanted, events_max);
        let told = |event: &Cow<'_, StoredEvent>| {
            let message = event.publication.publication().event(held);
            let time = super::sources::written(event.time);
            (time, message.details, message.publication, message.payload)
        };
        Some(events.iter().map(told).collect())
    }
}

/// Asks for an EVENT to be sent to these subscribers.
fn push_event(
    outputs: &mut VecDeque<Output>,
    publication: &Publication<'_>,
    subscription: &Subscription,
    mut to: impl Iterator<Item = SessionId>,
) {
    let Some(first) = to.next() else { return };
    let message = publication.event(subscription).into();
    let Some(second) = to.next() else {
        // One recipient needs no shared encoding.
        return outputs.push_back(Output::Send { to: first, message });
    };
    let mut all = Vec::with_capacity(subscription.subscribers.len());
    all.extend([first, second]);
    all.extend(to);
    outputs.push_back(Output::SendMany { to: all, message });
}
