//! Calls that end otherwise than by an answer: cancelled, too late, or somebody has gone.

use super::super::json::{REST, json};
use super::Router;
use super::calls::Place;

impl Router {
    /// Cancels a call; none, where it has ended.
    pub(super) fn cancel(&mut self, from: u64, request: u64, mode: &str) {
        let Some(call) = self.pending_call(from, request) else {
            return;
        };
        let (key, place, is_killed) = (call.key, call.place, call.is_killed);
        if let (Place::With(callee, invocation), "kill") = (place, mode)
            && self.announces(callee, "callee", "call_canceling")
        {
            if is_killed {
                self.reach("a call is killed twice");
            } else {
                self.send(callee, json!([69, invocation, {"mode": "kill"}]));
            }
            self.pending_mut(key).is_killed = true;
            return;
        }
        match (place, is_killed) {
            (Place::Waiting, _) => self.reach("a waiting call is cancelled"),
            (Place::With(..), true) => self.reach("a killed call is cancelled at once"),
            (Place::With(..), false) => {}
        }
        self.abandon(key, mode != "skip", Some("wamp.error.canceled"));
    }

    pub(super) fn time_out(&mut self, key: u64) {
        if self.pending(key).place == Place::Waiting {
            self.reach("a waiting call is too late");
        }
        self.abandon(key, true, Some("wamp.error.timeout"));
    }

    /// Ends a call that its callee, if it has one, may still answer; `interrupts`: the callee is told, if it can be.
    fn abandon(&mut self, key: u64, interrupts: bool, error: Option<&str>) {
        let call = self.pending(key);
        let (place, was_told, registration) = (call.place, call.is_killed, call.registration);
        if let Some(error) = error {
            let error = json!([8, 48, call.request, {}, error, REST]);
            let caller = call.caller;
            self.begin_chain();
            self.send(caller, error);
        }
        if let Place::With(callee, invocation) = place {
            let can_be_told = self.announces(callee, "callee", "call_canceling");
            if can_be_told && interrupts && !was_told {
                self.begin_chain();
                self.send(callee, json!([69, invocation, {"mode": "killnowait"}]));
            }
            // Who was told to give up is free, and need not answer.
            let is_free = can_be_told && (interrupts || was_told);
            let (most, is_ending) = (self.profile.session_late_answers, self.is_ending);
            let session = self.session_mut(callee);
            session
                .late
                .push((invocation, if is_free { 0 } else { registration }));
            if session.late.len() > most {
                let (forgotten, _) = session.late.remove(0);
                session.is_late_unsure |= is_ending;
                session.forgotten_late = session.forgotten_late.max(forgotten);
            }
        }
        self.end_chains();
        self.finish(key);
    }

    /// Ends a call with an ERROR of the router's.
    pub(super) fn fail(&mut self, key: u64, error: &str) {
        let call = self.pending(key);
        let message = json!([8, 48, call.request, {}, error, REST]);
        let caller = call.caller;
        self.send(caller, message);
        self.finish(key);
    }

    /// Ends the calls of a session that ends.
    pub(super) fn drop_caller(&mut self, session: u64) {
        let own = self.calls.iter().filter(|call| call.caller == session);
        for key in own.map(|call| call.key).collect::<Vec<_>>() {
            if self.calls.iter().any(|call| call.key == key) {
                self.abandon(key, true, None);
            }
        }
    }

    /// The calls that wait for a session's answer.
    pub(in super::super) fn asked_of(&self, session: u64) -> Vec<u64> {
        let asked = self
            .calls
            .iter()
            .filter(|call| call.callee() == Some(session));
        asked.map(|call| call.key).collect()
    }
}
