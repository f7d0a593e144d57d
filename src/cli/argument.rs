//! What a word of the command line means as an argument of a call or an event. What `@` means is [`sigil`]'s.
//!
//! ```text
//! 3  3.0  true  null  "text"  [1,2]  {"a":1}     strict JSON
//! name=VALUE                                     keyword argument, typed the same way
//! name:=JSON                                     keyword argument, JSON or nothing
//! @FILE  @json:FILE  @bin:FILE                   a file: as text, as JSON, as bytes (- is stdin)
//! @hex:00ff  @b64:AP8=  @str:3  @env:HOME        bytes, text as written, a variable
//! @uuid:                                         16 random bytes
//! @@x                                            the text @x
//! anything else                                  text
//! ```

use anyhow::{Context as _, Result};

use super::exit::Failure;
use super::json::{self, JsonError, Reason};
use super::sigil::{self, SigilReader, Written};
use crate::protocol::{Dict, Payload, Value};
use crate::serializer::Serializer;

/// How much of a bad word is shown on either side of the caret.
const EXCERPT_CHARS: usize = 32;

/// Typed arguments.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Arguments {
    pub(super) args: Vec<Value>,
    pub(super) kwargs: Dict,
}

impl Arguments {
    /// Types words as they were given, then those that are keyword arguments by `-k`.
    pub(super) fn parse(words: &[String], keywords: &[String]) -> Result<Self, Failure> {
        let mut reader = WordReader::default();
        let mut arguments = Self::default();
        for word in words {
            match split_keyword(word) {
                Keyword::None => arguments.args.push(reader.value(word)?),
                Keyword::Typed(name, value) => arguments.push(name, reader.value(value)?)?,
                Keyword::Json(name, value) => arguments.push(name, strict(word, value)?)?,
            }
        }
        for word in keywords {
            let Some((name, value)) = word.split_once('=') else {
                let message = format!("-k {word:?} has no \"=\"");
                return Err(Failure::usage(message).hint("write -k NAME=VALUE"));
            };
            match name.strip_suffix(':') {
                Some(name) => arguments.push(name, strict(word, value)?)?,
                None => arguments.push(name, reader.value(value)?)?,
            }
        }
        Ok(arguments)
    }

    fn push(&mut self, name: &str, value: Value) -> Result<(), Failure> {
        if self.kwargs.get(name).is_some() {
            return Err(Failure::usage(format!(
                "keyword argument {name:?} is given twice"
            )));
        }
        self.kwargs.push(name, value);
        Ok(())
    }

    /// The values of what came.
    ///
    /// # Errors
    /// Bytes that are none of their serializer's.
    pub(super) fn from_payload(payload: &Payload) -> Result<Self> {
        Ok(Self {
            args: payload.args().context("the payload cannot be read")?,
            kwargs: payload.kwargs().context("the payload cannot be read")?,
        })
    }

    pub(super) fn payload(&self, serializer: Serializer) -> Payload {
        Payload::from_values(serializer, &self.args, &self.kwargs)
    }
}

/// Types two words together, which may name stdin once.
pub(super) fn values(words: [Option<&str>; 2]) -> Result<[Option<Value>; 2], Failure> {
    let mut reader = WordReader::default();
    let mut read = |word: Option<&str>| word.map(|word| reader.value(word)).transpose();
    let [first, second] = words;
    Ok([read(first)?, read(second)?])
}

/// Types one value that stands alone, as `register --value` has it.
pub(super) fn value(word: &str) -> Result<Value, Failure> {
    WordReader::default().value(word)
}

enum Keyword<'a> {
    None,
    Typed(&'a str, &'a str),
    Json(&'a str, &'a str),
}

/// `[A-Za-z_][A-Za-z0-9_]*=` and something other than `=` behind it, or `:=`.
fn split_keyword(word: &str) -> Keyword<'_> {
    let length = word
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(word.len());
    let (name, rest) = word.split_at(length);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Keyword::None;
    }
    if let Some(value) = rest.strip_prefix(":=") {
        return Keyword::Json(name, value);
    }
    match rest.strip_prefix('=') {
        Some(value) if !value.is_empty() && !value.starts_with('=') => Keyword::Typed(name, value),
        _ => Keyword::None,
    }
}

/// Types one value by its own looks.
fn literal(word: &str) -> Result<Value, Failure> {
    match json::parse(word) {
        Ok(value) => Ok(value),
        Err(error)
            if matches!(error.reason, Reason::Syntax(_))
                && !word.starts_with(['{', '['])
                && !is_overflow(word) =>
        {
            Ok(word.into())
        }
        Err(error) => Err(bad_json(
            "this looks like JSON and is not",
            word,
            word,
            &error,
        )),
    }
}

