//! Values of steps: captured ones put in, and what came compared with what was expected.

use std::collections::BTreeMap;

use super::step::Arguments;
use crate::protocol::{Dict, Value};

/// What was captured, by name.
pub(super) type Captured = BTreeMap<String, Value>;

/// Puts captured values where a text is `$name`; `$$name` is the text `$name`.
///
/// # Errors
/// The name of what was not captured.
pub(super) fn fill(value: &Value, captured: &Captured) -> Result<Value, String> {
    Ok(match value {
        Value::Text(text) => match text.strip_prefix('$') {
            None | Some("") => value.clone(),
            Some(rest) if rest.starts_with('$') => rest.into(),
            Some(name) => {
                let found = captured.get(name);
                found
                    .ok_or_else(|| format!("nothing was captured as {name:?}"))?
                    .clone()
            }
        },
        Value::List(values) => {
            let filled: Result<Vec<Value>, String> =
                values.iter().map(|value| fill(value, captured)).collect();
            Value::List(filled?)
        }
        Value::Dict(dict) => Value::Dict(fill_dict(dict, captured)?),
        value => value.clone(),
    })
}

fn fill_dict(dict: &Dict, captured: &Captured) -> Result<Dict, String> {
    dict.iter()
        .map(|(name, value)| Ok((name.clone(), fill(value, captured)?)))
        .collect::<Result<Vec<_>, String>>()
        .map(Dict::from_iter)
}

/// The same for arguments.
pub(super) fn fill_arguments(
    arguments: &Arguments,
    captured: &Captured,
) -> Result<Arguments, String> {
    let args: Result<Vec<Value>, String> = arguments
        .args
        .iter()
        .map(|value| fill(value, captured))
        .collect();
    Ok(Arguments {
        args: args?,
        kwargs: fill_dict(&arguments.kwargs, captured)?,
    })
}

/// Whether a value is as expected, whatever the order of names.
pub(super) fn is_same(expected: &Value, value: &Value) -> bool {
    match (expected, value) {
        (Value::Dict(expected), Value::Dict(dict)) => {
            expected.len() == dict.len() && has_names(expected, dict, is_same)
        }
        (Value::List(expected), Value::List(list)) => {
            expected.len() == list.len()
                && expected
                    .iter()
                    .zip(list)
                    .all(|(expected, value)| is_same(expected, value))
        }
        _ => expected == value,
    }
}

/// Whether a value has all that is expected: of dicts the names given, of lists each somewhere.
pub(super) fn has_part(expected: &Value, value: &Value) -> bool {
    match (expected, value) {
        (Value::Dict(expected), Value::Dict(dict)) => has_names(expected, dict, has_part),
        (Value::List(expected), Value::List(list)) => expected
            .iter()
            .all(|expected| list.iter().any(|value| has_part(expected, value))),
        _ => is_same(expected, value),
    }
}

fn has_names(expected: &Dict, dict: &Dict, is: fn(&Value, &Value) -> bool) -> bool {
    let mut names = expected.iter();
    names.all(|(name, expected)| dict.get(name).is_some_and(|value| is(expected, value)))
}

/// The value at a JSON pointer, such as `/user/0`. Spec: RFC 6901.
pub(super) fn at<'a>(value: &'a Value, pointer: &str) -> Option<&'a Value> {
    let mut found = value;
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        found = match found {
            Value::Dict(dict) => dict.get(&part)?,
            Value::List(list) => list.get(part.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::json;

    fn of(text: &str) -> Value {
        json::parse(text).unwrap()
    }

    #[test]
    fn a_part_is_all_that_is_named() {
        assert!(is_same(&of(r#"{"a":1,"b":2}"#), &of(r#"{"b":2,"a":1}"#)));
        assert!(!is_same(&of("1"), &of("1.0")));
        assert!(has_part(
            &of(r#"{"a":{"b":1}}"#),
            &of(r#"{"a":{"b":1,"c":2},"d":3}"#)
        ));
        assert!(has_part(&of("[2]"), &of("[1,2]")));
        assert!(!has_part(&of("[3]"), &of("[1,2]")));
        assert!(!has_part(&of(r#"{"a":1}"#), &of("{}")));
    }

    #[test]
    fn what_was_captured_stands_where_its_name_does() {
        let captured = Captured::from([("id".to_owned(), of("[7]"))]);
        let filled = fill(&of(r#"{"a":["$id","$$id","$","x$id"]}"#), &captured).unwrap();
        assert_eq!(filled, of(r#"{"a":[[7],"$id","$","x$id"]}"#));
        assert!(fill(&of(r#""$no""#), &captured).is_err());
    }

    #[test]
    fn pointers_lead_into_values() {
        let value = of(r#"{"a":[{"b/c":5}]}"#);
        assert_eq!(at(&value, ""), Some(&value));
        assert_eq!(at(&value, "/a/0/b~1c"), Some(&of("5")));
        assert_eq!(at(&value, "/a/1"), None);
    }
}
