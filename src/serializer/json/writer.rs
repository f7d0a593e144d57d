//! Writes JSON, without white space.
//!
//! Needs no state but what it has written: an item gets a comma unless its list, dict or key ends there.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut, BytesMut};

use super::super::Serializer;
use super::super::write::Writer;
use super::scan::plain;

/// Writes the format. The buffer must be empty at first.
#[derive(Debug)]
pub(in super::super) struct JsonWriter<'a> {
    out: &'a mut BytesMut,
}

impl<'a> JsonWriter<'a> {
    pub(in super::super) fn new(out: &'a mut BytesMut) -> Self {
        Self { out }
    }

    /// Writes the comma that a value or a key needs here.
    fn separate(&mut self) {
        if !matches!(self.out.last(), None | Some(b'[' | b'{' | b':')) {
            self.out.put_u8(b',');
        }
    }

    fn value(&mut self, encoded: &[u8]) {
        self.separate();
        self.out.put_slice(encoded);
    }

    fn number(&mut self, number: impl itoa::Integer) {
        self.separate();
        self.out
            .put_slice(itoa::Buffer::new().format(number).as_bytes());
    }

    fn quoted(&mut self, text: &str) {
        self.value(b"\"");
        let mut rest = text.as_bytes();
        while let Some((run, [special, behind @ ..])) = rest.split_at_checked(plain(rest)) {
            self.out.put_slice(run);
            self.escape(*special);
            rest = behind;
        }
        self.out.put_slice(rest);
        self.out.put_u8(b'"');
    }

    fn escape(&mut self, special: u8) {
        let short = match special {
            b'"' | b'\\' => special,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x08 => b'b',
            0x0c => b'f',
            _ => {
                let _ = write!(self.out, "\\u{special:04x}");
                return;
            }
        };
        self.out.put_slice(&[b'\\', short]);
    }
}

impl Writer for JsonWriter<'_> {
    const SERIALIZER: Serializer = Serializer::Json;
    const NEEDS_COUNTS: bool = false;

    fn null(&mut self) {
        self.value(b"null");
    }

    fn bool(&mut self, value: bool) {
        self.value(if value { b"true" } else { b"false" });
    }

    fn integer(&mut self, value: i128) {
        match u64::try_from(value) {
            Ok(value) => self.number(value),
            Err(_) => self.number(value),
        }
    }

    fn float(&mut self, value: f64) {
        if value.is_finite() {
            self.separate();
            // What `Debug` writes always has a fraction or an exponent, and reads back as the same float.
            let _ = write!(self.out, "{value:?}");
        } else {
            self.null();
        }
    }

    fn text(&mut self, value: &str) {
        if value.starts_with('\0') {
            self.bytes(value.as_bytes());
        } else {
            self.quoted(value);
        }
    }

    fn bytes(&mut self, value: &[u8]) {
        self.value(b"\"\\u0000");
        let start = self.out.len();
        // bound: a length of which 4/3 overflow fits in no memory.
        let length = base64::encoded_len(value.len(), true).unwrap_or_default();
        self.out.put_bytes(0, length);
        let _ = STANDARD.encode_slice(value, self.out.get_mut(start..).unwrap_or_default());
        self.out.put_u8(b'"');
    }

    fn begin_list(&mut self, _: usize) {
        self.value(b"[");
    }

    fn end_list(&mut self) {
        self.out.put_u8(b']');
    }

    fn begin_dict(&mut self, _: usize) {
        self.value(b"{");
    }

    fn key(&mut self, key: &str) {
        self.quoted(key);
        self.out.put_u8(b':');
    }

    fn end_dict(&mut self) {
        self.out.put_u8(b'}');
    }

    fn encoded(&mut self, value: &[u8]) {
        self.value(value);
    }
}
