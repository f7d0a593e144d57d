//! From CALL to INVOCATION: at once, from the queue, to the next callee, or in parts.

use std::time::{Duration, Instant};

use super::Dealer;
use super::call::{Call, CallKey, Kept, Part, Place, Stream};
use super::policy::{Pick, check_shard, pick};
use super::registration::Registration;
use crate::protocol::message::{self, Invocation};
use crate::protocol::{
    CallOptions, CallerDetails, Feature, InvocationDetails, InvocationPolicy, MatchPolicy, Message,
    Payload, RegistrationId, RequestId, Role, SessionId, Uri, uris,
};
use crate::router::context::{Context, Refusal};
use crate::router::deadlines::Due;
use crate::router::output::Output;
use crate::router::remembered::Memory;
use crate::router::violation::Violation;

impl Dealer {
    /// Hands a new call to a callee, or lets it wait for one.
    pub(in crate::router) fn call(
        &mut self,
        context: &mut Context,
        now: Instant,
        from: SessionId,
        call: message::Call,
    ) -> Result<(), Refusal> {
        let registration = self.registration_for(context, &call)?;
        check_shard(&call.options)?;
        context.check_disclosure(call.options.disclose_me)?;
        check_pending(context, from)?;
        let id = registration.id;
        let may_be_retried = registration.callees.len() > 1;
        let picked = pick(registration, context, &call.options, &[]);
        let waits = match picked {
            Pick::Callee(..) => !registration.queue.is_empty(),
            Pick::Busy => true,
            Pick::Incapable | Pick::Nobody => return Err(picked.refusal(&call.procedure)),
        };
        if waits {
            check_queue(context, registration, &call)?;
        }
        let key = self.open(context, now, from, &call, id);
        if waits || may_be_retried || call.options.progress == Some(true) {
            self.keep(key, &call);
        }
        let part = Part {
            progress: call.options.progress == Some(true),
            payload: call.payload,
        };
        match picked {
            Pick::Callee(at, callee) if !waits => {
                self.turn(id, at);
                let asked = Asked {
                    procedure: &call.procedure,
                    options: &call.options,
                };
                self.invoke(context, key, callee, &asked, part);
            }
            _ => self.enqueue(key, part),
        }
        Ok(())
    }

    fn registration_for(
        &self,
        context: &Context,
        call: &message::Call,
    ) -> Result<&Registration, Refusal> {
        context.check_uri(&call.procedure, MatchPolicy::Exact)?;
        let found = self.registrations.best_match(call.procedure.as_str());
        // What is reserved goes to nobody, whatever pattern it matches.
        found
            .filter(|_| !call.procedure.is_reserved())
            .ok_or_else(|| no_such_procedure(&call.procedure))
    }

    /// Notes a call that will be answered.
    fn open(
        &mut self,
        context: &mut Context,
        now: Instant,
        from: SessionId,
        call: &message::Call,
        registration: RegistrationId,
    ) -> CallKey {
        let timeout = call.options.timeout.filter(|&timeout| timeout > 0);
        let limit = timeout.and_then(|timeout| {
            let time = context.settings.call_timeout_unit.duration(timeout);
            // A limit beyond what a clock can count is none.
            Some((now.checked_add(time)?, time))
        });
        let key = self.calls.insert(Call {
            caller: from,
            request: call.request,
            registration,
            place: Place::Queued,
            receive_progress: false,
            has_progressed: false,
            is_killed: false,
            is_counted: false,
            limit,
            kept: None,
        });
        if let Some((at, _)) = limit {
            context.deadlines.insert(at, Due::Call(key));
        }
        if let Some(caller) = context.sessions.get_mut(&from) {
            caller.calls.insert(call.request, key);
        }
        key
    }

    /// Keeps what a call needs that waits, may go to another callee, or is made in parts.
    fn keep(&mut self, key: CallKey, call: &message::Call) {
        if let Some(held) = self.calls.get_mut(key) {
            held.kept = Some(Box::new(Kept {
                procedure: call.procedure.detached(),
                options: detached(&call.options),
                parts: Vec::new(),
                tried: Vec::new(),
                stream: None,
            }));
        }
    }

