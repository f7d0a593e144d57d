//! The few WAMP messages a load needs, in three serializers.
//!
//! A [`Template`] is a message whose request id is filled in at each sending; everything else of it
//! is encoded once. [`head`] reads the first two elements of a message and nothing else.

use clap::ValueEnum;
use serde_json::Value;

use crate::frame;

pub(crate) const HELLO: u64 = 1;
pub(crate) const WELCOME: u64 = 2;
pub(crate) const PUBLISH: u64 = 16;
pub(crate) const SUBSCRIBE: u64 = 32;
pub(crate) const SUBSCRIBED: u64 = 33;
pub(crate) const EVENT: u64 = 36;
pub(crate) const CALL: u64 = 48;
pub(crate) const RESULT: u64 = 50;
pub(crate) const REGISTER: u64 = 64;
pub(crate) const REGISTERED: u64 = 65;
pub(crate) const INVOCATION: u64 = 68;
pub(crate) const YIELD: u64 = 70;

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Serializer {
    Json,
    Msgpack,
    Cbor,
}

impl Serializer {
    pub(crate) fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => "wamp.2.json",
            Self::Msgpack => "wamp.2.msgpack",
            Self::Cbor => "wamp.2.cbor",
        }
    }

    pub(crate) fn opcode(self) -> u8 {
        match self {
            Self::Json => frame::TEXT,
            Self::Msgpack | Self::Cbor => frame::BINARY,
        }
    }
}

/// The first two elements of a message; 0 for an element that is not a whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) code: u64,
    pub(crate) id: u64,
}

/// A message of which only the request id changes.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    serializer: Serializer,
    before: Vec<u8>,
    after: Vec<u8>,
}

impl Template {
    /// Takes the message code and what follows the request id.
    pub(crate) fn new(serializer: Serializer, code: u64, rest: &[Value]) -> Self {
        let mut before = Vec::new();
        let mut after = Vec::new();
        match serializer {
            Serializer::Json => {
                before.extend(format!("[{code},").bytes());
                for value in rest {
                    after.extend(format!(",{value}").bytes());
                }
                after.push(b']');
            }
            Serializer::Msgpack | Serializer::Cbor => {
                put_length(serializer, &mut before, Kind::List, rest.len() + 2);
                put_integer(serializer, &mut before, code);
                for value in rest {
                    put_value(serializer, &mut after, value);
                }
            }
        }
        Self {
            serializer,
            before,
            after,
        }
    }

    /// Appends the message as one frame.
    pub(crate) fn put(&self, out: &mut Vec<u8>, id: u64) {
        let mut digits = [0; INTEGER_BYTES_MAX];
        let id = integer(self.serializer, &mut digits, id);
        let payload_bytes = self.before.len() + id.len() + self.after.len();
        frame::put_header(out, self.serializer.opcode(), payload_bytes);
        out.extend_from_slice(&self.before);
        out.extend_from_slice(id);
        out.extend_from_slice(&self.after);
    }
}

/// Encodes a whole message.
pub(crate) fn encode(serializer: Serializer, message: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    put_value(serializer, &mut out, message);
    out
}

/// Reads the message code and the element after it.
pub(crate) fn head(serializer: Serializer, message: &[u8]) -> Head {
    let mut rest = message;
    let mut next = || match serializer {
        Serializer::Json => json_integer(&mut rest),
        Serializer::Msgpack => msgpack_integer(&mut rest),
        Serializer::Cbor => cbor_integer(&mut rest),
    };
    let code = next();
    let id = next();
    Head { code, id }
}

/// Steps over what opens or parts elements, then reads digits.
fn json_integer(rest: &mut &[u8]) -> u64 {
    while let [b'[' | b',' | b' ', tail @ ..] = rest {
        *rest = tail;
    }
    let mut value = 0_u64;
    while let [digit @ b'0'..=b'9', tail @ ..] = rest {
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        *rest = tail;
    }
    value
}

/// Steps over the header of the message's list, then reads an unsigned integer.
fn msgpack_integer(rest: &mut &[u8]) -> u64 {
    match rest {
        [0x90..=0x9f, tail @ ..] | [0xdc, _, _, tail @ ..] => *rest = tail,
        _ => {}
    }
    match rest.split_first() {
        Some((&small @ 0..0x80, tail)) => {
            *rest = tail;
            u64::from(small)
        }
        Some((&width @ 0xcc..=0xcf, tail)) => {
            *rest = tail;
            big_endian(rest, 1 << (width - 0xcc))
        }
        _ => 0,
    }
}

/// Steps over the header of the message's list, then reads an unsigned integer.
fn cbor_integer(rest: &mut &[u8]) -> u64 {
    match rest {
        [0x80..=0x97 | 0x9f, tail @ ..] | [0x98, _, tail @ ..] => *rest = tail,
        _ => {}
    }
    match rest.split_first() {
        Some((&small @ 0..24, tail)) => {
            *rest = tail;
            u64::from(small)
        }
        Some((&width @ 24..=27, tail)) => {
            *rest = tail;
            big_endian(rest, 1 << (width - 24))
        }
        _ => 0,
    }
}

