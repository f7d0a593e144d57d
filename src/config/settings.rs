//! The settings that a file can say, by table.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::principals::{Stamp, Users, principals};
use super::role::{ANONYMOUS, roles};
use super::section::{Section, quoted};
use super::{Config, RealmConfig, bounds, network, units, values};
use crate::protocol::{MatchPolicy, Uri, UriRule};
use crate::router::{
    Bounds, DynamicAuthenticator, HistoryRule, Limits, RequestIds, RetentionRule, Roles, Scope,
    Settings, TimeUnit, TrustRule, UriPattern,
};
use crate::transport::{Admission, io_text};

/// The greatest number of events that a rule may keep, and the greatest level of trust.
const COUNT_MAX: usize = 1_000_000_000;

/// Reads the whole file. What it returns counts only where no fault was found.
pub(super) fn config(root: &mut Section<'_>, folder: &Path) -> Config {
    let default = Config::default();
    let listen = root.texts("listen", values::address);
    if let Some(twice) = listen.as_ref().and_then(|it| twice(it)) {
        root.refuse_key("listen", format!("{twice} is there twice"));
    }
    if listen.as_ref().is_some_and(Vec::is_empty) {
        root.refuse_key("listen", "a router listens somewhere");
    }
    let limits = root.section("limits", |it| {
        bounds::limits(it, Scope::Router, &default.limits)
    });
    let limits = limits.unwrap_or(default.limits);
    Config {
        listen: listen.unwrap_or(default.listen),
        path: root.text("path", values::path).unwrap_or(default.path),
        web: root.text("web", |text| directory(folder, text)),
        proxy_from: root
            .texts("proxy_from", network::network)
            .unwrap_or_default(),
        tls: root
            .section("tls", |section| network::tls(section, folder))
            .flatten(),
        admission: Admission {
            allowed_origins: root
                .texts("allowed_origins", values::origin)
                .unwrap_or_default(),
            allowed_hosts: root
                .texts("allowed_hosts", values::host)
                .unwrap_or_default(),
        },
        cookie_max_age: root
            .section("cookie", |section| {
                let max_age = section.text("max_age", values::cookie_age);
                section.need("max_age", max_age)
            })
            .flatten(),
        realms: realms(root, folder, &limits),
        limits,
        exposed: Vec::new(),
    }
}

/// An address that is there twice; of port 0 there may be any number.
fn twice(addresses: &[String]) -> Option<&String> {
    let mut seen = HashSet::new();
    let mut fixed = addresses.iter().filter(|address| !address.ends_with(":0"));
    fixed.find(|address| !seen.insert(*address))
}

fn directory(folder: &Path, text: &str) -> Result<PathBuf, String> {
    let path = folder.join(text);
    match path.metadata() {
        Ok(found) if found.is_dir() => Ok(path),
        Ok(_) => Err(format!("{} is no folder", quoted(text))),
        Err(error) => Err(format!("{}: {}", quoted(text), io_text(&error))),
    }
}

/// A users file, which must be there; it is read once all else is.
fn users(folder: &Path, text: &str) -> Result<Users, String> {
    let file = folder.join(text);
    match file.metadata() {
        Ok(found) if found.is_file() => Ok(Users {
            stamp: Stamp::of(&file),
            file,
            principals: Vec::new(),
        }),
        Ok(_) => Err(format!("{} is no file", quoted(text))),
        Err(error) => Err(format!("{}: {}", quoted(text), io_text(&error))),
    }
}

fn realms(root: &mut Section<'_>, folder: &Path, limits: &Limits) -> Vec<RealmConfig> {
    let mut names = HashSet::new();
    let realms = root.sections("realms", |section| {
        let realm = realm(section, folder, limits)?;
        if !names.insert(realm.name.clone()) {
            section.refuse_key("name", "there is a realm of this name already");
        }
        Some(realm)
    });
    if realms.is_none() && !root.has("realms") {
        root.refuse(
            "needs the setting `realms`: [[realms]], below it name = \"realm1\", then its roles; wamp init writes one",
        );
    }
    if realms.as_ref().is_some_and(Vec::is_empty) {
        root.refuse_key("realms", "a router has a realm");
    }
    let realms: Vec<RealmConfig> = realms.into_iter().flatten().flatten().collect();
    let asked = realms
        .iter()
        .filter_map(|it| it.authenticator.as_ref()?.realm.as_ref());
    for realm in asked.filter(|asked| !names.contains(*asked)) {
        let name = realm.quoted();
        root.refuse_key(
            "realms",
            format!("there is no realm {name}, which an authenticator_realm names"),
        );
    }
    realms
}

