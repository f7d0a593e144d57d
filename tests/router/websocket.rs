//! The WebSocket: frames that are too large, too many, cut off or against RFC 6455.

use std::fs;
use std::io::Write;
use std::thread;

use serde_json::json;

use super::bystander::Bystander;
use super::peer::{
    BINARY, CLOSE, CONTINUATION, Frame, PING, PONG, Peer, TEXT, close_code, close_frame, fragment,
    frame_head, frame_of, hello, text_frame,
};
use crate::support::Router;

const MIB: usize = 1024 * 1024;

/// How many bytes of memory a router has resident.
#[track_caller]
pub(super) fn resident_bytes(router: &Router) -> usize {
    let status = format!("/proc/{}/status", router.program().pid());
    let status = fs::read_to_string(status).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.unwrap().split_whitespace().nth(1).unwrap();
    kib.parse::<usize>().unwrap() * 1024
}

#[test]
fn what_a_peer_sends_right_before_it_closes_is_routed_as_its_own() {
    let router = Router::start();
    let bystanders: Vec<_> = (0..4)
        .map(|n| Bystander::start_as(router.url(), &format!("bystander.{n}")))
        .collect();
    let mut subscriber = Peer::join(router.url());
    subscriber.subscribe("last.words");
    for n in 0..50 {
        let mut peer = Peer::join(router.url());
        let mut bytes = Vec::new();
        for word in 0..10 {
            bytes.extend(peer.next_request(16, &json!([{}, "last.words", [n, word]])));
        }
        bytes.extend(close_frame(1000));
        peer.write(&bytes);
        for word in 0..10 {
            assert_eq!(subscriber.expect_message(36)[4], json!([n, word]));
        }
    }
    for bystander in bystanders {
        bystander.finish();
    }
}

#[test]
fn what_a_peer_sends_right_before_its_stream_ends_or_goes_wrong_is_routed_too() {
    let router = Router::start();
    let mut subscriber = Peer::join(router.url());
    subscriber.subscribe("last.words");
    let endings = [
        Vec::new(),
        vec![0xff, 0xff],
        frame_head(true, TEXT, 1 << 62),
    ];
    for ending in endings {
        let mut peer = Peer::join(router.url());
        let mut bytes = peer.next_request(16, &json!([{}, "last.words", [ending]]));
        bytes.extend(&ending);
        peer.write(&bytes);
        peer.end_writing();
        assert_eq!(subscriber.expect_message(36)[4], json!([ending]));
    }
}

#[test]
fn a_close_frame_is_answered_before_the_stream_ends() {
    let router = Router::start();
    for joins in [true, false] {
        let mut peer = Peer::upgrade(router.url(), "wamp.2.json");
        if joins {
            peer.send(&hello("realm1"));
            peer.expect_message(2);
        }
        peer.write(&close_frame(1000));
        assert_eq!(close_code(&peer.frame()), 1000);
        peer.expect_end();
        let mut peer = Peer::join(router.url());
        peer.write(&frame_of(CLOSE, b""));
        assert_eq!(close_code(&peer.frame()), 1005);
        peer.expect_end();
    }
}

#[test]
fn a_ping_is_answered_with_what_it_carries() {
    let router = Router::start();
    let mut peer = Peer::upgrade(router.url(), "wamp.2.json");
    for payload in [&b""[..], b"x", &[0xff; 125]] {
        peer.write(&frame_of(PING, payload));
        let expected = Frame {
            opcode: PONG,
            payload: payload.to_vec(),
        };
        assert_eq!(peer.frame(), expected);
    }
    // Nobody asked for this one.
    peer.write(&frame_of(PONG, b"unasked"));
    peer.send(&hello("realm1"));
    peer.expect_message(2);
}

#[test]
fn before_welcome_a_message_has_64_kib_and_afterwards_16_mib() {
    let router = Router::start();
    let bystander = Bystander::start(router.url());
    let mut peer = Peer::upgrade(router.url(), "wamp.2.json");
    let padded = |bytes: usize| {
        let mut hello = hello("realm1").to_string();
        hello.insert_str(1, &" ".repeat(bytes - hello.len()));
        hello.into_bytes()
    };
    peer.write(&frame_of(TEXT, &padded(64 * 1024 + 1)));
    let why = peer.expect_abort("wamp.error.payload_size_exceeded");
    assert_eq!(why, "a message of more than 65536 bytes");

    let mut peer = Peer::upgrade(router.url(), "wamp.2.json");
    peer.write(&frame_of(TEXT, &padded(64 * 1024)));
    peer.expect_message(2);
    peer.subscribe("a.b");
    let publish = |request: u64, bytes: usize| {
        let message = json!([16, request, {"exclude_me": false}, "a.b", ["", "x"]]).to_string();
        let padding = "x".repeat(bytes - message.len());
        frame_of(
            TEXT,
            message
                .replace("\"\"", &format!("\"{padding}\""))
                .as_bytes(),
        )
    };
    peer.write(&publish(2, 16 * MIB));
    let event = peer.expect_message(36);
    assert!(event[4][0].as_str().unwrap().len() > 16 * MIB - 100);
    // All of it is sent before anything is read: the router must not end the stream under it.
    peer.write(&publish(3, 40 * MIB));
    let why = peer.expect_abort("wamp.error.payload_size_exceeded");
    assert_eq!(why, "a message of more than 16777216 bytes");
    bystander.finish();
}

