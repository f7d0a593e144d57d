//! The tutorial's directory lister, written with autobahn-python, runs unchanged on our router and on Crossbar.io.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::crossbar;
use crate::peer::python;
use crate::support::{Program, Router, wamp};

#[test]
fn wamp_sub_follows_the_lister_on_our_router() {
    let router = Router::start();
    wamp_sub_follows_the_lister(router.url());
}

#[test]
fn wamp_sub_follows_the_lister_on_crossbar() {
    wamp_sub_follows_the_lister(crossbar::url());
}

#[track_caller]
fn wamp_sub_follows_the_lister(url: &str) {
    let dir = TempDir::new().unwrap();
    for file in ["a.txt", "b.txt", "c.py", "without", "no-part.x-y"] {
        fs::write(dir.path().join(file), "").unwrap();
    }
    let subscribe = |pattern: &str, note: &str| {
        let program = wamp(["sub", pattern]).to(url).start();
        program.wait_for_line(&format!("subscribed {note}"));
        program
    };
    let mut everything = subscribe("filewithext.*", r#"prefix "filewithext.""#);
    let mut the_same = subscribe("filewithext.", r#"prefix "filewithext.""#);
    let mut one_part = subscribe("filewithext.+", r#"wildcard "filewithext.""#);
    let mut texts = subscribe("filewithext.txt", r#"exact "filewithext.txt""#);
    let mut command = python("lister.py");
    command.arg(dir.path()).arg(url);
    let lister = Program::start(command);

    for program in [&mut everything, &mut the_same, &mut one_part] {
        until(program, "filewithext.txt", &json!([["a.txt", "b.txt"]]));
        until(program, "filewithext.py", &json!([["c.py"]]));
    }
    fs::write(dir.path().join("new.txt"), "").unwrap();
    until(
        &mut texts,
        "filewithext.txt",
        &json!([["a.txt", "b.txt", "new.txt"]]),
    );
    fs::remove_file(dir.path().join("c.py")).unwrap();
    until(&mut everything, "filewithext.py", &json!([[]]));

    lister.terminate();
    lister.finish();
    texts.interrupt();
    let heard = texts.finish().exit_code(130);
    assert!(
        heard
            .stdout
            .lines()
            .all(|line| line.contains("filewithext.txt")),
        "{}",
        heard.stdout
    );
}

/// Reads events until the one that is waited for; each must be of a topic that the lister has.
#[track_caller]
fn until(program: &mut Program, topic: &str, args: &Value) {
    loop {
        let event: Value = serde_json::from_str(&program.next_line()).unwrap();
        assert!(
            ["filewithext.txt", "filewithext.py"].contains(&event["topic"].as_str().unwrap()),
            "{event}"
        );
        if event["topic"] == topic && event["args"] == *args {
            return;
        }
    }
}
