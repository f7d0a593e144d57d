//! WAMP by long-poll: sessions over plain HTTP, and what becomes of those that nobody asks for messages.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::time::sleep;
use wamp::router::Limits;

use super::node::{Node, in_virtual_time};
use super::peer::{Peer, hello};
use super::rawsocket::start;
use crate::support::Router;

fn request(path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST /longpoll/{path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

/// What a router answers to a POST: the status line, and the body.
fn post(url: &str, path: &str, body: &str) -> (String, String) {
    let mut peer = Peer::connect(url);
    peer.write(request(path, "", body).as_bytes());
    let (head, body) = peer.http_response();
    (head.lines().next().unwrap_or_default().to_owned(), body)
}

/// A session, by its id.
struct Session<'a> {
    url: &'a str,
    id: String,
}

impl<'a> Session<'a> {
    fn open(url: &'a str, protocol: &str) -> Self {
        let (status, body) = post(
            url,
            "open",
            &json!({"protocols": ["x", protocol]}).to_string(),
        );
        assert_eq!(status, "http/1.1 200 ok", "{body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(answer["protocol"], protocol);
        let id = answer["transport"].as_str().unwrap().to_owned();
        Self { url, id }
    }

    fn post(&self, what: &str, body: &str) -> (String, String) {
        post(self.url, &format!("{}/{what}", self.id), body)
    }

    fn send(&self, text: &str) {
        assert_eq!(self.post("send", text).0, "http/1.1 204 no content");
    }

    fn receive(&self) -> String {
        let (status, body) = self.post("receive", "");
        assert_eq!(status, "http/1.1 200 ok", "{body}");
        body
    }
}

fn message(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_session_is_opened_used_and_closed_by_requests() {
    let router = Router::start();
    let session = Session::open(router.url(), "wamp.2.json");
    session.send(&hello("realm1").to_string());
    let welcome = message(&session.receive());
    assert_eq!(welcome[0], json!(2));
    session.send(&json!([48, 1, {}, "wamp.session.get", [welcome[1]]]).to_string());
    session.send(&json!([32, 2, {}, "a.b"]).to_string());
    // One message an answer, in their order.
    let transport = message(&session.receive())[3][0]["transport"].clone();
    assert_eq!(transport["type"], "longpoll");
    assert_eq!(transport["protocol"], "wamp.2.json");
    assert_eq!(message(&session.receive())[0], json!(33));
    // An event comes to a request that waits for it.
    let mut publisher = Peer::join(router.url());
    let event = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| session.receive());
        publisher.publish("a.b", &json!(["hi"]));
        waiting.join().unwrap()
    });
    assert_eq!(message(&event)[4], json!(["hi"]));
    assert_eq!(session.post("close", "").0, "http/1.1 204 no content");
    router.wait_for_log("session lost");
    for what in ["receive", "send", "close"] {
        assert_eq!(session.post(what, "[]").0, "http/1.1 400 bad request");
    }
}

#[test]
fn a_batch_comes_and_goes_as_one_body() {
    let router = Router::start();
    let session = Session::open(router.url(), "wamp.2.json.batched");
    session.send(&format!("{}\u{1e}", hello("realm1")));
    assert!(session.receive().ends_with('\u{1e}'));
    let calls = [1, 2].map(|id| format!("{}\u{1e}", json!([48, id, {}, "wamp.session.count"])));
    session.send(&calls.concat());
    let mut answers = session.receive();
    while answers.matches('\u{1e}').count() < 2 {
        answers += &session.receive();
    }
    assert_eq!(answers, "[50,1,{},[1]]\u{1e}[50,2,{},[1]]\u{1e}");
    // An empty batch fails the transport.
    assert_eq!(session.post("send", "").0, "http/1.1 400 bad request");
    router.wait_for_log("session lost");
}

#[test]
fn what_breaks_a_rule_gets_its_abort_from_the_next_request() {
    let router = Router::start();
    let session = Session::open(router.url(), "wamp.2.json");
    session.send("[48, 1");
    let abort = message(&session.receive());
    assert_eq!(abort[2], json!("wamp.error.protocol_violation"));
}

