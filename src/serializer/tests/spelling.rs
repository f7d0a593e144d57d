//! The same value in other bytes: whatever else a format allows for it means no other value.

use proptest::collection::vec;
use proptest::prelude::*;

use super::any::values;
use super::{check_any_bytes, config, edits, mutated};
use crate::protocol::Value;
use crate::serializer::Serializer;

/// Writes a value, each time deciding anew which of the ways to take.
struct Speller<'a> {
    serializer: Serializer,
    choices: std::iter::Cycle<std::slice::Iter<'a, u8>>,
    out: Vec<u8>,
}

fn spelled(serializer: Serializer, value: &Value, choices: &[u8]) -> Vec<u8> {
    let mut speller = Speller {
        serializer,
        choices: choices.iter().cycle(),
        out: Vec::new(),
    };
    speller.value(value);
    speller.out
}

impl Speller<'_> {
    fn choose(&mut self, ways: u8) -> u8 {
        self.choices.next().map_or(0, |choice| choice % ways)
    }

    fn value(&mut self, value: &Value) {
        match self.serializer {
            Serializer::Json => self.json(value),
            Serializer::MsgPack => self.msgpack(value),
            Serializer::Cbor => self.cbor(value),
        }
    }

    fn plain(&mut self, value: &Value) {
        let encoded = self.serializer.encode_value(value);
        self.out.extend_from_slice(&encoded);
    }

    fn json(&mut self, value: &Value) {
        self.json_space();
        match value {
            Value::List(values) => {
                self.out.push(b'[');
                for (index, value) in values.iter().enumerate() {
                    self.json_comma(index);
                    self.value(value);
                }
                self.json_space();
                self.out.push(b']');
            }
            Value::Dict(dict) => {
                self.out.push(b'{');
                for (index, (key, value)) in dict.iter().enumerate() {
                    self.json_comma(index);
                    self.json_space();
                    self.json_text(key);
                    self.json_space();
                    self.out.push(b':');
                    self.value(value);
                }
                self.json_space();
                self.out.push(b'}');
            }
            Value::Text(text) => self.json_text(text),
            value => self.plain(value),
        }
        self.json_space();
    }

    fn json_comma(&mut self, index: usize) {
        if index > 0 {
            self.json_space();
            self.out.push(b',');
        }
    }

    fn json_space(&mut self) {
        let spaces: [&[u8]; 6] = [b"", b"", b" ", b"\t", b"\r\n", b"    "];
        let space = spaces[usize::from(self.choose(6))];
        self.out.extend_from_slice(space);
    }

    fn json_text(&mut self, text: &str) {
        self.out.push(b'"');
        for character in text.chars() {
            if self.choose(4) > 0 && !matches!(character, '"' | '\\' | '\0'..' ') {
                self.out
                    .extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            for unit in character.encode_utf16(&mut [0; 2]) {
                let escape = match self.choose(2) {
                    0 => format!("\\u{unit:04x}"),
                    _ => format!("\\u{unit:04X}"),
                };
                self.out.extend_from_slice(escape.as_bytes());
            }
        }
        self.out.push(b'"');
    }

    fn msgpack(&mut self, value: &Value) {
        match value {
            Value::Integer(number) if self.choose(2) == 0 => {
                if let Ok(number) = i64::try_from(*number) {
                    self.out.push(0xd3);
                    self.out.extend_from_slice(&number.to_be_bytes());
                } else {
                    self.plain(value);
                }
            }
            Value::Text(text) if self.choose(2) == 0 => self.sized(0xdb, text.as_bytes()),
            Value::Bytes(bytes) => match (self.choose(3), bytes.len()) {
                (0, _) => self.sized(0xc6, bytes),
                // An extension of the type 5.
                (1, 16) => self.out.extend([&[0xd8, 5], &**bytes].concat()),
                _ => self.plain(value),
            },
            Value::List(values) => {
                self.out.push(0xdd);
                self.length(values.len());
                for value in values {
                    self.value(value);
                }
            }
            Value::Dict(dict) => {
                self.out.push(0xdf);
                self.length(dict.len());
                for (key, value) in dict.iter() {
                    self.msgpack(&Value::Text(key.clone()));
                    self.value(value);
                }
            }
            value => self.plain(value),
        }
    }

    /// Something with a length of 4 bytes.
    fn sized(&mut self, first: u8, bytes: &[u8]) {
        self.out.push(first);
        self.length(bytes.len());
        self.out.extend_from_slice(bytes);
    }

    fn length(&mut self, length: usize) {
        let length = u32::try_from(length).unwrap();
        self.out.extend_from_slice(&length.to_be_bytes());
    }

    fn cbor(&mut self, value: &Value) {
        if self.choose(4) == 0 {
            // Self-described CBOR, which says nothing about the value.
            self.out.extend_from_slice(&[0xd9, 0xd9, 0xf7]);
        }
        match value {
            Value::Null if self.choose(2) == 0 => self.out.push(0xf7),
            Value::Float(number) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "taken only where nothing is lost"
                )]
                let narrow = *number as f32;
                if f64::from(narrow).to_bits() == number.to_bits() {
                    self.out.push(0xfa);
                    self.out.extend_from_slice(&narrow.to_be_bytes());
                } else {
                    self.plain(value);
                }
            }
            Value::Integer(number) if (0..1 << 32).contains(number) && self.choose(2) == 0 => {
                // As a big integer, or with more bytes than it needs.
                let bytes = u32::try_from(*number).unwrap().to_be_bytes();
                let head: &[u8] = match self.choose(2) {
                    0 => &[0xc2, 0x44],
                    _ => &[0x1b, 0, 0, 0, 0],
                };
                self.out.extend([head, &bytes].concat());
            }
            Value::Text(text) if self.choose(2) == 0 => {
                self.out.push(0x7f);
                for character in text.chars() {
                    self.sized(0x7a, character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                self.out.push(0xff);
            }
            Value::Bytes(bytes) if self.choose(2) == 0 => {
                self.out.push(0x5f);
                bytes.chunks(7).for_each(|chunk| self.sized(0x5a, chunk));
                self.out.push(0xff);
            }
            Value::List(values) => {
                let is_open = self.choose(2) == 0;
                self.cbor_begin(is_open, 0x80, values.len());
                for value in values {
                    self.value(value);
                }
                self.out.extend(is_open.then_some(0xff));
            }
            Value::Dict(dict) => {
                let is_open = self.choose(2) == 0;
                self.cbor_begin(is_open, 0xa0, dict.len());
                for (key, value) in dict.iter() {
                    self.cbor(&Value::Text(key.clone()));
                    self.value(value);
                }
                self.out.extend(is_open.then_some(0xff));
            }
            value => self.plain(value),
        }
    }

    fn cbor_begin(&mut self, is_open: bool, major: u8, count: usize) {
        if is_open {
            self.out.push(major | 0x1f);
        } else {
            self.out.push(major | 0x1a);
            self.length(count);
        }
    }
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn a_value_is_the_same_however_it_is_spelled(value in values(), choices in vec(any::<u8>(), 1..40)) {
        for serializer in Serializer::ALL {
            let bytes = spelled(serializer, &value, &choices).into();
            prop_assert_eq!(serializer.decode_value(&bytes), Ok(value.clone()), "{:?}", bytes);
            check_any_bytes(serializer, &bytes);
        }
    }

    #[test]
    fn odd_spellings_with_mistakes_are_read_and_skipped_alike(
        value in values(),
        choices in vec(any::<u8>(), 1..40),
        edits in edits(),
    ) {
        for serializer in Serializer::ALL {
            let bytes = spelled(serializer, &value, &choices);
            check_any_bytes(serializer, &mutated(&bytes, &edits));
        }
    }
}
