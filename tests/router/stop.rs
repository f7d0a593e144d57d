//! Stopping: nobody joins, calls in flight get their answer, everybody is told, and it ends in any case.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;
use wamp::router::Limits;

use super::link::Link;
use super::node::{Node, in_virtual_time};
use super::peer::{Peer, authority, close_code, hello};
use crate::support::Router;

const ROOMY: usize = 1024 * 1024;

/// Receives GOODBYE of a router that goes down, answers it, and sees the connection closed in order.
#[track_caller]
fn expect_dismissal(peer: &mut Peer) {
    let goodbye = peer.expect_message(6);
    assert_eq!(goodbye[2], json!("wamp.close.system_shutdown"));
    peer.send(&json!([6, {}, "wamp.close.goodbye_and_out"]));
    assert_eq!(peer.expect_close(), 1001);
}

#[test]
fn calls_in_flight_get_their_answer_and_then_everybody_is_told() {
    let router = Router::start_with(["--realm", "realm1", "--realm", "realm2"]);
    let mut callee = Peer::join(router.url());
    callee.register("slow");
    let mut caller = Peer::join(router.url());
    caller.call("slow", &json!([]));
    let invocation = callee.expect_message(68);
    let mut late = Peer::upgrade(router.url(), "wamp.2.json");
    let mut elsewhere = Peer::join_realm(router.url(), "realm2");

    router.program().terminate();
    // Each realm is told for itself, in no order.
    for realm in ["realm1", "realm2"] {
        router.wait_for_log(&format!("going down realm=\"{realm}\""));
    }
    // The realm in which nothing is on its way goes down at once.
    expect_dismissal(&mut elsewhere);
    // Nobody joins any more, neither on an old connection nor on a new one.
    late.send(&hello("realm1"));
    late.expect_abort("wamp.close.system_shutdown");
    assert!(std::net::TcpStream::connect(authority(router.url())).is_err());
    // No call is taken any more, but events still flow.
    caller.call("slow", &json!([]));
    assert_eq!(caller.receive()[4], json!("wamp.error.unavailable"));
    callee.subscribe("a.b");
    caller.publish("a.b", &json!(["to the last"]));
    assert_eq!(callee.expect_message(36)[4], json!(["to the last"]));
    // The answer to the call in flight is what everybody waits for.
    callee.send(&json!([70, invocation[1], {}, ["done"]]));
    assert_eq!(caller.receive(), json!([50, 1, {}, ["done"]]));
    expect_dismissal(&mut caller);
    expect_dismissal(&mut callee);
    let output = router.finish().exit_code(0);
    assert_eq!(output.stderr.matches("session dismissed").count(), 3);
    assert!(
        output.stderr.trim_end().ends_with("INFO stopped"),
        "{}",
        output.stderr
    );
}

#[test]
fn a_callee_that_leaves_instead_of_answering_ends_the_wait() {
    let router = Router::start();
    let mut callee = Peer::join(router.url());
    callee.register("slow");
    let mut caller = Peer::join(router.url());
    caller.call("slow", &json!([]));
    callee.expect_message(68);
    router.program().interrupt();
    drop(callee);
    let canceled = caller.receive();
    assert_eq!(canceled[4], json!("wamp.error.canceled"));
    expect_dismissal(&mut caller);
    router.finish().exit_code(0);
}

#[test]
fn a_second_signal_ends_at_once() {
    for second in ["INT", "TERM"] {
        let router = Router::start();
        let mut callee = Peer::join(router.url());
        callee.register("never");
        let mut caller = Peer::join(router.url());
        caller.call("never", &json!([]));
        callee.expect_message(68);
        router.program().interrupt();
        router.wait_for_log("SIGINT: stopping");
        router.program().signal(second);
        let output = router.finish().exit_code(0);
        let stderr = output.stderr;
        assert!(
            stderr.contains(&format!("SIG{second}: stopped at once")),
            "{stderr}"
        );
        caller.expect_end();
    }
}

#[test]
fn peers_that_do_not_answer_goodbye_or_never_joined_do_not_keep_the_router() {
    let router = Router::start();
    let mut deaf = Peer::join(router.url());
    let _idle = Peer::upgrade(router.url(), "wamp.2.json");
    let _silent = Peer::connect(router.url());
    router.program().terminate();
    deaf.expect_message(6);
    // It says nothing; its session ends all the same, and then its connection.
    assert_eq!(close_code(&deaf.frame()), 1001);
    router.finish().exit_code(0);
}

#[test]
fn a_callee_that_never_answers_has_the_grace_time() {
    in_virtual_time(async {
        let limits = Limits::default();
        let (grace, goodbye) = (limits.grace_time, limits.goodbye_time);
        let node = Node::start(limits).await;
        let mut callee = Link::join(&node, ROOMY).await;
        callee.register("never").await;
        let mut caller = Link::join(&node, ROOMY).await;
        let call = caller.next_request(48, &[json!({}), json!("never")]);
        caller.write(&call).await;
        assert_eq!(callee.receive().await[0], json!(68));
        let began = Instant::now();
        let stopped = node.begin_to_stop();
        let canceled = caller.receive().await;
        assert_eq!(canceled[4], json!("wamp.error.canceled"));
        assert_eq!(
            caller.receive().await[2],
            json!("wamp.close.system_shutdown")
        );
        assert_eq!(rounded(began.elapsed()), grace);
        // Neither answers GOODBYE.
        stopped.await.unwrap();
        assert_eq!(rounded(began.elapsed()), grace + goodbye);
        let (messages, closed) = caller.rest().await;
        assert_eq!(messages.len(), 0);
        assert_eq!(close_code(&closed.unwrap()), 1001);
    });
}

#[test]
fn a_peer_that_takes_nothing_does_not_keep_the_others_from_being_told() {
    in_virtual_time(async {
        let node = Node::start(Limits::default()).await;
        let mut stuck = Link::join(&node, 1024).await;
        stuck.subscribe("a.b").await;
        let mut other = Link::join(&node, ROOMY).await;
        other.publish("a.b", &json!("x".repeat(100_000))).await;
        let began = Instant::now();
        let stopped = node.begin_to_stop();
        assert_eq!(
            other.receive().await[2],
            json!("wamp.close.system_shutdown")
        );
        assert_eq!(began.elapsed(), Duration::ZERO);
        other
            .send(&json!([6, {}, "wamp.close.goodbye_and_out"]))
            .await;
        stopped.await.unwrap();
        assert_eq!(rounded(began.elapsed()), Limits::default().goodbye_time);
        let (messages, closed) = other.rest().await;
        assert_eq!(messages.len(), 0);
        assert_eq!(close_code(&closed.unwrap()), 1001);
    });
}

/// To whole seconds: the clock counts milliseconds, and rounds up.
fn rounded(elapsed: Duration) -> Duration {
    Duration::from_secs(elapsed.as_secs())
}
