//! The support on itself: a test that waits for the wrong thing must say so, and nothing may outlive its test.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;

use super::{Output, Program, Router, Wamp, wamp};

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
