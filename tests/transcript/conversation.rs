//! Runs a scenario on a stage, line by line, and says what went otherwise.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bytes::Bytes;
use wamp::protocol::Value;
use wamp::serializer::Serializer;

use super::notation::{Names, Pattern, hex, shown};
use super::script::{Content, Line, Scenario, Step};
use super::stage::{Frame, Received, Stage};

/// The first HELLO of whoever has none in the transcript.
pub(super) const HELLO: &str = r#"[HELLO, "realm1", {"roles": {"caller": {}, "callee": {}, "publisher": {}, "subscriber": {}}}]"#;

/// A scenario that went otherwise than written.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) title: String,
    pub(super) line_number: usize,
    pub(super) line: String,
    pub(super) why: String,
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
    names: Names,
    serializers: BTreeMap<String, Serializer>,
    seen: BTreeSet<String>,
    said: Vec<String>,
}

/// Runs a scenario to its end, where nobody may have unread messages and nothing may be left behind.
pub(super) fn run<S: Stage>(stage: &mut S, scenario: &Scenario) -> Result<(), Failure> {
    let mut conversation = Conversation {
        stage,
        names: Names::new(),
        serializers: BTreeMap::new(),
        seen: BTreeSet::new(),
        said: Vec::new(),
    };
    let fail = |line_number, line: &str, why, said| Failure {
        title: scenario.title.clone(),
        line_number,
        line: line.to_owned(),
        why,
        said,
    };
    for Line { number, text, step } in &scenario.lines {
        if let Err(why) = conversation.step(step) {
            return Err(fail(*number, text, why, conversation.said));
        }
    }
    let outcome = conversation
        .silence()
        .and_then(|()| conversation.stage.finish());
    outcome.map_err(|why| fail(scenario.number, "(the end)", why, conversation.said))
}

impl<S: Stage> Conversation<'_, S> {
    fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Speaks(name, serializer) => {
                self.serializers.insert(name.clone(), *serializer);
            }
            Step::Connects(name) => self.connect(name),
            Step::Sends(name, content) => self.send(name, content)?,
            Step::Gets(name, pattern) => self.get(name, pattern)?,
            Step::Gone(name, with_close) => {
                self.appear(name)?;
                self.stage.leave(name, *with_close);
                self.seen.remove(name);
                self.said.push(format!("{name} gone"));
            }
            Step::Closed(name) => self.closed(name)?,
            Step::Silence => self.silence()?,
            Step::Differ(one, other) => {
                if one.value(&self.names)? == other.value(&self.names)? {
                    return Err("they are the same".into());
                }
            }
            Step::Advance(by) => self.stage.advance(*by),
            Step::Stop => self.stage.stop(),
            Step::IsDown if self.stage.is_down() => {}
            Step::IsDown => return Err("it is not".into()),
        }
        Ok(())
    }

    fn serializer(&self, name: &str) -> Serializer {
        let chosen = self.serializers.get(name).copied();
        chosen.unwrap_or_else(|| self.stage.serializer())
    }

    fn connect(&mut self, name: &str) {
        self.stage.connect(name, self.serializer(name));
        self.seen.insert(name.to_owned());
    }

    /// Lets somebody who was not there yet join.
    fn appear(&mut self, name: &str) -> Result<(), String> {
        if self.seen.contains(name) {
            return Ok(());
        }
        self.connect(name);
        self.send_message(name, &Pattern::parse(HELLO)?)?;
        let welcome = Pattern::parse(&format!("[WELCOME, ${name}, _]"))?;
        self.names.remove(name);
        self.get(name, &welcome)
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
        let serializer = self.serializer(name);
        let value = pattern.value(&self.names)?;
        self.said.push(format!("{name} -> {}", shown(&value)));
        let frame = Frame {
            bytes: serializer.encode_value(&value),
            is_text: serializer.is_text(),
        };
        self.stage.send(name, frame);
        Ok(())
    }

    fn send_bytes(&mut self, name: &str, is_text: bool, bytes: &Bytes) -> Result<(), String> {
        self.appear(name)?;
        self.said.push(format!("{name} -> hex {}", hex(bytes)));
        let bytes = bytes.clone();
        self.stage.send(name, Frame { bytes, is_text });
        Ok(())
    }

    fn get(&mut self, name: &str, pattern: &Pattern) -> Result<(), String> {
        let value = match self.receive(name)? {
            Received::Message(value) => value,
            Received::Closed => return Err("the router closed the transport".into()),
        };
        pattern
            .match_value(&value, &mut self.names)
            .map_err(|why| format!("{} came: {why}", shown(&value)))
    }

    fn closed(&mut self, name: &str) -> Result<(), String> {
        match self.receive(name)? {
            Received::Closed => Ok(()),
            Received::Message(value) => Err(format!("{} came", shown(&value))),
        }
    }

    fn receive(&mut self, name: &str) -> Result<Received, String> {
        self.appear(name)?;
        let received = self.stage.receive(name).ok_or("nothing came")?;
        self.said.push(said(name, &received));
        Ok(received)
    }

    fn silence(&mut self) -> Result<(), String> {
        let unread = self.stage.unread();
        if unread.is_empty() {
            return Ok(());
        }
        let unread: Vec<_> = unread.iter().map(|(name, it)| said(name, it)).collect();
        Err(format!("nobody expected {}", unread.join(", ")))
    }
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
