//! `wamp check`: every error by line and key, or what a config comes to.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::folder;
use crate::support::{Output, Program, wamp};

#[track_caller]
fn check(config: impl AsRef<[u8]>) -> Output {
    wamp(["check", "wamp.toml"])
        .dir(folder(config).path())
        .run()
}

/// A config that gets everything wrong.
const WRONG: &str = r#"listn = [":9000"]
listen = [":1", "9000", "127.0.0.1:1", 5]
path = "ws"
web = "nowhere"
allowed_origins = ["https://a.example/", "a.example"]
allowed_hosts = ["a.example:80"]
[limits]
message_bytes = "16 MB"
connections = 0
http_head_bytes = "1 KiB"
join_time = 10
session_calls = -1
session_testaments = 1.5
mesage_bytes = "1 MiB"
"two words" = 1
[[realms]]
name = "a b"
request_ids = "lax"
call_timeout_unit = 5
[[realms]]
name = "x"
roles = [{ name = "staff" }, { name = "anonymous" }]
[[realms.history]]
uri = "com."
events_max = 0
[[realms.trust]]
match = "prefix"
[[realms.retention]]
uri = "a..b"
match = "prefix"
lifetime = "10"
[[realms]]
name = "x"
history = "com."
[realms.trust]
[[realms]]
"#;

#[test]
fn every_error_is_told_at_once_with_its_line_and_key() {
    check(WRONG).exit_code(9).stdout("").stderr(
        r#"error: the config has 33 errors
wamp.toml:1:1: listn: there is no such setting; did you mean `listen`?
wamp.toml:2:17: listen: write it as 127.0.0.1:9000, [::1]:9000, :9000 for loopback or unix:/path
wamp.toml:2:40: listen: wants a text in quotes, not a whole number
wamp.toml:3:8: path: a path begins with a slash: /ws
wamp.toml:4:7: web: "nowhere": no such file or directory
wamp.toml:5:20: allowed_origins: a browser sends this origin as https://a.example
wamp.toml:5:42: allowed_origins: write an origin as https://app.example or http://localhost:3000, `null` or `*`
wamp.toml:6:18: allowed_hosts: write the host alone: a.example
wamp.toml:8:17: limits.message_bytes: write a number of bytes as 65536, 64k or 16MiB
wamp.toml:9:15: limits.connections: may be from 1 to 1000000000, not 0
wamp.toml:10:19: limits.http_head_bytes: may be from 8 KiB to 1 MiB, not 1 KiB
wamp.toml:11:13: limits.join_time: wants an amount in quotes, with its unit, not a whole number
wamp.toml:12:17: limits.session_calls: may be from 0 to 1000000000, not -1
wamp.toml:13:22: limits.session_testaments: wants a whole number, not a number with a fraction
wamp.toml:14:1: limits.mesage_bytes: there is no such setting; did you mean `message_bytes`?
wamp.toml:15:1: limits."two words": there is no such setting; `wamp init --stdout` shows all
wamp.toml:17:8: realms.name: no valid realm name: it contains ' '
wamp.toml:18:15: realms.request_ids: write "strict" or "lenient", not "lax"
wamp.toml:19:21: realms.call_timeout_unit: wants a text in quotes, not a whole number
wamp.toml:22:10: realms.roles: the rules of a role allow "call", "register", "publish" and "subscribe", all of them
wamp.toml:22:19: realms.roles.name: write "anonymous", not "staff"
wamp.toml:22:30: realms.roles: a realm has one role, "anonymous"
wamp.toml:22:30: realms.roles: the rules of a role allow "call", "register", "publish" and "subscribe", all of them
wamp.toml:24:7: realms.history.uri: no valid URI to match by exact: it has an empty part (a dot at an end, or two in a row)
wamp.toml:25:14: realms.history.events_max: may be from 1 to 1000000000, not 0
wamp.toml:26:1: realms.trust: needs the setting `uri`
wamp.toml:26:1: realms.trust: needs the setting `level`
wamp.toml:29:7: realms.retention.uri: no valid URI to match by prefix: it has an empty part (a dot at an end, or two in a row)
wamp.toml:31:12: realms.retention.lifetime: write a time as "10s", "500ms" or "1h 30m"
wamp.toml:33:8: realms.name: there is a realm of this name already
wamp.toml:34:11: realms.history: wants a list, not a text
wamp.toml:35:1: realms.trust: write [[realms.trust]], not [realms.trust]
wamp.toml:36:1: realms: needs the setting `name`
"#,
    );
}

#[test]
fn text_that_is_no_toml_is_shown_with_the_place() {
    for (config, shown) in [
        (
            "path = \"/ws\"\nlisten = [\n",
            "wamp.toml:2:11: unclosed array, expected `]`\n2 | listen = [\n              ^\n",
        ),
        (
            "a = 1\na = 2\n",
            "wamp.toml:2:1: duplicate key\n2 | a = 2\n    ^\n",
        ),
        (
            "größe = \"\u{1b}[2J",
            "wamp.toml:1:3: invalid unquoted key, expected letters, numbers, `-`, `_`\n1 | größe = \"\\u001b[2J\n      ^\n",
        ),
    ] {
        check(config)
            .exit_code(9)
            .stdout("")
            .stderr(&format!("error: {shown}"));
    }
}

