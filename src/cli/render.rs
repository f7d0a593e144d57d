//! Values as a terminal shows them: JSON with colours, short where it fits, bytes by size and head.

use super::console::{Palette, printable};
use super::json;
use crate::protocol::{Dict, Value};

/// A value that takes no more than this stays on one line.
const LINE_CHARS_MAX: usize = 76;
/// How many bytes of binary data are shown.
const HEAD_BYTES: usize = 4;

/// A value over as many lines as it needs.
pub(super) fn pretty(value: &Value, palette: Palette) -> String {
    let mut out = String::new();
    write(value, palette, 0, &mut out);
    out
}

/// JSON as it is, coloured where colours are wanted.
pub(super) fn json(text: &str, palette: Palette) -> String {
    if palette == Palette::default() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(2 * text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => text_length(rest),
            '-' | '0'..='9' | 'a'..='z' => {
                let is_end = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.');
                rest.find(is_end).unwrap_or(rest.len())
            }
            _ => first.len_utf8(),
        };
        let (token, behind) = rest.split_at(length);
        out.push_str(&match first {
            '"' if behind.starts_with(':') => palette.name(&printable(token)),
            '"' => palette.text(&printable(token)),
            '-' | '0'..='9' => palette.number(token),
            'a'..='z' => palette.word(token),
            _ => token.to_owned(),
        });
        rest = behind;
    }
    out
}

/// The length of the JSON text at the start, with its quotes.
fn text_length(json: &str) -> usize {
    let mut is_escaped = false;
    let end = json.char_indices().skip(1).find(|&(_, c)| {
        let is_end = c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        is_end
    });
    end.map_or(json.len(), |(at, _)| at + 1)
}

/// A value on one line.
pub(super) fn line(value: &Value, palette: Palette) -> String {
    match value {
        Value::Null => palette.word("null"),
        Value::Bool(value) => palette.word(&value.to_string()),
        Value::Float(float) if !float.is_finite() => palette.number(&float.to_string()),
        Value::Integer(_) | Value::Float(_) => palette.number(&json::to_line(value)),
        Value::Text(_) => palette.text(&printable(&json::to_line(value))),
        Value::Bytes(bytes) => palette.word(&head(bytes, HEAD_BYTES)),
        Value::List(values) => {
            let values: Vec<_> = values.iter().map(|value| line(value, palette)).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Dict(dict) => {
            let entry = |(name, value): (&bytestring::ByteString, &Value)| {
                entry(name, &line(value, palette), palette)
            };
            let entries: Vec<_> = dict.iter().map(entry).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// Keyword arguments as they are typed: `size=1024 name="x"`.
pub(super) fn keywords(kwargs: &Dict, palette: Palette) -> String {
    let keyword = |(name, value): (&bytestring::ByteString, &Value)| {
        format!(
            "{}={}",
            palette.name(&printable(name)),
            line(value, palette)
        )
    };
    kwargs.iter().map(keyword).collect::<Vec<_>>().join(" ")
}

fn write(value: &Value, palette: Palette, indent: usize, out: &mut String) {
    let plain = line(value, Palette::default());
    let fits = indent + plain.chars().count() <= LINE_CHARS_MAX;
    match value {
        Value::List(values) if !fits => {
            out.push('[');
            for (index, value) in values.iter().enumerate() {
                new_line(index, indent + 2, out);
                write(value, palette, indent + 2, out);
            }
            close(']', indent, out);
        }
        Value::Dict(dict) if !fits => {
            out.push('{');
            for (index, (name, value)) in dict.iter().enumerate() {
                new_line(index, indent + 2, out);
                out.push_str(&entry(name, "", palette));
                write(value, palette, indent + 2, out);
            }
            close('}', indent, out);
        }
        value => out.push_str(&line(value, palette)),
    }
}

fn new_line(index: usize, indent: usize, out: &mut String) {
    out.push_str(if index == 0 { "\n" } else { ",\n" });
    out.extend(std::iter::repeat_n(' ', indent));
}

fn close(bracket: char, indent: usize, out: &mut String) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
    out.push(bracket);
}

fn entry(name: &str, value: &str, palette: Palette) -> String {
    let name = printable(&json::to_line(&name.into()));
    format!("{}: {value}", palette.name(&name))
}

/// Bytes by their size, and by as many of the first as `count` says.
pub(super) fn head(bytes: &[u8], count: usize) -> String {
    let shown = bytes.len().min(count);
    let more = if bytes.len() > shown { ".." } else { "" };
    format!("<bin {} B {}{more}>", bytes.len(), hex(&bytes[..shown]))
}

/// Two digits for each byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut hex = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_show_their_size_and_head() {
        let value = Value::Bytes(vec![0x89, 0x50, 0x4e, 0x47, 0x0d].into());
        assert_eq!(line(&value, Palette::default()), "<bin 5 B 89504e47..>");
    }

    #[test]
    fn long_values_get_lines_of_their_own() {
        let long = "x".repeat(60);
        let value = Value::Dict(Dict::from_iter([
            ("a", Value::from(long.as_str())),
            ("b", Value::List(vec![Value::Integer(1), Value::Null])),
        ]));
        let expected = format!("{{\n  \"a\": \"{long}\",\n  \"b\": [1, null]\n}}");
        assert_eq!(pretty(&value, Palette::default()), expected);
    }

    #[test]
    fn nothing_turns_the_line_around() {
        let value = Value::from("\u{202e}\u{2066}");
        assert_eq!(line(&value, Palette::default()), r#""\u202e\u2066""#);
    }

    #[test]
    fn nothing_moves_the_cursor() {
        let value = Value::from("\u{1b}[2J\u{9b}2J");
        assert_eq!(line(&value, Palette::default()), "\"\\u001b[2J\\u009b2J\"");
    }
}