    /// Lets a part of a call wait with its registration.
    fn enqueue(&mut self, key: CallKey, part: Part) {
        let Some(call) = self.calls.get_mut(key) else {
            return;
        };
        let Some(registration) = self.registrations.get_mut(call.registration) else {
            return;
        };
        registration.queue_bytes += part.payload.len();
        if let Some(kept) = &mut call.kept {
            // order: who was there before does not go behind those that came after.
            match (kept.parts.is_empty(), kept.tried.is_empty()) {
                (true, true) => registration.queue.push_back(key),
                (true, false) => registration.queue.push_front(key),
                (false, _) => {}
            }
            if part.progress && kept.stream.is_none() {
                kept.stream = Some(Stream::default());
            } else if let Some(stream) = &mut kept.stream {
                stream.is_complete = !part.progress;
            }
            kept.parts.push(Part {
                payload: part.payload.detached(),
                ..part
            });
        }
    }

    /// Moves `roundrobin` on behind the callee that was chosen.
    fn turn(&mut self, id: RegistrationId, chosen: usize) {
        if let Some(registration) = self
            .registrations
            .get_mut(id)
            .filter(|registration| registration.invoke == InvocationPolicy::RoundRobin)
        {
            registration.cursor = (chosen + 1) % registration.callees.len().max(1);
        }
    }

