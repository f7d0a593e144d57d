//! `wamp call`: many calls, results as they come, waiting and giving up.

use super::ws::terminal::Terminal;
use super::{callee, into_head};
use crate::support::{Output, Router, wamp};

#[track_caller]
fn call(router: &Router, words: &[&str]) -> Output {
    wamp(["call"]).args(words).to(router.url()).run()
}

#[test]
fn partial_results_are_printed_as_they_come() {
    let router = Router::start();
    let dir = tempfile::tempdir().unwrap();
    let script = "mkfifo go; echo 1; cat go; echo '{\"b\":2}'";
    let lines = wamp([
        "register", "lines", "--sh", "--out", "lines", "--exec", script,
    ]);
    let lines = lines.dir(dir.path()).to(router.url()).start();
    lines.wait_for_line("-- registered");
    let mut call = wamp(["call", "lines", "--progress"])
        .to(router.url())
        .start();
    assert_eq!(call.next_line(), "1");
    std::fs::write(dir.path().join("go"), "\"x\"\n").unwrap();
    assert_eq!(call.next_line(), "\"x\"");
    call.finish().exit_code(0).stdout("1\n\"x\"\n{\"b\":2}\n");
}

#[test]
fn who_did_not_ask_for_partial_results_gets_a_list() {
    let router = Router::start();
    let _lines = callee(
        &router,
        ["lines", "--exec", "printf 'a\\n2\\n'", "--out", "lines"],
    );
    call(&router, &["lines"]).stdout("[\"a\",2]\n");
    call(&router, &["lines", "--progress", "--full"])
        .stdout("{\"args\":[\"a\"],\"kwargs\":{}}\n{\"args\":[2],\"kwargs\":{}}\n{\"args\":[],\"kwargs\":{}}\n");
}

#[test]
fn results_of_parallel_calls_come_in_order() {
    let router = Router::start();
    let script = "mkfifo pipe 2>/dev/null; case $WAMP_ARG0 in 1) cat pipe;; 2) echo 2 >pipe;; esac";
    let dir = tempfile::tempdir().unwrap();
    let meet = wamp(["register", "meet", "--sh", "--exec", script]);
    let meet = meet.dir(dir.path()).to(router.url()).start();
    meet.wait_for_line("-- registered");
    // The first ends only when the second has begun.
    let calls = wamp([
        "call",
        "meet",
        "--each",
        "json",
        "--parallel",
        "2",
        "--full",
    ]);
    let calls = calls.to(router.url()).stdin("1\n2\n").run().exit_code(0);
    calls.stdout("{\"args\":[2],\"kwargs\":{}}\n{\"args\":[],\"kwargs\":{}}\n");
}

#[test]
fn each_line_of_stdin_is_a_call() {
    let router = Router::start();
    let _echo = callee(&router, ["echo", "--echo"]);
    let each = |format: &str, input: &str| {
        let call = wamp(["call", "echo", "--each", format]).to(router.url());
        call.stdin(input).run()
    };
    each("line", "1\n[x\n")
        .stdout("\"1\"\n\"[x\"\n")
        .exit_code(0);
    each("json", "1\n\n{\"args\":[2],\"kwargs\":{\"a\":3}}\n")
        .stdout("1\n{\"args\":[2],\"kwargs\":{\"a\":3}}\n")
        .exit_code(0);
    each("json", "1\n[2")
        .stdout("1\n")
        .exit_code(2)
        .stderr("error: line 2 of stdin is not JSON: EOF while parsing a list\n  [2\n   ^\n");
    each("json", "{\"topic\":\"t\",\"args\":[]}").exit_code(2);
    each("line", "").stdout("").exit_code(0);
}

#[test]
fn arguments_are_given_as_a_whole() {
    let router = Router::start();
    let _echo = callee(&router, ["echo", "--echo", "--force"]);
    call(
        &router,
        &["echo", "--args", "[1,\"a=b\"]", "--kwargs", "{\"x-y\":2}"],
    )
    .stdout("{\"args\":[1,\"a=b\"],\"kwargs\":{\"x-y\":2}}\n");
    call(&router, &["echo", "--payload", "{\"kwargs\":{\"a\":1}}"]).stdout("{\"a\":1}\n");
    let stdin = wamp(["call", "echo", "--payload", "-"]).to(router.url());
    let stdin = stdin.stdin("{\n  \"args\": [3]\n}\n").run();
    stdin.stdout("3\n").exit_code(0);
    let unfit = wamp(["call", "echo", "--args", "{}"]).run().exit_code(2);
    unfit.stderr("error: --args takes a list, as [1,2], not a dict\n");
    let unknown = wamp(["call", "echo", "--payload", "{\"arg\":1}"]).run();
    unknown
        .exit_code(2)
        .stderr_contains("\"arg\" is no part of");
}

#[test]
fn a_procedure_that_is_not_there_yet_is_waited_for() {
    let router = Router::start();
    let waiting = wamp(["call", "late", "7", "--wait-for", "30s"])
        .to(router.url())
        .start();
    waiting.wait_for_line("-- waiting for procedure \"late\"");
    let _late = callee(&router, ["late", "--echo"]);
    waiting.finish().stdout("7\n").exit_code(0);
    call(&router, &["never", "--wait-for", "100ms"])
        .exit_code(5)
        .stderr_contains("nobody has offered procedure \"never\" within 100ms");
}

