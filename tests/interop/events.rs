//! Other people's libraries publish and subscribe to each other through our router, each with every serializer.
//!
//! A publisher's serializer and a subscriber's need not be the same: each test has all nine pairs of them.

use serde_json::{Value, json};

use crate::peer::Library::{self, AutobahnJs, AutobahnPython, WampJs, Wampy};
use crate::support::Router;

#[test]
fn autobahn_python_hears_what_autobahn_js_publishes() {
    hears(AutobahnPython, AutobahnJs);
}

#[test]
fn autobahn_python_hears_what_autobahn_python_publishes() {
    hears(AutobahnPython, AutobahnPython);
}

#[test]
fn autobahn_python_hears_what_wampy_publishes() {
    hears(AutobahnPython, Wampy);
}

#[test]
fn autobahn_js_hears_what_autobahn_js_publishes() {
    hears(AutobahnJs, AutobahnJs);
}

#[test]
fn autobahn_js_hears_what_autobahn_python_publishes() {
    hears(AutobahnJs, AutobahnPython);
}

#[test]
fn autobahn_js_hears_what_wampy_publishes() {
    hears(AutobahnJs, Wampy);
}

#[test]
fn wampy_hears_what_autobahn_js_publishes() {
    hears(Wampy, AutobahnJs);
}

#[test]
fn wampy_hears_what_autobahn_python_publishes() {
    hears(Wampy, AutobahnPython);
}

#[test]
fn wampy_hears_what_wampy_publishes() {
    hears(Wampy, Wampy);
}

#[test]
fn our_library_for_pages_hears_what_autobahn_python_publishes() {
    hears(WampJs, AutobahnPython);
}

#[test]
fn autobahn_python_hears_what_our_library_for_pages_publishes() {
    hears(AutobahnPython, WampJs);
}

#[track_caller]
fn hears(library: Library, publisher: Library) {
    let router = Router::start();
    let mut subscribers = library.join_with_each(router.url());
    for (_, peer) in &mut subscribers {
        peer.subscribe("com.example.news", "exact");
        peer.subscribe("com.example.ne", "prefix");
        peer.subscribe("com..news", "wildcard");
    }
    let (args, kwargs) = (
        json!(["grün", 1, null, "\0AAEC"]),
        json!({"deep": {"list": [true]}}),
    );
    let topics = [
        ("com.example.news", vec!["exact", "prefix", "wildcard"]),
        ("com.example.newest.of.all", vec!["prefix"]),
        ("com.other.news", vec!["wildcard"]),
        ("com.other.thing", vec![]),
    ];
    for (ours, mut peer) in publisher.join_with_each(router.url()) {
        // No publisher hears itself: nothing is to be read when it leaves.
        peer.subscribe("com.example.news", "exact");
        for (topic, policies) in &topics {
            let publication = peer.publish(topic, &args, &kwargs);
            for (theirs, subscriber) in &mut subscribers {
                // wampy does not tell an event's publication.
                let publication = (library != Wampy).then_some(publication);
                let event = json!({"topic": topic, "publication": publication, "args": args, "kwargs": kwargs});
                let events: Vec<_> = policies
                    .iter()
                    .map(|policy| with(&event, "match", policy))
                    .collect();
                assert_eq!(
                    subscriber.events(events.len()),
                    events,
                    "published over {ours}, heard over {theirs}"
                );
            }
        }
        peer.leave();
    }
    for (_, peer) in subscribers {
        peer.leave();
    }
}

fn with(event: &Value, key: &str, value: &str) -> Value {
    let mut event = event.clone();
    event[key] = value.into();
    event
}
