//! What MessagePack and CBOR have in common: a value is a head, and behind it text, bytes or items.
//!
//! A [`Format`] reads one head; [`BinaryReader`] makes a [`Reader`] of it. Lengths are claims of the peer:
//! none is trusted before the bytes are seen to be there, and nothing is allocated for one.

use std::marker::PhantomData;

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;

use super::cursor::Cursor;
use super::read::{Kind, Reader, TOO_DEEP};
use super::{DEPTH_MAX, Serializer, SyntaxError};

/// How a value begins. Scalars are read with it. Two machine words, so that it travels in registers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Head {
    Null,
    Bool(bool),
    Unsigned(u64),
    /// This number less than -1.
    Negative(u64),
    Float(f64),
    Text(Length),
    Bytes(Length),
    List(Length),
    /// The length counts pairs.
    Dict(Length),
    /// A remark on the value behind it, which stays what it is.
    Tag,
    /// A number as wide as it likes; its bytes follow, as binary data. A negative one is -1 minus them.
    BigInteger {
        negative: bool,
    },
    /// The end of something of open length.
    Break,
}

/// How many bytes or items follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Length(u64);

impl Length {
    /// As many as come before a [`Head::Break`].
    pub(super) const OPEN: Self = Self(u64::MAX);

    /// The number that a peer claims. The greatest is taken for one less, which can be met as little.
    pub(super) fn claimed(claim: u64) -> Self {
        Self(claim.min(u64::MAX - 1))
    }
}

/// A binary format, seen from a reader.
pub(super) trait Format {
    const SERIALIZER: Serializer;
    /// Reads one head, and moves behind it; `None` where there is none.
    fn head(cursor: &mut Cursor<'_>) -> Option<Head>;
}

macro_rules! numbers {
    ($($width:ident)*) => {$(
        /// The next number of this width, the first byte being the highest.
        #[inline]
        pub(super) fn $width(cursor: &mut Cursor<'_>) -> Option<u64> {
            cursor.array().map(|bytes| $width::from_be_bytes(bytes).into())
        }
    )*};
}

numbers! { u8 u16 u32 u64 }

/// Any number.
enum Number {
    Integer(i128),
    Float(f64),
}

/// Reads any binary format.
#[derive(Debug)]
pub(super) struct BinaryReader<'a, F> {
    cursor: Cursor<'a>,
    format: PhantomData<F>,
}

impl<'a, F: Format> BinaryReader<'a, F> {
    pub(super) fn new(frame: &'a Bytes) -> Self {
        Self::at(Cursor::new(frame))
    }

    fn at(cursor: Cursor<'a>) -> Self {
        Self {
            cursor,
            format: PhantomData,
        }
    }

    /// Reads the head of a value. Tags before it are passed over.
    #[inline]
    fn head(&mut self) -> Result<Head, SyntaxError> {
        loop {
            match self.any_head()? {
                Head::Tag => {}
                head => return Ok(head),
            }
        }
    }

    #[inline]
    fn any_head(&mut self) -> Result<Head, SyntaxError> {
        let start = self.cursor;
        F::head(&mut self.cursor).ok_or_else(|| start.expected(VALUE))
    }

    fn number(&mut self) -> Result<Option<Number>, SyntaxError> {
        Ok(Some(match self.head()? {
            Head::Unsigned(value) => Number::Integer(value.into()),
            Head::Negative(value) => Number::Integer(!i128::from(value)),
            Head::Float(value) => Number::Float(value),
            Head::BigInteger { negative } => self.big_integer(negative)?,
            _ => return Ok(None),
        }))
    }

    fn big_integer(&mut self, negative: bool) -> Result<Number, SyntaxError> {
        let start = self.cursor;
        let Head::Bytes(length) = self.any_head()? else {
            return Err(start.expected("the bytes of a big integer"));
        };
        Ok(big_integer(negative, &self.bytes_behind(length)?))
    }

    /// Reads a head that `select` takes.
    fn scalar<T>(
        &mut self,
        what: &'static str,
        select: impl FnOnce(Head) -> Option<T>,
    ) -> Result<T, SyntaxError> {
        let start = self.cursor;
        select(self.head()?).ok_or_else(|| start.expected(what))
    }

    fn text_behind(&mut self, length: Length) -> Result<ByteString, SyntaxError> {
        if length == Length::OPEN {
            let mut text = String::new();
            while let Some(chunk) = self.text_chunk()? {
                text.push_str(chunk);
            }
            return Ok(text.into());
        }
        let start = self.cursor;
        let text = self.cursor.take(length.0)?;
        ByteString::try_from(start.share(text)).map_err(|_| start.expected(UTF8))
    }

