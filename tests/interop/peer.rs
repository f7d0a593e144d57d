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

/// The keys of what a peer says without having been asked.
const UNASKED: [&str; 6] = [
    "event",
    "progress",
    "invoked",
    "interrupted",
    "revoked",
    "left",
];

/// A WAMP library that nobody here wrote.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Library {
    AutobahnPython,
    AutobahnJs,
    Wampy,
    /// Not another's but ours for pages, with autobahn-js's API.
    WampJs,
}

impl Library {
    /// All that others wrote.
    pub(crate) const ALL: [Self; 3] = [Self::AutobahnPython, Self::AutobahnJs, Self::Wampy];

    /// Lets a session of this library join `realm1` of the router at `url`.
    #[track_caller]
    pub(crate) fn join(self, url: &str, serializer: &str) -> Peer {
        self.join_realm(url, "realm1", serializer)
    }

    /// Lets a session of this library join a realm of the router at `url`.
    #[track_caller]
    pub(crate) fn join_realm(self, url: &str, realm: &str, serializer: &str) -> Peer {
        Peer::start(self, self.command(url, realm, serializer))
    }

    /// Prepares a session that joins a realm of the router at `url`.
    #[track_caller]
    pub(crate) fn command(self, url: &str, realm: &str, serializer: &str) -> Command {
        let mut command = match self {
            Self::AutobahnPython => python("autobahn_python.py"),
            Self::AutobahnJs | Self::WampJs => node("autobahn_js.cjs"),
            Self::Wampy => node("wampy.cjs"),
        };
        command.args([url, serializer, realm]);
        if self == Self::WampJs {
            command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/wamp.js"));
        }
        command
    }

    /// Lets one session join for each serializer that it has.
    #[track_caller]
    pub(crate) fn join_with_each(self, url: &str) -> Vec<(&'static str, Peer)> {
        let serializers = match self {
            Self::WampJs => &SERIALIZERS[..1],
            _ => &SERIALIZERS,
        };
        serializers
            .iter()
            .map(|serializer| (*serializer, self.join(url, serializer)))
            .collect()
    }
}

/// A session of one of them; it leaves in good order with [`leave`](Self::leave).
#[derive(Debug)]
pub(crate) struct Peer {
    library: Library,
    identity: Value,
    program: Program,
    /// What it said without having been asked, and no test has taken yet.
    heard: VecDeque<Value>,
}

impl Peer {
    /// Starts a session of a library that [`Library::command`] has prepared, and waits until it has joined.
    #[track_caller]
    pub(crate) fn start(library: Library, command: Command) -> Self {
        let mut peer = Self {
            library,
            identity: Value::Null,
            program: Program::start(command),
            heard: VecDeque::new(),
        };
        peer.identity = peer.answer();
        let identity = &peer.identity;
        assert!(identity["ready"].is_u64(), "{library:?} said: {identity}");
        peer
    }

    /// Returns its library.
    pub(crate) fn library(&self) -> Library {
        self.library
    }

    /// Returns its session's id.
    pub(crate) fn session(&self) -> u64 {
        self.identity["ready"].as_u64().unwrap_or_default()
    }

    /// Returns the authid that WELCOME gave it.
    pub(crate) fn authid(&self) -> &str {
        self.identity["authid"].as_str().unwrap_or_default()
    }

    /// Returns the authrole that WELCOME gave it.
    pub(crate) fn authrole(&self) -> &str {
        self.identity["authrole"].as_str().unwrap_or_default()
    }

    /// Registers one of the procedures that all peers have and returns the registration.
    #[track_caller]
    pub(crate) fn register(&mut self, procedure: &str, behaviour: &str) -> u64 {
        let answer = self.register_with(procedure, behaviour, &json!({}));
        id(&answer, "registered")
    }

    /// Registers with options; returns the answer, which may be an ERROR.
    #[track_caller]
    pub(crate) fn register_with(
        &mut self,
        procedure: &str,
        behaviour: &str,
        options: &Value,
    ) -> Value {
        self.order(
            &json!({"do": "register", "procedure": procedure, "as": behaviour, "options": options}),
        )
    }

    /// Takes a registration back.
    #[track_caller]
    pub(crate) fn unregister(&mut self, procedure: &str) {
        let answer = self.order(&json!({"do": "unregister", "procedure": procedure}));
        assert_eq!(answer, json!({"unregistered": procedure}));
    }

    /// Calls and returns `{"args", "kwargs"}`, with `"error"` before them if that is what came.
    #[track_caller]
    pub(crate) fn call(&mut self, procedure: &str, args: &Value, kwargs: &Value) -> Value {
        self.order(&json!({"do": "call", "procedure": procedure, "args": args, "kwargs": kwargs}))
    }

    /// Calls and returns the first of the results, null where there is none; fails if it is an ERROR that comes.
    #[track_caller]
    pub(crate) fn ask(&mut self, procedure: &str, args: &Value) -> Value {
        let mut answer = self.call(procedure, args, &json!({}));
        let library = self.library;
        assert!(
            answer.get("error").is_none(),
            "{library:?}: {procedure}{args}: {answer}"
        );
        let result = answer["args"].get_mut(0).map(Value::take);
        with_whole_numbers(result.unwrap_or_default())
    }

    /// Begins a call whose answer [`outcome`](Self::outcome) returns.
    #[track_caller]
    pub(crate) fn begin_call(&mut self, procedure: &str, args: &Value, options: &Value) {
        self.tell(&json!({"do": "call", "procedure": procedure, "args": args, "options": options}));
    }

