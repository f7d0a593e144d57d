//! The specification's notation for messages, with names for what is not known beforehand.
//!
//! It is JSON with, besides: `SUBSCRIBE` for a message's code, `$name` for a value that is bound by its first use,
//! `_` for anything, `...` for whatever else there is at the end of a list or dict, `any_order[...]` for a list in
//! whatever order, `time` for a time as the meta API writes it, `text(n)` and `nested(n)` for a text of so many bytes
//! and so many lists within each other.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use wamp::protocol::{Dict, MessageCode, Value};
use wamp::serializer::Serializer;

/// What `$name` stands for.
pub(super) type Names = BTreeMap<String, Value>;

/// A message as a transcript writes it: to be sent, or expected.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Pattern {
    /// `_`
    Any,
    /// `$name`
    Name(String),
    Value(Value),
    List {
        items: Vec<Self>,
        is_open: bool,
    },
    /// `any_order[...]`
    AnyOrder {
        items: Vec<Self>,
        is_open: bool,
    },
    /// `time`
    Time,
    Dict {
        entries: Vec<(String, Self)>,
        is_open: bool,
    },
}

impl Pattern {
    /// Reads a pattern, and nothing behind it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { rest: text.trim() };
        let pattern = parser.pattern()?;
        if parser.rest.is_empty() {
            Ok(pattern)
        } else {
            Err(format!("nothing is expected at {:?}", parser.rest))
        }
    }

    /// The value to send.
    pub(super) fn value(&self, names: &Names) -> Result<Value, String> {
        match self {
            Self::Value(value) => Ok(value.clone()),
            Self::Name(name) => names
                .get(name)
                .cloned()
                .ok_or_else(|| format!("${name} stands for nothing yet")),
            Self::List {
                items,
                is_open: false,
            } => {
                let items: Result<Vec<_>, _> = items.iter().map(|item| item.value(names)).collect();
                Ok(Value::List(items?))
            }
            Self::Dict {
                entries,
                is_open: false,
            } => {
                let entry = |(key, value): &(String, Self)| Ok((key.clone(), value.value(names)?));
                let entries: Result<Dict, String> = entries.iter().map(entry).collect();
                Ok(Value::Dict(entries?))
            }
            Self::Any
            | Self::List { .. }
            | Self::AnyOrder { .. }
            | Self::Dict { .. }
            | Self::Time => Err("what stands for many things cannot be sent".into()),
        }
    }

    /// Compares what came, and binds the names it is the first to use.
    ///
    /// Integers and floats are never equal, nor text and bytes. Errors: where it differs, and how.
    pub(super) fn match_value(&self, value: &Value, names: &mut Names) -> Result<(), String> {
        match (self, value) {
            (Self::Any, _) => Ok(()),
            (Self::Name(name), _) => match names.get(name) {
                None => {
                    names.insert(name.clone(), value.clone());
                    Ok(())
                }
                Some(bound) if bound == value => Ok(()),
                Some(bound) => Err(format!("${name} is {}", shown(bound))),
            },
            (Self::Value(expected), _) if expected == value => Ok(()),
            (Self::List { items, is_open }, Value::List(values)) => {
                match_list(items, *is_open, values, names)
            }
            (Self::AnyOrder { items, is_open }, Value::List(values)) => {
                if values.len() > items.len() && !is_open {
                    return Err(format!("{} items came for {}", values.len(), items.len()));
                }
                let values: Vec<_> = values.iter().collect();
                *names = match_any_order(items, &values, names)
                    .ok_or_else(|| format!("{} came for others", shown(value)))?;
                Ok(())
            }
            (Self::Dict { entries, is_open }, Value::Dict(dict)) => {
                match_dict(entries, *is_open, dict, names)
            }
            (Self::Time, Value::Text(text)) if is_time(text) => Ok(()),
            (Self::Value(expected), _) => {
                Err(format!("{} came for {}", shown(value), shown(expected)))
            }
            (expected, _) => Err(format!("{} came for {expected:?}", shown(value))),
        }
    }
}

