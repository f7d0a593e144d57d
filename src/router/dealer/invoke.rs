//! From CALL to INVOCATION. Spec: bp#calling-and-invocations.

use std::time::{Duration, Instant};

use super::Dealer;
use super::call::{Call, CallKey, Kept, Part, Place, Stream, Tried, options_weight};
use super::policy::{Chosen, Pick, check_shard, pick};
use super::queue::check_queue;
use super::registration::{Callee, Look, Registration};
use crate::protocol::message::{self, Invocation};
use crate::protocol::{
    CallOptions, CallOrigin, Feature, InvocationDetails, InvocationPolicy, MatchPolicy, Payload,
    RegistrationId, RequestId, Role, SessionId, Uri, uris,
};
use crate::router::asking::ROUTER;
use crate::router::authorizer::Action;
use crate::router::context::{Context, Refusal};
use crate::router::deadlines::Due;
use crate::router::limits::LimitName;
use crate::router::session::Session;

impl Dealer {
    /// Hands a new call to a callee, or lets it wait for one. The procedure is none of the router's own.
    pub(in crate::router) fn call(
        &mut self,
        context: &mut Context,
        now: Instant,
        from: SessionId,
        call: message::Call,
    ) -> Result<(), Refusal> {
        let registration = self.registration_for(context, from, &call)?;
        check_shard(&call.options)?;
        let procedure = (MatchPolicy::Exact, &call.procedure);
        context.check_disclosure(from, call.options.disclose_me, Action::Call, procedure)?;
        check_pending(context, from)?;
        let limit = limit(context, now, &call.options);
        let excluded = Tried::default();
        let way = way(context, from, (registration, &call), &excluded)?;
        self.begin(context, from, (call, limit), (way, excluded));
        Ok(())
    }

    /// Asks an authorizer about a session, on the router's own behalf, within `authorization_time`. Nobody is asked about
    /// itself.
    pub(in crate::router) fn ask(
        &mut self,
        context: &mut Context,
        now: Instant,
        about: SessionId,
        (request, procedure, payload): (RequestId, Uri, Payload),
    ) -> Result<CallKey, Refusal> {
        let registered = self
            .registrations
            .at(MatchPolicy::Exact, procedure.as_str());
        let registered = registered.ok_or_else(|| no_such_procedure(&procedure))?;
        let time = context.limits.authorization_time;
        let limit = now.checked_add(time).map(|at| (at, time));
        let call = message::Call {
            request,
            options: CallOptions::default(),
            procedure,
            payload,
        };
        let excluded = registered.callees.contains_key(&about).then_some(about);
        let excluded = excluded.into_iter().collect();
        let way = way(context, ROUTER, (registered, &call), &excluded)?;
        Ok(self.begin(context, ROUTER, (call, limit), (way, excluded)))
    }

    /// Opens a call, and hands it to a callee, or lets it wait for one.
    fn begin(
        &mut self,
        context: &mut Context,
        from: SessionId,
        (call, limit): (message::Call, Option<(Instant, Duration)>),
        (way, excluded): (Way, Tried),
    ) -> CallKey {
        let mut opened = Call::new(from, call.request, way.registration);
        opened.limit = limit;
        let key = self.open(context, opened);
        if way.keeps {
            self.keep(key, &call, &excluded);
        }
        let part = Part {
            progress: call.options.progress == Some(true),
            payload: call.payload,
        };
        if let Some(callee) = way.callee {
            if way.is_in_turn {
                self.turn(way.registration, callee);
            }
            let asked = Asked {
                procedure: &call.procedure,
                options: &call.options,
                part,
            };
            self.invoke(context, key, callee, asked);
        } else {
            self.enqueue(key, &part);
        }
        if way.keeps {
            self.recount(context, key);
        }
        key
    }

    fn registration_for(
        &self,
        context: &Context,
        from: SessionId,
        call: &message::Call,
    ) -> Result<&Registration, Refusal> {
        context.check_uri(&call.procedure, MatchPolicy::Exact)?;
        context.authorize(from, Action::Call, (MatchPolicy::Exact, &call.procedure))?;
        let found = self.registrations.best_match(call.procedure.as_str());
        found.ok_or_else(|| no_such_procedure(&call.procedure))
    }

