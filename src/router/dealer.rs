//! The dealer: procedures, who registered them, and the calls on their way.
//!
//! Spec: bp#remote-procedure-calls. A call lives from CALL to its RESULT or ERROR in two places that point
//! at each other: `calls` of its caller, `invocations` of its callee.

use std::collections::HashMap;

use rustc_hash::FxHashMap;

use super::context::{Context, Refusal};
use super::session::Asker;
use super::violation::Violation;
use crate::protocol::message::{
    self, Call, Invocation, Register, Registered, Unregister, Unregistered, Yield,
};
use crate::protocol::{
    InvocationDetails, InvocationPolicy, MatchPolicy, MessageCode, RegistrationId, RequestId,
    ResultDetails, SessionId, uris,
};

/// The dealer of one realm.
#[derive(Debug)]
pub(super) struct Dealer {
    /// procedure -> its registration.
    procedures: HashMap<Box<str>, Registration>,
    /// registration -> its procedure.
    places: FxHashMap<RegistrationId, Box<str>>,
    registration_next: RegistrationId,
    /// Calls that wait for their answer, in the whole realm.
    pub(super) calls_pending: usize,
}

#[derive(Clone, Copy, Debug)]
struct Registration {
    id: RegistrationId,
    callee: SessionId,
}

impl Dealer {
    pub(super) fn new() -> Self {
        Self {
            procedures: HashMap::new(),
            places: FxHashMap::default(),
            registration_next: RegistrationId::FIRST,
            calls_pending: 0,
        }
    }

    /// How many procedures somebody registered.
    pub(super) fn registration_count(&self) -> usize {
        debug_assert_eq!(self.places.len(), self.procedures.len());
        self.places.len()
    }

    pub(super) fn register(
        &mut self,
        context: &mut Context,
        from: SessionId,
        register: &Register,
    ) -> Result<(), Refusal> {
        check_supported(register)?;
        context.check_uri(&register.procedure, MatchPolicy::Exact)?;
        Context::check_not_reserved(&register.procedure)?;
        let procedure = register.procedure.as_str();
        if self.procedures.contains_key(procedure) {
            let text = format!("somebody already registered {procedure:?}");
            return Err(Refusal::new(uris::PROCEDURE_ALREADY_EXISTS, text));
        }
        let Some(session) = context.sessions.get_mut(&from) else {
            return Ok(());
        };
        let held_max = context.limits.session_registrations;
        if session.registrations.len() >= held_max {
            return Err(Refusal::new(
                uris::UNAVAILABLE,
                format!("a session holds at most {held_max} registrations"),
            ));
        }
        let id = self.registration_next;
        self.registration_next = id.next();
        session.registrations.insert(id);
        self.procedures
            .insert(procedure.into(), Registration { id, callee: from });
        self.places.insert(id, procedure.into());
        context.send(
            from,
            Registered {
                request: register.request,
                registration: id,
            },
        );
        Ok(())
    }

