//! Our values as jaq has them, and back. Integers, floats, text and bytes stay apart on both ways.

use jaq_json::{Map, Num, Val};

use crate::protocol::{Dict, Value};

/// What `--jq` works on.
pub(super) fn to_jaq(value: Value) -> Val {
    match value {
        Value::Null => Val::Null,
        Value::Bool(value) => Val::Bool(value),
        Value::Integer(number) => Val::Num(Num::from_integral(number)),
        Value::Float(number) => Val::Num(Num::Float(number)),
        Value::Text(text) => Val::utf8_str(text.into_bytes()),
        Value::Bytes(bytes) => Val::byte_str(bytes),
        Value::List(values) => values.into_iter().map(to_jaq).collect(),
        Value::Dict(dict) => {
            let entry = |(name, value): (bytestring::ByteString, Value)| {
                (Val::utf8_str(name.into_bytes()), to_jaq(value))
            };
            Val::obj(dict.into_iter().map(entry).collect::<Map>())
        }
    }
}

/// What `--jq` made.
///
/// # Errors
/// In words, what no message carries.
pub(super) fn from_jaq(value: &Val) -> Result<Value, String> {
    Ok(match value {
        Val::Null => Value::Null,
        Val::Bool(value) => Value::Bool(*value),
        Val::Num(number) => from_number(number)?,
        Val::BStr(bytes) => Value::Bytes(bytes.as_ref().clone()),
        Val::TStr(text) => String::from_utf8_lossy(text).as_ref().into(),
        Val::Arr(values) => {
            let values: Result<_, _> = values.iter().map(from_jaq).collect();
            Value::List(values?)
        }
        Val::Obj(entries) => {
            let mut dict = Dict::new();
            for (name, value) in entries.iter() {
                let Val::TStr(name) = name else {
                    return Err(format!("{name} is the name of a value, and no text"));
                };
                dict.push(String::from_utf8_lossy(name).as_ref(), from_jaq(value)?);
            }
            Value::Dict(dict)
        }
    })
}

fn from_number(number: &Num) -> Result<Value, String> {
    let text = match number {
        Num::Int(number) => return Ok(Value::Integer(i128::try_from(*number).unwrap_or_default())),
        Num::Float(number) => return Ok(Value::Float(*number)),
        Num::BigInt(number) => number.to_string(),
        Num::Dec(number) => number.to_string(),
    };
    let fits = |number: &i128| i64::try_from(*number).is_ok() || u64::try_from(*number).is_ok();
    match text.parse::<i128>() {
        Ok(number) if fits(&number) => Ok(Value::Integer(number)),
        _ if matches!(number, Num::BigInt(_)) => Err(format!("{text} does not fit into 64 bits")),
        _ => text
            .parse()
            .map(Value::Float)
            .map_err(|_| format!("{text} is no number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_the_way_in_and_out() {
        let values = vec![
            Value::Null,
            Value::Bool(true),
            Value::Integer(u64::MAX.into()),
            Value::Integer(i64::MIN.into()),
            Value::Float(3.0),
            Value::Text("\u{fc}".into()),
            Value::Bytes(vec![0, 255].into()),
            Value::Dict(Dict::from_iter([("b", 1_u64), ("a", 2)])),
        ];
        let list = Value::List(values);
        assert_eq!(from_jaq(&to_jaq(list.clone())), Ok(list));
    }

    #[test]
    fn what_no_message_carries_is_named() {
        let large = to_jaq(Value::Integer(i128::from(u64::MAX) + 1));
        let told = from_jaq(&large).unwrap_err();
        assert_eq!(told, "18446744073709551616 does not fit into 64 bits");
        let strange = Val::obj(Map::from_iter([(Val::Bool(true), Val::Null)]));
        assert!(from_jaq(&strange).is_err());
    }
}
