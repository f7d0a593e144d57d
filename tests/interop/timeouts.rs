//! Calls with a time limit that runs out at the router.
//!
//! All libraries send the number as it is given. The specification has milliseconds (`rpc-call-timeout`), and
//! `wamp.error.timeout`; Crossbar.io takes seconds, whole ones, and says `wamp.error.canceled`. As callees none has time limits
//! of its own; autobahn-python interrupts its procedure, the others do not know that nobody waits for it any more.

use serde_json::json;

use crate::crossbar;
use crate::peer::Library::{self, AutobahnJs, AutobahnPython, Wampy};
use crate::support::Router;

#[test]
fn a_call_whose_time_is_up_interrupts_autobahn_python() {
    let router = Router::start();
    // Shorter, and on a busy machine the interrupt could come before the procedure has begun.
    interrupts_autobahn_python(router.url(), 1_000, "wamp.error.timeout");
}

#[test]
fn a_call_whose_time_is_up_interrupts_autobahn_python_on_crossbar_after_seconds() {
    interrupts_autobahn_python(crossbar::url(), 1, "wamp.error.canceled");
}

#[test]
fn a_call_whose_time_is_up_ends_also_at_a_callee_that_cannot_be_interrupted() {
    let router = Router::start();
    for callee in [AutobahnJs, Wampy] {
        let mut callee = callee.join(router.url(), "cbor");
        callee.register("com.timeouts.js", "wait");
        for library in Library::ALL {
            let mut caller = library.join(router.url(), "json");
            caller.begin_call("com.timeouts.js", &json!([]), &json!({"timeout": 50}));
            callee.expect_invocation();
            assert_eq!(
                caller.outcome()["error"],
                "wamp.error.timeout",
                "{library:?}"
            );
            // The late answer harms nobody, and a time that is long enough is not noticed.
            callee.answer_call();
            caller.begin_call("com.timeouts.js", &json!([7]), &json!({"timeout": 60_000}));
            callee.expect_invocation();
            callee.answer_call();
            assert_eq!(
                caller.outcome(),
                json!({"args": [7], "kwargs": {}}),
                "{library:?}"
            );
            caller.leave();
        }
        callee.leave();
    }
}

#[track_caller]
fn interrupts_autobahn_python(url: &str, timeout: u64, error: &str) {
    let mut callee = AutobahnPython.join(url, "msgpack");
    callee.register("com.timeouts.python", "wait");
    for library in Library::ALL {
        let mut caller = library.join(url, "json");
        caller.begin_call(
            "com.timeouts.python",
            &json!([]),
            &json!({"timeout": timeout}),
        );
        callee.expect_invocation();
        callee.expect_interrupt();
        assert_eq!(caller.outcome()["error"], error, "{library:?}");
        caller.leave();
    }
    callee.leave();
}
