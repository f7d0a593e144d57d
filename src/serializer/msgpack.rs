//! MessagePack: its heads, and a writer of the smallest form of everything.
//!
//! Extension types are read as the binary data they hold; their type is not kept. Floats are written with
//! 64 bits, integers beyond 64 bits as floats. Spec: <https://github.com/msgpack/msgpack/blob/master/spec.md>.

use bytes::{BufMut, BytesMut};

use super::binary::{Format, Head};
use super::cursor::Cursor;
use super::write::Writer;
use super::{Serializer, SyntaxError};

/// The format.
#[derive(Debug)]
pub(super) struct MsgPack;

impl Format for MsgPack {
    const SERIALIZER: Serializer = Serializer::MsgPack;

    #[inline]
    fn head(cursor: &mut Cursor<'_>) -> Result<Head, SyntaxError> {
        let start = *cursor;
        let [first] = cursor.array()?;
        Ok(match first {
            0x00..=0x7f => Head::Integer(first.into()),
            0x80..=0x8f => Head::Dict(Some((first & 0x0f).into())),
            0x90..=0x9f => Head::List(Some((first & 0x0f).into())),
            0xa0..=0xbf => Head::Text(Some((first & 0x1f).into())),
            0xc0 => Head::Null,
            0xc1 => return Err(start.expected("a value (0xc1 is none)")),
            0xc2 => Head::Bool(false),
            0xc3 => Head::Bool(true),
            0xc4 => Head::Bytes(Some(u8(cursor)?)),
            0xc5 => Head::Bytes(Some(u16(cursor)?)),
            0xc6 => Head::Bytes(Some(u32(cursor)?)),
            0xc7 => extension(u8(cursor)?, cursor)?,
            0xc8 => extension(u16(cursor)?, cursor)?,
            0xc9 => extension(u32(cursor)?, cursor)?,
            0xca => Head::Float(f32::from_be_bytes(cursor.array()?).into()),
            0xcb => Head::Float(f64::from_be_bytes(cursor.array()?)),
            0xcc => Head::Integer(u8(cursor)?.into()),
            0xcd => Head::Integer(u16(cursor)?.into()),
            0xce => Head::Integer(u32(cursor)?.into()),
            0xcf => Head::Integer(u64::from_be_bytes(cursor.array()?).into()),
            0xd0 => Head::Integer(i8::from_be_bytes(cursor.array()?).into()),
            0xd1 => Head::Integer(i16::from_be_bytes(cursor.array()?).into()),
            0xd2 => Head::Integer(i32::from_be_bytes(cursor.array()?).into()),
            0xd3 => Head::Integer(i64::from_be_bytes(cursor.array()?).into()),
            0xd4 => extension(1, cursor)?,
            0xd5 => extension(2, cursor)?,
            0xd6 => extension(4, cursor)?,
            0xd7 => extension(8, cursor)?,
            0xd8 => extension(16, cursor)?,
            0xd9 => Head::Text(Some(u8(cursor)?)),
            0xda => Head::Text(Some(u16(cursor)?)),
            0xdb => Head::Text(Some(u32(cursor)?)),
            0xdc => Head::List(Some(u16(cursor)?)),
            0xdd => Head::List(Some(u32(cursor)?)),
            0xde => Head::Dict(Some(u16(cursor)?)),
            0xdf => Head::Dict(Some(u32(cursor)?)),
            0xe0..=0xff => Head::Integer(i8::from_be_bytes([first]).into()),
        })
    }
}

/// Passes over an extension's type.
fn extension(length: u64, cursor: &mut Cursor<'_>) -> Result<Head, SyntaxError> {
    let [_] = cursor.array()?;
    Ok(Head::Bytes(Some(length)))
}

fn u8(cursor: &mut Cursor<'_>) -> Result<u64, SyntaxError> {
    cursor.array().map(|bytes| u8::from_be_bytes(bytes).into())
}

fn u16(cursor: &mut Cursor<'_>) -> Result<u64, SyntaxError> {
    cursor.array().map(|bytes| u16::from_be_bytes(bytes).into())
}

fn u32(cursor: &mut Cursor<'_>) -> Result<u64, SyntaxError> {
    cursor.array().map(|bytes| u32::from_be_bytes(bytes).into())
}

