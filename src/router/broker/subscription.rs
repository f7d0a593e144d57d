//! Subscriptions: topics and patterns of them, and who subscribed.

use indexmap::{IndexMap, IndexSet};
use jiff::Timestamp;
use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::protocol::{MatchPolicy, SessionId, SubscriptionId};
use crate::router::pattern::{PatternIndex, Shape};
use crate::router::shard::{Key, Node};

/// The subscriptions of one realm.
#[derive(Debug)]
pub(in crate::router) struct Subscriptions {
    index: PatternIndex<Subscription>,
    /// subscription -> its place in the index.
    places: FxHashMap<SubscriptionId, (MatchPolicy, Box<str>)>,
    next: SubscriptionId,
}

/// A topic under one policy. All who subscribe to it share its id. Spec: bp#subscribe-1.
#[derive(Debug)]
pub(in crate::router) struct Subscription {
    pub(in crate::router) id: SubscriptionId,
    pub(in crate::router) policy: MatchPolicy,
    pub(in crate::router) created: Timestamp,
    pub(in crate::router) subscribers: IndexSet<SessionId, FxBuildHasher>,
    /// The nodes of those who gave a node key.
    nodes: Option<Box<IndexMap<SessionId, Node, FxBuildHasher>>>,
    /// Whether it stays without subscribers: the event history is about it.
    is_permanent: bool,
}

impl Subscription {
    /// The node that alone gets what has this resource key, among subscribers with a node key.
    /// Cost: O(nodes).
    pub(super) fn owner(&self, key: Option<Key>) -> Option<Node> {
        let nodes = self.nodes.as_ref()?;
        key?.owner(nodes.values().copied())
    }

    /// Whether a subscriber gets what `owner` alone gets. Spec: ap#pubsub-sharded-subscription.
    pub(super) fn is_addressed(&self, subscriber: SessionId, owner: Option<Node>) -> bool {
        let node = self.nodes.as_ref().and_then(|nodes| nodes.get(&subscriber));
        match (owner, node) {
            (Some(owner), Some(&node)) => node == owner,
            (None, _) | (_, None) => true,
        }
    }

    /// How many nodes are looked at to tell whether a subscriber gets what has a resource key.
    pub(super) fn rivals(&self, subscriber: SessionId) -> usize {
        let nodes = self.nodes.as_ref();
        let nodes = nodes.filter(|nodes| nodes.contains_key(&subscriber));
        nodes.map_or(0, |nodes| nodes.len())
    }

    fn set_node(&mut self, subscriber: SessionId, node: Option<Node>) {
        if let Some(node) = node {
            self.nodes.get_or_insert_default().insert(subscriber, node);
        } else if let Some(nodes) = &mut self.nodes {
            nodes.shift_remove(&subscriber);
            if nodes.is_empty() {
                self.nodes = None;
            }
        }
    }
}

/// What went with a subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Removed {
    /// Itself; others hold the subscription too, or it stays anyway.
    Subscriber,
    /// The subscription.
    Subscription,
}

impl Subscriptions {
    pub(super) fn new() -> Self {
        Self {
            index: PatternIndex::new(),
            places: FxHashMap::default(),
            next: SubscriptionId::FIRST,
        }
    }

    pub(in crate::router) fn len(&self) -> usize {
        debug_assert_eq!(self.places.len(), self.index.len());
        self.places.len()
    }

    /// The subscription of this very pattern.
    pub(in crate::router) fn at(&self, policy: MatchPolicy, topic: &str) -> Option<&Subscription> {
        self.index.get(policy, topic)
    }

    pub(in crate::router) fn get(&self, id: SubscriptionId) -> Option<&Subscription> {
        let (policy, topic) = self.places.get(&id)?;
        self.index.get(*policy, topic)
    }

    /// The pattern of a subscription.
    pub(in crate::router) fn pattern(&self, id: SubscriptionId) -> Option<(MatchPolicy, &str)> {
        let (policy, topic) = self.places.get(&id)?;
        Some((*policy, topic))
    }

    /// Every subscription, in the order of the ids. Cost: O(n log n).
    pub(in crate::router) fn all(&self) -> Vec<(SubscriptionId, MatchPolicy, &str)> {
        let places = self.places.iter();
        let mut all: Vec<_> = places
            .map(|(&id, (policy, topic))| (id, *policy, &**topic))
            .collect();
        all.sort_unstable();
        all
    }

    /// Every topic, and every pattern of them. The order depends on hashes: who tells it must sort.
    pub(in crate::router) fn topics(&self) -> impl Iterator<Item = &str> {
        self.places.values().map(|(_, topic)| &**topic)
    }

    /// Visits every subscription that a topic matches.
    pub(in crate::router) fn for_each_match<'a>(
        &'a self,
        topic: &str,
        mut visit: impl FnMut(&'a Subscription),
    ) {
        self.index
            .for_each_match(topic, |_, subscription| visit(subscription));
    }

    pub(super) fn has_shape(&self, shape: Shape) -> bool {
        self.index.has_shape(shape)
    }

    pub(super) fn shapes(&self) -> usize {
        self.index.shapes()
    }

    /// Makes a subscription that nobody holds yet; `is_permanent` where it is to stay so.
    pub(super) fn create(
        &mut self,
        policy: MatchPolicy,
        topic: &str,
        created: Timestamp,
        is_permanent: bool,
    ) -> SubscriptionId {
        let id = self.next;
        self.next = id.next();
        let subscription = Subscription {
            id,
            policy,
            created,
            subscribers: IndexSet::default(),
            nodes: None,
            is_permanent,
        };
        self.index.insert(policy, topic, subscription);
        self.places.insert(id, (policy, topic.into()));
        id
    }

    /// Adds a subscriber, or gives it another node key; true where it is new.
    pub(super) fn add(
        &mut self,
        policy: MatchPolicy,
        topic: &str,
        subscriber: SessionId,
        node: Option<Node>,
    ) -> bool {
        let Some(subscription) = self.index.get_mut(policy, topic) else {
            return false;
        };
        subscription.set_node(subscriber, node);
        subscription.subscribers.insert(subscriber)
    }

    /// Takes a subscriber out, and the subscription with its last one.
    pub(super) fn remove(&mut self, id: SubscriptionId, subscriber: SessionId) -> Option<Removed> {
        let (policy, topic) = self.places.get(&id)?;
        let subscription = self.index.get_mut(*policy, topic)?;
        if !subscription.subscribers.swap_remove(&subscriber) {
            return None;
        }
        subscription.set_node(subscriber, None);
        if !subscription.subscribers.is_empty() || subscription.is_permanent {
            return Some(Removed::Subscriber);
        }
        self.index.remove(*policy, topic);
        self.places.remove(&id);
        Some(Removed::Subscription)
    }
}
