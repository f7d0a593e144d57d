//! Faults on purpose, for those who test a client.

use super::{Echo, expect_echo, expect_silence, expect_text};
use crate::router::peer::{CLOSE, PING, PONG, Peer, TEXT, close_frame, frame_of};
use crate::support::wamp;

#[test]
fn delayed_answers_come_in_their_order_and_nothing_else_waits_for_them() {
    let echo = Echo::start_with(["--delay", "500ms"]);
    let mut peer = echo.open();
    let mut bytes = Vec::new();
    for number in 0..100 {
        bytes.extend(frame_of(TEXT, number.to_string().as_bytes()));
    }
    bytes.extend(frame_of(PING, b""));
    peer.write(&bytes);
    assert_eq!(peer.frame().opcode, PONG);
    for number in 0..100 {
        expect_text(&mut peer, &number.to_string());
    }
    // Who closes does not wait for what it would have got.
    peer.write(&frame_of(TEXT, b"never answered"));
    peer.write(&close_frame(1000));
    assert_eq!(peer.expect_close(), 1000);
}

#[test]
fn a_broadcast_is_delayed_as_well() {
    let echo = Echo::start_with(["--broadcast", "--delay", "500ms"]);
    let mut peers = [echo.open(), echo.open()];
    expect_silence(&mut peers[1]);
    let mut bytes = frame_of(TEXT, b"later");
    bytes.extend(frame_of(PING, b""));
    peers[0].write(&bytes);
    assert_eq!(peers[0].frame().opcode, PONG);
    for peer in &mut peers {
        expect_text(peer, "later");
    }
}

/// Sends so many messages; returns those that were answered.
#[track_caller]
fn answered(peer: &mut Peer, count: u32) -> Vec<u32> {
    for number in 0..count {
        peer.write(&frame_of(TEXT, number.to_string().as_bytes()));
    }
    peer.write(&close_frame(1000));
    let mut answered = Vec::new();
    loop {
        let frame = peer.frame();
        if frame.opcode == CLOSE {
            return answered;
        }
        answered.push(String::from_utf8(frame.payload).unwrap().parse().unwrap());
    }
}

#[test]
fn a_share_of_the_messages_gets_no_answer_and_it_is_the_same_in_every_run() {
    let lose = |share: &str| {
        let echo = Echo::start_with(["--drop", share]);
        answered(&mut echo.open(), 1_000)
    };
    let echo = Echo::start_with(["--drop", "10%"]);
    let first = answered(&mut echo.open(), 1_000);
    assert!((800..970).contains(&first.len()), "{}", first.len());
    assert!(first.is_sorted());
    assert_eq!(answered(&mut echo.open(), 1_000), first);
    assert_eq!(lose("10%"), first);
    assert_eq!(lose("100%"), [] as [u32; 0]);
    assert_eq!(lose("0%").len(), 1_000);
    let told = echo.told_of(1);
    let unanswered = told
        .iter()
        .filter(|line| line.contains("no answer"))
        .count();
    assert_eq!(unanswered, 1_000 - first.len());
}

#[test]
fn a_connection_is_cut_after_so_many_messages_without_a_close_frame() {
    for args in [&["--drop", "3"][..], &["--drop", "3", "--delay", "1ms"]] {
        let echo = Echo::start_with(args);
        for number in 1..=2 {
            let mut peer = echo.open();
            for text in ["one", "two", "three"] {
                expect_echo(&mut peer, text);
            }
            peer.expect_end();
            let told = echo.told_of(number).pop().unwrap();
            let expected =
                "closed by us: no close frame (1006), cut on purpose, not clean; 3 messages";
            assert_eq!(told, expected);
        }
    }
}

#[test]
fn what_makes_no_sense_ends_with_2_and_says_what_would() {
    for (args, why) in [
        (
            &["--drop", "0.1"][..],
            "write a share of the messages as 10%",
        ),
        (&["--drop", "0"], "write a share of the messages as 10%"),
        (&["--drop", "101%"], "from 0% to 100%"),
        (&["--drop=-1%"], "from 0% to 100%"),
        (&["--drop", "NaN%"], "from 0% to 100%"),
        (&["--delay", "soon"], "written as 30s, 500ms or 2m"),
        (&["--delay", "2days"], "at most a day"),
        (&["--max-message", "0"], "65536, 64k or 16MiB"),
        (
            &["--max-message", "99999999999999999m"],
            "65536, 64k or 16MiB",
        ),
        (&["--count", "--broadcast"], "cannot be used with"),
        (&["--count", "--delay", "1s"], "cannot be used with"),
        (&["9001"], "write it as 127.0.0.1:9000"),
        (&["--allow-origin", "app.example"], "https://app.example or"),
        (
            &["--allow-host", "dev.example:80"],
            "the host alone: dev.example",
        ),
    ] {
        wamp(["echo"])
            .args(args)
            .run()
            .exit_code(2)
            .stdout("")
            .stderr_contains(why);
    }
}
