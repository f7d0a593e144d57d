//! Calls that end otherwise than by their callee's answer: cancelled, too late, or somebody has gone.

use super::Dealer;
use super::call::{Call, CallKey, Place};
use crate::protocol::message::{Cancel, Interrupt};
use crate::protocol::{
    CancelMode, Feature, InterruptOptions, MatchPolicy, MessageCode, RequestId, Role, SessionId,
    uris,
};
use crate::router::asking::ROUTER;
use crate::router::authorizer::Action;
use crate::router::context::{Context, Refusal};
use crate::router::deadlines::Due;
use crate::router::limits::LimitName;

impl Dealer {
    /// Cancels a call. One that has ended, or never was, is left alone: CANCEL may cross its end.
    /// Spec: ap#rpc-call-canceling.
    pub(in crate::router) fn cancel(
        &mut self,
        context: &mut Context,
        from: SessionId,
        cancel: &Cancel,
    ) {
        let caller = context.sessions.get(&from);
        let Some(&key) = caller.and_then(|caller| caller.calls.get(&cancel.request)) else {
            return;
        };
        let Some(call) = self.calls.get_mut(key) else {
            return;
        };
        let mode = cancel.options.mode.unwrap_or_default();
        if let (CancelMode::Kill, Place::Invoked(callee, invocation)) = (mode, call.place)
            && can_give_up(context, callee)
        {
            if !std::mem::replace(&mut call.is_killed, true) {
                interrupt(context, callee, invocation, CancelMode::Kill);
            }
            return;
        }
        let refusal = Refusal::new(uris::CANCELED, "the caller cancelled the call".into());
        self.give_up(context, key, mode, Some(refusal));
    }

    /// Ends a call whose time is over. Spec: ap#rpc-call-timeout.
    pub(in crate::router) fn expire(&mut self, context: &mut Context, key: CallKey) {
        if let Some(call) = self.calls.get_mut(key) {
            call.limit = None;
        }
        let text = "the callee did not answer in time";
        let refusal = Refusal::new(uris::TIMEOUT, text.into());
        self.give_up(context, key, CancelMode::KillNoWait, Some(refusal));
    }

    /// Ends the calls of a caller that has gone. Spec: bp#rpc-caller-leaving.
    pub(in crate::router) fn drop_caller(
        &mut self,
        context: &mut Context,
        calls: impl Iterator<Item = CallKey>,
    ) {
        for key in calls {
            self.give_up(context, key, CancelMode::KillNoWait, None);
        }
    }

    /// Ends the calls that a callee will never answer. Spec: bp#rpc-callee-leaving.
    pub(in crate::router) fn drop_callee(
        &mut self,
        context: &mut Context,
        invocations: impl Iterator<Item = CallKey>,
    ) {
        for key in invocations {
            let why = "the callee has left before it answered";
            self.fail(context, key, Refusal::new(uris::CANCELED, why.into()));
        }
    }

    /// Ends a call of the router's own, if this is still it.
    pub(in crate::router) fn withdraw(
        &mut self,
        context: &mut Context,
        key: CallKey,
        request: RequestId,
    ) {
        let call = self.calls.get(key);
        if call.is_some_and(|call| call.caller == ROUTER && call.request == request) {
            self.give_up(context, key, CancelMode::KillNoWait, None);
        }
    }

    /// Ends the calls of a session that wait for a callee, and that its role is not granted any more.
    pub(in crate::router) fn drop_unauthorized(
        &mut self,
        context: &mut Context,
        caller: SessionId,
    ) {
        let session = context.sessions.get(&caller);
        let held: Vec<CallKey> = session
            .into_iter()
            .flat_map(|it| it.calls.values().copied())
            .collect();
        for key in held {
            let call = self.calls.get(key);
            let waiting = call.filter(|call| call.place == Place::Queued);
            let Some(kept) = waiting.and_then(|call| call.kept.as_ref()) else {
                continue;
            };
            let procedure = (MatchPolicy::Exact, &kept.procedure);
            if context.still_grants(caller, Action::Call, procedure) {
                continue;
            }
            if let Err(refusal) = context.authorize(caller, Action::Call, procedure) {
                self.fail(context, key, refusal);
            }
        }
    }

