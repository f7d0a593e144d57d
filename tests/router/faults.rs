//! Links that break: cut, stalled, half closed, truncated, one byte at a time. What ends, when, and whom it concerns.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;
use wamp::router::Limits;

use super::link::{Link, ROOMY};
use super::node::{Node, in_virtual_time};
use super::peer::{Peer, handshake, hello, text_frame};
use crate::support::{Deed, Faults, Proxy, Router, wamp};

/// How many bytes our clients' handshakes and HELLOs have at least; behind them is the session.
const WITHIN_HANDSHAKE: u64 = 60;

/// A router that asks for signs of life every 100 ms.
fn impatient() -> (Router, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let config = r#"
[limits]
ping_interval = "100ms"
stall_time = "500ms"
upgrade_time = "500ms"
join_time = "500ms"
goodbye_time = "100ms"
[[realms]]
name = "realm1"
roles = [{ name = "anonymous", rules = [{ uri = "", match = "prefix", allow = ["call", "register", "publish", "subscribe"] }] }]
"#;
    std::fs::write(folder.path().join("wamp.toml"), config).unwrap();
    let router = Router::start_in(folder.path(), ["--config", "wamp.toml"]);
    (router, folder)
}

#[test]
fn a_cut_link_ends_its_session_within_35_seconds_and_its_calls_with_it() {
    in_virtual_time(async {
        let node = Node::start(Limits::default()).await;
        let mut callee = Link::join(&node, ROOMY).await;
        callee.register("a.b").await;
        let mut caller = Link::join(&node, ROOMY).await;
        let began = Instant::now();
        // Nothing more goes over the callee's link, either way; nor is it closed.
        let answer = caller.call("a.b", &json!([])).await;
        assert_eq!(answer[4], json!("wamp.error.canceled"), "{answer}");
        assert!(
            began.elapsed() <= Duration::from_secs(35),
            "{:?}",
            began.elapsed()
        );
        let count = caller.call("wamp.session.count", &json!([])).await;
        assert_eq!(count[3], json!([1]));
        drop(callee);
    });
}

#[test]
fn the_calls_of_a_callee_behind_a_cut_link_end_when_its_session_does() {
    let (router, _folder) = impatient();
    let proxy = Proxy::tcp(router.url(), |_| Faults::none());
    let mut callee = Peer::join(proxy.url());
    callee.register("a.b");
    let mut caller = Peer::join(router.url());
    let request = caller.call("a.b", &json!([]));
    callee.expect_message(68);
    proxy.go_dark();
    let error = caller.expect_message(8);
    assert_eq!(
        (&error[2], &error[4]),
        (&json!(request), &json!("wamp.error.canceled"))
    );
    router.wait_for_log("no sign of life");
}

#[test]
fn whatever_a_link_does_its_session_ends_and_others_do_not_notice() {
    let (router, _folder) = impatient();
    let mut caller = Peer::join(router.url());
    let head =
        (handshake(router.url(), "wamp.2.json").len() + text_frame(&hello("realm1")).len()) as u64;
    for (name, faults) in [
        ("lost.to_router", Faults::to_server(head + 100, Deed::Drop)),
        ("lost.to_peer", Faults::to_client(4_000, Deed::Drop)),
        (
            "stalled.to_router",
            Faults::to_server(head + 100, Deed::Stall),
        ),
        ("stalled.to_peer", Faults::to_client(4_000, Deed::Stall)),
        (
            "closed.to_router",
            Faults::to_server(head + 100, Deed::HalfClose),
        ),
        ("closed.to_peer", Faults::to_client(4_000, Deed::HalfClose)),
        ("truncated", Faults::to_server(head + 100, Deed::Truncate)),
    ] {
        let proxy = Proxy::tcp(router.url(), move |_| faults.clone());
        let mut peer = Peer::join(proxy.url());
        // It publishes and hears of it until the link does not let it.
        peer.subscribe(name);
        let mut writer = peer.writer();
        drop(std::thread::spawn(move || {
            for number in 2.. {
                let publish = json!([16, number, {"exclude_me": false}, name, ["x".repeat(50)]]);
                if std::io::Write::write_all(&mut writer, &text_frame(&publish)).is_err()
                    || number > 1_000
                {
                    break;
                }
            }
        }));
        // It has left once nobody subscribes to its topic.
        loop {
            caller.call("wamp.subscription.lookup", &json!([name]));
            if caller.expect_message(50)[3] == json!([null]) {
                break;
            }
        }
    }
}

#[test]
fn a_link_that_breaks_within_the_handshake_is_over_in_its_time() {
    let (router, _folder) = impatient();
    for deed in [Deed::Drop, Deed::Stall, Deed::HalfClose, Deed::Truncate] {
        for faults in [
            Faults::to_server(WITHIN_HANDSHAKE, deed),
            Faults::to_client(WITHIN_HANDSHAKE, deed),
        ] {
            let proxy = Proxy::tcp(router.url(), move |_| faults.clone());
            let called = wamp(["call", "wamp.session.count", "--timeout", "2s"])
                .to(proxy.url())
                .run();
            // It could not connect, or had no answer in time.
            assert!(matches!(called.code, 3 | 5), "{deed:?}: {called:?}");
        }
    }
    let mut other = Peer::join(router.url());
    other.call("wamp.session.count", &json!([]));
    assert_eq!(other.expect_message(50)[3], json!([1]));
}

#[test]
fn a_command_that_stays_is_back_after_its_link_was_cut() {
    let (router, _folder) = impatient();
    for deed in [Deed::Truncate, Deed::HalfClose] {
        // The first connection breaks in its first event.
        let proxy = Proxy::tcp(router.url(), move |number| match number {
            0 => Faults::to_client(4_000, deed),
            _ => Faults::none(),
        });
        let mut events = wamp(["sub", "a.b"]).to(proxy.url()).start();
        events.wait_for_line("-- subscribed");
        let mut publisher = Peer::join(router.url());
        publisher.publish("a.b", &json!(["x".repeat(8_000)]));
        events.wait_for_line("-- joined again after ");
        // Another: the one before has answered no ping meanwhile.
        let mut publisher = Peer::join(router.url());
        loop {
            publisher.call("wamp.subscription.lookup", &json!(["a.b"]));
            if publisher.expect_message(50)[3] != json!([null]) {
                break;
            }
        }
        publisher.publish("a.b", &json!(["again"]));
        let line = events.next_line();
        assert!(line.contains("\"args\":[\"again\"]"), "{line}");
    }
}

#[test]
fn every_command_works_behind_a_link_that_carries_one_byte_at_a_time() {
    let router = Router::start();
    let proxy = Proxy::tcp(router.url(), |_| Faults::split());
    let echo = wamp(["register", "echo", "--echo"]).to(proxy.url()).start();
    echo.wait_for_line("-- registered");
    let mut events = wamp(["sub", "a."]).to(proxy.url()).start();
    events.wait_for_line("-- subscribed");
    wamp(["call", "echo", "7"])
        .to(proxy.url())
        .run()
        .stdout("7\n")
        .exit_code(0);
    wamp(["pub", "a.b", "1"]).to(proxy.url()).run().exit_code(0);
    assert!(events.next_line().contains("\"args\":[1]"));
}
