//! Calls: made, made in parts, handed to a callee, or waiting for one.

use super::super::json::{
    Json, behind, copy_passthru, is_set, json, number, text, with_payload, word,
};
use super::choice::Choice;
use super::{Fault, Refusal, Router, refuse, uri};

/// A call on its way.
pub(in super::super) struct Call {
    pub(in super::super) key: u64,
    pub(in super::super) caller: u64,
    pub(in super::super) request: u64,
    pub(in super::super) procedure: String,
    /// Of the first CALL.
    pub(super) options: Json,
    pub(in super::super) registration: u64,
    /// Whether more follows, and the payload, of each CALL so far.
    parts: Vec<(bool, Vec<Json>)>,
    pub(in super::super) place: Place,
    /// Callees that declined.
    pub(super) tried: Vec<u64>,
    /// What the first INVOCATION said.
    pub(super) details: Json,
    pub(super) has_results: bool,
    pub(super) is_killed: bool,
    pub(super) due: Option<(u64, u64)>,
    /// `due`, where the router watches it.
    pub(in super::super) deadline: Option<(u64, u64)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Place {
    /// In its registration's queue.
    Waiting,
    /// With a callee, as this invocation.
    With(u64, u64),
}

impl Call {
    /// Whether it was begun with `progress`.
    pub(in super::super) fn is_in_parts(&self) -> bool {
        self.parts[0].0
    }

    /// Whether its caller may send more of it.
    pub(in super::super) fn expects_parts(&self) -> bool {
        self.parts.iter().all(|(more, _)| *more)
    }

    pub(super) fn first_payload(&self) -> &[Json] {
        &self.parts[0].1
    }

    pub(super) fn callee(&self) -> Option<u64> {
        match self.place {
            Place::With(callee, _) => Some(callee),
            Place::Waiting => None,
        }
    }
}

impl Router {
    pub(super) fn receive_call(&mut self, from: u64, message: &Json) -> Result<(), Fault> {
        let (request, options) = (number(&message[1]), &message[2]);
        let is_opaque = word(options, "ppt_scheme").is_some();
        let more = is_set(options, "progress");
        if is_opaque && !self.announces(from, "caller", "payload_passthru_mode")
            || more && !self.announces(from, "caller", "progressive_call_invocations")
        {
            return Err(Fault::Broken);
        }
        if self.is_earlier_call(from, request) {
            return self.continue_call(from, message);
        }
        self.take_request(from, request)?;
        let outcome = self.call(from, message);
        if outcome.is_err() && more {
            // The caller may send more before it learns that.
            self.remember_parts(from, request);
        }
        Ok(outcome?)
    }

    fn is_earlier_call(&self, from: u64, request: u64) -> bool {
        let session = self.session(from);
        let is_pending = self.pending_call(from, request).is_some();
        let is_known = is_pending || session.ended_parts.contains(&request);
        request < session.next_request && (!self.profile.lenient_ids || is_known)
    }

    pub(super) fn pending_call(&self, caller: u64, request: u64) -> Option<&Call> {
        self.calls
            .iter()
            .find(|call| call.caller == caller && call.request == request)
    }

    fn call(&mut self, from: u64, message: &Json) -> Result<(), Refusal> {
        let (options, procedure) = (&message[2], text(&message[3]));
        self.check_uri(procedure, "exact")?;
        let is_plain = !is_set(options, "progress") && word(options, "ppt_scheme").is_none();
        if !is_plain && self.meta_procedures().iter().any(|own| own == procedure) {
            return refuse("wamp.error.feature_not_supported");
        }
        if let Some(outcome) = self.call_meta(from, message) {
            let results = outcome?;
            if self.is_there(from) {
                self.send(from, with_payload(json!([50, message[1], {}]), &results));
            }
            return Ok(());
        }
        let registration = self
            .best_registration(procedure)
            .filter(|_| !uri::is_reserved(procedure));
        let Some(registration) = registration.map(|registration| registration.id) else {
            return refuse("wamp.error.no_such_procedure");
        };
        if options["runmode"] == json!("all") {
            return refuse("wamp.error.feature_not_supported");
        }
        if options["runmode"] == json!("partition") && !options["rkey"].is_string() {
            return refuse("wamp.error.invalid_argument");
        }
        self.check_disclosure(is_set(options, "disclose_me"))?;
        if self.calls.iter().filter(|call| call.caller == from).count()
            >= self.profile.session_calls
        {
            return refuse("wamp.error.unavailable");
        }
        let timeout = number(&options["timeout"]);
        let due = (timeout > 0).then(|| self.deadline(timeout * self.profile.timeout_unit));
        let call = Call {
            key: self.fresh(0),
            caller: from,
            request: number(&message[1]),
            procedure: procedure.to_owned(),
            options: options.clone(),
            registration,
            parts: vec![(is_set(options, "progress"), behind(message, 4))],
            place: Place::Waiting,
            tried: Vec::new(),
            details: Json::Null,
            has_results: false,
            is_killed: false,
            due,
            deadline: due,
        };
        self.place_call(call)
    }

