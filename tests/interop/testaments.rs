//! Events that a session leaves behind.

use serde_json::json;

use crate::crossbar;
use crate::peer::Library::{self, AutobahnJs};
use crate::peer::Peer;
use crate::support::Router;

#[test]
fn a_testament_is_published_when_its_session_ends() {
    let router = Router::start();
    leaves_testaments(router.url());
}

#[test]
fn a_testament_is_published_when_its_session_ends_on_crossbar() {
    leaves_testaments(crossbar::url());
}

#[track_caller]
fn leaves_testaments(url: &str) {
    for library in Library::ALL {
        let mut heir = AutobahnJs.join(url, "cbor");
        heir.subscribe("com.testaments", "prefix");
        // Who leaves in good order, who is killed, and who had thought better of it.
        let mut leaving = library.join(url, "json");
        add(&mut leaving, "com.testaments.second", "destroyed");
        add(&mut leaving, "com.testaments.first", "detached");
        leaving.leave();
        expect(&mut heir, "com.testaments.first");
        expect(&mut heir, "com.testaments.second");

        let mut killed = library.join(url, "cbor");
        add(&mut killed, "com.testaments.killed", "destroyed");
        heir.call("wamp.session.kill", &json!([killed.session()]), &json!({}));
        killed.killed();
        expect(&mut heir, "com.testaments.killed");

        let mut anxious = library.join(url, "msgpack");
        add(&mut anxious, "com.testaments.flushed", "detached");
        add(&mut anxious, "com.testaments.kept", "destroyed");
        let scope = json!({"scope": "detached"});
        let flushed = anxious.call("wamp.session.flush_testaments", &json!([]), &scope);
        assert!(flushed.get("error").is_none(), "{library:?}: {flushed}");
        anxious.leave();
        expect(&mut heir, "com.testaments.kept");
        heir.leave();
    }
}

#[track_caller]
fn add(peer: &mut Peer, topic: &str, scope: &str) {
    let testament = json!([topic, ["goodbye"], {"from": "me"}]);
    let added = peer.call(
        "wamp.session.add_testament",
        &testament,
        &json!({"scope": scope}),
    );
    assert!(added.get("error").is_none(), "{topic}: {added}");
}

#[track_caller]
fn expect(heir: &mut Peer, topic: &str) {
    let event = heir.event();
    let [said, args, kwargs] = ["topic", "args", "kwargs"].map(|key| event[key].clone());
    let expected = (json!(topic), json!(["goodbye"]), json!({"from": "me"}));
    assert_eq!((said, args, kwargs), expected);
}
