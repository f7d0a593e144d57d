//! Who is there: the session meta API, asked by and telling of sessions of all libraries.
//!
//! Crossbar.io tells of a session that leaves only its id, and has `wamp.close.normal` where the specification has
//! `wamp.close.killed`, no `wamp.session.kill_all`, and kills the caller too. wampy does not tell what a GOODBYE said.

use serde_json::{Value, json};

use crate::crossbar;
use crate::peer::Library::{self, AutobahnJs, AutobahnPython, WampJs, Wampy};
use crate::peer::{Peer, with_whole_numbers};
use crate::support::Router;

#[test]
fn a_session_is_told_who_joins_and_leaves_and_asks_who_is_there() {
    let router = Router::start();
    watches(router.url(), "realm1", |member| {
        json!([member.session(), member.authid(), member.authrole()])
    });
}

#[test]
fn a_session_is_told_who_joins_and_leaves_and_asks_who_is_there_on_crossbar() {
    watches(crossbar::url(), "sessions", |member| {
        json!([member.session()])
    });
}

#[test]
fn a_session_that_is_killed_is_told_why() {
    let router = Router::start();
    kills(router.url());
}

#[test]
fn a_session_that_is_killed_is_told_why_on_crossbar() {
    kills(crossbar::url());
}

#[test]
fn sessions_are_killed_by_role_and_all_at_once() {
    let router = Router::start();
    for killer in Library::ALL {
        for (procedure, args) in [
            ("wamp.session.kill_by_authrole", json!(["anonymous"])),
            ("wamp.session.kill_all", json!([])),
        ] {
            let mut killer = killer.join(router.url(), "json");
            let victims = Library::ALL.map(|library| library.join(router.url(), "msgpack"));
            assert_eq!(killer.ask(procedure, &args), json!(3), "{procedure}");
            for victim in victims {
                let left = told_why(victim.library(), "wamp.close.killed", &Value::Null);
                assert_eq!(victim.killed(), left);
            }
            assert_eq!(killer.ask("wamp.session.count", &json!([])), json!(1));
            killer.leave();
        }
    }
}

#[test]
fn nobody_kills_itself_or_without_a_reason_that_is_a_uri() {
    let router = Router::start();
    for library in Library::ALL {
        let mut peer = library.join(router.url(), "cbor");
        let other = library.join(router.url(), "cbor");
        let session = peer.session();
        let itself = peer.call("wamp.session.kill", &json!([session]), &json!({}));
        assert_eq!(itself["error"], "wamp.error.no_such_session", "{library:?}");
        let no_uri = json!({"reason": "no uri"});
        let unfounded = peer.call("wamp.session.kill", &json!([other.session()]), &no_uri);
        assert_eq!(unfounded["error"], "wamp.error.invalid_uri", "{library:?}");
        peer.leave();
        other.leave();
    }
}

#[track_caller]
fn watches(url: &str, realm: &str, left: impl Fn(&Peer) -> Value) {
    for observer in Library::ALL {
        let mut observer = observer.join_realm(url, realm, "json");
        observer.subscribe("wamp.session.on_join", "exact");
        observer.subscribe("wamp.session.on_leave", "exact");
        for member in Library::ALL {
            let member = member.join_realm(url, realm, "cbor");
            let joined = observer.event();
            assert_eq!(joined["topic"], "wamp.session.on_join");
            let details = with_whole_numbers(joined["args"][0].clone());
            assert_identity(&details, &member);

            let mut both = [observer.session(), member.session()];
            both.sort_unstable();
            let mut list = observer.ask("wamp.session.list", &json!([]));
            list.as_array_mut().unwrap().sort_by_key(Value::as_u64);
            assert_eq!(list, json!(both));
            for (args, count) in [
                (json!([]), 2),
                (json!([["anonymous", "nobody"]]), 2),
                (json!([["nobody"]]), 0),
            ] {
                assert_eq!(observer.ask("wamp.session.count", &args), json!(count));
            }
            let details = observer.ask("wamp.session.get", &json!([member.session()]));
            assert_identity(&details, &member);

            let expected = left(&member);
            member.leave();
            let left = observer.event();
            assert_eq!(left["topic"], "wamp.session.on_leave");
            assert_eq!(with_whole_numbers(left["args"].clone()), expected);
        }
        let nobody = observer.call("wamp.session.get", &json!([1]), &json!({}));
        assert_eq!(nobody["error"], "wamp.error.no_such_session");
        observer.leave();
    }
}

#[track_caller]
fn kills(url: &str) {
    for killer in Library::ALL {
        let mut killer = killer.join(url, "json");
        for victim in Library::ALL {
            let why = json!({"reason": "com.example.tired", "message": "go home"});
            for (procedure, by) in [
                (
                    "wamp.session.kill",
                    (|victim| json!(victim.session())) as fn(&Peer) -> Value,
                ),
                ("wamp.session.kill_by_authid", |victim| {
                    json!(victim.authid())
                }),
            ] {
                let victim = victim.join(url, "msgpack");
                let (library, session) = (victim.library(), victim.session());
                let killed = killer.call(procedure, &json!([by(&victim)]), &why);
                assert!(killed.get("error").is_none(), "{procedure}: {killed}");
                if procedure == "wamp.session.kill_by_authid" {
                    assert_eq!(with_whole_numbers(killed)["args"], json!([[session]]));
                }
                let left = told_why(library, "com.example.tired", &json!("go home"));
                assert_eq!(victim.killed(), left, "{library:?}: {procedure}");
                let again = killer.call("wamp.session.kill", &json!([session]), &json!({}));
                assert_eq!(again["error"], "wamp.error.no_such_session", "{library:?}");
            }
        }
        killer.leave();
    }
}

#[track_caller]
fn assert_identity(details: &Value, peer: &Peer) {
    let identity = [
        "session",
        "authid",
        "authrole",
        "authmethod",
        "authprovider",
    ]
    .map(|key| details[key].clone());
    let expected = [
        json!(peer.session()),
        json!(peer.authid()),
        json!(peer.authrole()),
        json!("anonymous"),
        json!("static"),
    ];
    assert_eq!(identity, expected, "{:?}", peer.library());
}

/// What a session of a library says that is killed.
fn told_why(library: Library, reason: &str, message: &Value) -> Value {
    match library {
        Wampy => json!({"reason": null, "message": null}),
        AutobahnPython | AutobahnJs | WampJs => json!({"reason": reason, "message": message}),
    }
}
