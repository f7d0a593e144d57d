//! `wamp check`: what is wrong with a config, or what it comes to.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::console::{Console, ConsoleArgs, printable};
use super::exit::{Exit, Failure};
use super::explain::{ExplainArgs, Explained, show};
use super::printer::{OutputArgs, Printer};
use crate::config::{Config, RealmConfig, TlsConfig, units};
use crate::router::{Action, Actions, Reach, RequestIds, Rights, Rule, TimeUnit, UriPattern};
use crate::transport::Plain;

/// Say what is wrong with a config, or what it comes to
#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// The config
    file: PathBuf,
    #[command(flatten)]
    explain: ExplainArgs,
}

impl CheckArgs {
    pub(super) fn run(self) -> Result<Exit> {
        let console = Console::new(&ConsoleArgs::default());
        let config = load(&self.file)?;
        let printer = Printer::new(&OutputArgs::default(), &console);
        if let Some(Explained { exit, text }) = self.explain.answer(&self.file, &config)? {
            for line in text.lines() {
                printer.text(&printable(line))?;
            }
            return Ok(exit);
        }
        for note in config.notes() {
            console.note(&note);
        }
        for line in summary(&config) {
            printer.text(&printable(&line))?;
        }
        Ok(Exit::Done)
    }
}

/// Reads a config from a file.
///
/// # Errors
/// All that is wrong with it, by line; nothing is to be started then.
pub(super) fn load(file: &Path) -> Result<Config, Failure> {
    Config::load(file).map_err(|error| Failure::local(error.to_string()))
}

/// What a config comes to, a line each.
fn summary(config: &Config) -> Vec<String> {
    let listen: Vec<String> = config.listen.iter().map(|it| listener(it)).collect();
    let mut lines = vec![
        format!("listen: {}", listen.join(", ")),
        format!("path: {}", config.path),
    ];
    if let Some(web) = &config.web {
        lines.push(format!("web: {}", web.display()));
    }
    let admission = &config.admission;
    for (what, allowed) in [
        ("allowed origins", &admission.allowed_origins),
        ("allowed hosts", &admission.allowed_hosts),
    ] {
        if !allowed.is_empty() {
            lines.push(format!("{what}: {}", allowed.join(", ")));
        }
    }
    if let Some(tls) = &config.tls {
        lines.push(format!("tls: {}", tls_summary(tls)));
    }
    if !config.proxy_from.is_empty() {
        let proxies: Vec<String> = config.proxy_from.iter().map(ToString::to_string).collect();
        lines.push(format!("PROXY headers from: {}", proxies.join(", ")));
    }
    lines.extend(config.realms.iter().flat_map(realm));
    lines
}

fn tls_summary(tls: &TlsConfig) -> String {
    let plain = match tls.plain {
        Plain::Never => "nobody comes without",
        Plain::Local => "this machine may come without",
        Plain::Always => "everybody may come without",
    };
    let clients = match tls.files.client_ca {
        Some(_) => "; clients may show a certificate",
        None => "",
    };
    format!("{}; {plain}{clients}", tls.files.cert.display())
}

/// An address, and whether others reach it; a name may stand for any.
fn listener(address: &str) -> String {
    let known: Option<SocketAddr> = address.parse().ok();
    if known.is_some_and(|known| !known.ip().is_loopback()) {
        format!("{address} (reachable from other machines)")
    } else {
        address.to_owned()
    }
}

/// What a realm comes to, and what each of its roles may do: on its own line where that is the same everywhere.
fn realm(realm: &RealmConfig) -> Vec<String> {
    let settings = &realm.settings;
    let mut facts = vec![];
    let mut lines = vec![];
    let roles = settings.roles.iter();
    let principals = realm.everybody().count();
    if principals > 0 {
        let s = if principals > 1 { "s" } else { "" };
        facts.push(format!("{principals} principal{s} may sign in"));
    }
    if let Some(authenticator) = &realm.authenticator {
        facts.push(format!(
            "{} is asked about others",
            authenticator.procedure.quoted()
        ));
    } else if principals == 0 && realm.anonymous.is_none() {
        facts.push("nobody may join".to_owned());
    }
    for (name, rights) in roles {
        let everything = UriPattern::everything();
        let is_about_all = |rule: &Rule| rule.uris == everything;
        if rights.authorizer().is_none() && rights.rules().iter().all(is_about_all) {
            facts.push(format!("{name} may {}", grants(rights.rules())));
        } else {
            lines.extend(role(name, rights));
        }
    }
    if settings.request_ids == RequestIds::Lenient {
        facts.push("request ids are lenient".to_owned());
    }
    if settings.call_timeout_unit == TimeUnit::Seconds {
        facts.push("timeouts count seconds".to_owned());
    }
    for (count, what) in [
        (settings.retention.len(), "retention"),
        (settings.history.len(), "history"),
        (settings.trust.len(), "trust"),
    ] {
        if count > 0 {
            facts.push(format!(
                "{what} by {count} rule{}",
                if count > 1 { "s" } else { "" }
            ));
        }
    }
    let mut facts = facts.join("; ");
    if !facts.is_empty() {
        facts.insert_str(0, ": ");
    }
    lines.insert(0, format!("realm {}{facts}", realm.name.quoted()));
    lines
}

/// What a role may do, a line for the URIs of each rule.
fn role(name: &str, rights: &Rights) -> Vec<String> {
    let mut lines = vec![format!(
        "  {name} may, by the most specific rule that matches:"
    )];
    let mut told: Vec<&UriPattern> = Vec::new();
    for rule in rights.rules() {
        if told.contains(&&rule.uris) {
            continue;
        }
        told.push(&rule.uris);
        let same = rights.rules().iter().filter(|it| it.uris == rule.uris);
        let same: Vec<Rule> = same.cloned().collect();
        lines.push(format!("    at {}: {}", show(&rule.uris), grants(&same)));
    }
    let rest = match rights.authorizer() {
        None => "nothing".to_owned(),
        Some(asked) => {
            let kept = asked.cache.map(units::show_time);
            let kept = kept.map_or_else(String::new, |time| {
                format!(", whose answers are kept for {time}")
            });
            format!("what {} says{kept}", asked.procedure.quoted())
        }
    };
    if !told.contains(&&UriPattern::everything()) {
        lines.push(format!("    elsewhere: {rest}"));
    }
    lines
}

/// What one rule grants.
pub(super) fn granted(rule: &Rule) -> String {
    grants(std::slice::from_ref(rule))
}

/// What rules about the same URIs grant together.
fn grants(rules: &[Rule]) -> String {
    let allows = |action, is_meant: fn(Reach) -> bool| {
        let has = |allow: Actions| allow.contains(action);
        rules
            .iter()
            .any(|rule| is_meant(rule.from) && has(rule.allow))
    };
    let granted = |action: Action| {
        if allows(action, |from| from == Reach::Any) {
            Some(action.name().to_owned())
        } else {
            allows(action, |_| true).then(|| format!("{} from loopback", action.name()))
        }
    };
    let granted: Vec<String> = Action::ALL.into_iter().filter_map(granted).collect();
    if granted.is_empty() {
        return "nothing".to_owned();
    }
    granted.join(", ")
}
