//! The HTTP in front: who is let in, and what everybody else is told.

use serde_json::json;
use wamp::router::Limits;

use super::bystander::Bystander;
use super::link::Link;
use super::node::{Node, in_virtual_time};
use super::peer::{Peer, authority, handshake, handshake_with, hello, text_frame};
use crate::support::Router;

const JSON: &str = "Sec-WebSocket-Protocol: wamp.2.json\r\n";

/// Sends a request; returns the response's head and body.
#[track_caller]
fn answer(url: &str, request: &str) -> (String, String) {
    let mut peer = Peer::connect(url);
    peer.write(request.as_bytes());
    peer.http_response()
}

/// The status of the response to a handshake with these header lines beside the usual.
#[track_caller]
fn status(url: &str, headers: &str) -> String {
    let (head, _) = answer(url, &handshake_with(url, headers));
    head[9..12].to_owned()
}

/// The same with another Host.
#[track_caller]
fn as_host(url: &str, host: &str) -> (String, String) {
    let request = handshake(url, "wamp.2.json");
    answer(url, &request.replacen(authority(url), host, 1))
}

#[test]
fn another_path_is_told_the_right_one() {
    let router = Router::start();
    let request = handshake(router.url(), "wamp.2.json");
    for path in ["/", "/wss", "/ws/", "/WS", "/%77s", "//ws"] {
        let request = request.replacen("/ws", path, 1);
        let (head, body) = answer(router.url(), &request);
        assert!(head.starts_with("http/1.1 404 "), "{path}: {head}");
        assert!(body.contains("WAMP over WebSocket is at /ws"), "{body}");
        router.wait_for_log(&format!("no WebSocket agreed on: GET \"{path}\" "));
    }
    let (head, _) = answer(router.url(), &request.replacen("/ws", "/ws?token=1", 1));
    assert!(head.starts_with("http/1.1 101 "), "{head}");
}

