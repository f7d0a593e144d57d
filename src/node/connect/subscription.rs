//! A stream of a subscription's events.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use tokio::sync::mpsc;

use super::command::LocalId;
use crate::protocol::message::Event;

pub(super) type Delivery = Result<Event, SubscriptionEnd>;

/// How many events wait in a subscription. bound: beyond, the connection is not read until some are taken.
pub(super) const EVENTS_MAX: usize = 64;

/// The router ended a subscription.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SubscriptionEnd(pub(super) String);

/// The events of one subscription, in order.
///
/// Slow consumers slow the whole connection down: nothing is dropped or piled up here. Dropping this ends the
/// subscription at its next event; [`Peer::unsubscribe`](super::Peer::unsubscribe) ends it at once. The stream ends
/// with the session, or with an `Err` that says why the router took the subscription back.
#[derive(Debug)]
pub struct Subscription {
    pub(super) local: LocalId,
    pub(super) events: mpsc::Receiver<Delivery>,
}

impl Subscription {
    /// The next event; `None` once the session, or the subscription, is over.
    pub async fn next_event(&mut self) -> Option<Result<Event, SubscriptionEnd>> {
        self.events.recv().await
    }
}

impl Stream for Subscription {
    type Item = Result<Event, SubscriptionEnd>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.poll_recv(cx)
    }
}