/// Writes the format.
#[derive(Debug)]
pub(super) struct MsgPackWriter<'a> {
    out: &'a mut BytesMut,
}

impl<'a> MsgPackWriter<'a> {
    pub(super) fn new(out: &'a mut BytesMut) -> Self {
        Self { out }
    }

    /// Writes a head with the narrowest length that does: within its first byte, or of 1, 2 or 4 bytes.
    ///
    /// bound: lengths are below 2^32, as whatever was a message, or is to be one, is far smaller.
    fn head(&mut self, short: Option<u8>, wide: [Option<u8>; 3], length: usize) {
        let [wide_1, wide_2, wide_4] = wide;
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        if let Some(short) = short {
            self.out.put_u8(short);
        } else if let (Some(first), Ok(length)) = (wide_1, length.try_into()) {
            self.out.put_slice(&[first, length]);
        } else if let (Some(first), Ok(length)) = (wide_2, length.try_into()) {
            self.out.put_u8(first);
            self.out.put_u16(length);
        } else if let Some(first) = wide_4 {
            self.out.put_u8(first);
            self.out.put_u32(length);
        }
    }
}

/// A head whose length is within its first byte, where it is below `limit`.
fn short(first: u8, length: usize, limit: u8) -> Option<u8> {
    let length = u8::try_from(length).ok()?;
    (length < limit).then_some(first | length)
}

impl Writer for MsgPackWriter<'_> {
    const SERIALIZER: Serializer = Serializer::MsgPack;

    fn null(&mut self) {
        self.out.put_u8(0xc0);
    }

    fn bool(&mut self, value: bool) {
        self.out.put_u8(if value { 0xc3 } else { 0xc2 });
    }

    fn integer(&mut self, value: i128) {
        if let Ok(value) = u64::try_from(value) {
            unsigned(self.out, value);
        } else if let Ok(value) = i64::try_from(value) {
            negative(self.out, value);
        } else {
            #[expect(clippy::cast_precision_loss, reason = "the format has no such integer")]
            self.float(value as f64);
        }
    }

    fn float(&mut self, value: f64) {
        self.out.put_u8(0xcb);
        self.out.put_f64(value);
    }

    fn text(&mut self, value: &str) {
        let short = short(0xa0, value.len(), 32);
        self.head(short, [Some(0xd9), Some(0xda), Some(0xdb)], value.len());
        self.out.put_slice(value.as_bytes());
    }

    fn bytes(&mut self, value: &[u8]) {
        self.head(None, [Some(0xc4), Some(0xc5), Some(0xc6)], value.len());
        self.out.put_slice(value);
    }

    fn begin_list(&mut self, count: usize) {
        let short = short(0x90, count, 16);
        self.head(short, [None, Some(0xdc), Some(0xdd)], count);
    }

    fn end_list(&mut self) {}

    fn begin_dict(&mut self, count: usize) {
        let short = short(0x80, count, 16);
        self.head(short, [None, Some(0xde), Some(0xdf)], count);
    }

    fn key(&mut self, key: &str) {
        self.text(key);
    }

    fn end_dict(&mut self) {}

    fn encoded(&mut self, value: &[u8]) {
        self.out.put_slice(value);
    }
}

fn unsigned(out: &mut BytesMut, value: u64) {
    if let Ok(value) = u8::try_from(value) {
        if value >= 0x80 {
            out.put_u8(0xcc);
        }
        out.put_u8(value);
    } else if let Ok(value) = value.try_into() {
        out.put_u8(0xcd);
        out.put_u16(value);
    } else if let Ok(value) = value.try_into() {
        out.put_u8(0xce);
        out.put_u32(value);
    } else {
        out.put_u8(0xcf);
        out.put_u64(value);
    }
}

fn negative(out: &mut BytesMut, value: i64) {
    if let Ok(value) = i8::try_from(value) {
        if value < -32 {
            out.put_u8(0xd0);
        }
        out.put_i8(value);
    } else if let Ok(value) = value.try_into() {
        out.put_u8(0xd1);
        out.put_i16(value);
    } else if let Ok(value) = value.try_into() {
        out.put_u8(0xd2);
        out.put_i32(value);
    } else {
        out.put_u8(0xd3);
        out.put_i64(value);
    }
}
