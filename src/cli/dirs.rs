//! Where a user's files of ours belong: settings, state, caches. Spec: XDG Base Directory, also on macOS.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use etcetera::base_strategy::{BaseStrategy as _, Xdg};

/// Below each of the user's folders.
const OURS: &str = "wamp";

/// Settings: `WAMP_CONFIG_DIR`, or ours below `XDG_CONFIG_HOME`.
pub(super) fn config() -> Option<PathBuf> {
    let given = std::env::var_os("WAMP_CONFIG_DIR").filter(|given| !given.is_empty());
    match given {
        Some(given) => Some(PathBuf::from(given)),
        None => Some(xdg()?.config_dir().join(OURS)),
    }
}

/// What is remembered from one command to the next; a folder for settings may be read-only.
pub(super) fn state() -> Option<PathBuf> {
    Some(xdg()?.state_dir()?.join(OURS))
}

/// What can be lost.
pub(super) fn cache() -> Option<PathBuf> {
    Some(xdg()?.cache_dir().join(OURS))
}

/// Makes a folder, and those around it, for the user alone.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// `None` without a home.
fn xdg() -> Option<Xdg> {
    Xdg::new().ok()
}
