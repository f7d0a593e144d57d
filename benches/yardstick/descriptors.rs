//! Room for ten thousand connections: the bench and the servers it starts need as many descriptors.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Context as _, Result};

const MARK: &str = "YARDSTICK_DESCRIPTORS_RAISED";

/// Starts this program anew with the soft limit raised to the hard one, if that gains anything.
///
/// A shell does it, since the call that would is not safe Rust.
pub(crate) fn raise() -> Result<()> {
    let (soft, hard) = limits()?;
    if soft >= hard || std::env::var_os(MARK).is_some() {
        return Ok(());
    }
    let failed = Command::new("sh")
        .args(["-c", r#"ulimit -n "$(ulimit -Hn)"; exec "$0" "$@""#])
        .arg(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .env(MARK, "1")
        .exec();
    Err(failed).context("starting anew with more descriptors")
}

/// How many descriptors a process may have now.
pub(crate) fn available() -> Result<u32> {
    Ok(limits()?.0)
}

/// The soft and the hard limit.
fn limits() -> Result<(u32, u32)> {
    let limits = fs::read_to_string("/proc/self/limits")?;
    let mut fields = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .context("no limit of open files")?
        .split_whitespace()
        .map(|field| field.parse().unwrap_or(u32::MAX));
    fields
        .next()
        .zip(fields.next())
        .context("an odd limit of open files")
}
