//! The dealer: procedures, who registered them, and the calls on their way.
//!
//! | file | what it owns |
//! |---|---|
//! | here | who offers a procedure, and who no longer does |
//! | `registration.rs` | the registrations as they lie in memory |
//! | `call.rs` | the calls as they lie in memory |
//! | `policy.rs` | which callee gets a call |
//! | `invoke.rs` | from CALL to INVOCATION |
//! | `queue.rs` | calls that wait until a callee is free |
//! | `parts.rs` | calls made in parts: the parts behind the first |
//! | `reroute.rs` | calls that go to another callee |
//! | `answer.rs` | from YIELD and ERROR to RESULT and ERROR |
//! | `cancel.rs` | calls that end otherwise: cancelled, too late, somebody has gone |
//!
//! Spec: bp#remote-procedure-calls, ap#advanced-rpc.

mod answer;
mod call;
mod cancel;
mod invoke;
mod parts;
mod policy;
mod queue;
mod registration;
mod reroute;

use std::collections::VecDeque;

pub(super) use call::CallKey;
use call::Calls;
pub(super) use invoke::no_such_procedure;
pub(super) use registration::Offer;
use registration::Removed;
pub(super) use registration::{Registration, Registrations};

use super::authorizer::Action;
use super::context::{Context, Happening, Refusal};
use super::pattern::Shape;
use crate::protocol::message::{Register, Registered, Unregister, Unregistered};
use crate::protocol::{
    Feature, InvocationPolicy, MatchPolicy, RegistrationId, RevocationDetails, Role, SessionId,
    uris,
};
use crate::router::limits::LimitName;

/// The dealer of one realm.
#[derive(Debug)]
pub(super) struct Dealer {
    pub(super) registrations: Registrations,
    /// Calls that wait for their answer.
    pub(super) calls: Calls,
    /// Registrations whose queue may go on: see [`dispatch`](Self::dispatch).
    ready: VecDeque<RegistrationId>,
    /// Registrations of all sessions together.
    held: usize,
}

impl Dealer {
    pub(super) fn new() -> Self {
        Self {
            registrations: Registrations::new(),
            calls: Calls::default(),
            ready: VecDeque::new(),
            held: 0,
        }
    }

    pub(super) fn register(
        &mut self,
        context: &mut Context,
        from: SessionId,
        register: &Register,
    ) -> Result<(), Refusal> {
        let policy = register.options.match_policy.unwrap_or_default();
        self.check_register(context, from, register, policy)?;
        let procedure = register.procedure.as_str();
        let invoke = register.options.invoke.unwrap_or_default();
        let mut existing = self.registrations.at(policy, procedure).map(|it| it.id);
        if let Some(taken) = existing.filter(|_| register.options.force_reregister == Some(true)) {
            self.take_over(context, taken);
            existing = None;
        }
        let registration = existing.unwrap_or_else(|| {
            let created = context.sources.time_of_day();
            self.registrations
                .create(policy, procedure, invoke, created)
        });
        self.held += 1;
        self.registrations
            .add_callee(registration, from, &register.options);
        if let Some(session) = context.sessions.get_mut(&from) {
            session.registrations.insert(registration);
            session.hold_shape(policy, procedure);
        }
        context.send(
            from,
            Registered {
                request: register.request,
                registration,
            },
        );
        if existing.is_none() {
            context.tell(Happening::RegistrationCreated(from, registration));
        }
        context.tell(Happening::Registered(from, registration));
        // A callee more may be free for who waits.
        self.wake(registration);
        Ok(())
    }

    /// Checks all that may speak against a registration, before anything changes.
    fn check_register(
        &self,
        context: &Context,
        from: SessionId,
        register: &Register,
        policy: MatchPolicy,
    ) -> Result<(), Refusal> {
        context.check_uri(&register.procedure, policy)?;
        Context::check_not_reserved(&register.procedure)?;
        let uris = (policy, &register.procedure);
        context.authorize(from, Action::Register, uris)?;
        let discloses = register.options.disclose_caller;
        context.check_disclosure(from, discloses, Action::Register, uris)?;
        context.check_node_key(register.options.nkey.as_ref())?;
        let procedure = register.procedure.as_str();
        let is_forced = register.options.force_reregister == Some(true);
        let held = self.registrations.at(policy, procedure);
        if let Some(held) = held.filter(|_| !is_forced) {
            let invoke = register.options.invoke.unwrap_or_default();
            check_shared(held, from, invoke)
                .map_err(|why| already_exists(&register.procedure.quoted(), why))?;
        }
        // However it comes to hold it: new, shared with others, or taken from them.
        if policy == MatchPolicy::Wildcard {
            let shape = Shape::of(procedure);
            let is_new = !self.registrations.has_shape(shape);
            context.check_shape(from, shape, is_new, self.registrations.shapes())?;
        }
        let held_max = context.limits_of(from).session_registrations;
        let session = context.sessions.get(&from);
        if session.is_some_and(|session| session.registrations.len() >= held_max) {
            let text = format!("a session holds at most {held_max} registrations");
            return Err(Refusal::limit(LimitName::session_registrations, text));
        }
        let realm_max = context.limits.realm_registrations;
        if self.held >= realm_max {
            let text = format!(
                "the sessions of this realm hold {realm_max} registrations, as many as they may"
            );
            return Err(Refusal::limit(LimitName::realm_registrations, text));
        }
        Ok(())
    }

