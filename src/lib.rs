//! One binary for everyone who works with WAMP or WebSockets.

pub mod cli;
pub mod client;
pub mod node;
pub mod protocol;
pub mod router;
pub mod serializer;
pub mod transport;
