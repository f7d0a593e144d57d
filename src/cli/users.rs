//! Users files, read again when they have changed: whoever is taken off is out, nobody else notices.
//!
//! Looked at once a second rather than watched: that sees a file renamed over another, a link that leads elsewhere and a
//! file on a network alike.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info};

use crate::auth::Principal;
use crate::config::{ConfigError, RealmConfig, Stamp, Users};
use crate::node::Router;
use crate::protocol::Uri;

/// How often the files are looked at. One is read once it has stayed the same for that long: nobody is still writing it.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// The users files of a router.
pub(super) struct WatchedUsers(Vec<Watched>);

/// One of them.
struct Watched {
    realm: Uri,
    /// Who may sign in beside those in the file.
    others: Vec<Principal>,
    users: Users,
    /// What it was when it was read, or could not be.
    read: Stamp,
    /// What it was when it was looked at.
    seen: Stamp,
}

impl WatchedUsers {
    /// Those of these realms, as they were when the config was read.
    pub(super) fn of(realms: &[RealmConfig]) -> Self {
        let watched = realms.iter().filter_map(|realm| {
            let users = realm.users.clone()?;
            Some(Watched {
                realm: realm.name.clone(),
                others: realm.principals.clone(),
                read: users.stamp,
                seen: users.stamp,
                users,
            })
        });
        Self(watched.collect())
    }

    /// Tells the router what has changed, for as long as it runs.
    pub(super) async fn watch(&mut self, router: &Router) {
        let mut ticks = interval(LOOK_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            for watched in &mut self.0 {
                // bound: files of a few MiB on a disk of this machine; a worker thread may wait that long.
                tokio::task::block_in_place(|| watched.look(router));
            }
        }
    }
}

impl Watched {
    fn look(&mut self, router: &Router) {
        let stamp = Stamp::of(&self.users.file);
        if stamp == self.read || stamp != self.seen {
            self.seen = stamp;
            return;
        }
        self.read = stamp;
        let read = self.read_again();
        let (realm, file) = (self.realm.as_str(), self.users.file.display());
        match read {
            Ok(principals) => {
                let count = self.users.principals.len();
                let ended = router.set_principals(&self.realm, principals);
                info!(
                    ?realm,
                    principals = count,
                    ended,
                    "{file} has changed, and is read: sessions of who is no longer in it are ended"
                );
            }
            Err(error) => error!(
                ?realm,
                "{file} has changed, and cannot be read: who was in it before still is. {error}"
            ),
        }
    }

    /// Everybody who may sign in now.
    fn read_again(&mut self) -> Result<Vec<Principal>, ConfigError> {
        self.users = Users::load(&self.users.file, &self.others)?;
        Ok([&*self.others, &*self.users.principals].concat())
    }
}
