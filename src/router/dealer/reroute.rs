//! Calls that go to another callee: one has declined, or its outbox was full. Spec: ap#rpc-call-rerouting.

use super::Dealer;
use super::call::{Call, CallKey, Part, Place};
use super::invoke::Asked;
use super::policy::{Pick, pick};
use crate::protocol::message::Invocation;
use crate::protocol::{CancelMode, Message, Payload, RequestId, SessionId, uris};
use crate::router::context::{Context, Refusal};
use crate::router::output::Output;

impl Dealer {
    /// Asks the next callee, one having declined; with none left, tells the caller.
    /// Spec: ap#rpc-call-rerouting.
    pub(super) fn retry(
        &mut self,
        context: &mut Context,
        key: CallKey,
        callee: SessionId,
        payload: Option<Payload>,
    ) {
        let Some(call) = self.calls.get_mut(key) else {
            return;
        };
        let id = call.registration;
        let kept_bytes = call.kept_bytes();
        let part = call.kept.as_mut().and_then(|kept| {
            kept.tried.push(callee);
            let kept_part = kept.parts.pop().map(|part| part.payload);
            Some((kept.stream.is_none(), payload.or(kept_part)?))
        });
        if let Some(caller) = context
            .sessions
            .get_mut(&call.caller)
            .filter(|_| kept_bytes > 0)
        {
            caller.rare_mut().kept_bytes -= kept_bytes;
        }
        call.place = Place::Queued;
        let next = part.and_then(|(is_whole, payload)| {
            let kept = self.calls.get(key)?.kept.as_deref().filter(|_| is_whole)?;
            let registration = self.registrations.get(id)?;
            let picked = pick(registration, context, &kept.options, &kept.tried);
            Some((
                picked,
                payload,
                kept.procedure.clone(),
                kept.options.clone(),
            ))
        });
        match next {
            Some((Pick::Callee(callee), payload, procedure, options)) => {
                self.turn(id, callee);
                let progress = false;
                let asked = Asked {
                    procedure: &procedure,
                    options: &options,
                    part: Part { progress, payload },
                };
                self.invoke(context, key, callee, asked);
            }
            Some((Pick::Busy, payload, ..)) => {
                let progress = false;
                self.enqueue(key, &Part { progress, payload });
            }
            Some((Pick::Incapable | Pick::Nobody, ..)) | None => {
                let why = "no callee of the procedure can take the call now";
                let refusal = Refusal::new(uris::NO_AVAILABLE_CALLEE, why.into());
                self.fail(context, key, refusal);
            }
        }
    }

    /// Takes back an INVOCATION that did not fit its callee's outbox: the callee counts as unavailable.
    pub(in crate::router) fn handle_undeliverable(
        &mut self,
        context: &mut Context,
        callee: SessionId,
        invocation: Invocation,
    ) {
        let request = invocation.request;
        let Some(session) = context.sessions.get_mut(&callee) else {
            return;
        };
        let Some(&key) = session.invocations.get(&request) else {
            return;
        };
        let stream = self.calls.get(key).and_then(Call::stream);
        let is_first = stream.is_none_or(|stream| {
            // The parts behind it have nowhere to go.
            let before = context.outputs.len();
            context
                .outputs
                .retain(|output| !is_part(output, callee, request));
            stream.parts_sent <= 1 + before - context.outputs.len()
        });
        if !is_first {
            let why = "the callee has too many messages waiting";
            let refusal = Refusal::new(uris::NO_AVAILABLE_CALLEE, why.into());
            return self.give_up(context, key, CancelMode::KillNoWait, Some(refusal));
        }
        session.invocations.swap_remove(&request);
        session.take_invocation_back(request);
        self.release(key, callee);
        self.retry(context, key, callee, Some(invocation.payload));
    }
}

/// Whether this is an INVOCATION of that id for that callee.
fn is_part(output: &Output, callee: SessionId, request: RequestId) -> bool {
    match output {
        Output::Send { to, message } => {
            *to == callee
                && matches!(message, Message::Invocation(invocation) if invocation.request == request)
        }
        Output::SendMany { .. } | Output::End { .. } => false,
    }
}