#[test]
fn a_browser_that_opens_the_url_is_told_what_it_is_for() {
    let router = Router::start();
    let host = authority(router.url());
    let request = format!("GET /ws HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let (head, body) = answer(router.url(), &request);
    assert!(head.starts_with("http/1.1 426 "), "{head}");
    assert!(head.contains("\r\nupgrade: websocket\r\n"), "{head}");
    assert!(body.contains("connect with a WAMP client"), "{body}");
}

#[test]
fn a_client_that_speaks_tls_is_told_to_who_reads_the_log() {
    let router = Router::start();
    let mut peer = Peer::connect(router.url());
    // How a ClientHello begins.
    peer.write(&[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc]);
    router.wait_for_log("a client speaks TLS (wss:// or https://), and there is none here");
}

#[test]
fn a_handshake_without_a_subprotocol_of_ours_is_told_all_of_them() {
    let router = Router::start();
    for headers in [
        "",
        "Sec-WebSocket-Protocol: chat\r\n",
        "Sec-WebSocket-Protocol: wamp.2.json2, WAMP.2.JSON\r\n",
        "Sec-WebSocket-Protocol: \r\n",
    ] {
        let (head, body) = answer(router.url(), &handshake_with(router.url(), headers));
        assert!(head.starts_with("http/1.1 400 "), "{headers}: {head}");
        for name in ["wamp.2.json", "wamp.2.msgpack", "wamp.2.cbor"] {
            assert!(body.contains(name), "{body}");
        }
    }
}

#[test]
fn of_several_subprotocols_the_clients_first_that_we_speak_is_taken() {
    let router = Router::start();
    let headers = "Sec-WebSocket-Protocol: chat,  wamp.2.cbor\r\n\
                   Sec-WebSocket-Protocol: wamp.2.json\r\n";
    let (head, _) = answer(router.url(), &handshake_with(router.url(), headers));
    assert!(
        head.contains("\r\nsec-websocket-protocol: wamp.2.cbor\r\n"),
        "{head}"
    );
}

#[test]
fn handshakes_that_lack_something_are_told_so() {
    let router = Router::start();
    let request = handshake(router.url(), "wamp.2.json");
    for (from, to) in [
        ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8"),
        ("Sec-WebSocket-Key:", "Sec-WebSocket-Kez:"),
        ("Connection: Upgrade", "Connection: keep-alive"),
        ("GET ", "POST "),
        ("HTTP/1.1", "HTTP/1.0"),
    ] {
        assert!(request.contains(from));
        let (head, body) = answer(router.url(), &request.replacen(from, to, 1));
        assert!(head[9..].starts_with("400 "), "{to}: {head}");
        assert!(body.contains("no WebSocket handshake"), "{to}: {body}");
    }
}

#[test]
fn pages_from_elsewhere_are_refused_and_the_refusal_names_the_setting() {
    let router = Router::start();
    let headers = format!("{JSON}Origin: https://evil.example\r\n");
    let (head, body) = answer(router.url(), &handshake_with(router.url(), &headers));
    assert!(head.starts_with("http/1.1 403 "), "{head}");
    let named = "--allow-origin https://evil.example";
    assert!(body.contains(named), "{body}");
    assert!(router.wait_for_log("refused: ").contains(named));
}

#[test]
fn pages_of_this_machine_and_listed_ones_are_let_in() {
    let router = Router::start_with(["--allow-origin", "https://app.example"]);
    for origin in [
        "http://localhost:3000",
        "https://127.0.0.1",
        "http://[::1]:5173",
        "https://app.example",
    ] {
        let headers = format!("{JSON}Origin: {origin}\r\n");
        assert_eq!(status(router.url(), &headers), "101", "{origin}");
    }
    for origin in [
        "http://app.example",
        "https://app.example.evil.example",
        "http://localhost.evil.example",
        "http://evil.example/localhost",
        "file://",
        "null",
        "http://user@localhost@evil.example",
    ] {
        let headers = format!("{JSON}Origin: {origin}\r\n");
        assert_eq!(status(router.url(), &headers), "403", "{origin}");
    }
}

#[test]
fn a_page_opened_as_a_file_is_let_in_by_the_demo_or_where_listed() {
    let headers = format!("{JSON}Origin: null\r\n");
    let router = Router::start();
    let (head, body) = answer(router.url(), &handshake_with(router.url(), &headers));
    assert!(head.starts_with("http/1.1 403 "), "{head}");
    assert!(body.contains("--allow-origin null"), "{body}");
    for args in [&["--demo"][..], &["--allow-origin", "null"]] {
        let router = Router::start_with(args);
        assert_eq!(status(router.url(), &headers), "101", "{args:?}");
    }
}

#[test]
fn an_origin_that_cannot_be_read_is_not_taken_for_none() {
    let router = Router::start();
    for origin in [
        "Origin: http://evil.ex\u{e4}mple\r\n",
        "Origin: \u{ff}\r\n",
        "Origin: http://localhost\r\nOrigin: http://evil.example\r\n",
        "Origin: http://evil.example\r\nOrigin: http://localhost\r\n",
        "Origin: \r\n",
    ] {
        let headers = format!("{JSON}{origin}");
        assert_eq!(status(router.url(), &headers), "403", "{origin}");
    }
}

#[test]
fn a_name_that_is_not_this_machines_is_refused_for_it_may_be_rebound() {
    let router = Router::start();
    for host in [
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
    ] {
        let (head, body) = as_host(router.url(), host);
        assert!(head.starts_with("http/1.1 403 "), "{host}: {head}");
        let name = host.split(':').next().unwrap();
        assert!(body.contains(&format!("--allow-host {name}")), "{body}");
    }
    for host in [
        "0.0.0.0",
        "[::]",
        "192.168.1.5",
        "user@localhost",
        "a b",
        "",
    ] {
        let (head, _) = as_host(router.url(), host);
        assert!(head.starts_with("http/1.1 403 "), "{host}: {head}");
    }
    let twice = handshake_with(router.url(), &format!("{JSON}Host: evil.example\r\n"));
    let (head, _) = answer(router.url(), &twice);
    assert!(head.starts_with("http/1.1 403 "), "{head}");
    assert!(router.wait_for_log("refused: ").contains("--allow-host"));
}

#[test]
fn a_listed_name_of_this_machine_is_answered_to() {
    let router = Router::start_with(["--allow-host", "dev.example"]);
    for host in ["dev.example", "DEV.example:1", "localhost", "127.0.0.1"] {
        let (head, _) = as_host(router.url(), host);
        assert!(head.starts_with("http/1.1 101 "), "{host}: {head}");
    }
    let (head, _) = as_host(router.url(), "other.example");
    assert!(head.starts_with("http/1.1 403 "), "{head}");
}

#[test]
fn a_head_that_is_too_large_is_answered_also_to_one_who_goes_on_sending() {
    let router = Router::start();
    let bystander = Bystander::start(router.url());
    let head = handshake_with(router.url(), JSON);
    let head = head.trim_end();
    let long = format!("{head}\r\nX-Long: {}\r\n\r\n", "x".repeat(16 * 1024 * 1024));
    let many = format!("{head}\r\n{}\r\n", "X-Many: 1\r\n".repeat(100));
    let path = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(16 * 1024 * 1024));
    for request in [long, many, path] {
        let mut peer = Peer::connect(router.url());
        peer.write(request.as_bytes());
        let (head, _) = peer.http_response();
        let status = &head[9..12];
        assert!(["431", "414", "400"].contains(&status), "{head}");
        peer.expect_end();
    }
    bystander.finish();
}

