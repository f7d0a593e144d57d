//! `wamp check --explain`: which rule decides, by its line; 0 for yes, 1 for no.

use super::folder;
use crate::support::{Output, wamp};

const CONFIG: &str = r#"
[[realms]]
name = "realm1"
[[realms.roles]]
name = "guest"
[[realms.roles.rules]]
uri = "com."
match = "prefix"
allow = ["call", "subscribe"]
[[realms.roles.rules]]
uri = "com."
match = "prefix"
allow = ["kill"]
from = "loopback"
[[realms.roles.rules]]
uri = "com.secret"
allow = []
[[realms.roles]]
name = "member"
authorizer = "com.authorize"
cache = "60s"
rules = [{ uri = "org.", match = "prefix", allow = [] }]
"#;

#[track_caller]
fn explain<const N: usize>(args: [&str; N]) -> Output {
    let folder = folder(CONFIG);
    let checked = wamp(["check", "wamp.toml", "--explain", "realm1"]);
    checked.args(args).dir(folder.path()).run()
}

#[test]
fn the_rule_that_decides_is_told_by_its_line() {
    for (args, code, said) in [
        (
            ["guest", "call", "com.x"],
            0,
            "allowed: prefix \"com.\" decides about it\n\
             wamp.toml:6: allows call, subscribe\n\
             wamp.toml:10: allows kill from loopback\n",
        ),
        (
            ["guest", "call", "com.secret"],
            1,
            "denied: \"com.secret\" decides about it\nwamp.toml:15: allows nothing\n",
        ),
        (
            ["guest", "kill", "com.x"],
            1,
            "denied: prefix \"com.\" decides about it\n\
             wamp.toml:6: allows call, subscribe\n\
             wamp.toml:10: allows kill from loopback\n\
             from loopback it is allowed\n",
        ),
        (
            ["guest", "call", "org.x"],
            1,
            "denied: no rule is about it\n",
        ),
        (
            ["member", "call", "com.x"],
            1,
            "undecided: no rule is about it, so \"com.authorize\" is asked; its answer is kept for 1m\n",
        ),
        (
            ["member", "kill", "com.x"],
            1,
            "denied: no rule is about it\n",
        ),
        (
            ["member", "call", "org.x"],
            1,
            "denied: prefix \"org.\" decides about it\nwamp.toml:22: allows nothing\n",
        ),
        (
            ["stranger", "call", "com.x"],
            1,
            "denied: the realm has no role \"stranger\", and who has it may do nothing\n",
        ),
    ] {
        explain(args).exit_code(code).stdout(said).stderr("");
    }
}

#[test]
fn of_a_pattern_a_uri_is_told_that_is_not_granted() {
    explain(["guest", "subscribe", "com.", "--match", "prefix"])
        .exit_code(1)
        .stdout(
            "denied: \"com.secret\" decides about \"com.secret\", which it matches\n\
             wamp.toml:15: allows nothing\n",
        );
    explain(["guest", "subscribe", "com.t", "--match", "prefix"])
        .exit_code(0)
        .stdout(
            "allowed: prefix \"com.\" decides about it\n\
             wamp.toml:6: allows call, subscribe\n\
             wamp.toml:10: allows kill from loopback\n",
        );
    explain(["guest", "subscribe", ".x", "--match", "wildcard"])
        .exit_code(1)
        .stdout("denied: no rule is about \"#.x\", which it matches\n");
}

#[test]
fn from_loopback_other_things_may_be_granted() {
    explain(["guest", "kill", "com.x", "--loopback"])
        .exit_code(0)
        .stdout(
            "allowed: prefix \"com.\" decides about it\n\
             wamp.toml:6: allows call, subscribe\n\
             wamp.toml:10: allows kill from loopback\n",
        );
}

#[test]
fn a_question_that_makes_no_sense_is_wrong_usage() {
    for (args, why) in [
        (
            ["guest", "fly", "com.x"],
            "error: there is no action \"fly\"\nhint: there are call, register, publish, subscribe, disclose, kill, watch\n",
        ),
        (
            ["guest", "call", "a..b"],
            "error: no valid URI: it has an empty part (a dot at an end, or two in a row)\n",
        ),
    ] {
        explain(args).exit_code(2).stdout("").stderr(why);
    }
    explain(["guest", "publish", "com.", "--match", "prefix"])
        .exit_code(2)
        .stderr(
            "error: only who registers or subscribes names a pattern\nhint: leave out --match\n",
        );
    let folder = folder(CONFIG);
    wamp(["check", "wamp.toml", "--explain", "r", "guest", "call", "a"])
        .dir(folder.path())
        .run()
        .exit_code(2)
        .stderr("error: there is no realm \"r\"\nhint: there are \"realm1\"\n");
}

#[test]
fn a_config_with_an_error_explains_nothing() {
    let folder = folder("[[realms]]\nname = 5");
    wamp(["check", "wamp.toml", "--explain", "r", "guest", "call", "a"])
        .dir(folder.path())
        .run()
        .exit_code(9)
        .stdout("");
}

#[test]
fn what_roles_may_do_is_said_in_words() {
    let folder = folder(CONFIG);
    wamp(["check", "wamp.toml"])
        .dir(folder.path())
        .run()
        .exit_code(0)
        .stdout(
            "listen: 127.0.0.1:8080\n\
             path: /ws\n\
             realm \"realm1\": nobody may join\n\
             \x20 guest may, by the most specific rule that matches:\n\
             \x20   at prefix \"com.\": call, subscribe, kill from loopback\n\
             \x20   at \"com.secret\": nothing\n\
             \x20   elsewhere: nothing\n\
             \x20 member may, by the most specific rule that matches:\n\
             \x20   at prefix \"org.\": nothing\n\
             \x20   elsewhere: what \"com.authorize\" says, whose answers are kept for 1m\n",
        );
}
