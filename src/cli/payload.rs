//! What `call` and `pub` send: words, JSON as a whole, or one record of stdin after the other.

use super::argument::{self, Arguments};
use super::exit::Failure;
use super::records::{Each, Record};
use crate::protocol::{Dict, Value};

/// What is sent.
#[derive(Debug, clap::Args)]
pub(super) struct PayloadArgs {
    /// Arguments, typed as below
    #[arg(value_name = "ARG", allow_negative_numbers = true)]
    words: Vec<String>,
    /// Keyword argument, also with a name that is no word
    #[arg(short, long = "kwarg", value_name = "NAME=VALUE")]
    keywords: Vec<String>,
    /// All arguments at once: a list, @json:FILE, or @json:- for stdin
    #[arg(long, value_name = "JSON", conflicts_with = "words")]
    args: Option<String>,
    /// All keyword arguments at once, in the same ways: a dict
    #[arg(long, value_name = "JSON", conflicts_with_all = ["words", "keywords"])]
    kwargs: Option<String>,
    /// Both at once, as {"args", "kwargs"}; - reads them from stdin
    #[arg(long, value_name = "JSON", conflicts_with_all = ["words", "keywords", "args", "kwargs"])]
    payload: Option<String>,
    /// Once for each line of stdin: line is a text, json is {"args", "kwargs"}, or one argument if it is no object
    #[arg(long, value_enum, value_name = "FORMAT", hide_possible_values = true)]
    #[arg(conflicts_with_all = ["words", "keywords", "args", "kwargs", "payload"])]
    each: Option<Each>,
}

/// Where what is sent comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// The same, as often as is wanted.
    Same(Arguments),
    /// Each record of stdin, once.
    Each(Each),
}

impl PayloadArgs {
    /// Reads what was written, and stdin where it was named.
    ///
    /// # Errors
    /// Words that make no sense, files that cannot be read.
    pub(super) fn source(&self) -> Result<Source, Failure> {
        if let Some(each) = self.each {
            return Ok(Source::Each(each));
        }
        Ok(Source::Same(self.arguments()?))
    }

    fn arguments(&self) -> Result<Arguments, Failure> {
        if let Some(payload) = &self.payload {
            let word = if payload == "-" { "@json:-" } else { payload };
            return whole(argument::value(word)?);
        }
        let words = [self.args.as_deref(), self.kwargs.as_deref()];
        if words == [None, None] {
            return Arguments::parse(&self.words, &self.keywords);
        }
        let [args, kwargs] = argument::values(words)?;
        let mut arguments = Arguments::parse(&[], &self.keywords)?;
        if let Some(args) = args {
            arguments.args = list(args, "--args")?;
        }
        if let Some(kwargs) = kwargs {
            arguments.kwargs = dict(kwargs, "--kwargs")?;
        }
        Ok(arguments)
    }
}

fn whole(payload: Value) -> Result<Arguments, Failure> {
    match Record::from_value(payload) {
        Ok(Record {
            topic: None,
            arguments,
        }) => Ok(arguments),
        Ok(_) => Err(Failure::usage("--payload names a topic"))
            .map_err(|failure| failure.hint("the topic is the command's first argument")),
        Err(text) => Err(Failure::usage(format!("--payload: {text}"))),
    }
}

fn list(value: Value, flag: &str) -> Result<Vec<Value>, Failure> {
    match value {
        Value::List(values) => Ok(values),
        other => Err(unfit(flag, "a list, as [1,2]", &other)),
    }
}

fn dict(value: Value, flag: &str) -> Result<Dict, Failure> {
    match value {
        Value::Dict(dict) => Ok(dict),
        other => Err(unfit(flag, "a dict, as {\"a\":1}", &other)),
    }
}

fn unfit(flag: &str, wanted: &str, got: &Value) -> Failure {
    Failure::usage(format!("{flag} takes {wanted}, not {}", got.kind()))
}
