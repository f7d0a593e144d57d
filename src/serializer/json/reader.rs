//! Reads JSON. Text without escapes shares the frame's memory.
//!
//! A frame need not be valid UTF-8: texts are checked when they are read or skipped, and between them
//! everything is ASCII.

use base64::Engine as _;
use bytes::Bytes;
use bytestring::ByteString;

use super::super::cursor::Cursor;
use super::super::read::{Kind, Reader, TOO_DEEP};
use super::super::{DEPTH_MAX, Serializer, SyntaxError};
use super::BASE64;
use super::scan::plain;

/// Reads the format.
#[derive(Debug)]
pub(in super::super) struct JsonReader<'a> {
    cursor: Cursor<'a>,
}

/// Where in a list or dict the reader is.
#[derive(Debug)]
pub(in super::super) struct JsonItems {
    /// `]` or `}`.
    close: u8,
    /// Whether no item has been read: there is no comma there.
    at_start: bool,
}

/// A number as far as its digits tell.
enum Number<'a> {
    Integer(i128),
    Float(&'a str),
}

impl<'a> JsonReader<'a> {
    pub(in super::super) fn new(frame: &'a Bytes) -> Self {
        Self {
            cursor: Cursor::new(frame),
        }
    }

    /// The next byte behind white space.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.cursor.peek() {
                Some(space @ (b' ' | b'\n' | b'\r' | b'\t')) => {
                    self.cursor.pass(space);
                }
                next => return next,
            }
        }
    }

    /// Passes over one byte that must come next, white space aside.
    #[inline]
    fn punctuation(&mut self, byte: u8, what: &'static str) -> Result<(), SyntaxError> {
        if self.peek() == Some(byte) && self.cursor.pass(byte) {
            Ok(())
        } else {
            Err(self.cursor.expected(what))
        }
    }

    fn literal(&mut self, literal: &[u8], what: &'static str) -> Result<(), SyntaxError> {
        self.peek();
        let start = self.cursor;
        match self.cursor.take(literal.len() as u64) {
            Ok(taken) if taken == literal => Ok(()),
            _ => Err(start.expected(what)),
        }
    }

    /// Reads a number, and moves behind it.
    fn number(&mut self) -> Result<Number<'a>, SyntaxError> {
        let start = self.cursor;
        let negative = self.cursor.pass(b'-');
        let digits = if self.cursor.pass(b'0') {
            "0".as_bytes()
        } else {
            self.digits()?
        };
        let mut is_float = false;
        if self.cursor.pass(b'.') {
            is_float = true;
            self.digits()?;
        }
        if self.cursor.pass(b'e') || self.cursor.pass(b'E') {
            is_float = true;
            let _sign = self.cursor.pass(b'+') || self.cursor.pass(b'-');
            self.digits()?;
        }
        if !is_float && let Some(number) = integer(negative, digits) {
            return Ok(Number::Integer(number));
        }
        let length = start.rest().len() - self.cursor.rest().len();
        let text = start.rest().get(..length).map(std::str::from_utf8);
        match text {
            Some(Ok(text)) => Ok(Number::Float(text)),
            _ => Err(start.expected(NUMBER)),
        }
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<&'a [u8], SyntaxError> {
        let rest = self.cursor.rest();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return Err(self.cursor.expected("a digit"));
        }
        self.cursor.take(count as u64)
    }

    /// Reads the rest of a text, its opening quote having been read, and hands it on piece by piece.
    fn pieces(&mut self, mut sink: impl FnMut(&str)) -> Result<(), SyntaxError> {
        loop {
            let run = self.run()?;
            if !run.is_empty() {
                sink(run);
            }
            if self.cursor.pass(b'"') {
                return Ok(());
            }
            sink(self.escape()?.encode_utf8(&mut [0; 4]));
        }
    }

    /// Reads what needs no escape, up to a quote or a backslash.
    fn run(&mut self) -> Result<&'a str, SyntaxError> {
        let start = self.cursor;
        let run = self.cursor.take(plain(start.rest()) as u64)?;
        match self.cursor.peek() {
            Some(b'"' | b'\\') => std::str::from_utf8(run).map_err(|_| start.expected(UTF8)),
            _ => Err(self.cursor.expected("the end of the text")),
        }
    }

    fn escape(&mut self) -> Result<char, SyntaxError> {
        let start = self.cursor;
        let [_, escape] = self.cursor.array().ok_or_else(|| start.expected(ESCAPE))?;
        match escape {
            b'"' | b'\\' | b'/' => Ok(escape.into()),
            b'b' => Ok('\u{8}'),
            b'f' => Ok('\u{c}'),
            b'n' => Ok('\n'),
            b'r' => Ok('\r'),
            b't' => Ok('\t'),
            b'u' => self
                .code_point()?
                .ok_or_else(|| start.expected("a character, not half of a surrogate pair")),
            _ => Err(start.expected(ESCAPE)),
        }
    }

    /// Reads the digits of `\u`, and a second escape where the first is half of a pair.
    fn code_point(&mut self) -> Result<Option<char>, SyntaxError> {
        let first = self.code_unit()?;
        let mut ahead = Self {
            cursor: self.cursor,
        };
        if matches!(first, 0xd800..0xdc00) && ahead.cursor.pass(b'\\') && ahead.cursor.pass(b'u') {
            let second = ahead.code_unit()?;
            self.cursor = ahead.cursor;
            return Ok(char::decode_utf16([first, second])
                .next()
                .and_then(Result::ok));
        }
        Ok(char::from_u32(first.into()))
    }

    fn code_unit(&mut self) -> Result<u16, SyntaxError> {
        let start = self.cursor;
        let digits: Option<[u8; 4]> = self.cursor.array();
        let unit = digits.and_then(|digits| {
            digits.iter().try_fold(0, |unit, &digit| {
                let digit = char::from(digit).to_digit(16)?;
                Some(unit << 4 | u16::try_from(digit).ok()?)
            })
        });
        unit.ok_or_else(|| start.expected("four hexadecimal digits"))
    }

    fn open_text(&mut self, what: &'static str) -> Result<(), SyntaxError> {
        self.punctuation(b'"', what)
    }

    /// Reads a text of whatever content.
    fn any_text(&mut self, what: &'static str) -> Result<ByteString, SyntaxError> {
        self.open_text(what)?;
        let start = self.cursor;
        let run = self.cursor.take(plain(start.rest()) as u64)?;
        if self.cursor.pass(b'"') {
            let run = start.share(run);
            return ByteString::try_from(run).map_err(|_| start.expected(UTF8));
        }
        self.cursor = start;
        let mut text = String::new();
        self.pieces(|piece| text.push_str(piece))?;
        Ok(text.into())
    }

    fn skip_text(&mut self) -> Result<(), SyntaxError> {
        self.open_text("a text")?;
        let start = self.cursor;
        if !start.rest().starts_with(BINARY) {
            return self.pieces(|_| {});
        }
        self.escape()?;
        let mut base64 = Base64Check::default();
        self.pieces(|piece| base64.push(piece))?;
        base64.end().ok_or_else(|| start.expected(BASE64_TEXT))
    }

    fn skip_key(&mut self) -> Result<(), SyntaxError> {
        self.open_text("a key")?;
        self.pieces(|_| {})?;
        self.punctuation(b':', "a colon")
    }
}

