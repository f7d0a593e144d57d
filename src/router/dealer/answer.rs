//! From YIELD and ERROR of a callee to RESULT and ERROR for the caller.

use std::time::Instant;

use super::Dealer;
use super::call::{Call, CallKey, Place, Progress};
use crate::protocol::message::{self, Yield};
use crate::protocol::{
    Feature, MatchPolicy, MessageCode, Passthru, RequestId, ResultDetails, Role, SessionId, uris,
};
use crate::router::context::{Context, Refusal};
use crate::router::deadlines::Due;
use crate::router::remembered::Memory;
use crate::router::violation::Violation;

impl Dealer {
    /// Hands a callee's result to the caller.
    pub(in crate::router) fn handle_yield(
        &mut self,
        context: &mut Context,
        now: Instant,
        from: SessionId,
        answer: Yield,
    ) -> Result<(), Violation> {
        let passthru = answer.options.passthru.as_deref();
        check_passthru(context, from, passthru, MessageCode::Yield)?;
        if Passthru::is_used(passthru)
            && self.refuse_opaque(context, from, answer.request).is_some()
        {
            return Ok(());
        }
        let progress = answer.options.progress == Some(true);
        let answered = if progress {
            self.progress(context, now, from, answer.request)
        } else {
            self.finish(context, from, answer.request)
        };
        let Some(Asker { caller, request }) = answered else {
            return self.take_late(context, from, answer.request, !progress);
        };
        // A progressive result that nobody asked for is nobody's.
        if let Some(caller) = caller {
            let details = ResultDetails {
                progress: progress.then_some(true),
                passthru: answer.options.passthru,
            };
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

    /// Hands a callee's failure to the caller, arguments as they are, and its URI if it is one; or asks another callee.
    pub(in crate::router) fn handle_error(
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
        let passthru = error.details.passthru.as_deref();
        check_passthru(context, from, passthru, MessageCode::Error)?;
        if error.error == uris::UNAVAILABLE
            && let Some((key, call)) = self.invoked(context, from, error.request)
            && may_pass_on(context, from, call)
        {
            self.take_invocation(context, from, error.request);
            self.release(key, from);
            self.retry(context, key, from, None);
            return Ok(());
        }
        let Some(asker) = self.finish(context, from, error.request) else {
            return self.take_late(context, from, error.request, true);
        };
        if let Some(caller) = asker.caller {
            // spec(bp#basic-profile-uris): what is no URI goes no further; clients end over one.
            let told = match context.check_uri(&error.error, MatchPolicy::Exact) {
                Ok(()) => message::Error {
                    request_type: MessageCode::Call,
                    request: asker.request,
                    ..error
                },
                Err(refusal) => refusal.error(MessageCode::Call, asker.request),
            };
            context.send(caller, told);
        }
        Ok(())
    }

    fn invoked(
        &self,
        context: &Context,
        callee: SessionId,
        invocation: RequestId,
    ) -> Option<(CallKey, &Call)> {
        let &key = context
            .sessions
            .get(&callee)?
            .invocations
            .get(&invocation)?;
        Some((key, self.calls.get(key)?))
    }

    /// Ends a call that its callee has answered; says who asked.
    fn finish(
        &mut self,
        context: &mut Context,
        callee: SessionId,
        invocation: RequestId,
    ) -> Option<Asker> {
        let key = self.take_invocation(context, callee, invocation)?;
        self.calls.get_mut(key)?.place = Place::Answered;
        let call = self.end(context, key)?;
        if let Some(offer) = call.counts {
            self.release_place((call.registration, offer), callee);
        }
        // A caller that has gone has taken its calls along, so this one is there.
        Some(Asker {
            caller: Some(call.caller),
            request: call.request,
        })
    }

    /// Notes a result that is not the last, and gives the call its time again; says who asked, and whether for that.
    /// Spec: ap#rpc-call-timeout, which counts between results.
    fn progress(
        &mut self,
        context: &mut Context,
        now: Instant,
        callee: SessionId,
        invocation: RequestId,
    ) -> Option<Asker> {
        let &key = context
            .sessions
            .get(&callee)?
            .invocations
            .get(&invocation)?;
        let call = self.calls.get_mut(key)?;
        let is_wanted = call.progress != Progress::Unwanted;
        if is_wanted {
            call.progress = Progress::Begun;
            if let Some((at, time)) = call.limit.filter(|_| !call.is_watched) {
                context.deadlines.remove(at, Due::Call(key));
                let next = now.checked_add(time).unwrap_or(at);
                call.limit = Some((next, time));
                context.deadlines.insert(next, Due::Call(key));
            }
        }
        Some(Asker {
            caller: is_wanted.then_some(call.caller),
            request: call.request,
        })
    }

    /// Takes the answer to an invocation that nobody waits for: dropped, once.
    fn take_late(
        &mut self,
        context: &mut Context,
        from: SessionId,
        request: RequestId,
        is_final: bool,
    ) -> Result<(), Violation> {
        let Some(callee) = context.sessions.get_mut(&from) else {
            return Ok(());
        };
        match callee.rare().map(|rare| rare.late.recall(request)) {
            Some(Memory::Ended(keeps_busy)) if is_final => {
                callee.rare_mut().late.remove(request);
                if let Some(offer) = keeps_busy {
                    self.release_place(offer, from);
                }
                Ok(())
            }
            Some(Memory::Ended(_) | Memory::Doubtful) => Ok(()),
            Some(Memory::Unknown) | None => Err(Violation::UnknownInvocation { request }),
        }
    }

    /// Ends a call whose caller could not read its result; `None` where it can, or nobody waits.
    /// Spec: ap#payload-passthru-mode, feature announcement.
    fn refuse_opaque(
        &mut self,
        context: &mut Context,
        callee: SessionId,
        invocation: RequestId,
    ) -> Option<()> {
        let (_, call) = self.invoked(context, callee, invocation)?;
        if context.announces(call.caller, Role::Caller, Feature::PayloadPassthruMode) {
            return None;
        }
        let refusal = || {
            let text = "the caller did not announce payload_passthru_mode";
            Refusal::new(uris::FEATURE_NOT_SUPPORTED, text.into())
        };
        context.send(callee, refusal().error(MessageCode::Yield, invocation));
        let asker = self.finish(context, callee, invocation)?;
        context.send(
            asker.caller?,
            refusal().error(MessageCode::Call, asker.request),
        );
        Some(())
    }
}

/// Who waits for an answer.
struct Asker {
    /// `None` where what came is not what it asked for.
    caller: Option<SessionId>,
    request: RequestId,
}

/// Whether a callee's `wamp.error.unavailable` is for the dealer. Spec: ap#rpc-call-rerouting.
fn may_pass_on(context: &Context, callee: SessionId, call: &Call) -> bool {
    let is_announced = context.announces(callee, Role::Callee, Feature::CallReroute);
    // What the callee has begun to answer, or got in parts, nobody else can take up.
    is_announced && call.progress != Progress::Begun && !call.is_killed && call.stream().is_none()
}

/// Checks that a callee that sends opaque payload has announced it. Spec: ap#payload-passthru-mode.
fn check_passthru(
    context: &Context,
    from: SessionId,
    passthru: Option<&Passthru>,
    got: MessageCode,
) -> Result<(), Violation> {
    if Passthru::is_used(passthru) {
        context.check_announced(from, got, Feature::PayloadPassthruMode, Role::Callee)?;
    }
    Ok(())
}
