//! Streams of events: of one subscription, or of several in the order in which they came.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use tokio::sync::mpsc;

use super::Peer;
use super::command::LocalId;
use super::error::RequestError;
use crate::protocol::message::Event;
use crate::protocol::{SubscribeOptions, Uri};

pub(super) type Delivery = (LocalId, Result<Event, SubscriptionEnd>);

/// How many events wait in a stream. bound: beyond, the connection is not read until some are taken.
pub(super) const EVENTS_MAX: usize = 64;

/// The router ended a subscription.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SubscriptionEnd(pub(super) String);

/// The events of one subscription, in order.
///
/// Slow consumers slow the whole connection down: nothing is dropped or piled up here. Dropping this ends the
/// subscription at its next event; [`Peer::unsubscribe`] ends it at once. The stream ends with the session, or with
/// an `Err` that says why the router took the subscription back.
#[derive(Debug)]
pub struct Subscription {
    pub(super) local: LocalId,
    pub(super) events: mpsc::Receiver<Delivery>,
}

impl Subscription {
    /// The next event; `None` once the session, or the subscription, is over.
    pub async fn next_event(&mut self) -> Option<Result<Event, SubscriptionEnd>> {
        let (_, event) = self.events.recv().await?;
        Some(event)
    }
}

impl Stream for Subscription {
    type Item = Result<Event, SubscriptionEnd>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let delivery = self.events.poll_recv(cx);
        delivery.map(|delivery| delivery.map(|(_, event)| event))
    }
}

/// Several subscriptions read as one, their events in the order in which they came.
///
/// Does not end with the session: [`Peer::state`] tells of that.
#[derive(Debug)]
pub struct Subscriptions {
    peer: Peer,
    locals: Vec<LocalId>,
    sender: mpsc::Sender<Delivery>,
    events: mpsc::Receiver<Delivery>,
}

impl Subscriptions {
    /// No subscription yet.
    #[must_use]
    pub fn new(peer: Peer) -> Self {
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        Self {
            peer,
            locals: Vec::new(),
            sender,
            events,
        }
    }

    /// Adds a subscription; they count from 0.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn subscribe(
        &mut self,
        topic: impl Into<Uri>,
        options: SubscribeOptions,
    ) -> Result<(), RequestError> {
        let events = self.sender.clone();
        let local = self.peer.subscribe_into(topic.into(), options, events);
        self.locals.push(local.await?);
        Ok(())
    }

    /// The next event, and which subscription it is of. Cancel-safe.
    pub async fn next_event(&mut self) -> (usize, Result<Event, SubscriptionEnd>) {
        loop {
            let Some((local, event)) = self.events.recv().await else {
                // A sender is kept, so this cannot be.
                std::future::pending().await
            };
            if let Some(index) = self.locals.iter().position(|&other| other == local) {
                return (index, event);
            }
        }
    }

    /// Ends all of them, and waits for the router to say so.
    ///
    /// # Errors
    /// The first [`RequestError`].
    pub async fn unsubscribe(mut self) -> Result<(), RequestError> {
        // The task may be waiting for room.
        self.events.close();
        let mut result = Ok(());
        for local in self.locals {
            result = result.and(self.peer.unsubscribe_local(local).await);
        }
        result
    }
}
