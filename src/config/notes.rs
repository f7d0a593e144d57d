//! What is allowed and may surprise: said at the start of a router, and by `wamp check`.

use bytestring::ByteString;

use super::{Config, RealmConfig};
use crate::router::Administrators;

impl Config {
    /// What an operator should know that this config does, a sentence each.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.admission.allowed_origins.iter().any(|it| it == "*") {
            notes.push("every web page may use this router through its visitors' browsers: allowed_origins has \"*\"".to_owned());
        }
        for file in &self.exposed {
            notes.push(format!(
                "everybody on this machine can read {}, which holds what opens doors: chmod 600 it",
                file.display()
            ));
        }
        for realm in &self.realms {
            notes.extend(realm.notes());
        }
        notes
    }

    /// Whether some realm lets in whoever does not sign in.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.realms.iter().any(|realm| realm.anonymous.is_some())
    }
}

impl RealmConfig {
    fn notes(&self) -> Vec<String> {
        let name = self.name.quoted();
        let settings = &self.settings;
        if self.anonymous.is_none() && self.everybody().next().is_none() {
            return vec![format!(
                "nobody can join realm {name}: it has no role; `wamp init --stdout` shows the role \"anonymous\", for everybody"
            )];
        }
        let mut notes = Vec::new();
        if settings.administrators == Administrators::Everybody {
            notes.push(format!(
                "everybody in realm {name} may end the others' sessions"
            ));
        }
        let authroles = settings
            .trust
            .iter()
            .filter_map(|rule| rule.authrole.as_ref());
        let is_had = |authrole: &ByteString| {
            self.anonymous.as_ref() == Some(authrole)
                || self.everybody().any(|it| it.authrole == *authrole)
        };
        for authrole in authroles.filter(|it| !is_had(it)) {
            notes.push(format!(
                "nobody in realm {name} has the role {authrole:?} that a rule of trust is about"
            ));
        }
        notes
    }
}