    /// Notes a call that will be answered.
    fn open(&mut self, context: &mut Context, call: Call) -> CallKey {
        let (caller, request, limit) = (call.caller, call.request, call.limit);
        let key = self.calls.insert(call);
        if let Some((at, _)) = limit {
            context.deadlines.insert(at, Due::Call(key));
        }
        if let Some(caller) = context.sessions.get_mut(&caller) {
            caller.calls.insert(request, key);
        }
        key
    }

    /// Keeps what a call needs that waits, may go to another callee, or is made in parts.
    fn keep(&mut self, key: CallKey, call: &message::Call, excluded: &Tried) {
        if let Some(held) = self.calls.get_mut(key) {
            held.kept = Some(Box::new(Kept {
                procedure: call.procedure.detached(),
                options: detached(&call.options),
                parts: Vec::new(),
                tried: excluded.clone(),
                stream: None,
            }));
        }
    }

    /// Moves `roundrobin` on behind the callee that was chosen.
    pub(super) fn turn(&mut self, id: RegistrationId, chosen: Chosen) {
        if let Some(registration) = self
            .registrations
            .get_mut(id)
            .filter(|registration| registration.invoke == InvocationPolicy::RoundRobin)
        {
            registration.cursor = (chosen.at + 1) % registration.callees.len().max(1);
        }
    }

    /// Hands the first part of a call to a callee.
    pub(super) fn invoke(
        &mut self,
        context: &mut Context,
        key: CallKey,
        callee: Chosen,
        asked: Asked<'_>,
    ) {
        let Some(call) = self.calls.get_mut(key) else {
            return;
        };
        let Some(registration) = self.registrations.get_mut(call.registration) else {
            return;
        };
        let is_shared = registration.invoke != InvocationPolicy::Single;
        let procedure_is_told = registration.policy != MatchPolicy::Exact;
        let Some((&session, chosen)) = registration.callees.get_index_mut(callee.at) else {
            return;
        };
        call.counts = chosen.concurrency.map(|_| chosen.offer);
        chosen.running += u64::from(call.counts.is_some());
        let details = InvocationDetails {
            procedure: procedure_is_told.then(|| asked.procedure.clone()),
            receive_progress: progress(context, session, call.caller, asked.options),
            progress: asked.part.progress.then_some(true),
            origin: origin(context, (session, chosen), call.caller, &asked),
            passthru: asked.options.passthru.clone(),
        };
        call.note(&details);
        watch(context, key, call);
        let part = asked.part;
        if let Some(kept) = &mut call.kept {
            if part.progress {
                kept.stream = Some(Stream {
                    is_complete: false,
                    parts_sent: 1,
                    details: detached_details(&details),
                });
            } else if is_shared {
                keep_for_another(context, call.caller, session, kept, &part);
            }
        }
        let Some(invoked) = context.sessions.get_mut(&session) else {
            return;
        };
        let invocation = invoked.begin_invocation(key);
        call.place = Place::Invoked(session, invocation);
        context.send(
            session,
            Invocation {
                request: invocation,
                registration: call.registration,
                details,
                payload: part.payload,
            },
        );
    }
}

/// Finds out where a new call goes, if it may be made at all.
fn way(
    context: &mut Context,
    from: SessionId,
    (registration, call): (&Registration, &message::Call),
    excluded: &Tried,
) -> Result<Way, Refusal> {
    let picked = pick(registration, context, &call.options, excluded);
    let callee = match picked {
        // order: not past those who may go to that callee, too.
        Pick::Callee(_) if !registration.queue.is_empty() && registration.look != Look::Done => {
            None
        }
        Pick::Callee(callee) => Some(callee),
        Pick::Busy => None,
        Pick::Incapable | Pick::Nobody => return Err(picked.refusal(&call.procedure)),
    };
    let waits = callee.is_none();
    if waits {
        check_queue(context, registration, call)?;
    }
    let may_be_retried = registration.invoke != InvocationPolicy::Single;
    let keeps = waits || may_be_retried || call.options.progress == Some(true);
    if keeps {
        check_kept(context, from, call, waits)?;
    }
    Ok(Way {
        registration: registration.id,
        callee,
        keeps,
        is_in_turn: registration.invoke == InvocationPolicy::RoundRobin,
    })
}

