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

/// The same with TLS, by a certificate and a key in these files.
#[must_use]
pub fn template_with_tls(cert: &str, key: &str) -> String {
    let commented = "#[tls]\n#cert = \"wamp.crt\"\n#key = \"wamp.key\"\n";
    let (cert, key) = (written(cert), written(key));
    template().replace(commented, &format!("[tls]\ncert = {cert}\nkey = {key}\n"))
}

/// A text as TOML has it, which takes JSON's.
fn written(text: &str) -> String {
    serde_json::Value::from(text).to_string()
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