    /// Hands the first part of a call to a callee.
    fn invoke(
        &mut self,
        context: &mut Context,
        key: CallKey,
        callee: SessionId,
        asked: &Asked<'_>,
        part: Part,
    ) {
        let Some(call) = self.calls.get_mut(key) else {
            return;
        };
        let Some(registration) = self.registrations.get_mut(call.registration) else {
            return;
        };
        let mut details = details(context, registration, callee, call.caller, asked);
        let callees_count = registration.callees.len();
        if let Some(callee) = registration.callees.get_mut(&callee) {
            call.is_counted = callee.concurrency.is_some();
            callee.running += u64::from(call.is_counted);
        }
        call.receive_progress = details.receive_progress == Some(true);
        if details.timeout.is_some()
            && let Some((at, _)) = call.limit.take()
        {
            // The callee watches the time itself.
            context.deadlines.remove(at, Due::Call(key));
        }
        details.progress = part.progress.then_some(true);
        if let Some(kept) = &mut call.kept {
            if part.progress {
                kept.stream = Some(Stream {
                    is_complete: false,
                    parts_sent: 1,
                    details: details.clone(),
                });
            } else if callees_count > 1 {
                keep_for_another(context, call.caller, callee, kept, &part);
            }
        }
        let Some(session) = context.sessions.get_mut(&callee) else {
            return;
        };
        let invocation = session.begin_invocation(key);
        call.place = Place::Invoked(callee, invocation);
        context.send(
            callee,
            Invocation {
                request: invocation,
                registration: call.registration,
                details,
                payload: part.payload,
            },
        );
    }

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
    fn send_part(&mut self, context: &mut Context, key: CallKey, part: Part) {
        let Some(call) = self.calls.get_mut(key) else {
            return;
        };
        let Place::Invoked(callee, invocation) = call.place else {
            return self.enqueue_part(context, key, part);
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

    fn enqueue_part(&mut self, context: &mut Context, key: CallKey, part: Part) {
        let registration = self
            .calls
            .get(key)
            .and_then(|call| self.registrations.get(call.registration));
        let bytes_max = context.limits.registration_queue_bytes;
        let has_room =
            registration.is_some_and(|it| it.queue_bytes + part.payload.len() <= bytes_max);
        if has_room {
            self.enqueue(key, part);
        } else {
            self.fail(context, key, queue_full());
        }
    }

    /// Hands one waiting call to a callee that has become free; false where none can go.
    ///
    /// One at a time: a callee whose outbox is full must be known before it gets the next.
    pub(in crate::router) fn dispatch(&mut self, context: &mut Context) -> bool {
        while let Some(&id) = self.ready.front() {
            let registration = self.registrations.get(id);
            let waiting = registration.and_then(|it| Some((it, *it.queue.front()?)));
            let Some((registration, key)) = waiting else {
                self.ready.pop_front();
                continue;
            };
            let kept = self.calls.get(key).and_then(|call| call.kept.as_deref());
            let Some(kept) = kept else {
                self.unqueue(key, id);
                continue;
            };
            match pick(registration, context, &kept.options, &kept.tried) {
                Pick::Callee(at, callee) => {
                    self.turn(id, at);
                    self.leave_queue(context, key, callee);
                    return true;
                }
                Pick::Busy => {
                    self.ready.pop_front();
                }
                refused @ (Pick::Incapable | Pick::Nobody) => {
                    let refusal = refused.refusal(&kept.procedure);
                    self.fail(context, key, refusal);
                    return true;
                }
            }
        }
        false
    }

    /// Hands all that waits of a call to a callee.
    fn leave_queue(&mut self, context: &mut Context, key: CallKey, callee: SessionId) {
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
        let asked = Asked {
            procedure: &procedure,
            options: &options,
        };
        if let Some(first) = parts.next() {
            self.invoke(context, key, callee, &asked, first);
        }
        for part in parts {
            self.send_part(context, key, part);
        }
    }

    /// Takes a call out of its registration's queue.
    pub(super) fn unqueue(&mut self, key: CallKey, id: RegistrationId) {
        let bytes = self.calls.get(key).map_or(0, Call::kept_bytes);
        if let Some(registration) = self.registrations.get_mut(id)
            && let Some(at) = registration
                .queue
                .iter()
                .position(|&waiting| waiting == key)
        {
            registration.queue.remove(at);
            registration.queue_bytes -= bytes;
            if !registration.queue.is_empty() {
                self.ready.push_back(id);
            }
        }
    }

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
            Some((Pick::Callee(at, callee), payload, procedure, options)) => {
                self.turn(id, at);
                let asked = Asked {
                    procedure: &procedure,
                    options: &options,
                };
                let progress = false;
                self.invoke(context, key, callee, &asked, Part { progress, payload });
            }
            Some((Pick::Busy, payload, ..)) => {
                let progress = false;
                self.enqueue(key, Part { progress, payload });
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
            return self.give_up(context, key, Default::default(), Some(refusal));
        }
        session.invocations.swap_remove(&request);
        session.take_invocation_back(request);
        self.release(key, callee);
        self.retry(context, key, callee, Some(invocation.payload));
    }

    /// Counts a call no longer at its callee, and lets the next go.
    pub(super) fn release(&mut self, key: CallKey, callee: SessionId) {
        let Some(call) = self.calls.get_mut(key) else {
            return;
        };
        if std::mem::take(&mut call.is_counted) {
            let registration = call.registration;
            self.release_place(registration, callee);
        }
    }

    /// Makes room for one more call at a callee.
    pub(super) fn release_place(&mut self, id: RegistrationId, callee: SessionId) {
        let Some(registration) = self.registrations.get_mut(id) else {
            return;
        };
        if let Some(callee) = registration.callees.get_mut(&callee) {
            callee.running = callee.running.saturating_sub(1);
        }
        if !registration.queue.is_empty() {
            self.ready.push_back(id);
        }
    }
}

/// What a caller asked for.
struct Asked<'a> {
    procedure: &'a Uri,
    options: &'a CallOptions,
}