fn realm(section: &mut Section<'_>, folder: &Path, router: &Limits) -> Option<RealmConfig> {
    let name = section.text("name", values::realm_name);
    let name = section.need("name", name);
    let default = Settings::default();
    let uri_rules = [("loose", UriRule::Loose), ("strict", UriRule::Strict)];
    let uri_rule = section.choice("uri_rule", &uri_rules);
    let uri_rule = uri_rule.unwrap_or(default.uri_rule);
    let request_ids = [
        ("strict", RequestIds::Strict),
        ("lenient", RequestIds::Lenient),
    ];
    let time_units = [("ms", TimeUnit::Milliseconds), ("s", TimeUnit::Seconds)];
    let limits = section.section("limits", |it| bounds::limits(it, Scope::Realm, router));
    let (roles, role_bounds) = roles(section, uri_rule, limits.as_ref().unwrap_or(router));
    let anonymous = roles.iter().find(|(name, _)| *name == ANONYMOUS);
    let anonymous = anonymous.map(|(name, _)| name.clone());
    let settings = Settings {
        bounds: Bounds {
            limits,
            roles: role_bounds,
        },
        uri_rule,
        roles: Roles::new(roles),
        request_ids: section
            .choice("request_ids", &request_ids)
            .unwrap_or(default.request_ids),
        call_timeout_unit: section
            .choice("call_timeout_unit", &time_units)
            .unwrap_or(default.call_timeout_unit),
        trust: rules(section, "trust", |rule| trust(rule, uri_rule)),
        history: rules(section, "history", |rule| history(rule, uri_rule)),
        retention: rules(section, "retention", |rule| retention(rule, uri_rule)),
    };
    Some(RealmConfig {
        name: name?,
        settings,
        anonymous,
        principals: principals(section, &[]).unwrap_or_default(),
        users: section.text("users", |text| users(folder, text)),
        authenticator: authenticator(section),
    })
}

/// The procedure that knows who may sign in, and where it is registered.
fn authenticator(section: &mut Section<'_>) -> Option<DynamicAuthenticator> {
    let procedure = section.text("authenticator", values::procedure);
    let realm = section.text("authenticator_realm", values::realm_name);
    if realm.is_some() && !section.has("authenticator") {
        section.refuse_key(
            "authenticator_realm",
            "there is no `authenticator` to be there",
        );
    }
    Some(DynamicAuthenticator {
        procedure: procedure?,
        realm,
    })
}

fn rules<T>(
    section: &mut Section<'_>,
    key: &'static str,
    read: impl FnMut(&mut Section<'_>) -> Option<T>,
) -> Vec<T> {
    let rules = section.sections(key, read).unwrap_or_default();
    rules.into_iter().flatten().collect()
}

fn trust(rule: &mut Section<'_>, uri_rule: UriRule) -> Option<TrustRule> {
    let uris = uris(rule, uri_rule);
    let authrole = rule.text("authrole", |text| Ok(text.to_owned()));
    let level = rule.count("level", &(0..=COUNT_MAX));
    Some(TrustRule {
        level: rule.need("level", level)? as u64,
        authrole: authrole.map(Into::into),
        uris: uris?,
    })
}

fn history(rule: &mut Section<'_>, uri_rule: UriRule) -> Option<HistoryRule> {
    let topics = uris(rule, uri_rule);
    let events_max = rule.count("events_max", &(1..=COUNT_MAX));
    Some(HistoryRule {
        events_max: rule.need("events_max", events_max)?,
        topics: topics?,
    })
}

fn retention(rule: &mut Section<'_>, uri_rule: UriRule) -> Option<RetentionRule> {
    let topics = uris(rule, uri_rule);
    Some(RetentionRule {
        lifetime: rule.text("lifetime", units::time),
        topics: topics?,
    })
}

/// Reads what URIs a rule is about.
pub(super) fn uris(rule: &mut Section<'_>, uri_rule: UriRule) -> Option<UriPattern> {
    let policies = MatchPolicy::ALL.map(|policy| (policy.name(), policy));
    let policy = rule.choice("match", &policies).unwrap_or_default();
    let pattern = rule.text("uri", |text| {
        let pattern = Uri::from(text);
        let checked = pattern.check_pattern(uri_rule, policy);
        checked.map_err(|why| format!("no valid URI to match by {policy}: {why}"))?;
        Ok(pattern)
    });
    Some(UriPattern {
        policy,
        pattern: rule.need("uri", pattern)?,
    })
}
