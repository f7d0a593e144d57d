//! The client's end of a WebSocket or RawSocket: dialling, and messages in and out of one connection.
//!
//! ```text
//! reach (name, TCP, TLS; Unix) -> handshake (HTTP) -> socket (frames) -> connection (WAMP)
//!                              -> raw_client (RawSocket) ----------^
//! ```
//!
//! Knows URLs and subprotocols, not sessions; who re-dials, and when, is
//! [`node::connect`](crate::node::connect)'s business.

mod connection;
mod dial;
mod error;
mod handshake;
mod raw_client;
mod reach;
mod socket;

use std::io;

pub use connection::{Connection, Read, TransportError};
pub use dial::{Dialer, Opener, RAWSOCKET_SCHEMES};
pub use error::{DialError, Stage};
pub use handshake::{Answered, Handshake};
pub use reach::{ByteStream, Reached, reach};
pub use socket::{Heard, Socket};

/// Does a stage's work, until the deadline of the whole.
pub(crate) use reach::within;

/// An IO error as our messages say it: lower case, without the system's number.
#[must_use]
pub fn io_text(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}
