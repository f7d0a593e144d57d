//! Who calls and who publishes, told to the other side.
//!
//! autobahn-python cannot ask for it, neither as a caller or publisher nor as a callee; of the others only autobahn-js
//! passes on what the specification has for a callee, `disclose_caller`. Crossbar.io asks nobody: it discloses where its
//! configuration says so, as that of these tests does.

use serde_json::{Value, json};

use crate::crossbar;
use crate::peer::Library::{self, AutobahnJs, Wampy};
use crate::peer::{Peer, with_whole_numbers};
use crate::support::Router;

const WHO_CAN_ASK: [Library; 2] = [AutobahnJs, Wampy];

#[test]
fn a_caller_is_disclosed_that_wants_to_be() {
    let router = Router::start();
    discloses_callers(router.url(), &WHO_CAN_ASK, &json!({"disclose_me": true}));
}

#[test]
fn a_caller_is_disclosed_on_crossbar() {
    discloses_callers(crossbar::url(), &Library::ALL, &json!({}));
}

#[test]
fn a_caller_is_disclosed_to_a_callee_that_wants_to_know() {
    let router = Router::start();
    let mut callee = AutobahnJs.join(router.url(), "msgpack");
    callee.register_with(
        "com.disclosure.wanted",
        "describe",
        &json!({"disclose_caller": true}),
    );
    callee.register("com.disclosure.unwanted", "describe");
    for library in Library::ALL {
        let mut caller = library.join(router.url(), "json");
        let told = called(&mut caller, "com.disclosure.wanted", &json!({}));
        assert_disclosed(&told, "caller", &caller);
        let told = called(&mut caller, "com.disclosure.unwanted", &json!({}));
        assert_eq!(told.get("caller"), None, "{library:?}: {told}");
        caller.leave();
    }
    callee.leave();
}

#[test]
fn a_publisher_is_disclosed_that_wants_to_be() {
    let router = Router::start();
    discloses_publishers(router.url(), &WHO_CAN_ASK, &json!({"disclose_me": true}));
    let mut subscriber = AutobahnJs.join(router.url(), "cbor");
    subscriber.subscribe("com.disclosure.silent", "exact");
    for library in Library::ALL {
        let mut publisher = library.join(router.url(), "json");
        publisher.publish("com.disclosure.silent", &json!([]), &json!({}));
        let event = subscriber.event();
        assert_eq!(event.get("publisher"), None, "{library:?}: {event}");
        publisher.leave();
    }
    subscriber.leave();
}

#[test]
fn a_publisher_is_disclosed_on_crossbar() {
    discloses_publishers(crossbar::url(), &Library::ALL, &json!({}));
}

#[track_caller]
fn discloses_callers(url: &str, callers: &[Library], options: &Value) {
    for callee in Library::ALL {
        let mut callee = callee.join(url, "cbor");
        callee.register("com.disclosure.call", "describe");
        for caller in callers {
            let mut caller = caller.join(url, "json");
            let told = called(&mut caller, "com.disclosure.call", options);
            assert_disclosed(&told, "caller", &caller);
            caller.leave();
        }
        callee.leave();
    }
}

#[track_caller]
fn discloses_publishers(url: &str, publishers: &[Library], options: &Value) {
    let mut subscribers = Library::ALL.map(|library| library.join(url, "json"));
    for subscriber in &mut subscribers {
        subscriber.subscribe("com.disclosure.event", "exact");
    }
    for publisher in publishers {
        let mut publisher = publisher.join(url, "cbor");
        publisher.publish_with("com.disclosure.event", &json!([]), options);
        for subscriber in &mut subscribers {
            assert_disclosed(&subscriber.event(), "publisher", &publisher);
        }
        publisher.leave();
    }
    for subscriber in subscribers {
        subscriber.leave();
    }
}

/// Calls a procedure that returns what it is told of the call.
#[track_caller]
fn called(caller: &mut Peer, uri: &str, options: &Value) -> Value {
    caller.begin_call(uri, &json!([]), options);
    with_whole_numbers(caller.outcome()["kwargs"].take())
}

#[track_caller]
fn assert_disclosed(told: &Value, role: &str, peer: &Peer) {
    let identity = [
        (role.to_owned(), json!(peer.session())),
        (format!("{role}_authid"), json!(peer.authid())),
        (format!("{role}_authrole"), json!(peer.authrole())),
    ];
    for (key, value) in identity {
        assert_eq!(told[&key], value, "{:?}: {told}", peer.library());
    }
}