#[test]
fn who_stops_waiting_cancels_the_call() {
    let router = Router::start();
    for (flags, mode) in [
        (&[][..], "killnowait"),
        (&["--cancel", "kill"], "kill"),
        (&["--cancel", "skip"], "skip"),
    ] {
        let slow = callee(&router, ["slow", "--exec", "sleep 600", "-vv"]);
        let late = call(&router, &[&["slow", "-vv", "-T", "300ms"], flags].concat());
        let canceled = format!("> CANCEL [49,1,{{\"mode\":\"{mode}\"}}]");
        late.exit_code(5)
            .stderr_contains(&canceled)
            .stderr_contains("< ERROR [8,48,1,{},\"wamp.error.canceled\"")
            .stderr_contains("no answer from procedure \"slow\" within 300ms");
        if mode != "skip" {
            slow.wait_for_line("< INTERRUPT");
        }
        let waiting = wamp(["call", "slow", "-vv"]).args(flags).to(router.url());
        let waiting = waiting.start();
        waiting.wait_for_line("> CALL");
        waiting.interrupt();
        waiting.finish().exit_code(130).stderr_contains(&canceled);
        slow.terminate();
        slow.finish().exit_code(143);
    }
}

#[test]
fn times_are_told_in_words_and_as_a_picture() {
    let router = Router::start_with(["--demo"]);
    let one = call(&router, &["sum", "1", "2", "--time"]).stdout("3\n");
    assert!(one.stderr.starts_with("-- answered in "), "{}", one.stderr);
    let many = call(&router, &["sum", "1", "-n", "20", "--time", "-o", "none"]).stdout("");
    assert!(
        many.stderr.starts_with("-- 20 answers in "),
        "{}",
        many.stderr
    );
    assert!(many.stderr.contains("  ####"), "{}", many.stderr);
}

#[test]
fn what_would_be_sent_is_shown_without_a_router() {
    let dry = |words: &[&str]| wamp(words).arg("--dry-run").run().exit_code(0).stderr("");
    dry(&["call", "sum", "3", "@hex:00", "k=v", "--progress", "--rkey", "r", "--runmode", "all"]).stdout(
        "[48,1,{\"receive_progress\":true,\"rkey\":\"r\",\"runmode\":\"all\"},\"sum\",[3,\"\\u0000AA==\"],{\"k\":\"v\"}]\n",
    );
    dry(&["pub", "t", "1", "--retain"])
        .stdout("[16,1,{\"acknowledge\":true,\"retain\":true},\"t\",[1]]\n");
    dry(&["sub", "a.*", "b..c"])
        .stdout("[32,1,{\"match\":\"prefix\"},\"a.\"]\n[32,2,{\"match\":\"wildcard\"},\"b..c\"]\n");
    dry(&["register", "p", "--echo", "--force", "--invoke", "random"])
        .stdout("[64,1,{\"invoke\":\"random\",\"force_reregister\":true},\"p\"]\n");
}

#[test]
fn a_command_that_would_not_heed_dry_run_refuses_it() {
    for words in [
        &["kill", "--all", "--yes"] as &[&str],
        &["run", "x"],
        &["ls"],
    ] {
        let refused = wamp(words).arg("--dry-run").run().exit_code(2).stdout("");
        refused.stderr_contains("unexpected argument '--dry-run'");
    }
}

#[test]
fn parts_that_nobody_reads_any_more_are_not_waited_for() {
    let router = Router::start();
    let _slow = callee(
        &router,
        [
            "slow",
            "--exec",
            "sh -c 'echo 1; sleep 60'",
            "--out",
            "lines",
        ],
    );
    let mut piped = into_head(&router, "call slow --progress");
    assert_eq!(piped.next_line().trim_end(), "1");
    piped.finish().exit_code(141);
}

#[test]
fn a_terminal_is_told_what_is_waited_for() {
    let router = Router::start();
    let _slow = callee(&router, ["slow", "--exec", "sleep 60"]);
    let mut terminal = Terminal::run(&["call", "-u", router.url(), "slow"], |_, _| {});
    terminal.wait("what for", |lines| {
        let said = "-- waiting for procedure \"slow\" (Ctrl-C cancels)";
        lines.iter().any(|line| line == said)
    });
    terminal.type_keys("\x03");
    assert_eq!(terminal.finish().0, 130);
}

#[test]
fn a_terminal_is_told_what_a_misspelt_procedure_may_have_been_meant_to_be() {
    let router = Router::start();
    let _node = callee(&router, ["node", "--value", "1"]);
    let terminal = Terminal::run(&["call", "-u", router.url(), "nope"], |_, _| {});
    terminal.wait("what was meant", |lines| {
        let said = "did you mean \"node\"?  wamp ls procs lists 1";
        lines.iter().any(|line| line.contains(said))
    });
    assert_eq!(terminal.finish().0, 6);
    // A script does not wait for that.
    let piped = wamp(["call", "-u", router.url(), "nope"])
        .run()
        .exit_code(6);
    assert!(!piped.stderr.contains("did you mean"), "{}", piped.stderr);
}