#[test]
fn what_is_no_text_or_too_large_or_not_there_ends_with_9() {
    check(b"a = 1\nb = \xff")
        .exit_code(9)
        .stderr("error: wamp.toml:2: this is not UTF-8 text\n");
    check(vec![b'#'; 10 << 20])
        .exit_code(9)
        .stderr("error: wamp.toml is no config: it has more than 1048576 bytes\n");
    for (file, why) in [
        ("nowhere.toml", "no such file or directory"),
        (".", "is a directory"),
        ("wamp.toml/x", "not a directory"),
    ] {
        wamp(["check", file])
            .dir(folder("").path())
            .run()
            .exit_code(9)
            .stdout("")
            .stderr(&format!("error: cannot read {file}: {why}\n"));
    }
    wamp(["check"]).run().exit_code(2);
}

#[test]
fn a_file_for_others_ends_with_9() {
    let folder = folder("");
    let nobody = fs::Permissions::from_mode(0o000);
    fs::set_permissions(folder.path().join("wamp.toml"), nobody).unwrap();
    let mut output = wamp(["check", "wamp.toml"]).dir(folder.path()).run();
    if !output.stderr.contains("permission denied") {
        // For root, no file is for others: as root without that.
        let mut command = Command::new("setpriv");
        let wamp = env!("CARGO_BIN_EXE_wamp");
        command.args([
            "--inh-caps=-all",
            "--bounding-set=-all",
            wamp,
            "check",
            "wamp.toml",
        ]);
        command.current_dir(folder.path());
        output = Program::start(command).finish();
    }
    output
        .exit_code(9)
        .stdout("")
        .stderr("error: cannot read wamp.toml: permission denied\n");
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    check("\u{feff}listn = 1\n[[realms]]\nname = \"x\"")
        .exit_code(9)
        .stderr("error: wamp.toml:1:2: listn: there is no such setting; did you mean `listen`?\n");
}

#[test]
fn a_router_has_a_realm_and_listens_somewhere_once() {
    for (config, why) in [
        (
            "listen = [\":1\", \":0\", \":0\", \"127.0.0.1:1\"]\n[[realms]]\nname = \"x\"",
            "1:10: listen: 127.0.0.1:1 is there twice",
        ),
        (
            "listen = []\n[[realms]]\nname = \"x\"",
            "1:10: listen: a router listens somewhere",
        ),
        ("", "1:1: needs the setting `realms`"),
        ("realms = []", "1:10: realms: a router has a realm"),
        (
            "[realms]\nname = \"x\"",
            "1:1: realms: write [[realms]], not [realms]",
        ),
    ] {
        check(config)
            .exit_code(9)
            .stderr(&format!("error: wamp.toml:{why}\n"));
    }
}

#[test]
fn a_file_may_be_all_errors_and_is_told_of_the_first() {
    let lines: Vec<_> = (0..1000)
        .map(|number| format!("unknown{number} = 1"))
        .collect();
    let stderr = check(lines.join("\n")).exit_code(9).stderr;
    assert_eq!(stderr.lines().count(), 52, "{stderr}");
    assert!(stderr.ends_with("\nand 951 more\n"), "{stderr}");
}

#[test]
fn what_is_allowed_and_may_surprise_is_noted() {
    let config = r#"
listen = [":0", "0.0.0.0:8080"]
allowed_origins = ["*"]
[[realms]]
name = "closed"
[[realms]]
name = "open"
request_ids = "lenient"
call_timeout_unit = "s"
history = [{ uri = "a.b", events_max = 1 }, { uri = "a.c", events_max = 1 }]
trust = [{ uri = "a.b", authrole = "staff", level = 1 }]
[[realms.roles]]
name = "anonymous"
rules = [{ uri = "", match = "prefix", allow = ["call", "register", "publish", "subscribe", "kill"] }]
"#;
    check(config)
        .exit_code(0)
        .stdout(
            "listen: 127.0.0.1:0, 0.0.0.0:8080 (reachable from other machines)\n\
             path: /ws\n\
             realm \"closed\": nobody may join\n\
             realm \"open\": anonymous may call, register, publish, subscribe, kill; request ids are lenient; \
             timeouts count seconds; history by 2 rules; trust by 1 rule\n",
        )
        .stderr(
            "-- every web page may use this router through its visitors' browsers: allowed_origins has \"*\"\n\
             -- nobody can join realm \"closed\": it has no role; `wamp init --stdout` shows the role \"anonymous\", for everybody\n\
             -- everybody in realm \"open\" may end the others' sessions\n\
             -- nobody in realm \"open\" has the role \"staff\" that a rule of trust is about\n",
        );
}
