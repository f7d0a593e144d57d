//! Calls made in parts: the parts behind the first. Spec: ap#rpc-progressive-call-invocations.

use super::Dealer;
use super::call::{CallKey, Part, Place};
use super::invoke::kept_bytes;
use super::queue::queue_full;
use crate::protocol::SessionId;
use crate::protocol::message::{self, Invocation};
use crate::router::context::Context;
use crate::router::limits::LimitName;
use crate::router::remembered::Memory;
use crate::router::violation::Violation;

impl Dealer {
    /// Takes a CALL whose id was there before: it continues a call, or breaks the protocol.
    /// Spec: ap#rpc-progressive-call-invocations, verification of CALL request ids.
    pub(in crate::router) fn continue_call(
        &mut self,
        context: &mut Context,
        from: SessionId,
        call: message::Call,
    ) -> Result<(), Violation> {
        let Some(caller) = context.sessions.get_mut(&from) else {
            return Ok(());
        };
        let progress = call.options.progress == Some(true);
        let broken = Err(Violation::NoContinuation {
            request: call.request,
        });
        let Some(&key) = caller.calls.get(&call.request) else {
            // The call has ended, and this crossed its end.
            let known = caller.rare().map(|rare| rare.ended.recall(call.request));
            return match known {
                Some(Memory::Ended(())) if !progress => {
                    caller.rare_mut().ended.remove(call.request);
                    Ok(())
                }
                Some(Memory::Ended(()) | Memory::Doubtful) => Ok(()),
                Some(Memory::Unknown) | None => broken,
            };
        };
        let continues = self.calls.get(key).is_some_and(|held| {
            let procedure = held.kept.as_ref().map(|kept| &kept.procedure);
            held.expects_parts() && procedure == Some(&call.procedure)
        });
        if !continues {
            return broken;
        }
        let part = Part {
            progress,
            payload: call.payload,
        };
        self.send_part(context, key, part);
        Ok(())
    }

    /// Hands a further part of a call to where the first has gone.
    pub(super) fn send_part(&mut self, context: &mut Context, key: CallKey, part: Part) {
        let Some(call) = self.calls.get_mut(key) else {
            return;
        };
        let Place::Invoked(callee, invocation) = call.place else {
            return self.enqueue_part(context, key, &part);
        };
        let registration = call.registration;
        let kept = call.kept.as_mut().and_then(|kept| kept.stream.as_mut());
        let Some(stream) = kept else { return };
        stream.is_complete = !part.progress;
        stream.parts_sent += 1;
        let mut details = stream.details.clone();
        details.progress = part.progress.then_some(true);
        context.send(
            callee,
            Invocation {
                request: invocation,
                registration,
                details,
                payload: part.payload,
            },
        );
    }

    fn enqueue_part(&mut self, context: &mut Context, key: CallKey, part: &Part) {
        let Some(call) = self.calls.get(key) else {
            return;
        };
        let registration = self.registrations.get(call.registration);
        let (limits, bytes) = (&context.limits, Part::bytes(&part.payload));
        let has_room = registration
            .is_some_and(|it| it.queue_bytes + bytes <= limits.registration_queue_bytes)
            && kept_bytes(context, call.caller) + bytes
                <= context.limits_of(call.caller).session_kept_bytes;
        if has_room {
            self.enqueue(key, part);
            self.recount(context, key);
        } else {
            context.bite(LimitName::registration_queue_bytes, call.caller);
            self.fail(context, key, queue_full());
        }
    }
}
