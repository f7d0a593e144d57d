//! TOML tables whose keys are taken one by one; whatever is wrong with them is noted, and reading goes on.
//!
//! Not serde: it gives up at the first error, and whoever mends a config wants all of them. A key that nobody took is
//! unknown, so the reader's own code is the list of keys there are.

use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::Fault;
use crate::protocol::Uri;

/// How many letters may be wrong in a key that is still recognized.
const TYPOS_MAX: usize = 2;
/// How many keys are listed for one that is not recognized.
const LISTED_MAX: usize = 16;

/// What was found wrong so far.
pub(super) type Faults = RefCell<Vec<Fault>>;

/// A table, and what was asked of it.
#[derive(Debug)]
pub(super) struct Section<'a> {
    table: &'a DeTable<'a>,
    /// Where it begins, in bytes.
    at: usize,
    /// Its name, with those of the tables around it; empty for the whole file.
    name: String,
    known: Vec<&'static str>,
    faults: &'a Faults,
}

/// A value, with its place and its name.
#[derive(Debug)]
struct Item<'a> {
    value: &'a DeValue<'a>,
    at: usize,
    name: String,
    faults: &'a Faults,
}

impl<'a> Section<'a> {
    /// Reads a whole file.
    pub(super) fn read_root<T>(
        root: &'a Spanned<DeTable<'a>>,
        faults: &'a Faults,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        Self::read(root.get_ref(), root.span(), String::new(), faults, read)
    }

    /// Reads a table with `read`, then finds fault with the keys that it did not ask for.
    fn read<T>(
        table: &'a DeTable<'a>,
        span: Range<usize>,
        name: String,
        faults: &'a Faults,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let mut section = Self {
            table,
            at: span.start,
            name,
            known: Vec::new(),
            faults,
        };
        let read = read(&mut section);
        section.refuse_unknown();
        read
    }

    fn refuse_unknown(&mut self) {
        self.known.sort_unstable();
        for (key, _) in self.table {
            let text: &str = key.get_ref();
            if self.known.contains(&text) {
                continue;
            }
            let (at, name) = (key.span().start, self.name_of(text));
            note(self.faults, at, &name, self.unknown(text));
        }
    }

    /// What is said of a key that nobody asked for.
    fn unknown(&self, key: &str) -> String {
        if let Some(nearest) = nearest(self.known.iter().copied(), key) {
            return format!("there is no such setting; did you mean `{nearest}`?");
        }
        if self.known.len() > LISTED_MAX {
            return "there is no such setting; `wamp init --stdout` shows all".to_owned();
        }
        let known = self.known.join(", ");
        format!("there is no such setting here; there are {known}")
    }

    fn name_of(&self, key: &str) -> String {
        let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let key = if key.chars().all(is_bare) && (1..100).contains(&key.len()) {
            key.to_owned()
        } else {
            quoted(key)
        };
        if self.name.is_empty() {
            key
        } else {
            format!("{}.{key}", self.name)
        }
    }

    fn item(&mut self, key: &'static str) -> Option<Item<'a>> {
        self.known.push(key);
        let value = self.table.get(key)?;
        Some(Item {
            value: value.get_ref(),
            at: value.span().start,
            name: self.name_of(key),
            faults: self.faults,
        })
    }

    /// Takes a text that `read` understands.
    pub(super) fn text<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.item(key)?.text("a text in quotes", read)
    }

    /// Takes `true` or `false`.
    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        let item = self.item(key)?;
        match item.value {
            DeValue::Boolean(flag) => Some(*flag),
            _ => item.refuse_type("true or false"),
        }
    }

    /// Takes a list of texts that `read` understands.
    pub(super) fn texts<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let items = self.item(key)?.list()?;
        all(items
            .iter()
            .map(|item| item.text("a text in quotes", &read)))
    }

    /// Takes one of some words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(&str, T)],
    ) -> Option<T> {
        self.text(key, |text| choose(text, choices))
    }

    /// Takes a list of some words.
    pub(super) fn choices<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(&str, T)],
    ) -> Option<Vec<T>> {
        self.texts(key, |text| choose(text, choices))
    }

    /// Takes a whole number.
    pub(super) fn count(
        &mut self,
        key: &'static str,
        range: &RangeInclusive<usize>,
    ) -> Option<usize> {
        self.item(key)?.count(range)
    }

    /// Takes an amount: a text that `read` understands, and `show` writes.
    pub(super) fn amount<T: PartialOrd>(
        &mut self,
        key: &'static str,
        range: &RangeInclusive<T>,
        read: impl Fn(&str) -> Result<T, String>,
        show: impl Fn(&T) -> String,
    ) -> Option<T> {
        self.item(key)?
            .text("an amount in quotes, with its unit", |text| {
                let amount = read(text)?;
                if range.contains(&amount) {
                    Ok(amount)
                } else {
                    Err(out_of_range(range, text, &show))
                }
            })
    }

    /// Takes a table, and reads it.
    pub(super) fn section<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Self) -> T,
    ) -> Option<T> {
        self.item(key)?.section(read)
    }

    /// Takes tables (`[[name]]`), and reads each.
    pub(super) fn sections<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&mut Self) -> T,
    ) -> Option<Vec<T>> {
        let list = self.item(key)?;
        if matches!(list.value, DeValue::Table(_)) {
            return list.refuse(format!("write [[{0}]], not [{0}]", list.name));
        }
        let items = list.list()?;
        all(items.iter().map(|item| item.section(&mut read)))
    }

    /// Finds fault with a table that lacks a key; `value` is what was taken under it.
    pub(super) fn need<T>(&mut self, key: &'static str, value: Option<T>) -> Option<T> {
        if value.is_none() && !self.has(key) {
            self.refuse(format!("needs the setting `{key}`"));
        }
        value
    }

    /// Finds fault with a key that belongs elsewhere, where it is there.
    pub(super) fn refuse_elsewhere(&mut self, key: &'static str, whose: &str) {
        if self.has(key) {
            self.known.push(key);
            self.refuse_key(key, format!("is {whose}"));
        }
    }

    /// Whether there is something under a key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Finds fault with the table as a whole.
    pub(super) fn refuse(&self, what: impl Into<String>) {
        note(self.faults, self.at, &self.name, what.into());
    }

    /// Finds fault with what stands under a key.
    pub(super) fn refuse_key(&self, key: &str, what: impl Into<String>) {
        let at = self.table.get(key).map_or(self.at, |it| it.span().start);
        note(self.faults, at, &self.name_of(key), what.into());
    }
}

