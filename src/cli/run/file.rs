//! From a file to steps: TOML, or YAML, in our own words or in wick's.
//!
//! Both formats become one kind of value, which is then read key by key, so that a key that is none is found.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Number, Value as Json};
use toml::de::{DeTable, DeValue};

use super::WITHIN;
use super::step::{Action, Arguments, Expected, Step};
use crate::cli::client::parse_timeout;
use crate::cli::console::printable;
use crate::cli::exit::Failure;
use crate::cli::json;
use crate::protocol::{Dict, Value};

/// How long such a file may be, in bytes.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// How long what wick expects may take to come: it does not say.
const WICK_WITHIN: Duration = Duration::from_secs(2);

/// Reads a file's steps.
///
/// # Errors
/// It cannot be read, is neither TOML nor YAML, or a step makes no sense.
pub(super) fn load(file: &Path) -> Result<Vec<Step>, Failure> {
    let name = file.display();
    let failed = |what: String| Failure::local(printable(&format!("{name}: {what}")));
    let read = fs::metadata(file).and_then(|metadata| {
        if metadata.len() > FILE_BYTES_MAX {
            return Err(std::io::Error::other("more than 4 MiB"));
        }
        fs::read_to_string(file)
    });
    let text = read.map_err(|error| Failure::io("read", &name, &error))?;
    let is_toml = file
        .extension()
        .is_some_and(|extension| extension == "toml");
    let root = if is_toml { toml(&text) } else { yaml(&text) };
    steps(root.map_err(failed)?).map_err(failed)
}

fn toml(text: &str) -> Result<Json, String> {
    let root = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let line = text.get(..at).unwrap_or(text).matches('\n').count() + 1;
        format!("line {line}: {}", error.message())
    })?;
    table(root.get_ref())
}

fn table(table: &DeTable<'_>) -> Result<Json, String> {
    let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
        let key: &std::borrow::Cow<'_, str> = key.get_ref();
        Ok((key.to_string(), toml_value(value.get_ref())?))
    };
    let entries: Result<Map<String, Json>, String> = table.iter().map(entry).collect();
    Ok(Json::Object(entries?))
}

fn toml_value(value: &DeValue<'_>) -> Result<Json, String> {
    Ok(match value {
        DeValue::String(text) => Json::from(text.to_string()),
        DeValue::Boolean(flag) => Json::Bool(*flag),
        DeValue::Datetime(time) => Json::from(time.to_string()),
        DeValue::Integer(number) => {
            let parsed = i64::from_str_radix(number.as_str(), number.radix());
            Json::from(parsed.map_err(|_| format!("{number} does not fit into 64 bits"))?)
        }
        DeValue::Float(number) => {
            let parsed = number.as_str().parse::<f64>().ok();
            let finite = parsed.and_then(Number::from_f64);
            Json::Number(finite.ok_or_else(|| format!("{number} is no number that JSON has"))?)
        }
        DeValue::Array(values) => {
            let values = values.iter().map(|value| toml_value(value.get_ref()));
            Json::Array(values.collect::<Result<_, String>>()?)
        }
        DeValue::Table(inner) => table(inner)?,
    })
}

fn yaml(text: &str) -> Result<Json, String> {
    serde_saphyr::from_str::<Json>(text).map_err(|error| {
        // The first line says it; an excerpt follows, which is not for one line.
        let text = error.to_string();
        text.lines().next().unwrap_or_default().to_owned()
    })
}

type ReadStep = fn(&mut Keys) -> Result<Step, String>;

