//! `--jq`: what it makes of values, and what becomes of filters that make no sense or no end.

use super::{callee, publish, subscriber};
use crate::support::{Router, wamp};

#[test]
fn a_result_is_filtered() {
    let router = Router::start();
    let _echo = callee(&router, ["echo", "--echo"]);
    let call = |words: &[&str]| wamp(["call", "echo"]).args(words).to(router.url()).run();
    call(&["{\"a\":[1,2.0]}", "--jq", ".a[]"]).stdout("1\n2.0\n");
    call(&["x", "k=v", "--jq", "$kwargs.k", "-r"]).stdout("v\n");
    call(&["18446744073709551615", "--jq", "."]).stdout("18446744073709551615\n");
    call(&["@hex:00ff", "--jq", "{b: .}"]).stdout("{\"b\":\"\\u0000AP8=\"}\n");
    call(&["1", "--jq", "[.,$n]", "-n", "2"]).stdout("[1,1]\n[1,2]\n");
    call(&["1", "--jq", "empty"]).stdout("").exit_code(0);
}

#[test]
fn a_filter_that_does_not_parse_is_shown_with_a_caret() {
    for words in [
        ["call", "x", "--jq", ".a +"],
        ["sub", "x", "--jq", ".a +"],
        ["register", "x", "--jq", ".a +"],
    ] {
        let output = wamp(words).run().exit_code(2).stdout("");
        output.stderr("error: --jq: expected term\n  .a +\n      ^\n");
    }
    let output = wamp(["call", "x", "--jq", ".a | nope"]).run().exit_code(2);
    output.stderr("error: --jq: there is no filter \"nope\"\n  .a | nope\n       ^\n");
}

#[test]
fn a_filter_that_fails_is_an_error_of_its_own() {
    let router = Router::start();
    let _echo = callee(&router, ["echo", "--echo"]);
    let call = wamp(["call", "echo", "1", "--jq", "error(\"no\")"]).to(router.url());
    call.run()
        .exit_code(8)
        .stderr("error: --jq: no\n")
        .stdout("");
}

#[test]
fn a_filter_without_end_or_measure_is_stopped() {
    let router = Router::start();
    let _echo = callee(&router, ["echo", "--echo"]);
    for (filter, told) in [
        ("def f: f; f", "it did not end within 2 s"),
        ("[limit(1e12; repeat(1))]", "it "),
        ("def f: 1 + f; f", "calls itself without end"),
    ] {
        let call = wamp(["call", "echo", "1", "--jq", filter]).to(router.url());
        let output = call.run().exit_code(8).stdout("");
        output.stderr_contains(told);
    }
}

#[test]
fn ctrl_c_does_not_wait_for_a_filter() {
    let router = Router::start();
    let echo = callee(&router, ["echo", "--echo", "-v"]);
    let call = wamp(["call", "echo", "1", "-vv", "--jq", "def f: f; f"]).to(router.url());
    let call = call.start();
    call.wait_for_line("< RESULT");
    call.interrupt();
    call.finish().exit_code(130).stdout("");
    drop(echo);
}

#[test]
fn an_event_on_which_a_filter_fails_is_left_out() {
    let router = Router::start();
    let filter = "$args[0] | if . == 2 then def f: f; f elif . == 1 then error(\"one\") else . end";
    let mut events = subscriber(&router, ["t", "-n", "3", "--jq", filter]);
    for value in ["1", "2", "3"] {
        publish(&router, ["t", value]);
    }
    assert_eq!(events.next_line(), "3");
    let output = events.finish().exit_code(0);
    output
        .stderr_contains("-- event 1 left out: --jq: one")
        .stderr_contains("-- event 2 left out: --jq: it did not end within 2 s");
}

#[test]
fn strict_ends_at_the_first_event_on_which_it_fails() {
    let router = Router::start();
    let events = subscriber(&router, ["t", "--strict", "--jq", "error(\"no\")"]);
    publish(&router, ["t"]);
    events
        .finish()
        .exit_code(8)
        .stderr_contains("error: --jq: no");
}

#[test]
fn a_filter_answers_calls() {
    let router = Router::start();
    let _sum = callee(&router, ["x.sum", "--jq", "$args|add"]);
    let _range = callee(&router, ["x.range", "--jq", "range($args[0])"]);
    let filter = "if $args[0] then {\"$error\":\"com.x.no\",\"args\":[$n]} else error(\"why\") end";
    let refuse = callee(&router, ["x.refuse", "--jq", filter]);
    let call = |words: &[&str]| wamp(["call"]).args(words).to(router.url()).run();
    call(&["x.sum", "1", "2.5"]).stdout("3.5\n");
    call(&["x.range", "3"]).stdout("[0,1,2]\n");
    call(&["x.range", "3", "--progress"]).stdout("0\n1\n2\n");
    call(&["x.range", "0"]).stdout("").exit_code(0);
    call(&["x.refuse", "true"])
        .exit_code(1)
        .stderr("error: procedure \"x.refuse\": com.x.no: 1\n");
    call(&["x.refuse", "false"])
        .exit_code(1)
        .stderr("error: procedure \"x.refuse\": wamp.error.runtime_error: why\n");
    refuse.wait_for_line("-- call of \"x.refuse\" failed: --jq: why");
}

#[test]
fn a_filter_that_never_ends_answers_by_an_error_and_goes_on_with_other_calls() {
    let router = Router::start();
    let _callee = callee(
        &router,
        ["x", "--jq", "if $args[0] then def f: f; f else 7 end"],
    );
    let endless = wamp(["call", "x", "true"]).to(router.url()).start();
    let call = wamp(["call", "x", "false"]).to(router.url());
    call.run().stdout("7\n").exit_code(0);
    let output = endless.finish().exit_code(1);
    output.stderr_contains("wamp.error.runtime_error: --jq: it did not end within 2 s");
}
