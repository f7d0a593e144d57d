//! The log: who joined and left, and not a byte of a peer's that a terminal would obey.

use serde_json::json;

use super::peer::{CLOSE, Peer, close_frame, frame_of, handshake, hello};
use crate::support::{Router, wamp};

/// Clears the screen, sets the title, begins a line of its own, turns the text round, ends a string.
const EVIL: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\r\n2026 ERROR forged\u{202e}\u{9b}1m\"x\\";

/// Fails where something in a log is no printable text.
#[track_caller]
fn assert_harmless(log: &str) {
    let harmful = |c: &char| (c.is_control() && *c != '\n') || *c == '\u{202e}';
    assert_eq!(log.chars().find(harmful), None, "{log:?}");
    assert!(
        !log.lines().any(|line| line.starts_with("2026 ERROR")),
        "{log}"
    );
}

#[test]
fn who_joins_and_leaves_is_logged_with_its_id_and_realm() {
    let router = Router::start();
    let mut peer = Peer::upgrade(router.url(), "wamp.2.json");
    let mut hello = hello("realm1");
    hello[2]["agent"] = json!("my-agent/1.0");
    peer.send(&hello);
    let id = peer.expect_message(2)[1].clone();
    let joined = router.wait_for_log("session joined");
    for part in [
        &format!("session={id}") as &str,
        "realm=\"realm1\"",
        "agent=\"my-agent/1.0\"",
        "transport=\"wamp.2.json\"",
    ] {
        assert!(joined.contains(part), "{joined}");
    }
    peer.send(&json!([6, {}, "wamp.close.close_realm"]));
    peer.expect_message(6);
    let left = router.wait_for_log("session left");
    assert!(
        left.contains(&format!("session={id} realm=\"realm1\"")),
        "{left}"
    );
}

#[test]
fn every_way_to_end_has_a_word_of_its_own() {
    let router = Router::start();
    let mut aborted = Peer::join(router.url());
    aborted.send(&json!([99]));
    aborted.expect_abort("wamp.error.protocol_violation");
    let line = router.wait_for_log("ABORT: no message has the code 99");
    assert!(
        line.contains("reason=\"wamp.error.protocol_violation\""),
        "{line}"
    );
    router.wait_for_log("session aborted");

    drop(Peer::join(router.url()));
    router.wait_for_log("session lost");

    let mut broken = Peer::join(router.url());
    broken.write(&[0xff; 64]);
    broken.expect_close();
    router.wait_for_log("breaks the rules of its transport");
    router.wait_for_log("session closed");

    // GOODBYE and the close frame at once: it left, and is not heard of the answer.
    let mut hasty = Peer::join(router.url());
    let mut bytes = super::peer::text_frame(&json!([6, {}, "wamp.close.close_realm"]));
    bytes.extend(close_frame(1000));
    hasty.write(&bytes);
    router.wait_for_log("session left");
    let dismissed = Peer::join(router.url());
    router.program().terminate();
    router.wait_for_log("session dismissed");
    drop(dismissed);
    let stderr = router.finish().exit_code(0).stderr;
    assert_eq!(stderr.matches("session joined").count(), 5, "{stderr}");
}

#[test]
fn what_was_refused_without_a_word_is_counted_when_the_session_ends() {
    let router = Router::start();
    let mut first = Peer::join(router.url());
    let mut second = Peer::join(router.url());
    first.request(16, &json!([{}, "a..b"]));
    first.request(16, &json!([{}, "wamp.x"]));
    // One that is granted, and one that is told of its refusal, are not counted.
    first.request(16, &json!([{}, "a.b"]));
    let told = first.request(16, &json!([{"acknowledge": true}, "a..b"]));
    assert_eq!(first.expect_message(8)[2], json!(told));
    drop(first);
    let line = router.wait_for_log("publications dropped");
    for part in [
        "WARN",
        "dropped=2",
        "realm_total=2",
        "last=\"wamp.error.invalid_uri\"",
    ] {
        assert!(line.contains(part), "{line}");
    }
    // However a session ends.
    second.request(16, &json!([{}, "a..b"]));
    second.send(&json!([6, {}, "wamp.close.close_realm"]));
    second.expect_message(6);
    router.wait_for_log("dropped=1 realm_total=3");
}

