//! The flags of `wamp router` that say what a config says, and go over it.

use std::collections::HashSet;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::config::{Config, RealmConfig, values};
use crate::protocol::Uri;
use crate::router::{RequestIds, TimeUnit};

/// What was given on the command line; the rest is the config's, or the default.
#[derive(Args, Clone, Debug)]
pub(super) struct Overrides {
    /// Listen at this address, not 127.0.0.1:8080; repeatable. Port 0 picks a free one, `:9000` is loopback
    #[arg(long, value_name = "ADDR:PORT", value_parser = values::address)]
    listen: Vec<String>,
    /// Serve a realm of this name, not realm1; repeatable
    #[arg(long, value_name = "NAME", value_parser = values::realm_name)]
    realm: Vec<Uri>,
    /// Speak WAMP over WebSocket at this path, not /ws
    #[arg(long, value_name = "PATH", value_parser = values::path)]
    path: Option<String>,
    /// Serve the files of this folder to browsers, from `/` on; hidden ones are left out
    #[arg(long, value_name = "DIR")]
    web: Option<PathBuf>,
    /// Let in pages of this origin too; repeatable (`null`: opened as files)
    #[arg(long, value_name = "ORIGIN", value_parser = values::origin)]
    allow_origin: Vec<String>,
    /// Answer to this host name on loopback too; repeatable
    #[arg(long, value_name = "NAME", value_parser = values::host)]
    allow_host: Vec<String>,
    /// How ids of requests are checked: strictly, or (for clients written against Crossbar.io) not
    #[arg(long, value_enum, value_name = "HOW")]
    request_ids: Option<RequestIdsChoice>,
    /// What a call's `timeout` counts (`s`: for clients written against Crossbar.io)
    #[arg(long, value_enum, value_name = "UNIT")]
    call_timeout_unit: Option<TimeUnitChoice>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RequestIdsChoice {
    Strict,
    Lenient,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TimeUnitChoice {
    Ms,
    S,
}

impl From<RequestIdsChoice> for RequestIds {
    fn from(choice: RequestIdsChoice) -> Self {
        match choice {
            RequestIdsChoice::Strict => Self::Strict,
            RequestIdsChoice::Lenient => Self::Lenient,
        }
    }
}

impl From<TimeUnitChoice> for TimeUnit {
    fn from(choice: TimeUnitChoice) -> Self {
        match choice {
            TimeUnitChoice::Ms => Self::Milliseconds,
            TimeUnitChoice::S => Self::Seconds,
        }
    }
}

impl Overrides {
    /// Puts what was given in the place of what the config says.
    ///
    /// Returns the realms that the config does not know: they are as without one.
    pub(super) fn apply(&self, config: &mut Config) -> Vec<Uri> {
        replace(&mut config.listen, &self.listen);
        replace(&mut config.admission.allowed_origins, &self.allow_origin);
        replace(&mut config.admission.allowed_hosts, &self.allow_host);
        if let Some(path) = &self.path {
            config.path.clone_from(path);
        }
        if let Some(web) = &self.web {
            config.web = Some(web.clone());
        }
        let unknown = self.choose_realms(config);
        for realm in &mut config.realms {
            if let Some(choice) = self.request_ids {
                realm.settings.request_ids = choice.into();
            }
            if let Some(choice) = self.call_timeout_unit {
                realm.settings.call_timeout_unit = choice.into();
            }
        }
        unknown
    }

    /// A realm of the config keeps its settings.
    fn choose_realms(&self, config: &mut Config) -> Vec<Uri> {
        if self.realm.is_empty() {
            return Vec::new();
        }
        let mut unknown = Vec::new();
        let mut seen = HashSet::new();
        let mut chosen = Vec::with_capacity(self.realm.len());
        // order: as given, for the start page shows how to connect to the first.
        for name in self.realm.iter().filter(|name| seen.insert(*name)) {
            let known = config.realms.iter().find(|realm| realm.name == *name);
            chosen.push(known.cloned().unwrap_or_else(|| {
                unknown.push(name.clone());
                RealmConfig::open(name.clone())
            }));
        }
        config.realms = chosen;
        unknown
    }
}

fn replace(configured: &mut Vec<String>, given: &[String]) {
    if !given.is_empty() {
        *configured = given.to_vec();
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser};

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        overrides: Overrides,
    }

    #[test]
    fn the_help_names_the_defaults() {
        let help = Command::command().render_long_help().to_string();
        let help: Vec<&str> = help.split_whitespace().collect();
        let help = help.join(" ");
        let Config {
            listen,
            path,
            realms,
            ..
        } = Config::default();
        for default in [&listen[0], &path, realms[0].name.as_str()] {
            assert!(help.contains(&format!("not {default}")), "{help}");
        }
    }
}
