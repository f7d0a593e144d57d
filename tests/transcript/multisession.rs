//! The specification's conversations, `multisession` of its vectors: each becomes a scenario, and runs as one.
//!
//! They number requests at will, so they run in the realm `lenient`. What the router chooses, the ids of all but
//! requests, stands there as examples, and here as names.

use std::fs;
use std::path::PathBuf;

use serde_json::Value as Json;
use wamp::serializer::Serializer;

use super::memory::Memory;
use super::script::Scenario;
use super::stage::Stage;
use super::websocket::WebSockets;
use super::{conversation, script};
use crate::vectors;

/// Messages that the vectors have, and the order of their fields; arguments follow.
const FIELDS: [(&str, &[&str]); 4] = [
    ("SUBSCRIBE", &["request_id", "options", "topic"]),
    ("SUBSCRIBED", &["request_id", "subscription_id"]),
    ("PUBLISH", &["request_id", "options", "topic"]),
    ("EVENT", &["subscription_id", "publication_id", "details"]),
];

#[test]
fn the_specifications_conversations_go_as_it_says() {
    let Some(folder) = vectors::folder() else {
        return;
    };
    let files = fs::read_dir(folder.join("multisession/advanced")).unwrap();
    let files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    assert!(!files.is_empty(), "no conversation");
    for file in files {
        let vector: Json = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let text = transcript(&vector);
        let scenarios = script::parse(&text).unwrap_or_else(|why| panic!("{why} of\n{text}"));
        play(&mut Memory::new(), &scenarios[0]);
        for serializer in Serializer::ALL {
            play(&mut WebSockets::to_library(serializer), &scenarios[0]);
        }
    }
}

fn play(stage: &mut impl Stage, scenario: &Scenario) {
    conversation::run(stage, scenario).unwrap_or_else(|failure| panic!("{failure}"));
}

fn transcript(vector: &Json) -> String {
    let title = vector["description"].as_str().unwrap();
    let mut lines = vec![format!("# {title}.   spec: ap#features   realm: lenient")];
    for session in vector["sessions"].as_array().unwrap() {
        let name = session["session_id"].as_str().unwrap();
        let roles = session["roles"].as_array().unwrap();
        let roles: Vec<_> = roles.iter().map(|role| format!("{role}: {{}}")).collect();
        let roles = roles.join(", ");
        lines.push(format!(
            r#"{name} -> [HELLO, "lenient", {{"roles": {{{roles}}}}}]"#
        ));
        lines.push(format!("{name} <- [WELCOME, _, _]"));
    }
    for step in vector["sequence"].as_array().unwrap() {
        let message = message(&step["message"]);
        lines.push(match (step["from"].as_str(), step["to"].as_str()) {
            (Some(name), Some("router")) => format!("{name} -> {message}"),
            (Some("router"), Some(name)) => format!("{name} <- {message}"),
            who => panic!("from whom to whom? {who:?}"),
        });
    }
    lines.push(".".into());
    lines.join("\n")
}

fn message(message: &Json) -> String {
    let name = message["type"].as_str().unwrap();
    let (_, fields) = FIELDS
        .into_iter()
        .find(|(known, _)| *known == name)
        .unwrap_or_else(|| panic!("the order of {name}'s fields is not known here"));
    let mut elements = vec![name.to_owned()];
    for field in fields {
        let value = &message[field];
        assert!(!value.is_null(), "{name} has no {field}");
        elements.push(if field.ends_with("_id") && *field != "request_id" {
            format!("${field}_{value}")
        } else {
            value.to_string()
        });
    }
    let arguments = ["args", "kwargs"].map(|key| &message[key]);
    let given = arguments.into_iter().filter(|value| !value.is_null());
    elements.extend(given.map(Json::to_string));
    format!("[{}]", elements.join(", "))
}
