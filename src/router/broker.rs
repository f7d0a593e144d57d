//! The broker: topics, who subscribed to them, and who gets an event.
//!
//! Spec: bp#publish-and-subscribe, ap#pubsub-pattern, ap#pubsub-pub-exclusion.

use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::context::{Context, Refusal};
use super::output::Output;
use super::pattern::PatternIndex;
use crate::protocol::message::{Event, Publish, Subscribe, Subscribed, Unsubscribe, Unsubscribed};
use crate::protocol::{EventDetails, MatchPolicy, PublicationId, SessionId, SubscriptionId, uris};

/// The broker of one realm.
#[derive(Debug)]
pub(super) struct Broker {
    subscriptions: PatternIndex<Subscription>,
    /// subscription -> its place in the index.
    places: FxHashMap<SubscriptionId, (MatchPolicy, Box<str>)>,
    subscription_next: SubscriptionId,
}

/// A topic under one policy. All who subscribe to it share its id. Spec: bp#subscribe-1.
#[derive(Debug)]
struct Subscription {
    id: SubscriptionId,
    policy: MatchPolicy,
    subscribers: IndexSet<SessionId, FxBuildHasher>,
}

impl Subscription {
    fn event(&self, publish: &Publish, publication: PublicationId) -> Event {
        // spec(ap#pubsub-pattern): only the publisher knows the topic of an event matched by pattern.
        let topic = (self.policy != MatchPolicy::Exact).then(|| publish.topic.clone());
        Event {
            subscription: self.id,
            publication,
            details: EventDetails {
                topic,
                ..EventDetails::default()
            },
            payload: publish.payload.clone(),
        }
    }
}

impl Broker {
    pub(super) fn new() -> Self {
        Self {
            subscriptions: PatternIndex::new(),
            places: FxHashMap::default(),
            subscription_next: SubscriptionId::FIRST,
        }
    }

    /// How many topics, each under one policy, somebody subscribed to.
    pub(super) fn subscription_count(&self) -> usize {
        debug_assert_eq!(self.places.len(), self.subscriptions.len());
        self.places.len()
    }

    /// Adds a subscriber. Subscribing again is granted again, with the same id.
    pub(super) fn subscribe(
        &mut self,
        context: &mut Context,
        from: SessionId,
        subscribe: &Subscribe,
    ) -> Result<(), Refusal> {
        let policy = subscribe.options.match_policy.unwrap_or_default();
        context.check_uri(&subscribe.topic, policy)?;
        let subscription = self.place(policy, subscribe.topic.as_str());
        let Some(session) = context.sessions.get_mut(&from) else {
            return Ok(());
        };
        let held_max = context.limits.session_subscriptions;
        if session.subscriptions.len() >= held_max && !session.subscriptions.contains(&subscription)
        {
            self.clear_up(subscription);
            return Err(Refusal::new(
                uris::UNAVAILABLE,
                format!("a session holds at most {held_max} subscriptions"),
            ));
        }
        session.subscriptions.insert(subscription);
        if let Some(subscription) = self.subscriptions.get_mut(policy, subscribe.topic.as_str()) {
            subscription.subscribers.insert(from);
        }
        context.send(
            from,
            Subscribed {
                request: subscribe.request,
                subscription,
            },
        );
        Ok(())
    }

    /// The subscription of a topic, new where nobody holds it.
    fn place(&mut self, policy: MatchPolicy, topic: &str) -> SubscriptionId {
        if let Some(subscription) = self.subscriptions.get(policy, topic) {
            return subscription.id;
        }
        let id = self.subscription_next;
        self.subscription_next = id.next();
        self.subscriptions.insert(
            policy,
            topic,
            Subscription {
                id,
                policy,
                subscribers: IndexSet::default(),
            },
        );
        self.places.insert(id, (policy, topic.into()));
        id
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
        self.drop_subscriber(unsubscribe.subscription, from);
        context.send(
            from,
            Unsubscribed {
                request: Some(unsubscribe.request),
                details: None,
            },
        );
        Ok(())
    }

    /// Takes a session that has ended out of a subscription it held.
    pub(super) fn drop_subscriber(&mut self, subscription: SubscriptionId, session: SessionId) {
        let Some((policy, topic)) = self.places.get(&subscription) else {
            return;
        };
        if let Some(held) = self.subscriptions.get_mut(*policy, topic) {
            held.subscribers.swap_remove(&session);
        }
        self.clear_up(subscription);
    }

    /// Forgets a subscription that nobody holds.
    fn clear_up(&mut self, subscription: SubscriptionId) {
        let Some((policy, topic)) = self.places.get(&subscription) else {
            return;
        };
        if self
            .subscriptions
            .get(*policy, topic)
            .is_some_and(|held| held.subscribers.is_empty())
        {
            self.subscriptions.remove(*policy, topic);
            self.places.remove(&subscription);
        }
    }

    /// Delivers an event to every matching subscription, under one publication id.
    ///
    /// Returns that id. Cost: the index look-up, and O(recipients).
    pub(super) fn publish(
        &self,
        context: &mut Context,
        from: SessionId,
        publish: &Publish,
    ) -> Result<PublicationId, Refusal> {
        context.check_uri(&publish.topic, MatchPolicy::Exact)?;
        Context::check_not_reserved(&publish.topic)?;
        let publication = context.sources.publication();
        // spec(ap#pubsub-pub-exclusion): a publisher does not hear itself unless it asks to.
        let excluded = publish.options.exclude_me.unwrap_or(true).then_some(from);
        let outputs = &mut context.outputs;
        self.subscriptions
            .for_each_match(publish.topic.as_str(), |_, subscription| {
                let event = || subscription.event(publish, publication).into();
                let mut to = subscription
                    .subscribers
                    .iter()
                    .copied()
                    .filter(|&session| Some(session) != excluded);
                match (to.next(), to.next()) {
                    (None, _) => {}
                    // One recipient needs no shared encoding.
                    (Some(to), None) => outputs.push_back(Output::Send {
                        to,
                        message: event(),
                    }),
                    (Some(first), Some(second)) => {
                        let to = [first, second].into_iter().chain(to).collect();
                        outputs.push_back(Output::SendMany {
                            to,
                            message: event(),
                        });
                    }
                }
            });
        Ok(publication)
    }
}
