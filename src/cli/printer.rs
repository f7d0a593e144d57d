//! The answers of a command: the only place that writes to stdout.
//!
//! Into a pipe or a file each answer is one compact line of JSON, flushed; on a terminal it is laid out for people.

use std::io::{self, Write as _};
use std::time::SystemTime;

use anyhow::Result;
use clap::ValueEnum;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::argument::Arguments;
use super::console::{Console, Palette, printable};
use super::exit::{Exit, Failure};
use super::{json, render};
use crate::protocol::{Dict, PublicationId, Value};
use crate::transport::io_text;

/// The width that a topic gets at least, so that most lines align.
const TOPIC_CHARS_MIN: usize = 16;
/// The width that a topic gets at most.
const TOPIC_CHARS_MAX: usize = 40;

/// How answers look.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArgs {
    /// Format of the answer [default: pretty on a terminal, else json]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<Format>,
    /// Same as -o raw
    #[arg(short, long, conflicts_with = "output")]
    raw: bool,
    /// Let -r write bytes to a terminal
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Json,
    Pretty,
    Raw,
}

/// How an answer is written, decided once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// One line of JSON.
    Line,
    /// JSON over lines.
    Indented,
    /// For people, who see bytes by their size.
    Screen {
        one_line_events: bool,
    },
    Raw,
}

/// An event as it is shown.
#[derive(Debug)]
pub(super) struct ShownEvent {
    pub(super) topic: String,
    pub(super) arguments: Arguments,
    pub(super) publication: PublicationId,
    pub(super) received: SystemTime,
}

/// Writes answers to stdout.
#[derive(Debug)]
pub(super) struct Printer {
    layout: Layout,
    palette: Palette,
    is_mute: bool,
    may_write_bytes: bool,
    topic_chars: usize,
    zone: TimeZone,
}

impl Printer {
    pub(super) fn new(args: &OutputArgs, console: &Console) -> Self {
        let is_terminal = console.stdout_is_terminal();
        let format = if args.raw {
            Some(Format::Raw)
        } else {
            args.output
        };
        let layout = match format {
            Some(Format::Json) => Layout::Line,
            Some(Format::Raw) => Layout::Raw,
            Some(Format::Pretty) if !is_terminal => Layout::Indented,
            None if !is_terminal => Layout::Line,
            Some(Format::Pretty) => Layout::Screen {
                one_line_events: false,
            },
            None => Layout::Screen {
                one_line_events: true,
            },
        };
        let shows_time = layout
            == Layout::Screen {
                one_line_events: true,
            };
        Self {
            layout,
            palette: console.stdout(),
            is_mute: console.is_mute(),
            may_write_bytes: args.force || !is_terminal,
            topic_chars: TOPIC_CHARS_MIN,
            zone: if shows_time {
                TimeZone::system()
            } else {
                TimeZone::UTC
            },
        }
    }

    /// Whether answers are set for people to read, on a terminal: then a table says more than lines of JSON.
    pub(super) fn is_for_people(&self) -> bool {
        let screen = Layout::Screen {
            one_line_events: true,
        };
        self.layout == screen
    }

    /// Writes plain lines that are no values.
    pub(super) fn text(&self, text: &str) -> Result<()> {
        self.write(format!("{text}\n").as_bytes())
    }

    /// Writes a result: one argument is itself, several are a list, keyword arguments a dict, both an envelope.
    pub(super) fn result(&self, arguments: Arguments) -> Result<()> {
        match shape(arguments) {
            None => Ok(()),
            Some(value) => self.value(&value),
        }
    }

    /// Writes an event.
    pub(super) fn event(&mut self, event: ShownEvent) -> Result<()> {
        match self.layout {
            Layout::Raw => self.result(event.arguments),
            Layout::Screen {
                one_line_events: true,
            } => {
                let line = self.event_line(&event);
                self.write(format!("{line}\n").as_bytes())
            }
            Layout::Line | Layout::Indented | Layout::Screen { .. } => self.value(&envelope(event)),
        }
    }

    /// Writes one value.
    pub(super) fn value(&self, value: &Value) -> Result<()> {
        let text = match self.layout {
            Layout::Line => render::json(&json::to_line(value), self.palette),
            Layout::Indented => render::json(&json::to_pretty(value), self.palette),
            Layout::Screen { .. } => render::pretty(value, self.palette),
            Layout::Raw => return self.raw(value),
        };
        self.write(format!("{text}\n").as_bytes())
    }

