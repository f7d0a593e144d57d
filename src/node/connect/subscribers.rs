//! Who gets which events, and those that found no room yet.

use std::collections::{BTreeMap, HashMap, VecDeque};

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::command::LocalId;
use super::subscription::{Delivery, SubscriptionEnd};
use crate::protocol::message::Event;
use crate::protocol::{SubscribeOptions, SubscriptionId, Uri};

/// One subscription of the application.
struct Subscriber {
    topic: Uri,
    options: SubscribeOptions,
    events: mpsc::Sender<Delivery>,
    /// What the router calls it, in this session.
    subscription: Option<SubscriptionId>,
}

#[derive(Default)]
pub(super) struct Subscribers {
    entries: BTreeMap<LocalId, Subscriber>,
    /// The router gives two subscriptions to one topic the same id.
    by_subscription: HashMap<SubscriptionId, Vec<LocalId>>,
    /// bound: while there are any, the connection is not read.
    waiting: VecDeque<(LocalId, Event)>,
}

impl Subscribers {
    pub(super) fn add(
        &mut self,
        local: LocalId,
        topic: Uri,
        options: SubscribeOptions,
        events: mpsc::Sender<Delivery>,
    ) {
        let subscription = None;
        self.entries.insert(
            local,
            Subscriber {
                topic,
                options,
                events,
                subscription,
            },
        );
    }

    /// Notes the router's answer.
    pub(super) fn subscribed(&mut self, local: LocalId, subscription: SubscriptionId) -> bool {
        let subscriber = self.entries.get_mut(&local);
        let is_wanted = subscriber.is_some();
        if let Some(subscriber) = subscriber {
            subscriber.subscription = Some(subscription);
            self.by_subscription
                .entry(subscription)
                .or_default()
                .push(local);
        }
        is_wanted
    }

    /// Forgets a subscriber, and returns the subscription to give back.
    pub(super) fn remove(&mut self, local: LocalId) -> Option<SubscriptionId> {
        let subscription = self.entries.remove(&local)?.subscription?;
        self.waiting.retain(|(waiting, _)| *waiting != local);
        if let Some(locals) = self.by_subscription.get_mut(&subscription) {
            locals.retain(|other| *other != local);
            if locals.is_empty() {
                self.by_subscription.remove(&subscription);
            }
        }
        Some(subscription)
    }

    /// Ends a subscriber, telling it why.
    pub(super) fn end(&mut self, local: LocalId, why: String) {
        if let Some(subscriber) = self.entries.get(&local) {
            let events = subscriber.events.clone();
            // Off the task: there may be no room in it now. It ends when the reader takes it, or goes.
            tokio::spawn(async move { events.send((local, Err(SubscriptionEnd(why)))).await });
        }
        self.remove(local);
    }

    /// The subscribers of a subscription.
    pub(super) fn of(&self, subscription: SubscriptionId) -> Vec<LocalId> {
        self.by_subscription
            .get(&subscription)
            .cloned()
            .unwrap_or_default()
    }

    /// Hands an event to all who want it; returns those who have gone.
    pub(super) fn deliver(&mut self, event: &Event) -> Vec<LocalId> {
        let mut gone = Vec::new();
        let locals = self.by_subscription.get(&event.subscription);
        for &local in locals.map(Vec::as_slice).unwrap_or_default() {
            let Some(subscriber) = self.entries.get(&local) else {
                continue;
            };
            // order: behind those that wait already.
            if !self.waiting.is_empty() {
                self.waiting.push_back((local, event.clone()));
                continue;
            }
            match subscriber.events.try_send((local, Ok(event.clone()))) {
                Ok(()) => {}
                Err(TrySendError::Full(_)) => self.waiting.push_back((local, event.clone())),
                Err(TrySendError::Closed(_)) => gone.push(local),
            }
        }
        gone
    }

    /// Whether no event waits for room.
    pub(super) fn all_delivered(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Waits for room and delivers what waits; returns the first who has gone. Cancel-safe.
    pub(super) async fn deliver_waiting(&mut self) -> Option<LocalId> {
        while let Some((local, _)) = self.waiting.front() {
            let local = *local;
            let Some(subscriber) = self.entries.get(&local) else {
                self.waiting.pop_front();
                continue;
            };
            let Ok(room) = subscriber.events.reserve().await else {
                return Some(local);
            };
            if let Some((_, event)) = self.waiting.pop_front() {
                room.send((local, Ok(event)));
            }
        }
        None
    }

    /// Forgets the router's ids: the session is lost.
    pub(super) fn reset(&mut self) {
        self.by_subscription.clear();
        for subscriber in self.entries.values_mut() {
            subscriber.subscription = None;
        }
    }

    /// All that is to be subscribed again.
    pub(super) fn all(&self) -> Vec<(LocalId, Uri, SubscribeOptions)> {
        let again = |(local, subscriber): (&LocalId, &Subscriber)| {
            (*local, subscriber.topic.clone(), subscriber.options.clone())
        };
        self.entries.iter().map(again).collect()
    }
}