    /// Ends all calls on their way: nobody waits for an answer when the router has said GOODBYE.
    pub(in crate::router) fn cancel_all(&mut self, context: &mut Context) {
        for key in self.calls.keys() {
            let why = "the router went down before the callee answered";
            self.fail(context, key, Refusal::new(uris::CANCELED, why.into()));
        }
        self.ready.clear();
    }

    /// Ends a call whose callee, if it has one, is still there; `mode` says whether it is told.
    pub(super) fn give_up(
        &mut self,
        context: &mut Context,
        key: CallKey,
        mode: CancelMode,
        refusal: Option<Refusal>,
    ) {
        let Some(call) = self.end(context, key) else {
            return;
        };
        if let Place::Invoked(callee, invocation) = call.place {
            let is_told =
                can_give_up(context, callee) && (mode != CancelMode::Skip || call.is_killed);
            self.expect_late(context, &call, is_told);
            if is_told && !call.is_killed {
                interrupt(context, callee, invocation, CancelMode::KillNoWait);
            }
        }
        if let Some(refusal) = refusal {
            tell(context, &call, refusal);
        }
    }

    /// Ends a call with an ERROR for its caller, if that is still there.
    pub(super) fn fail(&mut self, context: &mut Context, key: CallKey, refusal: Refusal) {
        if let Some(call) = self.end(context, key) {
            tell(context, &call, refusal);
        }
    }

    /// Takes a call out of all places.
    pub(super) fn end(&mut self, context: &mut Context, key: CallKey) -> Option<Call> {
        let call = self.calls.get(key)?;
        match call.place {
            Place::Answered => {}
            Place::Queued => self.unqueue(key, call.registration),
            Place::Invoked(callee, invocation) => {
                self.take_invocation(context, callee, invocation);
            }
        }
        let call = self.calls.remove(key)?;
        if let Some((at, _)) = call.limit {
            context.deadlines.remove(at, Due::Call(key));
        }
        if let Some(caller) = context.sessions.get_mut(&call.caller) {
            let ended_max = caller.limits.session_ended_calls;
            caller.calls.swap_remove(&call.request);
            if call.kept.is_some() {
                let rare = caller.rare_mut();
                rare.kept_bytes -= call.kept_bytes;
                if call.expects_parts() && rare.ended.insert(call.request, (), ended_max).is_some()
                {
                    let limit = LimitName::session_ended_calls;
                    context.bites.note(limit, Some(call.caller));
                }
            }
        }
        Some(call)
    }

    /// Remembers that an answer may come for which nobody waits.
    ///
    /// One that was told to give up need not answer any more, so it counts as free at once.
    fn expect_late(&mut self, context: &mut Context, call: &Call, is_told: bool) {
        let Place::Invoked(callee, invocation) = call.place else {
            return;
        };
        let counts = call.counts.map(|offer| (call.registration, offer));
        let keeps_busy = counts.filter(|_| !is_told);
        let forgotten = context.sessions.get_mut(&callee).and_then(|session| {
            let max = session.limits.session_late_answers;
            session.rare_mut().late.insert(invocation, keeps_busy, max)
        });
        if forgotten.is_some() {
            context.bite(LimitName::session_late_answers, callee);
        }
        if let Some(Some(offer)) = forgotten {
            self.release_place(offer, callee);
        }
        if let Some(offer) = counts.filter(|_| is_told) {
            self.release_place(offer, callee);
        }
    }
}

/// Whether a callee announced that it can be interrupted.
fn can_give_up(context: &Context, callee: SessionId) -> bool {
    context.announces(callee, Role::Callee, Feature::CallCanceling)
}

fn interrupt(context: &mut Context, callee: SessionId, request: RequestId, mode: CancelMode) {
    let options = InterruptOptions { mode: Some(mode) };
    context.send(callee, Interrupt { request, options });
}

fn tell(context: &mut Context, call: &Call, refusal: Refusal) {
    if call.caller == ROUTER || context.sessions.contains_key(&call.caller) {
        context.send(call.caller, refusal.error(MessageCode::Call, call.request));
    }
}
