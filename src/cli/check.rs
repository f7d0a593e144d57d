//! `wamp check`: what is wrong with a config, or what it comes to.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::console::{Console, ConsoleArgs, printable};
use super::exit::{Exit, Failure};
use super::printer::{OutputArgs, Printer};
use crate::config::{Config, RealmConfig, TlsConfig};
use crate::router::{Administrators, RequestIds, TimeUnit};
use crate::transport::Plain;

/// Say what is wrong with a config, or what it comes to
#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// The config
    file: PathBuf,
}

impl CheckArgs {
    pub(super) fn run(self) -> Result<Exit> {
        let console = Console::new(&ConsoleArgs::default());
        let config = load(&self.file)?;
        for note in config.notes() {
            console.note(&note);
        }
        let printer = Printer::new(&OutputArgs::default(), &console);
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
    if let Some(tls) = &config.tls {
        lines.push(format!("tls: {}", tls_summary(tls)));
    }
    if !config.proxy_from.is_empty() {
        let proxies: Vec<String> = config.proxy_from.iter().map(ToString::to_string).collect();
        lines.push(format!("PROXY headers from: {}", proxies.join(", ")));
    }
    lines.extend(config.realms.iter().map(realm));
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

fn realm(realm: &RealmConfig) -> String {
    let settings = &realm.settings;
    let mut facts = vec![];
    if realm.anonymous.is_some() {
        let mut may = "anonymous may call, register, publish, subscribe".to_owned();
        if settings.disclosure {
            may += ", disclose";
        }
        may += match settings.administrators {
            Administrators::Nobody => "",
            Administrators::Local => ", kill from loopback",
            Administrators::Everybody => ", kill",
        };
        facts.push(may);
    } else {
        facts.push("nobody may join".to_owned());
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
    format!("realm {}: {}", realm.name.quoted(), facts.join("; "))
}
