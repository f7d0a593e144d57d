//! Publishers that say who is to receive an event and who is not.
//!
//! All libraries have all lists; wampy sends none that is empty, and no `exclude_me` that is false. Everybody has the role
//! `anonymous` here, and an authid of its own. As a session id that wampy writes in CBOR is a float, and no id to Crossbar.io,
//! publishers are JSON there.

use serde_json::{Value, json};

use crate::crossbar;
use crate::peer::Library::{self, AutobahnJs, AutobahnPython, Wampy};
use crate::peer::Peer;
use crate::support::Router;

#[test]
fn lists_of_a_publisher_decide_who_receives_an_event() {
    let router = Router::start();
    lists_decide(router.url(), "cbor");
}

#[test]
fn lists_of_a_publisher_decide_who_receives_an_event_on_crossbar() {
    lists_decide(crossbar::url(), "json");
}

#[test]
fn a_publisher_hears_itself_if_it_wants_to() {
    let router = Router::start();
    hears_itself(router.url());
}

#[test]
fn a_publisher_hears_itself_if_it_wants_to_on_crossbar() {
    hears_itself(crossbar::url());
}

#[track_caller]
fn lists_decide(url: &str, serializer: &str) {
    let mut subscribers = [
        AutobahnPython.join(url, "msgpack"),
        AutobahnJs.join(url, "cbor"),
        Wampy.join(url, "json"),
    ];
    for subscriber in &mut subscribers {
        subscriber.subscribe("com.receivers.lists", "exact");
    }
    let [a, b, _] = subscribers.each_ref().map(Peer::session);
    let authid = subscribers[0].authid().to_owned();
    let authrole = subscribers[0].authrole().to_owned();
    // What is asked for, and which of the subscribers it reaches.
    let lists: [(Value, &[usize]); 11] = [
        (json!({"exclude": [a]}), &[1, 2]),
        (json!({"exclude": [a, b]}), &[2]),
        (json!({"exclude_authid": [authid]}), &[1, 2]),
        (json!({"exclude_authrole": [authrole]}), &[]),
        (json!({"exclude_authrole": ["nobody"]}), &[0, 1, 2]),
        (json!({"eligible": [a, b]}), &[0, 1]),
        (json!({"eligible_authid": [authid]}), &[0]),
        (json!({"eligible_authrole": [authrole]}), &[0, 1, 2]),
        (json!({"eligible_authrole": ["nobody"]}), &[]),
        (
            json!({"eligible": [a, b], "exclude_authid": [authid]}),
            &[1],
        ),
        (json!({}), &[0, 1, 2]),
    ];
    for library in Library::ALL {
        let mut publisher = library.join(url, serializer);
        for (number, (options, _)) in lists.iter().enumerate() {
            publisher.publish_with("com.receivers.lists", &json!([number]), options);
        }
        for (at, subscriber) in subscribers.iter_mut().enumerate() {
            for (number, (options, reached)) in lists.iter().enumerate() {
                if reached.contains(&at) {
                    assert_eq!(
                        subscriber.event()["args"],
                        json!([number]),
                        "from {library:?} to {:?}: {options}",
                        subscriber.library()
                    );
                }
            }
        }
        publisher.leave();
    }
    for subscriber in subscribers {
        subscriber.leave();
    }
}

#[track_caller]
fn hears_itself(url: &str) {
    for library in [AutobahnPython, AutobahnJs] {
        let mut peer = library.join(url, "json");
        peer.subscribe("com.receivers.self", "exact");
        peer.publish_with(
            "com.receivers.self",
            &json!([1]),
            &json!({"exclude_me": true}),
        );
        peer.publish_with(
            "com.receivers.self",
            &json!([2]),
            &json!({"exclude_me": false}),
        );
        assert_eq!(peer.event()["args"], json!([2]), "{library:?}");
        peer.leave();
    }
}
