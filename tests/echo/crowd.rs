//! Many clients: what one says to all, and how many there are.

use super::{Echo, MIB, expect_echo, expect_silence, expect_text};
use crate::router::peer::{BINARY, Frame, Peer, TEXT, close_frame, frame_of};

/// Connects a client, and sees that it hears what is said from now on.
#[track_caller]
fn listener(echo: &Echo) -> Peer {
    let mut peer = echo.open();
    expect_silence(&mut peer);
    peer
}

/// Takes counts until this one comes.
#[track_caller]
fn expect_count(peer: &mut Peer, count: usize) {
    loop {
        let frame = peer.frame();
        assert_eq!(frame.opcode, TEXT);
        let told: usize = String::from_utf8(frame.payload).unwrap().parse().unwrap();
        if told == count {
            return;
        }
    }
}

#[test]
fn a_broadcast_goes_to_everybody_the_sender_included_as_it_came() {
    let echo = Echo::start_with(["--broadcast"]);
    let mut peers = [listener(&echo), listener(&echo), listener(&echo)];
    peers[0].write(&frame_of(TEXT, "to äll".as_bytes()));
    peers[0].write(&frame_of(BINARY, b"\xff"));
    for peer in &mut peers {
        expect_text(peer, "to äll");
        let payload = b"\xff".to_vec();
        let opcode = BINARY;
        assert_eq!(peer.frame(), Frame { opcode, payload });
        expect_silence(peer);
    }
    // Who comes later hears nothing of it.
    listener(&echo);
}

#[test]
fn broadcasts_of_several_come_in_the_same_order_to_all() {
    let echo = Echo::start_with(["--broadcast", "-q"]);
    let count = 200;
    let mut peers: Vec<Peer> = (0..8).map(|_| listener(&echo)).collect();
    for number in 0..count {
        for (name, peer) in peers.iter_mut().enumerate() {
            peer.write(&frame_of(TEXT, format!("{name} {number}").as_bytes()));
        }
    }
    let heard: Vec<Vec<Frame>> = peers
        .iter_mut()
        .map(|peer| (0..8 * count).map(|_| peer.frame()).collect())
        .collect();
    assert!(heard.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn the_count_follows_as_clients_come_and_go_however_they_go() {
    let echo = Echo::start_with(["--count"]);
    let mut first = echo.open();
    expect_text(&mut first, "1");
    let mut second = echo.open();
    expect_text(&mut second, "2");
    expect_text(&mut first, "2");
    let third = echo.open();
    expect_text(&mut first, "3");
    // Without a word.
    drop(third);
    expect_text(&mut first, "2");
    second.write(&close_frame(1000));
    expect_text(&mut first, "1");
    let fourth = echo.open();
    expect_text(&mut first, "2");
    // In one direction only.
    fourth.end_writing();
    expect_text(&mut first, "1");
    let mut fifth = echo.open();
    expect_text(&mut first, "2");
    // Against the rules.
    fifth.write(&frame_of(TEXT, b"\xff"));
    expect_text(&mut first, "1");
    // Whoever asks for no WebSocket does not count, and messages have no answer.
    let mut page = Peer::connect(&echo.url);
    let host = crate::router::peer::authority(&echo.url);
    page.write(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes());
    assert!(page.http_response().0.starts_with("http/1.1 426 "));
    first.write(&frame_of(TEXT, b"anything"));
    expect_silence(&mut first);
}

#[test]
fn five_hundred_clients_are_counted_and_each_is_answered() {
    let counting = Echo::start_with(["--count", "-q"]);
    let mut peers: Vec<Peer> = (0..500).map(|_| counting.open()).collect();
    for peer in &mut peers {
        expect_count(peer, 500);
    }
    let mut last = peers.pop().unwrap();
    drop(peers);
    expect_count(&mut last, 1);

    let echo = Echo::start();
    let mut peers: Vec<Peer> = (0..500).map(|_| echo.open()).collect();
    for (number, peer) in peers.iter_mut().enumerate() {
        expect_echo(peer, &format!("I am {number}"));
    }
    for peer in &mut peers {
        peer.write(&close_frame(1000));
    }
    for peer in &mut peers {
        assert_eq!(peer.expect_close(), 1000);
    }
    let lines = echo.program.wait_for_lines("closed: code 1000", 500);
    assert!(lines.iter().all(|line| line.ends_with("clean; 1 message")));
}

#[test]
fn a_client_that_does_not_read_misses_messages_of_others_and_holds_nobody_up() {
    let echo = Echo::start_with(["--broadcast"]);
    let mut slow = listener(&echo);
    let mut quick = listener(&echo);
    let mut sender = listener(&echo);
    // More than the kernel's buffers and the mailbox hold.
    let count = 400;
    let message = |number: u32| [number.to_string(), "x".repeat(64 * 1024)].join(" ");
    for number in 0..count {
        let message = message(number);
        sender.write(&frame_of(TEXT, message.as_bytes()));
        for peer in [&mut sender, &mut quick] {
            assert!(peer.frame().payload == message.as_bytes(), "{number}");
        }
    }
    let memory = format!("/proc/{}/status", echo.program.pid());
    let memory = std::fs::read_to_string(memory).unwrap();
    let peak = memory.lines().find(|line| line.starts_with("VmHWM:"));
    let peak_kib: usize = peak
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    assert!(peak_kib * 1024 < 64 * MIB, "{peak_kib} KiB");
    // It still gets the last, and of those before as many as were kept.
    let mut heard = 0;
    loop {
        heard += 1;
        if slow.frame().payload == message(count - 1).as_bytes() {
            break;
        }
    }
    assert!(heard < count, "nothing was dropped");
    drop(slow);
    echo.program.wait_for_line("[1] missed ");
}
