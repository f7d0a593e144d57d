//! `wamp sub`: when it ends, what it begins with, and what it does with an event.

use super::ws::terminal::Terminal;
use super::{folder, into_head, publish, subscriber};
use crate::support::{Router, wamp};

#[test]
fn it_ends_after_a_time_or_a_silence() {
    let router = Router::start();
    let sub = |flags: &[&str]| {
        wamp(["sub", "t"])
            .args(flags)
            .to(router.url())
            .run()
            .stdout("")
    };
    sub(&["--for", "50ms"]).exit_code(0);
    sub(&["--idle", "50ms"]).exit_code(0);
    sub(&["--for", "50ms", "-n", "1"])
        .exit_code(5)
        .stderr_contains("0 of 1 events came within 50ms");
    sub(&["--idle", "50ms", "-n", "2"]).exit_code(5);
    let mut events = subscriber(&router, ["t", "--idle", "2s", "-n", "2"]);
    publish(&router, ["t"]);
    events.next_line();
    let output = events.finish().exit_code(5);
    output.stderr_contains("1 of 2 events came within 2s");
}

#[test]
fn it_begins_with_the_last_events_that_the_router_remembers() {
    let folder = folder(
        r#"
[[realms]]
name = "realm1"
history = [{ uri = "kept.", match = "prefix", events_max = 10 }]
roles = [{ name = "anonymous", rules = [{ uri = "", match = "prefix", allow = ["call", "register", "publish", "subscribe"] }] }]
"#,
    );
    let config = folder.path().join("wamp.toml");
    let router = Router::start_with(["--config", config.to_str().unwrap()]);
    // History is kept for those who have subscribed.
    let _kept = subscriber(&router, ["kept."]);
    for value in ["1", "2", "3"] {
        publish(&router, ["kept.a", value]);
    }
    let last = wamp([
        "sub",
        "kept.",
        "--last",
        "2",
        "--for",
        "100ms",
        "--jq",
        "[.topic,.args[0]]",
    ]);
    let last = last.to(router.url()).run().exit_code(0);
    last.stdout("[\"kept.a\",2]\n[\"kept.a\",3]\n");
    let first = wamp(["sub", "kept.", "--last", "9", "-n", "1", "--data"]).to(router.url());
    first.run().exit_code(0).stdout("1\n");
}

#[test]
fn a_router_that_remembers_nothing_is_said_so() {
    let router = Router::start();
    let sub = wamp(["sub", "t", "--last", "2", "--for", "50ms"])
        .to(router.url())
        .run();
    let sub = sub.exit_code(0).stdout("");
    sub.stderr_contains("-- no earlier events of \"t\": wamp.error.no_such_procedure");
}

#[test]
fn a_program_is_run_for_each_event() {
    let router = Router::start();
    let line = "printf '%s %s ' \"$WAMP_TOPIC\" \"$WAMP_ARG0\"; cat";
    let events = subscriber(&router, ["t.", "-n", "2", "--sh", "--exec", line]);
    publish(&router, ["t.1", "a b", "k=v"]);
    publish(&router, ["t.2"]);
    let output = events.finish().exit_code(0).stdout;
    let lines: Vec<&str> = output.lines().collect();
    assert!(
        lines[0]
            .starts_with("t.1 a b {\"topic\":\"t.1\",\"args\":[\"a b\"],\"kwargs\":{\"k\":\"v\"},"),
        "{output}"
    );
    assert!(lines[1].starts_with("t.2  {\"topic\":\"t.2\""), "{output}");
}

#[test]
fn a_program_that_fails_is_told_and_ends_a_strict_command() {
    let router = Router::start();
    let lenient = subscriber(&router, ["t", "-n", "2", "--exec", "sh -c 'exit 3'"]);
    let strict = subscriber(&router, ["t", "--strict", "--exec", "false"]);
    let slow = subscriber(
        &router,
        [
            "t",
            "--strict",
            "--exec",
            "sleep 600",
            "--exec-timeout",
            "100ms",
        ],
    );
    publish(&router, ["t"]);
    publish(&router, ["t"]);
    let lenient = lenient.finish().exit_code(0);
    assert_eq!(
        lenient
            .stderr
            .matches("-- --exec: \"sh\" exited with 3")
            .count(),
        2
    );
    strict
        .finish()
        .exit_code(8)
        .stderr_contains("error: --exec: \"false\" exited with 1");
    slow.finish()
        .exit_code(8)
        .stderr_contains("\"sleep\" did not end within 100ms");
    for flags in [
        &["--exec", "no-such-program-here"][..],
        &["--exec", "./no/such/file"],
    ] {
        let missing = wamp(["sub", "t"]).args(flags).to(router.url()).run();
        missing.exit_code(9).stderr_contains("there is no program");
    }
}

