//! Subscriptions: who wants to hear what.

use super::super::json::{Json, is_set, json, number, text};
use super::{Refusal, Router, SUBSCRIPTIONS, check, refuse, uri};

/// A topic or a pattern, and who subscribed.
pub(in super::super) struct Subscription {
    pub(in super::super) id: u64,
    pub(in super::super) policy: String,
    pub(in super::super) topic: String,
    created: u64,
    /// Whom, and the node key it gave.
    pub(super) subscribers: Vec<(u64, Option<String>)>,
    /// Whether it stays without subscribers.
    is_permanent: bool,
}

impl Subscription {
    pub(super) fn details(&self) -> Json {
        json!({"id": self.id, "created": Router::written(self.created), "uri": self.topic, "match": self.policy})
    }

    pub(in super::super) fn has(&self, session: u64) -> bool {
        self.subscribers.iter().any(|(one, _)| *one == session)
    }
}

impl Router {
    pub(super) fn subscribe(&mut self, from: u64, message: &Json) -> Result<(), Refusal> {
        let (options, topic) = (&message[2], text(&message[3]));
        let policy = options["match"].as_str().unwrap_or("exact");
        self.check_uri(topic, policy)?;
        let existing = self
            .subscriptions
            .iter()
            .find(|s| s.policy == policy && s.topic == topic);
        let existing = existing.map(|subscription| subscription.id);
        let is_new = existing.is_none_or(|id| !self.subscription(id).has(from));
        if is_new && self.subscribed_by(from).len() >= self.profile.session_subscriptions {
            return refuse("wamp.error.unavailable");
        }
        let id = existing.unwrap_or_else(|| self.create_subscription(policy, topic, false));
        let node = options["nkey"].as_str().map(str::to_owned);
        let subscription = self.subscription_mut(id);
        match subscription
            .subscribers
            .iter_mut()
            .find(|(one, _)| *one == from)
        {
            Some((_, held)) => *held = node,
            None => subscription.subscribers.push((from, node)),
        }
        self.send(from, json!([33, message[1], id]));
        if is_set(options, "get_retained") {
            self.send_retained(from, id);
        }
        if existing.is_none() {
            let details = self.subscription(id).details();
            self.happen(("wamp.subscription.on_create", vec![json!(from), details]));
        }
        if is_new {
            self.happen((
                "wamp.subscription.on_subscribe",
                vec![json!(from), json!(id)],
            ));
        }
        Ok(())
    }

    fn create_subscription(&mut self, policy: &str, topic: &str, is_permanent: bool) -> u64 {
        let id = self.fresh(SUBSCRIPTIONS);
        self.subscriptions.push(Subscription {
            id,
            policy: policy.to_owned(),
            topic: topic.to_owned(),
            created: self.now,
            subscribers: Vec::new(),
            is_permanent,
        });
        id
    }

    /// The event history keeps subscriptions of its own.
    pub(super) fn subscribe_history(&mut self) {
        for rule in self.profile.history.clone() {
            self.create_subscription(rule.policy, rule.pattern, true);
        }
    }

    pub(super) fn unsubscribe(&mut self, from: u64, request: u64, id: u64) -> Result<(), Refusal> {
        if !self
            .subscriptions
            .iter()
            .any(|one| one.id == id && one.has(from))
        {
            return refuse("wamp.error.no_such_subscription");
        }
        self.send(from, json!([35, request]));
        self.remove_subscriber(id, from);
        Ok(())
    }

    pub(super) fn remove_subscriber(&mut self, id: u64, session: u64) {
        let subscription = self.subscription_mut(id);
        subscription.subscribers.retain(|(one, _)| *one != session);
        let is_over = subscription.subscribers.is_empty() && !subscription.is_permanent;
        let pair = vec![json!(session), json!(id)];
        self.happen(("wamp.subscription.on_unsubscribe", pair));
        if is_over {
            self.subscriptions.retain(|one| one.id != id);
            let holder = self.last_holder(session);
            self.happen(("wamp.subscription.on_delete", vec![holder, json!(id)]));
        }
    }

    /// Takes a session that ends out of all its subscriptions.
    pub(super) fn drop_subscriber(&mut self, session: u64) {
        for id in self.subscribed_by(session) {
            self.begin_chain();
            self.remove_subscriber(id, session);
        }
    }

    /// What a session subscribed to, by id.
    pub(in super::super) fn subscribed_by(&self, session: u64) -> Vec<u64> {
        let held = self.subscriptions.iter().filter(|one| one.has(session));
        held.map(|one| one.id).collect()
    }

    pub(super) fn subscription(&self, id: u64) -> &Subscription {
        self.subscriptions
            .iter()
            .find(|one| one.id == id)
            .expect("it is there")
    }

    fn subscription_mut(&mut self, id: u64) -> &mut Subscription {
        self.subscriptions
            .iter_mut()
            .find(|one| one.id == id)
            .expect("it is there")
    }

    /// The subscriptions that a topic matches.
    pub(super) fn matching(&self, topic: &str) -> Vec<u64> {
        let matching = self
            .subscriptions
            .iter()
            .filter(|s| uri::matches(&s.policy, &s.topic, topic));
        matching.map(|one| one.id).collect()
    }

    /// The id in the first argument of a meta procedure about one subscription.
    pub(super) fn subscription_named(&self, args: &[Json]) -> Result<u64, Refusal> {
        let Some(id) = args.first().filter(|arg| arg.is_u64()).map(number) else {
            return refuse("wamp.error.invalid_argument");
        };
        let is_there = self.subscriptions.iter().any(|one| one.id == id);
        check(is_there, "wamp.error.no_such_subscription").map(|()| id)
    }
}
