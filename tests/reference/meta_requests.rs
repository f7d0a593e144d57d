//! Calls of the router's own procedures, with arguments that are mostly right.

use super::json::{Json, json};
use super::model::SESSIONS;
use super::requests::{Client, URIS, chosen};

/// All that are called; `session.kill_all` is near the end, for what it ends.
pub(super) const PROCEDURES: [&str; 34] = [
    "session.count",
    "session.list",
    "session.get",
    "session.add_testament",
    "session.add_testament",
    "session.flush_testaments",
    "session.kill",
    "session.kill_by_authid",
    "registration.list",
    "registration.lookup",
    "registration.match",
    "registration.get",
    "registration.list_callees",
    "registration.count_callees",
    "registration.remove_callee",
    "subscription.list",
    "subscription.lookup",
    "subscription.match",
    "subscription.get",
    "subscription.list_subscribers",
    "subscription.count_subscribers",
    "subscription.remove_subscriber",
    "subscription.get_events",
    "subscription.get_events",
    "reflect.define",
    "reflect.describe",
    "reflection.procedure.list",
    "reflection.procedure.describe",
    "reflection.topic.list",
    "reflection.topic.describe",
    "reflection.error.list",
    "reflection.error.describe",
    "session.kill_by_authrole",
    "session.kill_all",
];

pub(super) fn message(client: &Client<'_>, procedure: u8, which: u8, variant: u8) -> Json {
    let name = PROCEDURES[usize::from(procedure) % PROCEDURES.len()];
    let (args, kwargs) = match variant {
        // Wrong ones, now and then.
        240..=245 => (json!([]), json!({})),
        246..=250 => (json!([{"no": "id"}, 1, 2]), json!({})),
        251..=255 => (json!([77, 77]), json!({})),
        _ => client.arguments(name, which, variant),
    };
    // What it can do with no call, now and then.
    let options = match variant {
        236 | 237 => json!({"progress": true}),
        238 | 239 => json!({"ppt_scheme": "x_mine"}),
        _ => json!({}),
    };
    let mut message = json!([48, client.next(), options, format!("wamp.{name}"), args]);
    if let (Json::Array(elements), true) = (&mut message, kwargs != json!({})) {
        elements.push(kwargs);
    }
    message
}

