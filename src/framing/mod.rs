//! Messages in a stream of bytes: frames in and out, without IO.
//!
//! What a frame holds is the [`serializer`](crate::serializer)'s business, where the bytes come from `transport`'s.
//! WebSocket's own frames are tungstenite's.

pub mod batched;
pub mod rawsocket;
