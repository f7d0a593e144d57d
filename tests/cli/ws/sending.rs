//! What is sent: `-m` and its sigils, rounds, stdin; and when it is enough.

use std::sync::mpsc::Receiver;

use tokio_tungstenite::tungstenite::Message as Frame;

use super::server::{DEADLINE, Server, reporting};
use super::ws;

#[track_caller]
fn next(received: &Receiver<Frame>) -> Frame {
    received.recv_timeout(DEADLINE).unwrap()
}

/// All that came up to the close frame.
#[track_caller]
fn all(received: &Receiver<Frame>) -> Vec<Frame> {
    let mut frames = Vec::new();
    loop {
        match next(received) {
            Frame::Close(_) => return frames,
            frame => frames.push(frame),
        }
    }
}

#[test]
fn a_message_is_sent_its_answer_printed_and_that_is_the_end() {
    let server = Server::echo();
    let output = ws(&server.url(), ["-m", "hello"]).run();
    output.stdout("hello\n").exit_code(0).stderr(&format!(
        "-- open {}\n-- closed: 1000 (normal)\n",
        server.url()
    ));
    ws(&server.url(), ["-m", "hello", "-q"])
        .run()
        .stdout("hello\n")
        .stderr("");
    ws(&server.url(), ["-m", "hello", "-qq"]).run().stdout("");
}

#[test]
fn text_is_sent_as_it_is_written() {
    let server = Server::echo();
    for text in [
        "3",
        "\"a\"",
        "{\"a\":1}",
        "a=b",
        "-x",
        "--",
        "{n}",
        "©ø",
        "",
    ] {
        let output = ws(&server.url(), ["-m", text]).run();
        output.stdout(&format!("{text}\n")).exit_code(0);
    }
}

#[test]
fn sigils_say_what_is_sent_and_as_which_type() {
    let (server, received) = reporting();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("text"), "a\nb\n").unwrap();
    std::fs::write(dir.path().join("bytes"), [0xff, 0]).unwrap();
    std::fs::write(dir.path().join("json"), "\n {\"a\": 1}\n").unwrap();
    let run = ws(&server.url(), ["-n", "0"])
        .args(["-m", "@text", "-m", "@bin:bytes", "-m", "@json:json"])
        .args(["-m", "@hex:00ff", "-m", "@b64:AP8=", "-m", "@str:@x"])
        .args(["-m", "@@x", "-m", "@env:WORD", "-m", "@-"])
        .dir(dir.path())
        .env("WORD", "word")
        .stdin("from stdin")
        .run();
    run.stdout("").exit_code(0);
    let expected = [
        Frame::text("a\nb\n"),
        Frame::binary(&[0xff, 0][..]),
        Frame::text("{\"a\": 1}"),
        Frame::binary(&[0, 0xff][..]),
        Frame::binary(&[0, 0xff][..]),
        Frame::text("@x"),
        Frame::text("@x"),
        Frame::text("word"),
        Frame::text("from stdin"),
    ];
    assert_eq!(all(&received), expected);
    ws(&server.url(), ["-b", "-m", "text", "-n", "0"]).run();
    assert_eq!(all(&received), [Frame::binary("text")]);
}

#[test]
fn a_message_that_cannot_be_made_is_never_connected_for() {
    for (word, code) in [
        ("@hex:0", 2),
        ("@/no/such/file", 9),
        ("@env:WAMP_NONE", 9),
        ("@", 2),
    ] {
        // Nobody listens there: a connection would be 3.
        let output = ws("127.0.0.1:1", ["-m", "first", "-m", word]).run();
        output.exit_code(code).stdout("");
    }
}

#[test]
fn rounds_count_where_a_template_says_so() {
    let (server, received) = reporting();
    let program = ws(&server.url(), ["--every", "1ms", "--template"])
        .args(["-m", "© Hellø wørld {n}!", "-m", "@uuid:"])
        .start();
    let mut uuids = Vec::new();
    for round in 1..=3 {
        let text = format!("© Hellø wørld {round}!");
        assert_eq!(next(&received), Frame::text(text));
        let Frame::Binary(uuid) = next(&received) else {
            panic!("no UUID in round {round}");
        };
        assert_eq!(uuid.len(), 16);
        uuids.push(uuid);
    }
    uuids.dedup();
    assert_eq!(uuids.len(), 3);
    program.interrupt();
    program.finish().exit_code(130).stdout("");

    let program = ws(&server.url(), ["--every", "1ms", "-m", "{n}"]).start();
    let plain = received.iter().find(|frame| *frame == Frame::text("{n}"));
    assert!(plain.is_some());
    program.terminate();
    program.finish().exit_code(143);
}

