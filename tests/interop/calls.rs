//! Other people's libraries call each other through our router, each with every serializer.
//!
//! A caller's serializer and its callee's need not be the same: each test has all nine pairs of them.

use serde_json::{Value, json};

use crate::peer::{
    Library::{self, AutobahnJs, AutobahnPython, WampJs, Wampy},
    with_whole_numbers,
};
use crate::support::Router;

#[test]
fn autobahn_python_calls_what_autobahn_js_registered() {
    calls(AutobahnPython, AutobahnJs);
}

#[test]
fn autobahn_python_calls_what_autobahn_python_registered() {
    calls(AutobahnPython, AutobahnPython);
}

#[test]
fn autobahn_python_calls_what_wampy_registered() {
    calls(AutobahnPython, Wampy);
}

#[test]
fn autobahn_js_calls_what_autobahn_js_registered() {
    calls(AutobahnJs, AutobahnJs);
}

#[test]
fn autobahn_js_calls_what_autobahn_python_registered() {
    calls(AutobahnJs, AutobahnPython);
}

#[test]
fn autobahn_js_calls_what_wampy_registered() {
    calls(AutobahnJs, Wampy);
}

#[test]
fn wampy_calls_what_autobahn_js_registered() {
    calls(Wampy, AutobahnJs);
}

#[test]
fn wampy_calls_what_autobahn_python_registered() {
    calls(Wampy, AutobahnPython);
}

#[test]
fn wampy_calls_what_wampy_registered() {
    calls(Wampy, Wampy);
}

#[test]
fn our_library_for_pages_calls_what_autobahn_python_registered() {
    calls(WampJs, AutobahnPython);
}

#[test]
fn autobahn_python_calls_what_our_library_for_pages_registered() {
    calls(AutobahnPython, WampJs);
}

/// What a payload can hold that all serializers have; the last argument stands for bytes.
pub(crate) fn args() -> Value {
    json!([1, -2, 2.5, "grün 🎈", "", null, true, [1, [2, []]], {"a": {"b": {}}}, "\0AAEC/w=="])
}

/// The same by name.
pub(crate) fn kwargs() -> Value {
    json!({"largest": 9_007_199_254_740_991_i64, "text": "x", "list": []})
}

#[track_caller]
fn calls(caller: Library, callee: Library) {
    let router = Router::start();
    let mut callees = callee.join_with_each(router.url());
    for (theirs, peer) in &mut callees {
        for behaviour in ["sum", "echo", "refuse"] {
            peer.register(&format!("com.example.{theirs}.{behaviour}"), behaviour);
        }
    }
    let one_number_type = [caller, callee]
        .iter()
        .any(|&library| library != AutobahnPython);
    for (ours, mut peer) in caller.join_with_each(router.url()) {
        for (theirs, _) in &callees {
            let mut call = |behaviour, args: &Value, kwargs: &Value| {
                let result = peer.call(&format!("com.example.{theirs}.{behaviour}"), args, kwargs);
                if one_number_type {
                    with_whole_numbers(result)
                } else {
                    result
                }
            };
            let who = format!("a caller over {ours}, a callee over {theirs}");
            assert_eq!(
                call("sum", &json!([3, 5]), &json!({})),
                json!({"args": [8], "kwargs": {}}),
                "{who}"
            );
            assert_eq!(
                call("echo", &args(), &kwargs()),
                json!({"args": args(), "kwargs": kwargs()}),
                "{who}"
            );
            assert_eq!(
                call("echo", &json!([]), &json!({})),
                json!({"args": [], "kwargs": {}}),
                "{who}"
            );
            let refused = json!({"error": "com.example.refused", "args": ["no", 7], "kwargs": {"why": ["late"]}});
            assert_eq!(
                call("refuse", &json!(["no", 7]), &json!({"why": ["late"]})),
                refused,
                "{who}"
            );
        }
        let unknown = peer.call("com.example.nobody", &json!([]), &json!({}));
        assert_eq!(
            unknown["error"], "wamp.error.no_such_procedure",
            "a caller over {ours}"
        );
        peer.leave();
    }
    for (_, peer) in callees {
        peer.leave();
    }
}
