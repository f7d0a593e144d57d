//! The tutorial's directory lister, written with autobahn-python, runs unchanged on our router and on Crossbar.io.
//! `wamp router --demo` publishes the same.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::crossbar;
use crate::peer::python;
use crate::support::{Program, Router, wamp};

/// No extension, or none that may be a part of a URI.
const LEFT_OUT: [&str; 5] = ["without", "dot.", ".hidden", "sharp.c#", "blank.a b"];

#[test]
fn wamp_sub_follows_the_lister_on_our_router() {
    let router = Router::start();
    let dir = directory();
    let subscribers = Subscribers::to(router.url());
    let lister = lister(&dir, router.url());
    subscribers.follow(&dir);
    lister.terminate();
    lister.finish();
}

#[test]
fn wamp_sub_follows_the_lister_on_crossbar() {
    let dir = directory();
    let subscribers = Subscribers::to(crossbar::url());
    let lister = lister(&dir, crossbar::url());
    subscribers.follow(&dir);
    lister.terminate();
    lister.finish();
}

#[test]
fn wamp_sub_follows_the_demo_router() {
    let dir = directory();
    let router = Router::start_in(&dir, ["--demo"]);
    Subscribers::to(router.url()).follow(&dir);
}

fn directory() -> TempDir {
    let dir = TempDir::new().unwrap();
    for file in ["a.txt", "b.txt", "c.py"].iter().chain(&LEFT_OUT) {
        fs::write(dir.path().join(file), "").unwrap();
    }
    fs::create_dir(dir.path().join("directory.txt")).unwrap();
    dir
}

#[track_caller]
fn lister(dir: &TempDir, url: &str) -> Program {
    let mut command = python("lister.py");
    command.arg(dir.path()).arg(url);
    Program::start(command)
}

/// `wamp sub` in all the ways to say which of a lister's topics.
struct Subscribers {
    everything: Program,
    the_same: Program,
    one_part: Program,
    texts: Program,
}

impl Subscribers {
    #[track_caller]
    fn to(url: &str) -> Self {
        let subscribe = |pattern: &str, note: &str| {
            let program = wamp(["sub", pattern]).to(url).start();
            program.wait_for_line(&format!("subscribed {note}"));
            program
        };
        Self {
            everything: subscribe("filewithext.*", r#"prefix "filewithext.""#),
            the_same: subscribe("filewithext.", r#"prefix "filewithext.""#),
            one_part: subscribe("filewithext.+", r#"wildcard "filewithext.""#),
            texts: subscribe("filewithext.txt", r#"exact "filewithext.txt""#),
        }
    }

    /// Changes what is in the directory and expects the events that say so.
    #[track_caller]
    fn follow(mut self, dir: &TempDir) {
        for program in [&mut self.everything, &mut self.the_same, &mut self.one_part] {
            until(program, "filewithext.txt", &json!([["a.txt", "b.txt"]]));
            until(program, "filewithext.py", &json!([["c.py"]]));
        }
        fs::write(dir.path().join("new.txt"), "").unwrap();
        let all_texts = json!([["a.txt", "b.txt", "new.txt"]]);
        until(&mut self.texts, "filewithext.txt", &all_texts);

        fs::remove_file(dir.path().join("c.py")).unwrap();
        until(&mut self.everything, "filewithext.py", &json!([[]]));
        // Three times, as there is an order between the topics only if the lister has one: the last of them is of a later time.
        for _ in 0..3 {
            let event = next_event(&mut self.everything);
            assert_eq!(
                event["topic"], "filewithext.txt",
                "the empty list comes once"
            );
        }

        self.texts.interrupt();
        let heard = self.texts.finish().exit_code(130).stdout;
        assert!(
            heard.lines().all(|line| line.contains("filewithext.txt")),
            "{heard}"
        );
    }
}

/// Takes events until the one that is waited for.
#[track_caller]
fn until(program: &mut Program, topic: &str, args: &Value) {
    loop {
        let event = next_event(program);
        if event["topic"] == topic && event["args"] == *args {
            return;
        }
    }
}

/// Takes the next event; it must be of a topic that the lister has.
#[track_caller]
fn next_event(program: &mut Program) -> Value {
    let event: Value = serde_json::from_str(&program.next_line()).unwrap();
    assert!(
        ["filewithext.txt", "filewithext.py"].contains(&event["topic"].as_str().unwrap()),
        "{event}"
    );
    event
}
