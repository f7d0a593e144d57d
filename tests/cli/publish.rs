//! `wamp pub`: who gets an event, how often it goes out, and streams of them.

use super::ws::terminal::Terminal;
use super::{publish, subscriber};
use crate::support::{Router, wamp};

#[test]
fn each_record_of_stdin_says_where_to_and_what() {
    let router = Router::start();
    let filter = "[.topic,.args,.kwargs]";
    let mut events = subscriber(&router, ["a.", "-n", "4", "--jq", filter]);
    let records =
        "{\"topic\":\"a.b\",\"args\":[1],\"kwargs\":{\"k\":\"v\"}}\n{\"topic\":\"a.c\"}\n";
    let each = wamp(["pub", "--each", "json"])
        .to(router.url())
        .stdin(records);
    each.run().stdout("").stderr("").exit_code(0);
    let each = wamp(["pub", "a.d", "--each", "line"]).to(router.url());
    each.stdin("x\ny").run().exit_code(0);
    for expected in [
        "[\"a.b\",[1],{\"k\":\"v\"}]",
        "[\"a.c\",[],{}]",
        "[\"a.d\",[\"x\"],{}]",
        "[\"a.d\",[\"y\"],{}]",
    ] {
        assert_eq!(events.next_line(), expected);
    }
    events.finish().exit_code(0);
}

#[test]
fn what_sub_prints_can_be_published_again() {
    let router = Router::start();
    let events = subscriber(&router, ["a", "-n", "1", "--details"]);
    publish(&router, ["a", "1", "b=@hex:00"]);
    let printed = events.finish().exit_code(0).stdout;
    let again = subscriber(&router, ["a", "-n", "1", "--data"]);
    let each = wamp(["pub", "--each", "json"]).to(router.url());
    each.stdin(printed).run().exit_code(0);
    let data = "{\"args\":[1],\"kwargs\":{\"b\":\"\\u0000AA==\"}}\n";
    again.finish().exit_code(0).stdout(data);
}

#[test]
fn a_record_that_cannot_be_published_ends_it_and_is_named() {
    let router = Router::start();
    let each = |input: &str| {
        let each = wamp(["pub", "--each", "json"]).to(router.url());
        each.stdin(input).run().exit_code(2).stdout("")
    };
    each("{\"topic\":\"a\"}\n{").stderr_contains("line 2 of stdin is not JSON");
    each("[1]").stderr_contains("a record of stdin names no topic");
    each("{\"a\":1}").stderr_contains("line 1 of stdin: \"a\" is no part of");
    each("99999999999999999999").stderr_contains("does not fit into 64 bits");
    let none = wamp(["pub"]).to(router.url()).run();
    none.exit_code(2).stderr_contains("<TOPIC>");
}

#[test]
fn an_event_goes_out_at_a_pace() {
    let router = Router::start();
    for pace in [&["--every", "1ms"][..], &["--rate", "1000"]] {
        let events = subscriber(&router, ["t", "-n", "5"]);
        let paced = wamp(["pub", "t", "-n", "5"]).args(pace).to(router.url());
        paced.run().exit_code(0);
        events.finish().exit_code(0);
        // Without -n there is no end to it.
        let mut events = subscriber(&router, ["t"]);
        let endless = wamp(["pub", "t"]).args(pace).to(router.url()).start();
        for _ in 0..10 {
            events.next_line();
        }
        endless.interrupt();
        endless.finish().exit_code(130);
    }
    for bad in [["--every", "0"], ["--rate", "0"], ["--rate", "x"]] {
        wamp(["pub", "t"]).args(bad).run().exit_code(2);
    }
}

