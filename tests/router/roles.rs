//! What roles may do, as a config says while it changes: SIGHUP has the real process read it again.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::peer::Peer;
use crate::support::Router;

/// Everybody may do everything; boss signs in as staff.
const OPEN: &str = r#"
[[realms]]
name = "realm1"
[[realms.principals]]
authid = "boss"
role = "staff"
ticket = "pencil"
[[realms.roles]]
name = "staff"
rules = [{ uri = "", match = "prefix", allow = ["call", "register", "publish", "subscribe", "kill"] }]
[[realms.roles]]
name = "anonymous"
rules = [{ uri = "", match = "prefix", allow = ["call", "register", "publish", "subscribe", "disclose"] }]
"#;

/// The same, but those who do not sign in have less of `com.`.
fn narrow() -> String {
    OPEN.replace(
        "\"disclose\"] }]",
        r#""disclose"] },
  { uri = "com.", match = "prefix", allow = ["call"] },
  { uri = "com.queued", allow = ["register"] },
]"#,
    )
}

fn start(config: &str) -> (Router, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let router = {
        write(&folder, config);
        Router::start_in(folder.path(), ["--config", "wamp.toml"])
    };
    (router, folder)
}

fn write(folder: &TempDir, config: &str) {
    fs::write(folder.path().join("wamp.toml"), config).unwrap();
}

/// Has the config read again, which so many were before; returns when that is done.
#[track_caller]
fn read_again(router: &Router, before: usize) {
    router.program().signal("HUP");
    let program = router.program();
    program.wait_for_lines("SIGHUP: the config is read again", before + 1);
}

fn join(router: &Router, ticket: Option<&str>) -> (Peer, Value) {
    let revocation = json!({"features": {
        "registration_revocation": true, "subscription_revocation": true}});
    let roles =
        json!({"caller": {}, "callee": revocation, "publisher": {}, "subscriber": revocation});
    let mut peer = Peer::upgrade(router.url(), "wamp.2.json");
    let mut details = json!({"roles": roles});
    if ticket.is_some() {
        details["authid"] = json!("boss");
        details["authmethods"] = json!(["ticket"]);
    }
    peer.send(&json!([1, "realm1", details]));
    if let Some(ticket) = ticket {
        peer.expect_message(4);
        peer.send(&json!([5, ticket, {}]));
    }
    let session = peer.expect_message(2)[1].clone();
    (peer, session)
}

/// Makes a request that is refused for want of a permission.
#[track_caller]
fn expect_refused(peer: &mut Peer, code: u64, rest: &Value) -> String {
    peer.request(code, rest);
    let error = peer.expect_message(8);
    assert_eq!(error[4], "wamp.error.not_authorized", "{error}");
    error[5][0].as_str().unwrap().to_owned()
}

#[test]
fn what_a_changed_rule_does_not_grant_is_taken_back_at_once_and_all_else_stays() {
    let (router, folder) = start(OPEN);
    let (mut boss, _) = join(&router, Some("pencil"));
    for topic in [
        "wamp.subscription.on_unsubscribe",
        "wamp.registration.on_unregister",
    ] {
        boss.subscribe(topic);
    }
    let (mut ann, ann_id) = join(&router, None);
    ann.request(32, &json!([{}, "com.x"]));
    let gone_sub = ann.expect_message(33)[2].clone();
    ann.subscribe("org.x");
    ann.request(64, &json!([{}, "com.p"]));
    let gone_reg = ann.expect_message(65)[2].clone();
    ann.register("org.p");
    // One call with its callee, and one that waits behind it.
    boss.request(64, &json!([{"concurrency": 1}, "com.queued"]));
    boss.expect_message(65);
    let [first, second] = [1, 2].map(|it| ann.call("com.queued", &json!([it])));
    let invocation = boss.expect_message(68)[1].clone();

    write(&folder, &narrow());
    read_again(&router, 0);
    let log = router.wait_for_log("roles have changed");
    assert!(
        log.contains("realm=\"realm1\" roles=\"anonymous\""),
        "{log}"
    );
    let reason = "wamp.error.not_authorized";
    let unsubscribed = json!([35, 0, {"subscription": gone_sub, "reason": reason}]);
    assert_eq!(ann.receive(), unsubscribed);
    let unregistered = json!([67, 0, {"registration": gone_reg, "reason": reason}]);
    assert_eq!(ann.receive(), unregistered);
    let refused = ann.expect_message(8);
    assert_eq!((&refused[2], &refused[4]), (&json!(second), &json!(reason)));
    for gone in [gone_sub, gone_reg] {
        let event = boss.expect_message(36);
        assert_eq!(event[4], json!([ann_id, gone]), "{event}");
    }
    boss.send(&json!([70, invocation, {}, ["done"]]));
    assert_eq!(ann.expect_message(50)[1], first);

    let said = expect_refused(&mut ann, 32, &json!([{}, "com.x"]));
    assert_eq!(said, "the role \"anonymous\" may not subscribe \"com.x\"");
    expect_refused(&mut ann, 48, &json!([{}, "com.queued"]));
    // What is still granted is still held.
    boss.publish("org.x", &json!(["hi"]));
    assert_eq!(ann.expect_message(36)[4], json!(["hi"]));
    boss.call("org.p", &json!(["hi"]));
    let invocation = ann.expect_message(68)[1].clone();
    ann.send(&json!([70, invocation, {}]));
    boss.expect_message(50);
    // And what is granted again can be had again.
    write(&folder, OPEN);
    read_again(&router, 1);
    ann.subscribe("com.x");
}

