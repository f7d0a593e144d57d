//! Sessions: who is there, what they announced, which request is next, and how a session ends.

use super::super::json::{ANY, Json, NAMED, json, number, text};
use super::meta::Testament;
use super::{Fault, Router, SESSIONS};

/// Somebody who has joined.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(in super::super) struct Session {
    pub(in super::super) id: u64,
    pub(in super::super) name: String,
    pub(in super::super) authid: String,
    pub(in super::super) authrole: String,
    authmethod: &'static str,
    authprovider: &'static str,
    roles: Json,
    pub(super) may_kill: bool,
    /// Whether it is at its end: nothing more is sent to it.
    pub(super) is_mute: bool,
    /// Until when it may answer the router's GOODBYE.
    pub(super) dismissed: Option<(u64, u64)>,
    pub(in super::super) next_request: u64,
    pub(super) last_invocation: u64,
    /// Calls made in parts that ended before their last part was sent; the oldest first.
    pub(in super::super) ended_parts: Vec<u64>,
    pub(in super::super) forgotten_parts: u64,
    /// Invocations nobody waits for any more, each with its registration; the oldest first.
    pub(in super::super) late: Vec<(u64, u64)>,
    pub(in super::super) forgotten_late: u64,
    /// Whether several were forgotten at once, in no order: then which are known is the core's to say.
    pub(super) is_late_unsure: bool,
    pub(super) is_parts_unsure: bool,
    pub(super) testaments: Vec<Testament>,
}

/// Other spellings of features.
const OTHERWISE: [(&str, &str); 3] = [
    ("call_canceling", "call_cancelling"),
    ("call_reroute", "call_rerouting"),
    ("sharded_subscription", "shareded_subscriptions"),
];

const BROKER: [&str; 9] = [
    "subscriber_blackwhite_listing",
    "publisher_exclusion",
    "publisher_identification",
    "pattern_based_subscription",
    "sharded_subscription",
    "subscription_revocation",
    "session_meta_api",
    "subscription_meta_api",
    "payload_passthru_mode",
];

const DEALER: [&str; 14] = [
    "progressive_call_results",
    "progressive_call_invocations",
    "call_timeout",
    "call_canceling",
    "call_reroute",
    "caller_identification",
    "pattern_based_registration",
    "shared_registration",
    "sharded_registration",
    "registration_revocation",
    "session_meta_api",
    "registration_meta_api",
    "testament_meta_api",
    "payload_passthru_mode",
];

/// Who hears that a session has left.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// Whoever wants to, after all else.
    ByAll,
    /// The same, but others leave at the same time, in no order.
    AmongOthers,
    ByNobody,
}

impl Session {
    /// What the meta API tells of it.
    pub(super) fn details(&self) -> Json {
        json!({
            "session": self.id, "authid": self.authid, "authrole": self.authrole,
            "authmethod": self.authmethod, "authprovider": self.authprovider,
            "transport": {"type": "memory", "protocol": "wamp.2.json", "peer": self.name},
        })
    }

    pub(super) fn announces(&self, role: &str, feature: &str) -> bool {
        let features = &self.roles[role]["features"];
        let others = OTHERWISE.iter().filter(|(sent, _)| *sent == feature);
        let mut keys = others.map(|(_, key)| *key).chain([feature]);
        keys.any(|key| features[key] == json!(true))
    }
}

impl Router {
    /// Lets somebody in, by its HELLO. Returns the session.
    pub(in super::super) fn join(&mut self, name: &str, hello: &Json, may_kill: bool) -> u64 {
        let id = self.fresh(SESSIONS);
        let details = &hello[2];
        let is_named = details["authmethods"] == json!(["harness"]);
        let (authid, authrole) = if is_named {
            (
                text(&details["authid"]).to_owned(),
                text(&details["authrole"]).to_owned(),
            )
        } else {
            (format!("{NAMED}{id}"), "anonymous".to_owned())
        };
        let session = Session {
            id,
            name: name.to_owned(),
            authid,
            authrole,
            authmethod: if is_named { "harness" } else { "anonymous" },
            authprovider: if is_named { "harness" } else { "static" },
            roles: details["roles"].clone(),
            may_kill,
            is_mute: false,
            dismissed: None,
            next_request: 1,
            last_invocation: 0,
            ended_parts: Vec::new(),
            forgotten_parts: 0,
            late: Vec::new(),
            forgotten_late: 0,
            is_late_unsure: false,
            is_parts_unsure: false,
            testaments: Vec::new(),
        };
        let welcome = json!([2, id, {
            "realm": "realm1", "agent": ANY, "roles": self.announced(),
            "authid": session.authid, "authrole": session.authrole,
            "authmethod": session.authmethod, "authprovider": session.authprovider,
        }]);
        let joined = session.details();
        self.sessions.push(session);
        self.send(id, welcome);
        self.happen(("wamp.session.on_join", vec![joined]));
        self.settle();
        id
    }