fn steps(root: Json) -> Result<Vec<Step>, String> {
    let Json::Object(mut root) = root else {
        return Err("it is no table of steps".to_owned());
    };
    let (name, read): (_, ReadStep) = if root.contains_key("tasks") {
        ("tasks", wick_step)
    } else {
        ("step", own_step)
    };
    let Some(Json::Array(list)) = root.remove(name) else {
        return Err("it has no list of steps: [[step]], or wick's tasks".to_owned());
    };
    root.remove("version");
    if let Some(key) = root.keys().next() {
        return Err(format!("there is no setting {key:?}"));
    }
    let step = |(index, step): (usize, Json)| {
        let at = |what: String| format!("step {}: {what}", index + 1);
        let Json::Object(map) = step else {
            return Err(at("it is no table".to_owned()));
        };
        let mut keys = Keys(map);
        let step = read(&mut keys).map_err(at)?;
        keys.finish().map_err(at)?;
        Ok(step)
    };
    list.into_iter().enumerate().map(step).collect()
}

/// The keys of a step, taken one by one.
struct Keys(Map<String, Json>);

impl Keys {
    fn finish(&self) -> Result<(), String> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(key) => Err(format!("{key:?} is no setting of such a step")),
        }
    }

    fn text(&mut self, key: &str) -> Result<Option<String>, String> {
        match self.0.remove(key) {
            None => Ok(None),
            Some(Json::String(text)) => Ok(Some(text)),
            Some(_) => Err(format!("{key} is a text")),
        }
    }

    fn need(&mut self, key: &str) -> Result<String, String> {
        let text = self.text(key)?;
        text.ok_or_else(|| format!("it needs {key}"))
    }

    fn value(&mut self, key: &str) -> Result<Option<Value>, String> {
        self.0.remove(key).map(|it| value(&it)).transpose()
    }

    fn dict(&mut self, key: &str) -> Result<Dict, String> {
        match self.value(key)? {
            None | Some(Value::Null) => Ok(Dict::new()),
            Some(Value::Dict(dict)) => Ok(dict),
            Some(_) => Err(format!("{key} is a table")),
        }
    }

    fn list(&mut self, key: &str) -> Result<Vec<Value>, String> {
        match self.value(key)? {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::List(list)) => Ok(list),
            Some(_) => Err(format!("{key} is a list")),
        }
    }

    fn arguments(&mut self) -> Result<Arguments, String> {
        Ok(Arguments {
            args: self.list("args")?,
            kwargs: self.dict("kwargs")?,
        })
    }

    /// A table of `args` and `kwargs`.
    fn inner(&mut self, key: &str) -> Result<Option<Arguments>, String> {
        match self.0.remove(key) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::Object(map)) => {
                let mut keys = Self(map);
                let arguments = keys.arguments()?;
                keys.finish().map_err(|error| format!("{key}: {error}"))?;
                Ok(Some(arguments))
            }
            Some(_) => Err(format!("{key} is a table of args and kwargs")),
        }
    }
}

fn value(json: &Json) -> Result<Value, String> {
    json::parse(&json.to_string()).map_err(|error| error.to_string())
}

fn own_step(keys: &mut Keys) -> Result<Step, String> {
    let name = keys.text("name")?;
    let options = keys.dict("options")?;
    let within = keys.text("within")?.map(|text| parse_timeout(&text));
    let within = within.transpose()?.unwrap_or(WITHIN);
    let mut expected = Expected {
        value: keys.value("expect")?,
        arguments: None,
        part: keys.value("contains")?,
        error: keys.text("error")?,
        captures: captures(keys)?,
    };
    let (word, about, action) = if let Some(procedure) = keys.text("register")? {
        expected.arguments = keys.inner("invocation")?;
        let answer = match keys.0.remove("echo") {
            None | Some(Json::Bool(false)) => Some(keys.inner("yield")?.unwrap_or_default()),
            Some(Json::Bool(true)) => None,
            Some(_) => return Err("echo is true or false".to_owned()),
        };
        let about = procedure.clone();
        ("register", about, Action::Register { procedure, answer })
    } else if let Some(procedure) = keys.text("call")? {
        let arguments = keys.arguments()?;
        let about = procedure.clone();
        (
            "call",
            about,
            Action::Call {
                procedure,
                arguments,
            },
        )
    } else if let Some(topic) = keys.text("sub")? {
        ("sub", topic.clone(), Action::Subscribe { topic })
    } else if let Some(topic) = keys.text("pub")? {
        let arguments = keys.arguments()?;
        ("pub", topic.clone(), Action::Publish { topic, arguments })
    } else if let Some(topic) = keys.text("event")? {
        ("event", topic.clone(), Action::Event { topic })
    } else {
        return Err("it needs one of register, call, sub, pub, event".to_owned());
    };
    Ok(Step {
        name: name.unwrap_or_else(|| format!("{word} {about}")),
        action,
        options,
        expected,
        within,
    })
}