    /// Takes a registration back; invocations on their way are still answered.
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
        self.drop_registration(unregister.registration);
        context.send(
            from,
            Unregistered {
                request: Some(unregister.request),
                details: None,
            },
        );
        Ok(())
    }

    /// Forgets a registration whose callee has ended it, or has ended itself.
    pub(super) fn drop_registration(&mut self, registration: RegistrationId) {
        if let Some(procedure) = self.places.remove(&registration) {
            self.procedures.remove(&procedure);
        }
    }

    /// Hands a call to its callee.
    pub(super) fn call(
        &mut self,
        context: &mut Context,
        from: SessionId,
        call: Call,
    ) -> Result<(), Refusal> {
        context.check_uri(&call.procedure, MatchPolicy::Exact)?;
        let Some(&Registration { id, callee }) = self.procedures.get(call.procedure.as_str())
        else {
            let text = format!("nobody registered {}", call.procedure.quoted());
            return Err(Refusal::new(uris::NO_SUCH_PROCEDURE, text));
        };
        let calls_max = context.limits.session_calls;
        if context
            .sessions
            .get(&from)
            .is_some_and(|caller| caller.calls.len() >= calls_max)
        {
            return Err(Refusal::new(
                uris::UNAVAILABLE,
                format!("a session waits for at most {calls_max} calls"),
            ));
        }
        let invocations_max = context.limits.session_invocations;
        let invocation = match context.sessions.get_mut(&callee) {
            Some(callee) if callee.invocations.len() < invocations_max => {
                callee.begin_invocation(Asker::Call(from, call.request))
            }
            _ => return Err(no_available_callee(call.procedure.as_str())),
        };
        if let Some(caller) = context.sessions.get_mut(&from) {
            caller.calls.insert(call.request, (callee, invocation));
        }
        self.calls_pending += 1;
        let details = InvocationDetails::default();
        context.send(
            callee,
            Invocation {
                request: invocation,
                registration: id,
                details,
                payload: call.payload,
            },
        );
        Ok(())
    }

    /// Hands a callee's result to the caller.
    pub(super) fn handle_yield(
        &mut self,
        context: &mut Context,
        from: SessionId,
        answer: Yield,
    ) -> Result<(), Violation> {
        if let Some((caller, request)) = self.end_invocation(context, from, answer.request)? {
            let details = ResultDetails::default();
            context.send(
                caller,
                message::Result {
                    request,
                    details,
                    payload: answer.payload,
                },
            );
        }
        Ok(())
    }

    /// Hands a callee's failure to the caller, URI and arguments as they are.
    pub(super) fn handle_error(
        &mut self,
        context: &mut Context,
        from: SessionId,
        error: message::Error,
    ) -> Result<(), Violation> {
        if error.request_type != MessageCode::Invocation {
            return Err(Violation::ErrorForNoInvocation {
                request_type: error.request_type,
            });
        }
        if let Some((caller, request)) = self.end_invocation(context, from, error.request)? {
            context.send(
                caller,
                message::Error {
                    request_type: MessageCode::Call,
                    request,
                    ..error
                },
            );
        }
        Ok(())
    }

    /// Tells the caller that its callee could not take the invocation, the newest it was to get.
    pub(super) fn handle_undeliverable(
        &mut self,
        context: &mut Context,
        callee: SessionId,
        invocation: RequestId,
    ) {
        let ended = self.end_invocation(context, callee, invocation);
        if let Some(callee) = context.sessions.get_mut(&callee) {
            callee.take_invocation_back(invocation);
        }
        if let Ok(Some((caller, request))) = ended {
            let refusal = Refusal::new(
                uris::NO_AVAILABLE_CALLEE,
                "the callee has too many messages waiting".into(),
            );
            context.send(caller, refusal.error(MessageCode::Call, request));
        }
    }

    /// Ends an invocation; returns who waits for its answer, if anybody still does.
    fn end_invocation(
        &mut self,
        context: &mut Context,
        callee: SessionId,
        invocation: RequestId,
    ) -> Result<Option<(SessionId, RequestId)>, Violation> {
        let held = context
            .sessions
            .get_mut(&callee)
            .and_then(|callee| callee.invocations.swap_remove(&invocation));
        match held {
            None => Err(Violation::UnknownInvocation {
                request: invocation,
            }),
            Some(Asker::Gone) => Ok(None),
            Some(Asker::Call(caller, request)) => Ok(self
                .end_call(context, caller, request)
                .then_some((caller, request))),
        }
    }

    /// Forgets a call on its caller's side; false where the caller itself is just leaving.
    fn end_call(&mut self, context: &mut Context, caller: SessionId, request: RequestId) -> bool {
        let caller = context.sessions.get_mut(&caller);
        let has_ended = caller.is_some_and(|caller| caller.calls.swap_remove(&request).is_some());
        self.calls_pending -= usize::from(has_ended);
        has_ended
    }

    /// Forgets the calls of a caller that has gone; their callees' answers will be dropped.
    pub(super) fn drop_caller(
        &mut self,
        context: &mut Context,
        calls: impl Iterator<Item = (SessionId, RequestId)>,
    ) {
        for (callee, invocation) in calls {
            self.calls_pending -= 1;
            if let Some(asker) = context
                .sessions
                .get_mut(&callee)
                .and_then(|c| c.invocations.get_mut(&invocation))
            {
                *asker = Asker::Gone;
            }
        }
    }

    /// Ends the calls that a callee will never answer. Spec: bp#remote-procedure-calls, callee leaving.
    pub(super) fn drop_callee(
        &mut self,
        context: &mut Context,
        invocations: impl Iterator<Item = Asker>,
    ) {
        self.cancel(
            context,
            invocations,
            "the callee has left before it answered",
        );
    }

    /// Ends all calls on their way: nobody waits for an answer when the router has said GOODBYE.
    pub(super) fn cancel_all(&mut self, context: &mut Context) {
        let sessions = context.sessions.values_mut();
        let invocations: Vec<Asker> = sessions
            .flat_map(|callee| std::mem::take(&mut callee.invocations).into_values())
            .collect();
        let why = "the router went down before the callee answered";
        self.cancel(context, invocations.into_iter(), why);
    }

    fn cancel(
        &mut self,
        context: &mut Context,
        invocations: impl Iterator<Item = Asker>,
        why: &str,
    ) {
        for asker in invocations {
            let Asker::Call(caller, request) = asker else {
                continue;
            };
            if self.end_call(context, caller, request) {
                let refusal = Refusal::new(uris::CANCELED, why.into());
                context.send(caller, refusal.error(MessageCode::Call, request));
            }
        }
    }
}

/// Refuses what would otherwise be granted as something else: the dealer announces neither feature.
fn check_supported(register: &Register) -> Result<(), Refusal> {
    let by_pattern = register.options.match_policy.unwrap_or_default() != MatchPolicy::Exact;
    let shared = register.options.invoke.unwrap_or_default() != InvocationPolicy::Single;
    if by_pattern || shared {
        let text = "this dealer has neither pattern-based nor shared registrations";
        return Err(Refusal::new(uris::FEATURE_NOT_SUPPORTED, text.into()));
    }
    Ok(())
}

fn no_available_callee(procedure: &str) -> Refusal {
    Refusal::new(
        uris::NO_AVAILABLE_CALLEE,
        format!("the callee of {procedure:?} has too many calls to answer"),
    )
}
