//! A number of bytes on the command line.

use crate::config::units;

/// Reads one as configs have it; never 0.
pub(super) fn parse(text: &str) -> Result<usize, String> {
    match units::bytes(text) {
        Ok(0) => Err("write a number of bytes as 65536, 64k or 16MiB, not 0".to_owned()),
        size => size,
    }
}
