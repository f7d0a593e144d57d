//! What a format must be able to read. One position, forward only, never past the frame's end.

use bytes::Bytes;
use bytestring::ByteString;

use super::cursor::Cursor;
use super::levels::{Levels, TOO_DEEP};
use super::{Serializer, SyntaxError};
use crate::protocol::{Dict, Value};

/// A scalar, or how a list or dict begins.
pub(crate) enum Token<Items> {
    Null,
    Bool(bool),
    /// A whole number. -2^63 to 2^64-1 are exact; what a format has beyond is at its discretion.
    Integer(i128),
    Float(f64),
    Text(ByteString),
    Bytes(Bytes),
    List(Items),
    Dict(Items),
}

/// What kind of value was skipped, as far as anyone asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    /// A boolean, a number, or text.
    Scalar,
    Bytes,
    List,
    Dict,
}

/// A format, seen from a reader.
///
/// Each method reads what its name says at the current position and moves behind it; a [`SyntaxError`] says
/// where the bytes are something else, and ends the reading. Text, bytes and skipped values share the frame's
/// memory where the format allows.
pub(crate) trait Reader {
    /// Which format this is.
    const SERIALIZER: Serializer;

    /// How far a list or dict has been read.
    type Items: Copy + Default;

    /// Reads a scalar, or enters a list or dict.
    fn token(&mut self) -> Result<Token<Self::Items>, SyntaxError>;
    /// Moves to the next item of a list, or to the next key of a dict. Behind the last it says false and leaves
    /// the list or dict, so it is not to be called again.
    fn next(&mut self, items: &mut Self::Items) -> Result<bool, SyntaxError>;
    /// Reads a dict's key and moves to its value. A key that is no text becomes one where that is unambiguous.
    fn key(&mut self) -> Result<ByteString, SyntaxError>;
    /// Checks what [`token`](Self::token) reads, without making anything of it.
    fn skip_token(&mut self, levels: &mut Levels<Self::Items>) -> Result<Kind, SyntaxError>;
    /// Checks what [`key`](Self::key) reads, without making anything of it.
    fn skip_key(&mut self) -> Result<(), SyntaxError>;
    /// Checks that nothing follows.
    fn end(&mut self) -> Result<(), SyntaxError>;
    fn cursor(&self) -> &Cursor<'_>;

    /// Passes over one value of at most `depth_max` levels, and returns its bytes.
    ///
    /// It was checked as [`value`](Self::value) checks it. Cost: O(bytes), no recursion, no allocation.
    fn skip(&mut self, depth_max: usize) -> Result<(Kind, Bytes), SyntaxError> {
        let start = self.cursor().position();
        let mut levels = Levels::new(depth_max);
        let kind = self.skip_token(&mut levels)?;
        while let Some((items, is_dict)) = levels.innermost() {
            if self.next(items)? {
                if is_dict {
                    self.skip_key()?;
                }
                self.skip_token(&mut levels)?;
            } else {
                levels.leave();
            }
        }
        Ok((kind, self.cursor().since(start)))
    }

    /// Reads any value of at most `depth_max` levels. bound: recursion is as deep as `depth_max`.
    fn value(&mut self, depth_max: usize) -> Result<Value, SyntaxError> {
        Ok(match self.token()? {
            Token::Null => Value::Null,
            Token::Bool(value) => Value::Bool(value),
            Token::Integer(value) => Value::Integer(value),
            Token::Float(value) => Value::Float(value),
            Token::Text(value) => Value::Text(value),
            Token::Bytes(value) => Value::Bytes(value),
            Token::List(items) => Value::List(self.list(items, depth_max)?),
            Token::Dict(items) => Value::Dict(self.dict(items, depth_max)?),
        })
    }

    /// Reads the rest of a list of at most `depth_max` levels, itself counted.
    fn list(
        &mut self,
        mut items: Self::Items,
        depth_max: usize,
    ) -> Result<Vec<Value>, SyntaxError> {
        let depth_left = self.descend(depth_max)?;
        let mut values = Vec::new();
        while self.next(&mut items)? {
            values.push(self.value(depth_left)?);
        }
        Ok(values)
    }

    /// Reads the rest of a dict of at most `depth_max` levels, itself counted.
    fn dict(&mut self, mut items: Self::Items, depth_max: usize) -> Result<Dict, SyntaxError> {
        let depth_left = self.descend(depth_max)?;
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
            .ok_or_else(|| self.cursor().expected(TOO_DEEP))
    }
}