    /// Hands a new call to a callee, past those that wait for others; or lets it wait behind them.
    fn place_call(&mut self, call: Call) -> Result<(), Refusal> {
        let (id, key) = (call.registration, call.key);
        let choice = self.choose(&call);
        let is_queue = !self.registration(id).queue.is_empty();
        match choice {
            Choice::Refuse(error) => return refuse(error),
            Choice::Callee(callee) => {
                if is_queue {
                    self.reach("a call goes past others that wait");
                }
                self.calls.push(call);
                self.invoke(key, callee);
            }
            Choice::Busy => {
                if self.registration(id).queue.len() >= self.profile.registration_queue_calls {
                    self.reach("a queue is full");
                    return refuse("wamp.error.no_available_callee");
                }
                self.reach("a call waits");
                self.registration_mut(id).queue.push(key);
                self.calls.push(call);
            }
        }
        Ok(())
    }

    /// Hands all there is of a call to a callee.
    pub(super) fn invoke(&mut self, key: u64, callee: u64) {
        self.take_turn(key, callee);
        let session = self.session_mut(callee);
        session.last_invocation += 1;
        let invocation = session.last_invocation;
        let details = self.invocation_details(self.pending(key), callee);
        let call = self.pending_mut(key);
        call.place = Place::With(callee, invocation);
        call.deadline = call.due.filter(|_| details["timeout"].is_null());
        call.details = details;
        for part in 0..call.parts.len() {
            self.send_part(key, part);
        }
    }

    fn send_part(&mut self, key: u64, part: usize) {
        let call = self.pending(key);
        let Place::With(callee, invocation) = call.place else {
            self.reach("a part waits");
            return;
        };
        let (more, payload) = &call.parts[part];
        let mut details = call.details.clone();
        if *more {
            details["progress"] = json!(true);
        }
        let message = with_payload(json!([68, invocation, call.registration, details]), payload);
        self.send(callee, message);
    }

    fn invocation_details(&self, call: &Call, callee: u64) -> Json {
        let registration = self.registration(call.registration);
        let offer = registration
            .callees
            .iter()
            .find(|one| one.session == callee);
        let offer = &offer.expect("it was chosen").options;
        let mut details = json!({});
        if registration.policy != "exact" {
            details["procedure"] = json!(call.procedure);
        }
        let takes_results = is_set(&call.options, "receive_progress")
            && self.announces(call.caller, "caller", "progressive_call_results")
            && self.announces(callee, "callee", "progressive_call_results")
            && self.announces(callee, "callee", "call_canceling");
        if takes_results {
            details["receive_progress"] = json!(true);
        }
        let timeout = number(&call.options["timeout"]) * self.profile.timeout_unit;
        let is_forwarded =
            is_set(offer, "forward_timeout") && self.announces(callee, "callee", "call_timeout");
        if timeout > 0 && is_forwarded {
            details["timeout"] = json!(timeout);
        }
        if let Some(level) = self.trust_level(call.caller, &call.procedure) {
            details["trustlevel"] = json!(level);
        }
        if is_set(&call.options, "disclose_me") || is_set(offer, "disclose_caller") {
            let caller = self.session(call.caller);
            details["caller"] = json!(caller.id);
            details["caller_authid"] = json!(caller.authid);
            details["caller_authrole"] = json!(caller.authrole);
        }
        copy_passthru(&call.options, &mut details);
        details
    }

