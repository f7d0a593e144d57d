//! One binary for everyone who works with WAMP or WebSockets.
//!
//! ```text
//! 3  cli                              one file a subcommand; nobody imports it
//! 2  node  echo  ws  transport        pumps, sockets, clock: tokio starts here
//! 2  config                           what a router is told to be
//! 1  router  client  auth             the cores: deterministic, no IO
//! 0  protocol  serializer  framing    messages, their bytes, and those in a stream
//! ```
//!
//! A module imports its own layer and lower ones. The library is there for the binary, its tests and its
//! benches; it promises nothing to others. `ARCHITECTURE.md` is the map; in the code, begin at
//! [`protocol::message`].

pub mod auth;
pub mod cli;
pub mod client;
pub mod config;
pub mod echo;
pub mod framing;
pub mod node;
pub mod protocol;
pub mod router;
pub mod serializer;
pub mod transport;
pub mod ws;
