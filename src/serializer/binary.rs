//! What MessagePack and CBOR have in common: a value is a head, and behind it text, bytes or items.
//!
//! A [`Format`] reads one head; [`BinaryReader`] makes a [`Reader`] of it. Lengths are claims of the peer:
//! none is trusted before the bytes are seen to be there, and nothing is allocated for one.

use std::marker::PhantomData;

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;

use super::cursor::Cursor;
use super::levels::Levels;
use super::read::{Kind, Reader, Token};
use super::{Serializer, SyntaxError};

/// How a value begins. Scalars are read with it.
///
/// A head holds nothing but 64-bit integers, so that it travels in two registers: through memory every value
/// costs twice the time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Head {
    Null,
    False,
    True,
    Unsigned(u64),
    /// This number less than -1.
    Negative(u64),
    /// A float's bits.
    Float(u64),
    Text(Length),
    Bytes(Length),
    List(Length),
    /// The length counts pairs.
    Dict(Length),
    /// A remark on the value behind it, which stays what it is.
    Tag,
    /// A number as wide as it likes; its bytes follow, as binary data. A negative one is less than -1 by them.
    BigInteger,
    NegativeBigInteger,
    /// The end of something of open length.
    Break,
}

/// How many bytes or items follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

/// Reads any binary format.
#[derive(Debug)]
pub(super) struct BinaryReader<'a, F> {
    cursor: Cursor<'a>,
    format: PhantomData<F>,
}

impl<'a, F: Format> BinaryReader<'a, F> {
    pub(super) fn new(frame: &'a Bytes) -> Self {
        Self {
            cursor: Cursor::new(frame),
            format: PhantomData,
        }
    }

    /// Reads the head of a value. Tags before it are passed over.
    #[inline]
    fn head(&mut self) -> Result<Head, SyntaxError> {
        loop {
            let head = self.any_head()?;
            if !matches!(head, Head::Tag) {
                return Ok(head);
            }
        }
    }

    #[inline]
    fn any_head(&mut self) -> Result<Head, SyntaxError> {
        let start = self.cursor.position();
        F::head(&mut self.cursor).ok_or_else(|| SyntaxError::at(start, VALUE))
    }

    fn big_integer(&mut self, is_negative: bool) -> Result<Token<Length>, SyntaxError> {
        let start = self.cursor.position();
        let Head::Bytes(length) = self.any_head()? else {
            return Err(SyntaxError::at(start, "the bytes of a big integer"));
        };
        Ok(big_integer(is_negative, &self.bytes_behind(length)?))
    }

    fn text_behind(&mut self, length: Length) -> Result<ByteString, SyntaxError> {
        if length == Length::OPEN {
            let mut text = String::new();
            while let Some(chunk) = self.text_chunk()? {
                text.push_str(chunk);
            }
            return Ok(text.into());
        }
        let start = self.cursor.position();
        let text = self.cursor.take(length.0)?;
        ByteString::try_from(self.cursor.share(text)).map_err(|_| SyntaxError::at(start, UTF8))
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
        let start = self.cursor.position();
        match self.any_head()? {
            Head::Text(length) if length != Length::OPEN => self.utf8(length).map(Some),
            Head::Break => Ok(None),
            _ => Err(SyntaxError::at(start, "a chunk of text")),
        }
    }

