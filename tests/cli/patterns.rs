//! What `wamp sub` asks for, and what it shows of what comes.

use super::{publish, subscriber};
use crate::support::{Router, wamp};

#[test]
fn the_policy_chosen_is_said() {
    let router = Router::start();
    for (pattern, said) in [
        ("a.b", "exact \"a.b\""),
        ("a.", "prefix \"a.\""),
        ("filewithext.*", "prefix \"filewithext.\""),
        ("a.b*", "prefix \"a.b\""),
        ("a.*.c", "wildcard \"a..c\""),
        ("a..c", "wildcard \"a..c\""),
        ("a.+", "wildcard \"a.\""),
        ("*", "prefix \"\", which is everything"),
        ("a.x*y", "prefix \"a.\", filtered here by \"a.x*y\""),
    ] {
        let program = subscriber(&router, [pattern]);
        program.wait_for_line(&format!("-- subscribed {said}  (Ctrl-C to stop)"));
    }
    let program = subscriber(&router, ["{a,b}.c"]);
    program.wait_for_line("-- subscribed exact \"a.c\"");
    program.wait_for_line("-- subscribed exact \"b.c\"");
    let program = subscriber(&router, ["--match", "wildcard", "a..b"]);
    program.wait_for_line("-- subscribed wildcard \"a..b\"");
}

#[test]
fn what_routers_cannot_express_is_filtered_here() {
    let router = Router::start();
    let mut program = subscriber(&router, ["a.x*y", "-n", "2", "-r"]);
    for topic in ["a.xay", "a.x", "a.y", "a.xyz", "a.xy"] {
        publish(&router, [topic, topic]);
    }
    assert_eq!(
        [program.next_line(), program.next_line()],
        ["a.xay", "a.xy"]
    );
    program.finish().exit_code(0);
}

#[test]
fn a_pattern_that_a_shell_has_expanded_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["filewithext.py", "filewithext.txt"] {
        std::fs::write(dir.path().join(name), "").unwrap();
    }
    let sub = |words: &[&str]| {
        wamp(["sub"])
            .args(words)
            .dir(dir.path())
            .to("ws://127.0.0.1:1/ws")
    };
    let output = sub(&["filewithext.py", "filewithext.txt"])
        .run()
        .exit_code(2);
    let output = output.stderr_contains("all 2 patterns are files here");
    output.stderr_contains("wamp sub 'filewithext.*'");
    let output = sub(&["filewithext.py"]).run().exit_code(3);
    output.stderr_contains("-- \"filewithext.py\" is a file here");
    let files = ["filewithext.py", "filewithext.txt"];
    sub(&files)
        .env("WAMP_NO_GLOB_CHECK", "1")
        .run()
        .exit_code(3);
    sub(&files).args(["--match", "exact"]).run().exit_code(3);
}
