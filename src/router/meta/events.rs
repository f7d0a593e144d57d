//! Meta events: what has happened, for those who subscribed to hear of it.
//!
//! Built only where somebody listens. Spec: ap#session-metapi, ap#rpc-reg-metapi, ap#pubsub-sub-metapi.

use super::{registration, subscription};
use crate::protocol::{Dict, Payload, SessionId, Uri, Value};
use crate::router::context::Happening;
use crate::router::realm::Realm;
use crate::serializer::Serializer;

impl Realm {
    /// Tells subscribers of all that has happened, in order.
    pub(in crate::router) fn publish_happenings(&mut self) {
        while let Some(happening) = self.context.happenings.pop_front() {
            let topic = topic(&happening);
            if !self.broker.has_subscribers(&topic) {
                continue;
            }
            if let Some(args) = self.arguments(&happening) {
                let payload = Payload::from_values(Serializer::Json, &args, &Dict::new());
                self.broker.publish_own(&mut self.context, &topic, &payload);
            }
        }
    }

    /// What is told of it; `None` where it is over before it could be told.
    fn arguments(&self, happening: &Happening) -> Option<Vec<Value>> {
        Some(match happening {
            Happening::Joined(id) => {
                let session = self.context.sessions.get(id)?;
                vec![session.identity.details(*id, &session.transport).into()]
            }
            Happening::Left(id, identity) => vec![
                id.value().into(),
                identity.authid.clone().into(),
                identity.authrole.clone().into(),
            ],
            Happening::RegistrationCreated(id, registration) => {
                of(*id, registration::details(self, *registration)?)
            }
            Happening::SubscriptionCreated(id, subscription) => {
                of(*id, subscription::details(self, *subscription)?)
            }
            Happening::Registered(id, registration)
            | Happening::Unregistered(id, registration)
            | Happening::RegistrationDeleted(id, registration) => of(*id, registration.value()),
            Happening::Subscribed(id, subscription)
            | Happening::Unsubscribed(id, subscription)
            | Happening::SubscriptionDeleted(id, subscription) => of(*id, subscription.value()),
            Happening::Defined(id, uri) | Happening::Undefined(id, uri) => of(*id, uri.as_str()),
        })
    }
}

fn of(session: SessionId, what: impl Into<Value>) -> Vec<Value> {
    vec![session.value().into(), what.into()]
}

const fn topic(happening: &Happening) -> Uri {
    Uri::from_static(match happening {
        Happening::Joined(_) => "wamp.session.on_join",
        Happening::Left(..) => "wamp.session.on_leave",
        Happening::RegistrationCreated(..) => "wamp.registration.on_create",
        Happening::Registered(..) => "wamp.registration.on_register",
        Happening::Unregistered(..) => "wamp.registration.on_unregister",
        Happening::RegistrationDeleted(..) => "wamp.registration.on_delete",
        Happening::SubscriptionCreated(..) => "wamp.subscription.on_create",
        Happening::Subscribed(..) => "wamp.subscription.on_subscribe",
        Happening::Unsubscribed(..) => "wamp.subscription.on_unsubscribe",
        Happening::SubscriptionDeleted(..) => "wamp.subscription.on_delete",
        Happening::Defined(..) => "wamp.reflect.on_define",
        Happening::Undefined(..) => "wamp.reflect.on_undefine",
    })
}
