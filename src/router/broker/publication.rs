//! A publication on its way to its subscribers, or kept for later ones.

use std::sync::Arc;

use crate::protocol::message::{Event, Publish};
use crate::protocol::{
    Audience, EventDetails, MatchPolicy, Payload, PublicationId, PublisherDetails, SessionId, Uri,
};
use crate::router::context::Context;

use super::subscription::Subscription;

/// What is published.
#[derive(Clone, Debug)]
pub(super) struct Publication {
    pub(super) id: PublicationId,
    pub(super) topic: Uri,
    /// Who does not get it because it is its own.
    pub(super) excluded: Option<SessionId>,
    /// What every subscriber is told; the topic is added where the subscription is by pattern.
    pub(super) details: EventDetails,
    pub(super) payload: Payload,
    pub(super) audience: Option<Arc<Audience>>,
}

impl Publication {
    /// What a client publishes. Spec: bp#publish-1, ap#pubsub-pub-exclusion, ap#pubsub-pub-identification.
    pub(super) fn of_client(context: &mut Context, from: SessionId, publish: Publish) -> Self {
        let Publish {
            options,
            topic,
            payload,
            ..
        } = publish;
        let publisher = if options.disclose_me == Some(true) {
            disclosed(context, from)
        } else {
            None
        };
        Self {
            id: context.sources.publication(),
            // A publisher does not hear itself unless it asks to.
            excluded: options.exclude_me.unwrap_or(true).then_some(from),
            details: EventDetails {
                trustlevel: context.trust_level(from, &topic),
                publisher,
                passthru: options.passthru,
                ..EventDetails::default()
            },
            topic,
            payload,
            audience: options.audience.map(|audience| Arc::new(*audience)),
        }
    }

    /// What the router publishes itself.
    pub(super) fn of_router(context: &mut Context, topic: &Uri, payload: Payload) -> Self {
        Self {
            id: context.sources.publication(),
            topic: topic.clone(),
            excluded: None,
            details: EventDetails::default(),
            payload,
            audience: None,
        }
    }

    /// A copy to be kept: it does not hold on to the frame it came in.
    pub(super) fn detached(&self) -> Self {
        let passthru = self.details.passthru.as_deref();
        let audience = self.audience.as_deref();
        Self {
            topic: self.topic.detached(),
            details: EventDetails {
                passthru: passthru.map(|it| Box::new(it.detached())),
                ..self.details.clone()
            },
            payload: self.payload.detached(),
            audience: audience.map(|it| Arc::new(it.detached())),
            ..*self
        }
    }

    /// The EVENT for a subscription.
    pub(super) fn event(&self, subscription: &Subscription) -> Event {
        // spec(ap#pattern-based-subscription): only the publisher knows the topic of an event matched by pattern.
        let topic = (subscription.policy != MatchPolicy::Exact).then(|| self.topic.clone());
        Event {
            subscription: subscription.id,
            publication: self.id,
            details: EventDetails {
                topic,
                ..self.details.clone()
            },
            payload: self.payload.clone(),
        }
    }
}

fn disclosed(context: &Context, publisher: SessionId) -> Option<Box<PublisherDetails>> {
    let identity = &context.sessions.get(&publisher)?.identity;
    Some(Box::new(PublisherDetails {
        publisher: Some(publisher),
        publisher_authid: Some(identity.authid.clone()),
        publisher_authrole: Some(identity.authrole.clone()),
    }))
}