    fn bytes_chunk(&mut self) -> Result<Option<&'a [u8]>, SyntaxError> {
        let start = self.cursor.position();
        match self.any_head()? {
            Head::Bytes(length) if length != Length::OPEN => self.cursor.take(length.0).map(Some),
            Head::Break => Ok(None),
            _ => Err(SyntaxError::at(start, "a chunk of bytes")),
        }
    }

    fn utf8(&mut self, length: Length) -> Result<&'a str, SyntaxError> {
        let start = self.cursor.position();
        let text = self.cursor.take(length.0)?;
        std::str::from_utf8(text).map_err(|_| SyntaxError::at(start, UTF8))
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

    #[inline]
    fn token(&mut self) -> Result<Token<Length>, SyntaxError> {
        let start = self.cursor.position();
        Ok(match self.head()? {
            Head::Null => Token::Null,
            Head::False => Token::Bool(false),
            Head::True => Token::Bool(true),
            Head::Unsigned(value) => Token::Integer(value.into()),
            Head::Negative(value) => Token::Integer(!i128::from(value)),
            Head::Float(bits) => Token::Float(f64::from_bits(bits)),
            Head::Text(length) => Token::Text(self.text_behind(length)?),
            Head::Bytes(length) => Token::Bytes(self.bytes_behind(length)?),
            Head::List(length) => Token::List(self.items(length, 1)?),
            Head::Dict(length) => Token::Dict(self.items(length, 2)?),
            Head::BigInteger => self.big_integer(false)?,
            Head::NegativeBigInteger => self.big_integer(true)?,
            Head::Tag | Head::Break => return Err(SyntaxError::at(start, VALUE)),
        })
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
        let start = self.cursor.position();
        match self.head()? {
            Head::Text(length) => self.text_behind(length),
            Head::Unsigned(value) => Ok(value.to_string().into()),
            Head::Negative(value) => Ok((!i128::from(value)).to_string().into()),
            _ => Err(SyntaxError::at(start, KEY)),
        }
    }

    #[inline]
    fn skip_token(&mut self, levels: &mut Levels<Length>) -> Result<Kind, SyntaxError> {
        let start = self.cursor.position();
        let kind = match self.head()? {
            Head::Null => Kind::Null,
            Head::False | Head::True | Head::Unsigned(_) | Head::Negative(_) | Head::Float(_) => {
                Kind::Scalar
            }
            Head::Text(length) => {
                self.skip_text(length)?;
                Kind::Scalar
            }
            Head::Bytes(length) => {
                self.skip_bytes(length)?;
                Kind::Bytes
            }
            Head::List(length) => {
                levels.enter_list(self.items(length, 1)?, start)?;
                Kind::List
            }
            Head::Dict(length) => {
                levels.enter_dict(self.items(length, 2)?, start)?;
                Kind::Dict
            }
            Head::BigInteger | Head::NegativeBigInteger => {
                self.big_integer(false)?;
                Kind::Scalar
            }
            Head::Tag | Head::Break => return Err(SyntaxError::at(start, VALUE)),
        };
        Ok(kind)
    }

    fn skip_key(&mut self) -> Result<(), SyntaxError> {
        let start = self.cursor.position();
        match self.head()? {
            Head::Text(length) => self.skip_text(length),
            Head::Unsigned(_) | Head::Negative(_) => Ok(()),
            _ => Err(SyntaxError::at(start, KEY)),
        }
    }

    fn end(&mut self) -> Result<(), SyntaxError> {
        self.cursor.end()
    }

    fn count(items: &Length) -> Option<usize> {
        (*items != Length::OPEN).then(|| usize::try_from(items.0).unwrap_or(usize::MAX))
    }

    fn cursor(&self) -> &Cursor<'_> {
        &self.cursor
    }
}

/// The number of a [`Head::BigInteger`]: exact where 128 bits hold it, else the float that is about there.
fn big_integer(is_negative: bool, bytes: &[u8]) -> Token<Length> {
    let exact = bytes.iter().try_fold(0_i128, |number, &byte| {
        number.checked_mul(256)?.checked_add(byte.into())
    });
    match exact {
        Some(number) if is_negative => Token::Integer(-1 - number),
        Some(number) => Token::Integer(number),
        None => {
            let number = bytes
                .iter()
                .fold(0.0, |number, &byte| number * 256.0 + f64::from(byte));
            Token::Float(if is_negative { -1.0 - number } else { number })
        }
    }
}

const VALUE: &str = "a value";
const UTF8: &str = "valid UTF-8";
const KEY: &str = "a text or an integer as a key";