#[test]
fn what_opens_no_session_is_told_why() {
    let (router, _folder) = start("[limits]\nlongpoll_sessions = 1\n");
    let url = router.url();
    for body in [
        "",
        "{}",
        "[1]",
        "{\"protocols\": 1}",
        "{\"protocols\": [\"wamp.3.json\"]}",
    ] {
        let (status, why) = post(url, "open", body);
        assert_eq!(status, "http/1.1 400 bad request", "{body}");
        assert!(why.contains("protocols"), "{why}");
    }
    let (status, _) = post(url, "0123456789abcdef/receive", "");
    assert_eq!(status, "http/1.1 400 bad request");
    let _session = Session::open(url, "wamp.2.json");
    let (status, why) = post(url, "open", "{\"protocols\": [\"wamp.2.json\"]}");
    assert_eq!(status, "http/1.1 503 service unavailable", "{why}");
    // A page from elsewhere does not get that far, one from here may read the answer.
    for (origin, status, allowed) in [
        ("https://evil.example", "403", false),
        ("http://localhost:3000", "400", true),
    ] {
        let mut peer = Peer::connect(url);
        peer.write(request("open", &format!("Origin: {origin}\r\n"), "").as_bytes());
        let (head, _) = peer.http_response();
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{head}");
        assert_eq!(
            head.contains(&format!("access-control-allow-origin: {origin}")),
            allowed,
            "{head}"
        );
    }
}

/// Sends a request on a connection of its own; returns all of the answer.
async fn ask(node: &Node, request: String) -> String {
    let (mut ours, theirs) = duplex(64 * 1024);
    node.serve(theirs);
    let request = request.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    ours.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    ours.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Opens a session; returns its id.
async fn open(node: &Node) -> String {
    let opened = ask(
        node,
        request("open", "", "{\"protocols\": [\"wamp.2.json\"]}"),
    )
    .await;
    let answer: Value = serde_json::from_str(opened.lines().last().unwrap()).unwrap();
    answer["transport"].as_str().unwrap().to_owned()
}

#[test]
fn who_is_in_no_session_yet_sends_no_large_body() {
    let router = Router::start();
    let session = Session::open(router.url(), "wamp.2.json");
    let large = json!([48, 1, {}, "a.b", ["x".repeat(70_000)]]).to_string();
    let (status, why) = session.post("send", &large);
    assert_eq!(status, "http/1.1 400 bad request", "{why}");
    session.send(&hello("realm1").to_string());
    assert_eq!(message(&session.receive())[0], json!(2));
    session.send(&large);
    assert_eq!(message(&session.receive())[0], json!(8));
}

#[test]
fn who_is_in_no_session_yet_has_no_more_time_for_a_body_than_for_that() {
    in_virtual_time(async {
        let node = Node::start(Limits::default()).await;
        let id = open(&node).await;
        for path in ["open", &format!("{id}/send")] {
            let (ours, theirs) = duplex(64 * 1024);
            node.serve(theirs);
            let (mut reading, mut writing) = tokio::io::split(ours);
            let head = request(path, "", &" ".repeat(1_000));
            let sending = async {
                writing.write_all(head.trim_end().as_bytes()).await.unwrap();
                writing.write_all(b"\r\n\r\n").await.unwrap();
                for _ in 0..500 {
                    sleep(Duration::from_secs(1)).await;
                    if writing.write_all(b" ").await.is_err() {
                        break;
                    }
                }
            };
            let mut status = [0; 12];
            tokio::select! {
                read = reading.read_exact(&mut status) => drop(read.unwrap()),
                () = sending => panic!("{path}: half of it has come, a byte a second"),
            }
            assert_eq!(&status, b"HTTP/1.1 400");
        }
    });
}

#[test]
fn a_session_that_nobody_asks_for_messages_ends() {
    in_virtual_time(async {
        let node = Node::start(Limits::default()).await;
        let ask = async |request| ask(&node, request).await;
        let id = open(&node).await;
        let hello = hello("realm1").to_string();
        ask(request(&format!("{id}/send"), "", &hello)).await;
        let receive = || ask(request(&format!("{id}/receive"), "", ""));
        assert!(receive().await.contains("[2,"));
        // For as long as somebody asks it lives, and each request has its answer before clients give up.
        for _ in 0..10 {
            let answer = receive().await;
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
            assert!(answer.ends_with("\r\n\r\n"), "{answer}");
        }
        sleep(Duration::from_secs(40)).await;
        let answer = receive().await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    });
}
