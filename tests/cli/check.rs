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
roles = [{ name = "a b", cache = "1s" }]
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
        r#"error: the config has 31 errors
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
wamp.toml:22:19: realms.roles.name: a name holds no ' '
wamp.toml:22:34: realms.roles.cache: is about what an `authorizer` answers, and there is none
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
        (
            "",
            "1:1: needs the setting `realms`: [[realms]], below it name = \"realm1\", then its roles; wamp init writes one",
        ),
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
allowed_hosts = ["dev.example"]
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
             allowed origins: *\n\
             allowed hosts: dev.example\n\
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

/// A realm with principals that get everything wrong, and a users file that does, too.
const WRONG_PRINCIPALS: &str = r#"[[realms]]
name = "x"
users = "users.toml"
[[realms.principals]]
authid = "joe"
role = "member"
ticket = ""
ticket_sha256 = "abcd"
[[realms.principals]]
authid = "a*"
secret = "pencil"
wampcra = { key = "QUJD", salt = "s", iterations = 0, keylen = 32 }
[[realms.principals]]
authid = "joe"
role = "a b"
public_keys = ["00", 5]
[[realms.principals]]
authid = "ada"
role = "member"
[[realms.principals]]
authid = "ben."
role = "member"
password = "pencil"
[[realms.principals.scram]]
kdf = "md5"
salt = "xy"
iterations = 1
[[realms.principals.scram]]
kdf = "pbkdf2"
memory = 5
salt = "00"
iterations = 1
stored_key = "00"
server_key = "13809668fb436386706f67dcb052ed584a04ba16a8c02a17d66d34c30fceda21"
"#;

#[test]
fn errors_of_principals_are_told_for_the_config_and_the_users_file_and_quote_no_secret() {
    let folder = folder(WRONG_PRINCIPALS);
    let users = "[[principals]]\nauthid = \"joe\"\nrole = \"r\"\nticket = 5\n\n[[principals]]\nname = \"ann\"\n";
    fs::write(folder.path().join("users.toml"), users).unwrap();
    let checked = wamp(["check", "wamp.toml"]).dir(folder.path()).run();
    let checked = checked.exit_code(9).stdout("");
    assert!(!checked.stderr.contains("pencil"), "{}", checked.stderr);
    checked.stderr(
        r#"error: the config has 26 errors
wamp.toml:7:10: realms.principals.ticket: there is nothing in it
wamp.toml:8:17: realms.principals.ticket_sha256: write it in 64 hex digits
wamp.toml:8:17: realms.principals.ticket_sha256: there is `ticket` already, which is for the same
wamp.toml:9:1: realms.principals: needs the setting `role`
wamp.toml:10:10: realms.principals.authid: a name holds no '*'
wamp.toml:12:11: realms.principals.wampcra: there is `secret` already, which is for the same
wamp.toml:12:52: realms.principals.wampcra.iterations: may be from 1 to 10000000, not 0
wamp.toml:15:8: realms.principals.role: a name holds no ' '
wamp.toml:16:16: realms.principals.public_keys: write an Ed25519 key in 64 hex digits
wamp.toml:16:22: realms.principals.public_keys: wants a text in quotes, not a whole number
wamp.toml:17:1: realms.principals: has nothing to sign in with, which is one or more of ticket, ticket_sha256, secret, wampcra, scram, public_keys, certificates
wamp.toml:21:10: realms.principals.authid: a name has no empty part: no dot at an end, no two in a row
wamp.toml:23:1: realms.principals.password: there is no such setting here; there are authid, certificates, public_keys, role, scram, secret, ticket, ticket_sha256, wampcra
wamp.toml:24:1: realms.principals.scram: needs the setting `stored_key`
wamp.toml:24:1: realms.principals.scram: needs the setting `server_key`
wamp.toml:25:7: realms.principals.scram.kdf: write "argon2id13", "pbkdf2" or "argon2id-13", not "md5"
wamp.toml:26:8: realms.principals.scram.salt: write it in hex
wamp.toml:28:1: realms.principals.scram: no client works this out: it takes at least one iteration and a salt of 8 bytes
wamp.toml:30:1: realms.principals.scram.memory: there is no such setting here; there are iterations, kdf, salt, server_key, stored_key
wamp.toml:33:14: realms.principals.scram.stored_key: write it in 64 hex digits
users.toml:2:10: principals.authid: there is a principal of this name already
users.toml:4:10: principals.ticket: wants a text in quotes, not a whole number
users.toml:6:1: principals: needs the setting `authid`
users.toml:6:1: principals: needs the setting `role`
users.toml:6:1: principals: has nothing to sign in with, which is one or more of ticket, ticket_sha256, secret, wampcra, scram, public_keys, certificates
users.toml:7:1: principals.name: there is no such setting here; there are authid, certificates, public_keys, role, scram, secret, ticket, ticket_sha256, wampcra
"#,
    );
}

#[test]
fn a_users_file_that_is_none_is_told_of() {
    let config = "[[realms]]\nname = \"x\"\nusers = \"users.toml\"\n";
    for (content, why) in [
        (
            None,
            "wamp.toml:3:9: realms.users: \"users.toml\": no such file or directory",
        ),
        (
            Some("ticket = \"pencil"),
            "users.toml:1:17: invalid basic string, expected `\"`",
        ),
        (Some(""), "users.toml:1:1: needs the setting `principals`"),
    ] {
        let folder = folder(config);
        if let Some(content) = content {
            fs::write(folder.path().join("users.toml"), content).unwrap();
        }
        let checked = wamp(["check", "wamp.toml"]).dir(folder.path()).run();
        checked.exit_code(9).stderr(&format!("error: {why}\n"));
    }
}

#[test]
fn files_with_secrets_that_everybody_can_read_are_noted() {
    let config = "[[realms]]\nname = \"x\"\nusers = \"users.toml\"\n[[realms.principals]]\nauthid = \"joe\"\nrole = \"r\"\nticket = \"t\"\n";
    let folder = folder(config);
    let users = "[[principals]]\nauthid = \"ann\"\nrole = \"r\"\nticket = \"t\"\n";
    fs::write(folder.path().join("users.toml"), users).unwrap();
    let check = |mode: u32| {
        for name in ["wamp.toml", "users.toml"] {
            let mode = fs::Permissions::from_mode(mode);
            fs::set_permissions(folder.path().join(name), mode).unwrap();
        }
        let checked = wamp(["check", "wamp.toml"]).dir(folder.path()).run();
        checked
            .exit_code(0)
            .stdout("listen: 127.0.0.1:8080\npath: /ws\nrealm \"x\": 2 principals may sign in\n")
    };
    let no_role = "-- who has the role \"r\" in realm \"x\" may do nothing: no [[realms.roles]] is called that\n";
    check(0o640).stderr(no_role);
    check(0o644).stderr(&format!(
        "-- everybody on this machine can read wamp.toml, which holds what opens doors: chmod 600 it\n\
         -- everybody on this machine can read users.toml, which holds what opens doors: chmod 600 it\n\
         {no_role}",
    ));
}
