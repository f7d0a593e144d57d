//! Contexts: made, selected, layered, and never a way for a project's file to a secret.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Output, Router, Wamp, wamp};

/// A user's folders, and a project's below them.
struct Home {
    folder: TempDir,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("project/deep/er")).unwrap();
        Self { folder }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// One of our commands, as this user types it in the project.
    fn wamp(&self, words: &[&str]) -> Wamp {
        wamp(words)
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_STATE_HOME", self.path("state"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .dir(self.path("project/deep/er"))
    }

    fn run(&self, words: &[&str]) -> Output {
        self.wamp(words).run()
    }

    fn context(&self, name: &str) -> PathBuf {
        self.path(&format!("config/wamp/contexts/{name}.toml"))
    }

    fn write_project(&self, text: &str) {
        fs::write(self.path("project/.wamp.toml"), text).unwrap();
    }

    /// What is in use: key, value and origin.
    fn in_use(&self, words: &[&str]) -> Vec<(String, String, String)> {
        let shown = self
            .wamp(&["ctx", "show", "--origin"])
            .args(words)
            .run()
            .exit_code(0);
        triples(&shown)
    }
}

fn triples(shown: &Output) -> Vec<(String, String, String)> {
    let text = |record: &Value, name| record[name].as_str().unwrap_or_default().to_owned();
    let of = |line| {
        let record: Value = serde_json::from_str(line).unwrap();
        (
            text(&record, "key"),
            text(&record, "value"),
            text(&record, "origin"),
        )
    };
    shown.stdout.lines().map(of).collect()
}

