//! `wamp ws` against servers of the tests' own, which do as a test says.

mod failures;
mod handshake;
mod mirror;
mod receiving;
mod sending;
mod server;
pub(super) mod terminal;
mod tls;

use crate::support::{Wamp, wamp};

/// Prepares `wamp ws URL` with `args`.
fn ws<const N: usize>(url: &str, args: [&str; N]) -> Wamp {
    wamp(["ws", url]).args(args)
}
