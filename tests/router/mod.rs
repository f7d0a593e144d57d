//! Attacks on the router: hostile and broken peers, floods, and every limit. Somebody else always goes on calling.
//!
//! Most run the real process; what only a short deadline or a small limit shows runs the same listeners inside
//! the test ([`node::Node`]).

mod asked;
mod authenticator;
mod bounds;
mod bystander;
mod channel;
mod config;
mod cookie;
mod door;
mod faults;
mod folder;
mod http;
mod large;
mod limits;
mod link;
mod logs;
mod longpoll;
mod node;
mod pages;
mod pages_in_time;
pub(crate) mod peer;
mod rawsocket;
mod roles;
mod sessions;
mod slow;
mod start;
mod stop;
mod users;
mod websocket;
