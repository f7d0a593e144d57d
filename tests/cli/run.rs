//! `wamp run`: steps of a file, what is expected of them, and the report.

use std::fs;

use tempfile::TempDir;

use crate::support::{Output, Router, wamp};

/// Runs a file of this name and text against a router of its own.
fn run(name: &str, text: &str, words: &[&str]) -> (Output, TempDir) {
    let router = Router::start_with(["--demo"]);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    let ran = wamp(["run", name])
        .args(words)
        .to(router.url())
        .dir(folder.path())
        .run();
    (ran, folder)
}

/// How each step went: its name, whether it did, and why not.
fn verdicts(ran: &Output) -> Vec<(String, bool, String)> {
    let of = |line: &str| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |name| record[name].as_str().unwrap_or_default().to_owned();
        (text("step"), record["ok"].as_bool().unwrap(), text("why"))
    };
    ran.stdout.lines().map(of).collect()
}

const GOOD: &str = r#"
[[step]]
register = "com.example.user"
invocation = { args = ["ada"] }
yield = { args = [{ id = 7, name = "Ada", tags = ["a", "b"] }] }

[[step]]
name = "the user is found"
call = "com.example.user"
args = ["ada"]
contains = { name = "Ada", tags = ["b"] }
capture = { id = "/id", all = "" }

[[step]]
sub = "com.example."
options = { match = "prefix" }

[[step]]
pub = "com.example.seen"
args = ["$id", "$$id"]
kwargs = { who = "$all" }

[[step]]
event = "com.example."
expect = { args = [7, "$$id"], kwargs = { who = "$all" } }
within = "5s"

[[step]]
call = "sum"
args = [3, 5]
expect = 8

[[step]]
call = "com.example.nobody"
error = "wamp.error.no_such_procedure"
"#;

#[test]
fn steps_that_go_as_expected_are_0() {
    let (ran, folder) = run("steps.toml", GOOD, &["--junit", "report.xml"]);
    let ran = ran.stderr("").exit_code(0);
    let told = verdicts(&ran);
    assert_eq!(told.len(), 7);
    assert!(told.iter().all(|(_, ok, _)| *ok), "{told:?}");
    assert_eq!(told[1].0, "the user is found");
    let report = fs::read_to_string(folder.path().join("report.xml")).unwrap();
    assert!(
        report.contains("name=\"steps.toml\" tests=\"7\" failures=\"0\""),
        "{report}"
    );
}

#[test]
fn what_differs_is_8_and_says_what_was_expected_and_what_came() {
    let text = r#"
step:
- call: sum
  args: [3, 5]
  expect: 9
- call: sum
  args: [3, 5]
  contains: {a: 1}
- call: nobody
- call: sum
  error: com.example.wrong
- call: sum
  args: ["$missing"]
- register: com.example.p
  invocation: {args: [1]}
- call: com.example.p
  args: [2]
- sub: com.example.t
- event: com.example.t
  within: 50ms
"#;
    let (ran, folder) = run("steps.yaml", text, &["--junit", "report.xml"]);
    let ran = ran.stderr("error: 7 of 10 steps failed\n").exit_code(8);
    let told: Vec<(bool, String)> = verdicts(&ran)
        .into_iter()
        .map(|(_, ok, why)| (ok, why))
        .collect();
    for (index, why) in [
        (0, "expected 9, got 8"),
        (1, "expected somewhere in it {\"a\":1}, got 8"),
        (2, "wamp.error.no_such_procedure"),
        (3, "expected com.example.wrong, and it went well"),
        (4, "nothing was captured as \"missing\""),
        (8, "no event of \"com.example.t\" within 50ms"),
        (
            9,
            "expected {\"args\":[1],\"kwargs\":{}}, got {\"args\":[2],\"kwargs\":{}}",
        ),
    ] {
        assert!(
            !told[index].0 && told[index].1.contains(why),
            "{index}: {told:#?}"
        );
    }
    let report = fs::read_to_string(folder.path().join("report.xml")).unwrap();
    assert!(report.contains("tests=\"10\" failures=\"7\""), "{report}");
    assert!(
        report.contains("<failure message=\"expected 9, got 8\"/>"),
        "{report}"
    );
    let (ran, _folder) = run("steps.yaml", text, &["--fail-fast"]);
    assert_eq!(verdicts(&ran.exit_code(8)).len(), 1);
}

#[test]
fn wicks_file_is_understood() {
    // As `wick compose init` writes it, with other names.
    let text = r#"version: "0.1"

tasks:
  - name: register a procedure
    type: register
    procedure: com.example.sample
    options:
      invoke: roundrobin
    invocation:
      args:
        - argument1
      kwargs:
        something: notreally
    yield: # the result
      args:
        - hello
      kwargs:
        city: multan

  - name: call a procedure
    type: call
    procedure: com.example.sample
    options:
      disclose_me: true
    parameters:
      args:
        - argument1
      kwargs:
        something: notreally
    result:
      args:
        - hello
      kwargs:
        city: multan

  - name: subscribe to something
    type: subscribe
    topic: com.example.tick
    event:
      args:
        - argument1
        - 7

  - name: publish to a topic
    type: publish
    topic: com.example.tick
    options:
      acknowledge: true
    parameters:
      args:
        - argument1
        - 7
"#;
    let (ran, _folder) = run("wick.yaml", text, &[]);
    let told = verdicts(&ran.exit_code(0));
    let last = (
        "subscribe to something: its event".to_owned(),
        true,
        String::new(),
    );
    assert_eq!(told.last(), Some(&last), "{told:?}");
    let (ran, _folder) = run(
        "wick.yaml",
        &text.replace(
            "city: multan\n\n  - name: sub",
            "city: lahore\n\n  - name: sub",
        ),
        &[],
    );
    ran.stdout_contains("lahore").exit_code(8);
}

#[test]
fn a_file_that_makes_no_sense_is_9_and_nothing_is_done() {
    for (name, text, said) in [
        ("a.toml", "[[step]\n", "a.toml: line 1: "),
        (
            "a.toml",
            "[[step]]\ncall = 1\n",
            "a.toml: step 1: call is a text",
        ),
        (
            "a.toml",
            "[[step]]\ncall = \"x\"\nexpects = 1\n",
            "step 1: \"expects\" is no setting of such a step",
        ),
        ("a.yaml", "step: [1\nx: 2\n", "a.yaml: "),
        (
            "wick.yaml",
            "tasks:\n- type: dance\n",
            "the type \"dance\" is none of register, call",
        ),
        ("a.yaml", "- call: sum\n", "it is no table of steps"),
    ] {
        let (ran, _folder) = run(name, text, &[]);
        ran.stdout("").stderr_contains(said).exit_code(9);
    }
    wamp(["run", "/no/such/file"])
        .run()
        .stderr_contains("cannot read /no/such/file")
        .exit_code(9);
}

#[test]
fn a_router_that_is_not_there_is_3_and_a_session_that_is_lost_7() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.toml");
    fs::write(&file, "[[step]]\ncall = \"x\"\n").unwrap();
    wamp(["run"])
        .arg(&file)
        .args(["-u", "ws://127.0.0.1:1/ws"])
        .run()
        .exit_code(3);
    let router = Router::start();
    fs::write(&file, "[[step]]\nname = \"end us\"\ncall = \"wamp.session.kill_all\"\n[[step]]\nevent = \"t\"\n[[step]]\nsub = \"t\"\n").unwrap();
    let ran = wamp(["run"]).arg(&file).to(router.url()).run();
    ran.stderr_contains("session lost").exit_code(7);
}
