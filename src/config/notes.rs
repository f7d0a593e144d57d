//! What is allowed and may surprise: said at the start of a router, and by `wamp check`.

use std::collections::BTreeSet;

use bytestring::ByteString;

use super::role::ANONYMOUS;
use super::{Config, RealmConfig};
use crate::protocol::{MatchPolicy, Uri};
use crate::router::{Action, Decision, Rights, UriPattern};

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
        notes.extend(self.realms.iter().filter_map(|it| self.open_door(it)));
        for realm in &self.realms {
            notes.extend(realm.notes());
        }
        notes
    }

    /// Whether anybody at all may be the authenticator of a realm.
    fn open_door(&self, realm: &RealmConfig) -> Option<String> {
        let authenticator = realm.authenticator.as_ref()?;
        let at = authenticator.realm.as_ref().unwrap_or(&realm.name);
        let asked = self.realms.iter().find(|it| it.name == *at)?;
        let role = asked.anonymous.as_ref()?;
        let rights = asked.settings.roles.of(role);
        let is_open = is_allowed(rights, Action::Register, &authenticator.procedure);
        is_open.then(|| {
            format!(
                "whoever does not sign in may register {} in realm {}, and so decide who joins realm {}",
                authenticator.procedure.quoted(),
                at.quoted(),
                realm.name.quoted()
            )
        })
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
        let has_principals = self.everybody().next().is_some() || self.authenticator.is_some();
        if self.anonymous.is_none() && !has_principals {
            return vec![format!(
                "nobody can join realm {name}: it has no role; `wamp init --stdout` shows the role \"anonymous\", for everybody"
            )];
        }
        let mut notes = Vec::new();
        let is_defined =
            |authrole: &ByteString| settings.roles.iter().any(|(role, _)| role == authrole);
        let had: BTreeSet<&ByteString> = self.everybody().map(|it| &it.authrole).collect();
        for role in had.into_iter().filter(|role| !is_defined(role)) {
            notes.push(format!(
                "who has the role {role:?} in realm {name} may do nothing: no [[realms.roles]] is called that"
            ));
        }
        for (role, rights) in settings.roles.iter() {
            notes.extend(rights_notes(&name, role, rights));
        }
        let authroles = settings
            .trust
            .iter()
            .filter_map(|rule| rule.authrole.as_ref());
        for authrole in authroles.filter(|it| !is_defined(it)) {
            notes.push(format!(
                "nobody in realm {name} has the role {authrole:?} that a rule of trust is about"
            ));
        }
        notes
    }
}

/// What surprises in the rights of one role.
fn rights_notes(realm: &str, role: &str, rights: &Rights) -> Vec<String> {
    let mut notes = Vec::new();
    let is_allowed = |action, uri: &Uri| is_allowed(rights, action, uri);
    if role == &*ANONYMOUS && is_allowed(Action::Kill, &Uri::from_static("wamp.session.kill")) {
        notes.push(format!(
            "everybody in realm {realm} may end the others' sessions"
        ));
    }
    if rights.rules().is_empty() && rights.authorizer().is_none() {
        notes.push(format!(
            "the role {role:?} of realm {realm} may do nothing: it has no rule"
        ));
    }
    for at in rights.idle_rules() {
        let rule = rights.rules().get(at);
        let pattern = rule.map(|rule| rule.uris.pattern.quoted());
        notes.push(format!(
            "the rule about wildcard {} of the role {role:?} of realm {realm} never decides: prefixes come before wildcards, \
             and another rule is about a prefix of all that it matches",
            pattern.unwrap_or_default()
        ));
    }
    let authorizer = rights.authorizer();
    if let Some(own) = authorizer.filter(|it| is_allowed(Action::Register, &it.procedure)) {
        notes.push(format!(
            "the role {role:?} of realm {realm} may register {}, which decides about it",
            own.procedure.quoted()
        ));
    }
    notes
}

/// Whether a role may do something with one URI, from anywhere.
fn is_allowed(rights: &Rights, action: Action, uri: &Uri) -> bool {
    let uris = UriPattern {
        policy: MatchPolicy::Exact,
        pattern: uri.clone(),
    };
    rights.explain(action, &uris, false).decision == Decision::Allowed
}