#[test]
fn only_those_who_are_meant_get_it() {
    let router = Router::start();
    let ann = subscriber(&router, ["t", "-v", "-n", "1"]);
    let bob = subscriber(&router, ["t", "-v", "-n", "1"]);
    let id = |program: &crate::support::Program| {
        let line = program.wait_for_line("as session ");
        let (_, behind) = line.split_once("as session ").unwrap();
        behind.split_once(' ').unwrap().0.to_owned()
    };
    let (ann_id, bob_id) = (id(&ann), id(&bob));
    publish(&router, ["t", "1", "--eligible", &ann_id]);
    publish(
        &router,
        [
            "t",
            "2",
            "--exclude",
            &ann_id,
            "--eligible",
            &format!("{ann_id},{bob_id}"),
        ],
    );
    let args = |program: crate::support::Program| program.finish().exit_code(0).stdout;
    assert!(args(ann).contains("\"args\":[1]"));
    assert!(args(bob).contains("\"args\":[2]"));
    let options = wamp([
        "pub",
        "t",
        "--dry-run",
        "--exclude-authid",
        "a,b",
        "--eligible-authid",
        "c",
        "--exclude-authrole",
        "d",
        "--eligible-authrole",
        "e",
        "--exclude-me=false",
        "--ack=false",
    ]);
    options.run().stdout(
        "[16,1,{\"exclude_me\":false,\"exclude_authid\":[\"a\",\"b\"],\"exclude_authrole\":[\"d\"],\
         \"eligible_authid\":[\"c\"],\"eligible_authrole\":[\"e\"]},\"t\"]\n",
    );
    wamp(["pub", "t", "--eligible", "x"]).run().exit_code(2);
}

#[test]
fn a_kept_event_is_there_for_who_comes_later() {
    let router = Router::start();
    publish(&router, ["t.1", "old", "--retain"]);
    let retained = wamp(["sub", "t.", "--retained", "--details", "-n", "1"]).to(router.url());
    let retained = retained.run().exit_code(0);
    retained
        .stdout_contains("\"args\":[\"old\"]")
        .stdout_contains("\"details\":{\"topic\":\"t.1\",\"retained\":true}");
    let without = wamp(["sub", "t.", "--for", "100ms"]).to(router.url()).run();
    without.exit_code(0).stdout("");
}

#[test]
fn a_directory_is_listed_by_a_shell_script() {
    let router = Router::start();
    let dir = tempfile::tempdir().unwrap();
    for name in ["a.txt", "b \"x\\.txt", "c.py", "none", ".hidden", "x.c#"] {
        std::fs::write(dir.path().join(name), "").unwrap();
    }
    let mut events = subscriber(&router, ["filewithext.", "--jq", "[.topic,.args[0]]"]);
    let line = format!(
        "examples/lister.sh '{}' | '{}' pub --each json -u '{}'",
        dir.path().display(),
        env!("CARGO_BIN_EXE_wamp"),
        router.url()
    );
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &line]);
    let _lister = crate::support::Program::start(command);
    assert_eq!(events.next_line(), "[\"filewithext.py\",[\"c.py\"]]");
    let texts = "[\"filewithext.txt\",[\"a.txt\",\"b \\\"x\\\\.txt\"]]";
    assert_eq!(events.next_line(), texts);
    std::fs::remove_file(dir.path().join("c.py")).unwrap();
    while events.next_line() != "[\"filewithext.py\",[]]" {}
    assert_eq!(events.next_line(), texts, "the empty list comes once");
    assert_eq!(events.next_line(), texts, "the empty list comes once");
}

#[test]
fn a_terminal_shows_how_far_it_is_until_it_ends() {
    let router = Router::start();
    let words = [
        "pub",
        "-u",
        router.url(),
        "t",
        "--rate",
        "100",
        "-n",
        "1000000",
    ];
    let terminal = Terminal::run(&words, |_, _| {});
    let is_shown = |lines: &[String]| lines.iter().any(|line| line.contains(" of 1000000  ["));
    terminal.wait("a bar", is_shown);
    let mut terminal = terminal;
    terminal.type_keys("\x03");
    let (_, lines) = terminal.finish();
    assert!(!is_shown(&lines), "{lines:#?}");
}