    /// Takes a CALL under an id that was there before.
    fn continue_call(&mut self, from: u64, message: &Json) -> Result<(), Fault> {
        let (request, more) = (number(&message[1]), is_set(&message[2], "progress"));
        let Some(call) = self.pending_call(from, request) else {
            let session = self.session(from);
            if session.is_parts_unsure {
                return self.follow_the_core(from);
            }
            let session = self.session_mut(from);
            if !session.ended_parts.contains(&request) {
                let is_forgotten = request <= session.forgotten_parts;
                if is_forgotten {
                    self.reach("a part of a forgotten call is dropped");
                }
                return if is_forgotten {
                    Ok(())
                } else {
                    Err(Fault::Broken)
                };
            }
            if !more {
                session.ended_parts.retain(|ended| *ended != request);
            }
            self.reach("a part of an ended call is dropped");
            return Ok(());
        };
        if !call.expects_parts() || call.procedure != text(&message[3]) {
            return Err(Fault::Broken);
        }
        let key = call.key;
        let call = self.pending_mut(key);
        call.parts.push((more, behind(message, 4)));
        let last = call.parts.len() - 1;
        self.send_part(key, last);
        Ok(())
    }

    /// Remembers that parts of a call may come that has ended.
    pub(super) fn remember_parts(&mut self, caller: u64, request: u64) {
        let (most, is_ending) = (self.profile.session_ended_calls, self.is_ending);
        let Some(session) = self
            .sessions
            .iter_mut()
            .find(|session| session.id == caller)
        else {
            return;
        };
        session.ended_parts.retain(|ended| *ended != request);
        session.ended_parts.push(request);
        if session.ended_parts.len() > most {
            let forgotten = session.ended_parts.remove(0);
            session.is_parts_unsure |= is_ending;
            session.forgotten_parts = session.forgotten_parts.max(forgotten);
        }
    }

    /// Hands calls that wait to callees, as long as one of a queue can go. Which queue goes first is the core's to say.
    pub(super) fn advance_queues(&mut self) {
        loop {
            let queues: Vec<u64> = self.registrations.iter().map(|one| one.id).collect();
            let next: Vec<_> = queues
                .into_iter()
                .filter_map(|id| self.next_waiting(id))
                .collect();
            let turn = |(id, key, _): &(u64, u64, Choice)| {
                self.oracle.turn(*id, self.pending(*key).first_payload())
            };
            let Some((id, key, choice)) = next.into_iter().min_by_key(turn) else {
                return;
            };
            self.go_on(id, key, choice);
        }
    }

    /// The first call of a queue that need not wait for somebody busy.
    fn next_waiting(&mut self, id: u64) -> Option<(u64, u64, Choice)> {
        let queue = self.registration(id).queue.clone();
        queue.into_iter().find_map(|key| {
            let call = self.take_out(key);
            let choice = self.choose(&call);
            self.calls.push(call);
            (!matches!(choice, Choice::Busy)).then_some((id, key, choice))
        })
    }

    fn go_on(&mut self, id: u64, key: u64, choice: Choice) {
        match choice {
            Choice::Busy => {}
            Choice::Callee(callee) => {
                let queue = &mut self.registration_mut(id).queue;
                let is_first = queue[0] == key;
                queue.retain(|waiting| *waiting != key);
                self.reach(if is_first {
                    "a waiting call goes on"
                } else {
                    "a waiting call goes past others"
                });
                self.invoke(key, callee);
            }
            Choice::Refuse(error) => {
                self.reach("a waiting call fails");
                // No invocation tells when the core came to this queue.
                let chain = self.chain;
                self.begin_chain();
                self.fail(key, error);
                self.chain = chain;
            }
        }
    }

    pub(super) fn pending(&self, key: u64) -> &Call {
        self.calls
            .iter()
            .find(|call| call.key == key)
            .expect("it is there")
    }

    pub(super) fn pending_mut(&mut self, key: u64) -> &mut Call {
        self.calls
            .iter_mut()
            .find(|call| call.key == key)
            .expect("it is there")
    }

    pub(super) fn take_out(&mut self, key: u64) -> Call {
        let at = self.calls.iter().position(|call| call.key == key);
        self.calls.remove(at.expect("it is there"))
    }
}
