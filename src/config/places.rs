//! Where in a config a rule stands, for who is told that it decides.

use std::path::Path;

use toml::de::{DeArray, DeTable, DeValue};

use super::file;

/// The line, from 1, of a rule of a role: the rules of a role count from 0. `None` where the file has changed since.
#[must_use]
pub fn rule_line(config: &Path, realm: &str, role: &str, rule: usize) -> Option<usize> {
    let text = file::text_of(config).ok()?;
    let root = DeTable::parse(&text).ok()?;
    let realm = named(list(root.get_ref(), "realms")?, realm)?;
    let role = named(list(realm, "roles")?, role)?;
    let at = list(role, "rules")?.get(rule)?.span().start;
    Some(1 + text.get(..at)?.matches('\n').count())
}

fn list<'a>(table: &'a DeTable<'a>, key: &str) -> Option<&'a DeArray<'a>> {
    match table.get(key)?.get_ref() {
        DeValue::Array(items) => Some(items),
        _ => None,
    }
}

fn named<'a>(items: &'a DeArray<'a>, name: &str) -> Option<&'a DeTable<'a>> {
    items.iter().find_map(|item| match item.get_ref() {
        DeValue::Table(table) => {
            let named = table.get("name").map(toml::Spanned::get_ref);
            matches!(named, Some(DeValue::String(text)) if text == name).then_some(table)
        }
        _ => None,
    })
}
