//! Reads JSON. Text without escapes shares the frame's memory.
//!
//! White space is passed over by whatever leads to a value, so that the reader stands at its first byte. A
//! frame need not be valid UTF-8: texts are checked when they are read or skipped, and between them everything
//! is ASCII.

use base64::Engine as _;
use bytes::Bytes;
use bytestring::ByteString;

use super::super::cursor::Cursor;
use super::super::levels::Levels;
use super::super::read::{Kind, Reader, Token};
use super::super::{Serializer, SyntaxError};
use super::BASE64;
use super::number::{Number, plain_number};
use super::scan::plain;

/// Reads the format.
#[derive(Debug)]
pub(in super::super) struct JsonReader<'a> {
    cursor: Cursor<'a>,
}

/// Where in a list or dict the reader is.
#[derive(Clone, Copy, Debug, Default)]
pub(in super::super) struct JsonItems {
    /// `]` or `}`.
    close: u8,
    /// Whether an item has been read: there is a comma behind it, or the end.
    has_item: bool,
}

const LIST: JsonItems = JsonItems {
    close: b']',
    has_item: false,
};
const DICT: JsonItems = JsonItems {
    close: b'}',
    has_item: false,
};

impl<'a> JsonReader<'a> {
    pub(in super::super) fn new(frame: &'a Bytes) -> Self {
        let cursor = Cursor::new(frame);
        let mut reader = Self { cursor };
        reader.space();
        reader
    }

    /// Passes over white space.
    #[inline]
    fn space(&mut self) {
        while let Some(space @ (b' ' | b'\n' | b'\r' | b'\t')) = self.cursor.peek() {
            self.cursor.pass(space);
        }
    }

    fn colon(&mut self) -> Result<(), SyntaxError> {
        self.space();
        if !self.cursor.pass(b':') {
            return Err(self.cursor.expected("a colon"));
        }
        self.space();
        Ok(())
    }

    fn literal(&mut self, literal: &[u8]) -> Result<(), SyntaxError> {
        let start = self.cursor.position();
        match self.cursor.take(literal.len() as u64) {
            Ok(taken) if taken == literal => Ok(()),
            _ => Err(SyntaxError::at(start, VALUE)),
        }
    }

    fn begin_key(&mut self) -> Result<(), SyntaxError> {
        if self.cursor.pass(b'"') {
            Ok(())
        } else {
            Err(self.cursor.expected("a key"))
        }
    }

    /// Reads a text, its opening quote having been read.
    fn text(&mut self) -> Result<ByteString, SyntaxError> {
        let start = self.cursor.position();
        let rest = self.cursor.rest();
        let length = plain(rest);
        if rest.get(length) == Some(&b'"') {
            let run = self.cursor.take(length as u64)?;
            self.cursor.pass(b'"');
            return ByteString::try_from(self.cursor.share(run))
                .map_err(|_| SyntaxError::at(start, UTF8));
        }
        let mut text = Vec::new();
        self.pieces(|piece| text.extend_from_slice(piece))?;
        ByteString::try_from(text).map_err(|_| SyntaxError::at(start, UTF8))
    }

    /// Checks a text, its opening quote having been read.
    fn skip_text(&mut self) -> Result<Kind, SyntaxError> {
        let start = self.cursor.position();
        if !self.cursor.rest().starts_with(BINARY) {
            self.pieces(|_| {})?;
            return Ok(Kind::Scalar);
        }
        self.escape()?;
        let mut base64 = Base64Check::default();
        self.pieces(|piece| base64.push(piece))?;
        base64
            .end()
            .ok_or_else(|| SyntaxError::at(start, BASE64_TEXT))?;
        Ok(Kind::Bytes)
    }

