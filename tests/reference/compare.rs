//! Whether the core sent what the reference expects: the same messages, to each session in the same order, the
//! reference's ids standing for the core's.

use std::collections::HashMap;

use super::json::{ANY, Json, NAMED, REST, SET, number};
use super::model::{SESSIONS, Sent};

/// What the reference's ids, and its names for texts, stand for.
#[derive(Default)]
pub(super) struct Bindings {
    ids: HashMap<u64, u64>,
    /// The reverse, by kind.
    by_actual: HashMap<(u64, u64), u64>,
    texts: HashMap<String, String>,
    /// What was bound since the last success.
    tentative: Vec<Bound>,
}

enum Bound {
    Id(u64),
    Text(String),
}

impl Bindings {
    /// The core's id for one of the reference's.
    pub(super) fn id(&self, id: u64) -> Option<u64> {
        self.ids.get(&id).copied()
    }

    /// The reference's id of a kind for one of the core's.
    pub(super) fn reverse(&self, kind: u64, actual: u64) -> Option<u64> {
        self.by_actual.get(&(kind, actual)).copied()
    }

    /// The reference's session for one of the core's.
    pub(super) fn session(&self, actual: u64) -> Option<u64> {
        self.reverse(SESSIONS, actual)
    }

    /// Notes what one of the reference's ids stands for.
    pub(super) fn bind(&mut self, id: u64, actual: u64) {
        self.ids.insert(id, actual);
        self.by_actual
            .insert((id / SESSIONS * SESSIONS, actual), id);
    }

    /// A message of a client, in the core's terms.
    pub(super) fn translate(&self, value: &Json) -> Json {
        match value {
            Json::Number(_) => self
                .id(number(value))
                .map_or_else(|| value.clone(), Json::from),
            Json::String(text) => match self.texts.get(text) {
                Some(bound) => Json::from(bound.as_str()),
                None => value.clone(),
            },
            Json::Array(items) => items.iter().map(|item| self.translate(item)).collect(),
            Json::Object(entries) => {
                let entries = entries.iter();
                Json::Object(
                    entries
                        .map(|(key, value)| (key.clone(), self.translate(value)))
                        .collect(),
                )
            }
            Json::Null | Json::Bool(_) => value.clone(),
        }
    }

    /// Whether `actual` is what is expected; if so, binds what was not yet bound.
    fn try_match(&mut self, expected: &Json, actual: &Json) -> bool {
        let is_match = self.unify(expected, actual);
        for bound in std::mem::take(&mut self.tentative) {
            match bound {
                Bound::Id(id) if !is_match => {
                    if let Some(actual) = self.ids.remove(&id) {
                        self.by_actual.remove(&(id / SESSIONS * SESSIONS, actual));
                    }
                }
                Bound::Text(text) if !is_match => drop(self.texts.remove(&text)),
                Bound::Id(_) | Bound::Text(_) => {}
            }
        }
        is_match
    }

    fn unify(&mut self, expected: &Json, actual: &Json) -> bool {
        match (expected, actual) {
            (Json::String(text), _) if text == ANY => true,
            (Json::String(text), Json::String(actual)) if text.starts_with(NAMED) => {
                if let Some(bound) = self.texts.get(text) {
                    return bound == actual;
                }
                self.texts.insert(text.clone(), actual.clone());
                self.tentative.push(Bound::Text(text.clone()));
                true
            }
            (Json::Number(_), Json::Number(_)) if number(expected) >= SESSIONS => {
                self.unify_id(number(expected), number(actual))
            }
            (Json::Array(expected), Json::Array(actual)) => self.unify_lists(expected, actual),
            (Json::Object(entries), Json::Array(actual)) if entries.contains_key(SET) => {
                let expected = entries[SET]
                    .as_array()
                    .map(Vec::as_slice)
                    .unwrap_or_default();
                self.unify_sets(expected, actual)
            }
            (Json::Object(expected), Json::Object(actual)) => {
                expected.len() == actual.len()
                    && expected.iter().all(|(key, value)| {
                        actual
                            .get(key)
                            .is_some_and(|actual| self.unify(value, actual))
                    })
            }
            _ => expected == actual,
        }
    }

    fn unify_id(&mut self, id: u64, actual: u64) -> bool {
        if let Some(&bound) = self.ids.get(&id) {
            return bound == actual;
        }
        let kind = id / SESSIONS * SESSIONS;
        if self.reverse(kind, actual).is_some() {
            return false;
        }
        self.bind(id, actual);
        self.tentative.push(Bound::Id(id));
        true
    }