    fn bytes_behind(&mut self, length: Length) -> Result<Bytes, SyntaxError> {
        if length == Length::OPEN {
            let mut bytes = BytesMut::new();
            while let Some(chunk) = self.bytes_chunk()? {
                bytes.extend_from_slice(chunk);
            }
            return Ok(bytes.freeze());
        }
        let bytes = self.cursor.take(length.0)?;
        Ok(self.cursor.share(bytes))
    }

    /// The next chunk of a text of open length. No character is spread over two.
    fn text_chunk(&mut self) -> Result<Option<&'a str>, SyntaxError> {
        let start = self.cursor;
        match self.any_head()? {
            Head::Text(length) if length != Length::OPEN => self.utf8(length).map(Some),
            Head::Break => Ok(None),
            _ => Err(start.expected("a chunk of text")),
        }
    }

    fn bytes_chunk(&mut self) -> Result<Option<&'a [u8]>, SyntaxError> {
        let start = self.cursor;
        match self.any_head()? {
            Head::Bytes(length) if length != Length::OPEN => self.cursor.take(length.0).map(Some),
            Head::Break => Ok(None),
            _ => Err(start.expected("a chunk of bytes")),
        }
    }

    fn utf8(&mut self, length: Length) -> Result<&'a str, SyntaxError> {
        let start = self.cursor;
        let text = self.cursor.take(length.0)?;
        std::str::from_utf8(text).map_err(|_| start.expected(UTF8))
    }

    fn skip_text(&mut self, length: Length) -> Result<(), SyntaxError> {
        if length == Length::OPEN {
            while self.text_chunk()?.is_some() {}
            return Ok(());
        }
        self.utf8(length).map(drop)
    }

    fn skip_bytes(&mut self, length: Length) -> Result<(), SyntaxError> {
        if length == Length::OPEN {
            while self.bytes_chunk()?.is_some() {}
            return Ok(());
        }
        self.cursor.take(length.0).map(drop)
    }

    fn skip_key(&mut self) -> Result<(), SyntaxError> {
        let start = self.cursor;
        match self.head()? {
            Head::Text(length) => self.skip_text(length),
            Head::Unsigned(_) | Head::Negative(_) => Ok(()),
            _ => Err(start.expected(KEY)),
        }
    }

    /// Refuses at once a number of items that the bytes left cannot hold.
    fn items(&self, length: Length, item_bytes_min: u64) -> Result<Length, SyntaxError> {
        let left = self.cursor.rest().len() as u64;
        if length == Length::OPEN || length.0 <= left / item_bytes_min {
            Ok(length)
        } else {
            Err(self.cursor.expected("as many items as announced"))
        }
    }
}

