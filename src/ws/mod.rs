//! A raw WebSocket client: opening one, data both ways, pings with their round trips, and how it ended.
//!
//! Knows no WAMP and no terminal; what a stream is and how one shakes hands is [`transport`](crate::transport)'s.

mod client;
mod end;
mod pings;
mod target;

pub use client::{Client, Data, Incoming};
pub use end::{Closing, End};
pub use target::{Opened, Target};
