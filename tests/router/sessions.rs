//! WAMP: who breaks a rule, or vanishes, loses its session and all it held; nobody else notices.

use serde_json::{Value, json};

use super::bystander::Bystander;
use super::peer::{BINARY, CLOSE, Peer, TEXT, frame_of, frames, hello};
use crate::support::Router;

/// What an offender holds, and somebody else takes over as soon as it is gone.
const HELD: &str = "held.by.the.offender";

/// Messages that end a session, with a part of the sentence that says why.
fn violations() -> Vec<(String, &'static str)> {
    let from_the_router = [
        json!([2, 1, {}]),
        json!([4, "ticket", {}]),
        json!([17, 1, 1]),
        json!([33, 1, 1]),
        json!([35, 1]),
        json!([36, 1, 1, {}]),
        json!([50, 1, {}]),
        json!([65, 1, 1]),
        json!([67, 1]),
        json!([68, 1, 1, {}]),
        json!([69, 1, {}]),
    ];
    let mut violations: Vec<_> = from_the_router
        .into_iter()
        .map(|message| (message.to_string(), "is not expected"))
        .collect();
    violations.extend([
        (hello("realm1").to_string(), "HELLO is not expected"),
        (
            json!([32, 4, {}, "a.b"]).to_string(),
            "request id 4 came where 3 is next",
        ),
        (
            json!([32, 2, {}, "a.b"]).to_string(),
            "request id 2 came where 3 is next",
        ),
        (json!([48, 0, {}, "a.b"]).to_string(), "must be"),
        (json!([70, 77, {}]).to_string(), "no invocation 77"),
        (
            json!([8, 68, 77, {}, "a.b"]).to_string(),
            "no invocation 77",
        ),
        (
            json!([8, 48, 1, {}, "a.b"]).to_string(),
            "answers an INVOCATION",
        ),
        (json!([99, 1]).to_string(), "no message has the code 99"),
        (json!([-1]).to_string(), "no message has the code -1"),
        (json!({"call": 48}).to_string(), "a message is a list"),
        (json!([]).to_string(), "a message is a list"),
        (json!([32, 3]).to_string(), "SUBSCRIBE"),
        (json!([32, 3, [], "a.b"]).to_string(), "SUBSCRIBE"),
        (json!([32, 3, {}, 5]).to_string(), "SUBSCRIBE"),
        (
            json!([16, 3, {}, "a.b", [], {}, 1]).to_string(),
            "too many elements",
        ),
        (
            json!([16, 3, {"exclude_me": "no"}, "a.b"]).to_string(),
            "exclude_me",
        ),
        (String::new(), "not well-formed"),
        ("[32,3,{},\"a.b\"".to_owned(), "not well-formed"),
        ("[32,3,{},\"a.b\"]]".to_owned(), "not well-formed"),
        ("[32,3,{},\"\\ud800\"]".to_owned(), ""),
        (nested(65), "at most 64 levels"),
        (nested(1_000_000), "at most 64 levels"),
        ("[".repeat(1_000_000), "a message is a list"),
        ("{\"a\":".repeat(1_000_000), ""),
    ]);
    violations
}

/// A PUBLISH whose whole nests so deep.
fn nested(depth: usize) -> String {
    let around = depth - 1;
    let (open, close) = ("[".repeat(around), "]".repeat(around));
    format!("[16,3,{{}},\"a.b\",{open}{close}]")
}

#[test]
fn every_violation_ends_its_session_with_all_it_held_and_no_other() {
    let router = Router::start();
    let bystander = Bystander::start(router.url());
    let mut witness = Peer::join(router.url());
    for (message, why) in violations() {
        let shown = &message[..message.len().min(60)];
        let mut offender = Peer::join(router.url());
        offender.register(HELD);
        offender.subscribe(HELD);
        offender.write(&frame_of(TEXT, message.as_bytes()));
        let said = offender.expect_abort("wamp.error.protocol_violation");
        assert!(said.contains(why), "{shown}: {said:?}");
        // Its procedure is free, and nobody gets its events.
        witness.publish(HELD, &json!([]));
        let mut next = Peer::join(router.url());
        next.register(HELD);
        next.send(&json!([6, {}, "wamp.close.close_realm"]));
        next.expect_message(6);
    }
    bystander.finish();
}

