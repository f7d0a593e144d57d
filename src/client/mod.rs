//! The client side of a session, without IO.
//!
//! A [`Session`] takes messages ([`Session::handle_message`]) and commands (`call`, `subscribe`, ...) and gives
//! back what is to be sent and what has happened ([`Session::poll_output`]). It owns request ids and what is
//! pending; it does not connect, wait or log, and knows no clock: that is
//! [`node::connect`](crate::node::connect).

#![warn(clippy::indexing_slicing, clippy::wildcard_enum_match_arm)]

mod announced;
mod command;
mod output;
mod pending;
mod session;
#[cfg(test)]
mod tests;
mod violation;

pub use command::CommandError;
pub use output::{Answer, End, ErrorReply, Output};
pub use session::{Limits, Session};
pub use violation::Violation;
