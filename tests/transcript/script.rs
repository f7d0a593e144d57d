//! A transcript file as written: scenarios, and in each of them lines.
//!
//! | line | meaning |
//! |---|---|
//! | `# Title.  spec: bp#ids` | begins a scenario; further anchors behind commas, further tags behind them |
//! | `rule: one-rule` | a tag: the rules of `rules.txt` that the scenario shows |
//! | `realm: history` | a tag: whoever says no HELLO joins that realm, otherwise `realm1` |
//! | `only: memory` | a tag: where the scenario runs (or `websocket`, `batched`, `rawsocket`, `json`, ...), otherwise everywhere |
//! | `## Remark` | nothing; so is ` # remark` at a line's end |
//! | `ann -> [HELLO, ...]` | ann sends a message |
//! | `ann <- [WELCOME, ...]` | the next message that ann has not read is this one |
//! | `ann <~ [ERROR, ...]` | once time has passed, the next message that ann gets is this one |
//! | `.` | nobody has unread messages; so it must be at the end |
//! | `ann speaks cbor` | ann's serializer, otherwise that of the test |
//! | `ann announces basic` | no feature, otherwise every one; `all but x, y`: every other one |
//! | `ann is staff` | ann signs in as `ann`, with the role `staff`; `ann is bob of staff`: as `bob` |
//! | `ann comes from afar` | and not from this machine; in memory |
//! | `ann takes 1024` | ann takes messages of so many bytes; over RawSocket |
//! | `ann separates by 18` | what follows each of ann's messages, and of those to her: 0x18; in batches, where it is 0x1e otherwise |
//! | `ann connects` | ann has a transport, and no session |
//! | `ann gone` | ann closes the transport; `ann cut`: without a word |
//! | `ann closed` | the router has closed ann's transport; `ann <~ closed`: does so once time has passed |
//! | `ann -> raw "text"`, `raw hex c0` | bytes instead of a message |
//! | `ann -> text "text"`, `binary hex c0` | the same in a frame of that type, whatever the serializer |
//! | `$one != $two` | two names stand for different values |
//! | `$one is far from $two` | two ids are no neighbours |
//! | `+5s` | so much time passes; in memory |
//! | `router stops`, `router is down` | the router is asked to stop; everybody has left it; in memory |
//!
//! Who is named for the first time joins beforehand, and `$ann` is then ann's session, unless the line is a HELLO
//! or says how ann is to join: `connects`, `speaks`, `announces`, `is`, `takes`, `separates` or `comes`. A line that begins with a space continues the one before it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use wamp::serializer::Serializer;

use super::hello::{Announced, Claim};
use super::notation::{Pattern, bytes_of_hex, text_end};
use super::realms::PLAIN;

/// A conversation, and what it shows.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) title: String,
    /// The line of the title.
    pub(super) number: usize,
    /// What it shows of `rules.txt`.
    pub(super) rules: Vec<String>,
    pub(super) realm: String,
    /// Where it runs, if not everywhere.
    pub(super) only: Option<String>,
    pub(super) lines: Vec<Line>,
}

/// One line, and where it stands.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) text: String,
    pub(super) step: Step,
}

/// What a line does.
#[derive(Debug)]
pub(super) enum Step {
    Speaks(String, Serializer),
    Announces(String, Announced),
    Claims(String, Claim),
    ComesFromAfar(String),
    Takes(String, usize),
    Separates(String, u8),
    Connects(String),
    Sends(String, Content),
    Gets(String, Pattern),
    GetsInTime(String, Pattern),
    /// The client ends the transport; with a close frame?
    Gone(String, bool),
    /// The router has ended it.
    Closed(String),
    ClosedInTime(String),
    Silence,
    Differ(Pattern, Pattern),
    AreFar(Pattern, Pattern),
    Advance(Duration),
    Stop,
    IsDown,
}

/// What a client sends.
#[derive(Debug)]
pub(super) enum Content {
    Message(Pattern),
    /// In a frame of the session's own type.
    Raw(Bytes),
    /// In a frame of this type: text?
    Frame(bool, Bytes),
}

/// Where the files are.
pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts")
}

/// Reads a file. Errors: what is wrong, line number first.
pub(super) fn parse(text: &str) -> Result<Vec<Scenario>, String> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    for (number, line) in logical_lines(text) {
        let outcome = match line.strip_prefix('#') {
            Some(remark) if remark.starts_with('#') => Ok(()),
            Some(header) => parse_header(number, header).map(|begun| scenarios.push(begun)),
            None => parse_line(number, &line).and_then(|line| {
                let scenario = scenarios.last_mut().ok_or("no scenario has begun")?;
                scenario.lines.push(line);
                Ok(())
            }),
        };
        outcome.map_err(|why| format!("{number}: {why}"))?;
    }
    match scenarios.iter().find(|scenario| scenario.lines.is_empty()) {
        Some(empty) => Err(format!("{}: a scenario without lines", empty.number)),
        None if scenarios.is_empty() => Err("1: no scenario".into()),
        None => Ok(scenarios),
    }
}

/// Lines with their numbers, continued ones joined, remarks and empty ones left out.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let said = if line.starts_with('#') {
            line
        } else {
            without_remark(line)
        };
        match lines.last_mut() {
            _ if said.trim().is_empty() => {}
            Some((_, before)) if said.starts_with(' ') => {
                before.push(' ');
                before.push_str(said.trim());
            }
            _ => lines.push((at + 1, said.trim_end().to_owned())),
        }
    }
    lines
}

