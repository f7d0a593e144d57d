//! Where there is no WebSocket: what is said, and what would help.

use std::net::TcpListener;

use super::server::{Server, answers, listen};
use super::{wamp, ws};

#[test]
fn a_command_line_that_makes_no_sense_is_2() {
    for (args, said) in [
        (&[][..], "required"),
        (&["http://h/p"], "http:// is no WebSocket; try ws://h/p"),
        (&["https://h"], "try wss://h"),
        (&["ws:/h"], "did you mean ws://h?"),
        (&["ws://ann:secret@h"], "--basic @FILE"),
        (&[":1", "x"], "invalid value 'x'"),
        (&[":1", "-", "-m", "x"], "cannot be used with"),
        (&[":1", "--mirror", "-m", "x"], "cannot be used with"),
        (&[":1", "--every", "1s"], "--message"),
        (&[":1", "--every", "0", "-m", "x"], "longer than 0"),
        (&[":1", "--cert", "x"], "--key"),
        (&[":1", "--close", "1005"], "1005 may not be sent"),
        (&[":1", "--close", "soon"], "no close code"),
        (&[":1", "--max-message", "x"], "16MiB"),
        (&[":1", "-H", "no colon"], "write -H 'Name: value'"),
        (&[":1", "-H", "Upgrade: x"], "belongs to the handshake"),
        (
            &[":1", "-H", "Sec-WebSocket-Protocol: x"],
            "--subprotocol NAME",
        ),
        (&[":1", "--subprotocol", "a b"], "no name of a subprotocol"),
        (&[":1", "--basic", "ann"], "USER:PASSWORD"),
        (
            &[":1", "--basic", "a:b", "--bearer", "c"],
            "cannot be used with",
        ),
    ] {
        let output = wamp(["ws"]).args(args).run().exit_code(2).stdout("");
        output.stderr_contains(said);
    }
}

#[test]
fn nobody_there_is_3() {
    let output = ws("ws://127.0.0.1:1/", []).run().exit_code(3).stdout("");
    output
        .stderr_contains("error: cannot connect to ws://127.0.0.1:1/: connection refused\n")
        .stderr_contains("hint: is a server running there, on that port?");
    let output = ws("no-such-host.invalid", []).run().exit_code(3);
    output.stderr_contains("the name \"no-such-host.invalid\" cannot be resolved");
}

#[test]
fn a_web_server_that_is_no_websocket_is_told_by_its_page() {
    for (answer, said, hint) in [
        (
            &b"HTTP/1.0 404 File not found\r\nContent-Type: text/html\r\n\r\n<html><title>Gone</title><p>Not  here.</html>"[..],
            "the server answered HTTP 404 Not Found: Gone Not here.\n",
            "hint: no WebSocket is at that path",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            "the server answered HTTP 200 OK: hello",
            "hint: no WebSocket is at that path, only a page",
        ),
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\noffer one of these WebSocket subprotocols: soap",
            "the server answered HTTP 400 Bad Request: offer one of these",
            "hint: offer one with --subprotocol NAME",
        ),
        (
            b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
            "the server answered HTTP 401 Unauthorized\n",
            "--bearer",
        ),
        (
            b"HTTP/1.1 302 Found\r\nLocation: wss://there/p\r\n\r\n",
            "HTTP 302 Found: it is at wss://there/p\n",
            "",
        ),
        (
            b"HTTP/1.1 500 Internal Server Error\r\n\r\n\x1b[2Jbad",
            "HTTP 500 Internal Server Error: \\u001b[2Jbad\n",
            "",
        ),
    ] {
        let output = ws(&format!("127.0.0.1:{}", answers(answer)), []).run();
        let output = output.exit_code(3).stdout("").stderr_contains(said);
        output.stderr_contains(hint);
    }
}

#[test]
fn a_page_that_comes_late_is_told_still() {
    let port = listen(|mut stream| {
        use std::io::{Read as _, Write as _};
        let mut request = [0; 4096];
        let _ = stream.read(&mut request);
        for piece in [
            "HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\n\r\n",
            "it is ",
            "gone",
        ] {
            stream.write_all(piece.as_bytes()).unwrap();
            stream.flush().unwrap();
        }
        let _ = stream.read(&mut request);
    });
    let output = ws(&format!("127.0.0.1:{port}"), []).run().exit_code(3);
    output.stderr_contains("HTTP 404 Not Found: it is gone\n");
}

#[test]
fn what_is_no_web_server_is_told_by_its_words() {
    for (answer, said) in [
        (&b"SSH-2.0-OpenSSH_9.9\r\n"[..], "no WebSocket server; it says \"SSH-2.0-OpenSSH_9.9\""),
        (b"", "the server closed the connection without an answer"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "the server's 101 is no change to WebSocket"),
        (
            b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
            "Sec-WebSocket-Accept does not answer our key",
        ),
    ] {
        let output = ws(&format!("127.0.0.1:{}", answers(answer)), []).run();
        output.exit_code(3).stdout("").stderr_contains(said);
    }
}

#[test]
fn a_subprotocol_that_is_not_agreed_on_is_3() {
    let server = Server::echo();
    let args = ["--subprotocol", "soap", "--subprotocol", "mqtt"];
    let output = ws(&server.url(), args).run().exit_code(3).stdout("");
    output.stderr_contains("the server speaks WebSocket, but none of soap, mqtt");
}

#[test]
fn who_says_nothing_is_waited_for_as_long_as_was_said() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let output = ws(&address, ["-T", "200ms"]).run().exit_code(5);
    output.stderr_contains("no answer within 200ms while shaking hands\n");
    let output = ws(&format!("wss://{address}"), ["-T", "200ms", "--insecure"]).run();
    output
        .exit_code(5)
        .stderr_contains("no answer within 200ms while shaking hands over TLS\n");
}
