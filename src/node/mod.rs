//! The pumps: sockets, locks and clocks around the deterministic cores.
//!
//! A [`connection`] reads a batch of messages, takes its [`realm`]'s lock once for all of them, and appends
//! what the core answers to the recipients' [`outbox`]es before it unlocks. The client's side is
//! [`connect`].

mod clock;
pub mod connect;
mod connection;
mod counters;
pub mod demo;
mod load;
mod opening;
mod outbox;
mod raw;
mod realm;
mod router;
mod serve;
mod shared;
mod tries;

pub use clock::{now, time_of_day, until};
pub use counters::Counters;
pub use raw::RAW_PATHS;
pub use router::Router;
pub use serve::{Gate, Listening, log_listening};
