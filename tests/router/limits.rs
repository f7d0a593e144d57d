//! Limits by realm and by role, rates, and that each bound is counted and logged.

use std::time::Duration;

use bytestring::ByteString;
use serde_json::json;
use tempfile::TempDir;
use tokio::time::Instant;
use wamp::router::{Bounds, Limits, Rate, Rates, RoleBounds, Settings};
use wamp::transport::Pages;

use super::link::{Link, ROOMY};
use super::node::{Node, in_virtual_time};
use super::peer::{Peer, hello};
use crate::support::Router;

const RULES: &str = r#"rules = [{ uri = "", match = "prefix", allow = ["call", "register", "publish", "subscribe"] }]"#;

fn start(config: &str) -> (Router, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let config = config.replace("RULES", RULES);
    std::fs::write(folder.path().join("wamp.toml"), config).unwrap();
    let router = Router::start_in(folder.path(), ["--config", "wamp.toml"]);
    (router, folder)
}

/// How many subscriptions a session of a realm gets before one is refused.
fn subscriptions(url: &str, realm: &str) -> usize {
    let mut peer = Peer::join_realm(url, realm);
    for count in 0..10 {
        peer.request(32, &json!([{}, format!("a.{count}")]));
        let answer = peer.receive();
        if answer[0] == json!(8) {
            assert_eq!(answer[4], json!("wamp.error.unavailable"));
            return count;
        }
    }
    panic!("no limit below ten");
}

#[test]
fn a_roles_limit_goes_over_its_realms_and_that_over_the_routers() {
    let (router, _folder) = start(
        r#"
[limits]
session_subscriptions = 2
[[realms]]
name = "plain"
roles = [{ name = "anonymous", RULES }]
[[realms]]
name = "own"
limits = { session_subscriptions = 3 }
roles = [{ name = "anonymous", RULES }]
[[realms]]
name = "role"
limits = { session_subscriptions = 3 }
[[realms.roles]]
name = "anonymous"
limits = { session_subscriptions = 4, message_bytes = "1 KiB" }
RULES
"#,
    );
    assert_eq!(subscriptions(router.url(), "plain"), 2);
    assert_eq!(subscriptions(router.url(), "own"), 3);
    assert_eq!(subscriptions(router.url(), "role"), 4);
    let line = router.wait_for_log("a limit is reached");
    assert!(line.contains("limit=\"session_subscriptions\""), "{line}");
    // Those of the transport are the role's as well.
    let mut peer = Peer::join_realm(router.url(), "role");
    peer.request(32, &json!([{}, "a".repeat(2_000)]));
    peer.expect_abort("wamp.error.payload_size_exceeded");
}

#[test]
fn a_realm_has_so_many_sessions_subscriptions_and_registrations() {
    let (router, _folder) = start(
        r#"
[[realms]]
name = "realm1"
limits = { realm_sessions = 2, realm_subscriptions = 3, realm_registrations = 3 }
roles = [{ name = "anonymous", RULES }]
"#,
    );
    let mut peers = [Peer::join(router.url()), Peer::join(router.url())];
    let mut third = Peer::upgrade(router.url(), "wamp.2.json");
    third.send(&hello("realm1"));
    let why = third.expect_abort("wamp.error.unavailable");
    assert_eq!(why, "this realm has 2 sessions, as many as it may");
    for (code, granted) in [(32, 33), (64, 65)] {
        for number in 0..3 {
            let name = format!("a.{number}");
            peers[number % 2].request(code, &json!([{}, name]));
            peers[number % 2].expect_message(granted);
        }
        peers[1].request(code, &json!([{}, "a.3"]));
        let refused = peers[1].expect_message(8);
        assert_eq!(refused[4], json!("wamp.error.unavailable"));
    }
    // One given back makes room, whoever gives it.
    peers[0].request(34, &json!([1]));
    peers[0].expect_message(35);
    peers[1].request(32, &json!([{}, "a.3"]));
    peers[1].expect_message(33);
    for limit in [
        "realm_sessions",
        "realm_subscriptions",
        "realm_registrations",
    ] {
        router.wait_for_log(&format!("limit=\"{limit}\""));
    }
}

