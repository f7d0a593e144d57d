//! How messages travel: listeners, the HTTP in front of a WebSocket, frames. tokio starts here.
//!
//! Knows nothing of realms and sessions; what a frame holds is the [`serializer`](crate::serializer)'s
//! business, whom it is for is `node`'s.

mod admission;
mod connect;
mod ending;
mod http;
mod websocket;

pub use admission::{Admission, Ends, Refused};
pub use connect::{
    ByteStream, Connection, DialError, Dialer, Opener, Read, Stage, TransportError, io_text,
};
pub use http::{Agreed, RawPaths, Site, Upgraded, upgrade};
pub use websocket::{ReadError, WebSocket, append_frame};
