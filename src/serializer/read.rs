//! What a format must be able to read. One position, forward only, never past the frame's end.

use bytes::Bytes;
use bytestring::ByteString;

use super::{DEPTH_MAX, Serializer, SyntaxError};
use crate::protocol::{Dict, Value};

/// What stands at the reader's position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Integer,
    Float,
    Text,
    Bytes,
    List,
    Dict,
}

/// A format, seen from a reader.
///
/// Each method reads what its name says at the current position and moves behind it; a [`SyntaxError`] says
/// where the bytes are something else. Text, bytes and skipped values share the frame's memory where the
/// format allows.
pub(crate) trait Reader {
    /// Which format this is.
    const SERIALIZER: Serializer;

    /// How far a list or dict has been read.
    type Items;

    /// Says what comes next without moving (white space aside).
    fn kind(&mut self) -> Result<Kind, SyntaxError>;
    fn null(&mut self) -> Result<(), SyntaxError>;
    fn bool(&mut self) -> Result<bool, SyntaxError>;
    /// Reads a whole number. -2^63 to 2^64-1 are exact; what a format has beyond is at its discretion.
    fn integer(&mut self) -> Result<i128, SyntaxError>;
    fn float(&mut self) -> Result<f64, SyntaxError>;
    fn text(&mut self) -> Result<ByteString, SyntaxError>;
    fn bytes(&mut self) -> Result<Bytes, SyntaxError>;
    fn begin_list(&mut self) -> Result<Self::Items, SyntaxError>;
    fn begin_dict(&mut self) -> Result<Self::Items, SyntaxError>;
    /// Moves to the next item of a list, or to the next key of a dict. Behind the last it says false and leaves
    /// the list or dict, so it is not to be called again.
    fn next(&mut self, items: &mut Self::Items) -> Result<bool, SyntaxError>;
    /// Reads a dict's key and moves to its value. A key that is no text becomes one where that is unambiguous.
    fn key(&mut self) -> Result<ByteString, SyntaxError>;
    /// Passes over one value of at most `depth_max` levels, and returns its bytes.
    ///
    /// It was checked to be well-formed. Cost: O(bytes), no recursion, no allocation.
    fn skip(&mut self, depth_max: usize) -> Result<Bytes, SyntaxError>;
    /// Checks that nothing follows.
    fn end(&mut self) -> Result<(), SyntaxError>;
    /// The error of having found something else at this position.
    fn expected(&self, what: &'static str) -> SyntaxError;

    /// Reads any value of at most `depth_max` levels. bound: recursion is as deep as `depth_max`.
    fn value(&mut self, depth_max: usize) -> Result<Value, SyntaxError> {
        Ok(match self.kind()? {
            Kind::Null => {
                self.null()?;
                Value::Null
            }
            Kind::Bool => Value::Bool(self.bool()?),
            Kind::Integer => Value::Integer(self.integer()?),
            Kind::Float => Value::Float(self.float()?),
            Kind::Text => Value::Text(self.text()?),
            Kind::Bytes => Value::Bytes(self.bytes()?),
            Kind::List => Value::List(self.list(depth_max)?),
            Kind::Dict => Value::Dict(self.dict(depth_max)?),
        })
    }

    /// Reads a list of at most `depth_max` levels, itself counted.
    fn list(&mut self, depth_max: usize) -> Result<Vec<Value>, SyntaxError> {
        let depth_left = self.descend(depth_max)?;
        let mut items = self.begin_list()?;
        let mut values = Vec::new();
        while self.next(&mut items)? {
            values.push(self.value(depth_left)?);
        }
        Ok(values)
    }

    /// Reads a dict of at most `depth_max` levels, itself counted.
    fn dict(&mut self, depth_max: usize) -> Result<Dict, SyntaxError> {
        let depth_left = self.descend(depth_max)?;
        let mut items = self.begin_dict()?;
        let mut dict = Dict::new();
        while self.next(&mut items)? {
            let key = self.key()?;
            dict.push(key, self.value(depth_left)?);
        }
        Ok(dict)
    }

    /// One level down.
    fn descend(&self, depth_max: usize) -> Result<usize, SyntaxError> {
        depth_max
            .checked_sub(1)
            .ok_or_else(|| self.expected(TOO_DEEP))
    }
}

/// What a [`SyntaxError`] says of a value that nests too deep.
pub(super) const TOO_DEEP: &str = "at most 64 levels of lists and dicts";
const _: () = assert!(DEPTH_MAX == 64, "TOO_DEEP says another number");