fn captures(keys: &mut Keys) -> Result<Vec<(String, String)>, String> {
    let pointer = |(name, value): (_, Value)| match value {
        Value::Text(pointer) if pointer.is_empty() || pointer.starts_with('/') => {
            Ok((name, pointer.to_string()))
        }
        _ => Err(
            "capture is a table of names, each with \"\" or a place such as \"/0/id\"".to_owned(),
        ),
    };
    let named = keys.dict("capture")?.into_iter();
    named
        .map(|(name, value)| pointer((name.to_string(), value)))
        .collect()
}

/// A task of wick's. What it only logs when it differs fails here.
fn wick_step(keys: &mut Keys) -> Result<Step, String> {
    let name = keys.text("name")?;
    let kind = keys.need("type")?;
    let options = keys.dict("options")?;
    let mut expected = Expected::default();
    let (about, action) = match kind.as_str() {
        "register" => {
            let procedure = keys.need("procedure")?;
            expected.arguments = keys.inner("invocation")?;
            let answer = Some(keys.inner("yield")?.unwrap_or_default());
            (procedure.clone(), Action::Register { procedure, answer })
        }
        "call" => {
            let procedure = keys.need("procedure")?;
            expected.arguments = keys.inner("result")?;
            let arguments = keys.inner("parameters")?.unwrap_or_default();
            (
                procedure.clone(),
                Action::Call {
                    procedure,
                    arguments,
                },
            )
        }
        "subscribe" => {
            let topic = keys.need("topic")?;
            expected.arguments = keys.inner("event")?;
            (topic.clone(), Action::Subscribe { topic })
        }
        "publish" => {
            let topic = keys.need("topic")?;
            let arguments = keys.inner("parameters")?.unwrap_or_default();
            (topic.clone(), Action::Publish { topic, arguments })
        }
        other => {
            return Err(format!(
                "the type {other:?} is none of register, call, subscribe, publish"
            ));
        }
    };
    Ok(Step {
        name: name.unwrap_or_else(|| format!("{kind} {about}")),
        action,
        options,
        expected,
        within: WICK_WITHIN,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Vec<Step>, String> {
        steps(toml(text)?)
    }

    #[test]
    fn both_formats_say_the_same() {
        let toml =
            of("[[step]]\ncall = \"sum\"\nargs = [3, 0x10, 2.5, \"x\"]\nexpect = 8\n").unwrap();
        let text = "step:\n- call: sum\n  args: [3, 16, 2.5, x]\n  expect: 8\n";
        assert_eq!(toml, steps(yaml(text).unwrap()).unwrap());
        assert_eq!(toml[0].name, "call sum");
    }

    #[test]
    fn what_makes_no_sense_is_told_by_step() {
        let told = |text: &str| of(text).unwrap_err();
        assert_eq!(
            told("x = 1"),
            "it has no list of steps: [[step]], or wick's tasks"
        );
        assert_eq!(
            told("[[step]]\ncall = \"a\"\n[[step]]\n"),
            "step 2: it needs one of register, call, sub, pub, event"
        );
        assert_eq!(
            told("[[step]]\ncall = \"a\"\nargz = []\n"),
            "step 1: \"argz\" is no setting of such a step"
        );
        assert_eq!(
            told("[[step]]\ncall = \"a\"\nargs = 1\n"),
            "step 1: args is a list"
        );
        assert!(told("\n[[step]\n").starts_with("line 2: "));
        assert!(yaml("a: [1\nb: 2").is_err());
    }
}