impl Reader for JsonReader<'_> {
    const SERIALIZER: Serializer = Serializer::Json;

    type Items = JsonItems;

    fn kind(&mut self) -> Result<Kind, SyntaxError> {
        Ok(match self.peek() {
            Some(b'n') => Kind::Null,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'"') if self.cursor.rest().starts_with(QUOTED_BINARY) => Kind::Bytes,
            Some(b'"') => Kind::Text,
            Some(b'[') => Kind::List,
            Some(b'{') => Kind::Dict,
            Some(b'-' | b'0'..=b'9') => {
                let mut ahead = Self {
                    cursor: self.cursor,
                };
                match ahead.number()? {
                    Number::Integer(_) => Kind::Integer,
                    Number::Float(_) => Kind::Float,
                }
            }
            _ => return Err(self.cursor.expected(VALUE)),
        })
    }

    fn null(&mut self) -> Result<(), SyntaxError> {
        self.literal(b"null", "null")
    }

    fn bool(&mut self) -> Result<bool, SyntaxError> {
        if self.peek() == Some(b't') {
            self.literal(b"true", BOOL)?;
            return Ok(true);
        }
        self.literal(b"false", BOOL)?;
        Ok(false)
    }

    fn integer(&mut self) -> Result<i128, SyntaxError> {
        self.peek();
        let start = self.cursor;
        match self.number()? {
            Number::Integer(number) => Ok(number),
            Number::Float(_) => Err(start.expected("an integer")),
        }
    }

    fn float(&mut self) -> Result<f64, SyntaxError> {
        self.peek();
        let start = self.cursor;
        match self.number()? {
            Number::Float(digits) => digits.parse().map_err(|_| start.expected(NUMBER)),
            Number::Integer(_) => Err(start.expected("a float")),
        }
    }

    fn text(&mut self) -> Result<ByteString, SyntaxError> {
        self.peek();
        let start = self.cursor;
        let text = self.any_text("a text")?;
        if text.starts_with('\0') {
            return Err(start.expected("a text, not binary data"));
        }
        Ok(text)
    }

    fn bytes(&mut self) -> Result<Bytes, SyntaxError> {
        self.peek();
        let start = self.cursor;
        let text = self.any_text(BASE64_TEXT)?;
        text.strip_prefix('\0')
            .and_then(|base64| BASE64.decode(base64).ok())
            .map(Bytes::from)
            .ok_or_else(|| start.expected(BASE64_TEXT))
    }

    fn begin_list(&mut self) -> Result<JsonItems, SyntaxError> {
        self.punctuation(b'[', "a list")?;
        Ok(JsonItems {
            close: b']',
            at_start: true,
        })
    }

    fn begin_dict(&mut self) -> Result<JsonItems, SyntaxError> {
        self.punctuation(b'{', "a dict")?;
        Ok(JsonItems {
            close: b'}',
            at_start: true,
        })
    }

    #[inline]
    fn next(&mut self, items: &mut JsonItems) -> Result<bool, SyntaxError> {
        let at_start = std::mem::replace(&mut items.at_start, false);
        if self.peek() == Some(items.close) {
            self.cursor.pass(items.close);
            return Ok(false);
        }
        if !at_start {
            self.punctuation(b',', "a comma or the end of the list or dict")?;
        }
        Ok(true)
    }

    fn key(&mut self) -> Result<ByteString, SyntaxError> {
        let key = self.any_text("a key")?;
        self.punctuation(b':', "a colon")?;
        Ok(key)
    }

    fn skip(&mut self, depth_max: usize) -> Result<Bytes, SyntaxError> {
        self.peek();
        let start = self.cursor.position();
        // A bit a level, the innermost the lowest: whether it is a dict. bound: DEPTH_MAX.
        let mut dicts = 0_u64;
        let mut depth = 0;
        loop {
            let mut at_start = false;
            match self.peek() {
                Some(b'"') => self.skip_text()?,
                Some(open @ (b'[' | b'{')) => {
                    if depth >= depth_max.min(DEPTH_MAX) {
                        return Err(self.cursor.expected(TOO_DEEP));
                    }
                    self.cursor.pass(open);
                    dicts = dicts << 1 | u64::from(open == b'{');
                    depth += 1;
                    at_start = true;
                }
                Some(b'n') => self.null()?,
                Some(b't' | b'f') => self.bool().map(drop)?,
                Some(b'-' | b'0'..=b'9') => self.number().map(drop)?,
                _ => return Err(self.cursor.expected(VALUE)),
            }
            while depth > 0 {
                let is_dict = dicts & 1 == 1;
                let close = if is_dict { b'}' } else { b']' };
                if self.next(&mut JsonItems { close, at_start })? {
                    if is_dict {
                        self.skip_key()?;
                    }
                    break;
                }
                at_start = false;
                dicts >>= 1;
                depth -= 1;
            }
            if depth == 0 {
                return Ok(self.cursor.since(start));
            }
        }
    }

    fn end(&mut self) -> Result<(), SyntaxError> {
        self.peek();
        self.cursor.end()
    }

    fn expected(&self, what: &'static str) -> SyntaxError {
        self.cursor.expected(what)
    }
}