    /// Reads a text's rest, and hands it on piece by piece.
    fn pieces(&mut self, mut sink: impl FnMut(&[u8])) -> Result<(), SyntaxError> {
        loop {
            sink(self.run()?);
            if self.cursor.pass(b'"') {
                return Ok(());
            }
            sink(self.escape()?.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    /// Checks what needs no escape, up to a quote or a backslash, and returns it.
    fn run(&mut self) -> Result<&'a [u8], SyntaxError> {
        let start = self.cursor.position();
        let run = self.cursor.take(plain(self.cursor.rest()) as u64)?;
        match self.cursor.peek() {
            Some(b'"' | b'\\') if is_utf8(run) => Ok(run),
            Some(b'"' | b'\\') => Err(SyntaxError::at(start, UTF8)),
            _ => Err(self.cursor.expected("the end of the text")),
        }
    }

    fn escape(&mut self) -> Result<char, SyntaxError> {
        let start = self.cursor.position();
        let character = match self.cursor.array() {
            Some([b'\\', escape @ (b'"' | b'\\' | b'/')]) => Some(escape.into()),
            Some([b'\\', b'b']) => Some('\u{8}'),
            Some([b'\\', b'f']) => Some('\u{c}'),
            Some([b'\\', b'n']) => Some('\n'),
            Some([b'\\', b'r']) => Some('\r'),
            Some([b'\\', b't']) => Some('\t'),
            Some([b'\\', b'u']) => self.code_point(),
            _ => None,
        };
        character.ok_or_else(|| SyntaxError::at(start, "an escape of a character"))
    }

    /// Reads what follows `\u`; `None` for half of a surrogate pair without the other.
    fn code_point(&mut self) -> Option<char> {
        let first = self.code_unit()?;
        if !matches!(first, 0xd800..0xdc00) {
            return char::from_u32(first.into());
        }
        let Some([b'\\', b'u']) = self.cursor.array() else {
            return None;
        };
        let pair = [first, self.code_unit()?];
        char::decode_utf16(pair).next()?.ok()
    }

    fn code_unit(&mut self) -> Option<u16> {
        let digits: [u8; 4] = self.cursor.array()?;
        digits.iter().try_fold(0, |unit, &digit| {
            let digit = char::from(digit).to_digit(16)?;
            Some(unit << 4 | u16::try_from(digit).ok()?)
        })
    }
}

impl Reader for JsonReader<'_> {
    const SERIALIZER: Serializer = Serializer::Json;

    type Items = JsonItems;

    #[inline]
    fn token(&mut self) -> Result<Token<JsonItems>, SyntaxError> {
        let start = self.cursor.position();
        let first = self.cursor.peek();
        Ok(match first {
            Some(b'"') => {
                self.cursor.pass(b'"');
                let text = self.text()?;
                match text.strip_prefix('\0') {
                    None => Token::Text(text),
                    Some(base64) => match BASE64.decode(base64) {
                        Ok(bytes) => Token::Bytes(bytes.into()),
                        Err(_) => return Err(SyntaxError::at(start, BASE64_TEXT)),
                    },
                }
            }
            Some(b'-' | b'0'..=b'9') => {
                let number = Number::read(&mut self.cursor)?;
                number
                    .integer()
                    .map_or_else(|| Token::Float(number.float()), Token::Integer)
            }
            Some(b'[') => {
                self.cursor.pass(b'[');
                Token::List(LIST)
            }
            Some(b'{') => {
                self.cursor.pass(b'{');
                Token::Dict(DICT)
            }
            Some(b't') => self.literal(b"true").map(|()| Token::Bool(true))?,
            Some(b'f') => self.literal(b"false").map(|()| Token::Bool(false))?,
            Some(b'n') => self.literal(b"null").map(|()| Token::Null)?,
            _ => return Err(SyntaxError::at(start, VALUE)),
        })
    }

    #[inline]
    fn plain_number(&mut self) -> Option<u64> {
        plain_number(&mut self.cursor)
    }

    #[inline]
    fn next(&mut self, items: &mut JsonItems) -> Result<bool, SyntaxError> {
        self.space();
        if self.cursor.pass(items.close) {
            return Ok(false);
        }
        if items.has_item {
            if !self.cursor.pass(b',') {
                return Err(self
                    .cursor
                    .expected("a comma or the end of the list or dict"));
            }
            self.space();
        }
        items.has_item = true;
        Ok(true)
    }

    fn key(&mut self) -> Result<ByteString, SyntaxError> {
        self.begin_key()?;
        let key = self.text()?;
        self.colon()?;
        Ok(key)
    }

    #[inline]
    fn skip_token(&mut self, levels: &mut Levels<JsonItems>) -> Result<Kind, SyntaxError> {
        let start = self.cursor.position();
        match self.cursor.peek() {
            Some(b'"') => {
                self.cursor.pass(b'"');
                self.skip_text()
            }
            Some(b'-' | b'0'..=b'9') => {
                Number::read(&mut self.cursor)?;
                Ok(Kind::Scalar)
            }
            Some(b'[') => {
                self.cursor.pass(b'[');
                levels.enter_list(LIST, start)?;
                Ok(Kind::List)
            }
            Some(b'{') => {
                self.cursor.pass(b'{');
                levels.enter_dict(DICT, start)?;
                Ok(Kind::Dict)
            }
            Some(b't') => self.literal(b"true").map(|()| Kind::Scalar),
            Some(b'f') => self.literal(b"false").map(|()| Kind::Scalar),
            Some(b'n') => self.literal(b"null").map(|()| Kind::Null),
            _ => Err(SyntaxError::at(start, VALUE)),
        }
    }

    fn skip_key(&mut self) -> Result<(), SyntaxError> {
        self.begin_key()?;
        self.pieces(|_| {})?;
        self.colon()
    }

    fn end(&mut self) -> Result<(), SyntaxError> {
        self.space();
        self.cursor.end()
    }

    fn count(_: &JsonItems) -> Option<usize> {
        None
    }

    fn cursor(&self) -> &Cursor<'_> {
        &self.cursor
    }
}

/// Whether bytes are text: ASCII is quickly seen, and most text is nothing else.
fn is_utf8(bytes: &[u8]) -> bool {
    bytes.is_ascii() || std::str::from_utf8(bytes).is_ok()
}

/// Checks base64 that comes in pieces, without decoding it: what passes is what [`BASE64`] decodes.
#[derive(Default)]
struct Base64Check {
    symbols: usize,
    padding: usize,
    is_wrong: bool,
}

impl Base64Check {
    fn push(&mut self, piece: &[u8]) {
        for byte in piece {
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

const VALUE: &str = "a value";
const UTF8: &str = "valid UTF-8";
const BASE64_TEXT: &str = "binary data as base64";
