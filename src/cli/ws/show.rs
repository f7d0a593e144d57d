//! How messages look: on a terminal for people, into a pipe without loss.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::ValueEnum;
use serde::de::IgnoredAny;

use crate::cli::console::{Palette, printable};
use crate::cli::{json, render};
use crate::protocol::Value;
use crate::ws::Data;

/// How many bytes of a binary message a terminal shows: all of a UUID.
const HEAD_BYTES: usize = 16;

/// How binary messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Binary {
    /// A JSON string of U+0000 and base64, which no other message looks like
    Json,
    /// Hexadecimal digits
    Hex,
    /// Base64
    Base64,
    /// Text, with what is none replaced
    Utf8,
    /// The bytes themselves, with no line end behind them
    Raw,
}

/// How messages are written, decided once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) is_terminal: bool,
    pub(super) palette: Palette,
    /// Left to the stream where nothing was asked for.
    pub(super) binary: Option<Binary>,
}

impl Layout {
    /// A message and its line end.
    pub(super) fn bytes(self, data: &Data) -> Vec<u8> {
        let mut line = match (data, self.binary) {
            (Data::Text(text), _) => self.text(text).into_bytes(),
            (Data::Binary(bytes), Some(Binary::Raw)) => return bytes.to_vec(),
            (Data::Binary(bytes), binary) => self.binary(bytes, binary).into_bytes(),
        };
        line.push(b'\n');
        line
    }

    fn text(self, text: &str) -> String {
        if !self.is_terminal {
            return text.to_owned();
        }
        let is_json =
            text.starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(text).is_ok();
        if !is_json {
            return printable(text);
        }
        // Between the values of JSON a line break is layout, and cannot be mistaken for another message.
        let lines = text.split('\n').map(|line| {
            let line = line.strip_suffix('\r').unwrap_or(line);
            render::json(&printable(line), self.palette)
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    fn binary(self, bytes: &[u8], binary: Option<Binary>) -> String {
        match binary {
            None if self.is_terminal => self.palette.word(&render::head(bytes, HEAD_BYTES)),
            None | Some(Binary::Json) => json::to_line(&Value::Bytes(bytes.to_vec().into())),
            Some(Binary::Hex) => render::hex(bytes),
            Some(Binary::Base64) => BASE64.encode(bytes),
            Some(Binary::Utf8 | Binary::Raw) => self.text(&String::from_utf8_lossy(bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(data: &Data, is_terminal: bool, binary: Option<Binary>) -> String {
        let layout = Layout {
            is_terminal,
            palette: Palette::default(),
            binary,
        };
        String::from_utf8(layout.bytes(data)).unwrap()
    }

    #[test]
    fn a_pipe_gets_text_as_it_came() {
        for text in ["", "a", "a\nb\u{1b}", "{\"a\":1}"] {
            assert_eq!(
                shown(&Data::Text(text.into()), false, None),
                format!("{text}\n")
            );
        }
    }

    #[test]
    fn a_terminal_gets_nothing_that_it_obeys() {
        assert_eq!(
            shown(&Data::Text("a\nb\u{1b}[2J".into()), true, None),
            "a\\nb\\u001b[2J\n"
        );
        assert_eq!(
            shown(&Data::Text("{\n \"a\": \"\u{9b}\"\r\n}".into()), true, None),
            "{\n \"a\": \"\\u009b\"\n}\n"
        );
        assert_eq!(
            shown(&Data::Binary("\u{1b}".into()), true, Some(Binary::Utf8)),
            "\\u001b\n"
        );
    }

    #[test]
    fn bytes_are_told_from_text_in_every_form() {
        let bytes = || Data::Binary(vec![0xd5, 0, 1].into());
        assert_eq!(shown(&bytes(), true, None), "<bin 3 B d50001>\n");
        assert_eq!(shown(&bytes(), false, None), "\"\\u00001QAB\"\n");
        assert_eq!(shown(&bytes(), true, Some(Binary::Hex)), "d50001\n");
        assert_eq!(shown(&bytes(), false, Some(Binary::Base64)), "1QAB\n");
        assert_eq!(
            shown(&bytes(), false, Some(Binary::Utf8)),
            "\u{fffd}\0\u{1}\n"
        );
        let raw = Data::Binary("a".into());
        assert_eq!(shown(&raw, false, Some(Binary::Raw)), "a");
    }
}