    fn raw(&self, value: &Value) -> Result<()> {
        let Value::Bytes(bytes) = value else {
            return self.write(format!("{}\n", json::plain(value)).as_bytes());
        };
        if self.may_write_bytes {
            return self.write(bytes);
        }
        let failure = Failure::usage("the answer is binary data, and stdout is a terminal");
        Err(failure.hint("redirect it, or add --force").into())
    }

    /// `12:30:25.123 filewithext.txt   ["saved"]  size=1024`
    fn event_line(&mut self, event: &ShownEvent) -> String {
        let time = Timestamp::try_from(event.received)
            .map_or_else(|_| String::new(), |time| local_time(time, &self.zone));
        let topic = printable(&event.topic);
        let chars = topic.chars().count();
        self.topic_chars = self.topic_chars.max(chars.min(TOPIC_CHARS_MAX));
        let gap = " ".repeat(self.topic_chars.saturating_sub(chars) + 2);
        let Arguments { args, kwargs } = &event.arguments;
        let mut said = Vec::new();
        if !args.is_empty() {
            said.push(render::line(&Value::List(args.clone()), self.palette));
        }
        if !kwargs.is_empty() {
            said.push(render::keywords(kwargs, self.palette));
        }
        let line = format!(
            "{} {}{gap}{}",
            self.palette.note(&time),
            self.palette.topic(&topic),
            said.join("  ")
        );
        line.trim_end().to_owned()
    }

    fn write(&self, bytes: &[u8]) -> Result<()> {
        if self.is_mute {
            return Ok(());
        }
        write_stdout(bytes)
    }
}

/// Writes to stdout at once, for who has a layout of its own.
pub(super) fn write_stdout(bytes: &[u8]) -> Result<()> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
    written.map_err(|error| {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Failure::new(Exit::PipeClosed, "stdout is closed").into()
        } else {
            Failure::local(format!("cannot write to stdout: {}", io_text(&error))).into()
        }
    })
}

/// Ends when nobody reads stdout any more; never where it is no pipe.
pub(super) async fn stdout_closed() {
    use std::os::fd::AsFd as _;
    use tokio::io::Interest;
    use tokio::net::unix::pipe::Sender;
    // Unchecked leaves the pipe blocking, which writing to it relies on.
    let pipe = io::stdout().as_fd().try_clone_to_owned();
    if let Ok(pipe) = pipe.and_then(Sender::from_owned_fd_unchecked)
        && pipe.ready(Interest::ERROR).await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

/// What a payload is as one value; `None` where there is nothing in it.
fn shape(arguments: Arguments) -> Option<Value> {
    let Arguments { mut args, kwargs } = arguments;
    match (args.len(), kwargs.is_empty()) {
        (0, true) => None,
        (1, true) => args.pop(),
        (_, true) => Some(Value::List(args)),
        (0, false) => Some(Value::Dict(kwargs)),
        (_, false) => {
            let entries = [("args", Value::List(args)), ("kwargs", Value::Dict(kwargs))];
            Some(Value::Dict(Dict::from_iter(entries)))
        }
    }
}

fn envelope(event: ShownEvent) -> Value {
    let received = humantime::format_rfc3339_millis(event.received).to_string();
    Value::Dict(Dict::from_iter([
        ("topic", event.topic.into()),
        ("args", Value::List(event.arguments.args)),
        ("kwargs", Value::Dict(event.arguments.kwargs)),
        ("publication", event.publication.value().into()),
        ("ts", Value::from(received)),
    ]))
}

/// A time of day as people read it.
pub(super) fn local_time(time: Timestamp, zone: &TimeZone) -> String {
    let local = time.to_zoned_datetime(zone.clone());
    local.strftime("%H:%M:%S%.3f").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_shown_as_the_least_that_tells_all() {
        let shaped = |args: Vec<Value>, kwargs: Dict| {
            shape(Arguments { args, kwargs }).map(|value| json::to_line(&value))
        };
        let one = || vec![Value::Integer(8)];
        let named = || Dict::from_iter([("a", 1_u64)]);
        assert_eq!(shaped(vec![], Dict::new()), None);
        assert_eq!(shaped(one(), Dict::new()).unwrap(), "8");
        assert_eq!(
            shaped(vec![1_u64.into(), Value::Null], Dict::new()).unwrap(),
            "[1,null]"
        );
        assert_eq!(shaped(vec![], named()).unwrap(), r#"{"a":1}"#);
        assert_eq!(
            shaped(one(), named()).unwrap(),
            r#"{"args":[8],"kwargs":{"a":1}}"#
        );
    }
}
