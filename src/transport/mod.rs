//! Bytes on the wire: tokio starts here.

mod connect;

pub use connect::{
    ByteStream, Connection, DialError, Dialer, Opener, Read, Stage, TransportError, io_text,
};
