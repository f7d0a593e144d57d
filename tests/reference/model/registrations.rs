//! Registrations: who offers what.

use super::super::json::{ANY, Json, is_set, json, number, text};
use super::{REGISTRATIONS, Refusal, Router, refuse, uri};

/// A procedure or a pattern, and who offers it.
pub(in super::super) struct Registration {
    pub(in super::super) id: u64,
    pub(in super::super) policy: String,
    pub(in super::super) procedure: String,
    pub(super) invoke: String,
    pub(super) created: u64,
    /// In the order of their REGISTERs.
    pub(in super::super) callees: Vec<Callee>,
    /// Whose turn it is, by place.
    pub(super) turn: usize,
    /// Calls that wait, by key.
    pub(in super::super) queue: Vec<u64>,
}

#[derive(Clone)]
pub(in super::super) struct Callee {
    pub(in super::super) session: u64,
    pub(super) options: Json,
    /// Invocations before this one were of an earlier offer, and do not keep it busy.
    pub(super) since_invocation: u64,
}

impl Registration {
    pub(super) fn details(&self) -> Json {
        json!({
            "id": self.id, "created": Router::written(self.created), "uri": self.procedure,
            "match": self.policy, "invoke": self.invoke,
        })
    }
}

impl Router {
    pub(super) fn register(&mut self, from: u64, message: &Json) -> Result<(), Refusal> {
        let (options, procedure) = (&message[2], text(&message[3]));
        let policy = options["match"].as_str().unwrap_or("exact");
        let invoke = options["invoke"].as_str().unwrap_or("single");
        self.check_uri(procedure, policy)?;
        Self::check_not_reserved(procedure)?;
        self.check_disclosure(is_set(options, "disclose_caller"))?;
        let held = self
            .registrations
            .iter()
            .filter(|r| r.callees.iter().any(|c| c.session == from));
        let is_full = held.count() >= self.profile.session_registrations;
        let existing = self
            .registrations
            .iter()
            .position(|r| r.policy == policy && r.procedure == procedure);
        let existing = existing.map(|at| self.registrations[at].id);
        let is_forced = is_set(options, "force_reregister");
        if let Some(registration) = existing
            .filter(|_| !is_forced)
            .map(|id| self.registration(id))
        {
            let is_shared = invoke != "single" && registration.invoke == invoke;
            if !is_shared
                || registration
                    .callees
                    .iter()
                    .any(|callee| callee.session == from)
            {
                return refuse("wamp.error.procedure_already_exists");
            }
        }
        if is_full {
            return refuse("wamp.error.unavailable");
        }
        if let Some(id) = existing.filter(|_| is_forced) {
            self.revoke_registration(id);
        }
        let existing = existing.filter(|_| !is_forced);
        let id = existing.unwrap_or_else(|| {
            let id = self.fresh(REGISTRATIONS);
            self.registrations.push(Registration {
                id,
                policy: policy.to_owned(),
                procedure: procedure.to_owned(),
                invoke: invoke.to_owned(),
                created: self.now,
                callees: Vec::new(),
                turn: 0,
                queue: Vec::new(),
            });
            id
        });
        let since_invocation = self.session(from).last_invocation + 1;
        let callee = Callee {
            session: from,
            options: options.clone(),
            since_invocation,
        };
        self.registration_mut(id).callees.push(callee);
        self.send(from, json!([65, message[1], id]));
        if existing.is_none() {
            let details = self.registration(id).details();
            self.happen(("wamp.registration.on_create", vec![json!(from), details]));
        }
        self.happen((
            "wamp.registration.on_register",
            vec![json!(from), json!(id)],
        ));
        Ok(())
    }

    pub(super) fn unregister(&mut self, from: u64, request: u64, id: u64) -> Result<(), Refusal> {
        let offers = |r: &Registration| r.id == id && r.callees.iter().any(|c| c.session == from);
        if !self.registrations.iter().any(offers) {
            return refuse("wamp.error.no_such_registration");
        }
        self.send(from, json!([67, request]));
        self.remove_callee(id, from);
        Ok(())
    }

