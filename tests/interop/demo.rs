//! What `wamp router --demo` offers, as other people's libraries see it.

use serde_json::json;

use crate::peer::Library::{self, AutobahnJs, AutobahnPython, Wampy};
use crate::support::Router;

#[test]
fn autobahn_python_uses_the_demo() {
    uses_the_demo(AutobahnPython);
}

#[test]
fn autobahn_js_uses_the_demo() {
    uses_the_demo(AutobahnJs);
}

#[test]
fn wampy_uses_the_demo() {
    uses_the_demo(Wampy);
}

#[track_caller]
fn uses_the_demo(library: Library) {
    let router = Router::start_with(["--demo"]);
    for (serializer, mut peer) in library.join_with_each(router.url()) {
        let sum = peer.call("sum", &json!([3, 5]), &json!({}));
        assert_eq!(sum, json!({"args": [8], "kwargs": {}}), "{serializer}");
        let refused = peer.call("sum", &json!([3, "x"]), &json!({}));
        assert_eq!(
            refused["error"], "wamp.error.invalid_argument",
            "{serializer}"
        );
        peer.subscribe("filewithext.lock", "exact");
        let event = peer.event();
        assert_eq!(
            (&event["topic"], &event["args"]),
            (&json!("filewithext.lock"), &json!([["Cargo.lock"]])),
            "{serializer}"
        );
    }
}
