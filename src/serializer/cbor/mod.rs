//! CBOR: its heads, and a writer of definite lengths in the smallest form.
//!
//! Tags are passed over, big integers aside; undefined is null; other simple values are refused, as WAMP has
//! no such value. Floats are read in three widths and written in the widest. Spec: RFC 8949.

use bytes::{BufMut, BytesMut};

use super::Serializer;
use super::binary::{Format, Head, Length};
use super::cursor::Cursor;
use super::write::Writer;

/// The format.
#[derive(Debug)]
pub(super) struct Cbor;

impl Format for Cbor {
    const SERIALIZER: Serializer = Serializer::Cbor;

    #[inline]
    fn head(cursor: &mut Cursor<'_>) -> Option<Head> {
        let first = cursor.number::<1>()?;
        let info = first & 0x1f;
        match first >> 5 {
            0 => Some(Head::Unsigned(number(info, cursor)?)),
            1 => Some(Head::Negative(number(info, cursor)?)),
            2 => Some(Head::Bytes(length(info, cursor)?)),
            3 => Some(Head::Text(length(info, cursor)?)),
            4 => Some(Head::List(length(info, cursor)?)),
            5 => Some(Head::Dict(length(info, cursor)?)),
            6 => Some(match number(info, cursor)? {
                2 => Head::BigInteger,
                3 => Head::NegativeBigInteger,
                _ => Head::Tag,
            }),
            _ => simple(info, cursor),
        }
    }
}

/// The number of a head: in its first byte, or in 1, 2, 4 or 8 bytes behind.
#[inline]
fn number(info: u64, cursor: &mut Cursor<'_>) -> Option<u64> {
    match info {
        0..=23 => Some(info),
        24 => cursor.number::<1>(),
        25 => cursor.number::<2>(),
        26 => cursor.number::<4>(),
        27 => cursor.number::<8>(),
        _ => None,
    }
}

#[inline]
fn length(info: u64, cursor: &mut Cursor<'_>) -> Option<Length> {
    match info {
        31 => Some(Length::OPEN),
        _ => number(info, cursor).map(Length::claimed),
    }
}

/// The head of a value that has none of the other types; `None` for those that WAMP does not have.
fn simple(info: u64, cursor: &mut Cursor<'_>) -> Option<Head> {
    Some(match info {
        20 => Head::False,
        21 => Head::True,
        22 | 23 => Head::Null,
        25 => Head::Float(half(u16::from_be_bytes(cursor.array()?)).to_bits()),
        26 => Head::Float(f64::from(f32::from_be_bytes(cursor.array()?)).to_bits()),
        27 => Head::Float(cursor.number::<8>()?),
        31 => Head::Break,
        _ => return None,
    })
}

/// A float of 16 bits: a sign, 5 bits of exponent, 10 of fraction.
fn half(bits: u16) -> f64 {
    let fraction = f64::from(bits & 0x3ff);
    let magnitude = match bits >> 10 & 0x1f {
        0 => fraction * (-24_f64).exp2(),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (fraction + 1024.0) * (f64::from(exponent) - 25.0).exp2(),
    };
    if bits >> 15 == 1 {
        -magnitude
    } else {
        magnitude
    }
}

/// Writes the format.
#[derive(Debug)]
pub(super) struct CborWriter<'a> {
    out: &'a mut BytesMut,
}

impl<'a> CborWriter<'a> {
    pub(super) fn new(out: &'a mut BytesMut) -> Self {
        Self { out }
    }

    /// Writes a head in its smallest form.
    fn head(&mut self, major: u64, argument: u64) {
        let first = major << 5;
        match argument {
            0..=23 => self.out.put_uint(first | argument, 1),
            24..=0xff => self.out.put_uint((first | 0x18) << 8 | argument, 2),
            0x100..=0xffff => self.out.put_uint((first | 0x19) << 16 | argument, 3),
            0x1_0000..=0xffff_ffff => self.out.put_uint((first | 0x1a) << 32 | argument, 5),
            _ => {
                self.out.put_uint(first | 0x1b, 1);
                self.out.put_u64(argument);
            }
        }
    }

    /// Writes the head of something with a length.
    fn sized(&mut self, major: u64, length: usize) {
        self.head(major, length as u64);
    }

    /// Writes what 64 bits do not hold: a tag, and the number's bytes.
    fn big_integer(&mut self, tag: u64, magnitude: i128) {
        let bytes = magnitude.to_be_bytes();
        let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
        self.head(6, tag);
        self.bytes(bytes.get(zeros..).unwrap_or_default());
    }
}

impl Writer for CborWriter<'_> {
    const SERIALIZER: Serializer = Serializer::Cbor;
    const NEEDS_COUNTS: bool = true;

    fn null(&mut self) {
        self.out.put_u8(0xf6);
    }

    fn bool(&mut self, value: bool) {
        self.out.put_u8(if value { 0xf5 } else { 0xf4 });
    }

    fn integer(&mut self, value: i128) {
        // A negative number is written as what is left of it behind -1: the complement.
        let (negative, magnitude) = if value < 0 { (1, !value) } else { (0, value) };
        match u64::try_from(magnitude) {
            Ok(magnitude) => self.head(negative, magnitude),
            Err(_) => self.big_integer(2 + negative, magnitude),
        }
    }

    fn float(&mut self, value: f64) {
        self.out.put_u8(0xfb);
        self.out.put_f64(value);
    }

    fn text(&mut self, value: &str) {
        self.sized(3, value.len());
        self.out.put_slice(value.as_bytes());
    }

    fn bytes(&mut self, value: &[u8]) {
        self.sized(2, value.len());
        self.out.put_slice(value);
    }

    fn begin_list(&mut self, count: usize) {
        self.sized(4, count);
    }

    fn end_list(&mut self) {}

    fn begin_dict(&mut self, count: usize) {
        self.sized(5, count);
    }

    fn key(&mut self, key: &str) {
        self.text(key);
    }

    fn end_dict(&mut self) {}

    fn encoded(&mut self, value: &[u8]) {
        self.out.put_slice(value);
    }
}

#[cfg(test)]
mod tests;