/// The name that somebody may have meant who typed another, if one is near.
pub fn nearest<'a>(names: impl Iterator<Item = &'a str>, typed: &str) -> Option<&'a str> {
    let distance = |name: &&str| strsim::damerau_levenshtein(name, typed);
    names
        .min_by_key(distance)
        .filter(|name| distance(name) <= TYPOS_MAX)
}

impl<'a> Item<'a> {
    fn text<T>(&self, wanted: &str, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let DeValue::String(text) = self.value else {
            return self.refuse_type(wanted);
        };
        match read(text) {
            Ok(value) => Some(value),
            Err(what) => self.refuse(what),
        }
    }

    fn count(&self, range: &RangeInclusive<usize>) -> Option<usize> {
        let DeValue::Integer(integer) = self.value else {
            return self.refuse_type("a whole number");
        };
        // What does not fit is out of every range; so is what is negative.
        let number = usize::from_str_radix(integer.as_str(), integer.radix()).ok();
        let counted = number.filter(|number| range.contains(number));
        if counted.is_none() {
            let written = integer.to_string();
            return self.refuse(out_of_range(range, &written, usize::to_string));
        }
        counted
    }

    fn section<T>(&self, read: impl FnOnce(&mut Section<'a>) -> T) -> Option<T> {
        let DeValue::Table(table) = self.value else {
            return self.refuse_type("a table");
        };
        let span = self.at..self.at;
        Some(Section::read(
            table,
            span,
            self.name.clone(),
            self.faults,
            read,
        ))
    }

    fn list(&self) -> Option<Vec<Self>> {
        let DeValue::Array(array) = self.value else {
            return self.refuse_type("a list");
        };
        let item = |value: &'a Spanned<DeValue<'a>>| Self {
            value: value.get_ref(),
            at: value.span().start,
            name: self.name.clone(),
            faults: self.faults,
        };
        Some(array.iter().map(item).collect())
    }

    fn refuse_type<T>(&self, wanted: &str) -> Option<T> {
        let got = match self.value {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time of day",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.refuse(format!("wants {wanted}, not {got}"))
    }

    fn refuse<T>(&self, what: String) -> Option<T> {
        note(self.faults, self.at, &self.name, what);
        None
    }
}

/// Reads each, so that the faults of all are found; nothing where there were any.
fn all<T>(items: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    let items: Vec<Option<T>> = items.collect();
    items.into_iter().collect()
}

fn note(faults: &Faults, at: usize, name: &str, what: String) {
    let name = name.to_owned();
    faults.borrow_mut().push(Fault { at, name, what });
}

fn choose<T: Copy>(text: &str, choices: &[(&str, T)]) -> Result<T, String> {
    let chosen = choices.iter().find(|(word, _)| *word == text);
    chosen.map(|(_, meant)| *meant).ok_or_else(|| {
        let words: Vec<String> = choices
            .iter()
            .map(|(word, _)| format!("{word:?}"))
            .collect();
        let words = match words.as_slice() {
            [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            words => words.concat(),
        };
        format!("write {words}, not {}", quoted(text))
    })
}

fn out_of_range<T>(
    range: &RangeInclusive<T>,
    written: &str,
    show: impl Fn(&T) -> String,
) -> String {
    let (least, most) = (show(range.start()), show(range.end()));
    format!("may be from {least} to {most}, not {written}")
}

/// A text of the file as messages quote it: escaped, and cut where it is long.
pub(super) fn quoted(text: &str) -> String {
    Uri::from(text).quoted()
}
