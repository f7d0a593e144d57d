//! Clients about whom a procedure is asked, and what they make of an answer that was meant for another way of signing in.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::peer::{Peer, hello};
use crate::support::Router;

/// Guards know who may join the realm of members.
const CONFIG: &str = r#"
[[realms]]
name = "guards"
[[realms.roles]]
name = "anonymous"
rules = [{ uri = "", match = "prefix", allow = ["register"] }]
[[realms]]
name = "realm1"
authenticator = "com.authenticate"
authenticator_realm = "guards"
[[realms.roles]]
name = "member"
"#;

fn start() -> (Router, Peer, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("wamp.toml"), CONFIG).unwrap();
    let router = Router::start_in(folder.path(), ["--config", "wamp.toml"]);
    let mut guard = Peer::upgrade(router.url(), "wamp.2.json");
    guard.send(&hello("guards"));
    guard.expect_message(2);
    guard.register("com.authenticate");
    (router, guard, folder)
}

/// Somebody who claims to be ann, and sends a ticket; the guard has been asked by this invocation.
fn ask_by_ticket(router: &Router, guard: &mut Peer) -> (Peer, Value) {
    let mut peer = Peer::upgrade(router.url(), "wamp.2.json");
    let mut hello = hello("realm1");
    hello[2]["authid"] = json!("ann");
    hello[2]["authmethods"] = json!(["ticket"]);
    peer.send(&hello);
    peer.expect_message(4);
    peer.send(&json!([5, "a guess", {}]));
    (peer, guard.expect_message(68)[1].clone())
}

#[test]
fn a_ticket_opens_nothing_where_the_authenticator_says_what_else_is_to_be_proved() {
    let (router, mut guard, _folder) = start();
    let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    for answer in [
        json!({"role": "member", "secret": "ann's"}),
        json!({"role": "member", "pubkey": key}),
        json!({"role": "member", "ticket": "ann's"}),
    ] {
        let (mut peer, invocation) = ask_by_ticket(&router, &mut guard);
        guard.send(&json!([70, invocation, {}, [answer]]));
        peer.expect_abort("wamp.error.authentication_denied");
    }
    let (mut peer, invocation) = ask_by_ticket(&router, &mut guard);
    guard.send(&json!([70, invocation, {}, ["member"]]));
    peer.expect_message(2);
}

#[test]
fn an_authenticator_that_raises_any_exception_does_not_let_the_client_in() {
    let (router, mut guard, _folder) = start();
    for error in ["com.example.no_such_user", "wamp.error.runtime_error"] {
        let (mut peer, invocation) = ask_by_ticket(&router, &mut guard);
        guard.send(&json!([8, 68, invocation, {}, error]));
        peer.expect_abort("wamp.error.authentication_denied");
    }
    router.wait_for_log("total=2");
}
