//! What each state of a session does with each message a client can send: `states.txt`, which is checked in.
//!
//! `BLESS=1 cargo test states` writes the file anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use wamp::protocol::{MessageCode, Value};
use wamp::router::Limits;
use wamp::serializer::Serializer;

use super::hello::{Announced, hello};
use super::memory::Memory;
use super::notation::{Names, Pattern};
use super::realms::PLAIN;
use super::stage::{Frame, Received, Stage, Way};

/// A state of ann's, and how she gets there. All ids of the router count from 1.
struct State {
    name: &'static str,
    reach: fn(&mut Memory),
}

const STATES: [State; 7] = [
    State {
        name: "before HELLO",
        reach: |stage| connect(stage, "ann"),
    },
    State {
        name: "open",
        reach: open,
    },
    State {
        name: "open, its call 4 killed",
        reach: |stage| {
            open(stage);
            send(stage, "ann", r#"[CANCEL, 4, {"mode": "kill"}]"#);
        },
    },
    State {
        name: "after its own GOODBYE",
        reach: |stage| {
            open(stage);
            send(stage, "ann", r#"[GOODBYE, {}, "wamp.close.close_realm"]"#);
        },
    },
    State {
        name: "killed",
        reach: KILLED[0],
    },
    State {
        name: "router draining",
        reach: |stage| {
            open(stage);
            stage.stop();
        },
    },
    State {
        name: "after the router's GOODBYE",
        reach: |stage| {
            open(stage);
            stage.stop();
            stage.advance(Limits::default().grace_time);
        },
    },
];

/// The ways to kill ann.
const KILLED: [fn(&mut Memory); 4] = [
    |stage| kill(stage, r#"[CALL, 4, {}, "wamp.session.kill_all"]"#),
    |stage| kill(stage, r#"[CALL, 4, {}, "wamp.session.kill", [$ann]]"#),
    |stage| {
        let call = r#"[CALL, 4, {}, "wamp.session.kill_by_authid", [$authid]]"#;
        kill(stage, call);
    },
    |stage| {
        let call = r#"[CALL, 4, {}, "wamp.session.kill_by_authrole", ["anonymous"]]"#;
        kill(stage, call);
    },
];

/// Lets bob make a call that may name ann's session and authid.
fn kill(stage: &mut Memory, call: &str) {
    open(stage);
    let unread = stage.unread();
    let mut theirs = unread.iter().filter(|(who, _)| who == "ann");
    let Some((_, Received::Message(Value::List(welcome)))) = theirs.next() else {
        panic!("ann is welcome");
    };
    let Value::Dict(details) = &welcome[2] else {
        panic!("WELCOME has details");
    };
    let authid = details.get("authid").unwrap();
    let names = [("ann", &welcome[1]), ("authid", authid)];
    let names = names.map(|(name, value)| (name.to_owned(), value.clone()));
    send_with(stage, "bob", call, &names.into());
}

/// What ann holds in an open session.
const OPENING: &[(&str, &str)] = &[
    ("ann", r#"[SUBSCRIBE, 1, {}, "com.ann"]"#),
    ("ann", r#"[REGISTER, 2, {}, "com.ann"]"#),
    ("bob", r#"[SUBSCRIBE, 1, {}, "com.bob"]"#),
    ("bob", r#"[REGISTER, 2, {}, "com.bob"]"#),
    ("bob", r#"[CALL, 3, {"receive_progress": true}, "com.ann"]"#),
    ("ann", r#"[CALL, 3, {}, "com.bob"]"#),
    ("ann", r#"[CALL, 4, {"progress": true}, "com.bob"]"#),
];

/// Every message, well-formed, and its variants that matter.
const MESSAGES: &[&str] = &[
    r#"[HELLO, "realm1", {"roles": {"caller": {}}}]"#,
    r#"[HELLO, "realm9", {"roles": {"caller": {}}}]"#,
    r#"[HELLO, "realm1", {}]"#,
    "[WELCOME, 1, {}]",
    r#"[ABORT, {}, "com.example.panic"]"#,
    r#"[CHALLENGE, "ticket", {}]"#,
    r#"[AUTHENTICATE, "secret", {}]"#,
    r#"[GOODBYE, {}, "wamp.close.close_realm"]"#,
    r#"[GOODBYE, {}, "wamp.close.goodbye_and_out"]"#,
    r#"[ERROR, INVOCATION, 1, {}, "com.oops"]"#,
    r#"[ERROR, INVOCATION, 1, {}, "wamp.error.unavailable"]"#,
    r#"[ERROR, INVOCATION, 9, {}, "com.oops"]"#,
    r#"[ERROR, CALL, 1, {}, "com.oops"]"#,
    r#"[PUBLISH, 5, {}, "com.bob"]"#,
    r#"[PUBLISH, 5, {"acknowledge": true}, "com.bob"]"#,
    r#"[PUBLISH, 5, {"acknowledge": true}, "com.nobody"]"#,
    r#"[PUBLISH, 5, {"acknowledge": true, "eligible": []}, "com.bob"]"#,
    r#"[PUBLISH, 5, {"acknowledge": true}, ""]"#,
    r#"[PUBLISH, 5, {"acknowledge": true}, "wamp.x"]"#,
    r#"[PUBLISH, 5, {"ppt_scheme": "x_mine"}, "com.bob"]"#,
    r#"[PUBLISH, 5, {"acknowledge": 1}, "com.bob"]"#,
    r#"[PUBLISH, 6, {}, "com.bob"]"#,
    "[PUBLISHED, 1, 1]",
    r#"[SUBSCRIBE, 5, {}, "com.x"]"#,
    r#"[SUBSCRIBE, 5, {}, "com.ann"]"#,
    r#"[SUBSCRIBE, 5, {"match": "prefix"}, "com"]"#,
    r#"[SUBSCRIBE, 5, {"match": "wildcard"}, "com."]"#,
    r#"[SUBSCRIBE, 5, {}, ""]"#,
    r#"[SUBSCRIBE, 5, {"match": 1}, "com.x"]"#,
    r#"[SUBSCRIBE, 6, {}, "com.x"]"#,
    "[SUBSCRIBED, 1, 1]",
    "[UNSUBSCRIBE, 5, 1]",
    "[UNSUBSCRIBE, 5, 9]",
    "[UNSUBSCRIBE, 6, 1]",
    "[UNSUBSCRIBED, 1]",
    "[EVENT, 1, 1, {}]",
    r#"[CALL, 5, {}, "com.bob"]"#,
    r#"[CALL, 5, {"progress": true}, "com.bob"]"#,
    r#"[CALL, 5, {"ppt_scheme": "x_mine"}, "com.bob"]"#,
    r#"[CALL, 5, {"timeout": "1"}, "com.bob"]"#,
    r#"[CALL, 5, {}, "com.none"]"#,
    r#"[CALL, 5, {}, "wamp.session.count"]"#,
    r#"[CALL, 5, {"progress": true}, "wamp.session.count"]"#,
    r#"[CALL, 5, {"ppt_scheme": "x_mine"}, "wamp.session.count"]"#,
    r#"[CALL, 5, {}, "wamp.session.kill_all"]"#,
    r#"[CALL, 5, {}, "wamp.session.get"]"#,
    r#"[CALL, 5, {}, "wamp.none"]"#,
    r#"[CALL, 5, {"runmode": "all"}, "com.bob"]"#,
    r#"[CALL, 5, {}, ""]"#,
    r#"[CALL, 6, {}, "com.bob"]"#,
    r#"[CALL, 4, {"progress": true}, "com.bob"]"#,
    r#"[CALL, 4, {}, "com.bob"]"#,
    r#"[CALL, 4, {}, "com.other"]"#,
    r#"[CALL, 3, {}, "com.bob"]"#,
    r#"[CALL, 1, {}, "com.bob"]"#,
    "[CANCEL, 3, {}]",
    r#"[CANCEL, 3, {"mode": "skip"}]"#,
    r#"[CANCEL, 3, {"mode": "kill"}]"#,
    r#"[CANCEL, 3, {"mode": "killnowait"}]"#,
    "[CANCEL, 4, {}]",
    "[CANCEL, 9, {}]",
    "[RESULT, 1, {}]",
    r#"[REGISTER, 5, {}, "com.x"]"#,
    r#"[REGISTER, 5, {"match": "prefix"}, "com"]"#,
    r#"[REGISTER, 5, {"invoke": "roundrobin"}, "com.x"]"#,
    r#"[REGISTER, 5, {}, "com.bob"]"#,
    r#"[REGISTER, 5, {"force_reregister": true}, "com.bob"]"#,
    r#"[REGISTER, 5, {}, ""]"#,
    r#"[REGISTER, 5, {"invoke": 1}, "com.x"]"#,
    r#"[REGISTER, 6, {}, "com.x"]"#,
    "[REGISTERED, 1, 1]",
    "[UNREGISTER, 5, 1]",
    "[UNREGISTER, 5, 9]",
    "[UNREGISTER, 6, 1]",
    "[UNREGISTERED, 1]",
    "[INVOCATION, 1, 1, {}]",
    "[INTERRUPT, 1, {}]",
    "[YIELD, 1, {}]",
    r#"[YIELD, 1, {"progress": true}]"#,
    r#"[YIELD, 1, {"progress": 1}]"#,
    r#"[YIELD, 1, {"ppt_scheme": "x_mine"}]"#,
    "[YIELD, 9, {}]",
    "[EVENT_RECEIVED, 1]",
    "[CALL]",
];

#[test]
fn each_state_does_with_each_message_what_is_checked_in() {
    let covered: BTreeSet<_> = MESSAGES
        .iter()
        .filter_map(|message| message[1..].split([',', ']']).next())
        .collect();
    let all: BTreeSet<_> = MessageCode::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(covered, all);

    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcript/states.txt");
    let found = table();
    if std::env::var_os("BLESS").is_some() {
        fs::write(&file, &found).unwrap();
    }
    let expected = fs::read_to_string(&file).unwrap();
    assert!(
        found == expected,
        "{} says otherwise; BLESS=1 writes it anew. Now it is\n{found}",
        file.display()
    );
}

#[test]
fn whoever_is_killed_is_so_in_one_way() {
    for reach in KILLED {
        let mut stage = Memory::new();
        reach(&mut stage);
        let unread = stage.unread();
        let goodbyes = unread.iter().filter(|(who, _)| who == "ann");
        let last = goodbyes.map(|(_, received)| short(received)).next_back();
        assert_eq!(last.as_deref(), Some("GOODBYE killed"));
    }
    for message in MESSAGES {
        let answers: BTreeSet<_> = KILLED.iter().map(|&reach| answer(reach, message)).collect();
        assert_eq!(answers.len(), 1, "{message}: {answers:?}");
    }
}

fn table() -> String {
    let mut table = String::from(
        "What a client gets for each message, by state. `open`: ann holds subscription 1, registration 1 and\n\
         invocation 1 of bob's, who takes progress; bob has her call 3 and the first part of her call 4; her next\n\
         request is 5. Everybody has announced everything. What bob gets is behind `bob:`.\n",
    );
    for message in MESSAGES {
        let _ = write!(table, "\n{message}\n");
        for State { name, reach } in STATES {
            let _ = writeln!(table, "  {name:<27} {}", answer(reach, message));
        }
    }
    table
}

fn answer(reach: fn(&mut Memory), message: &str) -> String {
    let mut stage = Memory::new();
    reach(&mut stage);
    stage.unread();
    send(&mut stage, "ann", message);
    let unread = stage.unread();
    let got = |name: &str| -> Vec<String> {
        let theirs = unread.iter().filter(|(who, _)| who == name);
        theirs.map(|(_, received)| short(received)).collect()
    };
    let mut answer = got("ann").join(", ");
    if answer.is_empty() {
        answer.push_str("nothing");
    }
    let bobs = got("bob");
    if !bobs.is_empty() {
        let _ = write!(answer, "; bob: {}", bobs.join(", "));
    }
    answer
}

/// A message's name, with the URI of one that says why.
fn short(received: &Received) -> String {
    let Received::Message(Value::List(elements)) = received else {
        return "closed".into();
    };
    let Some(Value::Integer(code)) = elements.first() else {
        return "?".into();
    };
    let code = u64::try_from(*code).ok().and_then(MessageCode::from_number);
    let name = code.map_or("?", MessageCode::name);
    let why = match code {
        Some(MessageCode::Error) => elements.get(4),
        Some(MessageCode::Abort | MessageCode::Goodbye) => elements.get(2),
        _ => None,
    };
    match why {
        Some(Value::Text(uri)) => format!("{name} {}", uri.rsplit('.').next().unwrap_or(uri)),
        _ => name.into(),
    }
}

fn open(stage: &mut Memory) {
    for name in ["ann", "bob"] {
        connect(stage, name);
        send(stage, name, &hello(PLAIN[0], &Announced::default(), None));
    }
    for (name, message) in OPENING {
        send(stage, name, message);
    }
}

fn connect(stage: &mut Memory, name: &str) {
    let way = Way {
        serializer: Serializer::Json,
        realm: PLAIN[0],
        is_local: true,
        bytes_max: None,
        separator: None,
    };
    stage.connect(name, way);
}

fn send(stage: &mut Memory, name: &str, message: &str) {
    send_with(stage, name, message, &Names::new());
}

fn send_with(stage: &mut Memory, name: &str, message: &str, names: &Names) {
    let pattern = Pattern::parse(message).unwrap();
    let value = pattern.value(names).unwrap();
    let frame = Frame {
        bytes: Serializer::Json.encode_value(&value),
        is_text: true,
    };
    stage.send(name, frame);
}