/// Where a new call goes.
struct Way {
    registration: RegistrationId,
    /// `None` where it waits.
    callee: Option<Chosen>,
    /// Whether more is kept of it than who asked.
    keeps: bool,
    /// Whether its callees take turns.
    is_in_turn: bool,
}

/// What a caller asked for.
pub(super) struct Asked<'a> {
    pub(super) procedure: &'a Uri,
    pub(super) options: &'a CallOptions,
    pub(super) part: Part,
}

/// Watches the time of a call that was handed to its callee, unless the callee does so itself.
fn watch(context: &mut Context, key: CallKey, call: &Call) {
    match call.limit {
        Some((at, _)) if call.is_watched => context.deadlines.remove(at, Due::Call(key)),
        Some((at, _)) => context.deadlines.insert(at, Due::Call(key)),
        None => {}
    }
}

/// When a call's first result is due, and how long after it the next. Spec: ap#rpc-call-timeout.
fn limit(context: &Context, now: Instant, options: &CallOptions) -> Option<(Instant, Duration)> {
    let timeout = timeout(options)?;
    let time = context.settings.call_timeout_unit.duration(timeout);
    // A limit beyond what a clock can count is none.
    Some((now.checked_add(time)?, time))
}

/// The time limit that a caller sets, in the realm's unit.
fn timeout(options: &CallOptions) -> Option<u64> {
    let timeout = options.terms.as_ref()?.timeout;
    timeout.filter(|&timeout| timeout > 0)
}

/// Whether a callee may send results as they come.
fn progress(
    context: &Context,
    callee: SessionId,
    caller: SessionId,
    options: &CallOptions,
) -> Option<bool> {
    let has = |feature| context.announces(callee, Role::Callee, feature);
    // spec(ap#rpc-progressive-call-results): all three must know of it, and the callee be able to give up.
    let takes_progress = || {
        has(Feature::ProgressiveCallResults)
            && has(Feature::CallCanceling)
            && context.announces(caller, Role::Caller, Feature::ProgressiveCallResults)
    };
    options
        .receive_progress
        .filter(|&asked| asked && takes_progress())
}

/// What a callee is told of a call beside its procedure; of most calls nothing.
fn origin(
    context: &Context,
    (callee, callee_asked): (SessionId, &Callee),
    caller: SessionId,
    asked: &Asked<'_>,
) -> Option<Box<CallOrigin>> {
    let options = asked.options;
    let is_disclosed = options.disclose_me == Some(true) || callee_asked.disclose_caller;
    // spec(ap#rpc-call-timeout): the callee must have asked to watch the time.
    let watches_time = callee_asked.forward_timeout
        && context.announces(callee, Role::Callee, Feature::CallTimeout);
    let timeout = timeout(options).filter(|_| watches_time);
    let trustlevel = context.trust_level(caller, asked.procedure);
    if !is_disclosed && timeout.is_none() && trustlevel.is_none() {
        return None;
    }
    let caller_session = context.sessions.get(&caller).filter(|_| is_disclosed);
    let identity = caller_session.map(|session| &session.identity);
    let unit = context.settings.call_timeout_unit;
    // spec(ap#rpc-call-identification): all three, or nothing.
    Some(Box::new(CallOrigin {
        caller: identity.map(|_| caller),
        caller_authid: identity.map(|it| it.authid.clone()),
        caller_authrole: identity.map(|it| it.authrole.clone()),
        trustlevel,
        timeout: timeout.map(|timeout| milliseconds(unit.duration(timeout))),
    }))
}

fn milliseconds(time: Duration) -> u64 {
    time.as_millis().try_into().unwrap_or(u64::MAX)
}

