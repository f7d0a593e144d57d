//! What is subscribed by whom: the subscription meta API, asked by and telling of sessions of all libraries.
//!
//! Crossbar.io tells nothing of subscriptions to meta topics, and lists no wildcard ones. autobahn-python announces that a
//! subscription may be taken away and closes the connection when one is; wampy does not announce it, and fails when it takes back
//! one with options. autobahn-js does not tell a result of `null` from none.

use serde_json::{Value, json};

use crate::crossbar;
use crate::peer::Library::{self, AutobahnJs, AutobahnPython, Wampy};
use crate::peer::{Peer, with_whole_numbers};
use crate::support::Router;

#[test]
fn a_session_is_told_of_subscriptions_its_own_first_and_asks_for_them() {
    let router = Router::start();
    watches(router.url(), "realm1", |observer, id| {
        let session = json!(observer.session());
        let own = expect(observer, "on_create", &session);
        assert_eq!((&own["id"], &own["match"]), (&json!(id), &json!("prefix")));
        assert_eq!(expect(observer, "on_subscribe", &session), json!(id));
    });
}

#[test]
fn a_session_is_told_of_subscriptions_and_asks_for_them_on_crossbar() {
    watches(crossbar::url(), "subscriptions", |_, _| {});
}

#[test]
fn a_subscriber_is_removed_and_told_why() {
    let router = Router::start();
    for (library, is_told) in [(AutobahnJs, true), (Wampy, false)] {
        let mut remover = AutobahnPython.join(router.url(), "json");
        let mut subscriber = library.join(router.url(), "cbor");
        let id = subscriber.subscribe("com.subscription.removed", "exact");
        let args = json!([id, subscriber.session()]);
        let why = json!({"reason": "com.example.tired"});
        let removed = remover.call("wamp.subscription.remove_subscriber", &args, &why);
        assert!(removed.get("error").is_none(), "{library:?}: {removed}");
        if is_told {
            assert_eq!(subscriber.revoked(), "com.example.tired");
        }
        remover.publish("com.subscription.removed", &json!([]), &json!({}));
        subscriber.leave();
        remover.leave();
    }
}

#[track_caller]
fn watches(url: &str, realm: &str, own: impl Fn(&mut Peer, u64)) {
    for observer in Library::ALL {
        let mut observer = observer.join_realm(url, realm, "json");
        let id = observer.subscribe("wamp.subscription", "prefix");
        own(&mut observer, id);
        let mut second = AutobahnJs.join_realm(url, realm, "msgpack");
        for library in Library::ALL {
            let mut first = library.join_realm(url, realm, "json");
            subscribe_both(&mut observer, &mut first, &mut second, "exact");
            if library != Wampy {
                subscribe_both(&mut observer, &mut first, &mut second, "prefix");
                subscribe_both(&mut observer, &mut first, &mut second, "wildcard");
            }
            first.leave();
        }
        second.leave();
        observer.leave();
    }
}

#[track_caller]
fn subscribe_both(observer: &mut Peer, first: &mut Peer, second: &mut Peer, match_policy: &str) {
    let pattern = match match_policy {
        "prefix" => "com.subscription.news",
        "wildcard" => "com.subscription..last",
        _ => "com.subscription.news.last",
    };
    let [a, b] = [&*first, &*second].map(|peer| json!(peer.session()));
    let id = first.subscribe(pattern, match_policy);
    let created = expect(observer, "on_create", &a);
    let details = observer.ask("wamp.subscription.get", &json!([id]));
    assert_eq!(created, details);
    let known = ["id", "uri", "match"].map(|key| details[key].clone());
    assert_eq!(known, [json!(id), json!(pattern), json!(match_policy)]);
    assert_eq!(expect(observer, "on_subscribe", &a), id);
    assert_eq!(second.subscribe(pattern, match_policy), id);
    assert_eq!(expect(observer, "on_subscribe", &b), id);

    assert_known(observer, id, pattern, match_policy);
    let mut subscribers = observer.ask("wamp.subscription.list_subscribers", &json!([id]));
    subscribers
        .as_array_mut()
        .unwrap()
        .sort_by_key(|id| *id != a);
    assert_eq!(subscribers, json!([a, b]));

    first.unsubscribe(pattern);
    assert_eq!(expect(observer, "on_unsubscribe", &a), id);
    second.unsubscribe(pattern);
    assert_eq!(expect(observer, "on_unsubscribe", &b), id);
    assert_eq!(expect(observer, "on_delete", &b), id);
    let nothing = observer.call("wamp.subscription.get", &json!([id]), &json!({}));
    assert_eq!(nothing["error"], "wamp.error.no_such_subscription");
}

#[track_caller]
fn assert_known(observer: &mut Peer, id: u64, pattern: &str, match_policy: &str) {
    for (procedure, args, expected) in [
        (
            "lookup",
            json!([pattern, {"match": match_policy}]),
            json!(id),
        ),
        ("lookup", json!(["com.subscription.nobody"]), Value::Null),
        ("match", json!(["com.subscription.news.last"]), json!([id])),
        ("match", json!(["com.subscription.nobody"]), Value::Null),
        ("count_subscribers", json!([id]), json!(2)),
    ] {
        let answer = observer.ask(&format!("wamp.subscription.{procedure}"), &args);
        assert_eq!(answer, expected, "{procedure}{args}");
    }
    if match_policy != "wildcard" {
        let list = observer.ask("wamp.subscription.list", &json!([]));
        assert!(
            list[match_policy].as_array().unwrap().contains(&json!(id)),
            "{list}"
        );
    }
}

/// Takes the next meta event, of this kind and about this session, and returns what else it says.
#[track_caller]
fn expect(observer: &mut Peer, kind: &str, session: &Value) -> Value {
    let mut event = observer.event();
    assert_eq!(
        event["topic"],
        format!("wamp.subscription.{kind}"),
        "{event}"
    );
    let mut args = with_whole_numbers(event["args"].take());
    assert_eq!(&args[0], session, "{kind}");
    args[1].take()
}
