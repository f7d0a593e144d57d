//! What a format must be able to write. Writing cannot fail.

use super::Serializer;
use crate::protocol::{Dict, Message, Value};

/// A format, seen from a writer. The caller gives counts in front and closes what it opened.
pub(crate) trait Writer {
    /// Which format this is.
    const SERIALIZER: Serializer;
    /// Whether the counts of lists and dicts are written.
    const NEEDS_COUNTS: bool;

    fn null(&mut self);
    fn bool(&mut self, value: bool);
    /// Writes a whole number; as a float where the format has no integer that large.
    fn integer(&mut self, value: i128);
    fn float(&mut self, value: f64);
    fn text(&mut self, value: &str);
    fn bytes(&mut self, value: &[u8]);
    fn begin_list(&mut self, count: usize);
    fn end_list(&mut self);
    fn begin_dict(&mut self, count: usize);
    fn key(&mut self, key: &str);
    fn end_dict(&mut self);
    /// Writes one value that is already encoded in this format.
    fn encoded(&mut self, value: &[u8]);
}

/// What can be written in any format.
pub(super) trait Encode {
    /// A guess at how many bytes it takes.
    fn size_hint(&self) -> usize;
    fn write<W: Writer>(&self, writer: &mut W);
}

impl Encode for Message {
    fn size_hint(&self) -> usize {
        self.payload().map_or(0, crate::protocol::Payload::len) + 96
    }

    fn write<W: Writer>(&self, writer: &mut W) {
        self.write(writer);
    }
}

impl Encode for Value {
    fn size_hint(&self) -> usize {
        64
    }

    fn write<W: Writer>(&self, writer: &mut W) {
        match self {
            Self::Null => writer.null(),
            Self::Bool(value) => writer.bool(*value),
            Self::Integer(value) => writer.integer(*value),
            Self::Float(value) => writer.float(*value),
            Self::Text(value) => writer.text(value),
            Self::Bytes(value) => writer.bytes(value),
            Self::List(values) => values.as_slice().write(writer),
            Self::Dict(dict) => dict.write(writer),
        }
    }
}

impl Encode for [Value] {
    fn size_hint(&self) -> usize {
        64
    }

    fn write<W: Writer>(&self, writer: &mut W) {
        writer.begin_list(self.len());
        for value in self {
            value.write(writer);
        }
        writer.end_list();
    }
}

impl Encode for Dict {
    fn size_hint(&self) -> usize {
        64
    }

    fn write<W: Writer>(&self, writer: &mut W) {
        writer.begin_dict(self.len());
        for (key, value) in self.iter() {
            writer.key(key);
            value.write(writer);
        }
        writer.end_dict();
    }
}