/// Keeps a call's payload where its callee may pass it on, within the caller's bound.
/// Spec: ap#rpc-call-rerouting.
fn keep_for_another(
    context: &Context,
    caller: SessionId,
    callee: SessionId,
    kept: &mut Kept,
    part: &Part,
) {
    let bytes_max = context.limits_of(caller).session_kept_bytes;
    let may_pass_on = context.announces(callee, Role::Callee, Feature::CallReroute);
    let kept_bytes = kept_bytes(context, caller) + kept.weight();
    if may_pass_on && kept_bytes + Part::bytes(&part.payload) > bytes_max {
        context.bite(LimitName::session_kept_bytes, caller);
    } else if may_pass_on {
        kept.parts.push(Part {
            payload: part.payload.detached(),
            ..*part
        });
    }
}

/// Bytes that are kept of a session's calls.
pub(super) fn kept_bytes(context: &Context, caller: SessionId) -> usize {
    let caller = context.sessions.get(&caller);
    let rare = caller.and_then(Session::rare);
    rare.map_or(0, |rare| rare.kept_bytes)
}

/// Checks that a call may be kept that waits, may go to another callee, or is made in parts.
fn check_kept(
    context: &Context,
    from: SessionId,
    call: &message::Call,
    waits: bool,
) -> Result<(), Refusal> {
    let bytes_max = context.limits_of(from).session_kept_bytes;
    let part_bytes = if waits { Part::bytes(&call.payload) } else { 0 };
    let bytes = call.procedure.as_str().len() + options_weight(&call.options) + part_bytes;
    if kept_bytes(context, from) + bytes > bytes_max {
        return Err(Refusal::limit(
            LimitName::session_kept_bytes,
            format!(
                "at most {bytes_max} bytes of a session's calls wait for a callee, or may go to another"
            ),
        ));
    }
    Ok(())
}

/// Details to be kept for further parts: they hold on to no frame either.
fn detached_details(details: &InvocationDetails) -> InvocationDetails {
    InvocationDetails {
        procedure: details.procedure.as_ref().map(Uri::detached),
        passthru: details
            .passthru
            .as_deref()
            .map(|it| Box::new(it.detached())),
        ..details.clone()
    }
}

/// Options to be kept: they do not hold on to the frame they came in.
fn detached(options: &CallOptions) -> CallOptions {
    let (terms, passthru) = (options.terms.as_deref(), options.passthru.as_deref());
    CallOptions {
        terms: terms.map(|it| Box::new(it.detached())),
        passthru: passthru.map(|it| Box::new(it.detached())),
        links: None,
        ..*options
    }
}

/// Checks that a session may wait for one more call.
fn check_pending(context: &Context, from: SessionId) -> Result<(), Refusal> {
    let Some(caller) = context.sessions.get(&from) else {
        return Ok(());
    };
    let calls_max = caller.limits.session_calls;
    if caller.calls.len() >= calls_max {
        let text = format!("a session waits for at most {calls_max} calls");
        return Err(Refusal::limit(LimitName::session_calls, text));
    }
    Ok(())
}

pub(in crate::router) fn no_such_procedure(procedure: &Uri) -> Refusal {
    let text = format!("nobody registered {}", procedure.quoted());
    Refusal::new(uris::NO_SUCH_PROCEDURE, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Passthru;

    #[test]
    fn details_that_are_kept_for_further_parts_are_a_copy_that_holds_no_frame() {
        let passthru = Passthru {
            ppt_scheme: Some("x_mine".into()),
            ..Passthru::default()
        };
        let came = InvocationDetails {
            procedure: Some("a.b".into()),
            passthru: Some(Box::new(passthru)),
            ..InvocationDetails::default()
        };
        let kept = detached_details(&came);
        assert_eq!(kept, came);
        let texts = |details: &InvocationDetails| {
            let passthru = details.passthru.as_ref().unwrap();
            let scheme = passthru.ppt_scheme.as_ref().unwrap();
            [
                details.procedure.as_ref().unwrap().as_str().as_ptr(),
                scheme.as_ptr(),
            ]
        };
        let (kept, came) = (texts(&kept), texts(&came));
        assert!(kept[0] != came[0] && kept[1] != came[1]);
    }
}