#[test]
fn messages_nested_64_deep_are_taken_and_deeper_ones_are_not_in_any_serializer() {
    let router = Router::start();
    let bystander = Bystander::start(router.url());
    let mut peer = Peer::join(router.url());
    peer.subscribe("a.b");
    peer.subscribe("a.b");
    peer.request_as_text(&nested(64));
    peer.publish("a.b", &json!(["still here"]));
    // HELLO with a detail `x` that nests without end.
    for (subprotocol, start, open) in [
        ("wamp.2.msgpack", &b"\x93\x01\xa6realm1\x81\xa1x"[..], 0x91),
        ("wamp.2.cbor", b"\x83\x01\x66realm1\xa1\x61x", 0x81),
    ] {
        let mut peer = Peer::upgrade(router.url(), subprotocol);
        peer.write(&frame_of(BINARY, &[start, &vec![open; 60_000]].concat()));
        let abort = peer.frame();
        let text = String::from_utf8_lossy(&abort.payload);
        assert!(text.contains("at most 64 levels"), "{text}");
        peer.expect_close();
    }
    bystander.finish();
}

#[test]
fn before_welcome_anything_but_hello_is_refused() {
    let router = Router::start();
    let bystander = Bystander::start(router.url());
    for (message, reason) in [
        (json!([32, 1, {}, "a.b"]), "wamp.error.protocol_violation"),
        (
            json!([6, {}, "wamp.close.close_realm"]),
            "wamp.error.protocol_violation",
        ),
        (json!([1, "realm1", {}]), "wamp.error.protocol_violation"),
        (
            json!([1, "realm1", {"roles": {"broker": {}}}]),
            "wamp.error.protocol_violation",
        ),
        (
            json!([1, "nowhere", {"roles": {"caller": {}}}]),
            "wamp.error.no_such_realm",
        ),
        (
            json!([1, "", {"roles": {"caller": {}}}]),
            "wamp.error.no_such_realm",
        ),
        (json!(["HELLO"]), "wamp.error.protocol_violation"),
        (
            json!([1, "realm1", {"roles": {"caller": {}}, "authmethods": ["ticket"]}]),
            "wamp.error.no_matching_auth_method",
        ),
    ] {
        let mut peer = Peer::upgrade(router.url(), "wamp.2.json");
        peer.send(&message);
        peer.expect_abort(reason);
    }
    // ABORT is never answered.
    let mut peer = Peer::upgrade(router.url(), "wamp.2.json");
    peer.send(&json!([3, {}, "wamp.error.canceled"]));
    peer.expect_close();
    let mut peer = Peer::join(router.url());
    peer.send(&json!([3, {}, "wamp.error.canceled"]));
    peer.expect_close();
    bystander.finish();
}

#[test]
fn what_an_offender_sends_behind_its_offence_is_without_effect() {
    let router = Router::start();
    let mut witness = Peer::join(router.url());
    witness.subscribe("a.b");
    let mut offender = Peer::join(router.url());
    let mut bytes = offender.next_request(16, &json!([{}, "a.b", ["before"]]));
    bytes.extend(frame_of(TEXT, b"[99]"));
    bytes.extend(offender.next_request(16, &json!([{}, "a.b", ["behind"]])));
    bytes.extend(offender.next_request(64, &json!([{}, "a.procedure"])));
    offender.write(&bytes);
    offender.expect_abort("wamp.error.protocol_violation");
    assert_eq!(witness.expect_message(36)[4], json!(["before"]));
    witness.register("a.procedure");
    let mut last = Peer::join(router.url());
    last.publish("a.b", &json!(["last"]));
    assert_eq!(witness.expect_message(36)[4], json!(["last"]));
}

