//! The support on itself: a test that waits for the wrong thing must say so, and nothing may outlive its test.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::thread;
use std::time::Duration;

use super::{Deed, Faults, Output, Program, Proxy, Router, Wamp, wamp};

fn shell(script: &str) -> Program {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    Program::start(command)
}

#[test]
fn a_program_is_talked_to_line_by_line() {
    let mut program = shell("echo hi; echo note >&2; read word; echo got $word; exit 3");
    assert_eq!(program.next_line(), "hi");
    assert_eq!(program.wait_for_line("ot"), "note");
    program.write("this\n");
    assert_eq!(program.next_line(), "got this");
    assert_eq!(program.lines_taken(), 2);
    let output = program
        .finish()
        .stdout("hi\ngot this\n")
        .stdout_contains("got")
        .stderr("note\n")
        .stderr_contains("note")
        .exit_code(3);
    assert_eq!((output.stdout_bytes.len(), output.code), (12, 3));
}

#[test]
fn a_line_that_does_not_come_fails_with_all_that_was_said() {
    let program = shell("echo one; echo two >&2; printf half; exit 4");
    let failure = catch_unwind(AssertUnwindSafe(|| program.wait_for_line("three"))).unwrap_err();
    let said = failure.downcast_ref::<String>().unwrap();
    for part in [
        "\"three\"",
        "it ended without",
        "one\nhalf",
        "two",
        "exit status: 4",
    ] {
        assert!(said.contains(part), "{part:?} is missing in {said}");
    }
}

#[test]
fn a_signal_counts_as_a_shell_counts_it() {
    let program = shell("echo up; exec sleep 1000");
    program.wait_for_line("up");
    program.terminate();
    program.finish().exit_code(128 + 15);
}

#[test]
fn children_of_a_dropped_program_die_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let alive = dir.path().join("alive").display().to_string();
    let made = Command::new("mkfifo").arg(&alive).status().unwrap();
    assert!(made.success());
    let reader = shell(&format!("cat {alive}; echo closed"));
    let writer = shell(&format!("(echo up; exec sleep 1000) > {alive} & wait"));
    reader.wait_for_line("up");
    drop(writer);
    reader.finish().stdout("up\nclosed\n");
}

#[test]
fn an_input_is_read_to_its_end_and_an_open_one_is_not() {
    let mut program = shell("cat; echo end");
    program.write("part\n");
    assert_eq!(program.next_line(), "part");
    program.close_stdin();
    assert_eq!(program.next_line(), "end");
}

#[test]
fn lines_are_counted_over_both_streams() {
    let program = shell("echo a 1; echo a 2 >&2; echo b; echo a 3");
    assert_eq!(program.wait_for_lines("a ", 3), ["a 1", "a 3", "a 2"]);
    assert_eq!(program.stderr(), "a 2\n");
}

#[test]
fn variables_of_the_developers_shell_do_not_reach_a_program() {
    let mut command = Command::new("env");
    command.env("WAMP_URL", "ws://set.by.the.test/");
    let Output { stdout, .. } = Program::start(command).finish();
    let of_ours = |line: &&str| {
        ["WAMP_", "WICK_", "NO_COLOR", "CLICOLOR"]
            .iter()
            .any(|prefix| line.starts_with(prefix))
    };
    assert_eq!(
        stdout.lines().filter(of_ours).collect::<Vec<_>>(),
        ["WAMP_URL=ws://set.by.the.test/"]
    );
}

#[test]
fn a_command_line_of_ours_is_run_with_input_folder_and_environment() {
    let call: Wamp = wamp(["call"])
        .to("ws://127.0.0.1:1/ws")
        .arg("sum")
        .args(["@-", "5"]);
    let output = call.stdin("3").env("NO_COLOR", "1").dir("/").run();
    output.exit_code(3).stdout("");
}

#[test]
fn a_router_is_up_when_its_url_is_known_and_ends_with_0_on_a_signal() {
    let router = Router::start();
    assert!(
        router.url().starts_with("ws://127.0.0.1:"),
        "{}",
        router.url()
    );
    router.interrupt().exit_code(0);
    let router = Router::start_with(["--realm", "realm1"]);
    wamp(["call", "no.such.procedure"])
        .to(router.url())
        .run()
        .exit_code(6);
    router.wait_for_log("realm1");
    assert!(router.log().contains("realm1"));
    router.terminate().exit_code(0);
}

/// What comes back through a proxy from a server that sends back what it gets, and says `end` at the end.
fn through(faults: &Faults, sent: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let [server, front] = ["server", "front"].map(|name| folder.path().join(name));
    let listener = UnixListener::bind(&server).unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut writer = stream.try_clone().unwrap();
        let _ = io::copy(&mut stream, &mut writer);
        let _ = writer.write_all(b"end");
    });
    let faults = faults.clone();
    let proxy = Proxy::unix(&front, &server, move |_| faults.clone());
    let mut stream = UnixStream::connect(proxy.url()).unwrap();
    stream.write_all(sent).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut back = Vec::new();
    // What is cut may end in an error.
    let _ = stream.read_to_end(&mut back);
    back
}

#[test]
fn a_proxy_does_to_a_stream_what_it_is_told_and_at_the_byte_it_is_told() {
    assert_eq!(through(&Faults::none(), b"0123456789"), b"0123456789end");
    assert_eq!(through(&Faults::split(), b"0123456789"), b"0123456789end");
    let delay = Deed::Delay(Duration::from_millis(1));
    let delayed = through(&Faults::to_server(4, delay), b"0123456789");
    assert_eq!(delayed, b"0123456789end");
    // The server answers what came before, and hears the end.
    let half_closed = through(&Faults::to_server(4, Deed::HalfClose), b"0123456789");
    assert_eq!(half_closed, b"0123end");
    let half_closed = through(&Faults::to_client(4, Deed::HalfClose), b"0123456789");
    assert_eq!(half_closed, b"0123");
    let truncated = through(&Faults::to_client(4, Deed::Truncate), b"0123456789");
    assert_eq!(truncated, b"0123");
}

#[test]
fn a_link_that_is_cut_or_stalled_says_nothing_not_even_that() {
    for deed in [Deed::Drop, Deed::Stall] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = format!("ws://{}/ws", listener.local_addr().unwrap());
        let proxy = Proxy::tcp(&server, move |_| Faults::to_client(2, deed));
        let authority = proxy.url().trim_start_matches("ws://");
        let mut client = TcpStream::connect(authority.trim_end_matches("/ws")).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"abcd").unwrap();
        drop(stream);
        let mut got = [0; 2];
        client.read_exact(&mut got).unwrap();
        assert_eq!(&got, b"ab");
        client.set_nonblocking(true).unwrap();
        let more = client.read(&mut got).unwrap_err();
        assert_eq!(more.kind(), io::ErrorKind::WouldBlock);
        // It ends with the proxy.
        client.set_nonblocking(false).unwrap();
        drop(proxy);
        assert_eq!(client.read(&mut got).unwrap_or_default(), 0);
    }
}
