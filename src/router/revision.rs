//! Rights that change while sessions are open: what would be refused now is taken back.
//!
//! What is taken back is what rules say; what an authorizer has granted stays, as long as its role has one.

use std::sync::Arc;
use std::time::Instant;

use super::authorizer::{Action, Roles};
use super::realm::Realm;
use crate::protocol::{SessionId, Uri};

/// Why something is taken back. The specification has a text here, Autobahn takes nothing but a URI.
const REASON: &str = "wamp.error.not_authorized";

impl Realm {
    /// Puts other roles in the place of those there are.
    ///
    /// Sessions lose the subscriptions and registrations that their role would not be granted now, and are told where
    /// their clients announced revocation; calls that wait for a callee and would be refused end so. Calls with a
    /// callee go on. What authorizers have said is forgotten. Cost: O(what sessions of changed roles hold x their rules).
    pub fn set_roles(&mut self, now: Instant, roles: Roles) {
        self.context.asked.forget_verdicts();
        let mut changed = Vec::new();
        for (&id, session) in &mut self.context.sessions {
            let rights = roles.of(&session.identity.authrole);
            if session.rights != *rights {
                changed.push(id);
            }
            session.rights = Arc::clone(rights);
        }
        self.context.settings.roles = roles;
        for &session in &changed {
            self.revoke_subscriptions(session);
            self.revoke_registrations(session);
            self.dealer.drop_unauthorized(&mut self.context, session);
        }
        for session in changed {
            self.reconsider(now, session);
        }
        self.settle(now);
    }

    fn revoke_subscriptions(&mut self, id: SessionId) {
        let session = self.context.sessions.get(&id);
        let held: Vec<_> = session
            .into_iter()
            .flat_map(|session| session.subscriptions.iter().copied())
            .collect();
        for subscription in held {
            let Some((policy, topic)) = self.broker.subscriptions.pattern(subscription) else {
                continue;
            };
            let uris = (policy, &Uri::from(topic));
            let context = &mut self.context;
            if !context.still_grants(id, Action::Subscribe, uris) {
                self.broker.revoke(context, subscription, id, Some(REASON));
            }
        }
    }

    fn revoke_registrations(&mut self, id: SessionId) {
        let session = self.context.sessions.get(&id);
        let held: Vec<_> = session
            .into_iter()
            .flat_map(|session| session.registrations.iter().copied())
            .collect();
        for registration in held {
            let Some(offered) = self.dealer.registrations.get(registration) else {
                continue;
            };
            let uris = (offered.policy, &Uri::from(&*offered.procedure));
            let context = &mut self.context;
            let is_granted = context.still_grants(id, Action::Register, uris)
                && (!offered.discloses_to(id) || context.still_grants(id, Action::Disclose, uris));
            if !is_granted {
                self.dealer.revoke(context, registration, id, Some(REASON));
            }
        }
    }
}
