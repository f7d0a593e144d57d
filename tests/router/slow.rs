//! Peers that stop reading: the router's memory stays bounded, and everybody else is served in order.

use std::process::Command;

use serde_json::json;

use super::bystander::Bystander;
use super::peer::{BINARY, Peer, frame_of};
use super::websocket::resident_bytes;
use crate::support::{Program, Router};

const MIB: usize = 1024 * 1024;

#[test]
fn a_subscriber_that_stops_reading_loses_events_and_the_others_none() {
    let router = patient_router();
    let bystander = Bystander::start(router.url());
    let mut slow = Peer::join(router.url());
    let mut quick = Peer::join(router.url());
    slow.subscribe("a.b");
    quick.subscribe("a.b");
    let mut publisher = Peer::join(router.url());
    let before = resident_bytes(&router);
    let padding = "x".repeat(64 * 1024);
    for number in 0..500 {
        publisher.publish("a.b", &json!([number, padding]));
        assert_eq!(quick.expect_message(36)[4][0], json!(number));
    }
    let grown = resident_bytes(&router).saturating_sub(before);
    assert!(grown < 16 * MIB, "{grown} bytes more are resident");
    // What was not dropped is the beginning, without a gap; behind it comes the answer to a call.
    slow.request(48, &json!([{}, "wamp.session.count"]));
    let mut received = 0;
    loop {
        let message = slow.receive();
        if message[0] == 50 {
            break;
        }
        assert_eq!(message[4][0], json!(received));
        received += 1;
    }
    assert!(received < 500, "nothing was dropped");
    // Now that it reads again, it hears again.
    publisher.publish("a.b", &json!(["again"]));
    assert_eq!(slow.expect_message(36)[4], json!(["again"]));
    drop(slow);
    // The log may have told of some before.
    let line = router.wait_for_log(&format!("total={}", 500 - received));
    assert!(
        line.contains("WARN") && line.contains("events dropped"),
        "{line}"
    );
    bystander.finish();
}

/// A router that gives peers all the time of a busy machine to take what waits for them.
#[track_caller]
fn patient_router() -> Router {
    let folder = tempfile::tempdir().unwrap();
    let config = "limits.stall_time = \"1h\"\n[[realms]]\nname = \"realm1\"\n[[realms.roles]]\nname = \"anonymous\"\n\
                  rules = [{ uri = \"\", match = \"prefix\", allow = [\"call\", \"register\", \"publish\", \"subscribe\"] }]\n";
    std::fs::write(folder.path().join("wamp.toml"), config).unwrap();
    Router::start_in(folder.path(), ["--config", "wamp.toml"])
}

/// A subscriber to `a.b` that speaks MessagePack, and reads nothing from then on.
#[track_caller]
fn subscriber_in_msgpack(router: &Router) -> Peer {
    let mut peer = Peer::upgrade(router.url(), "wamp.2.msgpack");
    // HELLO, then SUBSCRIBE.
    peer.write(&frame_of(
        BINARY,
        b"\x93\x01\xa6realm1\x81\xa5roles\x81\xaasubscriber\x80",
    ));
    assert_eq!(peer.frame().payload[..2], *b"\x93\x02");
    peer.write(&frame_of(BINARY, b"\x94\x20\x01\x80\xa3a.b"));
    assert_eq!(peer.frame().payload[..2], *b"\x93\x21");
    peer
}

#[test]
fn small_events_for_a_subscriber_of_another_serializer_take_no_more_than_they_count() {
    let router = Router::start();
    let _slow = subscriber_in_msgpack(&router);
    let mut publisher = Peer::join(router.url());
    let before = resident_bytes(&router);
    // One at a time, so that each comes in a piece of memory of its own.
    for number in 0..30_000 {
        publisher.publish("a.b", &json!([number, "twenty letters or so"]));
    }
    let grown = resident_bytes(&router).saturating_sub(before);
    assert!(grown < 16 * MIB, "{grown} bytes more are resident");
}

#[test]
fn small_events_that_wait_do_not_keep_what_was_read_with_them() {
    let router = Router::start();
    let _slow = subscriber_in_msgpack(&router);
    let mut publisher = Peer::join(router.url());
    // More than the system takes, less than the outbox does.
    let filling = "x".repeat(100_000);
    for _ in 0..45 {
        publisher.publish("a.b", &json!([filling]));
    }
    let before = resident_bytes(&router);
    let padding = "x".repeat(3_800);
    for number in 0..15_000 {
        let mut both = publisher.next_request(16, &json!([{}, "a.b", [number]]));
        let rest = json!([{"acknowledge": true}, "nobody.subscribed", [padding]]);
        both.extend(publisher.next_request(16, &rest));
        publisher.write(&both);
        publisher.expect_message(17);
    }
    let grown = resident_bytes(&router).saturating_sub(before);
    assert!(grown < 16 * MIB, "{grown} bytes more are resident");
}

