//! MessagePack: its heads, and a writer of the smallest form of everything.
//!
//! Extension types are read as the binary data they hold; their type is not kept. Floats are written with
//! 64 bits, integers beyond 64 bits as floats. Spec: <https://github.com/msgpack/msgpack/blob/master/spec.md>.

use bytes::{BufMut, BytesMut};

use super::Serializer;
use super::binary::{Format, Head, Length};
use super::cursor::Cursor;
use super::write::Writer;

/// The format.
#[derive(Debug)]
pub(super) struct MsgPack;

impl Format for MsgPack {
    const SERIALIZER: Serializer = Serializer::MsgPack;

    #[inline]
    fn head(cursor: &mut Cursor<'_>) -> Option<Head> {
        let first = cursor.number::<1>()?;
        Some(match first {
            0x00..=0x7f => Head::Unsigned(first),
            0x80..=0x8f => Head::Dict(Length::claimed(first & 0x0f)),
            0x90..=0x9f => Head::List(Length::claimed(first & 0x0f)),
            0xa0..=0xbf => Head::Text(Length::claimed(first & 0x1f)),
            0xc0 => Head::Null,
            0xc2 => Head::False,
            0xc3 => Head::True,
            0xc4 => Head::Bytes(Length::claimed(cursor.number::<1>()?)),
            0xc5 => Head::Bytes(Length::claimed(cursor.number::<2>()?)),
            0xc6 => Head::Bytes(Length::claimed(cursor.number::<4>()?)),
            0xc7 => extension(cursor.number::<1>()?, cursor)?,
            0xc8 => extension(cursor.number::<2>()?, cursor)?,
            0xc9 => extension(cursor.number::<4>()?, cursor)?,
            0xca => Head::Float(f64::from(f32::from_be_bytes(cursor.array()?)).to_bits()),
            0xcb => Head::Float(cursor.number::<8>()?),
            0xcc => Head::Unsigned(cursor.number::<1>()?),
            0xcd => Head::Unsigned(cursor.number::<2>()?),
            0xce => Head::Unsigned(cursor.number::<4>()?),
            0xcf => Head::Unsigned(cursor.number::<8>()?),
            0xd0 => signed(i8::from_be_bytes(cursor.array()?)),
            0xd1 => signed(i16::from_be_bytes(cursor.array()?)),
            0xd2 => signed(i32::from_be_bytes(cursor.array()?)),
            0xd3 => signed(i64::from_be_bytes(cursor.array()?)),
            0xd4 => extension(1, cursor)?,
            0xd5 => extension(2, cursor)?,
            0xd6 => extension(4, cursor)?,
            0xd7 => extension(8, cursor)?,
            0xd8 => extension(16, cursor)?,
            0xd9 => Head::Text(Length::claimed(cursor.number::<1>()?)),
            0xda => Head::Text(Length::claimed(cursor.number::<2>()?)),
            0xdb => Head::Text(Length::claimed(cursor.number::<4>()?)),
            0xdc => Head::List(Length::claimed(cursor.number::<2>()?)),
            0xdd => Head::List(Length::claimed(cursor.number::<4>()?)),
            0xde => Head::Dict(Length::claimed(cursor.number::<2>()?)),
            0xdf => Head::Dict(Length::claimed(cursor.number::<4>()?)),
            // From -32 for 0xe0 up to -1.
            0xe0..=0xff => Head::Negative(0xff - first),
            _ => return None,
        })
    }
}

fn signed(value: impl Into<i64>) -> Head {
    let value = value.into();
    match u64::try_from(value) {
        Ok(value) => Head::Unsigned(value),
        Err(_) => Head::Negative((!value).unsigned_abs()),
    }
}

/// Passes over an extension's type.
///
/// leniency: type 0 of one byte is what JavaScript's msgpack writes for `undefined`.
fn extension(length: u64, cursor: &mut Cursor<'_>) -> Option<Head> {
    let [kind] = cursor.array()?;
    if (kind, length) == (0, 1) {
        let [_] = cursor.array()?;
        return Some(Head::Null);
    }
    Some(Head::Bytes(Length::claimed(length)))
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
}

/// A length as the format has it.
///
/// bound: what was a message, or is to be one, is far below 2^32 bytes.
fn length(length: usize) -> u64 {
    u32::try_from(length).unwrap_or(u32::MAX).into()
}

impl Writer for MsgPackWriter<'_> {
    const SERIALIZER: Serializer = Serializer::MsgPack;
    const NEEDS_COUNTS: bool = true;

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
        let length = length(value.len());
        match length {
            0..=31 => self.out.put_uint(0xa0 | length, 1),
            32..=0xff => self.out.put_uint(0xd9_00 | length, 2),
            0x100..=0xffff => self.out.put_uint(0xda_0000 | length, 3),
            _ => self.out.put_uint(0xdb_0000_0000 | length, 5),
        }
        self.out.put_slice(value.as_bytes());
    }

    fn bytes(&mut self, value: &[u8]) {
        let length = length(value.len());
        match length {
            0..=0xff => self.out.put_uint(0xc4_00 | length, 2),
            0x100..=0xffff => self.out.put_uint(0xc5_0000 | length, 3),
            _ => self.out.put_uint(0xc6_0000_0000 | length, 5),
        }
        self.out.put_slice(value);
    }

    fn begin_list(&mut self, count: usize) {
        let count = length(count);
        match count {
            0..=15 => self.out.put_uint(0x90 | count, 1),
            16..=0xffff => self.out.put_uint(0xdc_0000 | count, 3),
            _ => self.out.put_uint(0xdd_0000_0000 | count, 5),
        }
    }

    fn end_list(&mut self) {}

    fn begin_dict(&mut self, count: usize) {
        let count = length(count);
        match count {
            0..=15 => self.out.put_uint(0x80 | count, 1),
            16..=0xffff => self.out.put_uint(0xde_0000 | count, 3),
            _ => self.out.put_uint(0xdf_0000_0000 | count, 5),
        }
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
    match value {
        0..=0x7f => out.put_uint(value, 1),
        0x80..=0xff => out.put_uint(0xcc_00 | value, 2),
        0x100..=0xffff => out.put_uint(0xcd_0000 | value, 3),
        0x1_0000..=0xffff_ffff => out.put_uint(0xce_0000_0000 | value, 5),
        _ => {
            out.put_u8(0xcf);
            out.put_u64(value);
        }
    }
}

fn negative(out: &mut BytesMut, value: i64) {
    let (first, bytes) = match value {
        -0x20.. => return out.put_int(value, 1),
        -0x80.. => (0xd0, 1),
        -0x8000.. => (0xd1, 2),
        -0x8000_0000.. => (0xd2, 4),
        _ => (0xd3, 8),
    };
    out.put_u8(first);
    out.put_int(value, bytes);
}

#[cfg(test)]
mod tests;
