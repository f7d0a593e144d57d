//! What callees answer, and what callers get of it.

use super::super::json::{
    Json, REST, behind, copy_passthru, is_set, json, number, text, with_payload, word,
};
use super::calls::{Call, Place};
use super::choice::Choice;
use super::{Fault, Router};

impl Router {
    pub(super) fn receive_yield(&mut self, from: u64, message: &Json) -> Result<(), Fault> {
        let (invocation, options) = (number(&message[1]), &message[2]);
        let is_opaque = word(options, "ppt_scheme").is_some();
        if is_opaque && !self.announces(from, "callee", "payload_passthru_mode") {
            return Err(Fault::Broken);
        }
        let more = is_set(options, "progress");
        let Some(call) = self.invoked(from, invocation) else {
            return self.take_late(from, invocation, !more);
        };
        let (key, caller, request) = (call.key, call.caller, call.request);
        let takes_results = is_set(&call.details, "receive_progress");
        if is_opaque && !self.announces(caller, "caller", "payload_passthru_mode") {
            let error = "wamp.error.feature_not_supported";
            self.reach("an opaque result is refused");
            self.send(from, json!([8, 70, invocation, {}, error, REST]));
            self.fail(key, error);
            return Ok(());
        }
        if more && !takes_results {
            self.reach("a result nobody asked for is dropped");
            return Ok(());
        }
        let mut details = json!({});
        if more {
            details["progress"] = json!(true);
        }
        copy_passthru(options, &mut details);
        self.send(
            caller,
            with_payload(json!([50, request, details]), &behind(message, 3)),
        );
        if more {
            let next = self.deadline(0);
            let timeout = number(&self.pending(key).options["timeout"]) * self.profile.timeout_unit;
            let call = self.pending_mut(key);
            call.has_results = true;
            call.due = call.due.map(|_| (next.0 + timeout, next.1));
            call.deadline = call.deadline.and(call.due);
        } else {
            self.finish(key);
        }
        Ok(())
    }

    pub(super) fn receive_error(&mut self, from: u64, message: &Json) -> Result<(), Fault> {
        let (invocation, given) = (number(&message[2]), &message[3]);
        let is_opaque = word(given, "ppt_scheme").is_some();
        if number(&message[1]) != 68
            || is_opaque && !self.announces(from, "callee", "payload_passthru_mode")
        {
            return Err(Fault::Broken);
        }
        let Some(call) = self.invoked(from, invocation) else {
            return self.take_late(from, invocation, true);
        };
        let (key, caller, request) = (call.key, call.caller, call.request);
        let has_begun = call.has_results || call.is_killed || call.is_in_parts();
        let error = text(&message[4]);
        if error == "wamp.error.unavailable" && has_begun {
            self.reach("a callee that has begun is unavailable");
        }
        let declines =
            error == "wamp.error.unavailable" && self.announces(from, "callee", "call_reroute");
        if declines && !has_begun {
            self.reroute(key, from);
            return Ok(());
        }
        if !self.is_valid(error, "exact") {
            self.fail(key, "wamp.error.invalid_uri");
            return Ok(());
        }
        let mut details = json!({});
        copy_passthru(given, &mut details);
        self.send(
            caller,
            with_payload(json!([8, 48, request, details, error]), &behind(message, 5)),
        );
        self.finish(key);
        Ok(())
    }

    fn invoked(&self, callee: u64, invocation: u64) -> Option<&Call> {
        self.calls
            .iter()
            .find(|call| call.place == Place::With(callee, invocation))
    }

    /// Asks the next callee, this one having declined.
    fn reroute(&mut self, key: u64, from: u64) {
        let mut call = self.take_out(key);
        let id = call.registration;
        call.tried.push(from);
        call.place = Place::Waiting;
        call.deadline = call.due;
        let choice = match self.find_registration(id) {
            Some(_) => self.choose(&call),
            None => Choice::Refuse("wamp.error.no_available_callee"),
        };
        self.calls.push(call);
        match choice {
            Choice::Callee(callee) => {
                self.reach("a call goes to the next callee");
                self.invoke(key, callee);
            }
            // It was there before those that wait.
            Choice::Busy => {
                self.reach("a call waits for the next callee");
                self.registration_mut(id).queue.insert(0, key);
            }
            Choice::Refuse(_) => self.fail(key, "wamp.error.no_available_callee"),
        }
    }

    /// Takes an answer nobody waits for: dropped, once.
    fn take_late(&mut self, from: u64, invocation: u64, is_final: bool) -> Result<(), Fault> {
        if self.session(from).is_late_unsure {
            return self.follow_the_core(from);
        }
        let session = self.session_mut(from);
        let Some(at) = session
            .late
            .iter()
            .position(|(late, _)| *late == invocation)
        else {
            let is_forgotten = invocation <= session.forgotten_late;
            if is_forgotten {
                self.reach("a forgotten late answer is dropped");
            }
            return if is_forgotten {
                Ok(())
            } else {
                Err(Fault::Broken)
            };
        };
        if is_final {
            session.late.remove(at);
        }
        self.reach("a late answer is dropped");
        Ok(())
    }

    /// Takes the core's word for whether a message breaks a rule.
    pub(super) fn follow_the_core(&self, from: u64) -> Result<(), Fault> {
        if self.oracle.has_aborted(from) {
            Err(Fault::Broken)
        } else {
            Ok(())
        }
    }

    /// Ends a call that has been answered.
    pub(super) fn finish(&mut self, key: u64) {
        let call = self.take_out(key);
        if call.expects_parts() {
            self.remember_parts(call.caller, call.request);
        }
        if let Some(registration) = self
            .registrations
            .iter_mut()
            .find(|r| r.id == call.registration)
        {
            registration.queue.retain(|waiting| *waiting != key);
        }
    }
}