/// What a callee is told with an invocation.
fn details(
    context: &Context,
    registration: &Registration,
    callee: SessionId,
    caller: SessionId,
    asked: &Asked<'_>,
) -> InvocationDetails {
    let options = asked.options;
    let callee_session = context.sessions.get(&callee);
    let has = |feature| callee_session.is_some_and(|it| it.announces(Role::Callee, feature));
    let callee = registration.callees.get(&callee);
    // spec(ap#rpc-progressive-call-results): all three must know of it, and the callee be able to give up.
    let takes_progress = || {
        let caller = context.sessions.get(&caller);
        has(Feature::ProgressiveCallResults)
            && has(Feature::CallCanceling)
            && caller.is_some_and(|it| it.announces(Role::Caller, Feature::ProgressiveCallResults))
    };
    // spec(ap#rpc-call-timeout): the callee must have asked to watch the time.
    let watches_time =
        || callee.is_some_and(|callee| callee.forward_timeout) && has(Feature::CallTimeout);
    let is_disclosed =
        options.disclose_me == Some(true) || callee.is_some_and(|callee| callee.disclose_caller);
    let timeout = options
        .timeout
        .filter(|&timeout| timeout > 0 && watches_time());
    let unit = context.settings.call_timeout_unit;
    InvocationDetails {
        procedure: (registration.policy != MatchPolicy::Exact).then(|| asked.procedure.clone()),
        receive_progress: options
            .receive_progress
            .filter(|&asked| asked && takes_progress()),
        progress: None,
        timeout: timeout.map(|timeout| milliseconds(unit.duration(timeout))),
        trustlevel: context.trust_level(caller, asked.procedure),
        caller: if is_disclosed {
            disclosed(context, caller)
        } else {
            None
        },
        passthru: options.passthru.clone(),
    }
}

fn milliseconds(time: Duration) -> u64 {
    time.as_millis().try_into().unwrap_or(u64::MAX)
}

/// Who calls. Spec: ap#rpc-call-identification.
fn disclosed(context: &Context, caller: SessionId) -> Option<Box<CallerDetails>> {
    let identity = &context.sessions.get(&caller)?.identity;
    Some(Box::new(CallerDetails {
        caller: Some(caller),
        caller_authid: Some(identity.authid.clone()),
        caller_authrole: Some(identity.authrole.clone()),
    }))
}

/// Keeps a call's payload where its callee may pass it on, within the caller's bound.
/// Spec: ap#rpc-call-rerouting.
fn keep_for_another(
    context: &mut Context,
    caller: SessionId,
    callee: SessionId,
    kept: &mut Kept,
    part: &Part,
) {
    let bytes_max = context.limits.session_kept_bytes;
    let callee = context.sessions.get(&callee);
    let may_pass_on = callee.is_some_and(|it| it.announces(Role::Callee, Feature::CallReroute));
    if let Some(caller) = context.sessions.get_mut(&caller).filter(|_| may_pass_on) {
        let kept_bytes = &mut caller.rare_mut().kept_bytes;
        if *kept_bytes + part.payload.len() <= bytes_max {
            *kept_bytes += part.payload.len();
            kept.parts.push(Part {
                payload: part.payload.detached(),
                ..*part
            });
        }
    }
}

/// Options to be kept: they do not hold on to the frame they came in.
fn detached(options: &CallOptions) -> CallOptions {
    let (shard, passthru) = (options.shard.as_deref(), options.passthru.as_deref());
    CallOptions {
        shard: shard.map(|it| Box::new(it.detached())),
        passthru: passthru.map(|it| Box::new(it.detached())),
        links: None,
        ..*options
    }
}

/// Checks that a session may wait for one more call.
fn check_pending(context: &Context, from: SessionId) -> Result<(), Refusal> {
    let calls_max = context.limits.session_calls;
    let caller = context.sessions.get(&from);
    if caller.is_some_and(|caller| caller.calls.len() >= calls_max) {
        let text = format!("a session waits for at most {calls_max} calls");
        return Err(Refusal::limit(text));
    }
    Ok(())
}

/// Checks that one more call may wait for a callee.
fn check_queue(
    context: &Context,
    registration: &Registration,
    call: &message::Call,
) -> Result<(), Refusal> {
    let limits = &context.limits;
    let has_room = registration.queue.len() < limits.registration_queue_calls
        && registration.queue_bytes + call.payload.len() <= limits.registration_queue_bytes;
    if has_room { Ok(()) } else { Err(queue_full()) }
}

fn queue_full() -> Refusal {
    let text = "every callee is busy, and as many calls wait as may";
    Refusal::new(uris::NO_AVAILABLE_CALLEE, text.into())
}

pub(in crate::router) fn no_such_procedure(procedure: &Uri) -> Refusal {
    let text = format!("nobody registered {}", procedure.quoted());
    Refusal::new(uris::NO_SUCH_PROCEDURE, text)
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
