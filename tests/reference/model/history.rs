//! Events that were published, to be asked for later.

use std::cmp::Ordering;

use super::super::json::{Json, is_set, json, number, text};
use super::publish::Publication;
use super::{Refusal, Router, check, uri};

/// An event that was published, under one rule of the history.
#[derive(Clone)]
pub(super) struct Stored {
    rule: usize,
    time: u64,
    publication: Publication,
}

impl Router {
    /// Keeps an event under each rule that matches its topic.
    pub(super) fn store(&mut self, publication: &Publication) {
        if publication.names_sessions() {
            return;
        }
        for (rule, asked) in self.profile.history.iter().enumerate() {
            if !uri::matches(asked.policy, asked.pattern, &publication.topic) {
                continue;
            }
            let stored = Stored {
                rule,
                time: self.now,
                publication: publication.clone(),
            };
            self.history.push(stored);
            if self.history.iter().filter(|one| one.rule == rule).count() > asked.events_max {
                let oldest = self.history.iter().position(|one| one.rule == rule);
                self.history.remove(oldest.expect("there are some"));
            }
        }
    }

    /// What the history holds.
    pub(in super::super) fn stored_publications(&self) -> Vec<u64> {
        self.history.iter().map(|one| one.publication.id).collect()
    }

    /// `wamp.subscription.get_events`.
    pub(super) fn get_events(
        &self,
        from: u64,
        args: &[Json],
        kwargs: &Json,
    ) -> Result<Vec<Json>, Refusal> {
        let id = self.subscription_named(args)?;
        check_wanted(kwargs)?;
        let subscription = self.subscription(id);
        let mut events = self.history.clone();
        events.retain(|one| {
            uri::matches(
                &subscription.policy,
                &subscription.topic,
                &one.publication.topic,
            )
        });
        // Under two rules, it is one event still.
        events.sort_by_key(|one| one.publication.id);
        events.dedup_by_key(|one| one.publication.id);
        let Some(events) = wanted(events, kwargs) else {
            self.reach("history is asked by an unknown publication");
            return Ok(vec![json!([[]])]);
        };
        let mut events: Vec<Stored> = events;
        events.retain(|one| one.publication.is_for_identity(self.session(from)));
        if is_set(kwargs, "reverse") {
            events.reverse();
        }
        let limit = kwargs["limit"].as_u64().unwrap_or(u64::MAX);
        let most = self.profile.history_answer_events;
        let count = events
            .len()
            .min(usize::try_from(limit).unwrap_or(usize::MAX));
        let is_cut = count > most;
        events.truncate(count.min(most));
        let events: Vec<Json> = events
            .iter()
            .map(|one| one.shown(id, &subscription.policy))
            .collect();
        let mut results = vec![json!([events])];
        if events.len() > 1 {
            self.reach("history tells several events");
        }
        if is_cut {
            self.reach("history is cut");
            results.push(json!({"more": true}));
        }
        Ok(results)
    }
}

impl Stored {
    fn shown(&self, subscription: u64, policy: &str) -> Json {
        let mut shown = json!({
            "timestamp": Router::written(self.time), "subscription": subscription,
            "publication": self.publication.id, "details": self.publication.details_under(policy),
        });
        for (key, part) in ["args", "kwargs"].iter().zip(&self.publication.payload) {
            shown[*key] = part.clone();
        }
        shown
    }
}

/// Refuses arguments of the wrong type.
fn check_wanted(kwargs: &Json) -> Result<(), Refusal> {
    let is_right = |key: &str, is: fn(&Json) -> bool| kwargs[key].is_null() || is(&kwargs[key]);
    let is_time = |value: &Json| value.as_str().is_some_and(|time| time.ends_with('Z'));
    let is_positive = |value: &Json| value.as_u64().is_some_and(|number| number > 0);
    let are_right = is_right("reverse", Json::is_boolean)
        && is_right("limit", is_positive)
        && is_right("topic", Json::is_string)
        && ["from", "after", "before", "until"].iter().all(|word| {
            is_right(&format!("{word}_time"), is_time)
                && is_right(&format!("{word}_publication"), is_positive)
        });
    check(are_right, "wamp.error.invalid_argument")
}

/// The events for which every condition holds; none where one names a publication that is not there.
fn wanted(mut events: Vec<Stored>, kwargs: &Json) -> Option<Vec<Stored>> {
    let holds = |word: &str, place: usize, bound: usize| match word {
        "from" => place >= bound,
        "after" => place > bound,
        "before" => place < bound,
        _ => place <= bound,
    };
    let all = events.clone();
    let place = |id: u64| all.iter().position(|one| one.publication.id == id);
    for word in ["from", "after", "before", "until"] {
        let publication = &kwargs[format!("{word}_publication")];
        if !publication.is_null() {
            let bound = place(number(publication))?;
            events.retain(|one| place(one.publication.id).is_some_and(|at| holds(word, at, bound)));
        }
        if let Some(time) = kwargs[format!("{word}_time")].as_str() {
            events.retain(|one| {
                // Of one day and one form, texts compare as times do.
                let place = match Router::written(one.time).as_str().cmp(time) {
                    Ordering::Less => 0,
                    Ordering::Equal => 1,
                    Ordering::Greater => 2,
                };
                holds(word, place, 1)
            });
        }
    }
    let topic = &kwargs["topic"];
    events.retain(|one| topic.is_null() || one.publication.topic == text(topic));
    Some(events)
}