#[test]
fn behind_goodbye_the_limit_is_that_of_hello_again() {
    let router = Router::start();
    let mut peer = Peer::join(router.url());
    peer.write(&text_frame(&json!([6, {}, "wamp.close.close_realm"])));
    assert_eq!(
        peer.expect_message(6)[2],
        json!("wamp.close.goodbye_and_out")
    );
    peer.send(&hello("realm1"));
    peer.expect_message(2);
    peer.send(&json!([6, {}, "wamp.close.close_realm"]));
    peer.expect_message(6);
    peer.write(&frame_head(true, TEXT, 64 * 1024 + 1));
    peer.expect_abort("wamp.error.payload_size_exceeded");
}

#[test]
fn a_length_that_is_only_claimed_takes_no_memory() {
    let router = Router::start();
    let bystander = Bystander::start(router.url());
    let before = resident_bytes(&router);
    for length in [1 << 62, u64::MAX, 1 << 32, 16 * MIB as u64 + 1] {
        let mut peer = Peer::join(router.url());
        peer.write(&frame_head(true, TEXT, length));
        peer.expect_abort("wamp.error.payload_size_exceeded");
    }
    // Claims within the limit, 3 GiB of them, and a byte each.
    let mut peers = Vec::new();
    for _ in 0..200 {
        let mut peer = Peer::join(router.url());
        peer.write(&frame_head(true, TEXT, 16 * MIB as u64));
        peer.write(b"[");
        peers.push(peer);
    }
    bystander.keeps_calling();
    let grown = resident_bytes(&router).saturating_sub(before);
    assert!(grown < 32 * MIB, "{grown} bytes more are resident");
    bystander.finish();
}

#[test]
fn a_frame_of_the_other_type_ends_the_session() {
    let router = Router::start();
    let bystander = Bystander::start(router.url());
    let mut peer = Peer::join(router.url());
    peer.write(&frame_of(BINARY, b"[32,1,{},\"a.b\"]"));
    let why = peer.expect_abort("wamp.error.protocol_violation");
    assert_eq!(why, "text frames carry this session's messages");

    let mut peer = Peer::upgrade(router.url(), "wamp.2.msgpack");
    peer.send(&hello("realm1"));
    let abort = peer.frame();
    assert_eq!(abort.opcode, BINARY);
    let text = String::from_utf8_lossy(&abort.payload);
    assert!(text.contains("wamp.error.protocol_violation"), "{text}");
    assert!(text.contains("binary frames carry this"), "{text}");
    peer.expect_close();
    bystander.finish();
}

#[test]
fn what_breaks_rfc_6455_closes_with_the_code_for_it_and_nobody_else_notices() {
    let router = Router::start();
    let bystander = Bystander::start(router.url());
    let mut unmasked = frame_of(TEXT, b"");
    unmasked[1] = 0;
    unmasked.truncate(2);
    let mut reserved = frame_of(TEXT, b"[]");
    reserved[0] |= 0x40;
    let cut_in_two = [fragment(false, TEXT, b"[3"), frame_of(TEXT, b"2]")].concat();
    let broken: [(&str, u16, Vec<u8>); 12] = [
        ("an unmasked frame", 1002, unmasked),
        ("a reserved bit", 1002, reserved),
        ("a reserved data opcode", 1002, frame_of(3, b"")),
        ("a reserved control opcode", 1002, frame_of(11, b"")),
        ("a fragmented ping", 1002, fragment(false, PING, b"")),
        ("a ping of 126 bytes", 1002, frame_of(PING, &[b'x'; 126])),
        (
            "a continuation of nothing",
            1002,
            frame_of(CONTINUATION, b"x"),
        ),
        ("a message inside another", 1002, cut_in_two),
        ("a close frame of one byte", 1002, frame_of(CLOSE, b"\x03")),
        (
            "text that is no UTF-8",
            1007,
            frame_of(TEXT, b"[\"\xff\xfe\"]"),
        ),
        ("a cut-off character", 1007, frame_of(TEXT, b"[\"\xe2\x82")),
        (
            "a reason that is no UTF-8",
            1007,
            frame_of(CLOSE, b"\x03\xe8\xff"),
        ),
    ];
    for (name, code, bytes) in broken {
        for joins in [true, false] {
            let mut peer = Peer::upgrade(router.url(), "wamp.2.json");
            if joins {
                peer.send(&hello("realm1"));
                peer.expect_message(2);
                peer.register("held.by.the.broken");
            }
            peer.write(&bytes);
            assert_eq!(peer.expect_close(), code, "{name}");
        }
        // What it held is free at once.
        let mut next = Peer::join(router.url());
        next.register("held.by.the.broken");
        next.request(66, &json!([1]));
        next.receive();
        next.write(&close_frame(1000));
        next.frame();
    }
    bystander.finish();
}