#[test]
fn rounds_end_with_the_answers_that_were_asked_for() {
    let server = Server::echo();
    let output = ws(
        &server.url(),
        ["--every", "1ms", "--template", "-m", "{n}", "-n", "3"],
    )
    .run();
    output.stdout("1\n2\n3\n").exit_code(0);
}

#[test]
fn stdin_is_cut_as_the_framing_says() {
    let (server, received) = reporting();
    for (args, input, messages) in [
        (&["-"][..], &b"a\nb\r\n\nc"[..], &["a", "b", "", "c"][..]),
        (&["--frame", "null"], b"a\nb\0c\0", &["a\nb", "c"]),
        (&["-", "--frame", "blank"], b"a\nb\n\nc\n", &["a\nb", "c"]),
        (
            &["--frame", "json"],
            b"{\"a\":\n1} [2]",
            &["{\"a\":\n1}", "[2]"],
        ),
        (&["--frame", "all"], b"a\nb\n", &["a\nb\n"]),
        (
            &["--frame", "len4"],
            b"\0\0\0\x02ab\0\0\0\x01\n",
            &["ab", "\n"],
        ),
    ] {
        let run = ws(&server.url(), ["-n", "0"]).args(args).stdin(input).run();
        run.exit_code(0);
        let expected: Vec<_> = messages.iter().copied().map(Frame::text).collect();
        assert_eq!(all(&received), expected, "{args:?}");
    }
    ws(&server.url(), ["-", "-b", "-n", "0"])
        .stdin([0xff, b'\n', b'@'])
        .run();
    assert_eq!(
        all(&received),
        [Frame::binary(&[0xff][..]), Frame::binary("@")]
    );
}

#[test]
fn a_line_of_stdin_is_answered_before_the_next_one_is_written() {
    let server = Server::echo();
    let mut program = ws(&server.url(), ["-"]).start();
    for line in ["one", "two"] {
        program.write(&format!("{line}\n"));
        assert_eq!(program.next_line(), line);
    }
    program.write("three\n");
    program.finish().stdout("one\ntwo\nthree\n").exit_code(0);
}

#[test]
fn stdin_that_is_not_what_it_should_be_is_told() {
    let (server, _received) = reporting();
    for (args, input, said) in [
        (
            &["-"][..],
            &b"a\n\xff\n"[..],
            "message 2 of stdin is not UTF-8 text",
        ),
        (&["--frame", "json"], b"[1", "stdin is not JSON"),
        (
            &["--frame", "len4"],
            b"\0\0\0\x09a",
            "stdin ends 1 bytes into a message of 9",
        ),
    ] {
        let run = ws(&server.url(), ["-n", "0"]).args(args).stdin(input).run();
        run.exit_code(9).stderr_contains(said);
    }
}

#[test]
fn stdin_is_never_read_unless_it_was_asked_for() {
    let server = Server::closes_with(Some((1000, "")));
    let mut program = ws(&server.url(), []).start();
    program.wait_for_line("-- closed by the server");
    // Read by nobody: the program ends with its stdin open.
    program.write("");
    let server = Server::echo();
    let program = ws(&server.url(), ["-m", "x"]).start();
    program.wait_for_line("-- closed");
}

#[test]
fn the_close_says_what_it_was_told_to() {
    let (server, received) = reporting();
    let args = ["-n", "0", "-m", "x", "--close", "4001:see you: later"];
    ws(&server.url(), args).run().exit_code(0);
    assert_eq!(next(&received), Frame::text("x"));
    let Frame::Close(Some(close)) = next(&received) else {
        panic!("no close frame");
    };
    assert_eq!(
        (u16::from(close.code), close.reason.as_str()),
        (4001, "see you: later")
    );
}

#[test]
fn a_large_message_goes_and_comes_byte_by_byte() {
    let server = Server::echo();
    let dir = tempfile::tempdir().unwrap();
    let message: Vec<u8> = (0..=255).cycle().step_by(7).take(20 << 20).collect();
    std::fs::write(dir.path().join("large"), &message).unwrap();
    let args = ["-m", "@bin:large", "--show", "raw"];
    let output = ws(&server.url(), args).dir(dir.path()).run().exit_code(0);
    assert!(output.stdout_bytes == message);
}