#[test]
fn who_may_sign_in_and_who_need_not_changes_with_the_config() {
    let (router, folder) = start(OPEN);
    let (mut boss, _) = join(&router, Some("pencil"));
    let (mut ann, _) = join(&router, None);
    let mut anonymous = OPEN.find("[[realms.roles]]\nname = \"anonymous\"").unwrap();
    let without = OPEN[..anonymous].replace("pencil", "crayon");
    write(&folder, &without);
    read_again(&router, 0);
    // A secret that changes ends nobody; whoever need not sign in any more may do nothing.
    boss.publish("a.b", &json!([]));
    expect_refused(&mut ann, 32, &json!([{}, "a.b"]));
    let mut late = Peer::upgrade(router.url(), "wamp.2.json");
    late.send(&super::peer::hello("realm1"));
    late.expect_abort("wamp.error.authentication_required");
    join(&router, Some("crayon"));
    // A principal that is gone is out.
    let principal = without.find("[[realms.principals]]").unwrap();
    anonymous = OPEN.find("[[realms.roles]]").unwrap();
    write(
        &folder,
        &[&without[..principal], &OPEN[anonymous..]].concat(),
    );
    read_again(&router, 1);
    assert_eq!(boss.expect_message(6)[2], "wamp.close.killed");
    ann.subscribe("a.b");
    join(&router, None);
}

#[test]
fn a_config_with_an_error_leaves_all_as_it_was_and_is_told_by_line_and_key() {
    let (router, folder) = start(&narrow());
    let (mut ann, _) = join(&router, None);
    ann.subscribe("org.x");
    for (config, why) in [
        (
            narrow().replace("\"disclose\"] }", "\"fly\"] }"),
            "wamp.toml:13:93: realms.roles.rules.allow: write ",
        ),
        ("realms = [".to_owned(), "wamp.toml:1:11: "),
        (
            OPEN.replace("allow", "alow"),
            "realms.roles.rules.alow: there is no such setting",
        ),
        (String::new(), "wamp.toml:1:1: needs the setting `realms`"),
    ] {
        write(&folder, &config);
        router.program().signal("HUP");
        router.wait_for_log(why);
    }
    fs::remove_file(folder.path().join("wamp.toml")).unwrap();
    router.program().signal("HUP");
    router.wait_for_log("cannot read wamp.toml: no such file or directory");
    let log = router.log();
    let errors = log.matches("SIGHUP: the config is not taken, what held before still holds");
    assert_eq!(errors.count(), 5, "{log}");
    expect_refused(&mut ann, 16, &json!([{"acknowledge": true}, "com.x"]));
    ann.publish("org.y", &json!([]));
    // The next good one counts.
    write(&folder, OPEN);
    read_again(&router, 0);
    ann.publish("com.x", &json!([]));
}

