//! Reflection: what there is, and what clients say about it.

use super::super::super::json::{ANY, Json, json, text};
use super::super::{Refusal, Router, refuse};
use super::{Arguments, invalid, result};

/// What a session says about a URI.
pub(in super::super) struct Definition {
    session: u64,
    uri: String,
    description: Json,
}

const PROCEDURES: &str = "reflect.define reflect.describe reflection.error.describe reflection.error.list \
    reflection.procedure.describe reflection.procedure.list reflection.topic.describe reflection.topic.list \
    registration.count_callees registration.get registration.list registration.list_callees registration.lookup \
    registration.match registration.remove_callee session.add_testament session.count session.flush_testaments \
    session.get session.kill session.kill_all session.kill_by_authid session.kill_by_authrole session.list \
    subscription.count_subscribers subscription.get subscription.list subscription.list_subscribers \
    subscription.lookup subscription.match subscription.remove_subscriber";

impl Definition {
    fn kind(&self) -> &str {
        self.description["kind"].as_str().unwrap_or("procedure")
    }
}

impl Router {
    pub(super) fn call_reflection(
        &mut self,
        from: u64,
        procedure: &str,
        given: &Arguments,
    ) -> Option<Result<Vec<Json>, Refusal>> {
        Some(match procedure {
            "reflect.define" => self.define(from, given),
            "reflect.describe" => given.text(0).and_then(|uri| match self.defined(uri, None) {
                Some(description) => result(description),
                None => invalid(),
            }),
            "reflection.procedure.list" => {
                let mut own = self.meta_procedures();
                own.extend(self.registrations.iter().map(|one| one.procedure.clone()));
                self.named(own, "procedure")
            }
            "reflection.topic.list" => {
                let topics = self.subscriptions.iter().map(|one| one.topic.clone());
                self.named(topics.collect(), "topic")
            }
            // Which errors there are is the core's to say.
            "reflection.error.list" => result(json!(ANY)),
            "reflection.procedure.describe" => given.text(0).and_then(|uri| {
                let all = self.registrations.iter().filter(|one| one.procedure == uri);
                let all = all.map(|one| (one.policy.as_str(), one.details()));
                let is_own = self.meta_procedures().iter().any(|own| own == uri);
                self.described(
                    uri,
                    "procedure",
                    ("registrations", &sorted(all.collect())),
                    is_own,
                )
                .ok_or(Refusal("wamp.error.no_such_procedure"))
            }),
            "reflection.topic.describe" => given.text(0).and_then(|uri| {
                let all = self.subscriptions.iter().filter(|one| one.topic == uri);
                let all = all.map(|one| (one.policy.as_str(), one.details()));
                self.described(
                    uri,
                    "topic",
                    ("subscriptions", &sorted(all.collect())),
                    false,
                )
                .ok_or(Refusal("wamp.error.no_such_subscription"))
            }),
            "reflection.error.describe" => given.text(0).and_then(|uri| {
                let is_own = uri.starts_with("wamp.error.");
                self.described(uri, "error", ("", &[]), is_own)
                    .ok_or(Refusal("wamp.error.invalid_argument"))
            }),
            _ => return None,
        })
    }

    fn define(&mut self, from: u64, given: &Arguments) -> Result<Vec<Json>, Refusal> {
        let uri = given.text(0)?;
        self.check_uri(uri, "exact")?;
        Self::check_not_reserved(uri)?;
        let before = self.definitions.iter().find(|one| one.uri == uri);
        if before.is_some_and(|before| before.session != from) {
            return refuse("wamp.error.not_authorized");
        }
        let is_defined = before.is_some();
        let description = match given.args.get(1) {
            Some(description @ Json::Object(_)) => description.clone(),
            None | Some(Json::Null) => {
                self.definitions.retain(|one| one.uri != uri);
                if is_defined {
                    self.happen(("wamp.reflect.on_undefine", vec![json!(from), json!(uri)]));
                }
                return Ok(Vec::new());
            }
            Some(_) => return invalid(),
        };
        let kind = &description["kind"];
        if !kind.is_null() && !matches!(text(kind), "procedure" | "topic" | "error") {
            return invalid();
        }
        let uri = uri.to_owned();
        self.happen(("wamp.reflect.on_define", vec![json!(from), json!(uri)]));
        self.definitions.retain(|one| one.uri != uri);
        self.definitions.push(Definition {
            session: from,
            uri,
            description,
        });
        Ok(Vec::new())
    }

    /// What somebody says about a URI.
    fn defined(&self, uri: &str, kind: Option<&str>) -> Option<Json> {
        let mut all = self.definitions.iter().filter(|one| one.uri == uri);
        let found = all.find(|one| kind.is_none_or(|kind| one.kind() == kind));
        found.map(|one| one.description.clone())
    }

    /// The URIs that somebody says something about.
    pub(in super::super::super) fn defined_uris(&self) -> Vec<String> {
        self.definitions.iter().map(|one| one.uri.clone()).collect()
    }

    /// URIs, and those defined as of that kind, in order.
    fn named(&self, mut uris: Vec<String>, kind: &str) -> Result<Vec<Json>, Refusal> {
        let defined = self.definitions.iter().filter(|one| one.kind() == kind);
        uris.extend(defined.map(|one| one.uri.clone()));
        uris.sort();
        uris.dedup();
        result(json!(uris))
    }

    fn described(
        &self,
        uri: &str,
        kind: &str,
        found: (&str, &[Json]),
        is_own: bool,
    ) -> Option<Vec<Json>> {
        let definition = self.defined(uri, Some(kind));
        if definition.is_none() && found.1.is_empty() && !is_own {
            return None;
        }
        let mut described = json!({"uri": uri, "router": is_own});
        if !found.1.is_empty() {
            described[found.0] = json!(found.1);
        }
        if let Some(definition) = definition {
            described["definition"] = definition;
        }
        Some(vec![json!([described])])
    }

    pub(in super::super) fn meta_procedures(&self) -> Vec<String> {
        let has_history = !self.profile.history.is_empty();
        let history = has_history.then_some("subscription.get_events");
        let all = PROCEDURES.split_whitespace().chain(history);
        all.map(|name| format!("wamp.{name}")).collect()
    }

    /// Forgets what a session that ends has said.
    pub(in super::super) fn undefine_all(&mut self, session: u64) {
        let own = self.definitions.iter().filter(|one| one.session == session);
        for uri in own.map(|one| one.uri.clone()).collect::<Vec<_>>() {
            self.begin_chain();
            self.happen(("wamp.reflect.on_undefine", vec![json!(session), json!(uri)]));
        }
        self.definitions.retain(|one| one.session != session);
    }
}

/// Details by policy: exact, prefix, wildcard, which is the order of the letters too.
fn sorted(mut all: Vec<(&str, Json)>) -> Vec<Json> {
    all.sort_by_key(|(policy, _)| *policy);
    all.into_iter().map(|(_, details)| details).collect()
}