/// The value of `name:=value`.
fn strict(word: &str, value: &str) -> Result<Value, Failure> {
    json::parse(value)
        .map_err(|error| bad_json("the value behind := is not JSON", word, value, &error))
}

/// A number of JSON that no 64-bit float holds, as `1e400`; in words of JSON the parser refuses it alike.
fn is_overflow(word: &str) -> bool {
    let is_number = word
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    !word.starts_with(['+', '.']) && is_number && word.parse::<f64>().is_ok_and(f64::is_infinite)
}

fn bad_json(what: &str, word: &str, json: &str, error: &JsonError) -> Failure {
    let offset = word.len() - json.len() + error.offset;
    match &error.reason {
        Reason::Integer(number) => {
            let message = format!("{error}\n{}", with_caret(word, offset));
            let hint = format!("as a float: {number}.0, as text: @str:{number}");
            Failure::usage(message).hint(hint)
        }
        Reason::TooDeep => Failure::usage(error.to_string()),
        Reason::Syntax(_) => {
            let message = format!("{what}: {error}\n{}", with_caret(word, offset));
            let name = word
                .strip_suffix(json)
                .and_then(|front| front.strip_suffix(":="));
            Failure::usage(message).hint(match name {
                Some(name) => format!("to send it as text: {name}={json}"),
                None => "to send it as text, put @str: in front".to_owned(),
            })
        }
    }
}

/// The part of a word around an offset, and a caret below it.
pub(super) fn with_caret(word: &str, offset: usize) -> String {
    let column = word
        .char_indices()
        .take_while(|&(at, _)| at < offset)
        .count();
    let start = column.saturating_sub(EXCERPT_CHARS);
    let excerpt: String = word
        .chars()
        .skip(start)
        .take(2 * EXCERPT_CHARS)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    format!("  {excerpt}\n  {}^", " ".repeat(column - start))
}

/// Types values by their sigils first, then by their looks.
#[derive(Default)]
struct WordReader {
    sigils: SigilReader,
}

