//! The answers of a command: the only place that writes to stdout.
//!
//! Into a pipe or a file each answer is one compact line of JSON, flushed; on a terminal it is laid out for people. `-o`
//! asks for another format: its own files are [`yaml`], [`table`] and, for terminals, [`render`].

use std::io::{self, Write as _};

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytestring::ByteString;
use clap::ValueEnum;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::argument::Arguments;
use super::console::{Console, Palette, printable};
use super::exit::{Exit, Failure};
use super::{json, render, table, yaml};
use crate::protocol::{Dict, PublicationId, Value};

/// The width that a topic gets at least, so that most lines align.
const TOPIC_CHARS_MIN: usize = 16;
/// The width that a topic gets at most.
const TOPIC_CHARS_MAX: usize = 40;

/// How answers look.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArgs {
    #[command(flatten)]
    format: FormatArgs,
    /// Let -r write bytes to a terminal
    #[arg(long)]
    force: bool,
}

/// How answers look that are never binary data as a whole.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Output")]
pub(super) struct FormatArgs {
    /// json, pretty, yaml, raw, table, hex, none [default: pretty on a terminal, else json]
    #[arg(
        short,
        long,
        value_enum,
        value_name = "FORMAT",
        hide_possible_values = true
    )]
    output: Option<Format>,
    /// Same as -o raw
    #[arg(short, long, conflicts_with = "output")]
    raw: bool,
    /// Show binary data as text: hex, base64 or utf8
    #[arg(long, value_enum, value_name = "AS", hide_possible_values = true)]
    bin: Option<Binary>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Json,
    Pretty,
    Yaml,
    Raw,
    Table,
    Hex,
    None,
}

/// How binary data becomes text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Binary {
    Hex,
    Base64,
    Utf8,
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
    Yaml,
    Table,
    Hex,
    /// Nothing at all.
    Mute,
}

/// An event as it is shown.
#[derive(Debug)]
pub(super) struct ShownEvent {
    pub(super) topic: String,
    pub(super) arguments: Arguments,
    pub(super) publication: PublicationId,
    pub(super) received: Timestamp,
    /// What else the router says.
    pub(super) details: Dict,
}

/// Writes answers to stdout.
#[derive(Debug)]
pub(super) struct Printer {
    layout: Layout,
    palette: Palette,
    binary: Option<Binary>,
    may_write_bytes: bool,
    /// What is behind an answer.
    end: &'static str,
    /// How many columns a terminal has.
    width: Option<u16>,
    topic_chars: usize,
    zone: TimeZone,
}

impl Printer {
    pub(super) fn new(args: &OutputArgs, console: &Console) -> Self {
        let mut printer = Self::for_format(&args.format, console);
        printer.may_write_bytes |= args.force;
        printer
    }

    pub(super) fn for_format(args: &FormatArgs, console: &Console) -> Self {
        let is_terminal = console.stdout_is_terminal();
        let format = if args.raw {
            Some(Format::Raw)
        } else {
            args.output
        };
        let layout = match format {
            _ if console.is_mute() => Layout::Mute,
            Some(Format::Json) => Layout::Line,
            Some(Format::Yaml) => Layout::Yaml,
            Some(Format::Table) => Layout::Table,
            Some(Format::Hex) => Layout::Hex,
            Some(Format::None) => Layout::Mute,
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
            binary: args.bin,
            may_write_bytes: !is_terminal,
            end: "\n",
            width: terminal_width(is_terminal),
            topic_chars: TOPIC_CHARS_MIN,
            zone: if shows_time {
                TimeZone::system()
            } else {
                TimeZone::UTC
            },
        }
    }

    /// Whether answers are set for people to read, on a terminal or by `-o table`: then a table says more than lines of
    /// JSON.
    pub(super) fn is_for_people(&self) -> bool {
        let screen = Layout::Screen {
            one_line_events: true,
        };
        self.layout == screen || self.layout == Layout::Table
    }

