//! The client's end of a WebSocket: dialling, and messages in and out of one connection.
//!
//! Knows URLs and subprotocols, not sessions; who re-dials, and when, is
//! [`node::connect`](crate::node::connect)'s business.

mod connection;
mod dial;

use std::io;

pub use connection::{Connection, Read, TransportError};
pub use dial::{ByteStream, DialError, Dialer, Opener, Stage};

/// An IO error as our messages say it: lower case, without the system's number.
#[must_use]
pub fn io_text(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}