    fn announced(&self) -> Json {
        let (mut broker, mut dealer) = (BROKER.to_vec(), DEALER.to_vec());
        let also = |is: bool, role: &mut Vec<&str>, feature| role.extend(is.then_some(feature));
        also(
            !self.profile.history.is_empty(),
            &mut broker,
            "event_history",
        );
        also(
            !self.profile.retention.is_empty(),
            &mut broker,
            "event_retention",
        );
        also(
            !self.profile.trust.is_empty(),
            &mut broker,
            "publication_trustlevels",
        );
        also(
            !self.profile.trust.is_empty(),
            &mut dealer,
            "call_trustlevels",
        );
        let role = |all: Vec<&str>| -> Json {
            let named = all.into_iter();
            let named = named.map(|feature| (feature.to_owned(), json!(true)));
            json!({"features": Json::Object(named.collect()), "reflection": true})
        };
        json!({"broker": role(broker), "dealer": role(dealer)})
    }

    pub(in super::super) fn session(&self, id: u64) -> &Session {
        self.find_session(id).expect("it is there")
    }

    pub(super) fn session_mut(&mut self, id: u64) -> &mut Session {
        let mut sessions = self.sessions.iter_mut();
        sessions
            .find(|session| session.id == id)
            .expect("it is there")
    }

    pub(in super::super) fn find_session(&self, id: u64) -> Option<&Session> {
        self.sessions.iter().find(|session| session.id == id)
    }

    /// Whether a session is there and was not told GOODBYE.
    pub(in super::super) fn is_there(&self, id: u64) -> bool {
        self.find_session(id)
            .is_some_and(|session| session.dismissed.is_none())
    }

    pub(in super::super) fn is_dismissed(&self, id: u64) -> bool {
        self.find_session(id)
            .is_some_and(|session| session.dismissed.is_some())
    }

    /// Those who are there.
    pub(super) fn present(&self) -> impl Iterator<Item = &Session> {
        self.sessions
            .iter()
            .filter(|session| session.dismissed.is_none())
    }

    pub(super) fn announces(&self, who: u64, role: &str, feature: &str) -> bool {
        self.find_session(who)
            .is_some_and(|session| session.announces(role, feature))
    }

    /// Ids of requests count up by one, unless any will do.
    pub(super) fn take_request(&mut self, from: u64, request: u64) -> Result<(), Fault> {
        let is_strict = !self.profile.lenient_ids;
        let session = self.session_mut(from);
        if is_strict && session.next_request != request {
            return Err(Fault::Broken);
        }
        session.next_request = session.next_request.max(request) + 1;
        Ok(())
    }

    pub(super) fn receive_after_goodbye(&mut self, from: u64, message: &Json) {
        if matches!(number(&message[0]), 3 | 6) {
            self.close(from);
        }
    }

    /// The transport has gone.
    pub(in super::super) fn lose(&mut self, session: u64) {
        if self.is_dismissed(session) {
            self.sessions.retain(|one| one.id != session);
        } else if self.is_there(session) {
            self.end(session, None);
        }
        self.settle();
    }

    /// Ends a session that was told GOODBYE.
    pub(super) fn close(&mut self, session: u64) {
        self.send_end(session, "killed");
        self.sessions.retain(|one| one.id != session);
    }

    /// Ends a session and all it held, and says so.
    pub(super) fn end(&mut self, id: u64, how: Option<&str>) {
        if let Some(how) = how {
            self.send_end(id, how);
        }
        self.leave(id, Heard::ByAll);
        self.sessions.retain(|one| one.id != id);
    }

    /// Takes from a session all that it held, and tells who wants to know.
    pub(super) fn leave(&mut self, id: u64, heard: Heard) {
        let session = self.session_mut(id);
        session.is_mute = true;
        let left = vec![json!(id), json!(session.authid), json!(session.authrole)];
        if heard != Heard::ByNobody {
            self.begin_chain();
            self.execute_testaments(id);
        }
        self.is_ending = true;
        self.drop_all(id);
        self.is_ending = false;
        match heard {
            Heard::ByAll => self.happen_last(("wamp.session.on_leave", left)),
            Heard::AmongOthers => {
                self.begin_chain();
                self.happen(("wamp.session.on_leave", left));
                self.end_chains();
            }
            Heard::ByNobody => {}
        }
    }

    fn drop_all(&mut self, id: u64) {
        self.drop_subscriber(id);
        self.drop_caller(id);
        self.drop_callee(id);
        self.undefine_all(id);
        self.end_chains();
    }
}