#[test]
fn retained_events_that_one_answer_does_not_hold_are_told_of() {
    let router = Router::start();
    let mut peer = Peer::join(router.url());
    let mut bytes = Vec::new();
    for number in 0..1_001 {
        let topic = format!("com.t{number}");
        bytes.extend(peer.next_request(16, &json!([{"retain": true}, topic])));
    }
    peer.write(&bytes);
    let mut subscriber = Peer::join(router.url());
    peer.request(48, &json!([{}, "wamp.session.count"]));
    peer.expect_message(50);
    let options = json!({"match": "prefix", "get_retained": true});
    subscriber.request(32, &json!([options, "com.t1"]));
    subscriber.request(32, &json!([options, "com."]));
    let line = router.wait_for_log("retained events left out");
    assert!(
        line.contains("WARN") && line.contains("events=1000"),
        "{line}"
    );
    // Of the first pattern, nothing was left out.
    let log = router.log();
    assert_eq!(log.matches("retained events left out").count(), 1, "{log}");
}

#[test]
fn nothing_a_peer_says_reaches_the_terminal_as_it_is() {
    let router = Router::start_with(["--verbose"]);
    // Before WELCOME: realm, method, agent, a broken message.
    let mut unknown = hello(EVIL);
    unknown[2]["agent"] = json!(EVIL);
    let mut method = hello("realm1");
    method[2]["authmethods"] = json!([EVIL]);
    for message in [unknown, method, json!([EVIL]), json!([1, EVIL, EVIL])] {
        let mut peer = Peer::upgrade(router.url(), "wamp.2.json");
        peer.send(&message);
        peer.expect_message(3);
    }
    // In a session: agent, URIs, options, reasons.
    let mut joining = hello("realm1");
    joining[2]["agent"] = json!(EVIL);
    for message in [
        json!([16, 1, {"acknowledge": true}, EVIL]),
        json!([16, 1, {"exclude_me": EVIL}, "a.b"]),
        json!([32, 1, {"match": EVIL}, "a.b"]),
        json!([64, 1, {"invoke": EVIL}, EVIL]),
        json!([48, 1, {}, EVIL]),
        json!([6, {"message": EVIL}, EVIL]),
        json!([3, {"message": EVIL}, EVIL]),
        json!([EVIL]),
    ] {
        let mut peer = Peer::upgrade(router.url(), "wamp.2.json");
        peer.send(&joining);
        peer.expect_message(2);
        peer.send(&message);
        peer.frame();
    }
    // On the WebSocket: a reason to close, text that is none.
    let mut peer = Peer::join(router.url());
    peer.write(&frame_of(
        CLOSE,
        &[&[3, 232], &EVIL.as_bytes()[..30]].concat(),
    ));
    peer.frame();
    let mut peer = Peer::join(router.url());
    peer.write(&frame_of(super::peer::TEXT, b"\"\x1b[2J\xff\x9b1m\""));
    peer.frame();
    // In HTTP: path, origin, host, subprotocol.
    let url = router.url();
    for (name, value) in [
        ("Origin: ", "Origin: http://\u{9b}1m.example\r\nX: "),
        ("Host: ", "Host: \u{9b}1m.example\r\nX: "),
        ("GET /ws", "GET /\u{9b}1m"),
        ("wamp.2.json", "\u{9b}1m"),
    ] {
        let request = handshake(url, "wamp.2.json").replacen(
            "\r\nConnection",
            "\r\nOrigin: http://localhost\r\nConnection",
            1,
        );
        let mut peer = Peer::connect(url);
        peer.write(request.replacen(name, value, 1).as_bytes());
        peer.end_writing();
        peer.read_to_end();
    }
    let stderr = router.terminate().exit_code(0).stderr;
    assert!(stderr.contains("\\u{1b}[2J"), "{stderr}");
    assert_harmless(&stderr);
}

#[test]
fn arguments_of_the_command_line_are_shown_harmless_too() {
    let output = wamp(["router", "--listen", ":0", "--realm"])
        .arg(EVIL.replace('\0', ""))
        .run()
        .exit_code(2);
    assert!(
        output.stderr.contains("no valid realm name"),
        "{}",
        output.stderr
    );
}
