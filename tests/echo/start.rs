//! Starting and stopping, and who is let in.

use std::net::TcpListener;

use super::{Echo, expect_echo, open, request};
use crate::router::peer::{CLOSE, PING, PONG, Peer, authority, close_code, close_frame, frame_of};
use crate::support::wamp;

/// Sends a request; returns the response's head and body.
#[track_caller]
fn answer(url: &str, request: &str) -> (String, String) {
    let mut peer = Peer::connect(url);
    peer.write(request.as_bytes());
    peer.http_response()
}

#[test]
fn its_url_is_all_that_is_printed_and_it_is_served_at_every_path() {
    let echo = Echo::start();
    for path in ["/", "/a/b?c=d", "/ws"] {
        expect_echo(&mut open(&echo.url, path, ""), "hello");
    }
    let first = echo.program.wait_for_line("-- ws://");
    assert!(first.contains(&format!("wamp ws {}", echo.url)), "{first}");
    echo.program.wait_for_line("origin \"null\"");
    echo.program.terminate();
    let url = format!("{}\n", echo.url);
    echo.program.finish().exit_code(0).stdout(&url);
}

#[test]
fn on_all_addresses_the_url_is_one_that_can_be_connected_to() {
    for (address, host) in [("0.0.0.0:0", "ws://127.0.0.1:"), ("[::]:0", "ws://[::1]:")] {
        let mut echo = wamp(["echo", address]).start();
        let url = echo.next_line();
        assert!(url.starts_with(host), "{url}");
        expect_echo(&mut open(&url, "/", ""), "hello");
        let warned = echo.wait_for_line("reachable from other machines");
        assert!(warned.contains(address.trim_end_matches('0')), "{warned}");
    }
}

#[test]
fn a_browser_that_opens_the_url_is_told_what_it_is_and_how_to_connect() {
    for (args, what) in [
        (&[][..], "sends back what it gets"),
        (&["--broadcast"], "sends what it gets to everybody"),
        (&["--count"], "says how many are connected"),
    ] {
        let echo = Echo::start_with(args);
        let host = authority(&echo.url);
        let page = format!("GET /chat HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let (head, body) = answer(&echo.url, &page);
        assert!(head.starts_with("http/1.1 426 "), "{head}");
        assert!(head.contains("\r\nupgrade: websocket\r\n"), "{head}");
        assert!(body.contains(what), "{body}");
        assert!(
            body.contains(&format!("wamp ws ws://{host}/chat")),
            "{body}"
        );
        echo.program.wait_for_line("[1] left without a WebSocket");
    }
}

#[test]
fn pages_opened_as_files_are_let_in_and_those_from_elsewhere_only_when_listed() {
    let echo = Echo::start_with(["--allow-origin", "https://app.example"]);
    for origin in ["null", "http://localhost:3000", "https://app.example"] {
        let headers = format!("Origin: {origin}\r\n");
        expect_echo(&mut open(&echo.url, "/", &headers), "hello");
    }
    let refused = request(&echo.url, "/", "Origin: https://evil.example\r\n");
    let (head, body) = answer(&echo.url, &refused);
    assert!(head.starts_with("http/1.1 403 "), "{head}");
    let named = "--allow-origin https://evil.example";
    assert!(body.contains(named), "{body}");
    let line = echo.program.wait_for_line("refused: ");
    assert!(line.contains(named), "{line}");
}

#[test]
fn a_name_that_is_not_this_machines_is_refused_unless_it_is_listed() {
    for (args, status) in [(&[][..], "403"), (&["--allow-host", "dev.example"], "101")] {
        let echo = Echo::start_with(args);
        let request = request(&echo.url, "/", "");
        let request = request.replacen(authority(&echo.url), "dev.example", 1);
        let mut peer = Peer::connect(&echo.url);
        peer.write(request.as_bytes());
        let head = peer.http_head();
        assert_eq!(&head[9..12], status, "{head}");
    }
}

#[test]
fn the_first_subprotocol_that_a_client_offers_is_agreed_on() {
    let echo = Echo::start();
    let mut peer = Peer::connect(&echo.url);
    let headers = "Sec-WebSocket-Protocol: chat.v2,  chat\r\n";
    peer.write(request(&echo.url, "/", headers).as_bytes());
    let head = peer.http_head().to_ascii_lowercase();
    assert!(
        head.contains("\r\nsec-websocket-protocol: chat.v2\r\n"),
        "{head}"
    );
}

#[test]
fn a_signal_closes_all_with_1001_and_ends_with_0() {
    for signal in ["INT", "TERM"] {
        for args in [&[][..], &["--count"]] {
            let echo = Echo::start_with(args);
            let mut peers = [echo.open(), echo.open()];
            for peer in &mut peers {
                peer.write(&frame_of(PING, b""));
                while peer.frame().opcode != PONG {}
            }
            echo.program.signal(signal);
            for peer in &mut peers {
                let close = loop {
                    let frame = peer.frame();
                    if frame.opcode == CLOSE {
                        break frame;
                    }
                };
                assert_eq!(close_code(&close), 1001);
                peer.write(&close_frame(1001));
                peer.expect_end();
            }
            let told = echo.program.finish().exit_code(0).stderr;
            assert!(told.contains(&format!("SIG{signal}: stopping")), "{told}");
            let closed = "closed by us: code 1001, the server is going down, clean; 0 messages";
            assert_eq!(told.matches(closed).count(), 2, "{told}");
            assert!(told.ends_with("-- stopped\n"), "{told}");
        }
    }
}

#[test]
fn a_client_that_does_not_answer_keeps_nobody_and_a_second_signal_ends_at_once() {
    let echo = Echo::start();
    let mut deaf = echo.open();
    expect_echo(&mut deaf, "hello");
    echo.program.interrupt();
    let close = deaf.frame();
    assert_eq!((close.opcode, close_code(&close)), (CLOSE, 1001));
    echo.program.terminate();
    let output = echo.program.finish().exit_code(0);
    assert!(output.stderr.contains("stopped"), "{}", output.stderr);
    // Without the second signal it ends as well.
    let echo = Echo::start();
    let _deaf = echo.open();
    echo.program.terminate();
    echo.program.finish().exit_code(0);
}

#[test]
fn an_address_that_cannot_be_listened_on_ends_with_9_and_says_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    wamp(["echo", &address])
        .run()
        .exit_code(9)
        .stdout("")
        .stderr(&format!(
            "error: cannot listen on {address}: address already in use\n\
             hint: is another server running there? choose another port, or let one be picked: \
             wamp echo :0\n"
        ));
    // An address for documentation: nobody has it.
    wamp(["echo", "192.0.2.1:0"])
        .run()
        .exit_code(9)
        .stderr_contains("hint: that is no address of this machine");
}
