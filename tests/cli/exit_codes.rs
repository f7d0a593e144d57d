//! Every exit code that can occur, each with what is said.

use std::net::TcpListener;

use super::callee;
use crate::support::{Router, wamp};

#[test]
fn done_is_0() {
    let router = Router::start_with(["--demo"]);
    let call = |words: &[&str]| wamp(["call"]).args(words).to(router.url()).run();
    call(&["sum", "3", "5"])
        .stdout("8\n")
        .stderr("")
        .exit_code(0);
    call(&["sum", "3", "5", "-n", "3"])
        .stdout("8\n8\n8\n")
        .exit_code(0);
    call(&["sum", "3", "5", "-qq"]).stdout("").exit_code(0);
}

#[test]
fn an_error_of_the_callee_is_1() {
    let router = Router::start_with(["--demo"]);
    let call = wamp(["call", "sum", "3", "x"]).to(router.url()).run();
    let call = call.stdout("").exit_code(1);
    call.stderr_contains("error: procedure \"sum\": wamp.error.invalid_argument: ");
    let _broken = callee(
        &router,
        ["broken", "--exec", "sh -c 'echo oops >&2; exit 3'"],
    );
    let call = wamp(["call", "broken"]).to(router.url()).run().exit_code(1);
    call.stderr(
        "error: procedure \"broken\": wamp.error.runtime_error: \"sh\" exited with 3, code=3, stderr=\"oops\"\n",
    );
}

#[test]
fn a_command_line_that_makes_no_sense_is_2() {
    for words in [
        &["call"] as &[&str],
        &["call", "x", "--no-such-flag"],
        &["call", "x", "[1,"],
        &["call", "x", "a:=b"],
        &["call", "x", "1e400"],
        &["call", "x", "@hex:0"],
        &["call", "x", "a=1", "a=2"],
        &["call", "x", "-n", "0"],
        &["call", "x", "-u", "http://h"],
        &["call", "x", "-s", "xml"],
        &["call", "x", "-T", "soon"],
        &["pub", "--ack", "false", "t", "1"],
        &["pub", "t", "--exclude-me", "false", "1"],
        &["sub"],
        &["sub", ""],
        &["sub", "{a,b"],
        &["register", "x"],
        &["register", "x", "--echo", "--log"],
        &["register", "x.?", "--echo"],
        &["register", "x", "--exec", "'"],
        &["no-such-command"],
    ] {
        let output = wamp(words).run().exit_code(2).stdout("");
        assert!(
            output.stderr.starts_with("error: "),
            "{words:?}: {}",
            output.stderr
        );
    }
}

#[test]
fn a_mistyped_word_is_answered_by_the_right_one() {
    for (words, said) in [
        (
            &["call", "x", "a:=b"] as &[&str],
            "hint: to send it as text: a=b\n",
        ),
        (&["call", "x", "-u", "http://h/ws"], "try ws://h/ws"),
        (&["call", "x", "-u", "ws:/h"], "did you mean ws://h?"),
        (&["call", "x", "-T", "abc"], "as 30s, 500ms or 2m"),
    ] {
        wamp(words).run().exit_code(2).stderr_contains(said);
    }
}

#[test]
fn an_empty_variable_is_none() {
    let router = Router::start();
    let call = wamp(["pub", "x"]).env("WAMP_REALM", "").to(router.url());
    call.run().stderr("").exit_code(0);
}

#[test]
fn no_router_is_3() {
    // A port that the system gives to nobody who does not ask for it.
    let url = "ws://127.0.0.1:1/ws";
    for command in ["call", "pub", "sub"] {
        let output = wamp([command, "x"]).to(url).run().exit_code(3).stdout("");
        output.stderr(&format!(
            "error: cannot connect to {url}: connection refused\n\
             hint: is a router running there? start one: wamp router --listen :1\n"
        ));
    }
}

#[test]
fn something_else_than_a_router_is_3() {
    let router = Router::start();
    let elsewhere = router.url().replace("/ws", "/elsewhere");
    let output = wamp(["call", "x"]).to(&elsewhere).run().exit_code(3);
    output.stderr_contains("the server answered HTTP 404 Not Found");
    let output = wamp(["call", "x"])
        .to("ws://no-such-host.invalid/ws")
        .run()
        .exit_code(3);
    output.stderr_contains("the name \"no-such-host.invalid\" cannot be resolved");
}

#[test]
fn an_unknown_realm_is_4() {
    let router = Router::start();
    let output = wamp(["call", "x", "-R", "nowhere"])
        .to(router.url())
        .run()
        .exit_code(4);
    let output = output
        .stdout("")
        .stderr_contains("has no realm \"nowhere\"");
    output.stderr_contains("hint: name another with -R");
}