#[test]
fn events_wait_for_busy_programs_or_are_left_out() {
    let router = Router::start();
    let dir = tempfile::tempdir().unwrap();
    let made = std::process::Command::new("mkfifo")
        .args(["1", "4", "5"])
        .current_dir(dir.path())
        .status();
    assert!(made.unwrap().success());
    let script = "echo $WAMP_ARG0; read line <$WAMP_ARG0";
    let start = |flags: &[&str]| {
        let sub = wamp(["sub", "t", "--sh", "--exec", script]).args(flags);
        let sub = sub.dir(dir.path()).to(router.url()).start();
        sub.wait_for_line("-- subscribed");
        sub
    };
    let mut dropping = start(&["-n", "3", "--overflow", "drop"]);
    for value in ["1", "2", "3"] {
        publish(&router, ["t", value]);
    }
    assert_eq!(dropping.next_line(), "1");
    release(dir.path(), "1");
    let dropped = dropping.finish().exit_code(0).stdout("1\n");
    dropped.stderr_contains("-- 2 events left out: the programs were busy");
    // Two at a time, or they would wait for each other.
    let mut two = start(&["-n", "2", "--jobs", "2"]);
    publish(&router, ["t", "4"]);
    publish(&router, ["t", "5"]);
    let mut lines = [two.next_line(), two.next_line()];
    lines.sort();
    assert_eq!(lines, ["4", "5"]);
    release(dir.path(), "4");
    release(dir.path(), "5");
    two.finish().exit_code(0);
}

/// Lets the program of one event go on. Each has a pipe of its own: one could end with another's line unread.
#[track_caller]
fn release(dir: &std::path::Path, event: &str) {
    std::fs::write(dir.join(event), "\n").unwrap();
}

#[test]
fn topics_are_counted_on_a_pipe_and_a_graph_is_refused_there() {
    let router = Router::start();
    let top = subscriber(&router, ["t.", "--top", "-n", "3", "-o", "json"]);
    for topic in ["t.a", "t.b", "t.b"] {
        publish(&router, [topic]);
    }
    let counted = top.finish().exit_code(0).stdout;
    let lines: Vec<&str> = counted.lines().collect();
    assert!(
        lines[0].starts_with("{\"topic\":\"t.b\",\"events\":2,\"rate\":"),
        "{counted}"
    );
    assert!(
        lines[1].starts_with("{\"topic\":\"t.a\",\"events\":1,"),
        "{counted}"
    );
    let graph = wamp(["sub", "t", "--graph"]).to(router.url()).run();
    graph
        .exit_code(2)
        .stderr_contains("--graph draws on a terminal");
}

#[test]
fn counts_and_bars_are_drawn_on_a_terminal() {
    let router = Router::start();
    let start = |flag: &str, count: &str| {
        let words = ["sub", "-u", router.url(), "t.", flag, "-n", count];
        let terminal = Terminal::run(&words, |_, _| {});
        terminal.wait("subscribed", |lines| {
            lines.iter().any(|line| line.contains("-- subscribed"))
        });
        terminal
    };
    let top = start("--top", "3");
    let graph = start("--graph", "3");
    for topic in ["t.a", "t.b"] {
        publish(&router, [topic]);
    }
    top.wait("both topics", |lines| {
        let is_shown = |topic| lines.iter().any(|line| line.starts_with(topic));
        is_shown("topic  events  per second") && is_shown("t.a    1") && is_shown("t.b    1")
    });
    graph.wait("bars", |lines| {
        lines.iter().any(|line| line.contains("/s, most "))
    });
    publish(&router, ["t.b"]);
    let (code, lines) = top.finish();
    assert_eq!(code, 0);
    let of_b: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("t.b"))
        .collect();
    assert!(
        of_b.len() == 1 && of_b[0].starts_with("t.b    2"),
        "{lines:#?}"
    );
    assert_eq!(graph.finish().0, 0);
}

#[test]
fn an_interrupted_subscriber_does_not_wait_for_its_programs() {
    let router = Router::start();
    let sub = subscriber(
        &router,
        ["t", "--sh", "--exec", "echo started; exec sleep 600"],
    );
    publish(&router, ["t"]);
    sub.wait_for_line("started");
    sub.interrupt();
    sub.finish().exit_code(130).stdout("started\n");
}

#[test]
fn a_reader_that_takes_one_line_ends_it() {
    let router = Router::start();
    let mut piped = into_head(&router, "sub t");
    piped.wait_for_line("-- subscribed");
    publish(&router, ["t", "1"]);
    assert!(piped.next_line().contains("\"args\":[1]"));
    // No second event is needed.
    piped.finish().exit_code(141);
}
