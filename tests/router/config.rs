//! What a config decides, as clients of the real process find it.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::peer::{Peer, handshake_with, hello};
use crate::support::Router;

/// Lets everybody in.
const OPEN: &str = r#"roles = [{ name = "anonymous", rules = [{ uri = "", match = "prefix", allow = ["call", "register", "publish", "subscribe"] }] }]"#;

/// A router that is what a config says; `OPEN` in it is a role for everybody.
fn start(config: &str) -> (Router, TempDir) {
    start_with(config, &[])
}

/// The same with flags.
fn start_with(config: &str, flags: &[&str]) -> (Router, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wamp.toml");
    std::fs::write(&file, config.replace("OPEN", OPEN)).unwrap();
    let config = ["--config", "wamp.toml"];
    let router = Router::start_in(folder.path(), config.iter().chain(flags));
    (router, folder)
}

/// The features that a realm's broker announces, and its dealer.
fn announced(url: &str, realm: &str) -> [Value; 2] {
    let mut peer = Peer::upgrade(url, "wamp.2.json");
    peer.send(&hello(realm));
    let mut welcome = peer.expect_message(2);
    ["broker", "dealer"].map(|role| welcome[2]["roles"][role]["features"].take())
}

#[test]
fn ids_are_lenient_in_the_realm_that_says_so_only() {
    let (router, _folder) = start(
        r#"
[[realms]]
name = "strict"
OPEN
[[realms]]
name = "lenient"
request_ids = "lenient"
OPEN
"#,
    );
    let mut peer = Peer::join_realm(router.url(), "lenient");
    peer.send(&json!([32, 77, {}, "a.b"]));
    assert_eq!(peer.expect_message(33)[1], 77);
    let mut peer = Peer::join_realm(router.url(), "strict");
    peer.send(&json!([32, 77, {}, "a.b"]));
    let why = peer.expect_abort("wamp.error.protocol_violation");
    assert!(why.contains("request_ids = \"lenient\""), "{why}");
}

#[test]
fn time_limits_count_what_the_realm_says() {
    let (router, _folder) = start(
        r#"
[[realms]]
name = "ms"
OPEN
[[realms]]
name = "s"
call_timeout_unit = "s"
OPEN
"#,
    );
    // So many seconds are more than any test waits, and so many milliseconds soon over.
    for (realm, is_over) in [("ms", true), ("s", false)] {
        let mut callee = Peer::join_realm(router.url(), realm);
        callee.register("a.b");
        let mut caller = Peer::join_realm(router.url(), realm);
        caller.request(48, &json!([{"timeout": 1000}, "a.b"]));
        let invocation = callee.expect_message(68)[1].clone();
        if is_over {
            assert_eq!(caller.expect_message(8)[4], "wamp.error.timeout");
        } else {
            callee.send(&json!([70, invocation, {}]));
            caller.expect_message(50);
        }
    }
}

#[test]
fn history_is_kept_and_announced_where_a_rule_says_so_only() {
    let (router, _folder) = start(
        r#"
[[realms]]
name = "without"
OPEN
[[realms]]
name = "with"
history = [{ uri = "com.kept.", match = "prefix", events_max = 2 }]
OPEN
"#,
    );
    assert_eq!(announced(router.url(), "with")[0]["event_history"], true);
    assert_eq!(
        announced(router.url(), "without")[0]["event_history"],
        Value::Null
    );
    let mut peer = Peer::join_realm(router.url(), "with");
    for number in [1, 2, 3] {
        peer.publish("com.kept.x", &json!([number]));
    }
    peer.request(32, &json!([{}, "com.kept.x"]));
    let subscription = peer.expect_message(33)[2].clone();
    peer.call("wamp.subscription.get_events", &json!([subscription]));
    let events = peer.expect_message(50)[3].clone();
    let numbers: Vec<_> = events[0]
        .as_array()
        .unwrap_or(&vec![])
        .iter()
        .map(|it| it["args"][0].clone())
        .collect();
    assert_eq!(numbers, [2, 3], "{events}");
    let mut peer = Peer::join_realm(router.url(), "without");
    peer.call("wamp.subscription.get_events", &json!([1]));
    assert_eq!(peer.expect_message(8)[4], "wamp.error.no_such_procedure");
}