#[test]
fn a_config_that_cannot_be_opened_for_want_of_descriptors_opens_nothing_up() {
    let (router, folder) = start(&narrow());
    let (mut ann, _) = join(&router, None);
    let limit = |soft: &str| {
        let pid = router.program().pid().to_string();
        let set = Command::new("prlimit")
            .args(["--pid", &pid, &format!("--nofile={soft}:")])
            .status();
        assert!(set.unwrap().success());
    };
    write(&folder, OPEN);
    limit("1");
    router.program().signal("HUP");
    router.wait_for_log("cannot read wamp.toml: too many open files");
    expect_refused(&mut ann, 32, &json!([{}, "com.x"]));
    ann.subscribe("org.x");
    limit("1024");
    read_again(&router, 0);
    ann.subscribe("com.x");
}

#[test]
fn what_needs_a_restart_is_said() {
    let (router, folder) = start(OPEN);
    let changed = OPEN
        .replace(
            "name = \"realm1\"",
            "name = \"realm1\"\nrequest_ids = \"lenient\"",
        )
        .replacen('\n', "path = \"/other\"\n[limits]\nconnections = 5\n", 1);
    let changed = format!("{changed}[[realms]]\nname = \"realm2\"\n");
    write(&folder, &changed);
    read_again(&router, 0);
    for what in [
        "path has changed, which counts from the next start on",
        "limits has changed",
        "what else holds in realm \"realm1\" has changed",
        "that there is a realm \"realm2\" has changed",
    ] {
        router.wait_for_log(what);
    }
    join(&router, None);
    let mut peer = Peer::upgrade(router.url(), "wamp.2.json");
    peer.send(&super::peer::hello("realm2"));
    peer.expect_abort("wamp.error.no_such_realm");
}

#[test]
fn without_a_config_the_signal_ends_nobody() {
    let router = Router::start();
    let mut ann = Peer::join(router.url());
    router.program().signal("HUP");
    router.wait_for_log("SIGHUP: there is no config to read again");
    ann.subscribe("a.b");
}

#[test]
fn a_config_read_again_and_again_good_or_bad_drops_none_of_many_who_call() {
    let (router, folder) = start(OPEN);
    let (mut callee, _) = join(&router, None);
    callee.register("org.echo");
    let mut peers: Vec<Peer> = (0..20).map(|_| join(&router, None).0).collect();
    for change in 0..20 {
        let config = match change % 4 {
            0 => narrow(),
            1 => OPEN.to_owned(),
            2 => OPEN.replace("anonymous\"", "anonymous"),
            _ => String::new(),
        };
        write(&folder, &config);
        router.program().signal("HUP");
        // Calls go on while it is read, and a round after.
        let mut has_read = false;
        loop {
            let seen = router.log().matches("SIGHUP: the config is ").count() > change;
            for peer in &mut peers {
                peer.call("org.echo", &json!([change]));
                let invocation = callee.expect_message(68)[1].clone();
                callee.send(&json!([70, invocation, {}, [change]]));
                assert_eq!(peer.expect_message(50)[3], json!([change]));
            }
            if has_read {
                break;
            }
            has_read = seen;
        }
    }
}

#[test]
fn what_an_authorizer_said_is_forgotten_when_the_config_is_read_again() {
    let roles = OPEN.find("[[realms.roles]]\nname = \"anonymous\"").unwrap();
    let asked =
        "[[realms.roles]]\nname = \"anonymous\"\nauthorizer = \"com.authorize\"\ncache = \"1h\"\n";
    let config = format!("{}{asked}", &OPEN[..roles]);
    let (router, folder) = start(&config);
    let (mut boss, _) = join(&router, Some("pencil"));
    boss.register("com.authorize");
    let (mut ann, _) = join(&router, None);
    let mut publish = |ann: &mut Peer, is_asked: bool| {
        ann.request(16, &json!([{"acknowledge": true}, "com.x"]));
        if is_asked {
            let invocation = boss.expect_message(68);
            assert_eq!(invocation[4][1], "com.x");
            boss.send(&json!([70, invocation[1], {}, [true]]));
        }
        ann.expect_message(17);
    };
    publish(&mut ann, true);
    publish(&mut ann, false);
    read_again(&router, 0);
    publish(&mut ann, true);
    publish(&mut ann, false);
    // Who decides nothing any more is not asked.
    write(
        &folder,
        &config.replace(asked, asked.split("authorizer").next().unwrap()),
    );
    read_again(&router, 1);
    expect_refused(&mut ann, 16, &json!([{"acknowledge": true}, "com.x"]));
}