#[test]
fn a_message_in_65536_fragments_is_one_message_and_pings_between_them_are_answered() {
    let router = Router::start();
    let mut peer = Peer::join(router.url());
    peer.subscribe("a.b");
    let message = json!([16, 2, {"exclude_me": false}, "a.b", [""]]).to_string();
    let padding = "x".repeat(65_536 - message.len());
    let message = message.replace("\"\"", &format!("\"{padding}\""));
    assert_eq!(message.len(), 65_536);
    let mut bytes = Vec::new();
    for (at, byte) in message.bytes().enumerate() {
        let opcode = if at == 0 { TEXT } else { CONTINUATION };
        bytes.extend(fragment(at == 65_535, opcode, &[byte]));
        if at % 16_384 == 100 {
            bytes.extend(frame_of(PING, b"between"));
        }
    }
    peer.write(&bytes);
    for _ in 0..4 {
        assert_eq!(peer.frame().payload, b"between");
    }
    assert_eq!(peer.expect_message(36)[4], json!([padding]));
}

#[test]
fn fragments_count_together_against_the_limit() {
    let router = Router::start();
    let bystander = Bystander::start(router.url());
    let mut peer = Peer::upgrade(router.url(), "wamp.2.json");
    peer.write(&fragment(false, TEXT, &[b' '; 1024]));
    for _ in 0..64 {
        peer.try_write(&fragment(false, CONTINUATION, &[b' '; 1024]));
    }
    peer.expect_abort("wamp.error.payload_size_exceeded");
    // Empty ones add up to nothing, however many.
    let mut peer = Peer::upgrade(router.url(), "wamp.2.json");
    let before = resident_bytes(&router);
    peer.write(&fragment(false, TEXT, b""));
    peer.write(&fragment(false, CONTINUATION, b"").repeat(200_000));
    peer.write(&frame_of(
        CONTINUATION,
        hello("realm1").to_string().as_bytes(),
    ));
    peer.expect_message(2);
    let grown = resident_bytes(&router).saturating_sub(before);
    assert!(grown < 4 * MIB, "{grown} bytes more are resident");
    bystander.finish();
}

#[test]
fn a_connection_cut_inside_a_frame_frees_what_it_held() {
    let router = Router::start();
    let bystander = Bystander::start(router.url());
    for (round, cut) in [1, 3, 7, 20].into_iter().enumerate() {
        let mut peer = Peer::join(router.url());
        peer.register("held.by.the.cut");
        let frame = peer.next_request(32, &json!([{}, "a.b"]));
        peer.write(&frame[..cut]);
        drop(peer);
        router.program().wait_for_lines("session lost", round + 1);
        let mut next = Peer::join(router.url());
        next.register("held.by.the.cut");
        next.send(&json!([6, {}, "wamp.close.close_realm"]));
        next.expect_message(6);
    }
    bystander.finish();
}

#[test]
fn a_flood_of_pings_holds_up_nobody_and_takes_no_memory() {
    let router = Router::start();
    let bystander = Bystander::start(router.url());
    let mut flooder = Peer::join(router.url());
    let before = resident_bytes(&router);
    // 26 MB, whose pongs nobody reads; then a request.
    let flood = frame_of(PING, &[b'x'; 125]).repeat(1_000);
    let request = flooder.next_request(32, &json!([{}, "a.b"]));
    let mut writer = flooder.writer();
    let flooding = thread::spawn(move || {
        for _ in 0..200 {
            writer.write_all(&flood).unwrap();
        }
        writer.write_all(&request).unwrap();
    });
    for _ in 0..200 {
        bystander.keeps_calling();
    }
    let grown = resident_bytes(&router).saturating_sub(before);
    assert!(grown < 8 * MIB, "{grown} bytes more are resident");
    // Once it reads again it is served again.
    for _ in 0..200_000 {
        assert_eq!(flooder.frame().opcode, PONG);
    }
    flooder.expect_message(33);
    flooding.join().unwrap();
    bystander.finish();
}
