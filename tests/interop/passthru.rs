//! Payloads that pass a router untouched, in a serializer of their own.
//!
//! Of the libraries only wampy has them, over MessagePack and CBOR: in JSON it does not write bytes as the specification
//! has it. Crossbar.io has something of its own instead.

use serde_json::{Value, json};

use crate::peer::Library::{AutobahnJs, AutobahnPython, Wampy};
use crate::support::Router;

#[test]
fn wampy_understands_what_wampy_passes_through() {
    let router = Router::start();
    let (args, kwargs) = (json!([1, "grün", [true]]), json!({"k": null}));
    for (ours, theirs) in [("cbor", "cbor"), ("cbor", "msgpack"), ("msgpack", "cbor")] {
        let mut sender = Wampy.join(router.url(), ours);
        let mut receiver = Wampy.join(router.url(), theirs);
        receiver.register("com.passthru.echo", "echo");
        receiver.subscribe("com.passthru.event", "exact");
        for serializer in ["cbor", "msgpack"] {
            let options = passing_through(serializer);
            sender.begin_call("com.passthru.echo", &args, &options);
            assert_eq!(sender.outcome()["args"], args, "{ours} to {theirs}");
            sender.publish_with("com.passthru.event", &args, &options);
            assert_eq!(receiver.event()["args"], args, "{ours} to {theirs}");
        }
        sender.publish("com.passthru.event", &args, &kwargs);
        assert_eq!(receiver.event()["kwargs"], kwargs, "{ours} to {theirs}");
        sender.leave();
        receiver.leave();
    }
}

#[test]
fn a_callee_that_would_not_understand_it_is_not_called() {
    let router = Router::start();
    for library in [AutobahnPython, AutobahnJs] {
        let mut caller = Wampy.join(router.url(), "cbor");
        let mut callee = library.join(router.url(), "cbor");
        callee.register("com.passthru.plain", "wait");
        caller.begin_call("com.passthru.plain", &json!([1]), &passing_through("cbor"));
        let outcome = caller.outcome();
        assert_eq!(
            outcome["error"], "wamp.error.feature_not_supported",
            "{library:?}"
        );
        callee.leave();
        caller.leave();
    }
}

fn passing_through(serializer: &str) -> Value {
    json!({"ppt_scheme": "x_mine", "ppt_serializer": serializer})
}
