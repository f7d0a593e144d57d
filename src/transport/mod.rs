//! How messages travel: listeners, the HTTP in front of a WebSocket, frames. tokio starts here.
//!
//! Knows nothing of realms and sessions; what a frame holds is the [`serializer`](crate::serializer)'s
//! business, whom it is for is `node`'s.

mod address;
mod admission;
mod batched;
mod connect;
mod crowd;
mod door;
mod ending;
mod header_list;
mod http;
mod link;
mod listener;
mod rawsocket;
mod rewound;
mod socket_file;
pub mod tls;
mod websocket;
mod wire;
mod write_buffer;

pub use address::{Address, Ends};
pub use admission::{Admission, Refused};
pub(crate) use connect::within;
pub use connect::{
    Answered, ByteStream, Connection, DialError, Dialer, Handshake, Heard, Opener,
    RAWSOCKET_SCHEMES, Reached, Read, Socket, Stage, TransportError, io_text, reach,
};
pub(crate) use crowd::network;
pub use door::{Door, Entered, Plain, Turned};
pub(crate) use ending::end;
pub use http::{
    Agreed, Cookies, Folder, LongPoll, Pages, RawPaths, RawRequest, Site, Token, Upgraded, upgrade,
};
pub use link::Link;
pub use listener::{Alive, BindError, Closing, Listeners, Place};
pub use rawsocket::{AcceptError, Accepted, RawSocket, accept};
pub use rewound::Rewound;
pub use socket_file::check_socket_path;
pub use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
pub use websocket::{FrameType, Incoming, ReadError, WebSocket, append_frame};
pub use wire::{Framing, Subprotocol, Wire};
