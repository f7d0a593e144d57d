//! Values as YAML 1.2 in block style. Text is quoted wherever a parser could take it for something else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::json;
use crate::protocol::Value;

/// A document without its end of line.
pub(super) fn document(value: &Value) -> String {
    let mut out = String::new();
    write(value, 0, &mut out);
    out
}

/// Writes a value at the place where the cursor is.
fn write(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::List(values) if !values.is_empty() => {
            for (index, value) in values.iter().enumerate() {
                begin_line(index, indent, out);
                out.push_str("- ");
                write(value, indent + 1, out);
            }
        }
        Value::Dict(dict) if !dict.is_empty() => {
            for (index, (name, value)) in dict.iter().enumerate() {
                begin_line(index, indent, out);
                out.push_str(&text(name));
                out.push(':');
                let is_block = match value {
                    Value::List(values) => !values.is_empty(),
                    Value::Dict(dict) => !dict.is_empty(),
                    _ => false,
                };
                if is_block {
                    // As if something were before it on the line.
                    begin_line(1, indent + 1, out);
                } else {
                    out.push(' ');
                }
                write(value, indent + 1, out);
            }
        }
        Value::Text(value) => out.push_str(&text(value)),
        Value::Bytes(bytes) => {
            out.push_str("!!binary \"");
            out.push_str(&BASE64.encode(bytes));
            out.push('"');
        }
        Value::Float(number) if number.is_nan() => out.push_str(".nan"),
        Value::Float(number) if number.is_infinite() => {
            out.push_str(if *number > 0.0 { ".inf" } else { "-.inf" });
        }
        value => out.push_str(&json::to_line(value)),
    }
}

fn begin_line(index: usize, indent: usize, out: &mut String) {
    if index > 0 {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", indent));
    }
}

/// A text, in JSON's quotes (which are YAML's) unless it is plainly a word.
fn text(text: &str) -> String {
    /// What YAML 1.1 or 1.2 takes for a boolean or for nothing.
    const TAKEN: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"];
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with(' ')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-. /".contains(c))
        && !TAKEN.iter().any(|taken| text.eq_ignore_ascii_case(taken));
    if is_plain {
        return text.to_owned();
    }
    // Two that JSON leaves as they are, and YAML takes for ends of line.
    json::to_line(&text.into())
        .replace('\u{85}', "\\N")
        .replace('\u{feff}', "\\uFEFF")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn expect(json: &str, yaml: &str) {
        assert_eq!(document(&json::parse(json).unwrap()), yaml);
    }

    #[test]
    fn blocks_are_indented() {
        expect(
            r#"{"a":[1,{"b":2.0,"c":[]},[3,[4]]],"d":{"e":null}}"#,
            "a:\n  - 1\n  - b: 2.0\n    c: []\n  - - 3\n    - - 4\nd:\n  e: null",
        );
        expect("[]", "[]");
        expect("8", "8");
    }

    #[test]
    fn text_that_could_be_something_else_is_quoted() {
        for (text, yaml) in [
            ("hello world", "hello world"),
            ("no", "\"no\""),
            ("3", "\"3\""),
            ("a: b", "\"a: b\""),
            ("a ", "\"a \""),
            ("", "\"\""),
            ("#x", "\"#x\""),
            ("\u{fc}\n", "\"\u{fc}\\n\""),
            ("-", "\"-\""),
        ] {
            assert_eq!(document(&text.into()), yaml, "{text:?}");
        }
        assert_eq!(
            document(&Value::Bytes(vec![0, 255].into())),
            "!!binary \"AP8=\""
        );
    }
}
