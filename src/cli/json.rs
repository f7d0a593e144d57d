//! Strict JSON to values and back, with integers, floats, text and bytes kept apart.
//!
//! Bytes are the specification's: a text of U+0000 and base64. What `serde_json` would quietly turn into a float, an
//! integer of more than 64 bits, is an error here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};

use crate::protocol::{Dict, Value};
use crate::serializer::DEPTH_MAX;

/// How deep one argument may nest: around it are the message and its list of arguments.
const ARGUMENT_DEPTH_MAX: usize = DEPTH_MAX - 2;

/// Why a text is not one JSON value of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JsonError {
    /// Where, in bytes from the start.
    pub(super) offset: usize,
    pub(super) reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// Not JSON; with what the parser says.
    Syntax(String),
    /// A whole number that no 64 bits hold; with the number.
    Integer(String),
    /// More levels than a message carries.
    TooDeep,
}

/// Reads one JSON value.
pub(super) fn parse(text: &str) -> Result<Value, JsonError> {
    let Parsed(value) = serde_json::from_str(text).map_err(|error| JsonError {
        offset: offset_of(text, error.line(), error.column()),
        reason: Reason::Syntax(syntax_text(&error)),
    })?;
    if let Some((offset, number)) = integer_too_large(text) {
        let reason = Reason::Integer(number.to_owned());
        return Err(JsonError { offset, reason });
    }
    if !fits(&value, ARGUMENT_DEPTH_MAX) {
        let (offset, reason) = (0, Reason::TooDeep);
        return Err(JsonError { offset, reason });
    }
    Ok(value)
}

/// Reads one JSON value of any depth, with whole numbers over 64 bits as floats.
///
/// # Errors
/// The parser's.
pub(super) fn parse_lossy(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text).map(|Parsed(value)| value)
}

/// Whether a value is not too deep for an argument.
pub(super) fn is_argument(value: &Value) -> bool {
    fits(value, ARGUMENT_DEPTH_MAX)
}

impl std::fmt::Display for JsonError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.reason {
            Reason::Syntax(text) => f.write_str(text),
            Reason::Integer(number) => write!(f, "{number} does not fit into 64 bits"),
            Reason::TooDeep => write!(f, "it nests deeper than {ARGUMENT_DEPTH_MAX} levels"),
        }
    }
}

/// The parser's words without its place, which a caret shows.
fn syntax_text(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    text[..end].to_owned()
}

fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    (before + column.saturating_sub(1)).min(text.len())
}

/// The first whole number, outside of texts, that is neither an `i64` nor a `u64`. `text` is valid JSON.
fn integer_too_large(text: &str) -> Option<(usize, &str)> {
    let bytes = text.as_bytes();
    let mut position = 0;
    while let Some(&byte) = bytes.get(position) {
        let rest = &text[position..];
        match byte {
            b'"' => position += text_length(rest),
            b'-' | b'0'..=b'9' => {
                let is_part =
                    |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
                let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
                let number = &rest[..length];
                let is_whole = !number.contains(['.', 'e', 'E']);
                if is_whole && number.parse::<i64>().is_err() && number.parse::<u64>().is_err() {
                    return Some((position, number));
                }
                position += length;
            }
            _ => position += 1,
        }
    }
    None
}

/// The length of a JSON text with both its quotes.
fn text_length(rest: &str) -> usize {
    let mut escaped = false;
    for (position, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return position + 1,
            _ => {}
        }
    }
    rest.len()
}

fn fits(value: &Value, depth_max: usize) -> bool {
    match value {
        Value::List(values) => {
            depth_max > 0 && values.iter().all(|value| fits(value, depth_max - 1))
        }
        Value::Dict(dict) => {
            depth_max > 0 && dict.iter().all(|(_, value)| fits(value, depth_max - 1))
        }
        _ => true,
    }
}

/// One compact line, lossless.
pub(super) fn to_line(value: &Value) -> String {
    // Values of ours always can be written.
    serde_json::to_string(&Written(value)).unwrap_or_default()
}

/// Indented, lossless.
pub(super) fn to_pretty(value: &Value) -> String {
    serde_json::to_string_pretty(&Written(value)).unwrap_or_default()
}

/// A text as it is, anything else as one line of JSON.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Text(text) => text.to_string(),
        value => to_line(value),
    }
}

/// A value on its way out.
struct Written<'a>(&'a Value);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Integer(value) => serializer.serialize_i128(*value),
            Value::Float(value) => serializer.serialize_f64(*value),
            Value::Text(value) => serializer.serialize_str(value),
            Value::Bytes(value) => serializer.serialize_str(&format!("\0{}", BASE64.encode(value))),
            Value::List(values) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                for value in values {
                    list.serialize_element(&Written(value))?;
                }
                list.end()
            }
            Value::Dict(dict) => {
                let mut map = serializer.serialize_map(Some(dict.len()))?;
                for (name, value) in dict.iter() {
                    map.serialize_entry(&**name, &Written(value))?;
                }
                map.end()
            }
        }
    }
}

/// A value on its way in.
struct Parsed(Value);

impl<'de> Deserialize<'de> for Parsed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor).map(Self)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        let Some(encoded) = text.strip_prefix('\0') else {
            return Ok(text.into());
        };
        let decoded = BASE64.decode(encoded);
        let decoded = decoded.map_err(|_| E::custom("text after \\u0000 that is not base64"))?;
        Ok(Value::Bytes(decoded.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Parsed(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut dict = Dict::new();
        while let Some((name, Parsed(value))) = map.next_entry::<String, Parsed>()? {
            if dict.get(&name).is_some() {
                return Err(A::Error::custom(format_args!("the name {name:?} twice")));
            }
            dict.push(name, value);
        }
        Ok(Value::Dict(dict))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_survive_the_way_in_and_out() {
        for text in [
            "null",
            "true",
            "3",
            "-9223372036854775808",
            "18446744073709551615",
            "3.0",
            "0.1",
            "1e300",
            "\"3\"",
            "\"\\u0000AAEC\"",
            r#"{"a":[1,2.5,{"b":null}],"c":"ü\n"}"#,
        ] {
            assert_eq!(
                to_line(&parse(text).unwrap()),
                text.replace("1e300", "1e+300"),
                "{text}"
            );
        }
        assert_eq!(
            parse("\"\\u0000AAEC\"").unwrap(),
            Value::Bytes(vec![0, 1, 2].into())
        );
    }

    #[test]
    fn whole_numbers_over_64_bits_are_refused_wherever_they_are() {
        let refused = |text: &str| parse(text).map_err(|error| (error.offset, error.reason));
        let number = || Reason::Integer("18446744073709551616".into());
        assert_eq!(refused("18446744073709551616"), Err((0, number())));
        assert_eq!(
            refused(r#"["1\"2", {"a": 18446744073709551616}]"#),
            Err((15, number()))
        );
        assert!(parse("\"18446744073709551616\"").is_ok());
        assert!(parse("18446744073709551616.0").is_ok());
        assert!(parse("-9223372036854775809").is_err());
    }

    #[test]
    fn errors_know_their_place() {
        let offset = |text: &str| parse(text).unwrap_err().offset;
        assert_eq!(offset(r#"{"a":1 b}"#), 7);
        assert_eq!(offset("[1,\n2,,]"), 6);
    }

    #[test]
    fn what_is_deeper_than_a_message_is_refused() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(parse(&nested(62)).is_ok());
        assert_eq!(parse(&nested(63)).unwrap_err().reason, Reason::TooDeep);
    }
}
