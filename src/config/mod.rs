//! What a router is told to be: its config, as meant.
//!
//! [`Config::default`] is the router without a config; [`Config::load`] reads a file, which says the rest in its own
//! words. Does not run anything, and knows no flags: `cli` puts those over it. One file an idea: [`section`] takes keys
//! out of TOML tables and collects what is wrong, [`settings`] knows the keys, [`role`] those about who may do what, [`bounds`] limits and rates,
//! [`values`] and [`units`] what their texts mean, [`mod@template`] is the file that `wamp init` writes.

mod bounds;
mod error;
mod file;
mod notes;
mod role;
mod section;
mod settings;
mod template;
#[cfg(test)]
mod tests;
pub mod units;
pub mod values;

use std::path::PathBuf;

use bytestring::ByteString;

pub use error::{ConfigError, Located};
pub use template::template;

use crate::protocol::Uri;
use crate::router::{Limits, Settings};
use crate::transport::Admission;

/// What a config is called where nobody says otherwise.
pub const FILE_NAME: &str = "wamp.toml";

/// Everything that an operator decides of one router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where to listen, each as `host:port`.
    pub listen: Vec<String>,
    /// The path of WAMP over WebSocket.
    pub path: String,
    /// The folder whose files are served; it was there when the config was read.
    pub web: Option<PathBuf>,
    /// Which hosts and origins are let in.
    pub admission: Admission,
    /// What peers can make grow, and how far.
    pub limits: Limits,
    /// The realms, each name once.
    pub realms: Vec<RealmConfig>,
}

/// A realm, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealmConfig {
    /// Its name.
    pub name: Uri,
    /// What holds in it.
    pub settings: Settings,
    /// The role of whoever does not sign in; such are not let in where there is none.
    pub anonymous: Option<ByteString>,
}

impl RealmConfig {
    /// A realm as it is without a config: everybody is let in and may do everything, but only peers on this machine end
    /// sessions.
    #[must_use]
    pub fn open(name: Uri) -> Self {
        Self {
            name,
            settings: Settings::default(),
            anonymous: Some(ByteString::from_static("anonymous")),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: vec!["127.0.0.1:8080".to_owned()],
            path: "/ws".to_owned(),
            web: None,
            admission: Admission::default(),
            limits: Limits::default(),
            realms: vec![RealmConfig::open(Uri::from_static("realm1"))],
        }
    }
}