fn big_endian(rest: &mut &[u8], bytes: usize) -> u64 {
    let (number, tail) = rest.split_at(bytes.min(rest.len()));
    *rest = tail;
    number
        .iter()
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// What a length is written for.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    List,
    Map,
}

fn put_value(serializer: Serializer, out: &mut Vec<u8>, value: &Value) {
    match (serializer, value) {
        (Serializer::Json, value) => out.extend(value.to_string().bytes()),
        (_, Value::Array(items)) => {
            put_length(serializer, out, Kind::List, items.len());
            for item in items {
                put_value(serializer, out, item);
            }
        }
        (_, Value::Object(entries)) => {
            put_length(serializer, out, Kind::Map, entries.len());
            for (key, value) in entries {
                put_text(serializer, out, key);
                put_value(serializer, out, value);
            }
        }
        (_, Value::String(text)) => put_text(serializer, out, text),
        (_, Value::Number(number)) => {
            put_integer(serializer, out, number.as_u64().unwrap_or_default());
        }
        (Serializer::Msgpack, Value::Bool(true)) => out.push(0xc3),
        (Serializer::Msgpack, Value::Bool(false)) => out.push(0xc2),
        (Serializer::Msgpack, Value::Null) => out.push(0xc0),
        (Serializer::Cbor, Value::Bool(true)) => out.push(0xf5),
        (Serializer::Cbor, Value::Bool(false)) => out.push(0xf4),
        (Serializer::Cbor, Value::Null) => out.push(0xf6),
    }
}

fn put_text(serializer: Serializer, out: &mut Vec<u8>, text: &str) {
    put_length(serializer, out, Kind::Text, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn put_integer(serializer: Serializer, out: &mut Vec<u8>, value: u64) {
    let mut digits = [0; INTEGER_BYTES_MAX];
    out.extend_from_slice(integer(serializer, &mut digits, value));
}

/// Writes a length where one fits the short or the 32-bit form.
fn put_length(serializer: Serializer, out: &mut Vec<u8>, kind: Kind, length: usize) {
    let bytes = length.to_be_bytes();
    match serializer {
        Serializer::Json => {}
        Serializer::Msgpack => {
            let (short, short_max, long) = match kind {
                Kind::Text => (0xa0, 31, 0xdb),
                Kind::List => (0x90, 15, 0xdd),
                Kind::Map => (0x80, 15, 0xdf),
            };
            if length <= short_max {
                out.push(short | bytes[7]);
            } else {
                out.push(long);
                out.extend_from_slice(&bytes[4..]);
            }
        }
        Serializer::Cbor => {
            let major = match kind {
                Kind::Text => 0x60,
                Kind::List => 0x80,
                Kind::Map => 0xa0,
            };
            if length < 24 {
                out.push(major | bytes[7]);
            } else {
                out.push(major | 0x1a);
                out.extend_from_slice(&bytes[4..]);
            }
        }
    }
}

const INTEGER_BYTES_MAX: usize = 20;

/// Writes an unsigned integer to the end of `buffer`.
fn integer(serializer: Serializer, buffer: &mut [u8; INTEGER_BYTES_MAX], value: u64) -> &[u8] {
    match serializer {
        Serializer::Json => decimal(buffer, value),
        Serializer::Msgpack if value < 0x80 => tagged(buffer, None, value, 1),
        Serializer::Msgpack => {
            let exponent = width(value);
            tagged(buffer, Some(0xcc + exponent), value, 1 << exponent)
        }
        Serializer::Cbor if value < 24 => tagged(buffer, None, value, 1),
        Serializer::Cbor => {
            let exponent = width(value);
            tagged(buffer, Some(24 + exponent), value, 1 << exponent)
        }
    }
}

/// How many bytes a number takes, as the exponent of a power of two.
fn width(value: u64) -> u8 {
    match value {
        0..=0xff => 0,
        0x100..=0xffff => 1,
        0x1_0000..=0xffff_ffff => 2,
        _ => 3,
    }
}

fn tagged(
    buffer: &mut [u8; INTEGER_BYTES_MAX],
    tag: Option<u8>,
    value: u64,
    bytes: usize,
) -> &[u8] {
    let mut start = buffer.len() - bytes;
    buffer[start..].copy_from_slice(&value.to_be_bytes()[8 - bytes..]);
    if let Some(tag) = tag {
        start -= 1;
        buffer[start] = tag;
    }
    &buffer[start..]
}

fn decimal(buffer: &mut [u8; INTEGER_BYTES_MAX], mut value: u64) -> &[u8] {
    let mut start = buffer.len();
    loop {
        start -= 1;
        buffer[start] = b'0' + (value % 10).to_le_bytes()[0];
        value /= 10;
        if value == 0 {
            return &buffer[start..];
        }
    }
}
