//! Calls that end before they are answered: cancelled by the caller, or because either side left.
//!
//! | library | as a caller | as a callee |
//! |---|---|---|
//! | autobahn-python | cancels without a mode, does not wait for the ERROR | interrupts the procedure, answers with an ERROR |
//! | autobahn-js | has `kill`; with any other mode it closes the connection when the ERROR comes that must come | no call canceling: as `skip` |
//! | wampy | has all modes | no call canceling: as `skip` |
//!
//! Crossbar.io never answers a call that is cancelled as `skip`, where the specification has an ERROR
//! (`rpc-call-canceling`): nothing of that is asked of it here.

use serde_json::{Value, json};

use crate::crossbar;
use crate::peer::Library::{self, AutobahnJs, AutobahnPython, WampJs, Wampy};
use crate::peer::Peer;
use crate::support::Router;

/// Who can cancel with which mode.
const CANCELLING: [(Library, Option<&str>); 6] = [
    (AutobahnPython, None),
    (AutobahnJs, Some("kill")),
    (Wampy, None),
    (Wampy, Some("kill")),
    (Wampy, Some("killnowait")),
    (Wampy, Some("skip")),
];

#[test]
fn a_cancelled_call_interrupts_autobahn_python_unless_it_is_skipped() {
    let router = Router::start();
    cancels_at_autobahn_python(router.url(), &CANCELLING);
}

#[test]
fn a_cancelled_call_interrupts_autobahn_python_on_crossbar() {
    let (skip, interrupting) = CANCELLING.split_last().unwrap();
    assert_eq!(skip.1, Some("skip"));
    cancels_at_autobahn_python(crossbar::url(), interrupting);
}

#[test]
fn a_cancelled_call_of_a_callee_that_cannot_be_interrupted_ends_without_it() {
    let router = Router::start();
    for library in [AutobahnJs, Wampy] {
        let mut callee = library.join(router.url(), "cbor");
        callee.register("com.cancel.js", "wait");
        for (library, mode) in CANCELLING {
            let mut caller = library.join(router.url(), "json");
            begin(&mut caller, &mut callee, "com.cancel.js");
            caller.cancel(mode);
            expect_canceled(&mut caller, mode);
            callee.answer_call();
            goes_on(&mut caller, &mut callee, "com.cancel.js");
            caller.leave();
        }
        callee.leave();
    }
}

#[test]
fn our_library_for_pages_cancels_with_each_mode_and_is_interrupted() {
    let router = Router::start();
    let modes = [None, Some("kill"), Some("killnowait"), Some("skip")];
    cancels_at_autobahn_python(router.url(), &modes.map(|mode| (WampJs, mode)));
    let mut callee = WampJs.join(router.url(), "json");
    callee.register("com.cancel.page", "wait");
    for (library, mode) in CANCELLING {
        let mut caller = library.join(router.url(), "json");
        begin(&mut caller, &mut callee, "com.cancel.page");
        caller.cancel(mode);
        expect_canceled(&mut caller, mode);
        callee.answer_call();
        goes_on(&mut caller, &mut callee, "com.cancel.page");
        caller.leave();
    }
    callee.leave();
}

#[test]
fn a_caller_that_leaves_interrupts_the_callee() {
    let router = Router::start();
    caller_leaves(router.url());
}

#[test]
fn a_caller_that_leaves_interrupts_the_callee_on_crossbar() {
    caller_leaves(crossbar::url());
}

#[test]
fn a_callee_that_leaves_ends_the_call() {
    let router = Router::start();
    callee_leaves(router.url());
}

#[test]
fn a_callee_that_leaves_ends_the_call_on_crossbar() {
    callee_leaves(crossbar::url());
}

#[track_caller]
fn cancels_at_autobahn_python(url: &str, cancelling: &[(Library, Option<&str>)]) {
    let mut callee = AutobahnPython.join(url, "msgpack");
    callee.register("com.cancel.python", "wait");
    for &(library, mode) in cancelling {
        let mut caller = library.join(url, "json");
        begin(&mut caller, &mut callee, "com.cancel.python");
        caller.cancel(mode);
        if mode == Some("skip") {
            expect_canceled(&mut caller, mode);
            callee.answer_call();
        } else {
            callee.expect_interrupt();
            expect_canceled(&mut caller, mode);
        }
        // What the callee answered late harms nobody.
        goes_on(&mut caller, &mut callee, "com.cancel.python");
        caller.leave();
    }
    callee.leave();
}

#[track_caller]
fn caller_leaves(url: &str) {
    let mut callee = AutobahnPython.join(url, "json");
    callee.register("com.cancel.caller", "wait");
    for library in Library::ALL {
        let mut caller = library.join(url, "cbor");
        begin(&mut caller, &mut callee, "com.cancel.caller");
        caller.leave();
        callee.expect_interrupt();
    }
    callee.leave();
}

#[track_caller]
fn callee_leaves(url: &str) {
    for callee in Library::ALL {
        for caller in Library::ALL {
            let uri = format!("com.cancel.{caller:?}.{callee:?}");
            let mut callee = callee.join(url, "json");
            let mut caller = caller.join(url, "msgpack");
            callee.register(&uri, "wait");
            begin(&mut caller, &mut callee, &uri);
            callee.leave();
            expect_canceled(&mut caller, None);
            caller.leave();
        }
    }
}

#[track_caller]
fn begin(caller: &mut Peer, callee: &mut Peer, uri: &str) {
    caller.begin_call(uri, &json!(["late"]), &json!({}));
    callee.expect_invocation();
}

#[track_caller]
fn expect_canceled(caller: &mut Peer, mode: Option<&str>) {
    let outcome = caller.outcome();
    assert_eq!(
        outcome["error"],
        "wamp.error.canceled",
        "{:?} with {mode:?}: {outcome}",
        caller.library()
    );
}

/// Another call ends as it should.
#[track_caller]
fn goes_on(caller: &mut Peer, callee: &mut Peer, uri: &str) {
    begin(caller, callee, uri);
    callee.answer_call();
    let answer: Value = json!({"args": ["late"], "kwargs": {}});
    assert_eq!(caller.outcome(), answer, "{:?}", caller.library());
}
