//! What is registered by whom: the registration meta API, asked by and telling of sessions of all libraries.
//!
//! Crossbar.io does not tell who it was where a callee left without having unregistered, and answers
//! `wamp.registration.remove_callee` with a runtime error. autobahn-js does not tell a result of `null` from none.

use serde_json::{Value, json};

use crate::crossbar;
use crate::peer::Library::{self, AutobahnJs, AutobahnPython, Wampy};
use crate::peer::{Peer, with_whole_numbers};
use crate::support::Router;

#[test]
fn a_session_is_told_of_registrations_and_asks_for_them() {
    let router = Router::start();
    watches(router.url(), "realm1", |callee, _| callee.leave());
}

#[test]
fn a_session_is_told_of_registrations_and_asks_for_them_on_crossbar() {
    watches(crossbar::url(), "registrations", |mut callee, uri| {
        callee.unregister(uri);
        callee.leave();
    });
}

#[test]
fn a_callee_is_removed_and_told_why() {
    let router = Router::start();
    let mut remover = Wampy.join(router.url(), "json");
    for library in Library::ALL {
        let uri = format!("com.registration.removed.{library:?}");
        let mut callee = library.join(router.url(), "cbor");
        let id = callee.register(&uri, "echo");
        let args = json!([id, callee.session()]);
        let why = json!({"reason": "com.example.tired"});
        let removed = remover.call("wamp.registration.remove_callee", &args, &why);
        assert!(removed.get("error").is_none(), "{library:?}: {removed}");
        if library == AutobahnJs {
            assert_eq!(callee.revoked(), "com.example.tired");
        }
        let nobody = remover.call(&uri, &json!([]), &json!({}));
        assert_eq!(
            nobody["error"], "wamp.error.no_such_procedure",
            "{library:?}"
        );
        callee.leave();
    }
    remover.leave();
}

#[track_caller]
fn watches(url: &str, realm: &str, leave: impl Fn(Peer, &str)) {
    for observer in Library::ALL {
        let mut observer = observer.join_realm(url, realm, "json");
        observer.subscribe("wamp.registration", "prefix");
        for callee in Library::ALL {
            let uri = format!("com.registration.{callee:?}");
            let shared = json!({"invoke": "roundrobin"});
            // An id that wampy writes in CBOR is none to Crossbar.io.
            let serializer = if callee == Wampy { "json" } else { "cbor" };
            let mut first = callee.join_realm(url, realm, serializer);
            let mut second = AutobahnPython.join_realm(url, realm, "msgpack");
            let [a, b] = [&first, &second].map(Peer::session);
            let registered = first.register_with(&uri, "echo", &shared)["registered"].take();
            let id = registered.as_u64().unwrap();

            let created = expect(&mut observer, "on_create", &json!(a));
            let details = observer.ask("wamp.registration.get", &json!([id]));
            assert_eq!(created, details);
            let known = ["id", "uri", "match", "invoke"].map(|key| details[key].clone());
            assert_eq!(
                known,
                [json!(id), json!(uri), json!("exact"), json!("roundrobin")]
            );
            assert!(
                details["created"]
                    .as_str()
                    .is_some_and(|time| time.ends_with('Z'))
            );
            assert_eq!(expect(&mut observer, "on_register", &json!(a)), json!(id));
            second.register_with(&uri, "echo", &shared);
            assert_eq!(expect(&mut observer, "on_register", &json!(b)), json!(id));

            assert_known(&mut observer, id, &uri, [a, b]);
            first.unregister(&uri);
            assert_eq!(expect(&mut observer, "on_unregister", &json!(a)), json!(id));
            leave(second, &uri);
            assert_eq!(expect(&mut observer, "on_unregister", &json!(b)), json!(id));
            assert_eq!(expect(&mut observer, "on_delete", &json!(b)), json!(id));
            let nothing = observer.call("wamp.registration.get", &json!([id]), &json!({}));
            assert_eq!(nothing["error"], "wamp.error.no_such_registration");
            first.leave();
        }
        observer.leave();
    }
}

#[track_caller]
fn assert_known(observer: &mut Peer, id: u64, uri: &str, callees: [u64; 2]) {
    for (procedure, args, expected) in [
        ("lookup", json!([uri]), json!(id)),
        ("lookup", json!([uri, {"match": "exact"}]), json!(id)),
        ("lookup", json!([uri, {"match": "prefix"}]), Value::Null),
        ("match", json!([uri]), json!(id)),
        ("match", json!(["com.registration.nobody"]), Value::Null),
        ("list_callees", json!([id]), json!(callees)),
        ("count_callees", json!([id]), json!(2)),
    ] {
        let answer = observer.ask(&format!("wamp.registration.{procedure}"), &args);
        assert_eq!(answer, expected, "{procedure}{args}");
    }
    let list = observer.ask("wamp.registration.list", &json!([]));
    assert!(
        list["exact"].as_array().unwrap().contains(&json!(id)),
        "{list}"
    );
    assert_eq!(
        (&list["prefix"], &list["wildcard"]),
        (&json!([]), &json!([]))
    );
}

/// Takes the next meta event, of this kind and about this session, and returns what else it says.
#[track_caller]
fn expect(observer: &mut Peer, kind: &str, session: &Value) -> Value {
    let mut event = observer.event();
    assert_eq!(
        event["topic"],
        format!("wamp.registration.{kind}"),
        "{event}"
    );
    let mut args = with_whole_numbers(event["args"].take());
    assert_eq!(&args[0], session, "{kind}");
    args[1].take()
}
