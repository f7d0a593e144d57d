//! What a format must be able to read. One position, forward only, never past the frame's end.

use std::ops::Range;

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
    /// Reads a whole number that is written in its plainest form; `None`, without moving, where anything else stands,
    /// [`token`](Self::token) reading that.
    fn plain_number(&mut self) -> Option<u64> {
        None
    }
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
    /// How many items are to come, where the format says so in front.
    fn count(items: &Self::Items) -> Option<usize>;
    fn cursor(&self) -> &Cursor<'_>;

    /// Passes over one value of at most `depth_max` levels, and says where it lies.
    ///
    /// It was checked as [`value`](Self::value) checks it. Cost: O(bytes), no recursion, no allocation.
    fn skip(&mut self, depth_max: usize) -> Result<(Kind, Range<usize>), SyntaxError> {
        let start = self.cursor().position();
        let kind = self.walk(depth_max, |_| {})?;
        Ok((kind, start..self.cursor().position()))
    }

    /// Passes over one value, and tells of each list and dict on the way.
    fn walk(&mut self, depth_max: usize, mut tell: impl FnMut(Step)) -> Result<Kind, SyntaxError> {
        let mut levels = Levels::new(depth_max);
        let kind = self.skip_token(&mut levels)?;
        let mut last = kind;
        loop {
            let Some((items, is_dict)) = levels.innermost() else {
                return Ok(kind);
            };
            if matches!(last, Kind::List | Kind::Dict) {
                tell(Step::Begin(Self::count(items)));
            }
            if self.next(items)? {
                tell(Step::Item);
                if is_dict {
                    self.skip_key()?;
                }
                last = self.skip_token(&mut levels)?;
            } else {
                tell(Step::End);
                levels.leave();
                last = Kind::Null;
            }
        }
    }

    /// Reads any value within bounds. bound: recursion is as deep as they allow.
    fn value(&mut self, bounds: &mut Bounds) -> Result<Value, SyntaxError> {
        Ok(match self.token()? {
            Token::Null => Value::Null,
            Token::Bool(value) => Value::Bool(value),
            Token::Integer(value) => Value::Integer(value),
            Token::Float(value) => Value::Float(value),
            Token::Text(value) => Value::Text(value),
            Token::Bytes(value) => Value::Bytes(value),
            Token::List(items) => Value::List(self.list(items, bounds)?),
            Token::Dict(items) => Value::Dict(self.dict(items, bounds)?),
        })
    }

    /// Reads the rest of a list.
    fn list(
        &mut self,
        mut items: Self::Items,
        bounds: &mut Bounds,
    ) -> Result<Vec<Value>, SyntaxError> {
        bounds.enter(self.cursor())?;
        let mut values = Vec::new();
        while self.next(&mut items)? {
            bounds.count(self.cursor())?;
            values.push(self.value(bounds)?);
        }
        bounds.leave();
        Ok(values)
    }

    /// Reads the rest of a dict.
    fn dict(&mut self, mut items: Self::Items, bounds: &mut Bounds) -> Result<Dict, SyntaxError> {
        bounds.enter(self.cursor())?;
        let mut dict = Dict::new();
        while self.next(&mut items)? {
            bounds.count(self.cursor())?;
            let key = self.key()?;
            dict.push(key, self.value(bounds)?);
        }
        bounds.leave();
        Ok(dict)
    }
}

/// What [`Reader::walk`] comes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A list or dict, of so many items where it says so itself.
    Begin(Option<usize>),
    /// An item of the innermost list or dict.
    Item,
    /// The end of the innermost list or dict.
    End,
}

/// How much [`Reader::value`] may make of a frame.
///
/// A value takes some fifty times the memory of its shortest bytes, so what a peer can have decoded at a
/// router needs a number of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    depth_left: usize,
    values_left: usize,
}

impl Bounds {
    /// `depth_max` levels of lists and dicts, `values_max` values in them.
    pub(super) const fn new(depth_max: usize, values_max: usize) -> Self {
        Self {
            depth_left: depth_max,
            values_left: values_max,
        }
    }

    fn enter(&mut self, position: &Cursor<'_>) -> Result<(), SyntaxError> {
        self.depth_left = self
            .depth_left
            .checked_sub(1)
            .ok_or_else(|| position.expected(TOO_DEEP))?;
        Ok(())
    }

    fn leave(&mut self) {
        self.depth_left += 1;
    }

    fn count(&mut self, position: &Cursor<'_>) -> Result<(), SyntaxError> {
        self.values_left = self
            .values_left
            .checked_sub(1)
            .ok_or_else(|| position.expected("no more values"))?;
        Ok(())
    }
}