#[test]
fn topics_retain_an_event_as_long_as_their_rule_says() {
    let (router, _folder) = start(
        r#"
[[realms]]
name = "without"
OPEN
[[realms]]
name = "with"
retention = [
    { uri = "com.short", lifetime = "1ns" },
    { uri = "com.", match = "prefix", lifetime = "1h" },
]
OPEN
"#,
    );
    assert_eq!(announced(router.url(), "with")[0]["event_retention"], true);
    assert_eq!(
        announced(router.url(), "without")[0]["event_retention"],
        Value::Null
    );
    let mut peer = Peer::join_realm(router.url(), "with");
    for topic in ["com.short", "com.long", "elsewhere"] {
        peer.request(16, &json!([{"acknowledge": true, "retain": true}, topic]));
        peer.expect_message(17);
    }
    let mut peer = Peer::join_realm(router.url(), "with");
    // Each retained event comes right behind SUBSCRIBED: the answer to the next request is what comes for none.
    let mut retains = |topic: &str| {
        peer.request(32, &json!([{"get_retained": true}, topic]));
        peer.expect_message(33);
        peer.call("wamp.session.count", &json!([]));
        let next = peer.receive();
        if next[0] == 36 {
            peer.expect_message(50);
        }
        next[0] == 36
    };
    assert!(retains("com.long"));
    assert!(!retains("elsewhere"));
    assert!(!retains("com.short"));
}

#[test]
fn a_rule_says_how_far_callers_and_publishers_are_trusted() {
    let (router, _folder) = start(
        r#"
[[realms]]
name = "with"
trust = [
    { uri = "com.vault.", match = "prefix", authrole = "staff", level = 3 },
    { uri = "com.", match = "prefix", level = 1 },
]
OPEN
"#,
    );
    let [broker, dealer] = announced(router.url(), "with");
    assert_eq!(broker["publication_trustlevels"], true);
    assert_eq!(dealer["call_trustlevels"], true);
    let mut subscriber = Peer::join_realm(router.url(), "with");
    subscriber.subscribe("com.vault.x");
    Peer::join_realm(router.url(), "with").publish("com.vault.x", &json!([]));
    assert_eq!(subscriber.expect_message(36)[3]["trustlevel"], 1);
}

#[test]
fn nobody_is_let_into_a_realm_without_a_role() {
    let (router, _folder) =
        start("[[realms]]\nname = \"closed\"\n[[realms]]\nname = \"open\"\nOPEN\n");
    router.wait_for_log("nobody can join realm \"closed\": it has no role");
    let mut peer = Peer::upgrade(router.url(), "wamp.2.json");
    peer.send(&hello("closed"));
    let why = peer.expect_abort("wamp.error.no_matching_auth_method");
    assert!(why.contains("names no role"), "{why}");
    router.wait_for_log("refused to join: this realm lets nobody in");
    Peer::join_realm(router.url(), "open").publish("a.b", &json!([]));
}

#[test]
fn nobody_ends_sessions_where_no_rule_allows_it() {
    let (router, _folder) = start("[[realms]]\nname = \"realm1\"\nOPEN\n");
    let mut peer = Peer::join(router.url());
    peer.call("wamp.session.kill_all", &json!([]));
    assert_eq!(peer.expect_message(8)[4], "wamp.error.not_authorized");
}

#[test]
fn publishers_are_not_disclosed_where_no_rule_allows_it() {
    let (router, _folder) = start("[[realms]]\nname = \"realm1\"\nOPEN\n");
    let mut peer = Peer::join(router.url());
    peer.request(
        16,
        &json!([{"acknowledge": true, "disclose_me": true}, "a.b"]),
    );
    let error = peer.expect_message(8);
    assert_eq!(error[4], "wamp.error.option_disallowed.disclose_me");
}

/// The status of the answer to a WebSocket's request.
fn status(router: &Router, origin: &str, host: Option<&str>) -> String {
    let url = router.url();
    let headers = format!("Sec-WebSocket-Protocol: wamp.2.json\r\nOrigin: {origin}\r\n");
    let mut request = handshake_with(url, &headers);
    if let Some(host) = host {
        request = request.replacen(super::peer::authority(url), host, 1);
    }
    let mut peer = Peer::connect(url);
    peer.write(request.as_bytes());
    peer.http_head()[9..12].to_owned()
}