impl Client<'_> {
    fn arguments(&self, name: &str, which: u8, variant: u8) -> (Json, Json) {
        let none = json!({});
        let _uri = chosen(&URIS, which);
        match name {
            "session.count" | "session.list" if variant.is_multiple_of(2) => {
                (json!([["staff", "anonymous"]]), none)
            }
            "session.get" => (json!([self.some_session(which)]), none),
            "session.kill" => (json!([self.some_session(which)]), farewell(variant)),
            "session.kill_by_authid" => (
                json!([chosen(&["ann", "bob", "cat"], which)]),
                farewell(variant),
            ),
            "session.kill_by_authrole" => (
                json!([chosen(&["guest", "anonymous"], which)]),
                farewell(variant),
            ),
            "session.kill_all" => (json!([]), farewell(variant)),
            "session.add_testament" => self.testament(which, variant),
            "session.flush_testaments" if variant.is_multiple_of(2) => {
                (json!([]), json!({"scope": "detached"}))
            }
            _ => self.directory_arguments(name, which, variant),
        }
    }

    fn directory_arguments(&self, name: &str, which: u8, variant: u8) -> (Json, Json) {
        let none = json!({});
        let uri = chosen(&URIS, which);
        match name {
            "registration.lookup" | "subscription.lookup" => {
                let policy = chosen(&["exact", "prefix", "wildcard"], variant);
                let uri = chosen(
                    &["a", "a.b", "a.", "", "wamp.", "wamp.session.count"],
                    which,
                );
                (json!([uri, {"match": policy}]), none)
            }
            "registration.match" | "subscription.match" if variant.is_multiple_of(5) => {
                (json!(["wamp.session.on_join"]), none)
            }
            "registration.get" | "registration.list_callees" | "registration.count_callees" => {
                (json!([self.some_registration(which)]), none)
            }
            "registration.remove_callee" => {
                let id = self.some_registration(which);
                let held = self.router.registrations.iter().find(|one| one.id == id);
                let callees =
                    held.map(|one| one.callees.iter().map(|callee| callee.session).collect());
                (json!([id, self.one_of(callees, variant)]), reason(variant))
            }
            "subscription.get"
            | "subscription.list_subscribers"
            | "subscription.count_subscribers" => (json!([self.some_subscription(which)]), none),
            "subscription.remove_subscriber" => {
                let id = self.some_subscription(which);
                let mut all = self.router.sessions.iter().map(|session| session.id);
                let holds = |session: &u64| self.router.subscribed_by(*session).contains(&id);
                let held = all.find(holds).map(|session| vec![session]);
                (json!([id, self.one_of(held, variant)]), reason(variant))
            }
            "subscription.get_events" => (
                json!([self.some_subscription(which)]),
                self.wanted(which, variant),
            ),
            "reflect.define" => {
                let kind = chosen(&["procedure", "topic", "error", "else"], variant);
                let description = match variant % 5 {
                    0 => Json::Null,
                    1 => json!({"says": self.serial}),
                    _ => json!({"kind": kind, "says": self.serial}),
                };
                (json!([uri, description]), none)
            }
            "reflection.error.describe" if variant.is_multiple_of(2) => {
                (json!(["wamp.error.timeout"]), none)
            }
            "reflect.describe" if !self.router.defined_uris().is_empty() => {
                (json!([chosen(&self.router.defined_uris(), which)]), none)
            }
            "reflect.describe"
            | "reflection.procedure.describe"
            | "reflection.topic.describe"
            | "reflection.error.describe"
            | "registration.match"
            | "subscription.match" => (json!([uri]), none),
            _ => (json!([]), none),
        }
    }

    fn testament(&self, which: u8, variant: u8) -> (Json, Json) {
        let uri = chosen(&URIS, which);
        let args = match variant % 16 {
            0 => json!(["x".repeat(6_000)]),
            _ => json!([self.serial]),
        };
        let mut kwargs = json!({});
        if variant.is_multiple_of(3) {
            kwargs["scope"] = json!("detached");
        }
        kwargs["publish_options"] = match variant % 7 {
            0 => json!({"disclose_me": true}),
            1 => json!({"retain": true, "exclude_authrole": ["guest"]}),
            2 => json!({"acknowledge": true, "exclude_me": false}),
            3 => json!({"retain": 1}),
            _ => json!({}),
        };
        (json!([uri, args, {}]), kwargs)
    }

    fn wanted(&self, which: u8, variant: u8) -> Json {
        let stored = self.router.stored_publications();
        let known: Vec<u64> = stored
            .into_iter()
            .filter(|id| (self.is_known)(*id))
            .collect();
        let publication = chosen(&known, which).copied().unwrap_or(99);
        let time = self.router.written_now(u64::from(which) * 20);
        match variant % 14 {
            0 => json!({"reverse": true}),
            1 => json!({"limit": 1 + which % 4}),
            2 => json!({"topic": "a.b"}),
            3 => json!({"from_publication": publication}),
            4 => json!({"after_publication": publication}),
            5 => json!({"before_publication": publication}),
            6 => json!({"until_publication": publication, "reverse": true}),
            7 => json!({"from_time": time}),
            8 => json!({"after_time": time}),
            9 => json!({"before_time": time}),
            10 => json!({"until_time": time, "limit": 2}),
            11 => json!({"limit": 0}),
            _ => json!({}),
        }
    }

    fn some_session(&self, which: u8) -> u64 {
        let all: Vec<u64> = self
            .router
            .sessions
            .iter()
            .map(|session| session.id)
            .collect();
        chosen(&all, which).copied().unwrap_or(SESSIONS - 1)
    }

    fn some_registration(&self, which: u8) -> u64 {
        let all: Vec<u64> = self.router.registrations.iter().map(|one| one.id).collect();
        chosen(&all, which).copied().unwrap_or(99)
    }

    fn some_subscription(&self, which: u8) -> u64 {
        let all = self.router.subscriptions.iter().map(|one| one.id);
        let all: Vec<u64> = all.filter(|id| (self.is_known)(*id)).collect();
        chosen(&all, which).copied().unwrap_or(99)
    }

    fn one_of(&self, sessions: Option<Vec<u64>>, variant: u8) -> u64 {
        let found = sessions.and_then(|sessions| chosen(&sessions, variant).copied());
        found.unwrap_or_else(|| self.some_session(variant))
    }
}

fn farewell(variant: u8) -> Json {
    match variant % 5 {
        0 => json!({"reason": "com.enough", "message": "Off with you"}),
        1 => json!({"reason": "a..b"}),
        _ => json!({}),
    }
}

fn reason(variant: u8) -> Json {
    match variant % 2 {
        0 => json!({"reason": "no longer authorized"}),
        _ => json!({}),
    }
}
