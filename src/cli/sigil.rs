//! What `@` means at the start of a word, wherever values are written: a file, bytes, a variable.
//!
//! What a word without one means is its command's business.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;

use super::argument::with_caret;
use super::exit::Failure;
use super::json::{self, JsonError};
use crate::protocol::Value;

/// A word, understood.
#[derive(Debug, PartialEq)]
pub(super) enum Written<'a> {
    /// There is no sigil.
    Plain(&'a str),
    Text(String),
    Bytes(Bytes),
    /// The text of a file that is JSON, without the blanks around it, and what it says.
    Json {
        text: String,
        value: Value,
    },
    /// 16 random bytes, to be made anew each time: see [`uuid`].
    Uuid,
}

/// Reads words, and stdin once at most.
#[derive(Debug, Default)]
pub(super) struct SigilReader {
    stdin_is_taken: bool,
}

impl SigilReader {
    /// A reader for when stdin is read by somebody else.
    pub(super) const fn without_stdin() -> Self {
        Self {
            stdin_is_taken: true,
        }
    }

    /// Understands one word, and reads the file that it names.
    pub(super) fn read<'a>(&mut self, word: &'a str) -> Result<Written<'a>, Failure> {
        let Some(rest) = word.strip_prefix('@') else {
            return Ok(Written::Plain(word));
        };
        if rest.starts_with('@') {
            return Ok(Written::Text(rest.to_owned()));
        }
        Ok(match rest.split_once(':') {
            Some(("str", text)) => Written::Text(text.to_owned()),
            Some(("hex", digits)) => Written::Bytes(hex(digits)?),
            Some(("b64", encoded)) => Written::Bytes(base64(encoded)?),
            Some(("env", name)) => Written::Text(variable(name)?),
            Some(("uuid", "")) => Written::Uuid,
            Some(("bin", file)) => Written::Bytes(self.bytes(file)?),
            Some(("json", file)) => {
                let text = self.text(file)?.trim().to_owned();
                let value = json::parse(&text).map_err(|error| bad_file(file, &text, &error))?;
                Written::Json { text, value }
            }
            _ => Written::Text(self.text(rest)?),
        })
    }

    fn text(&mut self, file: &str) -> Result<String, Failure> {
        String::from_utf8(self.bytes(file)?.into()).map_err(|_| {
            let message = format!("{} is not UTF-8 text", file_name(file));
            Failure::local(message).hint(format!("to send its bytes: @bin:{file}"))
        })
    }

    fn bytes(&mut self, file: &str) -> Result<Bytes, Failure> {
        let mut contents = Vec::new();
        let read = match file {
            "" => return Err(Failure::usage("@ names no file").hint("the text @ is @str:@")),
            "-" if self.stdin_is_taken => {
                return Err(Failure::usage("stdin can be read only once"));
            }
            "-" => {
                self.stdin_is_taken = true;
                std::io::stdin().lock().read_to_end(&mut contents)
            }
            path => std::fs::File::open(path).and_then(|mut file| file.read_to_end(&mut contents)),
        };
        match read {
            Ok(_) => Ok(contents.into()),
            Err(error) => {
                let failure = Failure::io("read", file_name(file), &error);
                Err(failure.hint(format!("to send the text itself: @@{file}")))
            }
        }
    }
}

/// 16 random bytes that are a UUID, of version 4. Spec: RFC 9562, 5.4.
pub(super) fn uuid() -> [u8; 16] {
    let mut uuid: [u8; 16] = rand::random();
    uuid[6] = uuid[6] & 0x0f | 0x40;
    uuid[8] = uuid[8] & 0x3f | 0x80;
    uuid
}

fn file_name(file: &str) -> String {
    if file == "-" {
        "stdin".to_owned()
    } else {
        format!("{file:?}")
    }
}

fn bad_file(file: &str, text: &str, error: &JsonError) -> Failure {
    let caret = with_caret(text, error.offset);
    Failure::local(format!("{} is not JSON: {error}\n{caret}", file_name(file)))
}

fn hex(digits: &str) -> Result<Bytes, Failure> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair: &[u8]| match *pair {
        [high, low] => Some(nibble(high)? << 4 | nibble(low)?),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = pairs.map(byte).collect();
    let bytes = bytes.ok_or_else(|| {
        let message = format!("{digits:?} is not hexadecimal");
        Failure::usage(message).hint("two digits of 0-9 and a-f for each byte, as in @hex:00ff")
    })?;
    Ok(bytes.into())
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|nibble| u8::try_from(nibble).ok())
}

fn base64(encoded: &str) -> Result<Bytes, Failure> {
    let decoded = BASE64.decode(encoded);
    let decoded = decoded.map_err(|_| Failure::usage(format!("{encoded:?} is not base64")))?;
    Ok(decoded.into())
}

fn variable(name: &str) -> Result<String, Failure> {
    std::env::var(name).map_err(|error| {
        Failure::local(format!("cannot take {name} from the environment: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_fresh_and_of_version_4() {
        let uuids = [uuid(), uuid()];
        assert_ne!(uuids[0], uuids[1]);
        for uuid in uuids {
            assert_eq!((uuid[6] >> 4, uuid[8] >> 6), (4, 2));
        }
        assert_eq!(SigilReader::default().read("@uuid:"), Ok(Written::Uuid));
    }

    #[test]
    fn what_has_no_sigil_is_left_alone() {
        for word in ["", "x@y", "3", "[1"] {
            assert_eq!(SigilReader::default().read(word), Ok(Written::Plain(word)));
        }
    }

    #[test]
    fn stdin_is_read_by_one_at_most() {
        let read = SigilReader::without_stdin().read("@-").unwrap_err();
        assert_eq!(read.to_string(), "stdin can be read only once");
    }
}
