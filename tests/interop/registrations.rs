//! Registrations that several callees share, that cover a pattern, that take over, or that limit what is asked at once.
//!
//! | option | autobahn-python | autobahn-js | wampy |
//! |---|---|---|---|
//! | `invoke`, `match` | yes | yes | yes |
//! | `concurrency`, `force_reregister` | yes | passed on as given | no |
//! | an UNREGISTERED that nobody asked for | taken, told to nobody | told to the program | not announced |
//!
//! Crossbar.io names another error for a second callee with another policy, and refuses a call beyond `concurrency` where we
//! let it wait.

use serde_json::{Value, json};

use crate::crossbar;
use crate::peer::Library::{self, AutobahnJs, AutobahnPython, Wampy};
use crate::peer::{Peer, with_whole_numbers};
use crate::support::Router;

#[test]
fn callees_of_all_libraries_share_a_registration_by_every_policy() {
    let router = Router::start();
    share(router.url(), "wamp.error.procedure_already_exists");
}

#[test]
fn callees_of_all_libraries_share_a_registration_by_every_policy_on_crossbar() {
    share(
        crossbar::url(),
        "wamp.error.procedure_exists_with_different_invocation_policy",
    );
}

#[test]
fn a_pattern_is_registered_and_its_callee_told_which_procedure_was_called() {
    let router = Router::start();
    cover_a_pattern(router.url());
}

#[test]
fn a_pattern_is_registered_and_its_callee_told_which_procedure_was_called_on_crossbar() {
    cover_a_pattern(crossbar::url());
}

#[test]
fn a_callee_takes_a_registration_over() {
    let router = Router::start();
    take_over(router.url());
}

#[test]
fn a_callee_takes_a_registration_over_on_crossbar() {
    take_over(crossbar::url());
}

#[test]
fn a_call_waits_until_its_callee_has_time() {
    let router = Router::start();
    for library in [AutobahnPython, AutobahnJs] {
        let mut callee = library.join(router.url(), "cbor");
        let mut first = AutobahnPython.join(router.url(), "json");
        let mut second = AutobahnJs.join(router.url(), "msgpack");
        let uri = "com.registrations.busy";
        callee.register_with(uri, "wait", &json!({"concurrency": 1}));
        callee.subscribe("com.registrations.begun", "exact");
        first.begin_call(uri, &json!([1]), &json!({}));
        callee.expect_invocation();
        second.begin_call(uri, &json!([2]), &json!({}));
        // The router has seen the second call before this event, and no invocation comes before it.
        second.publish("com.registrations.begun", &json!([]), &json!({}));
        callee.event();
        callee.answer_call();
        assert_eq!(first.outcome()["args"], json!([1]), "{library:?}");
        callee.expect_invocation();
        callee.answer_call();
        assert_eq!(second.outcome()["args"], json!([2]), "{library:?}");
        for peer in [first, second, callee] {
            peer.leave();
        }
    }
}

#[track_caller]
fn share(url: &str, refused_as: &str) {
    let mut caller = AutobahnPython.join(url, "json");
    let mut callees = [
        AutobahnPython.join(url, "cbor"),
        AutobahnJs.join(url, "json"),
        Wampy.join(url, "msgpack"),
    ];
    let [a, b, c] = callees.each_ref().map(Peer::session);
    for (policy, expected) in [
        ("roundrobin", [a, b, c, a, b, c]),
        ("first", [a; 6]),
        ("last", [c; 6]),
    ] {
        let uri = format!("com.registrations.{policy}");
        register_each(&mut callees, &uri, policy);
        let called = [(); 6].map(|()| described(&mut caller, &uri)["session"].take());
        assert_eq!(called, expected.map(Value::from), "{policy}");
        for other in ["random", "single"] {
            let refused = caller.register_with(&uri, "echo", &json!({"invoke": other}));
            assert_eq!(refused["error"], refused_as, "{other} beside {policy}");
        }
    }
    register_each(&mut callees, "com.registrations.random", "random");
    let mut called: Vec<_> = (0..60)
        .map(|_| described(&mut caller, "com.registrations.random")["session"].as_u64())
        .collect();
    called.sort_unstable();
    called.dedup();
    let mut everybody = [a, b, c].map(Some);
    everybody.sort_unstable();
    assert_eq!(called, everybody);

    // Who stood by steps in when the others leave.
    let [python, js, wampy] = callees;
    python.leave();
    let first = described(&mut caller, "com.registrations.first");
    assert_eq!(first["session"], b);
    wampy.leave();
    let last = described(&mut caller, "com.registrations.last");
    assert_eq!(last["session"], b);
    js.leave();
    let nobody = caller.call("com.registrations.last", &json!([]), &json!({}));
    assert_eq!(nobody["error"], "wamp.error.no_such_procedure");
    caller.leave();
}

