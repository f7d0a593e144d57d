//! Numbers in JSON: what is one, and which.

use super::super::SyntaxError;
use super::super::cursor::Cursor;

/// The characters of a number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number<'a> {
    text: &'a [u8],
    /// Whether it has neither a fraction nor an exponent.
    is_whole: bool,
}

impl<'a> Number<'a> {
    /// Reads a number, and moves behind it.
    #[inline]
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, SyntaxError> {
        let start = *cursor;
        cursor.pass(b'-');
        if !cursor.pass(b'0') {
            digits(cursor)?;
        }
        let mut is_whole = true;
        if cursor.pass(b'.') {
            is_whole = false;
            digits(cursor)?;
        }
        if cursor.pass(b'e') || cursor.pass(b'E') {
            is_whole = false;
            let _sign = cursor.pass(b'+') || cursor.pass(b'-');
            digits(cursor)?;
        }
        let text = start.until(cursor);
        Ok(Self { text, is_whole })
    }

    /// `None` where it is not whole, or where 128 bits do not hold it.
    pub(super) fn integer(self) -> Option<i128> {
        if !self.is_whole {
            return None;
        }
        if self.text.len() > FEW_DIGITS {
            return self.as_str().parse().ok();
        }
        let (is_negative, digits) = match self.text {
            [b'-', digits @ ..] => (true, digits),
            digits => (false, digits),
        };
        let number = digits
            .iter()
            .fold(0, |number, digit| number * 10 + i64::from(digit - b'0'));
        Some(if is_negative { -number } else { number }.into())
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

/// One digit or more.
#[inline]
fn digits(cursor: &mut Cursor<'_>) -> Result<(), SyntaxError> {
    let digits = cursor.rest().iter();
    let count = digits.take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return Err(cursor.expected("a digit"));
    }
    cursor.take(count as u64).map(drop)
}

/// So many decimal digits always fit in 63 bits.
const FEW_DIGITS: usize = 18;
