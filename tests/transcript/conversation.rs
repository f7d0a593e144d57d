//! Runs a scenario on a stage, line by line, and says what went otherwise.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bytes::Bytes;
use wamp::protocol::{MessageCode, Value};
use wamp::serializer::Serializer;

use super::hello::{Announced, Claim, hello};
use super::notation::{Names, Pattern, hex, shown, with_names};
use super::script::{Content, Line, Scenario, Step};
use super::stage::{Frame, Received, Stage, Way};

/// Ids that are chosen at random, and no further from each other, are no accident.
const NEIGHBOURHOOD: u128 = 1 << 20;

/// A scenario that went otherwise than written.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) title: String,
    pub(super) line_number: usize,
    pub(super) line: String,
    pub(super) why: String,
    /// What was got last, with names for ids.
    pub(super) got: Vec<String>,
    /// What was said until then.
    pub(super) said: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            title, line, why, ..
        } = self;
        write!(f, "{title}\n  line: {line}\n  but:  {why}\n--- said so far")?;
        self.said.iter().try_for_each(|said| write!(f, "\n{said}"))
    }
}

/// One scenario on its way.
struct Conversation<'a, S> {
    stage: &'a mut S,
    realm: &'a str,
    names: Names,
    manners: BTreeMap<String, Manner>,
    seen: BTreeSet<String>,
    said: Vec<String>,
    /// What the line at hand got.
    got: Vec<String>,
}

/// How somebody joins, where the scenario says so.
#[derive(Default)]
struct Manner {
    serializer: Option<Serializer>,
    announced: Announced,
    claim: Option<Claim>,
    is_far: bool,
    bytes_max: Option<usize>,
    separator: Option<u8>,
}

/// Runs a scenario to its end, where nobody may have unread messages and nothing may be left behind.
pub(super) fn run<S: Stage>(stage: &mut S, scenario: &Scenario) -> Result<(), Box<Failure>> {
    let mut conversation = Conversation {
        stage,
        realm: &scenario.realm,
        names: Names::new(),
        manners: BTreeMap::new(),
        seen: BTreeSet::new(),
        said: Vec::new(),
        got: Vec::new(),
    };
    let outcome = conversation.play(scenario);
    let Conversation {
        names, said, got, ..
    } = conversation;
    outcome.map_err(|(line_number, line, why)| {
        Box::new(Failure {
            title: scenario.title.clone(),
            line_number,
            line: line.to_owned(),
            why,
            got: got.iter().map(|it| with_names(it, &names)).collect(),
            said,
        })
    })
}

