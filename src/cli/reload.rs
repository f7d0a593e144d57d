//! The config, read again on SIGHUP: what roles may do, and who may sign in, changes while the router runs.
//!
//! All of the file is read before anything changes; one with an error changes nothing. What needs a restart is said.

use std::io;
use std::path::PathBuf;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info, warn};

use super::overrides::Overrides;
use crate::config::{Config, RealmConfig};
use crate::node::Router;
use crate::router::{Roles, Settings};

/// The config that the router runs by, and where it came from.
pub(super) struct Reload {
    hangup: Signal,
    file: Option<PathBuf>,
    overrides: Overrides,
    running: Config,
}

impl Reload {
    /// Listens for the signal: before anybody can know that we listen, so that it never finds its default at work.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn new(
        file: Option<PathBuf>,
        overrides: Overrides,
        running: Config,
    ) -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            file,
            overrides,
            running,
        })
    }

    /// Waits until it is asked for.
    pub(super) async fn requested(&mut self) {
        self.hangup.recv().await;
    }

    /// Reads the config again and has the router go by it; the realms of it, if it could be read.
    pub(super) fn apply(&mut self, router: &Router) -> Option<Vec<RealmConfig>> {
        let Some(file) = &self.file else {
            info!("SIGHUP: there is no config to read again");
            return None;
        };
        let mut config = match Config::load(file) {
            Ok(config) => config,
            Err(error) => {
                error!("SIGHUP: the config is not taken, what held before still holds: {error}");
                return None;
            }
        };
        self.overrides.apply(&mut config);
        for note in config.notes() {
            warn!("{note}");
        }
        for name in fixed(&self.running, &config) {
            warn!("SIGHUP: {name} has changed, which counts from the next start on");
        }
        let is_running =
            |realm: &RealmConfig| self.running.realms.iter().any(|it| it.name == realm.name);
        config.realms.retain(is_running);
        for realm in &config.realms {
            self.change(router, realm);
        }
        info!(?file, "SIGHUP: the config is read again");
        let realms = config.realms.clone();
        for realm in realms {
            let running = self.running.realms.iter_mut();
            if let Some(before) = running.into_iter().find(|it| it.name == realm.name) {
                before.settings.roles = realm.settings.roles;
                before.anonymous = realm.anonymous;
                before.principals = realm.principals;
            }
        }
        Some(config.realms)
    }

    fn change(&self, router: &Router, realm: &RealmConfig) {
        let mut running = self.running.realms.iter();
        let Some(before) = running.find(|it| it.name == realm.name) else {
            return;
        };
        let roles = &realm.settings.roles;
        let changed = changed_roles(&before.settings.roles, roles);
        if !changed.is_empty() {
            let (realm, roles) = (realm.name.as_str(), changed.join(", "));
            info!(?realm, %roles, "SIGHUP: roles have changed");
        }
        router.set_roles(&realm.name, roles.clone());
        router.set_anonymous(&realm.name, realm.anonymous.as_ref());
        let ended = router.set_principals(&realm.name, realm.everybody().cloned().collect());
        if ended > 0 {
            let realm = realm.name.as_str();
            info!(
                ?realm,
                ended, "SIGHUP: sessions of who may not sign in any more are ended"
            );
        }
    }
}

/// Names of the roles that may do something else than before.
fn changed_roles(before: &Roles, after: &Roles) -> Vec<String> {
    let all = before.iter().chain(after.iter());
    let mut changed: Vec<String> = all
        .filter(|(name, _)| before.of(name) != after.of(name))
        .map(|(name, _)| format!("{name:?}"))
        .collect();
    changed.sort_unstable();
    changed.dedup();
    changed
}

/// What has changed that a running router does not take on.
fn fixed(running: &Config, config: &Config) -> Vec<String> {
    let mut fixed: Vec<String> = [
        ("listen", running.listen != config.listen),
        ("path", running.path != config.path),
        ("web", running.web != config.web),
        (
            "allowed_origins or allowed_hosts",
            running.admission != config.admission,
        ),
        ("limits", running.limits != config.limits),
    ]
    .into_iter()
    .filter(|(_, has_changed)| *has_changed)
    .map(|(name, _)| name.to_owned())
    .collect();
    let is_in = |realms: &[RealmConfig], name| realms.iter().any(|it| it.name == name);
    for realm in &config.realms {
        let Some(before) = running.realms.iter().find(|it| it.name == realm.name) else {
            fixed.push(format!("that there is a realm {}", realm.name.quoted()));
            continue;
        };
        let as_before = Settings {
            roles: before.settings.roles.clone(),
            ..realm.settings.clone()
        };
        if before.settings != as_before {
            fixed.push(format!("what else holds in realm {}", realm.name.quoted()));
        }
    }
    for gone in running
        .realms
        .iter()
        .filter(|it| !is_in(&config.realms, it.name.clone()))
    {
        fixed.push(format!("that there is no realm {}", gone.name.quoted()));
    }
    fixed
}
