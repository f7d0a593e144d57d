//! Where the lines typed are kept: `WAMP_HISTORY`, or a file of the user's state.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

/// The file's name below the state of `wamp`.
const FILE: &str = "ws_history";

/// The file, in a folder that exists; `None` where nothing is to be kept: `WAMP_HISTORY` is empty or `off`, or
/// there is no place.
pub(super) fn file() -> Option<PathBuf> {
    let file = match std::env::var_os("WAMP_HISTORY") {
        Some(off) if off.is_empty() || off == "off" => return None,
        Some(file) => PathBuf::from(file),
        None => state()?.join("wamp").join(FILE),
    };
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        // For the user alone, as what is in it.
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.ok()?;
    }
    Some(file)
}

/// Spec: XDG Base Directory, `XDG_STATE_HOME`.
fn state() -> Option<PathBuf> {
    let given = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    given.filter(|folder| folder.is_absolute()).or_else(|| {
        let home = std::env::var_os("HOME").filter(|home| !home.is_empty())?;
        Some(PathBuf::from(home).join(".local/state"))
    })
}