fn match_list(
    items: &[Pattern],
    is_open: bool,
    values: &[Value],
    names: &mut Names,
) -> Result<(), String> {
    for (at, (item, value)) in items.iter().zip(values).enumerate() {
        item.match_value(value, names)
            .map_err(|why| format!("[{at}] {why}"))?;
    }
    let fits = if is_open {
        values.len() >= items.len()
    } else {
        values.len() == items.len()
    };
    if fits {
        Ok(())
    } else {
        Err(format!("{} items came for {}", values.len(), items.len()))
    }
}

/// Finds a value for each item, and what names then stand for.
fn match_any_order(items: &[Pattern], values: &[&Value], names: &Names) -> Option<Names> {
    let Some((item, items)) = items.split_first() else {
        return Some(names.clone());
    };
    (0..values.len()).find_map(|at| {
        let mut names = names.clone();
        item.match_value(values[at], &mut names).ok()?;
        let others: Vec<_> = [&values[..at], &values[at + 1..]].concat();
        match_any_order(items, &others, &names)
    })
}

/// RFC 3339 with milliseconds, in UTC: `2026-01-31T23:59:59.999Z`.
fn is_time(text: &str) -> bool {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00.000Z";
    let fits = |(byte, shape): (u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        _ => byte == *shape,
    };
    text.len() == SHAPE.len() && text.bytes().zip(SHAPE).all(fits)
}

fn match_dict(
    entries: &[(String, Pattern)],
    is_open: bool,
    dict: &Dict,
    names: &mut Names,
) -> Result<(), String> {
    for (key, pattern) in entries {
        let value = dict.get(key).ok_or_else(|| format!("{key:?} is missing"))?;
        pattern
            .match_value(value, names)
            .map_err(|why| format!("[{key:?}] {why}"))?;
    }
    if !is_open && dict.len() > entries.len() {
        return Err(format!("{} keys came for {}", dict.len(), entries.len()));
    }
    Ok(())
}

/// A value as a transcript would write it: in JSON, a message with its name.
pub(super) fn shown(value: &Value) -> String {
    let json = Serializer::Json.encode_value(value);
    let json = String::from_utf8_lossy(&json);
    let message = match value {
        Value::List(items) => items.first(),
        _ => None,
    };
    if let Some(Value::Integer(code)) = message {
        let code_text = code.to_string();
        let name = u64::try_from(*code)
            .ok()
            .and_then(MessageCode::from_number)
            .map(MessageCode::name);
        if let (Some(name), Some(rest)) = (name, json.strip_prefix(&format!("[{code_text}"))) {
            return format!("[{name}{rest}");
        }
    }
    json.into_owned()
}

/// A text with names for the ids in it that they stand for, and `_` for other ids that were chosen at random.
pub(super) fn with_names(text: &str, names: &Names) -> String {
    /// Hardly any id at random has fewer digits.
    const DIGITS_MIN: usize = 10;
    let id = |digits: &str| {
        let number = digits.parse().map(Value::Integer);
        let is_it = |(_, value): &(&String, &Value)| number.as_ref() == Ok(*value);
        let name = names.iter().find(is_it);
        name.map_or_else(|| "_".into(), |(name, _)| format!("${name}"))
    };
    let mut named = String::new();
    let mut rest = text;
    while let Some(begin) = rest.find(|c: char| c.is_ascii_digit()) {
        let digits = &rest[begin..];
        let length = digits
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(digits.len());
        named.push_str(&rest[..begin]);
        if length < DIGITS_MIN {
            named.push_str(&digits[..length]);
        } else {
            named.push_str(&id(&digits[..length]));
        }
        rest = &digits[length..];
    }
    named + rest
}

/// Bytes as a transcript writes them in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Reads bytes in hexadecimal; spaces are passed over.
pub(super) fn bytes_of_hex(text: &str) -> Result<Bytes, String> {
    let digits: Option<Vec<u32>> = text
        .chars()
        .filter(|c| *c != ' ')
        .map(|c| c.to_digit(16))
        .collect();
    let digits = digits.ok_or("no hexadecimal digits")?;
    let (pairs, []) = digits.as_chunks::<2>() else {
        return Err("half a byte".into());
    };
    pairs
        .iter()
        .map(|[high, low]| u8::try_from(high << 4 | low).map_err(|error| error.to_string()))
        .collect()
}

