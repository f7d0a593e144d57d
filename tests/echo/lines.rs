//! What `wamp echo` tells of its clients (scenario S1).

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use super::{Echo, expect_echo, open};
use crate::router::peer::{BINARY, CLOSE, DEADLINE, Peer, TEXT, close_frame, frame_of};

#[test]
fn who_connects_what_each_says_and_how_it_closed_are_told() {
    let echo = Echo::start();
    let headers = "Sec-WebSocket-Protocol: chat\r\nOrigin: null\r\nUser-Agent: an-agent/1.0\r\n";
    let mut peer = open(&echo.url, "/a/path?query=1", headers);
    expect_echo(&mut peer, "© Hellø wørld 1!");
    let uuid = 0xd5b4_8566_2a0c_4d86_9c1d_0123_4567_89ab_u128.to_be_bytes();
    for bytes in [&uuid[..], b"\x00\xff", &[7; 300], b""] {
        peer.write(&frame_of(BINARY, bytes));
        assert_eq!(peer.frame().payload, bytes);
    }
    peer.write(&frame_of(CLOSE, b"\x03\xe8good \"bye\""));
    assert_eq!(peer.expect_close(), 1000);
    let told = echo.told_of(1);
    assert!(told[0].starts_with("connected: 127.0.0.1:"), "{told:?}");
    assert_eq!(
        told[1..],
        [
            "open: /a/path?query=1, subprotocol chat, origin null, agent an-agent/1.0",
            "text received: © Hellø wørld 1!",
            "UUID received: d5b48566-2a0c-4d86-9c1d-0123456789ab",
            "binary received: 2 bytes, 00ff",
            "binary received: 300 bytes, 07070707070707070707070707070707…",
            "binary received: 0 bytes",
            "closed: code 1000, reason \"good \"bye\"\", clean; 5 messages",
        ]
    );
}

#[test]
fn how_a_connection_closed_is_told_with_code_reason_and_whether_in_order() {
    let too_large = vec![b'x'; 16 * 1024 * 1024 + 1];
    let cases = [
        ("closed: code 4321, clean; 0 messages", close_frame(4321)),
        (
            "closed: no code (1005), clean; 0 messages",
            frame_of(CLOSE, b""),
        ),
        (
            "closed: no close frame (1006), the connection was lost, not clean; 0 messages",
            Vec::new(),
        ),
        ("closed by us: code 1007, ", frame_of(TEXT, b"\xff")),
        ("closed by us: code 1002, ", b"\x81\x02hi".to_vec()),
        (
            "closed by us: code 1009, a message of more than 16777216 bytes, not clean; 0 messages",
            frame_of(TEXT, &too_large),
        ),
    ];
    let echo = Echo::start();
    for (number, (told, bytes)) in (1..).zip(cases) {
        let mut peer = echo.open();
        peer.write(&bytes);
        drop(peer);
        let last = echo.told_of(number).pop().unwrap();
        assert!(last.starts_with(told), "{last}");
    }
}

#[test]
fn what_clients_say_cannot_move_the_cursor_and_long_texts_are_cut() {
    let echo = Echo::start();
    let evil = "\u{1b}[2J\u{7}\r\n[9] forged\u{202e}\u{9b}1m";
    let mut peer = open(&echo.url, "/", "User-Agent: \u{e9}vil\u{9b}1m\r\n");
    expect_echo(&mut peer, evil);
    expect_echo(&mut peer, &"ü".repeat(100_000));
    peer.write(&frame_of(CLOSE, &[b"\x03\xe8", evil.as_bytes()].concat()));
    peer.expect_close();
    let told = echo.told_of(1);
    let harmful = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!echo.program.stderr().contains(harmful), "{told:?}");
    let escaped = r"\u001b[2J\u0007\u000d\n[9] forged\u202e\u009b1m";
    assert_eq!(told[2], format!("text received: {escaped}"));
    let cut = format!("text received: {}… (200000 bytes)", "ü".repeat(200));
    assert_eq!(told[3], cut);
    assert_eq!(
        told[4],
        format!("closed: code 1000, reason \"{escaped}\", clean; 2 messages")
    );
}

#[test]
fn each_line_names_its_client() {
    let echo = Echo::start();
    let mut peers = [echo.open(), echo.open(), echo.open()];
    for (number, peer) in peers.iter_mut().enumerate() {
        expect_echo(peer, &format!("I am {}", number + 1));
        peer.write(&close_frame(1000));
        peer.expect_close();
    }
    for number in 1..=3 {
        let told = echo.told_of(number);
        assert_eq!(told[2], format!("text received: I am {number}"));
        assert_eq!(told.len(), 4, "{told:?}");
    }
}

#[test]
fn a_quiet_server_tells_of_refusals_only() {
    let echo = Echo::start_with(["-q"]);
    let mut peer = echo.open();
    expect_echo(&mut peer, "hello");
    drop(peer);
    let mut refused = Peer::connect(&echo.url);
    let request = super::request(&echo.url, "/", "Origin: https://evil.example\r\n");
    refused.write(request.as_bytes());
    refused.http_head();
    drop(refused);
    echo.program.terminate();
    let output = echo.program.finish().exit_code(0);
    assert_eq!(output.stderr.lines().count(), 1, "{}", output.stderr);
    output.stderr_contains("--allow-origin https://evil.example");
}

/// A server whose stderr nobody reads, and its URL.
fn start_unread() -> (Child, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wamp"));
    command.args(["echo", ":0"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut url = String::new();
    let stdout = child.stdout.as_mut().unwrap();
    BufReader::new(stdout).read_line(&mut url).unwrap();
    (child, url.trim_end().to_owned())
}

/// More messages than there is room for lines.
#[track_caller]
fn flood(peer: &mut Peer) {
    let text = "x".repeat(200);
    for _ in 0..20 {
        peer.write(&frame_of(TEXT, text.as_bytes()).repeat(1_000));
        for _ in 0..1_000 {
            assert_eq!(peer.frame().payload, text.as_bytes());
        }
    }
}

#[test]
fn a_stderr_that_nobody_reads_stops_no_client_and_what_is_left_out_is_counted() {
    let (mut child, url) = start_unread();
    let mut peer = open(&url, "/", "");
    flood(&mut peer);
    peer.write(&close_frame(1000));
    peer.expect_close();
    let stderr = child.stderr.take().unwrap();
    let mut lines = BufReader::new(stderr).lines().map(Result::unwrap);
    let received = lines
        .by_ref()
        .take_while(|line| !line.contains("lines left out"))
        .filter(|line| line.contains("text received"))
        .count();
    assert!((1..20_000).contains(&received), "{received}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_stderr_that_nobody_reads_does_not_keep_it_from_stopping() {
    let (mut child, url) = start_unread();
    let mut peer = open(&url, "/", "");
    flood(&mut peer);
    let pid = child.id().to_string();
    assert!(Command::new("kill").arg(pid).status().unwrap().success());
    peer.expect_close();
    let (tell, told) = mpsc::channel();
    let mut stdout = child.stdout.take().unwrap();
    thread::spawn(move || tell.send(stdout.read_to_end(&mut Vec::new())));
    let ended = told.recv_timeout(DEADLINE).map(|end| end.unwrap());
    if ended.is_err() {
        child.kill().unwrap();
    }
    assert!(child.wait().unwrap().success());
}
