//! The list of differences, `crossbar.txt`: causes, and below each the scenarios that differ because of it.
//!
//! | line | meaning |
//! |---|---|
//! | `# Cause.  spec: bp#ids` | begins a cause, with the sections that have it our way |
//! | `## Remark` | says more of it |
//! | `calls: Title.` | a scenario that differs; the next two lines are the transcript's, and what came instead |
//!
//! The list has a sentence for each cause. Which scenario differs where is found out by running them ([`super::crossbar`]).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::script::is_anchor;

/// A scenario's file and title.
pub(super) type Key = (String, String);

/// Where a scenario goes otherwise: the line, and what came instead.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Difference {
    pub(super) line: String,
    pub(super) got: String,
}

/// The differences by their causes, in the order of the file.
#[derive(Debug, PartialEq)]
pub(super) struct List {
    /// What comes before the first cause.
    head: String,
    causes: Vec<Cause>,
}

#[derive(Debug, Default, PartialEq)]
struct Cause {
    /// Its lines as written.
    said: String,
    differences: BTreeMap<Key, Difference>,
}

impl List {
    /// Reads the file. Errors: the line that is no part of one.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (head, rest) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut causes: Vec<Cause> = Vec::new();
        let mut lines = rest.lines().filter(|line| !line.is_empty());
        while let Some(line) = lines.next() {
            if line.starts_with("# ") {
                causes.push(Cause::default());
            }
            let cause = causes.last_mut().ok_or("no cause has begun")?;
            if line.starts_with('#') {
                cause.said.push_str(line);
                cause.said.push('\n');
                continue;
            }
            let mut next = || lines.next().and_then(|line| line.strip_prefix("  "));
            let (Some((file, title)), Some(line), Some(got)) =
                (line.split_once(": "), next(), next())
            else {
                return Err(format!("{line:?} is no scenario with two lines"));
            };
            let (line, got) = (line.to_owned(), got.to_owned());
            let key = (file.to_owned(), title.to_owned());
            cause.differences.insert(key, Difference { line, got });
        }
        let head = head.to_owned();
        Ok(Self { head, causes })
    }

    /// Takes in what was found: what is listed stays with its cause, what is new is at the end without one.
    pub(super) fn renew(&mut self, mut found: BTreeMap<Key, Difference>) {
        for cause in &mut self.causes {
            cause.differences.retain(|key, difference| {
                let now = found.remove(key);
                now.map(|now| *difference = now).is_some()
            });
        }
        self.causes.push(Cause {
            said: "# What is the cause of these?\n".into(),
            differences: found,
        });
        self.causes.retain(|cause| !cause.differences.is_empty());
    }

    /// Says what is wrong with the list, a line or more each: nothing, if what was found is what it has.
    pub(super) fn complaints(&self, mut found: BTreeMap<Key, Difference>) -> Vec<String> {
        let mut complaints = Vec::new();
        for cause in &self.causes {
            for (key, listed) in &cause.differences {
                match found.remove(key) {
                    None => complaints.push(format!(
                        "is listed and does not differ: {}",
                        shown(key, listed)
                    )),
                    Some(now) if now != *listed => complaints.push(format!(
                        "differs otherwise than listed: {}instead of\n{}",
                        shown(key, &now),
                        shown(key, listed)
                    )),
                    Some(_) if !cause.is_given() => {
                        complaints.push(format!(
                            "has no cause with a section: {}",
                            shown(key, listed)
                        ));
                    }
                    Some(_) => {}
                }
            }
        }
        let more = found.iter();
        complaints
            .extend(more.map(|(key, it)| format!("differs and is not listed: {}", shown(key, it))));
        complaints
    }

    /// Writes the file.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{}\n", self.head);
        for Cause { said, differences } in &self.causes {
            let _ = write!(text, "\n{said}");
            for (key, difference) in differences {
                text.push_str(&shown(key, difference));
            }
        }
        text
    }
}

impl Cause {
    /// Whether there is a sentence, and a section.
    fn is_given(&self) -> bool {
        let (header, remark) = self.said.split_once('\n').unwrap_or_default();
        let Some((title, sections)) = header.split_once(" spec: ") else {
            return false;
        };
        let has_sections = sections.split(',').all(|section| is_anchor(section.trim()));
        title.trim().ends_with('.') && has_sections && remark.starts_with("## ")
    }
}

fn shown((file, title): &Key, Difference { line, got }: &Difference) -> String {
    format!("{file}: {title}\n  {line}\n  {got}\n")
}