#[track_caller]
fn register_each(callees: &mut [Peer], uri: &str, policy: &str) {
    for callee in callees {
        let registered = callee.register_with(uri, "describe", &json!({"invoke": policy}));
        assert!(
            registered["registered"].is_u64(),
            "{:?} with {policy}: {registered}",
            callee.library()
        );
    }
}

#[track_caller]
fn cover_a_pattern(url: &str) {
    for library in Library::ALL {
        let [mut exact, mut prefix, mut wildcard] =
            ["json", "cbor", "msgpack"].map(|serializer| library.join(url, serializer));
        let base = format!("com.registrations.pattern.{library:?}");
        exact.register(&format!("{base}.order.new"), "describe");
        for (peer, uri, policy) in [
            (&mut prefix, format!("{base}.order"), "prefix"),
            (&mut wildcard, format!("{base}..new"), "wildcard"),
        ] {
            let registered = peer.register_with(&uri, "describe", &json!({"match": policy}));
            assert!(
                registered["registered"].is_u64(),
                "{library:?}: {registered}"
            );
        }
        for caller in Library::ALL {
            let mut caller = caller.join(url, "json");
            for (uri, callee) in [
                ("order.new", &exact),
                ("order.old", &prefix),
                ("order.old.first", &prefix),
                ("customer.new", &wildcard),
            ] {
                let uri = format!("{base}.{uri}");
                let described = described(&mut caller, &uri);
                assert_eq!(described["session"], callee.session(), "{uri}");
                if callee.session() != exact.session() {
                    assert_eq!(described["procedure"], uri);
                }
            }
            let nobody = caller.call(&format!("{base}.customer.old"), &json!([]), &json!({}));
            assert_eq!(nobody["error"], "wamp.error.no_such_procedure");
            caller.leave();
        }
        for callee in [exact, prefix, wildcard] {
            callee.leave();
        }
    }
}

#[track_caller]
fn take_over(url: &str) {
    let uri = "com.registrations.force";
    let force = json!({"force_reregister": true});
    let mut python = AutobahnPython.join(url, "json");
    let mut js = AutobahnJs.join(url, "cbor");
    let mut caller = Wampy.join(url, "msgpack");
    python.register_with(uri, "describe", &force);
    let refused = js.register_with(uri, "describe", &json!({}));
    assert_eq!(refused["error"], "wamp.error.procedure_already_exists");
    js.register_with(uri, "describe", &force);
    assert_eq!(described(&mut caller, uri)["session"], js.session());
    python.register_with(uri, "describe", &force);
    js.revoked();
    assert_eq!(described(&mut caller, uri)["session"], python.session());
    for peer in [python, js, caller] {
        peer.leave();
    }
}

/// Calls a procedure that returns what it is told of the call.
#[track_caller]
fn described(caller: &mut Peer, uri: &str) -> Value {
    let mut answer = caller.call(uri, &json!([]), &json!({}));
    assert!(answer.get("error").is_none(), "{uri}: {answer}");
    with_whole_numbers(answer["kwargs"].take())
}
