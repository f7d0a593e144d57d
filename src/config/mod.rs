//! What a router is told to be: its config, as meant.
//!
//! [`Config::default`] is the router without a config; [`Config::load`] reads a file, which says the rest in its own
//! words. Does not run anything, and knows no flags: `cli` puts those over it. One file an idea: [`section`] takes keys
//! out of TOML tables and collects what is wrong, [`settings`] knows the keys, [`role`] those about who may do what,
//! [`bounds`] those about limits and rates, [`principals`] those about who may sign in, [`network`] those about TLS and
//! proxies, [`values`] and [`units`] what their texts mean, [`mod@template`] is the file that `wamp init` writes.

mod bounds;
mod error;
mod file;
mod flat;
mod network;
mod notes;
mod places;
mod principals;
mod role;
mod section;
mod settings;
mod template;
#[cfg(test)]
mod tests;
pub mod units;
pub mod values;

use std::path::PathBuf;
use std::time::Duration;

use bytestring::ByteString;
use ipnet::IpNet;

pub use error::{ConfigError, Located};
pub use flat::{FlatKey, read_flat};
pub use network::TlsConfig;
pub use places::rule_line;
pub use principals::{Stamp, Users};
use role::ANONYMOUS;
pub use section::nearest;
pub use template::{template, template_with_tls};

use crate::auth::Principal;
use crate::protocol::Uri;
use crate::router::{DynamicAuthenticator, Limits, Rights, Roles, Settings};
use crate::transport::Admission;

/// What a config is called where nobody says otherwise.
pub const FILE_NAME: &str = "wamp.toml";

/// Everything that an operator decides of one router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where to listen, each as `host:port` or `unix:/path`.
    pub listen: Vec<String>,
    /// The path of WAMP over WebSocket.
    pub path: String,
    /// The folder whose files are served; it was there when the config was read.
    pub web: Option<PathBuf>,
    /// The proxies that say whom they bring, and must.
    pub proxy_from: Vec<IpNet>,
    /// TLS, where there is any.
    pub tls: Option<TlsConfig>,
    /// Which hosts and origins are let in.
    pub admission: Admission,
    /// How long browsers are known again by a cookie, where they are.
    pub cookie_max_age: Option<Duration>,
    /// What peers can make grow, and how far.
    pub limits: Limits,
    /// The realms, each name once.
    pub realms: Vec<RealmConfig>,
    /// Files with secrets in them that everybody on this machine can read.
    pub exposed: Vec<PathBuf>,
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
    /// Who may sign in.
    pub principals: Vec<Principal>,
    /// Who may sign in beside them, as a file of their own says.
    pub users: Option<Users>,
    /// The procedure that is asked about all others.
    pub authenticator: Option<DynamicAuthenticator>,
}

impl RealmConfig {
    /// A realm as it is without a config: everybody is let in and may do everything, but only peers on this machine end
    /// sessions.
    #[must_use]
    pub fn open(name: Uri) -> Self {
        Self {
            name,
            settings: Settings {
                roles: Roles::new([(ANONYMOUS, Rights::open())]),
                ..Settings::default()
            },
            anonymous: Some(ANONYMOUS),
            principals: Vec::new(),
            users: None,
            authenticator: None,
        }
    }

    /// Who may sign in, wherever it is said.
    pub fn everybody(&self) -> impl Iterator<Item = &Principal> {
        let users = self.users.iter().flat_map(|users| &users.principals);
        self.principals.iter().chain(users)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: vec!["127.0.0.1:8080".to_owned()],
            path: "/ws".to_owned(),
            web: None,
            proxy_from: Vec::new(),
            tls: None,
            admission: Admission::default(),
            cookie_max_age: None,
            limits: Limits::default(),
            realms: vec![RealmConfig::open(Uri::from_static("realm1"))],
            exposed: Vec::new(),
        }
    }
}
