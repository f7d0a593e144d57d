//! `wamp init`: a config to begin with.

use std::fs;

use super::folder;
use crate::support::{Router, wamp};

#[test]
fn the_file_it_writes_is_valid_and_runs_a_router_as_it_is_without_one() {
    let folder = tempfile::tempdir().unwrap();
    wamp(["init"])
        .dir(folder.path())
        .run()
        .exit_code(0)
        .stdout("")
        .stderr("-- wrote wamp.toml; run it: wamp router --config wamp.toml\n");
    wamp(["check", "wamp.toml"])
        .dir(folder.path())
        .run()
        .exit_code(0)
        .stderr("")
        .stdout(
            "listen: 127.0.0.1:8080\npath: /ws\nrealm \"realm1\": anonymous may call, register, publish, subscribe, \
             disclose, kill from loopback, watch from loopback; retention by 1 rule\n",
        );
    let router = Router::start_in(folder.path(), ["--config", "wamp.toml"]);
    wamp(["call", "wamp.session.count"])
        .to(router.url())
        .run()
        .exit_code(0)
        .stdout("1\n");
    wamp(["call", "wamp.session.kill_all"])
        .to(router.url())
        .run()
        .exit_code(0);
    let log = router.interrupt().exit_code(0).stderr;
    assert!(!log.contains("WARN"), "{log}");
}

#[test]
fn a_file_that_is_there_is_written_over_by_force_only() {
    let folder = folder("mine");
    let file = folder.path().join("wamp.toml");
    wamp(["init"])
        .dir(folder.path())
        .run()
        .exit_code(9)
        .stdout("")
        .stderr(
            "error: cannot write wamp.toml: file exists\n\
             hint: --force writes over it, --stdout prints instead\n",
        );
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    wamp(["init", "--force"])
        .dir(folder.path())
        .run()
        .exit_code(0);
    let written = fs::read_to_string(&file).unwrap();
    assert!(written.starts_with("# The config"), "{written}");
    wamp(["init", "--stdout"])
        .dir(folder.path())
        .run()
        .exit_code(0)
        .stdout(&written)
        .stderr("");
}

#[test]
fn another_name_will_do_and_what_cannot_be_written_ends_with_9() {
    let folder = tempfile::tempdir().unwrap();
    wamp(["init", "other.toml"])
        .dir(folder.path())
        .run()
        .exit_code(0);
    assert!(folder.path().join("other.toml").is_file());
    for (name, why) in [
        ("nowhere/wamp.toml", "no such file or directory"),
        (
            ".",
            "file exists\nhint: that is a folder; name a file in it",
        ),
    ] {
        wamp(["init", name])
            .dir(folder.path())
            .run()
            .exit_code(9)
            .stderr_contains(&format!("cannot write {name}: {why}"));
    }
    wamp(["init", "--force", "."])
        .dir(folder.path())
        .run()
        .exit_code(9)
        .stderr_contains("cannot write .: is a directory");
    wamp(["init", "--stdout", "--force"]).run().exit_code(2);
}