impl WordReader {
    fn value(&mut self, word: &str) -> Result<Value, Failure> {
        match self.sigils.read(word)? {
            Written::Plain(text) => literal(text),
            Written::Text(text) => Ok(text.into()),
            Written::Bytes(bytes) => Ok(Value::Bytes(bytes)),
            Written::Json { value, .. } => Ok(value),
            Written::Uuid => Ok(Value::Bytes(sigil::uuid().to_vec().into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::exit::Exit;
    use super::*;

    fn typed(word: &str) -> Value {
        let arguments = Arguments::parse(&[word.to_owned()], &[]).unwrap();
        assert!(arguments.kwargs.is_empty(), "{word} is a keyword argument");
        arguments.args.into_iter().next().unwrap()
    }

    fn keyword(word: &str) -> (String, Value) {
        let arguments = Arguments::parse(&[word.to_owned()], &[]).unwrap();
        assert!(arguments.args.is_empty(), "{word} is positional");
        let (name, value) = arguments.kwargs.into_iter().next().unwrap();
        (name.to_string(), value)
    }

    fn refused(word: &str) -> (Exit, String) {
        let failure = Arguments::parse(&[word.to_owned()], &[]).unwrap_err();
        (failure.exit(), failure.to_string())
    }

    #[test]
    fn strict_json_comes_first() {
        assert_eq!(typed("3"), Value::Integer(3));
        assert_eq!(typed("-3"), Value::Integer(-3));
        assert_eq!(typed("3.0"), Value::Float(3.0));
        assert_eq!(typed("1e3"), Value::Float(1000.0));
        assert_eq!(typed("true"), Value::Bool(true));
        assert_eq!(typed("null"), Value::Null);
        assert_eq!(typed("[1]"), Value::List(vec![Value::Integer(1)]));
        assert_eq!(
            typed(r#"{"a":1}"#),
            Value::Dict(Dict::from_iter([("a", 1_u64)]))
        );
        assert_eq!(typed(r#""007""#), Value::from("007"));
        assert_eq!(
            typed("18446744073709551615"),
            Value::Integer(u64::MAX.into())
        );
    }

    #[test]
    fn what_json_does_not_know_is_text() {
        for word in [
            "007", "+5", ".5", "0x10", "nan", "inf", "t", "True", "", " ", "hello", "1.2.3",
        ] {
            assert_eq!(typed(word), Value::from(word), "{word:?}");
        }
    }

    #[test]
    fn keyword_arguments_are_names_with_one_equals_sign() {
        assert_eq!(keyword("age=36"), ("age".into(), Value::Integer(36)));
        assert_eq!(keyword("_a1=x=y"), ("_a1".into(), Value::from("x=y")));
        assert_eq!(
            keyword("tags:=[\"a\"]"),
            ("tags".into(), Value::List(vec!["a".into()]))
        );
        assert_eq!(
            keyword("b=@hex:00ff"),
            ("b".into(), Value::Bytes(vec![0, 255].into()))
        );
        for word in [
            "dGVzdA==",
            "a>=3",
            r#"{"x":"a=b"}"#,
            "http://h/?a=b",
            "abc=",
            "1a=2",
            "a-b=1",
            "=x",
            "größe=1",
        ] {
            assert!(matches!(split_keyword(word), Keyword::None), "{word}");
        }
        assert_eq!(typed("@str:a=b"), Value::from("a=b"));
    }

    #[test]
    fn minus_k_is_always_a_keyword_argument() {
        let words = [
            "a-b=1".to_owned(),
            "empty=".to_owned(),
            "j:={\"x\":1}".to_owned(),
        ];
        let arguments = Arguments::parse(&[], &words).unwrap();
        let expected: [(&str, Value); 3] = [
            ("a-b", Value::Integer(1)),
            ("empty", "".into()),
            ("j", Dict::from_iter([("x", 1_u64)]).into()),
        ];
        assert_eq!(arguments.kwargs, Dict::from_iter(expected));
        assert_eq!(
            Arguments::parse(&[], &["novalue".into()])
                .unwrap_err()
                .exit(),
            Exit::Usage
        );
        let twice = Arguments::parse(&["a=1".into()], &["a=2".into()]).unwrap_err();
        assert_eq!(twice.exit(), Exit::Usage);
    }

    #[test]
    fn sigils_force_a_type() {
        assert_eq!(typed("@str:3"), Value::from("3"));
        assert_eq!(typed("@@home"), Value::from("@home"));
        assert_eq!(typed("@hex:00Ff"), Value::Bytes(vec![0, 255].into()));
        assert_eq!(typed("@b64:AAEC"), Value::Bytes(vec![0, 1, 2].into()));
        assert_eq!(refused("@hex:0").0, Exit::Usage);
        assert_eq!(refused("@hex:+1").0, Exit::Usage);
        assert_eq!(refused("@b64:?").0, Exit::Usage);
        assert_eq!(refused("@").0, Exit::Usage);
        assert_eq!(refused("@env:WAMP_NO_SUCH_VARIABLE").0, Exit::Local);
        assert_eq!(refused("@/no/such/file").0, Exit::Local);
    }

    #[test]
    fn what_looks_like_json_and_is_not_gets_a_caret() {
        let (exit, message) = refused(r#"{"ü":1 b}"#);
        assert_eq!(exit, Exit::Usage);
        let lines: Vec<_> = message.lines().skip(1).collect();
        assert_eq!(lines, [r#"  {"ü":1 b}"#, "         ^"]);
        let (exit, message) = refused("a:=[1,]");
        assert_eq!(exit, Exit::Usage);
        assert!(message.ends_with("  a:=[1,]\n        ^"), "{message}");
    }

    #[test]
    fn whole_numbers_over_64_bits_are_refused_with_the_way_out() {
        let failure = Arguments::parse(&["[99999999999999999999]".into()], &[]).unwrap_err();
        assert_eq!(failure.exit(), Exit::Usage);
        assert!(
            failure
                .to_string()
                .starts_with("99999999999999999999 does not fit")
        );
    }

    /// Any value over JSON. Text that begins with U+0000 is binary data to WAMP.
    fn value() -> impl Strategy<Value = Value> {
        let text = any::<String>().prop_map(|text| text.trim_start_matches('\0').to_owned());
        let finite = any::<f64>().prop_filter("JSON has no such number", |it| it.is_finite());
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-300_i64..300).prop_map(Value::from),
            finite.prop_map(Value::from),
            (-300_i32..300).prop_map(|number| Value::Float(number.into())),
            text.clone().prop_map(Value::from),
            any::<Vec<u8>>().prop_map(|bytes| Value::Bytes(bytes.into())),
        ];
        scalar.prop_recursive(4, 24, 4, move |inner| {
            let entries = prop::collection::btree_map(text.clone(), inner.clone(), 0..4);
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(Value::List),
                entries.prop_map(|entries| Value::Dict(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_typed_sent_printed_and_typed_again_is_the_same(value in value(), name in "[A-Za-z_][A-Za-z0-9_]{0,8}") {
            let word = json::to_line(&value);
            let words = [word.clone(), format!("{name}:={word}")];
            let typed = Arguments::parse(&words, &[]).unwrap();
            prop_assert_eq!(&typed.args, std::slice::from_ref(&value));
            for serializer in [Serializer::Json, Serializer::MsgPack, Serializer::Cbor] {
                let came = Arguments::from_payload(&typed.payload(serializer)).unwrap();
                prop_assert_eq!(&came, &typed);
                prop_assert_eq!(json::to_line(&came.args[0]), word.clone());
            }
        }
    }
}