    /// Cancels the call that was begun last, with the mode if there is one.
    #[track_caller]
    pub(crate) fn cancel(&mut self, mode: Option<&str>) {
        self.tell(&match mode {
            Some(mode) => json!({"do": "cancel", "mode": mode}),
            None => json!({"do": "cancel"}),
        });
    }

    /// Returns how a call ended that was begun; waits for it if need be.
    #[track_caller]
    pub(crate) fn outcome(&mut self) -> Value {
        self.answer()
    }

    /// Takes the next progressive result; waits for it if need be.
    #[track_caller]
    pub(crate) fn progress(&mut self) -> Value {
        self.hear("progress")
    }

    /// Waits until its procedure, one that waits, is called.
    #[track_caller]
    pub(crate) fn expect_invocation(&mut self) {
        self.hear("invoked");
    }

    /// Waits until its procedure, one that waits, is interrupted.
    #[track_caller]
    pub(crate) fn expect_interrupt(&mut self) {
        self.hear("interrupted");
    }

    /// Lets its procedure answer that has waited longest.
    #[track_caller]
    pub(crate) fn answer_call(&mut self) {
        let answer = self.order(&json!({"do": "answer"}));
        assert!(answer.get("answered").is_some(), "{answer}");
    }

    /// Subscribes with a match policy and returns the subscription.
    #[track_caller]
    pub(crate) fn subscribe(&mut self, topic: &str, match_policy: &str) -> u64 {
        let answer = self.subscribe_with(topic, &json!({"match": match_policy}));
        id(&answer, "subscribed")
    }

    /// Subscribes with options; returns the answer, which may be an ERROR.
    #[track_caller]
    pub(crate) fn subscribe_with(&mut self, topic: &str, options: &Value) -> Value {
        self.order(&json!({"do": "subscribe", "topic": topic, "options": options}))
    }

    /// Takes a subscription back.
    #[track_caller]
    pub(crate) fn unsubscribe(&mut self, topic: &str) {
        let answer = self.order(&json!({"do": "unsubscribe", "topic": topic}));
        assert_eq!(answer, json!({"unsubscribed": topic}));
    }

    /// Publishes, waits for the acknowledgement and returns the publication's id.
    #[track_caller]
    pub(crate) fn publish(&mut self, topic: &str, args: &Value, kwargs: &Value) -> u64 {
        let answer =
            self.order(&json!({"do": "publish", "topic": topic, "args": args, "kwargs": kwargs}));
        id(&answer, "published")
    }

    /// Publishes with options; returns the answer, which may be an ERROR.
    #[track_caller]
    pub(crate) fn publish_with(&mut self, topic: &str, args: &Value, options: &Value) -> Value {
        self.order(&json!({"do": "publish", "topic": topic, "args": args, "options": options}))
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
        self.hear("event")
    }

    /// Waits until the router takes a registration or subscription away, and returns the reason.
    #[track_caller]
    pub(crate) fn revoked(&mut self) -> Value {
        self.hear("revoked")
    }

    /// Waits until the router ends the session, and returns `{"reason", "message"}`.
    #[track_caller]
    pub(crate) fn killed(mut self) -> Value {
        let left = self.hear("left");
        self.end();
        left
    }

    /// Ends the session and the process; fails if it had received more than the test has taken.
    #[track_caller]
    pub(crate) fn leave(mut self) {
        self.program.close_stdin();
        self.end();
    }

    #[track_caller]
    fn end(self) {
        assert!(self.heard.is_empty(), "nobody expected {:?}", self.heard);
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
        self.tell(order);
        self.answer()
    }

    #[track_caller]
    fn tell(&mut self, order: &Value) {
        self.program.write(&format!("{order}\n"));
    }

    /// Reads the next answer and keeps what comes unasked before it.
    #[track_caller]
    fn answer(&mut self) -> Value {
        loop {
            let said = self.read();
            if !UNASKED.iter().any(|key| said.get(key).is_some()) {
                return said;
            }
            self.heard.push_back(said);
        }
    }

    /// Takes what was next said unasked, which must be of this kind.
    #[track_caller]
    fn hear(&mut self, kind: &str) -> Value {
        let mut said = match self.heard.pop_front() {
            Some(said) => said,
            None => self.read(),
        };
        let Some(what) = said.get_mut(kind) else {
            panic!("{:?} waited for {kind}, got {said}", self.library);
        };
        what.take()
    }

    #[track_caller]
    fn read(&mut self) -> Value {
        let line = self.program.next_line();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("no JSON ({error}): {line}"))
    }
}

#[track_caller]
fn id(answer: &Value, key: &str) -> u64 {
    answer[key]
        .as_u64()
        .unwrap_or_else(|| panic!("not {key}: {answer}"))
}

/// Turns floats without a fraction into integers: JavaScript does not tell them apart and writes either.
pub(crate) fn with_whole_numbers(value: Value) -> Value {
    match value {
        Value::Number(number) => match number
            .to_string()
            .strip_suffix(".0")
            .and_then(|whole| whole.parse::<i64>().ok())
        {
            Some(whole) => whole.into(),
            None => number.into(),
        },
        Value::Array(items) => items.into_iter().map(with_whole_numbers).collect(),
        Value::Object(items) => items
            .into_iter()
            .map(|(key, value)| (key, with_whole_numbers(value)))
            .collect(),
        other => other,
    }
}

/// Prepares one of our scripts in the environment that has autobahn-python.
#[track_caller]
pub(crate) fn python(script: &str) -> Command {
    let mut command = Command::new(installed("autobahn/bin/python"));
    command.arg(script_path(script));
    command
}

/// Prepares one of our scripts where Node finds what `tests/run` installs.
#[track_caller]
pub(crate) fn node(script: &str) -> Command {
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
