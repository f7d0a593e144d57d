//! `wamp.registration.*` and `wamp.subscription.*`: what is registered and subscribed to, and by whom.

use super::super::super::json::{Json, json, set};
use super::super::{Refusal, Router, refuse, uri};
use super::{Arguments, invalid, result};

impl Router {
    pub(super) fn call_registrations(
        &mut self,
        from: u64,
        name: &str,
        given: &Arguments,
    ) -> Option<Result<Vec<Json>, Refusal>> {
        Some(match name {
            "list" => {
                let all = self
                    .registrations
                    .iter()
                    .map(|one| (one.policy.clone(), one.id));
                result(by_policy(&all.collect::<Vec<_>>()))
            }
            "lookup" => pattern(given).and_then(|(policy, procedure)| {
                let mut all = self.registrations.iter();
                let found = all.find(|one| one.policy == policy && one.procedure == procedure);
                result(json!(found.map(|one| one.id)))
            }),
            "match" => given.text(0).and_then(|procedure| {
                let best = self
                    .best_registration(procedure)
                    .filter(|_| !uri::is_reserved(procedure));
                result(json!(best.map(|one| one.id)))
            }),
            "get" => self
                .registration_named(&given.args)
                .and_then(|id| result(self.registration(id).details())),
            "list_callees" => self
                .callees(given)
                .and_then(|callees| result(set(&callees))),
            "count_callees" => self
                .callees(given)
                .and_then(|callees| result(json!(callees.len()))),
            "remove_callee" => self.remove_callee_for(from, given),
            _ => return None,
        })
    }

    fn callees(&self, given: &Arguments) -> Result<Vec<u64>, Refusal> {
        let id = self.registration_named(&given.args)?;
        Ok(self
            .registration(id)
            .callees
            .iter()
            .map(|callee| callee.session)
            .collect())
    }

    fn remove_callee_for(&mut self, from: u64, given: &Arguments) -> Result<Vec<Json>, Refusal> {
        self.check_may_kill(from)?;
        let session = given.id(1);
        let id = self.registration_named(&given.args)?;
        let session = session?;
        if !self.callees(given)?.contains(&session) {
            return self.refuse_outsider(session, "wamp.error.no_such_registration");
        }
        self.revoke_callee(id, session, given.kwargs.get("reason"));
        self.begin_chain();
        Ok(Vec::new())
    }

    /// Refuses to take from a session what it does not hold.
    fn refuse_outsider<T>(&self, session: u64, error: &'static str) -> Result<T, Refusal> {
        refuse(if self.is_there(session) {
            error
        } else {
            "wamp.error.no_such_session"
        })
    }

    pub(super) fn call_subscriptions(
        &mut self,
        from: u64,
        name: &str,
        given: &Arguments,
    ) -> Option<Result<Vec<Json>, Refusal>> {
        Some(match name {
            "list" => {
                let all = self
                    .subscriptions
                    .iter()
                    .map(|one| (one.policy.clone(), one.id));
                result(by_policy(&all.collect::<Vec<_>>()))
            }
            "lookup" => pattern(given).and_then(|(policy, topic)| {
                let mut all = self.subscriptions.iter();
                let found = all.find(|one| one.policy == policy && one.topic == topic);
                result(json!(found.map(|one| one.id)))
            }),
            "match" => given.text(0).and_then(|topic| {
                let matching = self.matching(topic);
                result(if matching.is_empty() {
                    Json::Null
                } else {
                    set(&matching)
                })
            }),
            "get" => self
                .subscription_named(&given.args)
                .and_then(|id| result(self.subscription(id).details())),
            "list_subscribers" => self.subscribers(given).and_then(|all| result(set(&all))),
            "count_subscribers" => self
                .subscribers(given)
                .and_then(|all| result(json!(all.len()))),
            "get_events" if !self.profile.history.is_empty() => {
                self.get_events(from, &given.args, &given.kwargs)
            }
            "remove_subscriber" => self.remove_subscriber_for(from, given),
            _ => return None,
        })
    }

    fn subscribers(&self, given: &Arguments) -> Result<Vec<u64>, Refusal> {
        let id = self.subscription_named(&given.args)?;
        Ok(self
            .subscription(id)
            .subscribers
            .iter()
            .map(|(session, _)| *session)
            .collect())
    }

    fn remove_subscriber_for(
        &mut self,
        from: u64,
        given: &Arguments,
    ) -> Result<Vec<Json>, Refusal> {
        self.check_may_kill(from)?;
        let session = given.id(1);
        let id = self.subscription_named(&given.args)?;
        let session = session?;
        if !self.subscribers(given)?.contains(&session) {
            return self.refuse_outsider(session, "wamp.error.no_such_subscription");
        }
        if self.announces(session, "subscriber", "subscription_revocation") {
            let mut details = json!({"subscription": id});
            if let Some(reason) = given.kwargs.get("reason") {
                details["reason"] = reason.clone();
            }
            self.send(session, json!([35, 0, details]));
        }
        self.remove_subscriber(id, session);
        self.begin_chain();
        Ok(Vec::new())
    }
}

/// Ids by policy, each list in no order.
fn by_policy(all: &[(String, u64)]) -> Json {
    let of = |policy: &str| -> Json {
        let ids = all.iter().filter(|(one, _)| one == policy);
        set(&ids.map(|(_, id)| *id).collect::<Vec<_>>())
    };
    json!({"exact": of("exact"), "prefix": of("prefix"), "wildcard": of("wildcard")})
}

/// A URI and, in the options behind it, a policy.
fn pattern(given: &Arguments) -> Result<(String, String), Refusal> {
    let uri = given.text(0)?.to_owned();
    let policy = match given.args.get(1) {
        None | Some(Json::Null) => "exact",
        Some(Json::Object(options)) => match options.get("match") {
            None | Some(Json::Null) => "exact",
            Some(Json::String(policy)) => policy,
            Some(_) => return invalid(),
        },
        Some(_) => return invalid(),
    };
    match policy {
        "exact" | "prefix" | "wildcard" => Ok((policy.to_owned(), uri)),
        _ => invalid(),
    }
}