fn mode(file: &Path) -> u32 {
    fs::metadata(file).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_context_is_made_selected_used_shown_and_removed() {
    let router = Router::start_with(["--demo"]);
    let home = Home::new();
    let url = format!("url={}", router.url());
    home.run(&["ctx", "add", "here", &url, "realm=realm1"])
        .stdout("")
        .exit_code(0);
    assert_eq!(mode(&home.context("here")), 0o600);
    home.run(&["ctx", "add", "here", &url])
        .stderr_contains("there is a context \"here\" already")
        .exit_code(9);
    home.run(&["ctx", "use", "here"])
        .stderr("-- selected here\n")
        .exit_code(0);
    home.run(&["call", "sum", "3", "5"])
        .stdout("8\n")
        .exit_code(0);
    home.run(&["ctx", "ls"]).stdout(&format!(
        "{{\"name\":\"here\",\"selected\":true,\"url\":\"{}\",\"realm\":\"realm1\",\"authid\":\"\"}}\n",
        router.url()
    ));
    home.run(&["ctx", "show", "here"])
        .stdout_contains("{\"key\":\"realm\",\"value\":\"realm1\"}\n");
    home.run(&["ctx", "add", "nowhere", "url=ws://127.0.0.1:1/ws"]);
    home.run(&["call", "sum", "--context", "nowhere"])
        .exit_code(3);
    home.wamp(&["call", "sum"])
        .env("WAMP_CONTEXT", "nowhere")
        .run()
        .exit_code(3);
    home.run(&[
        "call",
        "sum",
        "3",
        "5",
        "--context",
        "nowhere",
        "-u",
        router.url(),
    ])
    .stdout("8\n");
    home.run(&["ctx", "rm", "here"]).exit_code(0);
    assert!(!home.context("here").exists());
    home.run(&["ctx", "use", "here"])
        .stderr_contains("there are nowhere")
        .exit_code(9);
}

#[test]
fn flags_go_over_variables_over_contexts_over_the_project_over_the_selection_over_wick() {
    let home = Home::new();
    home.run(&[
        "ctx",
        "add",
        "a",
        "realm=a",
        "timeout=1s",
        "serializer=cbor",
    ]);
    home.run(&["ctx", "add", "b", "realm=b", "url=ws://b/ws", "--use"]);
    let realm = |words: &[&str], variables: &[(&str, &str)]| {
        let mut shown = home.wamp(&["ctx", "show", "--origin"]).args(words);
        for (name, value) in variables {
            shown = shown.env(name, value);
        }
        let all = triples(&shown.run().exit_code(0));
        let (_, value, origin) = all.into_iter().find(|(key, ..)| key == "realm").unwrap();
        (value, origin)
    };
    let is = |told: (String, String), value: &str, origin: &str| {
        assert_eq!((told.0.as_str(), told.1.as_str()), (value, origin));
    };
    let wick = ("WICK_REALM", "w");
    is(realm(&[], &[wick]), "b", "context b");
    home.write_project("realm = \"p\"\n");
    let project = home.path("project/.wamp.toml").display().to_string();
    is(realm(&[], &[wick]), "p", &project);
    is(realm(&["--context", "a"], &[]), "a", "context a");
    is(
        realm(&["--context", "a"], &[("WAMP_REALM", "v")]),
        "v",
        "WAMP_REALM",
    );
    is(
        realm(&["--context", "a", "-R", "f"], &[("WAMP_REALM", "v")]),
        "f",
        "--realm or WAMP_REALM",
    );
    is(realm(&["--context", "a", "-R", "f"], &[]), "f", "--realm");
    is(
        realm(&["--context", "a"], &[("WAMP_REALM", "")]),
        "a",
        "context a",
    );
    fs::remove_file(home.path("project/.wamp.toml")).unwrap();
    home.run(&["ctx", "use", "--none"]).exit_code(0);
    is(realm(&[], &[wick]), "w", "WICK_* variables");
    assert_eq!(home.in_use(&[]), []);
}

#[test]
fn a_context_that_others_can_read_or_that_makes_no_sense_is_9_with_line_and_key() {
    let home = Home::new();
    home.run(&["ctx", "add", "x", "realm=r", "--use"])
        .exit_code(0);
    let file = home.context("x");
    let refused = |said: &str| {
        home.run(&["call", "sum"])
            .stdout("")
            .stderr_contains(said)
            .exit_code(9)
    };
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    refused("others can read ").stderr_contains("hint: make it yours alone: chmod 600 ");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&file, "realm = \"r\"\nurl = ws://x\n").unwrap();
    refused("contexts/x.toml:2:");
    fs::write(&file, "realm = \"r\"\nurl = \"http://x\"\n").unwrap();
    refused("contexts/x.toml:2:7: url: ");
    fs::write(&file, "relam = \"r\"\n").unwrap();
    refused("contexts/x.toml:1:1: relam: there is no such setting; did you mean `realm`?");
    fs::remove_file(&file).unwrap();
    refused("the selected context \"x\" is gone");
    home.run(&["call", "sum", "--context", "../x"]).exit_code(2);
    home.run(&["ctx", "add", "y", "colour=red"])
        .stderr_contains("no setting \"colour\"")
        .exit_code(2);
    home.run(&["ctx", "add", "y", "url=http://x"]).exit_code(2);
    home.run(&["ctx", "add", "y", "realm"]).exit_code(2);
    let probe = home.run(&["probe", "--context", "gone"]).exit_code(3);
    probe.stdout_contains("WAMP UNKNOWN - there is no context \"gone\"");
}

#[test]
fn edit_opens_the_editor_and_checks_what_it_left() {
    let home = Home::new();
    home.run(&["ctx", "add", "x", "realm=old"]);
    let edit = |editor: &str| {
        home.wamp(&["ctx", "edit", "x"])
            .env("EDITOR", editor)
            .env("VISUAL", "")
            .run()
    };
    edit("sed -i s/old/new/")
        .stderr_contains("is in order")
        .exit_code(0);
    home.run(&["ctx", "show", "x"])
        .stdout("{\"key\":\"realm\",\"value\":\"new\"}\n");
    edit("sed -i s/realm/relam/")
        .stderr_contains("did you mean `realm`?")
        .exit_code(9);
    edit("no-such-editor")
        .stderr_contains("cannot run \"no-such-editor\"")
        .exit_code(9);
    home.run(&["ctx", "edit", "y"]).exit_code(9);
}

