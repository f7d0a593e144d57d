//! Testaments: what is published when a session ends.

use super::super::super::json::{Json, is_set, json, text};
use super::super::shape::has_sound_options;
use super::super::{Refusal, Router, refuse};
use super::{Arguments, invalid};

/// What is published when its session ends.
#[derive(Clone)]
pub(in super::super) struct Testament {
    scope: String,
    topic: String,
    options: Json,
    payload: Vec<Json>,
}

impl Router {
    pub(super) fn call_testaments(
        &mut self,
        from: u64,
        name: &str,
        given: &Arguments,
    ) -> Option<Result<Vec<Json>, Refusal>> {
        Some(match name {
            "add_testament" => self.add_testament(from, given),
            "flush_testaments" => scope(given).map(|scope| {
                self.session_mut(from)
                    .testaments
                    .retain(|one| one.scope != scope);
                Vec::new()
            }),
            _ => return None,
        })
    }

    fn add_testament(&mut self, from: u64, given: &Arguments) -> Result<Vec<Json>, Refusal> {
        let scope = scope(given)?;
        let topic = given.text(0)?;
        self.check_uri(topic, "exact")?;
        Self::check_not_reserved(topic)?;
        let args = given.args.get(1).cloned().unwrap_or_else(|| json!([]));
        let kwargs = given.args.get(2).cloned().unwrap_or_else(|| json!({}));
        if !args.is_array() || !kwargs.is_object() {
            return invalid();
        }
        let options = match &given.kwargs["publish_options"] {
            Json::Null => json!({}),
            options if options.is_object() && has_sound_options(16, options) => options.clone(),
            _ => return invalid(),
        };
        self.check_disclosure(is_set(&options, "disclose_me"))?;
        let payload = match (args == json!([]), kwargs == json!({})) {
            (_, false) => vec![args, kwargs],
            (false, true) => vec![args],
            (true, true) => Vec::new(),
        };
        let bytes: usize = payload.iter().map(|part| part.to_string().len()).sum();
        if bytes > self.profile.testament_bytes {
            return refuse("wamp.error.payload_size_exceeded");
        }
        let testament = Testament {
            scope,
            topic: topic.to_owned(),
            options,
            payload,
        };
        let most = self.profile.session_testaments;
        let testaments = &mut self.session_mut(from).testaments;
        if testaments
            .iter()
            .filter(|one| one.scope == testament.scope)
            .count()
            >= most
        {
            return refuse("wamp.error.unavailable");
        }
        testaments.push(testament);
        Ok(Vec::new())
    }

    /// Publishes what a session that ends has left: `detached` first.
    pub(in super::super) fn execute_testaments(&mut self, session: u64) {
        let testaments = std::mem::take(&mut self.session_mut(session).testaments);
        for scope in ["detached", "destroyed"] {
            for testament in testaments.iter().filter(|one| one.scope == scope) {
                let Testament {
                    topic,
                    options,
                    payload,
                    ..
                } = testament;
                self.reach(if scope == "detached" {
                    "a testament is published"
                } else {
                    "a testament of the end is published"
                });
                // It was checked when it was added.
                let _ = self.publish(session, options, topic, payload);
            }
        }
    }
}

fn scope(given: &Arguments) -> Result<String, Refusal> {
    match &given.kwargs["scope"] {
        Json::Null => Ok("destroyed".to_owned()),
        scope if matches!(text(scope), "destroyed" | "detached") => Ok(text(scope).to_owned()),
        _ => invalid(),
    }
}
