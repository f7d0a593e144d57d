//! What sequences have reached: which messages with which details, which procedures, which errors.

use std::collections::{BTreeMap, BTreeSet};

use wamp::protocol::MessageCode;

use super::json::{Json, number, text};

/// What was met at least once, each in a word or two.
#[derive(Clone, Debug, Default)]
pub(super) struct Coverage {
    met: BTreeSet<String>,
    /// The meta procedures called, by request, until they are answered.
    asked: BTreeMap<u64, String>,
}

impl Coverage {
    pub(super) fn note_sent(&mut self, message: &Json) {
        if number(&message[0]) == 48 {
            self.asked
                .insert(number(&message[1]), text(&message[3]).to_owned());
        }
        self.note("->", message);
    }

    pub(super) fn note_received(&mut self, message: &Json) {
        self.note("<-", message);
        let code = number(&message[0]);
        match code {
            3 => drop(self.met.insert(format!("ABORT {}", text(&message[2])))),
            8 => {
                let error = text(&message[4]);
                self.met
                    .insert(format!("ERROR {} {error}", name(number(&message[1]))));
            }
            50 => {
                let asked = self.asked.get(&number(&message[1]));
                let asked = asked.filter(|procedure| procedure.starts_with("wamp."));
                self.met
                    .extend(asked.map(|procedure| format!("RESULT {procedure}")));
            }
            _ => {}
        }
    }

    /// Takes what the reference says was rare.
    pub(super) fn note_reached(&mut self, reached: BTreeSet<&'static str>) {
        self.met.extend(reached.into_iter().map(str::to_owned));
    }

    fn note(&mut self, direction: &str, message: &Json) {
        let Some(elements) = message.as_array() else {
            return;
        };
        let name = name(number(&message[0]));
        self.met.insert(format!("{direction} {name}"));
        for details in elements.iter().take(4).filter_map(Json::as_object) {
            for (key, value) in details {
                let value = value
                    .as_str()
                    .map(|value| format!("={value}"))
                    .unwrap_or_default();
                self.met.insert(format!("{direction} {name} {key}"));
                self.met.insert(format!("{direction} {name} {key}{value}"));
            }
        }
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.met.extend(other.met);
    }

    /// What of a list was never met.
    pub(super) fn lacks<'a>(&self, wanted: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
        wanted
            .into_iter()
            .filter(|one| !self.met.contains(*one))
            .collect()
    }
}

fn name(code: u64) -> &'static str {
    MessageCode::from_number(code).map_or("?", MessageCode::name)
}