#[test]
fn too_late_is_5() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/ws", silent.local_addr().unwrap());
    let output = wamp(["call", "x", "-T", "200ms"])
        .to(&url)
        .run()
        .exit_code(5);
    output.stderr_contains("no answer within 200ms while shaking hands");

    let router = Router::start();
    let _slow = callee(&router, ["slow", "--exec", "sleep 60"]);
    for (words, said) in [
        (
            &["call", "slow"] as &[&str],
            "no answer from procedure \"slow\" within 200ms",
        ),
        (&["sub", "t", "-n", "2"], "0 of 2 events came within 200ms"),
        (
            &["register", "p", "--echo", "-n", "1"],
            "fewer than 1 calls came within 200ms",
        ),
    ] {
        let output = wamp(words).args(["-T", "200ms"]).to(router.url()).run();
        output.exit_code(5).stdout("").stderr_contains(said);
    }
}

#[test]
fn what_the_router_refuses_is_6() {
    let router = Router::start();
    let _taken = callee(&router, ["taken", "--echo"]);
    for (words, said) in [
        (
            &["call", "nope"] as &[&str],
            "no procedure \"nope\" in realm1 (wamp.error.no_such_procedure)",
        ),
        (&["call", "a..b"], "wamp.error.invalid_uri"),
        (&["pub", "a b"], "wamp.error.invalid_uri"),
        (&["pub", "wamp.x"], "topic \"wamp.x\": "),
        (&["sub", "a b"], "wamp.error.invalid_uri"),
        (
            &["register", "taken", "--echo"],
            "wamp.error.procedure_already_exists",
        ),
    ] {
        let output = wamp(words).to(router.url()).run().exit_code(6).stdout("");
        output.stderr_contains(said);
    }
}

#[test]
fn an_unacknowledged_event_is_not_refused() {
    let router = Router::start();
    wamp(["pub", "a b", "--ack=false"])
        .to(router.url())
        .run()
        .stderr("")
        .exit_code(0);
}

#[test]
fn a_lost_session_is_7() {
    let router = Router::start();
    let _slow = callee(&router, ["slow", "--exec", "sleep 60"]);
    let call = wamp(["call", "slow", "-vv"]).to(router.url()).start();
    call.wait_for_line("> CALL");
    drop(router);
    call.finish()
        .exit_code(7)
        .stdout("")
        .stderr_contains("session lost: ");
}

#[test]
fn what_differs_from_what_was_expected_is_8() {
    let router = Router::start_with(["--demo"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("steps.toml");
    std::fs::write(
        &file,
        "[[step]]\ncall = \"sum\"\nargs = [3, 5]\nexpect = 9\n",
    )
    .unwrap();
    let ran = wamp(["run"]).arg(&file).to(router.url()).run();
    ran.stderr("error: 1 of 1 steps failed\n").exit_code(8);
}

#[test]
fn what_this_machine_lacks_is_9() {
    let output = wamp(["call", "x", "@/no/such/file"])
        .run()
        .exit_code(9)
        .stdout("");
    output.stderr(
        "error: cannot read \"/no/such/file\": no such file or directory\n\
         hint: to send the text itself: @@/no/such/file\n",
    );
    wamp(["call", "x", "@json:none"])
        .run()
        .exit_code(9)
        .stderr_contains("hint: to send the text itself: @@json:none\n");
    for words in [
        &["call", "x", "@env:WAMP_NO_SUCH_VARIABLE"] as &[&str],
        &["register", "x", "--exec", "no-such-program-here"],
        &["register", "x", "--exec", "./no-such-program-here a"],
        &["register", "x", "--exec", "/etc/passwd"],
        &["register", "x", "--exec", "/etc"],
    ] {
        wamp(words).run().exit_code(9).stdout("");
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = wamp(["router", "--listen", &address]).run();
    output.exit_code(9).stdout("").stderr(&format!(
        "error: cannot listen on {address}: address already in use\n\
         hint: is another router running there? choose another port, or let one be picked: --listen :0\n"
    ));
    for malformed in ["9000", ":99999", "ws://127.0.0.1:0/ws", "::1:9000"] {
        let output = wamp(["router", "--listen", malformed]).run();
        output
            .exit_code(2)
            .stdout("")
            .stderr_contains(":9000 for loopback");
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("bad.json"), "[1,").unwrap();
    let output = wamp(["pub", "t", "@json:bad.json"]).dir(dir.path()).run();
    output
        .exit_code(9)
        .stderr_contains("\"bad.json\" is not JSON");
}

#[test]
fn a_raw_websocket_is_told_from_a_router() {
    let router = Router::start_with(["--demo"]);
    for path in ["/echo", "/count"] {
        let url = router.url().replace("/ws", path);
        let call = wamp(["call", "x"]).to(&url).run().exit_code(3);
        call.stderr_contains(&format!("or a raw WebSocket? for one: wamp ws {url}\n"));
    }
}
