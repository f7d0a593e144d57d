//! What `-m` and a typed line mean as a message.
//!
//! Text is sent as it is written, never taken for JSON; what `@` means is [`sigil`]'s.

use bytes::Bytes;

use crate::cli::exit::Failure;
use crate::cli::sigil::{self, SigilReader, Written};
use crate::ws::Data;

/// What `--template` replaces by the number of the round.
const COUNTER: &str = "{n}";

/// A message as it was written, which is made anew each time it is sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Recipe {
    body: Body,
    is_binary: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Body {
    Text(String),
    /// Text with counters in it.
    Template(String),
    Bytes(Bytes),
    Uuid,
}

impl Recipe {
    /// Understands a word. What was written as text is sent as bytes if `is_binary`, and counts if `counts`.
    pub(super) fn read(
        word: &str,
        sigils: &mut SigilReader,
        is_binary: bool,
        counts: bool,
    ) -> Result<Self, Failure> {
        let is_file =
            word.starts_with('@') && !word.starts_with("@@") && !word.starts_with("@str:");
        let text = |text: String| {
            if counts && !is_file && text.contains(COUNTER) {
                Body::Template(text)
            } else {
                Body::Text(text)
            }
        };
        let body = match sigils.read(word)? {
            Written::Plain(word) => text(word.to_owned()),
            Written::Text(word) => text(word),
            Written::Json { text, .. } => Body::Text(text),
            Written::Bytes(bytes) => Body::Bytes(bytes),
            Written::Uuid => Body::Uuid,
        };
        Ok(Self { body, is_binary })
    }

    /// The message of a round; rounds count from one.
    pub(super) fn make(&self, round: u64) -> Data {
        match &self.body {
            Body::Text(text) => self.text(text.clone()),
            Body::Template(text) => self.text(text.replace(COUNTER, &round.to_string())),
            Body::Bytes(bytes) => Data::Binary(bytes.clone()),
            Body::Uuid => Data::Binary(sigil::uuid().to_vec().into()),
        }
    }

    fn text(&self, text: String) -> Data {
        if self.is_binary {
            Data::Binary(text.into())
        } else {
            Data::Text(text.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(word: &str, is_binary: bool, counts: bool, round: u64) -> Data {
        let recipe = Recipe::read(word, &mut SigilReader::default(), is_binary, counts);
        recipe.unwrap().make(round)
    }

    #[test]
    fn text_is_sent_as_it_is_written() {
        for word in ["3", "\"a\"", "[1,", "a=b", "", " x ", "{n}", "{{n}}"] {
            assert_eq!(made(word, false, false, 1), Data::Text(word.into()));
        }
        assert_eq!(made("ü", true, false, 1), Data::Binary("ü".into()));
        assert_eq!(made("@@x", false, false, 1), Data::Text("@x".into()));
        assert_eq!(made("@str:@x", false, false, 1), Data::Text("@x".into()));
    }

    #[test]
    fn counters_count_only_in_templates() {
        assert_eq!(
            made("{n}: {n}!", false, true, 7),
            Data::Text("7: 7!".into())
        );
        assert_eq!(made("@str:{n}", false, true, 7), Data::Text("7".into()));
        assert_eq!(made("{m}", false, true, 7), Data::Text("{m}".into()));
    }

    #[test]
    fn a_uuid_is_another_one_each_time() {
        let recipe = Recipe::read("@uuid:", &mut SigilReader::default(), false, false).unwrap();
        let (Data::Binary(first), Data::Binary(second)) = (recipe.make(1), recipe.make(2)) else {
            panic!("a UUID is binary");
        };
        assert_eq!((first.len(), second.len()), (16, 16));
        assert_ne!(first, second);
    }
}
