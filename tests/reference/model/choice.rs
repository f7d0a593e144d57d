//! Which callee of a registration gets a call.

use super::super::json::{is_set, word};
use super::calls::{Call, Place};
use super::{Router, registrations::Callee};

/// What becomes of a call that a registration matches.
#[derive(Clone, Copy)]
pub(super) enum Choice {
    Callee(u64),
    /// Whoever could take it is at its limit: it waits.
    Busy,
    /// Nobody can take it.
    Refuse(&'static str),
}

impl Router {
    /// Chooses among the callees that have not declined.
    pub(super) fn choose(&mut self, call: &Call) -> Choice {
        let registration = self.registration(call.registration);
        let (invoke, turn) = (registration.invoke.clone(), registration.turn);
        let mut callees = registration.callees.clone();
        // From whose turn it is, round.
        if invoke == "roundrobin" {
            let behind = callees.split_off(turn.min(callees.len()));
            callees.splice(0..0, behind);
        } else if invoke == "last" {
            callees.reverse();
        }
        if call.options["rkey"].is_string() {
            callees = self.owners(call, &callees);
        }
        callees.retain(|callee| !call.tried.contains(&callee.session));
        if callees.is_empty() {
            return Choice::Refuse("wamp.error.no_available_callee");
        }
        callees.retain(|callee| self.is_able(callee.session, call));
        if callees.is_empty() {
            let is_first = call.tried.is_empty();
            return Choice::Refuse(if is_first {
                "wamp.error.feature_not_supported"
            } else {
                "wamp.error.no_available_callee"
            });
        }
        let is_at_limit = |callee: &Callee| self.is_at_limit(call.registration, callee);
        let free: Vec<u64> = callees
            .iter()
            .filter(|callee| !is_at_limit(callee) && self.has_room(callee.session))
            .map(|callee| callee.session)
            .collect();
        let chosen = match invoke.as_str() {
            "random" => self
                .oracle
                .invoked(call.registration, call.first_payload(), &free),
            _ => None,
        };
        match chosen.or_else(|| free.first().copied()) {
            Some(callee) => Choice::Callee(callee),
            None if callees.iter().any(is_at_limit) => Choice::Busy,
            None => Choice::Refuse("wamp.error.no_available_callee"),
        }
    }

    /// Whose turn it is after this one.
    pub(super) fn take_turn(&mut self, key: u64, callee: u64) {
        let id = self.pending(key).registration;
        let registration = self.registration_mut(id);
        if registration.invoke == "roundrobin" {
            let at = registration
                .callees
                .iter()
                .position(|one| one.session == callee);
            registration.turn = (at.expect("it was chosen") + 1) % registration.callees.len();
        }
    }

    /// Whether a callee announced what a call needs.
    fn is_able(&self, callee: u64, call: &Call) -> bool {
        let has = |feature| self.announces(callee, "callee", feature);
        let is_opaque = word(&call.options, "ppt_scheme").is_some();
        let in_parts = is_set(&call.options, "progress");
        (!is_opaque || has("payload_passthru_mode"))
            && (!in_parts || has("progressive_call_invocations") && has("call_canceling"))
    }

    /// Whether a callee has as many calls of a registration as it takes at once.
    fn is_at_limit(&self, registration: u64, callee: &Callee) -> bool {
        let Some(most) = callee.options["concurrency"]
            .as_u64()
            .filter(|most| *most > 0)
        else {
            return false;
        };
        let counts =
            |of: u64, invocation: u64| of == registration && invocation >= callee.since_invocation;
        let asked = self.calls.iter().filter(|call| match call.place {
            Place::With(with, invocation) => {
                with == callee.session && counts(call.registration, invocation)
            }
            Place::Waiting => false,
        });
        let late = self.session(callee.session).late.iter();
        let late = late.filter(|(invocation, of)| counts(*of, *invocation));
        (asked.count() + late.count()) as u64 >= most
    }

    fn has_room(&self, callee: u64) -> bool {
        let asked = self
            .calls
            .iter()
            .filter(|call| call.callee() == Some(callee));
        asked.count() < self.profile.session_invocations
    }

    /// The callee that owns a call's resource key. Which one that is, is the core's to say.
    fn owners(&mut self, call: &Call, callees: &[Callee]) -> Vec<Callee> {
        let key = format!("call {}", call.options["rkey"]);
        let node = |callee: &Callee| match callee.options["nkey"].as_str() {
            Some(key) => format!("key {key}"),
            None => format!("session {}", callee.session),
        };
        let nodes: Vec<String> = callees.iter().map(node).collect();
        let among: Vec<u64> = callees.iter().map(|callee| callee.session).collect();
        let seen = self
            .oracle
            .invoked(call.registration, call.first_payload(), &among);
        let seen_at = among.iter().position(|session| Some(*session) == seen);
        if let Some(at) = seen_at
            && self.oracle.may_own(&key, &nodes, &nodes[at])
        {
            if nodes.len() > 1 {
                self.reach("one of several nodes is called");
            }
            self.oracle.remember(&key, &nodes, &nodes[at]);
            return vec![callees[at].clone()];
        }
        // Nobody got it, so the owner is one that cannot take it: it waits for that one, or has failed.
        let failure = self.oracle.failure(call.caller, call.request);
        let may = (0..nodes.len()).filter(|at| self.oracle.may_own(&key, &nodes, &nodes[*at]));
        let may: Vec<&Callee> = may.map(|at| &callees[at]).collect();
        let is_it = |callee: &&&Callee| {
            let has_declined = call.tried.contains(&callee.session);
            let is_able = has_declined || self.is_able(callee.session, call);
            let is_at_limit = self.is_at_limit(call.registration, callee);
            match failure {
                None => is_able && is_at_limit,
                Some("wamp.error.feature_not_supported") => !is_able,
                Some(_) => {
                    has_declined || is_able && (is_at_limit || !self.has_room(callee.session))
                }
            }
        };
        may.iter()
            .find(is_it)
            .or_else(|| may.first())
            .map(|callee| Callee::clone(callee))
            .into_iter()
            .collect()
    }
}
