//! From an operation to a message, by what its client knows: ids are the reference's.

use super::json::{Json, json, with_payload};
use super::meta_requests;
use super::model::{Place, Router};
use super::operations::Operation;

/// Topics and procedures; from the sixth on, ones that are refused somewhere.
pub(super) const URIS: [&str; 10] = [
    "a",
    "a.b",
    "a.b.c",
    "b",
    "a.x.c",
    "zz",
    "a..b",
    "wamp.none",
    "A-B.c",
    "a b",
];

const PATTERNS: [(&str, &str); 13] = [
    ("exact", "a"),
    ("exact", "a.b"),
    ("prefix", "a"),
    ("wildcard", "a."),
    ("exact", "a.b.c"),
    ("wildcard", ".b"),
    ("wildcard", "a..c"),
    ("prefix", "a.b"),
    ("prefix", ""),
    ("prefix", "a."),
    ("exact", "a..b"),
    ("exact", "wamp.x"),
    ("prefix", "a b"),
];

/// Subscriptions to what the router says itself.
const META: [(&str, &str); 8] = [
    ("exact", "wamp.session.on_join"),
    ("exact", "wamp.session.on_leave"),
    ("prefix", "wamp.registration"),
    ("prefix", "wamp.subscription.on_"),
    ("wildcard", "wamp..on_create"),
    ("prefix", "wamp.reflect."),
    ("exact", "wamp.registration.on_unregister"),
    ("prefix", "wamp."),
];

/// Who asks, and what was asked before.
pub(super) struct Client<'a> {
    pub(super) router: &'a Router,
    pub(super) session: u64,
    /// A number that no other message carries.
    pub(super) serial: u64,
    /// Whether the client can know an id.
    pub(super) is_known: &'a dyn Fn(u64) -> bool,
}

pub(super) fn chosen<T>(items: &[T], which: u8) -> Option<&T> {
    items.get(usize::from(which).checked_rem(items.len())?)
}