    /// Ends each answer with a zero byte instead of a line's end.
    pub(super) const fn end_with_null(&mut self) {
        self.end = "\0";
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

    /// Writes an event, with all that the router says of it or without.
    pub(super) fn event(&mut self, event: ShownEvent, with_details: bool) -> Result<()> {
        match self.layout {
            Layout::Raw => self.result(event.arguments),
            Layout::Screen {
                one_line_events: true,
            } => {
                let line = self.event_line(&event, with_details);
                self.write(format!("{line}{}", self.end).as_bytes())
            }
            _ => self.value(&envelope(event, with_details)),
        }
    }

    /// Writes one value.
    pub(super) fn value(&self, value: &Value) -> Result<()> {
        let shown;
        let value = match self.binary {
            None => value,
            Some(binary) => {
                shown = binary.in_value(value);
                &shown
            }
        };
        let text = match self.layout {
            Layout::Mute => return Ok(()),
            Layout::Yaml => format!("---\n{}", yaml::document(value)),
            Layout::Table => table::of(value, self.width),
            Layout::Hex => render::hex(&bytes_of(value)),
            Layout::Line => render::json(&json::to_line(value), self.palette),
            Layout::Indented => render::json(&json::to_pretty(value), self.palette),
            Layout::Screen { .. } => render::pretty(value, self.palette),
            Layout::Raw => return self.raw(value),
        };
        self.write(format!("{text}{}", self.end).as_bytes())
    }

    fn raw(&self, value: &Value) -> Result<()> {
        let Value::Bytes(bytes) = value else {
            return self.write(format!("{}{}", json::plain(value), self.end).as_bytes());
        };
        if self.may_write_bytes {
            return self.write(bytes);
        }
        let failure = Failure::usage("the answer is binary data, and stdout is a terminal");
        Err(failure.hint("redirect it, or add --force").into())
    }

    /// `12:30:25.123 filewithext.txt   ["saved"]  size=1024`
    fn event_line(&mut self, event: &ShownEvent, with_details: bool) -> String {
        let time = local_time(event.received, &self.zone);
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
        if with_details && !event.details.is_empty() {
            let details = render::keywords(&event.details, Palette::default());
            said.push(self.palette.note(&details));
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
        if self.layout == Layout::Mute {
            return Ok(());
        }
        write_stdout(bytes)
    }
}

impl Binary {
    /// A value with texts in the place of its binary data.
    fn in_value(self, value: &Value) -> Value {
        match value {
            Value::Bytes(bytes) => Value::from(match self {
                Self::Hex => render::hex(bytes),
                Self::Base64 => BASE64.encode(bytes),
                Self::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
            }),
            Value::List(values) => {
                Value::List(values.iter().map(|value| self.in_value(value)).collect())
            }
            Value::Dict(dict) => {
                let entry =
                    |(name, value): (&ByteString, &Value)| (name.clone(), self.in_value(value));
                Value::Dict(dict.iter().map(entry).collect())
            }
            value => value.clone(),
        }
    }
}

/// Binary data and text as they are, anything else as its JSON.
fn bytes_of(value: &Value) -> Vec<u8> {
    match value {
        Value::Bytes(bytes) => bytes.to_vec(),
        value => json::plain(value).into_bytes(),
    }
}

fn terminal_width(is_terminal: bool) -> Option<u16> {
    let size = is_terminal.then(|| rustix::termios::tcgetwinsize(io::stdout()));
    size?
        .ok()
        .map(|size| size.ws_col)
        .filter(|width| *width > 0)
}

/// Writes to stdout at once, for who has a layout of its own.
pub(super) fn write_stdout(bytes: &[u8]) -> Result<()> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
    written.map_err(|error| {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Failure::new(Exit::PipeClosed, "stdout is closed").into()
        } else {
            Failure::io("write to", "stdout", &error).into()
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
pub(super) fn shape(arguments: Arguments) -> Option<Value> {
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

/// An event as one value.
pub(super) fn envelope(event: ShownEvent, with_details: bool) -> Value {
    let mut envelope = Dict::from_iter([
        ("topic", event.topic.into()),
        ("args", Value::List(event.arguments.args)),
        ("kwargs", Value::Dict(event.arguments.kwargs)),
        ("publication", event.publication.value().into()),
        ("ts", Value::from(utc_time(event.received))),
    ]);
    if with_details {
        envelope.push("details", event.details);
    }
    Value::Dict(envelope)
}

/// A time as programs read it (RFC 3339), to the millisecond.
pub(super) fn utc_time(time: Timestamp) -> String {
    format!("{time:.3}")
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
    fn programs_read_times_to_the_millisecond() {
        for (time, text) in [
            ("2026-11-25T00:00:00Z", "2026-11-25T00:00:00.000Z"),
            ("2026-11-25T23:59:59.9999Z", "2026-11-25T23:59:59.999Z"),
        ] {
            assert_eq!(utc_time(time.parse().unwrap()), text);
        }
    }

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
