//! How stdin is cut into messages.

use std::io::{self, BufRead, Read as _};

use clap::ValueEnum;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use crate::cli::exit::Failure;
use crate::ws::Data;

/// How many messages are read ahead.
const AHEAD_MAX: usize = 16;

/// Where one message ends and the next begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Framing {
    /// Each line
    #[default]
    Line,
    /// Each ends with a zero byte
    Null,
    /// Paragraphs, with blank lines between
    Blank,
    /// Each JSON value, over as many lines as it takes
    Json,
    /// All of it is one
    All,
    /// Each behind its length, as 4 bytes, big-endian
    Len4,
}

/// Reads stdin on a thread of its own: it may block for ever, and is left behind then.
pub(super) fn read_stdin(
    framing: Framing,
    is_binary: bool,
) -> mpsc::Receiver<Result<Data, Failure>> {
    let (sender, receiver) = mpsc::channel(AHEAD_MAX);
    std::thread::spawn(move || {
        let mut count = 0_u64;
        let send = |message: Vec<u8>| {
            count += 1;
            let data = if is_binary {
                Ok(Data::Binary(message.into()))
            } else {
                text(message, count)
            };
            sender.blocking_send(data).is_ok()
        };
        if let Err(failure) = framing.cut(io::stdin().lock(), send) {
            // The conversation may be over already.
            drop(sender.blocking_send(Err(failure)));
        }
    });
    receiver
}

fn text(message: Vec<u8>, count: u64) -> Result<Data, Failure> {
    let text = String::from_utf8(message).map_err(|_| {
        let message = format!("message {count} of stdin is not UTF-8 text");
        Failure::local(message).hint("to send bytes: -b")
    })?;
    Ok(Data::Text(text.into()))
}

impl Framing {
    /// Hands on one message after the other, as long as they are taken.
    fn cut(
        self,
        mut input: impl BufRead,
        mut send: impl FnMut(Vec<u8>) -> bool,
    ) -> Result<(), Failure> {
        match self {
            Self::Line => until(b'\n', input, |mut line| {
                strip_line_end(&mut line);
                send(line)
            }),
            Self::Null => until(0, input, |mut message| {
                message.pop_if(|last| *last == 0);
                send(message)
            }),
            Self::Blank => paragraphs(input, send),
            Self::Json => json(input, send),
            Self::All => {
                let mut all = Vec::new();
                input
                    .read_to_end(&mut all)
                    .map_err(|error| unread(&error))?;
                send(all);
                Ok(())
            }
            Self::Len4 => length_prefixed(input, send),
        }
    }
}

fn until(
    end: u8,
    mut input: impl BufRead,
    mut send: impl FnMut(Vec<u8>) -> bool,
) -> Result<(), Failure> {
    loop {
        let mut message = Vec::new();
        let read = input.read_until(end, &mut message);
        if read.map_err(|error| unread(&error))? == 0 || !send(message) {
            return Ok(());
        }
    }
}

fn paragraphs(input: impl BufRead, mut send: impl FnMut(Vec<u8>) -> bool) -> Result<(), Failure> {
    let mut paragraph = Vec::new();
    let mut is_wanted = true;
    until(b'\n', input, |line| {
        if line.iter().any(|byte| !byte.is_ascii_whitespace()) {
            paragraph.extend(line);
        } else if !paragraph.is_empty() {
            strip_line_end(&mut paragraph);
            is_wanted = send(std::mem::take(&mut paragraph));
        }
        is_wanted
    })?;
    if is_wanted && !paragraph.is_empty() {
        strip_line_end(&mut paragraph);
        send(paragraph);
    }
    Ok(())
}

fn json(input: impl BufRead, mut send: impl FnMut(Vec<u8>) -> bool) -> Result<(), Failure> {
    let values = serde_json::Deserializer::from_reader(input).into_iter::<Box<RawValue>>();
    for value in values {
        match value {
            Ok(value) => {
                if !send(value.get().as_bytes().to_vec()) {
                    break;
                }
            }
            Err(error) if error.is_io() => return Err(unread(&error.into())),
            Err(error) => return Err(Failure::local(format!("stdin is not JSON: {error}"))),
        }
    }
    Ok(())
}

