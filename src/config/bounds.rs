//! The limits of the router, of its realms and of their roles, and the rates of roles, as a file says them.
//!
//! What is not said is the wider one's: a role's limit is its realm's, a realm's the router's.

use super::section::Section;
use super::units;
use crate::router::{Limits, Rate, Rates, Scope, Unit};

/// Reads the limits that somebody of this scope may have; the others are `wider`. The table is the list.
pub(super) fn limits(section: &mut Section<'_>, scope: Scope, wider: &Limits) -> Limits {
    let mut limits = wider.clone();
    for limit in Limits::TABLE {
        if limit.scope < scope {
            let whose = match limit.scope {
                Scope::Router => "the whole router's: it belongs in [limits]",
                Scope::Realm | Scope::Session => "a realm's: it belongs in [realms.limits]",
            };
            section.refuse_elsewhere(limit.name, whose);
            continue;
        }
        match limit.unit {
            Unit::Bytes(field) => {
                let show = |bytes: &usize| units::show_bytes(*bytes);
                if let Some(bytes) = section.amount(limit.name, field.range, units::bytes, show) {
                    *(field.of)(&mut limits) = bytes;
                }
            }
            Unit::Count(field) => {
                if let Some(count) = section.count(limit.name, field.range) {
                    *(field.of)(&mut limits) = count;
                }
            }
            Unit::Time(field) => {
                let show = |time: &_| units::show_time(*time);
                if let Some(time) = section.amount(limit.name, field.range, units::time, show) {
                    *(field.of)(&mut limits) = time;
                }
            }
        }
    }
    limits
}

/// Reads a role's limits and rates; `None` where it has no others than its realm.
pub(super) fn role(section: &mut Section<'_>, realm: &Limits) -> Option<(Option<Limits>, Rates)> {
    let limits = section.section("limits", |it| limits(it, Scope::Session, realm));
    let rates = section.section("rates", rates);
    let has_own = limits.is_some() || rates.is_some();
    has_own.then(|| (limits, rates.unwrap_or_default()))
}

fn rates(section: &mut Section<'_>) -> Rates {
    let mut rate = |key| -> Option<Rate> { section.text(key, units::rate) };
    Rates {
        messages: rate("messages"),
        joins: rate("joins"),
        address_joins: rate("address_joins"),
    }
}