    fn unify_lists(&mut self, expected: &[Json], actual: &[Json]) -> bool {
        if let [head @ .., Json::String(last)] = expected
            && last == REST
        {
            return actual.len() >= head.len() && self.unify_lists(head, &actual[..head.len()]);
        }
        expected.len() == actual.len()
            && expected
                .iter()
                .zip(actual)
                .all(|(expected, actual)| self.unify(expected, actual))
    }

    /// Ids that are known first, then the others in their order.
    fn unify_sets(&mut self, expected: &[Json], actual: &[Json]) -> bool {
        let mut rest: Vec<u64> = actual.iter().map(number).collect();
        let mut unknown = Vec::new();
        for id in expected.iter().map(number) {
            match self.ids.get(&id) {
                Some(bound) => match rest.iter().position(|one| one == bound) {
                    Some(at) => drop(rest.remove(at)),
                    None => return false,
                },
                None => unknown.push(id),
            }
        }
        unknown.len() == rest.len()
            && unknown
                .iter()
                .zip(rest)
                .all(|(id, actual)| self.unify_id(*id, actual))
    }
}

/// What one session is still to get: steps in order, where those of different chains may change places.
struct Expected {
    steps: Vec<Step>,
}

/// Messages that may come in any order: one publication under several subscriptions.
struct Step {
    chain: Option<u64>,
    messages: Vec<Json>,
    is_after_others: bool,
}

impl Expected {
    fn of(session: u64, sent: &[Sent]) -> Self {
        let mut steps: Vec<Step> = Vec::new();
        for Sent {
            chain,
            message,
            is_after_others,
            ..
        } in sent.iter().filter(|sent| sent.to == session)
        {
            let is_same = |step: &&mut Step| {
                let event = &step.messages[0];
                step.chain == *chain && event[0] == 36 && message[0] == 36 && event[2] == message[2]
            };
            match steps.last_mut().filter(is_same) {
                Some(step) => step.messages.push(message.clone()),
                None => steps.push(Step {
                    chain: *chain,
                    messages: vec![message.clone()],
                    is_after_others: *is_after_others,
                }),
            }
        }
        Self { steps }
    }

    /// The steps whose turn it is: the first, and of those that follow it in chains, the first of each.
    fn ready(&self) -> Vec<usize> {
        let mut seen = Vec::new();
        let mut ready = Vec::new();
        for (at, step) in self.steps.iter().enumerate() {
            match step.chain {
                None if at == 0 => return vec![0],
                None => break,
                Some(chain) if seen.contains(&chain) => {}
                Some(chain) => {
                    seen.push(chain);
                    ready.push(at);
                }
            }
        }
        ready
    }

    /// Takes the message that has come; `None` where it should not have.
    fn take(&mut self, actual: &Json, bindings: &mut Bindings) -> Option<Json> {
        for at in self.ready() {
            let step = &mut self.steps[at];
            let found = step
                .messages
                .iter()
                .position(|expected| bindings.try_match(expected, actual));
            if let Some(found) = found {
                let message = step.messages.remove(found);
                if step.messages.is_empty() {
                    self.steps.remove(at);
                }
                return Some(message);
            }
        }
        let is_early = self.steps.first().is_some_and(|step| step.is_after_others);
        is_early.then(|| actual.clone())
    }
}

/// Compares what a session got with what it should. Returns what was right, in the reference's terms. Errors: what
/// came instead of what.
pub(super) fn compare(
    session: u64,
    sent: &[Sent],
    actual: &[Json],
    bindings: &mut Bindings,
) -> (Vec<Json>, Result<(), Mismatch>) {
    let mut expected = Expected::of(session, sent);
    let mut matched = Vec::new();
    for message in actual {
        match expected.take(message, bindings) {
            Some(expected) => matched.push(expected),
            None => {
                return (
                    matched,
                    Err(Mismatch::new(&expected, Some(message), bindings)),
                );
            }
        }
    }
    if expected.steps.is_empty() {
        (matched, Ok(()))
    } else {
        let mismatch = Mismatch::new(&expected, None, bindings);
        (matched, Err(mismatch))
    }
}

/// Where what came differs from what should have come.
#[derive(Debug)]
pub(super) struct Mismatch {
    pub(super) came: Option<Json>,
    /// Any of these was right, in the core's terms.
    pub(super) expected: Vec<Json>,
}

impl Mismatch {
    fn new(expected: &Expected, came: Option<&Json>, bindings: &Bindings) -> Self {
        let ready = expected.ready().into_iter();
        let ready = ready.flat_map(|at| &expected.steps[at].messages);
        Self {
            came: came.cloned(),
            expected: ready.map(|message| bindings.translate(message)).collect(),
        }
    }
}