impl Client<'_> {
    pub(super) fn next(&self) -> u64 {
        self.router.session(self.session).next_request
    }

    /// The message that does it; `None` where there is nothing to do it to.
    pub(super) fn message(&self, operation: &Operation) -> Option<Json> {
        let next = self.next();
        Some(match operation {
            Operation::Join(_) | Operation::Lose | Operation::Wait(_) => return None,
            Operation::Goodbye => json!([6, {}, "wamp.close.close_realm"]),
            Operation::Abort => json!([3, {}, "com.tired"]),
            // What breaks a rule after GOODBYE nobody says.
            Operation::Break(_) if self.router.is_dismissed(self.session) => return None,
            Operation::Break(rule) => self.breach(*rule),
            Operation::Subscribe {
                pattern,
                node,
                flags,
            } => self.subscribe(*pattern, *node, *flags),
            Operation::Unsubscribe(which) => {
                let held = self.router.subscribed_by(self.session);
                json!([34, next, chosen(&held, *which).copied().unwrap_or(99)])
            }
            Operation::Publish {
                topic,
                key,
                flags,
                lists,
            } => self.publish(*topic, *key, *flags, *lists),
            Operation::Register {
                pattern,
                invoke,
                limit,
                flags,
            } => self.register(*pattern, *invoke, *limit, *flags),
            Operation::Unregister(which) => {
                let held = self.router.offered_by(self.session);
                json!([66, next, chosen(&held, *which).copied().unwrap_or(99)])
            }
            Operation::Call {
                procedure,
                flags,
                timeout,
            } => self.call(*procedure, *flags, *timeout),
            Operation::Continue { which, flags } => self.continue_call(*which, *flags)?,
            Operation::Cancel { which, mode } => self.cancel(*which, *mode),
            Operation::Yield { which, flags } => self.answer(*which, *flags)?,
            Operation::Fail { which, error } => self.fail(*which, *error)?,
            Operation::Meta {
                procedure,
                which,
                variant,
            } => meta_requests::message(self, *procedure, *which, *variant),
        })
    }

    fn answer(&self, which: u8, flags: u8) -> Option<Json> {
        let invocation = self.invocation(which)?;
        let mut options = json!({});
        if flags & 1 != 0 {
            options["progress"] = json!(true);
        }
        if flags & 2 != 0 {
            options["ppt_scheme"] = json!("x_mine");
            options["ppt_cipher"] = json!("none");
        }
        if flags & 4 != 0 {
            options["enc_key"] = json!("k");
        }
        let head = json!([70, invocation, options]);
        Some(with_payload(head, &self.payload(flags & 8 != 0)))
    }

    fn fail(&self, which: u8, error: u8) -> Option<Json> {
        const ERRORS: [&str; 4] = [
            "wamp.error.unavailable",
            "com.failed",
            "wamp.error.unavailable",
            "wamp.error.canceled",
        ];
        let error = chosen(&ERRORS, error).filter(|_| error < 5);
        let head = json!([
            8,
            68,
            self.invocation(which)?,
            {},
            error.unwrap_or(&"no URI")
        ]);
        Some(with_payload(head, &self.payload(which > 200)))
    }

    /// Arguments that no other message has; `is_rich`: of both kinds.
    fn payload(&self, is_rich: bool) -> Vec<Json> {
        if is_rich {
            vec![json!([]), json!({"n": self.serial})]
        } else {
            vec![json!([self.serial])]
        }
    }

    fn subscribe(&self, pattern: u8, node: u8, flags: u8) -> Json {
        let is_meta = pattern.is_multiple_of(3);
        let among: &[(&str, &str)] = if is_meta { &META } else { &PATTERNS };
        let (policy, topic) = among[usize::from(pattern / 3) % among.len()];
        let mut options = json!({});
        if policy != "exact" || flags & 2 != 0 {
            options["match"] = json!(policy);
        }
        if flags & 1 != 0 {
            options["get_retained"] = json!(true);
        }
        if let node @ ("one" | "two" | "three") =
            ["", "", "one", "two", "three"][usize::from(node) % 5]
        {
            options["nkey"] = json!(node);
        }
        json!([32, self.next(), options, topic])
    }

    fn publish(&self, topic: u8, key: u8, flags: u8, lists: u8) -> Json {
        let mut options = json!({});
        if flags & 1 == 0 {
            options["acknowledge"] = json!(true);
        }
        if flags & 2 != 0 {
            options["exclude_me"] = json!(false);
        }
        if flags & 4 != 0 {
            options["disclose_me"] = json!(true);
        }
        if flags & 8 != 0 {
            options["retain"] = json!(true);
        }
        if key > 0 {
            options["rkey"] = json!(format!("key{key}"));
        }
        if flags & 32 != 0 {
            options["ppt_scheme"] = json!("x_mine");
            options["ppt_serializer"] = json!("json");
        }
        if flags & 64 != 0 {
            options["forward_for"] = json!([{"session": 1}]);
        }
        self.list(lists, &mut options);
        let uri = chosen(&URIS, topic);
        with_payload(
            json!([16, self.next(), options, uri]),
            &self.payload(flags & 16 != 0),
        )
    }

    /// Lists of who may hear it and who may not.
    fn list(&self, lists: u8, options: &mut Json) {
        let sessions: Vec<u64> = self
            .router
            .sessions
            .iter()
            .map(|session| session.id)
            .collect();
        let some = |which: u8| {
            json!([
                chosen(&sessions, which + self.serial.to_le_bytes()[0] % 4),
                77
            ])
        };
        let names = [json!(["ann"]), json!(["bob", "cat"])];
        let roles = [json!(["staff"]), json!(["guest", "anonymous"])];
        let turn = usize::from(self.serial.is_multiple_of(2));
        for (bit, key, value) in [
            (1, "exclude", some(0)),
            (2, "eligible", some(1)),
            (4, "exclude_authid", names[turn].clone()),
            (8, "eligible_authid", names[turn].clone()),
            (16, "exclude_authrole", roles[turn].clone()),
            (32, "eligible_authrole", roles[turn].clone()),
        ] {
            if lists & bit != 0 {
                options[key] = value;
            }
        }
    }

    fn register(&self, pattern: u8, invoke: u8, limit: u8, flags: u8) -> Json {
        let (policy, procedure) = PATTERNS[usize::from(pattern) % PATTERNS.len()];
        // Mostly the same for one pattern, so that it can be shared.
        let invoke = if invoke == 0 {
            pattern + self.router.profile.turn
        } else {
            invoke
        };
        let invoke = ["roundrobin", "random", "first", "last", "single"][usize::from(invoke) % 5];
        let mut options = json!({"match": policy, "invoke": invoke});
        let profile = &self.router.profile;
        // Decided: a queue goes on when a callee with a limit of its own is free again, not when a full one has room.
        let is_full_soon = profile.session_invocations < 10;
        // Which late answers are forgotten says which callees are free; that is in no order.
        let forgets_soon = profile.session_late_answers < 10;
        if limit > 0 && !is_full_soon && !forgets_soon {
            options["concurrency"] = json!(limit);
        }
        for (bit, key, value) in [
            (1, "forward_timeout", json!(true)),
            (2, "force_reregister", json!(true)),
            (4, "disclose_caller", json!(true)),
            (8, "nkey", json!("one")),
            (16, "nkey", json!("two")),
        ] {
            if flags & bit != 0 {
                options[key] = value;
            }
        }
        json!([64, self.next(), options, procedure])
    }

    fn call(&self, procedure: u8, flags: u16, timeout: u8) -> Json {
        let mut options = json!({});
        for (bit, key, value) in [
            (1, "receive_progress", json!(true)),
            (2, "progress", json!(true)),
            (4, "disclose_me", json!(true)),
            (8, "rkey", json!("key1")),
            (16, "runmode", json!("partition")),
            (32, "ppt_scheme", json!("x_mine")),
            (64, "enc_algo", json!("cryptobox")),
            (128, "rkey", json!("key2")),
            (256, "caller", json!(5)),
        ] {
            if flags & bit != 0 {
                options[key] = value;
            }
        }
        if flags & 0b10_0000_1000 == 0b10_0000_1000 {
            options["runmode"] = json!("all");
        }
        if timeout > 3 {
            options["timeout"] = json!(
                u32::from(timeout) * 100
                    / u32::try_from(self.router.profile.timeout_unit)
                        .unwrap_or(1)
                        .min(100)
            );
        }
        // Of what is registered rather than of anything.
        let uri = chosen(&URIS, procedure);
        with_payload(
            json!([48, self.next(), options, uri]),
            &self.payload(flags & 512 != 0),
        )
    }

    fn continue_call(&self, which: u8, flags: u8) -> Option<Json> {
        let own = self
            .router
            .calls
            .iter()
            .filter(|call| call.caller == self.session && call.is_in_parts());
        let mut own: Vec<(u64, &str)> = own
            .map(|call| (call.request, call.procedure.as_str()))
            .collect();
        let session = self.router.session(self.session);
        own.extend(session.ended_parts.iter().map(|request| (*request, "a")));
        if session.forgotten_parts > 0 && which.is_multiple_of(4) {
            own = vec![(session.forgotten_parts, "a")];
        }
        let (request, procedure) = chosen(&own, which)?;
        let procedure = if flags == 7 { "other" } else { procedure };
        let mut options = json!({});
        if flags & 1 == 0 {
            options["progress"] = json!(true);
        }
        if flags & 2 != 0 {
            options["disclose_me"] = json!(true);
            options["timeout"] = json!(1);
        }
        Some(with_payload(
            json!([48, request, options, procedure]),
            &self.payload(flags & 4 != 0),
        ))
    }

    fn cancel(&self, which: u8, mode: u8) -> Json {
        let own = self
            .router
            .calls
            .iter()
            .filter(|call| call.caller == self.session);
        let own: Vec<u64> = own.map(|call| call.request).collect();
        // One that has ended where none is pending.
        let request = chosen(&own, which).copied().unwrap_or(1);
        let options = match mode {
            0 => json!({}),
            1 => json!({"mode": "skip"}),
            2 => json!({"mode": "kill"}),
            _ => json!({"mode": "killnowait"}),
        };
        json!([49, request, options])
    }

    /// An invocation that this session may answer, now or too late.
    fn invocation(&self, which: u8) -> Option<u64> {
        let asked = self
            .router
            .calls
            .iter()
            .filter_map(|call| match call.place {
                Place::With(callee, invocation) if callee == self.session => Some(invocation),
                Place::With(..) | Place::Waiting => None,
            });
        let session = self.router.session(self.session);
        if session.forgotten_late > 0 && which.is_multiple_of(4) {
            return Some(session.forgotten_late);
        }
        let late = &session.late;
        let all: Vec<u64> = asked
            .chain(late.iter().map(|(invocation, _)| *invocation))
            .collect();
        chosen(&all, which).copied()
    }

    /// A message that breaks a rule, in most states.
    fn breach(&self, rule: u8) -> Json {
        let next = self.next();
        let pending = self
            .router
            .calls
            .iter()
            .find(|call| call.caller == self.session);
        match rule {
            0 => json!([1, "realm1", {"roles": {"caller": {}}}]),
            1 => json!([34, next + 1, 99]),
            2 => json!([70, 9_999, {}]),
            3 => json!([8, 48, 1, {}, "com.failed"]),
            4 => json!([49, 1, {"mode": "gently"}]),
            5 => json!([48, next, {"progress": 1}, "a"]),
            6 => json!([32, next, {}, 5]),
            7 => json!([50, 1, {}]),
            8 => json!([99, 1]),
            9 => json!([48, pending.map_or(next - 1, |call| call.request), {}, "a"]),
            10 => json!([16, next, {}, "a", 5]),
            11 => json!([16, next, {"exclude": ["x"]}, "a"]),
            12 => json!([48, next, {}]),
            13 => json!([48, next, {}, "a", [], {}, 1]),
            14 => json!([64, next, {"invoke": "all"}, "a"]),
            15 => json!([64, next, {"match": true}, "a"]),
            16 => json!([5, "signature", {}]),
            17 => json!([8, 68, 9_999, {}, "wamp.error.unavailable"]),
            18 => json!([66, 0, 1]),
            _ => json!([337, 1]),
        }
    }
}
