//! `--each`: one record of stdin after the other, as they come.

use std::io::{self, BufRead, Read as _};

use clap::ValueEnum;
use tokio::sync::mpsc;

use super::argument::{Arguments, with_caret};
use super::exit::Failure;
use super::json::{self, Reason};
use crate::protocol::{Dict, Value};

/// How many records are read ahead.
const AHEAD_MAX: usize = 16;
/// How long a record may be, in bytes: no message is longer.
const RECORD_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What a line of stdin is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Each {
    /// A text.
    Line,
    /// `{"topic", "args", "kwargs"}`, or one argument that is no object.
    Json,
}

/// One thing to send.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Record {
    /// Where to, if the record says it.
    pub(super) topic: Option<String>,
    pub(super) arguments: Arguments,
}

impl Each {
    /// Reads stdin on a thread of its own: it may block for ever, and is left behind then. Ends after the first error.
    pub(super) fn records(self) -> mpsc::Receiver<Result<Record, Failure>> {
        let (sender, receiver) = mpsc::channel(AHEAD_MAX);
        std::thread::spawn(move || {
            let send = |record| sender.blocking_send(Ok(record)).is_ok();
            if let Err(failure) = self.read(io::stdin().lock(), send) {
                // The command may be over already.
                drop(sender.blocking_send(Err(failure)));
            }
        });
        receiver
    }

    fn read(
        self,
        mut input: impl BufRead,
        mut send: impl FnMut(Record) -> bool,
    ) -> Result<(), Failure> {
        for number in 1_u64.. {
            let mut line = Vec::new();
            let read = (&mut input)
                .take(RECORD_BYTES_MAX + 1)
                .read_until(b'\n', &mut line);
            let read = read.map_err(|error| Failure::io("read", "stdin", &error))?;
            if read == 0 {
                break;
            }
            if line.pop_if(|last| *last == b'\n').is_some() {
                line.pop_if(|last| *last == b'\r');
            } else if read as u64 > RECORD_BYTES_MAX {
                let message =
                    format!("line {number} of stdin has more than {RECORD_BYTES_MAX} bytes");
                return Err(Failure::usage(message));
            }
            let line = String::from_utf8(line)
                .map_err(|_| Failure::usage(format!("line {number} of stdin is not UTF-8 text")))?;
            if let Some(record) = self.record(line, number)?
                && !send(record)
            {
                break;
            }
        }
        Ok(())
    }

    /// `None` for an empty line between objects.
    fn record(self, line: String, number: u64) -> Result<Option<Record>, Failure> {
        if self == Self::Line {
            return Ok(Some(Record::of(line.into())));
        }
        if line.trim().is_empty() {
            return Ok(None);
        }
        let value = json::parse(&line).map_err(|error| {
            let caret = with_caret(&line, error.offset);
            let what = match error.reason {
                Reason::Syntax(_) => "is not JSON: ",
                _ => "cannot be sent: ",
            };
            Failure::usage(format!("line {number} of stdin {what}{error}\n{caret}"))
        })?;
        if !matches!(value, Value::Dict(_)) {
            return Ok(Some(Record::of(value)));
        }
        let record = Record::from_value(value).map_err(|text| {
            let failure = Failure::usage(format!("line {number} of stdin: {text}"));
            failure.hint("to send an object as it is: {\"args\":[OBJECT]}")
        })?;
        Ok(Some(record))
    }
}

impl Record {
    fn of(argument: Value) -> Self {
        Self {
            topic: None,
            arguments: Arguments {
                args: vec![argument],
                kwargs: Dict::new(),
            },
        }
    }

    /// Understands `{"topic", "args", "kwargs"}`, of which each may be missing but not all. What else `wamp sub` prints
    /// may be there too.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn from_value(value: Value) -> Result<Self, String> {
        const KNOWN: &str = "{\"topic\", \"args\", \"kwargs\"}";
        let Value::Dict(dict) = value else {
            return Err(format!("{} is no {KNOWN}", value.kind()));
        };
        let mut record = Self::default();
        let mut is_known = false;
        for (name, value) in dict {
            match (&*name, value) {
                ("topic", Value::Text(topic)) => record.topic = Some(topic.to_string()),
                ("args", Value::List(args)) => record.arguments.args = args,
                ("kwargs", Value::Dict(kwargs)) => record.arguments.kwargs = kwargs,
                ("publication" | "ts" | "details", _) => continue,
                ("topic" | "args" | "kwargs", other) => {
                    return Err(format!("{name:?} is {}", other.kind()));
                }
                _ => return Err(format!("{name:?} is no part of {KNOWN}")),
            }
            is_known = true;
        }
        if is_known {
            Ok(record)
        } else {
            Err(format!("it has nothing of {KNOWN}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(each: Each, input: &str) -> (Vec<Record>, Option<String>) {
        let mut records = Vec::new();
        let done = each.read(input.as_bytes(), |record| {
            records.push(record);
            true
        });
        (records, done.err().map(|failure| failure.to_string()))
    }

    #[test]
    fn lines_are_texts() {
        let (records, failure) = read(Each::Line, "1\r\n\n[x");
        let texts: Vec<_> = records.iter().map(|it| it.arguments.args.clone()).collect();
        assert_eq!(
            texts,
            [vec!["1".into()], vec!["".into()], vec!["[x".into()]]
        );
        assert_eq!(failure, None);
    }

    #[test]
    fn objects_say_where_to_and_what() {
        let input = "{\"topic\":\"t\",\"args\":[1],\"kwargs\":{\"a\":2},\"ts\":\"x\"}\n\n[1]\n3\n";
        let (records, failure) = read(Each::Json, input);
        assert_eq!(failure, None);
        assert_eq!(records[0].topic.as_deref(), Some("t"));
        assert_eq!(records[0].arguments.args, [Value::Integer(1)]);
        assert_eq!(records[0].arguments.kwargs.len(), 1);
        assert_eq!(records[1].arguments.args, [Value::List(vec![1_u64.into()])]);
        assert_eq!(records[2].arguments.args, [Value::Integer(3)]);
    }

    #[test]
    fn a_record_that_makes_no_sense_is_named_by_its_line() {
        for (input, told) in [
            ("1\n{\"a\":1}", "line 2 of stdin: \"a\" is no part of"),
            ("{}", "line 1 of stdin: it has nothing of"),
            ("{\"args\":1}", "line 1 of stdin: \"args\" is an integer"),
            ("[1", "line 1 of stdin is not JSON: "),
        ] {
            let (_, failure) = read(Each::Json, input);
            let failure = failure.unwrap();
            assert!(failure.starts_with(told), "{failure}");
        }
    }
}
