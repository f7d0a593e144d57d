//! Numbers in JSON: what is one, and which.

use super::super::SyntaxError;
use super::super::cursor::Cursor;

/// The characters of a number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number<'a> {
    text: &'a [u8],
    /// What the digits before fraction and exponent say, as far as 64 bits hold it.
    digits: u64,
    /// Whether it has neither a fraction nor an exponent.
    is_whole: bool,
}

/// Reads a whole number from 1 on that has neither sign, fraction nor exponent, and whose digits surely fit; `None`,
/// without moving, where another stands, or none.
#[inline]
pub(super) fn plain_number(cursor: &mut Cursor<'_>) -> Option<u64> {
    // What begins with a zero is no more than that.
    if matches!(cursor.peek(), Some(b'0')) {
        return None;
    }
    let mut ahead = *cursor;
    let number = read_digits(&mut ahead).ok()?;
    let is_over = !matches!(ahead.peek(), Some(b'.' | b'e' | b'E'));
    if !is_over || ahead.position() - cursor.position() > FEW_DIGITS {
        return None;
    }
    *cursor = ahead;
    Some(number)
}

impl<'a> Number<'a> {
    /// Reads a number, and moves behind it.
    #[inline]
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, SyntaxError> {
        let rest = cursor.rest();
        cursor.pass(b'-');
        let digits = if cursor.pass(b'0') {
            0
        } else {
            read_digits(cursor)?
        };
        let mut is_whole = true;
        if cursor.pass(b'.') {
            is_whole = false;
            read_digits(cursor)?;
        }
        if cursor.pass(b'e') || cursor.pass(b'E') {
            is_whole = false;
            let _sign = cursor.pass(b'+') || cursor.pass(b'-');
            read_digits(cursor)?;
        }
        let length = rest.len() - cursor.rest().len();
        let text = rest.get(..length).unwrap_or_default();
        Ok(Self {
            text,
            digits,
            is_whole,
        })
    }

    /// `None` where it is not whole, or where 128 bits do not hold it.
    pub(super) fn integer(self) -> Option<i128> {
        if !self.is_whole {
            return None;
        }
        if self.text.len() > FEW_DIGITS {
            return self.as_str().parse().ok();
        }
        let digits = i128::from(self.digits);
        let is_negative = self.text.first() == Some(&b'-');
        Some(if is_negative { -digits } else { digits })
    }

    /// The nearest float, infinite where 64 bits do not reach.
    pub(super) fn float(self) -> f64 {
        // Every number of JSON is one of Rust's.
        self.as_str().parse().unwrap_or(f64::NAN)
    }

    fn as_str(self) -> &'a str {
        // It is ASCII.
        std::str::from_utf8(self.text).unwrap_or_default()
    }
}

/// One digit or more, and the number that they are; of many digits, only that they are there.
#[inline]
fn read_digits(cursor: &mut Cursor<'_>) -> Result<u64, SyntaxError> {
    let mut number = 0_u64;
    let mut count = 0;
    for byte in cursor.rest() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        number = number.wrapping_mul(10).wrapping_add(digit.into());
        count += 1;
    }
    if count == 0 {
        return Err(cursor.expected("a digit"));
    }
    cursor.take(count)?;
    Ok(number)
}

/// So many decimal digits always fit in 64 bits.
const FEW_DIGITS: usize = 19;