/// The number of these digits; `None` where 128 bits do not hold it.
fn integer(negative: bool, digits: &[u8]) -> Option<i128> {
    digits.iter().try_fold(0_i128, |number, digit| {
        let number = number.checked_mul(10)?;
        let digit = i128::from(digit - b'0');
        if negative {
            number.checked_sub(digit)
        } else {
            number.checked_add(digit)
        }
    })
}

/// Checks base64 that comes in pieces, without decoding it: what passes is what [`BASE64`] decodes.
#[derive(Default)]
struct Base64Check {
    symbols: usize,
    padding: usize,
    is_wrong: bool,
}

impl Base64Check {
    fn push(&mut self, piece: &str) {
        for byte in piece.bytes() {
            match byte {
                b'=' => self.padding += 1,
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if self.padding == 0 => {
                    self.symbols += 1;
                }
                _ => self.is_wrong = true,
            }
        }
    }

    /// `None` where it was none. Four symbols make three bytes; two or three left over may be padded to four.
    fn end(self) -> Option<()> {
        let padding_max = match self.symbols % 4 {
            0 => 0,
            1 => return None,
            left_over => 4 - left_over,
        };
        (!self.is_wrong && self.padding <= padding_max).then_some(())
    }
}

/// How a text begins that is binary data. The control character itself may not stand in a text.
const BINARY: &[u8] = b"\\u0000";
const QUOTED_BINARY: &[u8] = b"\"\\u0000";

const VALUE: &str = "a value";
const BOOL: &str = "a boolean";
const NUMBER: &str = "a number";
const ESCAPE: &str = "an escape";
const UTF8: &str = "valid UTF-8";
const BASE64_TEXT: &str = "binary data as base64";
