//! How messages travel: listeners, the HTTP in front of a WebSocket, frames. tokio starts here.
//!
//! Knows nothing of realms and sessions; what a frame holds is the [`serializer`](crate::serializer)'s
//! business, whom it is for is `node`'s.

mod admission;
mod connect;
mod ending;
mod http;
mod listener;
mod websocket;

pub use admission::{Admission, Ends, Refused};
pub use connect::{
    ByteStream, Connection, DialError, Dialer, Opener, Read, Stage, TransportError, io_text,
};
pub use http::{Agreed, Folder, Pages, RawPaths, RawRequest, Site, Upgraded, upgrade};
pub use listener::{Alive, BindError, Closing, Listeners, Place};
pub use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
pub use websocket::{FrameType, Incoming, ReadError, WebSocket, append_frame};