#[test]
fn a_project_cannot_run_commands_or_say_secrets_until_it_is_trusted() {
    let home = Home::new();
    let ran = home.path("ran");
    let command = format!("sh -c 'touch {}; echo s3cret'", ran.display());
    home.write_project(&format!(
        "realm = \"p\"\nauthid = \"joe\"\nauthmethod = \"wampcra\"\nsecret_command = \"{command}\"\n"
    ));
    let call = || home.run(&["call", "sum", "-u", "ws://127.0.0.1:1/ws"]);
    call()
        .stderr_contains(".wamp.toml:4:18: secret_command: this file is not trusted to say that")
        .exit_code(9);
    assert!(!ran.exists());
    home.run(&["ctx", "trust"])
        .stderr_contains("is trusted as it is now")
        .exit_code(0);
    call().exit_code(3);
    assert!(ran.exists());
    // Changed, it is another file.
    fs::remove_file(&ran).unwrap();
    home.write_project(&format!(
        "realm = \"q\"\nauthid = \"joe\"\nauthmethod = \"wampcra\"\nsecret_command = \"{command}\"\n"
    ));
    call().exit_code(9);
    home.run(&["ctx", "trust"]);
    home.run(&["ctx", "trust", "--revoke"]).exit_code(0);
    call().exit_code(9);
    assert!(!ran.exists());
    for harmful in [
        "secret = \"x\"",
        "ticket_file = \"x\"",
        "key = \"x\"",
        "insecure = true",
        "ca = \"x\"",
    ] {
        home.write_project(harmful);
        call().stderr_contains("not trusted").exit_code(9);
    }
}

#[test]
fn a_projects_url_gets_no_secret_of_the_selected_context() {
    let home = Home::new();
    home.run(&[
        "ctx",
        "add",
        "prod",
        "url=ws://prod/ws",
        "authid=joe",
        "ticket=s3cret",
        "insecure=true",
        "--use",
    ]);
    let keys = |words: &[&str]| {
        let shown = home
            .wamp(&["ctx", "show", "--origin"])
            .args(words)
            .run()
            .exit_code(0);
        assert!(!shown.stdout.contains("s3cret"), "{shown:?}");
        triples(&shown)
            .into_iter()
            .map(|(key, ..)| key)
            .collect::<Vec<_>>()
    };
    let all = ["url", "authid", "ticket", "insecure"];
    assert_eq!(keys(&[]), all);
    assert_eq!(keys(&["-u", "ws://prod/ws"]), all);
    assert_eq!(keys(&["-u", "ws://other/ws"]), ["url"]);
    assert_eq!(keys(&["--authid", "ann"]), ["url", "authid", "insecure"]);
    home.write_project("url = \"ws://evil/ws\"\n");
    assert_eq!(keys(&[]), ["url"]);
}

#[test]
fn the_secret_that_a_contexts_program_prints_signs_in() {
    let home = Home::new();
    let add = |name: &str, command: &str| {
        let command = format!("secret_command={command}");
        home.run(&["ctx", "add", name, "authid=joe", &command])
            .exit_code(0);
    };
    add("ok", "echo s3cret");
    add("fails", "false");
    add("missing", "no-such-program");
    add("silent", "true");
    let call = |name: &str| {
        home.run(&[
            "call",
            "sum",
            "-u",
            "ws://127.0.0.1:1/ws",
            "--context",
            name,
        ])
    };
    call("ok").exit_code(3);
    call("fails")
        .stderr_contains("\"false\", which should print the secret, ended with")
        .exit_code(9);
    call("missing")
        .stderr_contains("cannot run \"no-such-program\" for the secret")
        .exit_code(9);
    call("silent")
        .stderr_contains("printed nothing")
        .exit_code(9);
}

#[test]
fn settings_may_lie_in_a_folder_that_cannot_be_written_to() {
    let home = Home::new();
    home.run(&["ctx", "add", "x", "realm=r"]).exit_code(0);
    let contexts = home.path("config/wamp/contexts");
    fs::set_permissions(&contexts, fs::Permissions::from_mode(0o500)).unwrap();
    home.run(&["ctx", "use", "x"]).exit_code(0);
    assert_eq!(
        home.in_use(&[]),
        [("realm".into(), "r".into(), "context x".into())]
    );
    fs::set_permissions(&contexts, fs::Permissions::from_mode(0o700)).unwrap();
}
