//! What is printed, and where to.

use super::{callee, publish, subscriber};
use crate::support::{Program, Router, wamp};

#[test]
fn an_event_is_one_line_of_json_on_a_pipe() {
    let router = Router::start();
    let mut events = subscriber(&router, ["filewithext.", "-n", "1"]);
    publish(
        &router,
        ["filewithext.txt", "saved", "size=1024", "raw=@hex:00ff"],
    );
    let line = events.next_line();
    let event: serde_json::Value = serde_json::from_str(&line).unwrap();
    let start = r#"{"topic":"filewithext.txt","args":["saved"],"kwargs":{"size":1024,"raw":"\u0000AP8="},"publication":"#;
    assert!(line.starts_with(start), "{line}");
    let time = event["ts"].as_str().unwrap();
    assert!(time.len() == 24 && time.ends_with('Z'), "{time}");
    let output = events.finish().exit_code(0);
    output.stderr("-- subscribed prefix \"filewithext.\"  (Ctrl-C to stop)\n");
}

#[test]
fn quiet_leaves_the_notes_out() {
    let router = Router::start();
    let _echo = callee(&router, ["echo", "--echo"]);
    let output = wamp(["sub", "t", "-n", "1", "-q", "-T", "100ms"])
        .to(router.url())
        .run();
    output
        .stderr("error: 0 of 1 events came within 100ms\n")
        .exit_code(5);
}

#[test]
fn verbose_tells_of_the_session_and_twice_of_every_message() {
    let router = Router::start_with(["--demo"]);
    let call = |flag: &str| {
        let call = wamp(["call", "sum", "3", "5", "-s", "cbor", flag]).to(router.url());
        call.run().stdout("8\n").exit_code(0)
    };
    let output = call("-v").stderr_contains("-- joined realm1 at ws://127.0.0.1:");
    assert!(!output.stderr.contains("CALL"));
    call("-vv")
        .stderr_contains("> CALL [48,1,{},\"sum\",[3,5]]")
        .stderr_contains("< RESULT [50,1,{},[8]]");
}

#[test]
fn formats_are_json_pretty_and_raw() {
    let router = Router::start();
    let _echo = callee(&router, ["echo", "--echo"]);
    let call = |words: &[&str]| wamp(["call", "echo"]).args(words).to(router.url()).run();
    call(&["[1,{\"a\":\"b\"}]"]).stdout("[1,{\"a\":\"b\"}]\n");
    call(&["[1,{\"a\":\"b\"}]", "-o", "json"]).stdout("[1,{\"a\":\"b\"}]\n");
    call(&["[1,{}]", "-o", "pretty"]).stdout("[\n  1,\n  {}\n]\n");
    call(&["a\nb", "-r"]).stdout("a\nb\n");
    call(&["[1]", "-o", "raw"]).stdout("[1]\n");
    let bytes = call(&["@hex:00ff0a", "-r"]);
    assert_eq!(bytes.stdout_bytes, [0, 255, 10]);
}

#[test]
fn colours_are_for_terminals_unless_asked_for() {
    let router = Router::start();
    let _echo = callee(&router, ["echo", "--echo"]);
    let call = |words: &[&str], variable: (&str, &str)| {
        let call = wamp(["call", "echo", "-o", "pretty", "x"])
            .args(words)
            .to(router.url());
        call.env(variable.0, variable.1).run()
    };
    call(&[], ("TERM", "xterm")).stdout("\"x\"\n");
    let always = "\u{1b}[32m\"x\"\u{1b}[0m\n";
    call(&["--color", "always"], ("TERM", "xterm")).stdout(always);
    call(&[], ("CLICOLOR_FORCE", "1")).stdout(always);
    let json = wamp(["call", "echo", "[1]", "-o", "json", "--color=always"]).to(router.url());
    json.run().stdout("[\u{1b}[33m1\u{1b}[0m]\n");
    let output = wamp(["call", "nope", "--color", "always"])
        .to(router.url())
        .run();
    output.stderr_contains("\u{1b}[").exit_code(6);
    let output = wamp(["call", "nope"])
        .to(router.url())
        .env("CLICOLOR_FORCE", "1")
        .run();
    let output = output.stderr_contains("\u{1b}[");
    assert!(output.stderr.contains("error:"));
    let both = wamp(["call", "nope"])
        .to(router.url())
        .env("CLICOLOR_FORCE", "1");
    let output = both.env("NO_COLOR", "1").run();
    assert!(!output.stderr.contains('\u{1b}'), "{}", output.stderr);
}

#[test]
fn a_log_has_colours_where_everything_else_has() {
    for (no_color, is_coloured) in [("", true), ("1", false)] {
        let router = wamp(["router", "--listen", ":0"])
            .env("CLICOLOR_FORCE", "1")
            .env("NO_COLOR", no_color);
        let router = router.start();
        router.wait_for_line("listening on");
        router.terminate();
        let log = router.finish().exit_code(0).stderr;
        assert_eq!(log.contains('\u{1b}'), is_coloured, "{log}");
    }
}

#[test]
fn what_a_callee_says_cannot_look_like_words_of_ours() {
    let router = Router::start();
    let script = "printf 'x\\nhint: run this \\342\\200\\256' >&2; exit 1";
    let fail = callee(&router, ["fail", "--exec", &format!("sh -c \"{script}\"")]);
    let call = wamp(["call", "fail"]).to(router.url()).run();
    let call = call.stderr_contains("hint: run this \\u202e");
    assert_eq!(call.stderr.lines().count(), 1, "{}", call.stderr);
    fail.wait_for_line("exited with 1: hint: run this \\u202e");
}

#[test]
fn an_event_of_several_subscriptions_is_shown_once() {
    let router = Router::start();
    let mut once = subscriber(&router, ["a.", "a.b", "-n", "2"]);
    let mut each = subscriber(&router, ["a.", "a.b", "-n", "4", "--dup"]);
    once.wait_for_lines("-- subscribed", 2);
    each.wait_for_lines("-- subscribed", 2);
    publish(&router, ["a.b", "1"]);
    publish(&router, ["a.b", "2"]);
    for event in ["1", "2"] {
        assert!(once.next_line().contains(&format!("\"args\":[{event}]")));
        assert!(each.next_line().contains(&format!("\"args\":[{event}]")));
        assert!(each.next_line().contains(&format!("\"args\":[{event}]")));
    }
    once.finish().exit_code(0);
    each.finish().exit_code(0);
}

#[test]
fn a_reader_that_goes_ends_us_quietly() {
    let router = Router::start_with(["--demo"]);
    let line = format!(
        "'{}' sub -q -u '{}' '' --match prefix | head -n 1 >/dev/null; exit ${{PIPESTATUS[0]}}",
        env!("CARGO_BIN_EXE_wamp"),
        router.url()
    );
    let mut command = std::process::Command::new("bash");
    command.args(["-c", &line]);
    Program::start(command)
        .finish()
        .exit_code(141)
        .stdout("")
        .stderr("");
}
