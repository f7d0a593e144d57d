//! Procedures offered from the command line.

use std::process::Command;

use super::{callee, into_head};
use crate::support::{Program, Router, wamp};

#[track_caller]
fn called(router: &Router, words: &[&str]) -> String {
    let output = wamp(["call"])
        .args(words)
        .to(router.url())
        .run()
        .stderr("")
        .exit_code(0);
    output.stdout
}

#[test]
fn a_value_is_the_same_for_all() {
    let router = Router::start();
    let _value = callee(&router, ["value", "--value", r#"{"a":[1,"ü"]}"#]);
    let _text = callee(&router, ["text", "--value", "hello"]);
    let _minus = callee(&router, ["minus", "--value", "-3"]);
    assert_eq!(called(&router, &["value", "x"]), "{\"a\":[1,\"ü\"]}\n");
    assert_eq!(called(&router, &["text"]), "\"hello\"\n");
    assert_eq!(called(&router, &["minus"]), "-3\n");
}

#[test]
fn a_program_gets_the_request_and_its_output_is_the_result() {
    let router = Router::start();
    let _cat = callee(&router, ["cat", "--exec", "cat"]);
    let _env = callee(
        &router,
        [
            "env",
            "--exec",
            "sh -c 'echo $WAMP_PROCEDURE $WAMP_ARG0 $WAMP_ARG1'",
        ],
    );
    let _json = callee(&router, ["json", "--exec", "echo '[1, 2.0]'"]);
    let _nothing = callee(&router, ["nothing", "--exec", "true"]);
    let request = "{\"procedure\":\"cat\",\"args\":[1,\"$(x)\"],\"kwargs\":{\"k\":null}}\n";
    assert_eq!(called(&router, &["cat", "1", "$(x)", "k=null"]), request);
    assert_eq!(called(&router, &["env", "a b", "3"]), "\"env a b 3\"\n");
    assert_eq!(called(&router, &["json"]), "[1,2.0]\n");
    assert_eq!(called(&router, &["nothing"]), "");
}

#[test]
fn logged_calls_are_printed_and_answered_by_null() {
    let router = Router::start();
    let mut log = callee(&router, ["log", "--log", "-n", "2"]);
    assert_eq!(called(&router, &["log", "1", "a=2"]), "null\n");
    assert_eq!(
        log.next_line(),
        "{\"procedure\":\"log\",\"args\":[1],\"kwargs\":{\"a\":2}}"
    );
    assert_eq!(called(&router, &["log"]), "null\n");
    log.finish().exit_code(0);
    wamp(["call", "log"]).to(router.url()).run().exit_code(6);
}

#[test]
fn it_ends_after_as_many_calls_as_were_asked_for() {
    let router = Router::start();
    let echo = callee(&router, ["echo", "--echo", "-n", "3"]);
    assert_eq!(called(&router, &["echo", "1", "-n", "3"]), "1\n1\n1\n");
    echo.finish().stdout("").exit_code(0);
}

#[test]
fn a_pattern_is_offered_as_one() {
    let router = Router::start();
    let _callee = callee(&router, ["math.*", "--exec", "printenv WAMP_PROCEDURE"]);
    assert_eq!(called(&router, &["math.add"]), "\"math.add\"\n");
    assert_eq!(called(&router, &["math.mul.fast"]), "\"math.mul.fast\"\n");
    wamp(["call", "maths"]).to(router.url()).run().exit_code(6);
}

#[test]
fn an_offer_that_is_taken_back_ends_the_command_and_says_why() {
    let router = Router::start();
    let echo = callee(&router, ["echo", "--echo"]);
    let registration = called(&router, &["wamp.registration.match", "echo"]);
    let callees = called(
        &router,
        &["wamp.registration.list_callees", registration.trim()],
    );
    let session = callees.trim_matches(['[', ']', '\n']);
    let args = [
        "wamp.registration.remove_callee",
        registration.trim(),
        session,
    ];
    called(&router, &[&args[..], &["-k", "reason=moved"]].concat());
    echo.finish().stderr_contains("moved");
}

#[test]
fn slow_calls_run_side_by_side() {
    let router = Router::start();
    // Each ends only when the other has begun, or not at all.
    let dir = tempfile::tempdir().unwrap();
    let script = "mkfifo pipe 2>/dev/null; case $WAMP_ARG0 in 1) echo 1 >pipe;; 2) cat pipe;; esac";
    let callee = wamp(["register", "meet", "--exec"]).arg(format!("sh -c '{script}'"));
    let callee = callee.dir(dir.path()).to(router.url()).start();
    callee.wait_for_line("-- registered \"meet\"");
    let first = wamp(["call", "meet", "1"]).to(router.url()).start();
    assert_eq!(called(&router, &["meet", "2"]), "1\n");
    first.finish().exit_code(0);
}

#[test]
fn a_program_that_fails_is_told_to_its_owner() {
    let router = Router::start();
    let exec = "sh -c 'echo it broke >&2; exit 3'";
    let fail = callee(&router, ["x.fail", "--exec", exec]);
    wamp(["call", "x.fail"]).to(router.url()).run().exit_code(1);
    fail.wait_for_line("-- call of \"x.fail\" failed: \"sh\" exited with 3: it broke");
    let verbose = callee(&router, ["x.fine", "-v", "--exec", "true"]);
    assert_eq!(called(&router, &["x.fine"]), "");
    verbose.wait_for_line("-- call of \"x.fine\" answered");
}

#[test]
fn output_that_is_no_text_is_bytes_and_too_much_is_called_so() {
    let router = Router::start();
    let _bytes = callee(&router, ["bytes", "--exec", r"printf '\377\000'"]);
    assert_eq!(called(&router, &["bytes"]), "\"\\u0000/wA=\"\n");
    let _endless = callee(&router, ["endless", "--exec", "yes"]);
    let call = wamp(["call", "endless"]).to(router.url()).run();
    call.exit_code(1)
        .stderr_contains("\"yes\" said more than 16777216 bytes");
}

#[test]
fn what_a_program_has_started_ends_with_it() {
    for ends_by in ["TERM", "the session", "its caller"] {
        let router = Router::start();
        let dir = tempfile::tempdir().unwrap();
        // Whoever reads the pipe to its end knows that the last of the program's children has gone.
        let script = "mkfifo alive; (exec 3>alive; echo started >&3; exec sleep 600) & wait";
        let callee = wamp(["register", "slow", "--exec"]).arg(format!("sh -c '{script}'"));
        let callee = callee.dir(dir.path()).to(router.url()).start();
        callee.wait_for_line("-- registered \"slow\"");
        let call = wamp(["call", "slow"]).to(router.url()).start();
        let mut alive = reader(dir.path());
        assert_eq!(alive.next_line(), "started");
        match ends_by {
            "TERM" => callee.terminate(),
            "its caller" => call.interrupt(),
            _ => drop(router),
        }
        alive.finish().exit_code(0);
    }
}

#[test]
fn a_command_line_that_cannot_be_run_is_refused_at_once() {
    let register = |words: &[&str]| wamp(["register", "x"]).args(words).run().stdout("");
    register(&["--exec", "no-such-program-here"])
        .exit_code(9)
        .stderr("error: there is no program \"no-such-program-here\"\nhint: no shell runs it; for one, add --sh\n");
    register(&["--exec", "/"])
        .exit_code(9)
        .stderr_contains("is a directory");
    register(&["--exec", "Cargo.toml"]).exit_code(9);
    register(&["--exec", "sh 'x"]).exit_code(2);
    register(&["--exec", ""]).exit_code(2);
    register(&["--echo", "--sh"]).exit_code(2);
    register(&["--echo", "--exec", "true"]).exit_code(2);
    register(&[]).exit_code(2);
}

#[test]
fn output_that_is_no_json_is_text_and_bytes_are_bytes_where_that_is_wanted() {
    let router = Router::start();
    let _text = callee(&router, ["text", "--exec", "echo '{\"a\":'"]);
    let _bytes = callee(&router, ["bytes", "--exec", "printf 12", "--out", "bytes"]);
    let _shell = callee(
        &router,
        ["shell", "--sh", "--exec", "echo $((1 + 2)) | cat"],
    );
    assert_eq!(called(&router, &["text"]), "\"{\\\"a\\\":\"\n");
    assert_eq!(called(&router, &["bytes"]), "\"\\u0000MTI=\"\n");
    assert_eq!(called(&router, &["shell"]), "3\n");
}

#[test]
fn a_program_that_takes_too_long_is_ended_with_all_that_it_has_started() {
    let router = Router::start();
    let dir = tempfile::tempdir().unwrap();
    let script = "mkfifo alive; (exec 3>alive; echo started >&3; exec sleep 600) & wait";
    let callee = wamp([
        "register",
        "slow",
        "--sh",
        "--exec-timeout",
        "1s",
        "--exec",
        script,
    ]);
    let callee = callee.dir(dir.path()).to(router.url()).start();
    callee.wait_for_line("-- registered");
    let call = wamp(["call", "slow"]).to(router.url()).start();
    let mut alive = reader(dir.path());
    assert_eq!(alive.next_line(), "started");
    alive.finish().exit_code(0);
    let call = call.finish().exit_code(5);
    call.stderr_contains("wamp.error.timeout: \"sh\" did not end within 1s");
    callee.wait_for_line("-- call of \"slow\" failed: \"sh\" did not end within 1s");
}

#[test]
fn calls_beyond_what_is_taken_are_refused_where_that_is_wanted() {
    let router = Router::start();
    let dir = tempfile::tempdir().unwrap();
    let script = "mkfifo go; echo busy >&2; read line <go";
    let callee = wamp(["register", "one", "--sh", "--exec", script, "-vv"]);
    let callee = callee.args(["--concurrency", "1", "--overflow", "error"]);
    let callee = callee.dir(dir.path()).to(router.url()).start();
    callee.wait_for_line("-- registered");
    let first = wamp(["call", "one"]).to(router.url()).start();
    callee.wait_for_line("< INVOCATION");
    let second = wamp(["call", "one"]).to(router.url()).run().exit_code(6);
    second.stderr_contains("as many calls to answer as it takes");
    first.interrupt();
    first.finish().exit_code(130);
}

#[test]
fn some_calls_fail_on_purpose_and_others_come_late() {
    let router = Router::start();
    let _half = callee(
        &router,
        ["half", "--echo", "--fail", "50%", "--delay", "1ms"],
    );
    for n in 1..=4 {
        let call = wamp(["call", "half", "x"]).to(router.url()).run();
        call.exit_code(i32::from(n % 2 == 0));
    }
    for bad in ["x", "101%", "-1"] {
        let fail = format!("--fail={bad}");
        wamp(["register", "x", "--echo"])
            .arg(fail)
            .run()
            .exit_code(2);
    }
}

#[test]
fn a_person_answers_line_by_line_until_there_is_nobody() {
    let router = Router::start();
    let mut ask = callee(&router, ["ask", "--ask"]);
    let asked = |words: &[&str]| wamp(["call", "ask"]).args(words).to(router.url()).start();
    let call = asked(&["1", "a=\"x\""]);
    ask.wait_for_line("-- call of \"ask\": [1] a=\"x\"");
    ask.write("[1\n{\"ok\":true}\n");
    call.finish().exit_code(0).stdout("{\"ok\":true}\n");
    ask.wait_for_line("error: this looks like JSON and is not");
    let call = asked(&["2"]);
    ask.write("!not today\n");
    call.finish()
        .exit_code(1)
        .stderr_contains("wamp.error.runtime_error: not today");
    let call = asked(&["3"]);
    ask.wait_for_line("-- call of \"ask\": [3]");
    ask.close_stdin();
    call.finish()
        .exit_code(6)
        .stderr_contains("nobody is there to answer any more");
    ask.finish().exit_code(9).stderr_contains("stdin has ended");
}

#[test]
fn a_procedure_can_be_taken_from_who_holds_it() {
    let router = Router::start();
    let first = callee(&router, ["x", "--value", "1"]);
    let taken = wamp(["register", "x", "--value", "2"])
        .to(router.url())
        .run();
    taken.exit_code(6);
    let _second = callee(&router, ["x", "--value", "2", "--force"]);
    assert_eq!(called(&router, &["x"]), "2\n");
    first.finish().exit_code(7);
}

/// Reads the pipe that a program is about to make.
#[track_caller]
fn reader(dir: &std::path::Path) -> Program {
    let mut command = Command::new("sh");
    command.args(["-c", "until [ -p alive ]; do :; done; exec cat alive"]);
    command.current_dir(dir);
    Program::start(command)
}

#[test]
fn a_reader_of_the_log_that_takes_one_line_ends_it() {
    let router = Router::start();
    let mut piped = into_head(&router, "register p --log");
    piped.wait_for_line("-- registered");
    wamp(["call", "p", "1"]).to(router.url()).run().exit_code(0);
    assert!(piped.next_line().contains("\"args\":[1]"));
    // No second call is needed.
    piped.finish().exit_code(141);
}
