//! Attacks on the router: hostile and broken peers, floods, and every limit. Somebody else always goes on calling.
//!
//! Most run the real process; what only a short deadline or a small limit shows runs the same listeners inside
//! the test ([`node::Node`]).

mod bounds;
mod bystander;
mod http;
mod link;
mod logs;
mod node;
pub(crate) mod peer;
mod sessions;
mod slow;
mod start;
mod stop;
mod websocket;
