//! RFC 6455: what is refused, and with which close code.

use super::{Echo, expect_echo};
use crate::router::peer::{
    BINARY, CLOSE, CONTINUATION, PING, Peer, TEXT, close_code, fragment, frame_head, frame_of,
};

/// Sends bytes, and sees the connection closed with this code.
#[track_caller]
fn expect_refusal(echo: &Echo, bytes: &[u8], code: u16) {
    let mut peer = echo.open();
    peer.write(bytes);
    let frame = peer.frame();
    assert_eq!(frame.opcode, CLOSE, "{frame:?}");
    assert_eq!(close_code(&frame), code);
    peer.expect_end();
}

#[test]
fn a_close_frame_is_answered_with_its_own_code_and_reason() {
    let echo = Echo::start();
    for payload in [
        &b"\x03\xe8"[..],
        b"\x03\xe9going",
        b"\x0b\xb8",
        b"\x13\x87a reason",
        b"",
    ] {
        let mut peer = echo.open();
        peer.write(&frame_of(CLOSE, payload));
        let frame = peer.frame();
        assert_eq!((frame.opcode, &frame.payload[..]), (CLOSE, payload));
        peer.expect_end();
    }
}

#[test]
fn what_is_sent_before_a_close_frame_comes_back_before_it_is_answered() {
    let echo = Echo::start();
    let mut peer = echo.open();
    let big = vec![b'x'; 8 * 1024 * 1024];
    let mut bytes = frame_of(BINARY, &big);
    bytes.extend(frame_of(CLOSE, b"\x03\xe8"));
    // What follows a close frame is passed over.
    bytes.extend(frame_of(TEXT, b"too late"));
    bytes.extend(frame_of(PING, b"too late"));
    let mut writer = peer.writer();
    let writing = std::thread::spawn(move || std::io::Write::write_all(&mut writer, &bytes));
    assert!(peer.frame().payload == big);
    assert_eq!(peer.expect_close(), 1000);
    writing.join().unwrap().unwrap();
}

#[test]
fn codes_that_nobody_may_send_and_odd_close_frames_are_answered_with_1002() {
    let echo = Echo::start();
    for code in [0_u16, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] {
        expect_refusal(&echo, &frame_of(CLOSE, &code.to_be_bytes()), 1002);
    }
    expect_refusal(&echo, &frame_of(CLOSE, b"\x03"), 1002);
    expect_refusal(&echo, &frame_of(CLOSE, &[b'x'; 126]), 1002);
    expect_refusal(&echo, &frame_of(CLOSE, b"\x03\xe8\xff"), 1007);
}

#[test]
fn frames_against_the_protocol_are_answered_with_1002() {
    let echo = Echo::start();
    let mut reserved_bit = frame_of(TEXT, b"x");
    reserved_bit[0] |= 0x40;
    let mut in_fragments = fragment(false, TEXT, b"x");
    in_fragments.extend(frame_of(TEXT, b"y"));
    for bytes in [
        b"\x81\x02hi".to_vec(),
        reserved_bit,
        in_fragments,
        frame_of(3, b""),
        frame_of(11, b""),
        frame_of(CONTINUATION, b"x"),
        fragment(false, PING, b""),
        frame_of(PING, &[b'x'; 126]),
    ] {
        expect_refusal(&echo, &bytes, 1002);
    }
    // Nobody else notices.
    expect_echo(&mut echo.open(), "still there");
}

#[test]
fn text_that_is_no_utf_8_is_refused_with_1007_also_in_a_fragment() {
    let echo = Echo::start();
    for bytes in [
        &b"\xff"[..],
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"cut \xe2\x82",
    ] {
        expect_refusal(&echo, &frame_of(TEXT, bytes), 1007);
    }
    expect_refusal(&echo, &fragment(false, TEXT, b"begins \xff"), 1007);
    let mut binary = echo.open();
    binary.write(&frame_of(BINARY, b"\xff"));
    assert_eq!(binary.frame().payload, b"\xff");
}

#[test]
fn a_message_above_the_limit_is_refused_with_1009() {
    let echo = Echo::start_with(["--max-message", "64k"]);
    let mut peer = echo.open();
    peer.write(&frame_of(BINARY, &vec![0; 65_536]));
    assert_eq!(peer.frame().payload.len(), 65_536);
    // It is not even sent: what its head claims is enough.
    expect_refusal(&echo, &frame_head(true, BINARY, 65_537), 1009);
    expect_refusal(&echo, &frame_head(true, TEXT, 1 << 62), 1009);
    let mut bytes = fragment(false, TEXT, &vec![b'x'; 40_000]);
    bytes.extend(fragment(false, CONTINUATION, &vec![b'x'; 40_000]));
    expect_refusal(&echo, &bytes, 1009);
}

#[test]
fn a_stream_that_breaks_off_anywhere_ends_that_client_only() {
    let echo = Echo::start();
    let mut other = echo.open();
    let whole = frame_of(TEXT, b"never whole");
    for end in 0..whole.len() {
        let mut peer: Peer = echo.open();
        peer.write(&whole[..end]);
        drop(peer);
        expect_echo(&mut other, "here");
    }
}
