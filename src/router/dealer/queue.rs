//! Calls that wait until a callee of their registration is free.
//!
//! `concurrency` is Crossbar.io's; the queue is bounded by `registration_queue_calls` and `_bytes`.

use super::Dealer;
use super::call::{Call, CallKey, Part, Stream};
use super::invoke::Asked;
use super::policy::{Chosen, Needs, Pick, has_resource_key, pick};
use super::registration::{Look, Offer, Registration};
use crate::protocol::message;
use crate::protocol::{RegistrationId, RequestId, SessionId, uris};
use crate::router::context::{Context, Refusal};
use crate::router::limits::LimitName;

/// How many callees are asked about for calls that go on waiting, in one look at a queue. bound: how long others wait for
/// the realm.
const LOOKS_MAX: usize = 10_000;

impl Dealer {
    /// Lets a part of a call wait with its registration.
    pub(super) fn enqueue(&mut self, key: CallKey, part: &Part) {
        let Some(call) = self.calls.get_mut(key) else {
            return;
        };
        let Some(registration) = self.registrations.get_mut(call.registration) else {
            return;
        };
        registration.queue_bytes += Part::bytes(&part.payload);
        if let Some(kept) = &mut call.kept {
            // order: who was there before does not go behind those that came after.
            match (kept.parts.is_empty(), kept.tried.is_empty()) {
                (true, true) => registration.queue.push_back(key),
                (true, false) => {
                    registration.queue.push_front(key);
                    if let Look::Due(from) = &mut registration.look {
                        // It has just been looked at.
                        *from += 1;
                    }
                }
                (false, _) => {}
            }
            if part.progress && kept.stream.is_none() {
                kept.stream = Some(Stream::default());
            } else if let Some(stream) = &mut kept.stream {
                stream.is_complete = !part.progress;
            }
            kept.parts.push(Part {
                payload: part.payload.detached(),
                ..*part
            });
        }
    }

    /// Counts what is kept of a call at its caller, after it has changed.
    pub(super) fn recount(&mut self, context: &mut Context, key: CallKey) {
        let Some(call) = self.calls.get_mut(key) else {
            return;
        };
        let weight = call.kept.as_ref().map_or(0, |kept| kept.weight());
        if let Some(caller) = context.sessions.get_mut(&call.caller) {
            let kept_bytes = &mut caller.rare_mut().kept_bytes;
            *kept_bytes = *kept_bytes - call.kept_bytes + weight;
            call.kept_bytes = weight;
        }
    }

    /// Has a queue looked at: somebody may be free for who waits there.
    pub(super) fn wake(&mut self, id: RegistrationId) {
        let Some(registration) = self.registrations.get_mut(id) else {
            return;
        };
        if registration.queue.is_empty() {
            return;
        }
        if !matches!(registration.look, Look::Due(_)) {
            self.ready.push_back(id);
        }
        registration.look = Look::Due(0);
    }

    /// Hands one waiting call to a callee that has become free; false where none can go.
    ///
    /// One at a time: a callee whose outbox is full must be known before it gets the next.
    #[inline(never)] // Asked after each message and seldom with anything to do: within `poll_output` it slows down all.
    pub(in crate::router) fn dispatch(&mut self, context: &mut Context) -> bool {
        while let Some(&id) = self.ready.front() {
            match self.next_waiting(context, id) {
                Some((key, Pick::Callee(callee))) => {
                    self.turn(id, callee);
                    self.leave_queue(context, key, callee);
                    return true;
                }
                Some((key, refused)) => {
                    let kept = self.calls.get(key).and_then(|call| call.kept.as_deref());
                    if let Some(refusal) = kept.map(|kept| refused.refusal(&kept.procedure)) {
                        self.fail(context, key, refusal);
                    }
                    return true;
                }
                None => {
                    self.ready.pop_front();
                }
            }
        }
        false
    }

