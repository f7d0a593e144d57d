//! What the reference leaves to the core: chance, and how keys are spread. It looks at what the core sent, and
//! holds it to what must be so whatever it chose.

use super::super::json::{Json, behind, number, text};

/// What the core sent for the message at hand, and whom it chose before.
#[derive(Default)]
pub(in super::super) struct Oracle {
    /// To whom, and what; ids of registrations and subscriptions are the reference's.
    pub(in super::super) seen: Vec<(u64, Json)>,
    owned: Vec<Owned>,
}

/// Once, among these nodes, this one owned the key.
struct Owned {
    key: String,
    nodes: Vec<String>,
    owner: String,
}

impl Oracle {
    /// Which of the candidates got an INVOCATION of a registration with this payload.
    pub(super) fn invoked(
        &self,
        registration: u64,
        payload: &[Json],
        among: &[u64],
    ) -> Option<u64> {
        let is_it = |to: &u64, message: &Json| {
            among.contains(to)
                && number(&message[0]) == 68
                && number(&message[2]) == registration
                && behind(message, 4) == payload
        };
        self.seen
            .iter()
            .find(|(to, message)| is_it(to, message))
            .map(|(to, _)| *to)
    }

    /// The place at which an INVOCATION of a registration with this payload was sent, the last where none was.
    pub(super) fn turn(&self, registration: u64, payload: &[Json]) -> usize {
        let is_it = |message: &Json| {
            number(&message[0]) == 68
                && number(&message[2]) == registration
                && behind(message, 4) == payload
        };
        let place = self.seen.iter().position(|(_, message)| is_it(message));
        place.unwrap_or(usize::MAX)
    }

    /// Whether a session was sent ABORT.
    pub(super) fn has_aborted(&self, session: u64) -> bool {
        self.seen
            .iter()
            .any(|(to, message)| *to == session && number(&message[0]) == 3)
    }

    /// The error that a call ended in.
    pub(super) fn failure(&self, caller: u64, request: u64) -> Option<&str> {
        let is_it = |message: &Json| {
            number(&message[0]) == 8 && number(&message[1]) == 48 && number(&message[2]) == request
        };
        let mut errors = self
            .seen
            .iter()
            .filter(|(to, message)| *to == caller && is_it(message));
        errors.next().map(|(_, message)| text(&message[4]))
    }

    /// Who got an EVENT of a subscription with this payload.
    pub(super) fn heard(&self, subscription: u64, payload: &[Json]) -> Vec<u64> {
        let is_it = |message: &Json| {
            number(&message[0]) == 36
                && number(&message[1]) == subscription
                && behind(message, 4) == payload
        };
        self.seen
            .iter()
            .filter(|(_, message)| is_it(message))
            .map(|(to, _)| *to)
            .collect()
    }

    /// Whether a node may own a key: keys stay with their node unless it goes, or one that has come takes them.
    pub(super) fn may_own(&self, key: &str, nodes: &[String], owner: &String) -> bool {
        self.owned
            .iter()
            .filter(|before| before.key == key)
            .all(|before| {
                *owner == before.owner
                    || !nodes.contains(&before.owner)
                    || !before.nodes.contains(owner)
            })
    }

    /// Remembers who owned a key.
    pub(super) fn remember(&mut self, key: &str, nodes: &[String], owner: &String) {
        let is_known = |o: &Owned| o.key == key && o.owner == *owner && o.nodes == nodes;
        if !self.owned.iter().any(is_known) {
            self.owned.push(Owned {
                key: key.to_owned(),
                nodes: nodes.to_vec(),
                owner: owner.clone(),
            });
        }
    }
}
