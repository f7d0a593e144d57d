//! The commands that look at a router and act on it, on a router that nobody here wrote: Crossbar.io.
//!
//! In a realm of their own, where nobody else comes and goes.

use std::sync::OnceLock;

use serde_json::Value;

use crate::crossbar::{Crossbar, realm};
use crate::support::{Output, Program, Wamp, wamp};

fn url() -> &'static str {
    static CROSSBAR: OnceLock<Crossbar> = OnceLock::new();
    let start = || {
        Crossbar::start(
            &["listed", "watched", "killed"].map(|name| realm(name, ["anonymous"], true)),
        )
    };
    CROSSBAR.get_or_init(start).url()
}

/// One of our commands, in a realm of Crossbar.io's.
fn in_realm(realm: &str, words: &[&str]) -> Wamp {
    wamp(words).arg("-R").arg(realm).to(url())
}

fn records(output: &Output) -> Vec<Value> {
    output
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn callee(realm: &str, procedure: &str) -> Program {
    let callee = in_realm(realm, &["register", procedure, "--echo"]).start();
    callee.wait_for_line("-- registered");
    callee
}

#[test]
fn ls_info_and_describe_tell_of_crossbars_sessions_and_procedures() {
    let run = |words: &[&str]| in_realm("listed", words).run();
    let wait = in_realm("listed", &["wait", "com.a"]).start();
    let wait_topic = in_realm("listed", &["wait", "--topic", "com.b.c"]).start();
    let _callee = callee("listed", "com.a");
    let subscriber = in_realm("listed", &["sub", "com.b."]).start();
    subscriber.wait_for_line("-- subscribed");
    wait.finish().exit_code(0);
    wait_topic.finish().exit_code(0);
    let procedures = records(&run(&["ls", "procs", "com.a"]).exit_code(0));
    assert_eq!(
        (&procedures[0]["uri"], &procedures[0]["callees"]),
        (&"com.a".into(), &1.into())
    );
    let topics = records(&run(&["ls", "topics", "com.b."]).exit_code(0));
    assert_eq!(
        (&topics[0]["uri"], &topics[0]["match"]),
        (&"com.b.".into(), &"prefix".into())
    );
    let sessions = records(&run(&["ls", "sessions"]).exit_code(0));
    assert!(sessions.iter().any(|it| it["self"] == true), "{sessions:?}");
    run(&["ls"]).exit_code(0).stdout_contains("\"com.a\"");
    let info = records(&run(&["info", "com.a"]).exit_code(0));
    let session = info[0]["callees"][0].as_u64().unwrap().to_string();
    let of_session = records(&run(&["info", &session]).exit_code(0));
    assert_eq!(of_session[0]["authrole"], "anonymous");
    run(&["describe", "com.a"])
        .stdout_contains("\"uri\":\"com.a\"")
        .stderr_contains("the router has no reflection")
        .exit_code(0);
    run(&["info", "com.nobody"]).exit_code(6);
    run(&["wait", "com.nobody", "-T", "50ms"]).exit_code(5);
}

#[test]
fn watch_and_kill_work_on_crossbar() {
    let mut watch = in_realm("killed", &["watch", "procs"]).start();
    watch.wait_for_line("-- watching");
    let callee = callee("killed", "com.a");
    for event in ["registration.on_create", "registration.on_register"] {
        let record: Value = serde_json::from_str(&watch.next_line()).unwrap();
        assert_eq!(
            (&record["event"], &record["uri"]),
            (&event.into(), &"com.a".into()),
            "{record}"
        );
    }
    let info = records(&in_realm("killed", &["info", "com.a"]).run());
    let session = info[0]["callees"][0].as_u64().unwrap().to_string();
    in_realm("killed", &["kill", &session, "--yes"])
        .run()
        .stdout("1\n")
        .exit_code(0);
    callee.finish().exit_code(7);
}

#[test]
fn ping_doctor_and_probe_work_on_crossbar() {
    let run = |words: &[&str]| in_realm("watched", words).run();
    run(&["ping", "-n", "2", "--every", "0"])
        .stderr_contains("-- 2 answers")
        .exit_code(0);
    let doctor = run(&["doctor"]).exit_code(0);
    let stages = records(&doctor);
    assert!(stages.iter().all(|it| it["ok"] == true), "{stages:?}");
    doctor.stdout_contains("router Crossbar");
    run(&["probe"]).stdout_contains("WAMP OK - ").exit_code(0);
    run(&["probe", "--prometheus"])
        .stdout_contains("\nwamp_sessions 1\n")
        .exit_code(0);
}
