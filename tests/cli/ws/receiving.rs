//! What comes: how it is written, when it is enough, and what the end means.

use std::net::TcpStream;

use tokio_tungstenite::tungstenite::{Message as Frame, WebSocket};

use super::server::{Server, drain, echo, reporting};
use super::ws;

fn sends(frames: &'static [&'static str]) -> Server {
    Server::start(move |mut socket: WebSocket<TcpStream>| {
        for text in frames {
            socket.send(Frame::text(*text)).unwrap();
        }
        drain(&mut socket);
    })
}

#[test]
fn without_anything_to_send_it_prints_what_comes_until_the_server_closes() {
    let server = Server::start(|mut socket: WebSocket<TcpStream>| {
        socket.send(Frame::text("one")).unwrap();
        socket.send(Frame::text("two\nlines")).unwrap();
        socket.close(None).unwrap();
        drain(&mut socket);
    });
    let output = ws(&server.url(), []).run().exit_code(0);
    output
        .stdout("one\ntwo\nlines\n")
        .stderr_contains("-- closed by the server\n");
}

#[test]
fn binary_messages_are_written_as_they_are_wanted() {
    let server = Server::echo();
    for (how, stdout) in [
        (&[][..], "\"\\u00001QAB\"\ntext\n"),
        (&["--show", "json"], "\"\\u00001QAB\"\ntext\n"),
        (&["--show", "hex"], "d50001\ntext\n"),
        (&["--show", "base64"], "1QAB\ntext\n"),
        (&["--show", "utf8"], "\u{fffd}\0\u{1}\ntext\n"),
    ] {
        let run = ws(&server.url(), ["-m", "@hex:d50001", "-m", "text"])
            .args(how)
            .run();
        run.stdout(stdout).exit_code(0);
    }
    let run = ws(&server.url(), ["-m", "@hex:d500", "--show", "raw"]).run();
    assert_eq!(run.stdout_bytes, [0xd5, 0]);
}

#[test]
fn it_ends_with_the_count_that_was_asked_for() {
    let server = sends(&["1", "2", "3"]);
    ws(&server.url(), ["-n", "2"])
        .run()
        .stdout("1\n2\n")
        .exit_code(0);
}

#[test]
fn it_ends_when_nothing_comes_any_more() {
    let server = sends(&["1", "2"]);
    ws(&server.url(), ["--wait", "300ms"])
        .run()
        .stdout("1\n2\n")
        .exit_code(0);
    // Pings are no messages.
    ws(&server.url(), ["--wait", "300ms", "-P", "20ms"])
        .run()
        .stdout("1\n2\n")
        .exit_code(0);
    let output = ws(&server.url(), ["--wait", "300ms", "-n", "3"]).run();
    output
        .stdout("1\n2\n")
        .exit_code(5)
        .stderr_contains("error: 2 of 3 messages came, then none for 300ms\n");
}

#[test]
fn fewer_answers_than_were_asked_for_are_no_success() {
    let server = Server::closes_with(Some((1000, "")));
    let output = ws(&server.url(), ["-m", "x", "-n", "1"]).run().exit_code(5);
    output.stderr_contains("0 of 1 messages came, then the server closed the connection");
}

#[test]
fn the_code_of_the_close_is_the_exit_code() {
    for (close, code, said) in [
        (None, 0, "-- closed by the server\n"),
        (
            Some((1000, "")),
            0,
            "-- closed by the server: 1000 (normal)\n",
        ),
        (
            Some((1001, "bye")),
            0,
            "-- closed by the server: 1001 (going away) \"bye\"\n",
        ),
        (
            Some((1008, "no")),
            7,
            "error: the server closed the connection: 1008 (policy violation) \"no\"\n",
        ),
        (
            Some((1011, "")),
            7,
            "error: the server closed the connection: 1011 (internal error)\n",
        ),
        (
            Some((4000, "\u{1b}[2J")),
            7,
            "error: the server closed the connection: 4000 \"\\u{1b}[2J\"\n",
        ),
    ] {
        let server = Server::closes_with(close);
        let output = ws(&server.url(), []).run().exit_code(code).stdout("");
        output.stderr_contains(said);
    }
}

#[test]
fn a_server_that_is_gone_without_a_close_is_7() {
    let server = Server::start(drop);
    let output = ws(&server.url(), []).run().exit_code(7);
    output.stderr_contains("error: the server is gone: it ended the connection without closing it");
}

#[test]
fn a_message_above_the_limit_is_refused_with_the_way_out() {
    let server = sends(&["12345", "123456"]);
    let output = ws(&server.url(), ["--max-message", "5"]).run().exit_code(7);
    output
        .stdout("12345\n")
        .stderr_contains("the server sent a message of 6 bytes, and 5 are taken")
        .stderr_contains("hint: to take larger ones: --max-message");
}

#[test]
fn pings_are_answered_and_their_round_trips_told() {
    let server = Server::echo();
    let program = ws(&server.url(), ["-P", "1ms"]).start();
    let lines = program.wait_for_lines("-- pong after ", 3);
    assert!(lines.iter().all(|line| line.ends_with(" ms")), "{lines:?}");
    program.interrupt();
    program.finish().exit_code(130).stdout("");
}

#[test]
fn a_server_that_answers_no_pings_is_given_up() {
    // It never reads, so it never answers.
    let server = Server::start(|socket: WebSocket<TcpStream>| {
        std::thread::park();
        drop(socket);
    });
    let output = ws(&server.url(), ["-P", "50ms"]).run().exit_code(7);
    output.stderr_contains("error: the server answers no pings");
}

#[test]
fn a_reader_that_has_gone_ends_it() {
    let server = Server::start(
        |mut socket: WebSocket<TcpStream>| {
            while socket.send(Frame::text("again")).is_ok() {}
        },
    );
    let mut command = std::process::Command::new("sh");
    let script = format!(
        "'{}' ws {} | head -n 1",
        env!("CARGO_BIN_EXE_wamp"),
        server.url()
    );
    command.args(["-c", &script]);
    crate::support::Program::start(command)
        .finish()
        .stdout("again\n");
}

#[test]
fn interrupted_it_closes_in_good_order() {
    let (server, received) = reporting();
    let program = ws(&server.url(), []).start();
    program.wait_for_line("-- open");
    program.interrupt();
    program
        .finish()
        .exit_code(130)
        .stderr_contains("-- closed: 1000 (normal)");
    assert!(matches!(received.recv().unwrap(), Frame::Close(Some(_))));
}

#[test]
fn answers_are_whole_before_the_end_also_when_there_are_many() {
    let server = Server::start(echo);
    let lines = "a line\n".repeat(5000);
    let output = ws(&server.url(), ["-"]).stdin(lines.clone()).run();
    output.stdout(&lines).exit_code(0);
}
