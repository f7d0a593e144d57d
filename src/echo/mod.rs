//! A raw WebSocket server: sends back what it gets, to the sender or to everybody, or says how many are connected.
//!
//! Knows no WAMP, and says nothing itself: what happens is told to a [`Watcher`] as [`Note`]s. Begin at [`Server`]; one
//! connection is a [`Client`].

mod behaviour;
mod client;
mod delay;
mod mailbox;
mod note;
mod server;
#[cfg(test)]
mod tests;

pub use behaviour::{Answer, Behaviour, Loss};
pub use client::Client;
pub use note::{Ending, Note, Watcher};
pub use server::Server;