#[test]
fn what_is_no_http_is_answered_or_closed_and_nobody_else_notices() {
    let router = Router::start();
    let bystander = Bystander::start(router.url());
    let odd: [&[u8]; 11] = [
        b"\r\n\r\n\r\n\r\n",
        b"\0\0\0\0\0\0\0\0\0\0\0\0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /ws\r\n\r\n",
        b"GET /ws HTTP/9.9\r\n\r\n",
        b"GET  /ws  HTTP/1.1\r\n\r\n",
        b"GET /ws HTTP/1.1\r\nHost: localhost\r\nX\0Y: 1\r\n\r\n",
        b"GET /ws HTTP/1.1\r\nHost: localhost\r\n: 1\r\n\r\n",
        b"GET /ws HTTP/1.1\r\nHost: localhost\r\nX: \x01\x1b[2J\r\n\r\n",
        b"GET /ws HTTP/1.1\r\nHost: localhost\r\n folded\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    for bytes in odd {
        let mut peer = Peer::connect(router.url());
        peer.write(bytes);
        peer.end_writing();
        let answered = peer.read_to_end();
        let is_refusal = answered.starts_with(b"HTTP/1.1 4");
        assert!(
            answered.is_empty() || is_refusal,
            "{:?} to {:?}",
            String::from_utf8_lossy(&answered),
            String::from_utf8_lossy(bytes)
        );
    }
    // Every byte in every place that a client fills: none may reach code that takes it for text.
    for byte in 0..=255_u8 {
        let mut request =
            handshake_with(router.url(), "Sec-WebSocket-Protocol: wamp.2.json?\r\n").into_bytes();
        let at = request.iter().position(|&byte| byte == b'?').unwrap();
        request[at] = byte;
        let mut peer = Peer::connect(router.url());
        peer.write(&request);
        let (head, _) = peer.http_response();
        let is_answered = head.starts_with("http/1.1 400 ") || head.starts_with("http/1.1 101 ");
        assert!(is_answered, "{byte}: {head}");
    }
    bystander.finish();
}

#[test]
fn who_sends_handshake_and_messages_at_once_is_served_as_if_it_had_waited() {
    let router = Router::start();
    let mut peer = Peer::connect(router.url());
    let mut bytes = handshake(router.url(), "wamp.2.json").into_bytes();
    bytes.extend(text_frame(&hello("realm1")));
    bytes.extend(peer.next_request(32, &json!([{}, "a.b"])));
    peer.write(&bytes);
    assert!(peer.http_head().starts_with("HTTP/1.1 101 "));
    peer.expect_message(2);
    peer.expect_message(33);
}

#[test]
fn requests_that_carry_a_body_or_come_in_a_row_are_each_answered() {
    let router = Router::start();
    let host = authority(router.url());
    let plain = format!("GET /ws HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let mut peer = Peer::connect(router.url());
    peer.write(plain.repeat(50).as_bytes());
    for _ in 0..50 {
        assert!(peer.http_response().0.starts_with("http/1.1 426 "));
    }
    let body = format!("POST /ws HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000000\r\n\r\n");
    let mut peer = Peer::connect(router.url());
    peer.write(body.as_bytes());
    peer.write(&vec![b'x'; 1_000_000]);
    assert!(peer.http_response().0.starts_with("http/1.1 426 "));
}

#[test]
fn who_does_not_finish_its_handshake_is_closed_in_time() {
    in_virtual_time(async {
        let node = Node::start(Limits::default()).await;
        let began = tokio::time::Instant::now();
        let whole = handshake("ws://localhost/ws", "wamp.2.json");
        let mut silent = Link::connect(&node, 1024);
        let mut half = Link::connect(&node, 1024);
        half.write(&whole.as_bytes()[..whole.len() / 2]).await;
        silent.read_to_end().await;
        half.read_to_end().await;
        assert_eq!(
            began.elapsed().as_secs(),
            Limits::default().upgrade_time.as_secs()
        );
        // A byte now and then is no progress.
        let mut slow = Link::connect(&node, 1024);
        let began = tokio::time::Instant::now();
        for byte in whole.as_bytes() {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            if slow.write_as_much_as_it_takes(&[*byte]).await == 0 {
                break;
            }
        }
        assert!(began.elapsed() < 2 * Limits::default().upgrade_time);
    });
}
