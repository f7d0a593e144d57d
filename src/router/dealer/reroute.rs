//! Calls that go to another callee: one has declined, or its outbox was full. Spec: ap#rpc-call-rerouting.

use super::Dealer;
use super::call::{Call, CallKey, Part, Place};
use super::invoke::Asked;
use super::policy::{Chosen, Pick, pick};
use crate::protocol::message::Invocation;
use crate::protocol::{CallOptions, CancelMode, Message, Payload, RequestId, SessionId, Uri, uris};
use crate::router::context::{Context, Refusal};
use crate::router::deadlines::Due;
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
        let kept_payload = self.decline(context, key, callee);
        self.recount(context, key);
        match self.next(context, key, payload.or(kept_payload)) {
            Some(Next::Callee(callee, kept, part)) => {
                let asked = Asked {
                    procedure: &kept.0,
                    options: &kept.1,
                    part,
                };
                self.invoke(context, key, callee, asked);
                self.recount(context, key);
            }
            Some(Next::Wait(part)) => {
                self.enqueue(key, &part);
                self.recount(context, key);
            }
            None => {
                let why = "no callee of the procedure can take the call now";
                let refusal = Refusal::new(uris::NO_AVAILABLE_CALLEE, why.into());
                self.fail(context, key, refusal);
            }
        }
    }

    /// Notes that a callee has declined; gives back the payload that was kept for another.
    fn decline(
        &mut self,
        context: &mut Context,
        key: CallKey,
        callee: SessionId,
    ) -> Option<Payload> {
        let call = self.calls.get_mut(key)?;
        call.place = Place::Queued;
        // Until another callee watches the time, the router does.
        call.is_watched = false;
        if let Some((at, _)) = call.limit {
            context.deadlines.insert(at, Due::Call(key));
        }
        let kept = call.kept.as_mut()?;
        kept.tried.insert(callee);
        kept.parts.pop().map(|part| part.payload)
    }

    /// Where a call goes that a callee has declined; `None` where it cannot go anywhere.
    fn next(
        &mut self,
        context: &mut Context,
        key: CallKey,
        payload: Option<Payload>,
    ) -> Option<Next> {
        let call = self.calls.get(key)?;
        let id = call.registration;
        // What the first callee got in parts is not here any more.
        let kept = call.kept.as_deref().filter(|kept| kept.stream.is_none())?;
        let part = Part {
            progress: false,
            payload: payload?,
        };
        let registration = self.registrations.get(id)?;
        match pick(registration, context, &kept.options, &kept.tried) {
            Pick::Callee(callee) => {
                let asked = (kept.procedure.clone(), kept.options.clone());
                self.turn(id, callee);
                Some(Next::Callee(callee, asked.into(), part))
            }
            Pick::Busy => Some(Next::Wait(part)),
            Pick::Incapable | Pick::Nobody => None,
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
        session.take_invocation_back(request);
        self.take_invocation(context, callee, request);
        self.release(key, callee);
        self.retry(context, key, callee, Some(invocation.payload));
    }
}

/// Where a call goes that a callee has declined.
enum Next {
    /// To this callee, which is asked for this.
    Callee(Chosen, Box<(Uri, CallOptions)>, Part),
    /// Into the queue.
    Wait(Part),
}

/// Whether this is an INVOCATION of that id for that callee.
fn is_part(output: &Output, callee: SessionId, request: RequestId) -> bool {
    match output {
        Output::Send { to, message } => {
            *to == callee
                && matches!(message, Message::Invocation(invocation) if invocation.request == request)
        }
        Output::SendMany { .. }
        | Output::Answer { .. }
        | Output::End { .. }
        | Output::Remark { .. } => false,
    }
}
