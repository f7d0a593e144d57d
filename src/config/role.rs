//! Who may do what in a realm: its roles, with rules by URI and action, and who is asked where no rule decides.
//!
//! What the rules mean together is `router`'s to say. Nobody is let into a realm without a role, and a role without a
//! rule may do nothing.

use std::collections::HashSet;

use bytestring::ByteString;

use super::bounds;
use super::section::Section;
use super::settings::uris;
use super::{principals, units, values};
use crate::protocol::UriRule;
use crate::router::{Action, DynamicAuthorizer, Limits, Reach, Rights, RoleBounds, Rule};

/// bound: the rules of a role, each of which a request by pattern is held against.
const RULES_MAX: usize = 1_000;

/// The role of whoever does not sign in.
pub(super) const ANONYMOUS: ByteString = ByteString::from_static("anonymous");

/// Reads a realm's roles; none where nobody is let in.
pub(super) fn roles(
    realm: &mut Section<'_>,
    uri_rule: UriRule,
    limits: &Limits,
) -> (Vec<(ByteString, Rights)>, Vec<RoleBounds>) {
    let mut names = HashSet::new();
    let mut all_bounds = Vec::new();
    let roles = realm.sections("roles", |section| {
        let bounds = bounds::role(section, limits);
        let (name, rights) = role(section, uri_rule)?;
        if !names.insert(name.clone()) {
            section.refuse_key("name", "this realm has a role of this name already");
        }
        all_bounds.extend(bounds.map(|(limits, rates)| RoleBounds {
            authrole: name.clone(),
            limits,
            rates,
        }));
        Some((name, rights))
    });
    (roles.into_iter().flatten().flatten().collect(), all_bounds)
}

fn role(role: &mut Section<'_>, uri_rule: UriRule) -> Option<(ByteString, Rights)> {
    let name = role.text("name", principals::name);
    let name = role.need("name", name);
    let procedure = role.text("authorizer", values::procedure);
    let cache = role.text("cache", units::time);
    let authorizer = procedure.map(|procedure| DynamicAuthorizer { procedure, cache });
    if cache.is_some() && authorizer.is_none() {
        role.refuse_key(
            "cache",
            "is about what an `authorizer` answers, and there is none",
        );
    }
    let rules = role.sections("rules", |section| rule(section, uri_rule));
    let rules: Vec<Rule> = rules.into_iter().flatten().flatten().collect();
    if rules.len() > RULES_MAX {
        role.refuse_key("rules", format!("a role has at most {RULES_MAX} rules"));
    }
    Some((name?, Rights::new(rules, authorizer)))
}

fn rule(rule: &mut Section<'_>, uri_rule: UriRule) -> Option<Rule> {
    let uris = uris(rule, uri_rule);
    let actions = Action::ALL.map(|action| (action.name(), action));
    let allow = rule.choices("allow", &actions);
    let allow = rule.need("allow", allow);
    let from = rule.choice(
        "from",
        &[("any", Reach::Any), ("loopback", Reach::Loopback)],
    );
    Some(Rule {
        uris: uris?,
        allow: allow?.into_iter().collect(),
        from: from.unwrap_or_default(),
    })
}
