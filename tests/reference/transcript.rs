//! A sequence as a transcript, in the notation of `tests/transcripts`: what the reference says is what should be.

use wamp::protocol::MessageCode;

use super::json::{ANY, Json, NAMED, REST, SET, json, number};
use super::model::SESSIONS;

/// The lines so far.
#[derive(Default)]
pub(super) struct Transcript {
    lines: Vec<String>,
}

impl Transcript {
    pub(super) fn new(profile: u8) -> Self {
        let mut transcript = Self::default();
        if profile > 0 {
            transcript.lines.push(format!(
                "## In a realm of tests/reference/profile.rs, number {profile}."
            ));
        }
        transcript
    }

    pub(super) fn wait(&mut self, milliseconds: u64) {
        self.lines.push(format!("+{milliseconds}ms"));
    }

    pub(super) fn join(&mut self, name: &str, hello: &Json, is_local: bool) {
        let remark = if is_local {
            ""
        } else {
            "  # from another machine"
        };
        self.lines
            .push(format!("{name} -> {}{remark}", message(hello)));
    }

    pub(super) fn lose(&mut self, name: &str) {
        self.lines.push(format!("{name} gone"));
    }

    pub(super) fn send(&mut self, name: &str, sent: &Json) {
        self.lines.push(format!("{name} -> {}", message(sent)));
    }

    pub(super) fn receive(&mut self, name: &str, received: &Json) {
        if received[0] == json!("END") {
            if received[1] != json!("left") {
                self.lines.push(format!("{name} closed"));
            }
            return;
        }
        self.lines.push(format!("{name} <- {}", message(received)));
    }

    pub(super) fn text(&self) -> String {
        self.lines.join("\n")
    }

    /// All of it, and what is wrong at its end.
    pub(super) fn fail(&self, name: &str, why: &str) -> String {
        let lines = self.text();
        format!(
            "\n# A failure of tests/reference.   only: memory\n{lines}\n## here {name}: {why}\n.\n"
        )
    }
}

fn message(message: &Json) -> String {
    let Some([code, rest @ ..]) = message.as_array().map(Vec::as_slice) else {
        return value(message);
    };
    if *code == json!(2) {
        return format!("[WELCOME, {}, _]", value(&rest[0]));
    }
    let mut elements = vec![name(code)];
    elements.extend(rest.iter().map(value));
    // The kind of request that an ERROR answers.
    if *code == json!(8) && elements.len() > 1 {
        elements[1] = name(&rest[0]);
    }
    format!("[{}]", elements.join(", "))
}

fn name(code: &Json) -> String {
    let known = MessageCode::from_number(number(code)).map(MessageCode::name);
    known.map_or_else(|| code.to_string(), str::to_owned)
}

fn value(json: &Json) -> String {
    match json {
        Json::Number(_) if number(json) >= SESSIONS => {
            let id = number(json);
            let kinds = ["", "session", "pub", "reg", "sub"];
            let kind = usize::try_from(id / SESSIONS)
                .ok()
                .and_then(|kind| kinds.get(kind));
            format!("${}{}", kind.unwrap_or(&"id"), id % SESSIONS)
        }
        Json::String(text) if text == ANY => "_".to_owned(),
        Json::String(text) if text == REST => "...".to_owned(),
        Json::String(text) if text.starts_with(NAMED) => {
            format!(
                "$name{}",
                text.rsplit(' ')
                    .next()
                    .unwrap_or_default()
                    .parse::<u64>()
                    .unwrap_or_default()
                    % SESSIONS
            )
        }
        Json::Array(items) => format!(
            "[{}]",
            items.iter().map(value).collect::<Vec<_>>().join(", ")
        ),
        Json::Object(entries) if entries.contains_key(SET) => "_".to_owned(),
        Json::Object(entries) => {
            let entry = |(key, item): (&String, &Json)| format!("{}: {}", json!(key), value(item));
            format!(
                "{{{}}}",
                entries.iter().map(entry).collect::<Vec<_>>().join(", ")
            )
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => json.to_string(),
    }
}