    /// Takes a procedure from all who offer it, for who insists. leniency: Crossbar.io's `force_reregister`.
    fn take_over(&mut self, context: &mut Context, registration: RegistrationId) {
        let held = self.registrations.get(registration);
        let callees: Vec<SessionId> = held
            .iter()
            .flat_map(|it| it.callees.keys().copied())
            .collect();
        for callee in callees {
            // The specification has a text here, Autobahn takes nothing but a URI.
            self.revoke(context, registration, callee, Some("force_reregister"));
        }
    }

    /// Takes a registration back from a callee; false where it does not hold it.
    /// Spec: ap#rpc-registration-revocation.
    pub(super) fn revoke(
        &mut self,
        context: &mut Context,
        registration: RegistrationId,
        callee: SessionId,
        reason: Option<&str>,
    ) -> bool {
        let Some(session) = context.sessions.get_mut(&callee) else {
            return false;
        };
        if !session.registrations.swap_remove(&registration) {
            return false;
        }
        if session.announces(Role::Callee, Feature::RegistrationRevocation) {
            let details = RevocationDetails {
                registration: Some(registration),
                reason: reason.map(Into::into),
                ..RevocationDetails::default()
            };
            context.send(
                callee,
                Unregistered {
                    request: None,
                    details: Some(details),
                },
            );
        }
        self.remove_callee(context, registration, callee);
        true
    }

    /// Takes a registration back that its callee gives up; invocations on their way are still answered.
    pub(super) fn unregister(
        &mut self,
        context: &mut Context,
        from: SessionId,
        unregister: &Unregister,
    ) -> Result<(), Refusal> {
        let Some(session) = context.sessions.get_mut(&from) else {
            return Ok(());
        };
        if !session.registrations.swap_remove(&unregister.registration) {
            let text = format!(
                "this session holds no registration {}",
                unregister.registration
            );
            return Err(Refusal::new(uris::NO_SUCH_REGISTRATION, text));
        }
        context.send(
            from,
            Unregistered {
                request: Some(unregister.request),
                details: None,
            },
        );
        self.remove_callee(context, unregister.registration, from);
        Ok(())
    }

    /// Takes a callee out of a registration that it no longer holds.
    pub(super) fn remove_callee(
        &mut self,
        context: &mut Context,
        registration: RegistrationId,
        callee: SessionId,
    ) {
        if let Some(held) = self.registrations.get(registration)
            && let Some(session) = context.sessions.get_mut(&callee)
        {
            session.release_shape(held.policy, &held.procedure);
            session.forget_awaited(registration);
            if context.settings.roles.have_authorizer(&held.procedure) {
                context.asked.forget_verdicts();
            }
        }
        let Some(removed) = self.registrations.remove_callee(registration, callee) else {
            return;
        };
        self.held -= 1;
        context.tell(Happening::Unregistered(callee, registration));
        match removed {
            // Who waits may wait for somebody who is there no more.
            Removed::Callee => self.wake(registration),
            Removed::Registration(queue) => {
                context.tell(Happening::RegistrationDeleted(callee, registration));
                for call in queue {
                    let why = "the last callee of the procedure has left";
                    let refusal = Refusal::new(uris::NO_AVAILABLE_CALLEE, why.into());
                    self.fail(context, call, refusal);
                }
            }
        }
    }
}

/// Whether one more callee may share a registration. Spec: ap#rpc-shared-registration.
fn check_shared(
    held: &Registration,
    from: SessionId,
    invoke: InvocationPolicy,
) -> Result<(), &'static str> {
    if held.callees.contains_key(&from) {
        Err("by this very session")
    } else if held.invoke == InvocationPolicy::Single {
        Err("for itself alone")
    } else if held.invoke != invoke {
        Err("with another invocation policy")
    } else {
        Ok(())
    }
}

fn already_exists(procedure: &str, why: &str) -> Refusal {
    let text = format!("{procedure} is already registered, {why}");
    Refusal::new(uris::PROCEDURE_ALREADY_EXISTS, text)
}
