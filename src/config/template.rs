//! The file that `wamp init` writes: every setting, with what it is about and its default.

use super::units;
use crate::router::{Limit, Limits, Unit};

/// Writes a config that makes a router what it is without one.
#[must_use]
pub fn template() -> String {
    let mut limits = Limits::default();
    let limits = Limits::TABLE.iter().map(|limit| show(limit, &mut limits));
    let limits: Vec<String> = limits.collect();
    include_str!("template.toml").replace("{limits}", &limits.join("\n\n"))
}

/// A limit behind a `#`, as it is in `limits`.
fn show(limit: &Limit, limits: &mut Limits) -> String {
    let Limit {
        name, about, unit, ..
    } = limit;
    let value = match unit {
        Unit::Bytes(field) => format!("{:?}", units::show_bytes(*(field.of)(limits))),
        Unit::Count(field) => (field.of)(limits).to_string(),
        Unit::Time(field) => format!("{:?}", units::show_time(*(field.of)(limits))),
    };
    format!("# {about}\n#{name} = {value}")
}