#[test]
fn calls_to_a_callee_that_stops_reading_are_refused_and_it_is_called_again_once_it_reads() {
    let router = Router::start();
    let bystander = Bystander::start(router.url());
    let mut callee = Peer::join(router.url());
    callee.register("a.procedure");
    let mut caller = Peer::join(router.url());
    let before = resident_bytes(&router);
    let padding = "x".repeat(64 * 1024);
    let calls = 500;
    for number in 0..calls {
        caller.call("a.procedure", &json!([number, padding]));
    }
    // The first that does not fit is answered while those before it wait.
    let refused = caller.expect_message(8);
    assert_eq!(refused[4], json!("wamp.error.no_available_callee"));
    let first_refused = refused[2].as_u64().unwrap();
    let grown = resident_bytes(&router).saturating_sub(before);
    assert!(grown < 16 * MIB, "{grown} bytes more are resident");
    for request in first_refused + 1..=calls {
        assert_eq!(caller.expect_message(8)[2], json!(request));
    }
    bystander.keeps_calling();
    for request in 1..first_refused {
        let invocation = callee.expect_message(68);
        assert_eq!(invocation[4][0], json!(request - 1));
        callee.send(&json!([70, invocation[1], {}, [request]]));
        assert_eq!(caller.receive(), json!([50, request, {}, [request]]));
    }
    caller.call("a.procedure", &json!(["again"]));
    assert_eq!(callee.expect_message(68)[4], json!(["again"]));
    bystander.finish();
}

#[test]
fn a_caller_that_does_not_read_its_replies_is_not_read_from_and_loses_none() {
    let router = Router::start();
    let bystander = Bystander::start(router.url());
    let mut callee = Peer::join(router.url());
    callee.register("a.procedure");
    let mut caller = Peer::join(router.url());
    let before = resident_bytes(&router);
    // 4 MB of replies to 2 MB of calls; that it would be closed in the end is tried in virtual time.
    let padding = "x".repeat(1024);
    let calls = 2_000;
    let mut bytes = Vec::new();
    for number in 0..calls {
        bytes.extend(caller.next_request(48, &json!([{}, "a.procedure", [number, padding]])));
    }
    caller.write(&bytes);
    let reply = "x".repeat(2 * 1024);
    for number in 0..calls {
        let invocation = callee.expect_message(68);
        assert_eq!(invocation[4][0], json!(number));
        callee.send(&json!([70, invocation[1], {}, [number, reply]]));
    }
    let grown = resident_bytes(&router).saturating_sub(before);
    assert!(grown < 32 * MIB, "{grown} bytes more are resident");
    for number in 0..calls {
        let result = caller.expect_message(50);
        assert_eq!(result[1], json!(number + 1));
        assert_eq!(result[3][0], json!(number));
    }
    bystander.finish();
}

#[test]
fn with_no_descriptor_left_live_sessions_go_on_and_accepting_resumes() {
    let mut command = Command::new("sh");
    command.args([
        "-c",
        "ulimit -n 64; exec \"$0\" router --listen 127.0.0.1:0",
    ]);
    command.arg(env!("CARGO_BIN_EXE_wamp"));
    let mut router = Program::start(command);
    let url = router.next_line();
    let bystander = Bystander::start(&url);
    let mut subscriber = Peer::join(&url);
    subscriber.subscribe("a.b");
    // The system still completes connections that nobody accepts.
    let crowd: Vec<Peer> = (0..80).map(|_| Peer::connect(&url)).collect();
    router.wait_for_line("cannot accept connections");
    for _ in 0..200 {
        bystander.keeps_calling();
    }
    bystander.finish();
    drop(crowd);
    let mut publisher = Peer::join(&url);
    publisher.publish("a.b", &json!(["resumed"]));
    assert_eq!(subscriber.expect_message(36)[4], json!(["resumed"]));
    router.wait_for_line("accepting connections on");
    // One line for a shortage, however long it lasts.
    let lines = router.stderr();
    let count = lines.matches("cannot accept connections").count();
    assert_eq!(count, 1, "{lines}");
    router.terminate();
    router.finish().exit_code(0);
}