    /// The first call of a queue that need not wait any longer, and what becomes of it. It passes those that wait for
    /// somebody busy: whoever is free now is not for them, so that no call overtakes another on its way to one callee.
    fn next_waiting(
        &mut self,
        context: &mut Context,
        id: RegistrationId,
    ) -> Option<(CallKey, Pick)> {
        let registration = self.registrations.get(id)?;
        let Look::Due(from) = registration.look else {
            return None;
        };
        let mut looks = 0;
        // Calls that anybody may take wait for the same callees if they need the same.
        let mut stuck = Vec::new();
        let mut look = Look::Done;
        let mut found = None;
        for (at, &key) in registration.queue.iter().enumerate().skip(from) {
            let kept = self.calls.get(key).and_then(|call| call.kept.as_deref());
            let Some(kept) = kept else { continue };
            let anybody = kept.tried.is_empty() && !has_resource_key(&kept.options);
            let needs = Needs::of(&kept.options);
            if anybody && stuck.contains(&needs) {
                continue;
            }
            let picked = pick(registration, context, &kept.options, &kept.tried);
            if picked != Pick::Busy {
                look = Look::Due(at);
                found = Some((key, picked));
                break;
            }
            if anybody {
                stuck.push(needs);
            }
            looks += registration.callees.len();
            if looks > LOOKS_MAX {
                look = Look::Partial;
                break;
            }
        }
        self.registrations.get_mut(id)?.look = look;
        found
    }

    /// Hands all that waits of a call to a callee.
    fn leave_queue(&mut self, context: &mut Context, key: CallKey, callee: Chosen) {
        let Some(call) = self.calls.get_mut(key) else {
            return;
        };
        let id = call.registration;
        self.unqueue(key, id);
        let Some(kept) = self.calls.get_mut(key).and_then(|call| call.kept.as_mut()) else {
            return;
        };
        let mut parts = std::mem::take(&mut kept.parts).into_iter();
        kept.stream = None;
        let (procedure, options) = (kept.procedure.clone(), kept.options.clone());
        if let Some(part) = parts.next() {
            let asked = Asked {
                procedure: &procedure,
                options: &options,
                part,
            };
            self.invoke(context, key, callee, asked);
        }
        for part in parts {
            self.send_part(context, key, part);
        }
        self.recount(context, key);
    }

    /// Takes a call out of its registration's queue.
    pub(super) fn unqueue(&mut self, key: CallKey, id: RegistrationId) {
        let bytes = self.calls.get(key).map_or(0, Call::parts_bytes);
        if let Some(registration) = self.registrations.get_mut(id)
            && let Some(at) = registration
                .queue
                .iter()
                .position(|&waiting| waiting == key)
        {
            registration.queue.remove(at);
            registration.queue_bytes -= bytes;
            match registration.look {
                Look::Due(from) => registration.look = Look::Due(from - usize::from(at < from)),
                Look::Partial => self.wake(id),
                Look::Done => {}
            }
        }
    }

    /// Counts a call no longer at its callee, and lets the next go.
    pub(super) fn release(&mut self, key: CallKey, callee: SessionId) {
        let Some(call) = self.calls.get_mut(key) else {
            return;
        };
        if let Some(offer) = call.counts.take() {
            let registration = call.registration;
            self.release_place((registration, offer), callee);
        }
    }

    /// Makes room for one more call at a callee.
    pub(super) fn release_place(
        &mut self,
        (id, offer): (RegistrationId, Offer),
        callee: SessionId,
    ) {
        let Some(registration) = self.registrations.get_mut(id) else {
            return;
        };
        // A call of an earlier offer does not count for this one.
        let callee = registration.callees.get_mut(&callee);
        if let Some(callee) = callee.filter(|callee| callee.offer == offer) {
            callee.running -= 1;
        }
        self.wake(id);
    }

    /// Takes an invocation from its callee; who waits for room there may go on.
    pub(super) fn take_invocation(
        &mut self,
        context: &mut Context,
        callee: SessionId,
        invocation: RequestId,
    ) -> Option<CallKey> {
        let session = context.sessions.get_mut(&callee)?;
        let key = session.invocations.swap_remove(&invocation)?;
        for registration in session.take_awaited() {
            self.wake(registration);
        }
        Some(key)
    }
}

/// Checks that one more call may wait for a callee.
pub(super) fn check_queue(
    context: &Context,
    registration: &Registration,
    call: &message::Call,
) -> Result<(), Refusal> {
    let limits = &context.limits;
    let bytes = registration.queue_bytes + Part::bytes(&call.payload);
    if registration.queue.len() >= limits.registration_queue_calls {
        return Err(queue_full().because_of(LimitName::registration_queue_calls));
    }
    if bytes > limits.registration_queue_bytes {
        return Err(queue_full().because_of(LimitName::registration_queue_bytes));
    }
    Ok(())
}

pub(super) fn queue_full() -> Refusal {
    let text = "every callee is busy, and as many calls wait as may";
    Refusal::new(uris::NO_AVAILABLE_CALLEE, text.into())
}
