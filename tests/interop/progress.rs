//! Progressive results: a callee of one library sends them, callers of all libraries get them.
//!
//! Only autobahn-python's callees send them through our router: autobahn-js announces them but not call canceling, which
//! the specification takes for not supporting them (`rpc-progressive-call-results`), and wampy has none as a callee.
//! Crossbar.io asks autobahn-js for them nevertheless.

use serde_json::json;

use crate::crossbar;
use crate::peer::Library::{self, AutobahnJs, AutobahnPython, WampJs, Wampy};
use crate::peer::Peer;
use crate::support::Router;

#[test]
fn callers_get_each_result_of_autobahn_python_as_it_comes() {
    let router = Router::start();
    every_caller_gets_progress(router.url(), "com.progress.python");
}

#[test]
fn callers_get_each_result_of_autobahn_python_as_it_comes_on_crossbar() {
    every_caller_gets_progress(crossbar::url(), "com.progress.python");
}

#[test]
fn our_library_for_pages_sends_and_gets_each_result_as_it_comes() {
    let router = Router::start();
    for (caller, callee) in [(WampJs, AutobahnPython), (AutobahnPython, WampJs)] {
        let mut callee = callee.join(router.url(), "json");
        let mut caller = caller.join(router.url(), "json");
        callee.register("com.progress.page", "count");
        begin(&mut caller, "com.progress.page");
        expect_progress(&mut caller);
        callee.leave();
        caller.leave();
    }
}

#[test]
fn a_callee_that_could_not_be_interrupted_is_not_asked_for_progress() {
    let router = Router::start();
    for library in [AutobahnJs, Wampy] {
        let mut callee = library.join(router.url(), "cbor");
        let mut caller = AutobahnPython.join(router.url(), "json");
        let uri = format!("com.progress.{library:?}");
        callee.register(&uri, "count");
        begin(&mut caller, &uri);
        assert_eq!(caller.outcome(), json!({"args": [6], "kwargs": {}}));
        callee.leave();
        caller.leave();
    }
}

#[test]
fn crossbar_asks_autobahn_js_for_progress() {
    let mut callee = AutobahnJs.join(crossbar::url(), "cbor");
    let mut caller = AutobahnPython.join(crossbar::url(), "json");
    callee.register("com.progress.crossbar.js", "count");
    begin(&mut caller, "com.progress.crossbar.js");
    expect_progress(&mut caller);
    callee.leave();
    caller.leave();
}

#[track_caller]
fn every_caller_gets_progress(url: &str, uri: &str) {
    for (theirs, ours) in [("json", "cbor"), ("msgpack", "json")] {
        let mut callee = AutobahnPython.join(url, theirs);
        callee.register(uri, "count");
        for library in Library::ALL {
            let mut caller = library.join(url, ours);
            begin(&mut caller, uri);
            expect_progress(&mut caller);
            let unasked = caller.call(uri, &json!([1, 2, 3]), &json!({}));
            assert_eq!(
                unasked,
                json!({"args": [6], "kwargs": {}}),
                "{library:?} over {ours}"
            );
            caller.leave();
        }
        callee.leave();
    }
}

#[track_caller]
fn begin(caller: &mut Peer, uri: &str) {
    caller.begin_call(uri, &json!([1, 2, 3]), &json!({"receive_progress": true}));
}

#[track_caller]
fn expect_progress(caller: &mut Peer) {
    for number in 1..=3 {
        assert_eq!(
            caller.progress(),
            json!({"args": [number], "kwargs": {"of": 3}}),
            "{:?}",
            caller.library()
        );
    }
    assert_eq!(caller.outcome(), json!({"args": [6], "kwargs": {}}));
}
