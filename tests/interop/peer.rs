//! Sessions of other people's libraries, each a process that takes its orders from a test.
//!
//! The orders and answers are described in `peers/autobahn_python.py`; all peers understand the same.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::Program;

/// The serializers that every library here has.
pub(crate) const SERIALIZERS: [&str; 3] = ["json", "msgpack", "cbor"];

/// A WAMP library that nobody here wrote.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Library {
    AutobahnPython,
    AutobahnJs,
    Wampy,
}

impl Library {
    /// Lets a session of this library join `realm1` of the router at `url`.
    #[track_caller]
    pub(crate) fn join(self, url: &str, serializer: &str) -> Peer {
        let mut command = match self {
            Self::AutobahnPython => python("autobahn_python.py"),
            Self::AutobahnJs => node("autobahn_js.cjs"),
            Self::Wampy => node("wampy.cjs"),
        };
        command.args([url, serializer]);
        let mut peer = Peer {
            program: Program::start(command),
            events: VecDeque::new(),
        };
        let ready = peer.answer();
        assert!(
            ready["ready"].is_u64(),
            "{self:?} over {serializer} said: {ready}"
        );
        peer
    }

    /// Lets one session join for each serializer.
    #[track_caller]
    pub(crate) fn join_with_each(self, url: &str) -> Vec<(&'static str, Peer)> {
        SERIALIZERS
            .map(|serializer| (serializer, self.join(url, serializer)))
            .into()
    }
}

/// A session of one of them; it leaves in good order with [`leave`](Self::leave).
#[derive(Debug)]
pub(crate) struct Peer {
    program: Program,
    events: VecDeque<Value>,
}

impl Peer {
    /// Registers one of the procedures that all peers have: `echo`, `sum`, or `refuse`, which answers with an ERROR.
    #[track_caller]
    pub(crate) fn register(&mut self, procedure: &str, behaviour: &str) {
        let answer =
            self.order(&json!({"do": "register", "procedure": procedure, "as": behaviour}));
        assert_eq!(answer, json!({"registered": procedure}));
    }

    /// Calls and returns `{"args", "kwargs"}`, with `"error"` before them if that is what came.
    #[track_caller]
    pub(crate) fn call(&mut self, procedure: &str, args: &Value, kwargs: &Value) -> Value {
        self.order(&json!({"do": "call", "procedure": procedure, "args": args, "kwargs": kwargs}))
    }

    /// Subscribes with a match policy.
    #[track_caller]
    pub(crate) fn subscribe(&mut self, topic: &str, match_policy: &str) {
        let answer = self.order(&json!({"do": "subscribe", "topic": topic, "match": match_policy}));
        assert_eq!(answer, json!({"subscribed": topic}));
    }

    /// Publishes, waits for the acknowledgement and returns the publication's id.
    #[track_caller]
    pub(crate) fn publish(&mut self, topic: &str, args: &Value, kwargs: &Value) -> u64 {
        let answer =
            self.order(&json!({"do": "publish", "topic": topic, "args": args, "kwargs": kwargs}));
        answer["published"]
            .as_u64()
            .unwrap_or_else(|| panic!("no publication: {answer}"))
    }

    /// Takes the next `count` events, ordered by the match policy of the subscription they came for.
    ///
    /// A router may send what several subscriptions get of one publication in any order.
    #[track_caller]
    pub(crate) fn events(&mut self, count: usize) -> Vec<Value> {
        let mut events: Vec<_> = (0..count).map(|_| self.event()).collect();
        events.sort_by_key(|event| event["match"].to_string());
        events
    }

    /// Takes the next event; waits for it if need be.
    #[track_caller]
    pub(crate) fn event(&mut self) -> Value {
        if let Some(event) = self.events.pop_front() {
            return event;
        }
        let mut said = self.read();
        assert!(said["event"].is_object(), "waited for an event, got {said}");
        said["event"].take()
    }

    /// Ends the session and the process; fails if it had received more than the test has taken.
    #[track_caller]
    pub(crate) fn leave(mut self) {
        assert!(self.events.is_empty(), "nobody expected {:?}", self.events);
        self.program.close_stdin();
        let read = self.program.lines_taken();
        let output = self.program.finish().exit_code(0);
        assert_eq!(
            output.stdout.lines().skip(read).collect::<Vec<_>>(),
            [] as [&str; 0],
            "nobody expected that"
        );
    }

    #[track_caller]
    fn order(&mut self, order: &Value) -> Value {
        self.program.write(&format!("{order}\n"));
        self.answer()
    }

    /// Reads the next answer and keeps the events that come before it.
    #[track_caller]
    fn answer(&mut self) -> Value {
        loop {
            let mut said = self.read();
            if !said["event"].is_object() {
                return said;
            }
            self.events.push_back(said["event"].take());
        }
    }

    #[track_caller]
    fn read(&mut self) -> Value {
        let line = self.program.next_line();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("no JSON ({error}): {line}"))
    }
}

/// Prepares one of our scripts in the environment that has autobahn-python.
#[track_caller]
pub(crate) fn python(script: &str) -> Command {
    let mut command = Command::new(installed("autobahn/bin/python"));
    command.arg(script_path(script));
    command
}

#[track_caller]
fn node(script: &str) -> Command {
    let modules = installed("node/node_modules");
    let mut command = Command::new("node");
    command
        .current_dir(modules.with_file_name(""))
        .arg(script_path(script));
    command
}

/// Returns the path of something that `tests/run` installs.
#[track_caller]
pub(crate) fn installed(path: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target/peers")
        .join(path);
    assert!(
        path.exists(),
        "{} is missing: run tests/run, which installs it",
        path.display()
    );
    path
}

/// Returns the path of a script in `tests/interop/peers`.
pub(crate) fn script_path(script: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/interop/peers")
        .join(script)
}