impl<F: Format> Reader for BinaryReader<'_, F> {
    const SERIALIZER: Serializer = F::SERIALIZER;

    type Items = Length;

    fn kind(&mut self) -> Result<Kind, SyntaxError> {
        let mut ahead = Self::at(self.cursor);
        Ok(match ahead.head()? {
            Head::Null => Kind::Null,
            Head::Bool(_) => Kind::Bool,
            Head::Unsigned(_) | Head::Negative(_) => Kind::Integer,
            Head::Float(_) => Kind::Float,
            Head::Text(_) => Kind::Text,
            Head::Bytes(_) => Kind::Bytes,
            Head::List(_) => Kind::List,
            Head::Dict(_) => Kind::Dict,
            Head::BigInteger { negative } => match ahead.big_integer(negative)? {
                Number::Integer(_) => Kind::Integer,
                Number::Float(_) => Kind::Float,
            },
            Head::Tag | Head::Break => return Err(self.expected(VALUE)),
        })
    }

    fn null(&mut self) -> Result<(), SyntaxError> {
        self.scalar("null", |head| matches!(head, Head::Null).then_some(()))
    }

    fn bool(&mut self) -> Result<bool, SyntaxError> {
        self.scalar("a boolean", |head| match head {
            Head::Bool(value) => Some(value),
            _ => None,
        })
    }

    fn integer(&mut self) -> Result<i128, SyntaxError> {
        let start = self.cursor;
        match self.number()? {
            Some(Number::Integer(value)) => Ok(value),
            _ => Err(start.expected("an integer")),
        }
    }

    fn float(&mut self) -> Result<f64, SyntaxError> {
        let start = self.cursor;
        match self.number()? {
            Some(Number::Float(value)) => Ok(value),
            _ => Err(start.expected("a float")),
        }
    }

    fn text(&mut self) -> Result<ByteString, SyntaxError> {
        let length = self.scalar("a text", |head| match head {
            Head::Text(length) => Some(length),
            _ => None,
        })?;
        self.text_behind(length)
    }

    fn bytes(&mut self) -> Result<Bytes, SyntaxError> {
        let length = self.scalar("binary data", |head| match head {
            Head::Bytes(length) => Some(length),
            _ => None,
        })?;
        self.bytes_behind(length)
    }

    fn begin_list(&mut self) -> Result<Length, SyntaxError> {
        let length = self.scalar("a list", |head| match head {
            Head::List(length) => Some(length),
            _ => None,
        })?;
        self.items(length, 1)
    }

    fn begin_dict(&mut self) -> Result<Length, SyntaxError> {
        let length = self.scalar("a dict", |head| match head {
            Head::Dict(length) => Some(length),
            _ => None,
        })?;
        self.items(length, 2)
    }

    fn next(&mut self, items: &mut Length) -> Result<bool, SyntaxError> {
        if *items != Length::OPEN {
            let fewer = items.0.checked_sub(1);
            *items = Length(fewer.unwrap_or_default());
            return Ok(fewer.is_some());
        }
        let mut ahead = self.cursor;
        let ended = matches!(F::head(&mut ahead), Some(Head::Break));
        if ended {
            self.cursor = ahead;
        }
        Ok(!ended)
    }

    fn key(&mut self) -> Result<ByteString, SyntaxError> {
        let start = self.cursor;
        match self.head()? {
            Head::Text(length) => self.text_behind(length),
            Head::Unsigned(value) => Ok(value.to_string().into()),
            Head::Negative(value) => Ok((!i128::from(value)).to_string().into()),
            _ => Err(start.expected(KEY)),
        }
    }

    fn skip(&mut self, depth_max: usize) -> Result<Bytes, SyntaxError> {
        let start = self.cursor.position();
        let mut levels = Levels::new(depth_max);
        loop {
            let value = self.cursor;
            match self.head()? {
                Head::Null
                | Head::Bool(_)
                | Head::Unsigned(_)
                | Head::Negative(_)
                | Head::Float(_) => {}
                Head::Text(length) => self.skip_text(length)?,
                Head::Bytes(length) => self.skip_bytes(length)?,
                Head::List(length) => {
                    let items = self.items(length, 1)?;
                    levels
                        .open(items, false)
                        .ok_or_else(|| value.expected(TOO_DEEP))?;
                }
                Head::Dict(length) => {
                    let items = self.items(length, 2)?;
                    levels
                        .open(items, true)
                        .ok_or_else(|| value.expected(TOO_DEEP))?;
                }
                Head::BigInteger { negative } => self.big_integer(negative).map(drop)?,
                Head::Tag | Head::Break => return Err(value.expected(VALUE)),
            }
            loop {
                let Some((items, is_dict)) = levels.innermost() else {
                    return Ok(self.cursor.since(start));
                };
                if self.next(items)? {
                    if is_dict {
                        self.skip_key()?;
                    }
                    break;
                }
                levels.close();
            }
        }
    }

    fn end(&mut self) -> Result<(), SyntaxError> {
        self.cursor.end()
    }

    fn expected(&self, what: &'static str) -> SyntaxError {
        self.cursor.expected(what)
    }
}

/// The lists and dicts around a position. bound: [`DEPTH_MAX`].
struct Levels {
    items: [Length; DEPTH_MAX],
    /// A bit a level, the innermost the lowest: whether it is a dict.
    dicts: u64,
    depth: usize,
    depth_max: usize,
}

const _: () = assert!(DEPTH_MAX <= 64, "Levels has 64 bits");

impl Levels {
    fn new(depth_max: usize) -> Self {
        Self {
            items: [Length::OPEN; DEPTH_MAX],
            dicts: 0,
            depth: 0,
            depth_max,
        }
    }

    /// One level down; `None` where that is too deep.
    fn open(&mut self, items: Length, is_dict: bool) -> Option<()> {
        if self.depth >= self.depth_max {
            return None;
        }
        *self.items.get_mut(self.depth)? = items;
        self.depth += 1;
        self.dicts = self.dicts << 1 | u64::from(is_dict);
        Some(())
    }

    fn innermost(&mut self) -> Option<(&mut Length, bool)> {
        let items = self.items.get_mut(self.depth.checked_sub(1)?)?;
        Some((items, self.dicts & 1 == 1))
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.dicts >>= 1;
    }
}

/// The number of a [`Head::BigInteger`]: exact where 128 bits hold it, else the float that is about there.
fn big_integer(negative: bool, bytes: &[u8]) -> Number {
    let exact = bytes.iter().try_fold(0_i128, |number, &byte| {
        number.checked_mul(256)?.checked_add(byte.into())
    });
    match exact {
        Some(number) if negative => Number::Integer(-1 - number),
        Some(number) => Number::Integer(number),
        None => {
            let number = bytes
                .iter()
                .fold(0.0, |number, &byte| number * 256.0 + f64::from(byte));
            Number::Float(if negative { -1.0 - number } else { number })
        }
    }
}

const VALUE: &str = "a value";
const UTF8: &str = "valid UTF-8";
const KEY: &str = "a text or an integer as a key";
