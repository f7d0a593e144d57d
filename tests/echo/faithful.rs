//! Everything comes back as it came.

use super::{Echo, MIB, expect_echo, expect_silence};
use crate::router::peer::{
    BINARY, CONTINUATION, Frame, PING, PONG, Peer, TEXT, fragment, frame_of,
};

#[test]
fn text_comes_back_as_text_and_binary_as_binary_whatever_their_size() {
    let echo = Echo::start();
    let mut peer = echo.open();
    for size in [0, 1, 125, 126, 65_535, 65_536, MIB, 16 * MIB] {
        for opcode in [TEXT, BINARY] {
            let payload = vec![b'a' + opcode; size];
            peer.write(&frame_of(opcode, &payload));
            assert!(peer.frame() == Frame { opcode, payload }, "{size} bytes");
        }
    }
    expect_echo(&mut peer, "\u{0}© Hellø wørld \u{1f980}\u{10ffff}");
    let every_byte: Vec<u8> = (0..=255).collect();
    peer.write(&frame_of(BINARY, &every_byte));
    assert_eq!(peer.frame().payload, every_byte);
}

#[test]
fn fragments_come_back_as_one_message_and_pings_between_them_are_answered_at_once() {
    let echo = Echo::start();
    let mut peer = echo.open();
    peer.write(&fragment(false, TEXT, "© Hell".as_bytes()));
    peer.write(&frame_of(PING, b"one"));
    // In the middle of a character.
    peer.write(&fragment(false, CONTINUATION, &"ø".as_bytes()[..1]));
    peer.write(&fragment(false, CONTINUATION, b""));
    peer.write(&frame_of(PING, b"two"));
    peer.write(&fragment(true, CONTINUATION, &"ø".as_bytes()[1..]));
    let expected = [(PONG, "one"), (PONG, "two"), (TEXT, "© Hellø")];
    for (opcode, text) in expected {
        let payload = text.as_bytes().to_vec();
        assert_eq!(peer.frame(), Frame { opcode, payload });
    }
}

#[test]
fn a_message_of_as_many_fragments_as_bytes_comes_back_whole() {
    let echo = Echo::start();
    let mut peer = echo.open();
    let mut bytes = fragment(false, BINARY, b"x");
    for _ in 0..65_534 {
        bytes.extend(fragment(false, CONTINUATION, b"x"));
    }
    bytes.extend(fragment(true, CONTINUATION, b"x"));
    peer.write(&bytes);
    assert!(peer.frame().payload == vec![b'x'; 65_536]);
}

#[test]
fn messages_come_back_in_their_order_however_many_are_on_their_way() {
    let echo = Echo::start();
    let mut peer = echo.open();
    let all: Vec<u8> = (0..10_000)
        .flat_map(|number| frame_of(TEXT, format!("number {number}").as_bytes()))
        .collect();
    peer.write(&all);
    for number in 0..10_000 {
        super::expect_text(&mut peer, &format!("number {number}"));
    }
    expect_silence(&mut peer);
}

#[test]
fn a_client_that_does_not_read_is_not_read_from_and_loses_nothing() {
    let echo = Echo::start();
    let peer = echo.open();
    let mut writer = peer.writer();
    let message = vec![b'x'; 64 * 1024];
    let count = 1_000;
    let writing = std::thread::spawn(move || {
        for _ in 0..count {
            std::io::Write::write_all(&mut writer, &frame_of(BINARY, &message)).unwrap();
        }
    });
    // The others are served meanwhile.
    let mut other = echo.open();
    for number in 0..100 {
        expect_echo(&mut other, &number.to_string());
    }
    assert!(resident_bytes(&echo) < 64 * MIB);
    let mut peer = peer;
    for _ in 0..count {
        assert_eq!(peer.frame().payload.len(), 64 * 1024);
    }
    writing.join().unwrap();
}

#[track_caller]
fn resident_bytes(echo: &Echo) -> usize {
    let status = format!("/proc/{}/status", echo.program.pid());
    let status = std::fs::read_to_string(status).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.unwrap().split_whitespace().nth(1).unwrap();
    kib.parse::<usize>().unwrap() * 1024
}

#[test]
fn who_sends_handshake_and_message_at_once_is_answered_as_if_it_had_waited() {
    let echo = Echo::start();
    let mut peer = Peer::connect(&echo.url);
    let mut bytes = super::request(&echo.url, "/", "").into_bytes();
    bytes.extend(frame_of(TEXT, b"early"));
    peer.write(&bytes);
    assert!(peer.http_head().starts_with("HTTP/1.1 101 "));
    super::expect_text(&mut peer, "early");
}
