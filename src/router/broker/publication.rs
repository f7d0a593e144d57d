//! A publication on its way to its subscribers, or kept for later ones.

use crate::protocol::message::{Event, Publish};
use crate::protocol::{
    Audience, EventDetails, EventOrigin, MatchPolicy, Passthru, Payload, PublicationId, SessionId,
    Uri,
};
use crate::router::context::Context;

use super::audience::KeptAudience;
use super::subscription::Subscription;

/// What is published.
#[derive(Debug)]
pub(super) struct Publication<'a> {
    pub(super) id: PublicationId,
    pub(super) topic: &'a Uri,
    payload: &'a Payload,
    /// Who does not get it because it is its own.
    pub(super) excluded: Option<SessionId>,
    origin: Option<Box<EventOrigin>>,
    passthru: Option<&'a Passthru>,
    pub(super) audience: Option<&'a Audience>,
}

/// A publication that is kept. It does not hold on to the frame it came in.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptPublication {
    /// Its id.
    pub id: PublicationId,
    /// Where it was published.
    pub topic: Uri,
    /// Its arguments.
    pub payload: Payload,
    /// Who published it, where that is disclosed, and how far it is trusted.
    pub origin: Option<Box<EventOrigin>>,
    /// What the payload is, where it is no list.
    pub passthru: Option<Passthru>,
    /// Who may see it; `None` where everybody may.
    pub audience: Option<KeptAudience>,
}

impl<'a> Publication<'a> {
    /// What a client publishes. Spec: bp#publish-1, ap#pubsub-pub-exclusion.
    pub(super) fn of_client(context: &mut Context, from: SessionId, publish: &'a Publish) -> Self {
        let options = &publish.options;
        Self {
            id: context.sources.publication(),
            topic: &publish.topic,
            payload: &publish.payload,
            // A publisher does not hear itself unless it asks to.
            excluded: options.exclude_me.unwrap_or(true).then_some(from),
            origin: origin(context, from, publish),
            passthru: options.passthru.as_deref(),
            audience: options.audience.as_deref(),
        }
    }

    /// What the router publishes itself.
    pub(super) fn of_router(context: &mut Context, topic: &'a Uri, payload: &'a Payload) -> Self {
        Self {
            id: context.sources.publication(),
            topic,
            payload,
            excluded: None,
            origin: None,
            passthru: None,
            audience: None,
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
                origin: self.origin.clone(),
                passthru: self.passthru.cloned().map(Box::new),
                links: None,
            },
            payload: self.payload.clone(),
        }
    }

    /// A copy to be kept. Cost: O(bytes).
    pub(super) fn kept(&self) -> KeptPublication {
        KeptPublication {
            id: self.id,
            topic: self.topic.detached(),
            payload: self.payload.detached(),
            origin: self.origin.clone(),
            passthru: self.passthru.map(Passthru::detached),
            audience: self.audience.map(KeptAudience::new),
        }
    }
}

impl KeptPublication {
    /// Bytes that it takes, itself among them: one without a payload takes some as well.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.payload.len()
            + self.topic.as_str().len()
            + self.origin.as_ref().map_or(0, |it| size_of_val(&**it))
            + self.passthru.as_ref().map_or(0, Passthru::weight)
            + self.audience.as_ref().map_or(0, KeptAudience::weight)
    }

    /// The publication, for who is known to be in its audience.
    pub(super) fn publication(&self) -> Publication<'_> {
        Publication {
            id: self.id,
            topic: &self.topic,
            payload: &self.payload,
            excluded: None,
            origin: self.origin.clone(),
            passthru: self.passthru.as_ref(),
            audience: None,
        }
    }
}

/// Who published, where that is to be disclosed, and how far it is trusted; most events say nothing.
/// Spec: ap#pubsub-pub-identification, ap#pubsub-pub-trustlevels.
fn origin(context: &Context, from: SessionId, publish: &Publish) -> Option<Box<EventOrigin>> {
    let is_disclosed = publish.options.disclose_me == Some(true);
    let trustlevel = context.trust_level(from, &publish.topic);
    if !is_disclosed && trustlevel.is_none() {
        return None;
    }
    let publisher = context.sessions.get(&from).filter(|_| is_disclosed);
    let identity = publisher.map(|session| &session.identity);
    Some(Box::new(EventOrigin {
        publisher: identity.map(|_| from),
        publisher_authid: identity.map(|it| it.authid.clone()),
        publisher_authrole: identity.map(|it| it.authrole.clone()),
        trustlevel,
        retained: None,
    }))
}