#[test]
fn who_joins_more_often_than_its_role_may_is_told_so() {
    let (router, _folder) = start(
        r#"
[[realms]]
name = "realm1"
[[realms.roles]]
name = "anonymous"
rates = { joins = "2/m", address_joins = "1/m" }
RULES
"#,
    );
    // This machine's addresses do not count.
    drop(Peer::join(router.url()));
    let mut other = Peer::join(router.url());
    let mut third = Peer::upgrade(router.url(), "wamp.2.json");
    third.send(&hello("realm1"));
    let why = third.expect_abort("wamp.error.unavailable");
    assert!(why.contains("at most 2 in 60 s"), "{why}");
    // Who is in stays.
    other.publish("a.b", &json!([]));
}

#[test]
fn messages_beyond_the_rate_wait_and_none_is_lost() {
    in_virtual_time(async {
        let rates = Rates {
            messages: Rate::new(10, Duration::from_secs(1)),
            ..Rates::default()
        };
        let node = Node::start_as(with_rates(rates), Limits::default(), Pages::default()).await;
        let mut quick = Link::join(&node, ROOMY).await;
        let began = Instant::now();
        let mut batch = Vec::new();
        for number in 0..50 {
            let rest = [json!({"acknowledge": true}), json!("a.b"), json!([number])];
            batch.extend(quick.next_request(16, &rest));
        }
        quick.write(&batch).await;
        for request in 1..=50 {
            assert_eq!(quick.receive().await[1], json!(request));
        }
        // Ten at once, the others one every tenth of a second; pings meanwhile do not end it.
        assert_eq!(began.elapsed().as_millis() / 100, 40);
        let counted = node
            .counters()
            .all()
            .find(|(name, _)| *name == "rates.messages");
        assert_eq!(counted, Some(("rates.messages", 40)));
        // What it may do later, it may do at once.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let began = Instant::now();
        for _ in 0..10 {
            quick.publish("a.b", &json!(1)).await;
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
    });
}

#[test]
fn a_session_that_waits_for_its_time_is_not_taken_for_dead_and_keeps_nobody_else_waiting() {
    in_virtual_time(async {
        let rates = Rates {
            messages: Rate::new(1, Duration::from_mins(1)),
            ..Rates::default()
        };
        let node = Node::start_as(with_rates(rates), Limits::default(), Pages::default()).await;
        let mut quick = Link::join(&node, ROOMY).await;
        let mut other = Link::join(&node, ROOMY).await;
        let rest = [json!({"acknowledge": true}), json!("a.b")];
        let frames = [quick.next_request(16, &rest), quick.next_request(16, &rest)].concat();
        quick.write(&frames).await;
        assert_eq!(quick.receive().await[1], json!(1));
        let began = Instant::now();
        assert_eq!(other.request(16, &rest).await[0], json!(17));
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert_eq!(quick.receive().await[1], json!(2));
        assert_eq!(began.elapsed().as_secs(), 60);
    });
}

/// What holds where everybody has these rates.
fn with_rates(rates: Rates) -> Settings {
    Settings {
        bounds: Bounds {
            limits: None,
            roles: vec![RoleBounds {
                authrole: ByteString::from_static("anonymous"),
                limits: None,
                rates,
            }],
        },
        ..Settings::default()
    }
}

#[test]
fn one_connection_too_many_is_told_so_in_http_and_in_rawsocket() {
    let (router, _folder) = start(
        r#"
[limits]
connections = 1
[[realms]]
name = "realm1"
roles = [{ name = "anonymous", RULES }]
"#,
    );
    let mut first = Peer::join(router.url());
    let mut second = Peer::connect(router.url());
    second.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let (head, body) = second.http_response();
    assert!(head.starts_with("http/1.1 503 "), "{head}");
    assert!(
        body.contains("as many connections as it may have"),
        "{body}"
    );
    let mut third = Peer::connect(router.url());
    third.write(&[0x7f, 0xf1, 0, 0]);
    assert_eq!(third.read_to_end(), [0x7f, 0x40, 0, 0]);
    router.wait_for_log("limit=\"connections\"");
    first.publish("a.b", &json!([]));
}