impl<S: Stage> Conversation<'_, S> {
    /// Errors: the line where it goes otherwise, and why.
    fn play<'b>(&mut self, scenario: &'b Scenario) -> Result<(), (usize, &'b str, String)> {
        for Line { number, text, step } in &scenario.lines {
            self.step(step).map_err(|why| (*number, &**text, why))?;
        }
        let end = self.silence().and_then(|()| self.stage.finish());
        end.map_err(|why| (scenario.number, "(the end)", why))
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        self.got.clear();
        match step {
            Step::Speaks(name, serializer) => self.manner(name).serializer = Some(*serializer),
            Step::Announces(name, announced) => self.manner(name).announced = announced.clone(),
            Step::Claims(name, claim) => self.manner(name).claim = Some(claim.clone()),
            Step::ComesFromAfar(name) => self.manner(name).is_far = true,
            Step::Takes(name, bytes) => self.manner(name).bytes_max = Some(*bytes),
            Step::Separates(name, separator) => self.manner(name).separator = Some(*separator),
            Step::Connects(name) => self.connect(name),
            Step::Sends(name, content) => self.send(name, content)?,
            Step::Gets(name, pattern) => {
                let received = self.receive(name)?;
                self.expect(&received, pattern)?;
            }
            Step::GetsInTime(name, pattern) => {
                let received = self.await_next(name)?;
                self.expect(&received, pattern)?;
            }
            Step::Gone(name, with_close) => {
                self.appear(name)?;
                self.stage.leave(name, *with_close);
                self.seen.remove(name);
                self.said.push(format!("{name} gone"));
            }
            Step::Closed(name) => expect_closed(&self.receive(name)?)?,
            Step::ClosedInTime(name) => expect_closed(&self.await_next(name)?)?,
            Step::Silence => self.silence()?,
            Step::Differ(one, other) => {
                if one.value(&self.names)? == other.value(&self.names)? {
                    return Err("they are the same".into());
                }
            }
            Step::AreFar(one, other) => {
                let (one, other) = (self.id(one)?, self.id(other)?);
                if one.abs_diff(other) < NEIGHBOURHOOD {
                    return Err(format!("{one} and {other} are near each other"));
                }
            }
            Step::Advance(by) => self.stage.advance(*by),
            Step::Stop => self.stage.stop(),
            Step::IsDown if self.stage.is_down() => {}
            Step::IsDown => return Err("it is not".into()),
        }
        Ok(())
    }

    fn manner(&mut self, name: &str) -> &mut Manner {
        self.manners.entry(name.to_owned()).or_default()
    }

    fn serializer(&self, name: &str) -> Serializer {
        let chosen = self.manners.get(name).and_then(|manner| manner.serializer);
        chosen.unwrap_or_else(|| self.stage.serializer())
    }

    fn id(&self, pattern: &Pattern) -> Result<i128, String> {
        match pattern.value(&self.names)? {
            Value::Integer(id) => Ok(id),
            other => Err(format!("{} is no id", shown(&other))),
        }
    }

    fn connect(&mut self, name: &str) {
        let manner = self.manners.get(name);
        let way = Way {
            serializer: self.serializer(name),
            realm: self.realm,
            is_local: manner.is_none_or(|manner| !manner.is_far),
            bytes_max: manner.and_then(|manner| manner.bytes_max),
            separator: manner.and_then(|manner| manner.separator),
        };
        self.stage.connect(name, way);
        self.seen.insert(name.to_owned());
    }

    /// Lets somebody who was not there yet join.
    fn appear(&mut self, name: &str) -> Result<(), String> {
        if self.seen.contains(name) {
            return Ok(());
        }
        self.connect(name);
        let realm = self.realm;
        let authmethod = self.stage.authmethod();
        let Manner {
            announced, claim, ..
        } = self.manner(name);
        let hello = hello(realm, announced, claim.as_ref().map(|it| (it, authmethod)));
        let authrole = claim.as_ref().map(|claim| claim.authrole.clone());
        self.said.push(format!("{name} joins {realm}"));
        self.send_written(name, &hello)?;
        let mut received = self.receive(name)?;
        if let (true, Some(ticket)) = (is_challenge(&received), authrole) {
            self.send_written(name, &format!("[AUTHENTICATE, {ticket:?}, {{}}]"))?;
            received = self.receive(name)?;
        }
        self.names.remove(name);
        let welcome = Pattern::parse(&format!("[WELCOME, ${name}, _]"))?;
        self.expect(&received, &welcome)
    }

    fn send_written(&mut self, name: &str, message: &str) -> Result<(), String> {
        let message = Pattern::parse(message)?.value(&self.names)?;
        self.send_value(name, &message);
        Ok(())
    }

    fn send(&mut self, name: &str, content: &Content) -> Result<(), String> {
        let is_text = self.serializer(name).is_text();
        match content {
            Content::Message(pattern) => {
                if is_hello(pattern) && !self.seen.contains(name) {
                    self.connect(name);
                }
                self.appear(name)?;
                self.send_message(name, pattern)
            }
            Content::Raw(bytes) => self.send_bytes(name, is_text, bytes),
            Content::Frame(is_text, bytes) => self.send_bytes(name, *is_text, bytes),
        }
    }

    fn send_message(&mut self, name: &str, pattern: &Pattern) -> Result<(), String> {
        let value = pattern.value(&self.names)?;
        self.said.push(format!("{name} -> {}", shown(&value)));
        self.send_value(name, &value);
        Ok(())
    }

    fn send_value(&mut self, name: &str, value: &Value) {
        let serializer = self.serializer(name);
        let frame = Frame {
            bytes: serializer.encode_value(value),
            is_text: serializer.is_text(),
        };
        self.stage.send(name, frame);
    }

    fn send_bytes(&mut self, name: &str, is_text: bool, bytes: &Bytes) -> Result<(), String> {
        self.appear(name)?;
        self.said.push(format!("{name} -> hex {}", hex(bytes)));
        let bytes = bytes.clone();
        self.stage.send(name, Frame { bytes, is_text });
        Ok(())
    }

    fn expect(&mut self, received: &Received, pattern: &Pattern) -> Result<(), String> {
        let Received::Message(value) = received else {
            return Err("the router closed the transport".into());
        };
        pattern
            .match_value(value, &mut self.names)
            .map_err(|why| format!("{} came: {why}", shown(value)))
    }

    fn receive(&mut self, name: &str) -> Result<Received, String> {
        self.appear(name)?;
        let received = self.stage.receive(name);
        self.note(name, received)
    }

    fn await_next(&mut self, name: &str) -> Result<Received, String> {
        self.appear(name)?;
        let received = self.stage.await_next(name);
        self.note(name, received)
    }

    fn note(&mut self, name: &str, received: Option<Received>) -> Result<Received, String> {
        let received = received.ok_or("nothing came")?;
        self.got.push(said(name, &received));
        self.said.push(said(name, &received));
        Ok(received)
    }

    fn silence(&mut self) -> Result<(), String> {
        let unread = self.stage.unread();
        if unread.is_empty() {
            return Ok(());
        }
        self.got = unread.iter().map(|(name, it)| said(name, it)).collect();
        Err(format!("nobody expected {}", self.got.join(", ")))
    }
}

fn expect_closed(received: &Received) -> Result<(), String> {
    match received {
        Received::Closed => Ok(()),
        Received::Message(value) => Err(format!("{} came", shown(value))),
    }
}

fn is_challenge(received: &Received) -> bool {
    let challenge = Value::Integer(MessageCode::Challenge as i128);
    matches!(received, Received::Message(Value::List(items)) if items.first() == Some(&challenge))
}

fn is_hello(pattern: &Pattern) -> bool {
    let hello = Pattern::Value(Value::Integer(1));
    matches!(pattern, Pattern::List { items, .. } if items.first() == Some(&hello))
}

fn said(name: &str, received: &Received) -> String {
    match received {
        Received::Message(value) => format!("{name} <- {}", shown(value)),
        Received::Closed => format!("{name} closed"),
    }
}