#[test]
fn a_session_lost_without_goodbye_gives_back_all_it_held_at_once() {
    let router = Router::start();
    let bystander = Bystander::start(router.url());
    let mut caller = Peer::join(router.url());
    for by_reset in [false, true] {
        let mut lost = Peer::join(router.url());
        lost.register(HELD);
        let request = caller.call(HELD, &json!([]));
        if by_reset {
            // A stream that is closed with bytes unread ends by a reset: the INVOCATION, and what comes behind it.
            lost.wait_for_bytes();
        } else {
            lost.expect_message(68);
        }
        drop(lost);
        // The call on its way is answered, and the name is free when that is so.
        let canceled = caller.receive();
        assert_eq!(canceled[0], json!(8), "{canceled}");
        assert_eq!(canceled[2], json!(request));
        assert_eq!(canceled[4], json!("wamp.error.canceled"));
        let mut next = Peer::join(router.url());
        next.register(HELD);
        next.send(&json!([6, {}, "wamp.close.close_realm"]));
        next.expect_message(6);
    }
    router.program().wait_for_lines("session lost", 2);
    bystander.finish();
}

#[test]
fn an_answer_to_a_caller_that_has_gone_is_dropped_and_its_callee_goes_on() {
    let router = Router::start();
    let mut callee = Peer::join(router.url());
    callee.register("slow");
    let mut caller = Peer::join(router.url());
    caller.call("slow", &json!([]));
    let invocation = callee.expect_message(68);
    drop(caller);
    router.wait_for_log("session lost");
    callee.send(&json!([70, invocation[1], {}, ["too late"]]));
    let mut caller = Peer::join(router.url());
    caller.call("slow", &json!(["now"]));
    let invocation = callee.expect_message(68);
    assert_eq!(invocation[4], json!(["now"]));
    callee.send(&json!([70, invocation[1], {}, ["done"]]));
    assert_eq!(caller.receive(), json!([50, 1, {}, ["done"]]));
}

#[test]
fn a_session_waits_for_ten_thousand_calls_and_the_next_is_refused() {
    let router = Router::start();
    let bystander = Bystander::start(router.url());
    let mut callee = Peer::join(router.url());
    callee.register("never");
    let mut caller = Peer::join(router.url());
    let mut calls = Vec::new();
    for _ in 0..10_001 {
        calls.extend(caller.next_request(48, &json!([{}, "never"])));
    }
    caller.write(&calls);
    let refused = caller.receive();
    assert_eq!(refused[2], json!(10_001), "{refused}");
    assert_eq!(refused[4], json!("wamp.error.unavailable"));
    // Another session's calls are its own.
    let mut other = Peer::join(router.url());
    other.call("never", &json!(["other"]));
    for number in 1..=10_000 {
        assert_eq!(callee.expect_message(68)[1], json!(number));
    }
    assert_eq!(callee.expect_message(68)[4], json!(["other"]));
    // When the callee goes, each is answered.
    drop(callee);
    for number in 1..=10_000 {
        let canceled = caller.expect_message(8);
        assert_eq!(canceled[2], json!(number));
        assert_eq!(canceled[4], json!("wamp.error.canceled"));
    }
    bystander.finish();
}

#[test]
fn a_transport_carries_one_session_after_another() {
    let router = Router::start();
    let mut peer = Peer::upgrade(router.url(), "wamp.2.json");
    let mut sessions: Vec<Value> = Vec::new();
    for _ in 0..50 {
        peer.send(&hello("realm1"));
        sessions.push(peer.expect_message(2)[1].clone());
        peer.send(&json!([64, 1, {}, HELD]));
        peer.expect_message(65);
        peer.send(&json!([6, {}, "wamp.close.close_realm"]));
        assert_eq!(
            peer.expect_message(6)[2],
            json!("wamp.close.goodbye_and_out")
        );
    }
    sessions.sort_by_key(Value::as_u64);
    sessions.dedup();
    assert_eq!(sessions.len(), 50, "each has an id of its own");
    router.program().wait_for_lines("session left", 50);
}

#[test]
fn nothing_follows_the_close_frame_of_a_peer_that_had_more_waiting() {
    let router = Router::start();
    let mut broken = Peer::join(router.url());
    broken.subscribe("a.b");
    let mut publisher = Peer::join(router.url());
    // More than any socket takes: much of it still waits when the peer goes wrong.
    for _ in 0..300 {
        publisher.publish("a.b", &json!(["x".repeat(64 * 1024)]));
    }
    broken.write(&[0xff; 64]);
    let bytes = broken.read_to_end();
    let frames = frames(&bytes);
    let closes = frames.iter().filter(|frame| frame.opcode == CLOSE).count();
    assert_eq!(closes, 1);
    assert_eq!(frames.last().unwrap().opcode, CLOSE);
}
