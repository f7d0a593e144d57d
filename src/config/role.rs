//! Who may do what in a realm: its roles, with rules by URI and action.
//!
//! One role is known, `anonymous`: whoever does not sign in. Its rules are about every URI, and grant everything that is
//! not about other sessions together; what a realm may choose is disclosure, and who ends sessions. Nobody is let into a
//! realm without a role.

use super::bounds;
use super::section::Section;
use super::settings::uris;
use crate::protocol::UriRule;
use crate::router::{Administrators, Limits, RoleBounds, UriPattern};

/// What the role of a realm may do beside calling, registering, publishing and subscribing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Role {
    /// See who calls and publishes, where they ask for it.
    pub(super) disclose: bool,
    /// End other sessions.
    pub(super) kill: Administrators,
}

/// What a rule may grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Call,
    Register,
    Publish,
    Subscribe,
    Disclose,
    Kill,
}

const ACTIONS: [(&str, Action); 6] = [
    ("call", Action::Call),
    ("register", Action::Register),
    ("publish", Action::Publish),
    ("subscribe", Action::Subscribe),
    ("disclose", Action::Disclose),
    ("kill", Action::Kill),
];

/// Granted together.
const WHOLE: [Action; 4] = [
    Action::Call,
    Action::Register,
    Action::Publish,
    Action::Subscribe,
];

/// A rule: what is granted, and whether to sessions from this machine only.
struct Grant {
    allow: Vec<Action>,
    is_local: bool,
}

/// Reads a realm's roles; none where nobody is let in.
pub(super) fn roles(realm: &mut Section<'_>, limits: &Limits) -> (Option<Role>, Vec<RoleBounds>) {
    let mut count = 0;
    let mut role_bounds = Vec::new();
    let roles = realm.sections("roles", |role| {
        count += 1;
        if count > 1 {
            role.refuse("a realm has one role, \"anonymous\"");
        }
        role_bounds.extend(bounds::role(role, Some("anonymous".into()), limits));
        read(role)
    });
    (roles.and_then(|it| it.into_iter().next()), role_bounds)
}

fn read(role: &mut Section<'_>) -> Role {
    let name = role.choice("name", &[("anonymous", ())]);
    role.need("name", name);
    let rules = role.sections("rules", grant).unwrap_or_default();
    let grants = |action: Action, is_local: bool| {
        rules
            .iter()
            .any(|rule| rule.is_local == is_local && rule.allow.contains(&action))
    };
    if !WHOLE.into_iter().all(|action| grants(action, false)) {
        role.refuse(
            "the rules of a role allow \"call\", \"register\", \"publish\" and \"subscribe\", all of them",
        );
    }
    Role {
        disclose: grants(Action::Disclose, false),
        kill: if grants(Action::Kill, false) {
            Administrators::Everybody
        } else if grants(Action::Kill, true) {
            Administrators::Local
        } else {
            Administrators::Nobody
        },
    }
}

fn grant(rule: &mut Section<'_>) -> Grant {
    let pattern = uris(rule, UriRule::Loose);
    if pattern.is_some_and(|pattern| pattern != UriPattern::everything()) {
        rule.refuse("a rule is about every URI: uri = \"\", match = \"prefix\"");
    }
    let allow = rule.choices("allow", &ACTIONS);
    let allow = rule.need("allow", allow).unwrap_or_default();
    let is_local = rule.choice("from", &[("loopback", ())]).is_some();
    if is_local && allow.iter().any(|action| *action != Action::Kill) {
        rule.refuse_key("from", "goes with allow = [\"kill\"] alone");
    }
    Grant { allow, is_local }
}
