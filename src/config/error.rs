//! Why a config cannot be read: each fault with its line, column, key, and what would be right.

use std::fmt;
use std::fmt::Write as _;
use std::io;

use crate::transport::io_text;

/// How many faults are told of.
pub(super) const FAULTS_TOLD_MAX: usize = 50;
/// The longest line that is shown with a caret, in characters.
const EXCERPT_CHARS_MAX: usize = 120;
/// What the settings are called, or part of it, that hold what logs must not.
const SECRETS: [&str; 3] = ["ticket", "secret", "key"];

/// Why a config cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The system does not give it.
    #[error("cannot read {file}: {}", io_text(.cause))]
    Unreadable {
        /// Its name, as given.
        file: String,
        /// The system's answer.
        cause: io::Error,
    },
    /// More than a config ever is.
    #[error("{file} is no config: it has more than {max} bytes")]
    TooLarge {
        /// Its name, as given.
        file: String,
        /// So many may be.
        max: usize,
    },
    /// Bytes that are no text.
    #[error("{file}:{line}: this is not UTF-8 text")]
    NoText {
        /// Its name, as given.
        file: String,
        /// The line of the first such byte, from 1.
        line: usize,
    },
    /// Text that is no TOML: the first place, shown.
    #[error("{0}")]
    Syntax(Located),
    /// TOML that says what cannot be.
    #[error("{}", list(.first, *.count))]
    Faults {
        /// The first of them, by line.
        first: Vec<Located>,
        /// How many there are.
        count: usize,
    },
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Where, in bytes from the start of the file.
    pub(super) at: usize,
    /// The setting, with the tables it is in; empty where it is none.
    pub(super) name: String,
    /// What is wrong, and what would be right.
    pub(super) what: String,
}

impl ConfigError {
    /// What is wrong, one by one.
    pub(super) fn into_located(self) -> Vec<Located> {
        match self {
            Self::Syntax(located) => vec![located],
            Self::Faults { first, .. } => first,
            Self::Unreadable { .. } | Self::TooLarge { .. } | Self::NoText { .. } => {
                vec![Located(self.to_string())]
            }
        }
    }
}

/// A fault as it is told, by file and line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located(String);

impl Located {
    /// Finds the line and the column of a fault in the text.
    pub(super) fn new(file: &str, text: &str, fault: &Fault) -> Self {
        let place = Place::of(text, fault.at);
        let name = if fault.name.is_empty() {
            ""
        } else {
            &format!("{}: ", fault.name)
        };
        Self(format!(
            "{file}:{}:{}: {name}{}",
            place.line, place.column, fault.what
        ))
    }

    /// Shows the line as well, if no secret may stand in it.
    pub(super) fn with_excerpt(mut self, text: &str, at: usize) -> Self {
        let place = Place::of(text, at);
        let may_be_secret = SECRETS.iter().any(|word| place.text.contains(word));
        if place.text.chars().count() <= EXCERPT_CHARS_MAX && !may_be_secret {
            let line = place.text.replace('\t', " ");
            let number = place.line.to_string();
            let caret = " ".repeat(number.len() + 2 + place.column);
            let _ = write!(self.0, "\n{number} | {line}\n{caret}^");
        }
        self
    }
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a byte is, for people: from 1.
struct Place<'a> {
    line: usize,
    column: usize,
    text: &'a str,
}

impl<'a> Place<'a> {
    fn of(text: &'a str, at: usize) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let begin = before.rfind('\n').map_or(0, |newline| newline + 1);
        let rest = text.get(begin..).unwrap_or_default();
        Self {
            line: before.matches('\n').count() + 1,
            column: before.get(begin..).unwrap_or_default().chars().count() + 1,
            text: rest.lines().next().unwrap_or_default(),
        }
    }
}

fn list(first: &[Located], count: usize) -> String {
    let mut lines: Vec<String> = first.iter().map(Located::to_string).collect();
    if count > 1 {
        lines.insert(0, format!("the config has {count} errors"));
    }
    if count > first.len() {
        lines.push(format!("and {} more", count - first.len()));
    }
    lines.join("\n")
}
