//! `/echo` and `/count` beside WAMP, on a demo router's port.

use serde_json::json;

use super::{expect_echo, expect_silence, expect_text, open};
use crate::router::peer::{BINARY, CLOSE, Peer, authority, close_code, frame_of};
use crate::support::Router;

/// The URL without its path.
fn base(router: &Router) -> &str {
    router.url().strip_suffix("/ws").unwrap()
}

/// The answer to a plain request: its status, and its body.
#[track_caller]
fn page(router: &Router, path: &str) -> (String, String) {
    let mut peer = Peer::connect(router.url());
    let host = authority(router.url());
    peer.write(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes());
    let (head, body) = peer.http_response();
    (head[9..12].to_owned(), body)
}

#[test]
fn a_demo_router_echoes_and_counts_beside_wamp() {
    let router = Router::start_with(["--demo"]);
    let mut session = Peer::join(router.url());
    let mut echoed = open(base(&router), "/echo", "Origin: null\r\n");
    expect_echo(&mut echoed, "© Hellø wørld!");
    let bytes = vec![0xff; 70_000];
    echoed.write(&frame_of(BINARY, &bytes));
    assert!(echoed.frame().payload == bytes);
    let mut first = open(base(&router), "/count", "Origin: null\r\n");
    expect_text(&mut first, "1");
    let second = open(base(&router), "/count", "");
    expect_text(&mut first, "2");
    drop(second);
    expect_text(&mut first, "1");
    // One does not hear of the other.
    expect_silence(&mut first);
    expect_silence(&mut echoed);
    let request = session.call("sum", &json!([3, 5]));
    assert_eq!(session.receive(), json!([50, request, {}, [8]]));
    assert!(
        !router.log().contains("raw WebSocket open"),
        "{}",
        router.log()
    );
}

#[test]
fn without_the_demo_there_is_nothing_at_these_paths() {
    let router = Router::start();
    for path in ["/echo", "/count"] {
        let (status, body) = page(&router, path);
        assert_eq!(status, "404");
        assert!(body.contains("WAMP over WebSocket is at /ws"), "{body}");
    }
}

#[test]
fn a_browser_that_opens_them_is_told_what_they_are() {
    let router = Router::start_with(["--demo"]);
    for (path, what) in [
        ("/echo", "sends back"),
        ("/count", "how many are connected"),
    ] {
        let (status, body) = page(&router, path);
        assert_eq!(status, "426");
        assert!(body.contains(what), "{body}");
        assert!(
            body.contains(&format!("wamp ws {}{path}", base(&router))),
            "{body}"
        );
    }
    assert_eq!(page(&router, "/echo/").0, "404");
}

#[test]
fn they_are_closed_with_the_router_and_logged_where_that_is_asked_for() {
    let router = Router::start_with(["--demo", "-v"]);
    let mut peers = [
        open(base(&router), "/echo", ""),
        open(base(&router), "/count", ""),
    ];
    router.wait_for_log("raw WebSocket open at /echo");
    router.wait_for_log("raw WebSocket open at /count");
    expect_text(&mut peers[1], "1");
    router.program().terminate();
    for peer in &mut peers {
        let close = peer.frame();
        assert_eq!((close.opcode, close_code(&close)), (CLOSE, 1001));
    }
    router.finish().exit_code(0);
}
