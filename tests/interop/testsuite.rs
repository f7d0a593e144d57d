//! The Autobahn|Testsuite's base cases, all but those on compression, on everything of ours that echoes.

use std::collections::BTreeMap;
use std::process::Command;
use std::thread;

use serde_json::Value;

use crate::peer::installed;
use crate::support::{Program, Router, wamp};

/// How many base cases there are.
const CASES: usize = 301;

/// May be found non-strict: a message that is no UTF-8 ends the connection when all of it has come, not at the first wrong byte.
const NON_STRICT: [&str; 2] = ["6.4.3", "6.4.4"];

/// How many processes of `wamp ws` are tested at once.
const AT_ONCE: usize = 4;

#[test]
fn wamp_echo_passes() {
    let mut echo = wamp(["echo", "127.0.0.1:0"]).start();
    server_passes(&echo.next_line());
}

#[test]
fn the_echo_of_the_demo_router_passes() {
    let router = Router::start_with(["--demo"]);
    let (origin, _) = router.url().rsplit_once('/').unwrap();
    server_passes(&format!("{origin}/echo"));
}

#[test]
fn wamp_ws_as_a_mirror_passes() {
    let mut testsuite = testsuite(&["server"]);
    let url = testsuite.next_line();
    let count = wamp(["ws", &format!("{url}/getCaseCount"), "-n", "1"]).run();
    count.stdout(&format!("{CASES}\n"));
    thread::scope(|scope| {
        for first in 1..=AT_ONCE {
            let url = &url;
            scope.spawn(move || {
                for case in (first..=CASES).step_by(AT_ONCE) {
                    let url = format!("{url}/runCase?case={case}&agent=wamp");
                    // It ends with 7 where the case is to break the connection.
                    wamp(["ws", &url, "--mirror"]).run();
                }
            });
        }
    });
    wamp(["ws", &format!("{url}/updateReports?agent=wamp")]).run();
    assert_passed(testsuite);
}

#[track_caller]
fn server_passes(url: &str) {
    assert_passed(testsuite(&["client", url]));
}

/// Reads a verdict for each case, and fails with those that say that a rule was broken.
#[track_caller]
fn assert_passed(mut testsuite: Program) {
    let verdicts: BTreeMap<_, _> = (0..CASES)
        .map(|_| {
            let verdict: Value = serde_json::from_str(&testsuite.next_line()).unwrap();
            (verdict["case"].to_string(), verdict)
        })
        .collect();
    assert_eq!(verdicts.len(), CASES, "some case ran twice");
    let broken: Vec<_> = verdicts
        .values()
        .filter(|verdict| !passed(verdict))
        .map(Value::to_string)
        .collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// Whether a rule was kept, or there is none for the case.
fn passed(verdict: &Value) -> bool {
    let is = |key: &str, allowed: &[&str]| allowed.contains(&verdict[key].as_str().unwrap());
    let kept = ["OK", "INFORMATIONAL"];
    let non_strict = is("case", &NON_STRICT) && is("behavior", &["NON-STRICT"]);
    (is("behavior", &kept) || non_strict) && is("close", &kept)
}

/// Starts what `tests/run` found to run the cases: see `peers/testsuite_original.py`.
#[track_caller]
fn testsuite(args: &[&str]) -> Program {
    let mut command = Command::new(installed("testsuite"));
    command.args(args);
    Program::start(command)
}