/// What is still to be read.
struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn pass(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(token) else {
            return false;
        };
        self.rest = rest.trim_start();
        true
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.pass(token) {
            Ok(())
        } else {
            Err(format!("{token:?} is expected at {:?}", self.rest))
        }
    }

    fn pattern(&mut self) -> Result<Pattern, String> {
        if self.pass("[") {
            let (items, is_open) = self.items("]", Self::pattern)?;
            return Ok(Pattern::List { items, is_open });
        }
        if self.pass("{") {
            let (entries, is_open) = self.items("}", Self::entry)?;
            return Ok(Pattern::Dict { entries, is_open });
        }
        if self
            .rest
            .starts_with(['"', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
        {
            return self.scalar();
        }
        let is_name = self.pass("$");
        let word = self.take(|c| c.is_ascii_alphanumeric() || c == '_');
        if is_name {
            return Ok(Pattern::Name(word.into()));
        }
        self.word(word)
    }

    /// Reads what follows an opening bracket, the closing one included.
    fn items<T>(
        &mut self,
        close: &str,
        item: impl Fn(&mut Self) -> Result<T, String>,
    ) -> Result<(Vec<T>, bool), String> {
        let mut items = Vec::new();
        while !self.pass(close) {
            if !items.is_empty() {
                self.expect(",")?;
            }
            if self.pass("...") {
                self.expect(close)?;
                return Ok((items, true));
            }
            items.push(item(self)?);
        }
        Ok((items, false))
    }

    fn entry(&mut self) -> Result<(String, Pattern), String> {
        let Pattern::Value(Value::Text(key)) = self.scalar()? else {
            return Err("a key must be a text".into());
        };
        self.expect(":")?;
        Ok((key.to_string(), self.pattern()?))
    }

    /// Reads a text or a number as JSON has them.
    fn scalar(&mut self) -> Result<Pattern, String> {
        let end = match self.rest.strip_prefix('"') {
            Some(text) => 2 + text_end(text).ok_or("a text without end")?,
            None => self
                .rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)))
                .unwrap_or(self.rest.len()),
        };
        let (json, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        let value = Serializer::Json
            .decode_value(&Bytes::copy_from_slice(json.as_bytes()))
            .map_err(|error| format!("{json}: {error}"))?;
        Ok(Pattern::Value(value))
    }

    fn word(&mut self, word: &str) -> Result<Pattern, String> {
        let value = match word {
            "_" => return Ok(Pattern::Any),
            "time" => return Ok(Pattern::Time),
            "any_order" => {
                self.expect("[")?;
                let (items, is_open) = self.items("]", Self::pattern)?;
                return Ok(Pattern::AnyOrder { items, is_open });
            }
            "null" => Value::Null,
            "true" => true.into(),
            "false" => false.into(),
            "text" => "x".repeat(self.argument()?).into(),
            "nested" => {
                let inner = Value::List(Vec::new());
                (1..self.argument()?).fold(inner, |inner, _| Value::List(vec![inner]))
            }
            code => {
                let message = MessageCode::ALL.iter().find(|known| known.name() == code);
                let message = message.ok_or_else(|| {
                    format!(
                        "{code:?} at {:?} is neither a value nor a message",
                        self.rest
                    )
                })?;
                Value::Integer(*message as i128)
            }
        };
        Ok(Pattern::Value(value))
    }

    fn argument(&mut self) -> Result<usize, String> {
        self.expect("(")?;
        let number = self.take(|c| c.is_ascii_digit());
        self.expect(")")?;
        number
            .parse()
            .map_err(|_| format!("{number:?} is no number"))
    }

    fn take(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        taken
    }
}

/// Where a JSON text ends, counted from behind its opening quote.
pub(super) fn text_end(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    })
}