#[test]
fn origins_and_hosts_are_let_in_as_listed() {
    let (router, _folder) = start(
        r#"
allowed_origins = ["https://app.example"]
allowed_hosts = ["dev.example"]
[[realms]]
name = "realm1"
OPEN
"#,
    );
    assert_eq!(status(&router, "https://app.example", None), "101");
    assert_eq!(status(&router, "https://other.example", None), "403");
    assert_eq!(
        status(&router, "http://localhost", Some("dev.example")),
        "101"
    );
    assert_eq!(
        status(&router, "http://localhost", Some("other.example")),
        "403"
    );
}

#[test]
fn flags_go_over_what_the_config_says() {
    let (router, _folder) = start_with(
        r#"
allowed_origins = ["https://app.example"]
[[realms]]
name = "realm1"
OPEN
"#,
        &[
            "--allow-origin",
            "https://other.example",
            "--request-ids",
            "lenient",
        ],
    );
    assert_eq!(status(&router, "https://app.example", None), "403");
    assert_eq!(status(&router, "https://other.example", None), "101");
    let mut peer = Peer::join(router.url());
    peer.send(&json!([32, 77, {}, "a.b"]));
    peer.expect_message(33);
    // What no flag says is the config's: a kill is not allowed in it.
    peer.send(&json!([48, 78, {}, "wamp.session.kill_all"]));
    assert_eq!(peer.expect_message(8)[4], "wamp.error.not_authorized");
}

#[test]
fn a_folder_is_served_that_lies_beside_the_config() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["mine", "other"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
        std::fs::write(folder.path().join(name).join("name.txt"), name).unwrap();
    }
    let file = folder.path().join("wamp.toml");
    let config = format!("web = \"mine\"\n[[realms]]\nname = \"realm1\"\n{OPEN}\n");
    std::fs::write(&file, config).unwrap();
    let served = |flags: &[&str]| {
        let config = ["--config", file.to_str().unwrap()];
        let router = Router::start_with(config.iter().chain(flags));
        let mut peer = Peer::connect(router.url());
        peer.write(b"GET /name.txt HTTP/1.1\r\nHost: localhost\r\n\r\n");
        peer.http_response().1
    };
    assert_eq!(served(&[]), "mine");
    let other = folder.path().join("other");
    assert_eq!(served(&["--web", other.to_str().unwrap()]), "other");
}

#[test]
fn a_limit_is_what_the_config_says() {
    let (router, _folder) = start(
        r#"
[limits]
session_subscriptions = 1
message_bytes = "2 KiB"
[[realms]]
name = "realm1"
OPEN
"#,
    );
    let mut peer = Peer::join(router.url());
    peer.subscribe("a.b");
    peer.request(32, &json!([{}, "a.c"]));
    peer.expect_message(8);
    peer.request(
        16,
        &json!([{"acknowledge": true}, "a.b", ["x".repeat(1000)]]),
    );
    peer.expect_message(17);
    peer.request(16, &json!([{}, "a.b", ["x".repeat(2048)]]));
    peer.expect_abort("wamp.error.payload_size_exceeded");
}

#[test]
fn with_every_limit_at_its_least_a_router_still_serves() {
    let limits: String = wamp::router::Limits::TABLE.iter().map(least).collect();
    let (router, _folder) = start(&format!(
        "[limits]\n{limits}[[realms]]\nname = \"realm1\"\nOPEN\n"
    ));
    let mut peer = Peer::join(router.url());
    peer.request(16, &json!([{"acknowledge": true}, "a.b"]));
    peer.expect_message(17);
    peer.request(32, &json!([{}, "a.b"]));
    peer.expect_message(8);
}

/// A limit as a config sets it to the least that it may be.
fn least(limit: &wamp::router::Limit) -> String {
    use wamp::router::Unit;
    let value = match limit.unit {
        Unit::Bytes(field) => format!("\"{} B\"", field.range.start()),
        Unit::Count(field) => field.range.start().to_string(),
        Unit::Time(field) => format!("\"{} ms\"", field.range.start().as_millis()),
    };
    format!("{} = {value}\n", limit.name)
}