/// Cuts ` # remark` off, but no `#` inside a text.
fn without_remark(line: &str) -> &str {
    let mut at = 0;
    while let Some(found) = line[at..].find(['"', '#']) {
        let begin = at + found;
        if line[begin..].starts_with('#') {
            return &line[..begin];
        }
        match text_end(&line[begin + 1..]) {
            Some(end) => at = begin + 1 + end + 1,
            None => return line,
        }
    }
    line
}

fn parse_header(number: usize, header: &str) -> Result<Scenario, String> {
    let (title, tags) = header
        .split_once(" spec: ")
        .ok_or("a scenario needs `spec:` and the section it is about")?;
    let title = title.trim();
    if !title.ends_with('.') {
        return Err("a title is a sentence".into());
    }
    let mut scenario = Scenario {
        title: title.to_owned(),
        number,
        rules: Vec::new(),
        realm: PLAIN[0].to_owned(),
        only: None,
        lines: Vec::new(),
    };
    let mut tag = "spec:";
    for word in tags.split_whitespace() {
        if word.ends_with(':') {
            tag = word;
            continue;
        }
        let value = word.trim_end_matches(',');
        match tag {
            "spec:" if is_anchor(value) => {}
            "spec:" => return Err(format!("{value:?} is no section, such as `bp#ids`")),
            "rule:" => scenario.rules.push(value.to_owned()),
            "realm:" => value.clone_into(&mut scenario.realm),
            "only:" => scenario.only = Some(value.to_owned()),
            _ => return Err(format!("{tag:?} is no tag")),
        }
    }
    Ok(scenario)
}

/// `bp#`, `ap#` (the profiles) or `design#` (our own decisions), and a heading's anchor.
pub(super) fn is_anchor(text: &str) -> bool {
    let Some((book, section)) = text.split_once('#') else {
        return false;
    };
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    ["bp", "ap", "design"].contains(&book) && !section.is_empty() && section.chars().all(is_part)
}

fn parse_line(number: usize, text: &str) -> Result<Line, String> {
    let step = parse_step(text)?;
    Ok(Line {
        number,
        text: text.to_owned(),
        step,
    })
}

fn parse_step(text: &str) -> Result<Step, String> {
    match text {
        "." => return Ok(Step::Silence),
        "router stops" => return Ok(Step::Stop),
        "router is down" => return Ok(Step::IsDown),
        _ => {}
    }
    if let Some(duration) = text.strip_prefix('+') {
        let duration = humantime::parse_duration(duration).map_err(|error| error.to_string())?;
        return Ok(Step::Advance(duration));
    }
    if let Some((one, other)) = text.split_once(" != ") {
        return Ok(Step::Differ(Pattern::parse(one)?, Pattern::parse(other)?));
    }
    if let Some((one, other)) = text.split_once(" is far from ") {
        return Ok(Step::AreFar(Pattern::parse(one)?, Pattern::parse(other)?));
    }
    let unclear = || format!("what does {text:?} mean?");
    let (name, deed) = text.split_once(' ').ok_or_else(unclear)?;
    let who = || name.to_owned();
    match deed.split_once(' ').unwrap_or((deed, "")) {
        ("->", content) => Ok(Step::Sends(who(), parse_content(content)?)),
        ("<-", message) => Ok(Step::Gets(who(), Pattern::parse(message)?)),
        ("<~", "closed") => Ok(Step::ClosedInTime(who())),
        ("<~", message) => Ok(Step::GetsInTime(who(), Pattern::parse(message)?)),
        ("speaks", name) => Ok(Step::Speaks(who(), serializer(name)?)),
        ("announces", features) => Ok(Step::Announces(who(), Announced::parse(features)?)),
        ("is", claim) => Ok(Step::Claims(who(), parse_claim(name, claim))),
        ("comes", "from afar") => Ok(Step::ComesFromAfar(who())),
        ("takes", bytes) => match bytes.parse() {
            Ok(bytes) => Ok(Step::Takes(who(), bytes)),
            Err(_) => Err(unclear()),
        },
        ("separates", "by 1e") => Ok(Step::Separates(who(), 0x1e)),
        ("separates", "by 18") => Ok(Step::Separates(who(), 0x18)),
        ("connects", "") => Ok(Step::Connects(who())),
        ("gone", "") => Ok(Step::Gone(who(), true)),
        ("cut", "") => Ok(Step::Gone(who(), false)),
        ("closed", "") => Ok(Step::Closed(who())),
        _ => Err(unclear()),
    }
}

/// `staff`, or `bob of staff`.
fn parse_claim(name: &str, claim: &str) -> Claim {
    let (authid, authrole) = claim.split_once(" of ").unwrap_or((name, claim));
    Claim {
        authid: authid.to_owned(),
        authrole: authrole.to_owned(),
    }
}

fn serializer(name: &str) -> Result<Serializer, String> {
    Serializer::ALL
        .into_iter()
        .find(|serializer| serializer.name() == name)
        .ok_or_else(|| format!("{name:?} is no serializer"))
}

fn parse_content(content: &str) -> Result<Content, String> {
    match content.split_once(' ') {
        Some(("raw", bytes)) => Ok(Content::Raw(parse_bytes(bytes)?)),
        Some(("text", bytes)) => Ok(Content::Frame(true, parse_bytes(bytes)?)),
        Some(("binary", bytes)) => Ok(Content::Frame(false, parse_bytes(bytes)?)),
        _ => Ok(Content::Message(Pattern::parse(content)?)),
    }
}

/// Bytes as `hex c0 c1`, or as the text of a JSON string.
fn parse_bytes(text: &str) -> Result<Bytes, String> {
    if let Some(digits) = text.strip_prefix("hex") {
        return bytes_of_hex(digits);
    }
    let text: String = serde_json::from_str(text).map_err(|error| format!("{text}: {error}"))?;
    Ok(text.into())
}
