//! Where the lines typed are kept: `WAMP_HISTORY`, or a file of the user's state.

use std::path::PathBuf;

use crate::cli::dirs;

/// The file's name below the state of `wamp`.
const FILE: &str = "ws_history";

/// The file, in a folder that exists; `None` where nothing is to be kept: `WAMP_HISTORY` is empty or `off`, or
/// there is no place.
pub(super) fn file() -> Option<PathBuf> {
    let file = match std::env::var_os("WAMP_HISTORY") {
        Some(off) if off.is_empty() || off == "off" => return None,
        Some(file) => PathBuf::from(file),
        None => dirs::state()?.join(FILE),
    };
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        // For the user alone, as what is in it.
        dirs::make(folder).ok()?;
    }
    Some(file)
}