fn length_prefixed(
    mut input: impl BufRead,
    mut send: impl FnMut(Vec<u8>) -> bool,
) -> Result<(), Failure> {
    loop {
        if input.fill_buf().map_err(|error| unread(&error))?.is_empty() {
            return Ok(());
        }
        let mut length = [0; 4];
        input
            .read_exact(&mut length)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => {
                    Failure::local("stdin ends within the length of a message")
                }
                _ => unread(&error),
            })?;
        let length = u32::from_be_bytes(length);
        let mut message = Vec::new();
        let mut body = input.by_ref().take(length.into());
        let read = body
            .read_to_end(&mut message)
            .map_err(|error| unread(&error))?;
        if read as u64 != u64::from(length) {
            let message = format!("stdin ends {read} bytes into a message of {length}");
            return Err(Failure::local(message));
        }
        if !send(message) {
            return Ok(());
        }
    }
}

fn strip_line_end(line: &mut Vec<u8>) {
    if line.pop_if(|last| *last == b'\n').is_some() {
        line.pop_if(|last| *last == b'\r');
    }
}

fn unread(error: &io::Error) -> Failure {
    Failure::io("read", "stdin", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(framing: Framing, input: &[u8]) -> (Vec<String>, Option<String>) {
        let mut messages = Vec::new();
        let outcome = framing.cut(input, |message| {
            messages.push(String::from_utf8(message).unwrap());
            true
        });
        (messages, outcome.err().map(|failure| failure.to_string()))
    }

    #[test]
    fn each_framing_cuts_where_it_says() {
        for (framing, input, messages) in [
            (Framing::Line, "a\nb\r\n\n c", &["a", "b", "", " c"][..]),
            (Framing::Line, "", &[]),
            (Framing::Null, "a\nb\0\0c\0", &["a\nb", "", "c"]),
            (Framing::Blank, "\n\na\nb\n\n \nc\n", &["a\nb", "c"]),
            (
                Framing::Json,
                "{\"a\": [1,\n2]} 3\n\"x\" true",
                &["{\"a\": [1,\n2]}", "3", "\"x\"", "true"],
            ),
            (Framing::All, "a\nb\n", &["a\nb\n"]),
            (Framing::All, "", &[""]),
            (
                Framing::Len4,
                "\0\0\0\x02ab\0\0\0\0\0\0\0\x01\n",
                &["ab", "", "\n"],
            ),
        ] {
            let (cut, failure) = cut(framing, input.as_bytes());
            assert_eq!(
                (cut, failure),
                (messages.iter().map(ToString::to_string).collect(), None),
                "{framing:?} {input:?}"
            );
        }
    }

    #[test]
    fn what_is_cut_off_is_told_behind_what_was_whole() {
        let (messages, failure) = cut(Framing::Len4, b"\0\0\0\x01a\0\0\0\x09bc");
        assert_eq!(messages, ["a"]);
        assert_eq!(failure.unwrap(), "stdin ends 2 bytes into a message of 9");
        let (messages, failure) = cut(Framing::Len4, b"\0\0");
        assert!(messages.is_empty());
        let said = "stdin ends within the length of a message";
        assert_eq!(failure.unwrap(), said);
        let (messages, failure) = cut(Framing::Json, b"[1] [2");
        assert_eq!(messages, ["[1]"]);
        assert!(failure.unwrap().starts_with("stdin is not JSON: "));
    }

    #[test]
    fn nothing_is_read_that_nobody_takes() {
        for framing in [Framing::Line, Framing::Null, Framing::Blank, Framing::Json] {
            let mut count = 0;
            let cut = framing.cut(&b"1\n\n\n2\n\n\n\x003\0"[..], |_| {
                count += 1;
                false
            });
            assert_eq!((cut, count), (Ok(()), 1), "{framing:?}");
        }
    }
}