    /// Takes a registration from all who offer it.
    fn revoke_registration(&mut self, id: u64) {
        for callee in self.registration(id).callees.clone() {
            self.revoke_callee(id, callee.session, Some(&json!(ANY)));
        }
    }

    /// Takes a registration from a callee and tells it, if it wants to know.
    pub(super) fn revoke_callee(&mut self, id: u64, callee: u64, reason: Option<&Json>) {
        if self.announces(callee, "callee", "registration_revocation") {
            let mut details = json!({"registration": id});
            if let Some(reason) = reason {
                details["reason"] = reason.clone();
            }
            self.send(callee, json!([67, 0, details]));
        }
        self.remove_callee(id, callee);
    }

    /// Takes a callee out, and the registration with the last.
    pub(super) fn remove_callee(&mut self, id: u64, callee: u64) {
        let registration = self.registration_mut(id);
        let at = registration
            .callees
            .iter()
            .position(|one| one.session == callee);
        let at = at.expect("it offers it");
        registration.callees.remove(at);
        if at < registration.turn {
            registration.turn -= 1;
        }
        let pair = vec![json!(callee), json!(id)];
        self.happen(("wamp.registration.on_unregister", pair));
        if self.registration(id).callees.is_empty() {
            let waiting = std::mem::take(&mut self.registration_mut(id).queue);
            self.registrations.retain(|one| one.id != id);
            for key in waiting {
                self.fail(key, "wamp.error.no_available_callee");
            }
            let holder = self.last_holder(callee);
            self.happen(("wamp.registration.on_delete", vec![holder, json!(id)]));
        }
    }

    /// Takes a session that ends out of all that it offered.
    pub(super) fn drop_callee(&mut self, session: u64) {
        let offered: Vec<u64> = self.offered_by(session);
        for id in offered {
            self.begin_chain();
            self.remove_callee(id, session);
        }
        for key in self.asked_of(session) {
            self.begin_chain();
            self.fail(key, "wamp.error.canceled");
        }
    }

    /// What a session offers, by id.
    pub(in super::super) fn offered_by(&self, session: u64) -> Vec<u64> {
        let offers = |r: &&Registration| r.callees.iter().any(|callee| callee.session == session);
        self.registrations
            .iter()
            .filter(offers)
            .map(|r| r.id)
            .collect()
    }

    pub(super) fn registration(&self, id: u64) -> &Registration {
        self.find_registration(id).expect("it is there")
    }

    pub(super) fn find_registration(&self, id: u64) -> Option<&Registration> {
        self.registrations.iter().find(|one| one.id == id)
    }

    pub(super) fn registration_mut(&mut self, id: u64) -> &mut Registration {
        self.registrations
            .iter_mut()
            .find(|one| one.id == id)
            .expect("it is there")
    }

    /// The registration that takes a call of a procedure.
    pub(super) fn best_registration(&self, procedure: &str) -> Option<&Registration> {
        let pattern = |r: &Registration| (r.policy.clone(), r.procedure.clone());
        let patterns: Vec<_> = self.registrations.iter().map(pattern).collect();
        let patterns: Vec<_> = patterns
            .iter()
            .map(|(p, u)| (p.as_str(), u.as_str()))
            .collect();
        uri::best(&patterns, procedure).map(|at| &self.registrations[at])
    }

    /// The id in the first argument of a meta procedure about one registration.
    pub(super) fn registration_named(&self, args: &[Json]) -> Result<u64, Refusal> {
        let Some(id) = args.first().filter(|arg| arg.is_u64()).map(number) else {
            return refuse("wamp.error.invalid_argument");
        };
        match self.find_registration(id) {
            Some(_) => Ok(id),
            None => refuse("wamp.error.no_such_registration"),
        }
    }
}
