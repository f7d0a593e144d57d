//! Message <-> bytes, in JSON, MessagePack and CBOR.
//!
//! The shape of each message is written once ([`message`](crate::protocol::message)) over two small traits,
//! `Reader` and `Writer`, that each format implements. Only the head of a message is decoded; payload is
//! checked to be well-formed and no deeper than [`DEPTH_MAX`], and kept as the bytes it came in.

mod binary;
mod cbor;
mod cursor;
mod element;
mod error;
mod json;
mod levels;
mod msgpack;
mod read;
mod transcode;
mod write;

use bytes::{Bytes, BytesMut};

use crate::protocol::{Dict, Message, Value};

use binary::BinaryReader;
use cbor::{Cbor, CborWriter};
pub(crate) use element::{Element, Elements};
pub use error::{DecodeError, SyntaxError};
use json::{JsonReader, JsonWriter};
use msgpack::{MsgPack, MsgPackWriter};
use read::Bounds;
pub(crate) use read::Reader;
use transcode::transcode;
use write::Encode;
pub(crate) use write::Writer;

/// How deep lists and dicts may nest, the message's own list counted.
pub const DEPTH_MAX: usize = 64;

/// One of the formats that messages travel in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Serializer {
    /// Text; binary data as U+0000 and base64.
    Json,
    /// Binary.
    MsgPack,
    /// Binary.
    Cbor,
}

impl Serializer {
    /// Every serializer, the one that people read first.
    pub const ALL: [Self; 3] = [Self::Json, Self::MsgPack, Self::Cbor];

    /// The name, as in `wamp.2.json`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::MsgPack => "msgpack",
            Self::Cbor => "cbor",
        }
    }

    /// The WebSocket subprotocol. Spec: `bp#websocket_transport`.
    #[must_use]
    pub const fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => "wamp.2.json",
            Self::MsgPack => "wamp.2.msgpack",
            Self::Cbor => "wamp.2.cbor",
        }
    }

    /// Whether a message is text on the wire.
    #[must_use]
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Json)
    }

    /// Decodes a message's head; its payload shares the memory of `frame`.
    ///
    /// Cost: O(bytes), without allocation for a message with empty options.
    ///
    /// # Errors
    /// [`DecodeError`]: whatever breaks the protocol, with the element it is in.
    pub fn decode(self, frame: &Bytes) -> Result<Message, DecodeError> {
        match self {
            Self::Json => decode(JsonReader::new(frame)),
            Self::MsgPack => decode(BinaryReader::<MsgPack>::new(frame)),
            Self::Cbor => decode(BinaryReader::<Cbor>::new(frame)),
        }
    }

    /// Encodes a message, transcoding its payload where that is another serializer's.
    #[must_use]
    pub fn encode(self, message: &Message) -> Bytes {
        self.encode_any(message)
    }

    /// Encodes a message as [`encode`](Self::encode) does, into an empty buffer that may be used again.
    pub(crate) fn encode_into(self, message: &Message, buffer: &mut BytesMut) {
        debug_assert!(buffer.is_empty());
        self.encode_any_into(message, buffer);
    }

    pub(crate) fn encode_list(self, values: &[Value]) -> Bytes {
        self.encode_any(values)
    }

    pub(crate) fn encode_dict(self, dict: &Dict) -> Bytes {
        self.encode_any(dict)
    }

    /// Decodes one list.
    pub(crate) fn decode_list(self, encoded: &Bytes) -> Result<Vec<Value>, DecodeError> {
        match self.decode_value(encoded)? {
            Value::List(values) => Ok(values),
            _ => Err(DecodeError::OpaquePayload),
        }
    }

    /// Decodes one dict.
    pub(crate) fn decode_dict(self, encoded: &Bytes) -> Result<Dict, DecodeError> {
        match self.decode_value(encoded)? {
            Value::Dict(dict) => Ok(dict),
            _ => Err(DecodeError::OpaquePayload),
        }
    }

    /// Decodes one value, and nothing behind it.
    ///
    /// # Errors
    /// [`SyntaxError`] where `encoded` is not one well-formed value of at most [`DEPTH_MAX`] levels.
    pub fn decode_value(self, encoded: &Bytes) -> Result<Value, SyntaxError> {
        match self {
            Self::Json => decode_value(JsonReader::new(encoded)),
            Self::MsgPack => decode_value(BinaryReader::<MsgPack>::new(encoded)),
            Self::Cbor => decode_value(BinaryReader::<Cbor>::new(encoded)),
        }
    }

    /// Encodes one value.
    #[must_use]
    pub fn encode_value(self, value: &Value) -> Bytes {
        self.encode_any(value)
    }

    /// What stands between two items of a list.
    pub(crate) const fn between_items(self) -> &'static [u8] {
        match self {
            Self::Json => b",",
            Self::MsgPack | Self::Cbor => b"",
        }
    }

    /// The same value in another serializer's bytes; null for what is not one well-formed value.
    pub(crate) fn transcode(self, encoded: &Bytes, to: Self) -> Bytes {
        let mut buffer = BytesMut::with_capacity(encoded.len() + encoded.len() / 4);
        let transcoded = match to {
            Self::Json => self.transcode_to(encoded, &mut JsonWriter::new(&mut buffer)),
            Self::MsgPack => self.transcode_to(encoded, &mut MsgPackWriter::new(&mut buffer)),
            Self::Cbor => self.transcode_to(encoded, &mut CborWriter::new(&mut buffer)),
        };
        match transcoded {
            Ok(()) => buffer.freeze(),
            Err(_) => to.encode_value(&Value::Null),
        }
    }

    fn transcode_to<W: Writer>(self, encoded: &Bytes, writer: &mut W) -> Result<(), SyntaxError> {
        match self {
            Self::Json => transcode(|| JsonReader::new(encoded), writer),
            Self::MsgPack => transcode(|| BinaryReader::<MsgPack>::new(encoded), writer),
            Self::Cbor => transcode(|| BinaryReader::<Cbor>::new(encoded), writer),
        }
    }

    fn encode_any<T: Encode + ?Sized>(self, what: &T) -> Bytes {
        let mut buffer = BytesMut::with_capacity(what.size_hint());
        self.encode_any_into(what, &mut buffer);
        buffer.freeze()
    }

    fn encode_any_into<T: Encode + ?Sized>(self, what: &T, buffer: &mut BytesMut) {
        match self {
            Self::Json => what.write(&mut JsonWriter::new(buffer)),
            Self::MsgPack => what.write(&mut MsgPackWriter::new(buffer)),
            Self::Cbor => what.write(&mut CborWriter::new(buffer)),
        }
    }
}

fn decode<R: Reader>(reader: R) -> Result<Message, DecodeError> {
    let mut elements = Elements::open(reader)?;
    // One variable, built where the caller wants it: a message is large to move.
    let mut message = Message::read(elements.message(), &mut elements);
    if message.is_ok()
        && let Err(error) = elements.close()
    {
        message = Err(error);
    }
    message
}

fn decode_value<R: Reader>(mut reader: R) -> Result<Value, SyntaxError> {
    let value = reader.value(&mut Bounds::new(DEPTH_MAX, usize::MAX))?;
    reader.end()?;
    Ok(value)
}

#[cfg(test)]
mod tests;
