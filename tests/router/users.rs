//! Who may sign in, as a users file says while it changes: nobody else notices.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::peer::{Peer, hello};
use crate::support::Router;

/// A router whose principals are in `users.toml` beside its config, with a realm that holds what `users` says.
fn start(users: &str) -> (Router, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("users.toml"), users).unwrap();
    let config = "[[realms]]\nname = \"realm1\"\nusers = \"users.toml\"\n[[realms.principals]]\nauthid = \"root\"\nrole = \"member\"\nticket = \"root\"\nROLES";
    let rules = r#"[{ uri = "", match = "prefix", allow = ["call", "register", "publish"] }]"#;
    let roles =
        ["member", "guest"].map(|it| format!("[[realms.roles]]\nname = {it:?}\nrules = {rules}\n"));
    let config = config.replace("ROLES", &roles.concat());
    fs::write(folder.path().join("wamp.toml"), config).unwrap();
    let router = Router::start_in(folder.path(), ["--config", "wamp.toml"]);
    (router, folder)
}

fn user(authid: &str, role: &str, ticket: &str) -> String {
    format!("[[principals]]\nauthid = {authid:?}\nrole = {role:?}\nticket = {ticket:?}\n")
}

/// Puts a new file in the old one's place, as editors and whoever wants no half a file do.
fn replace(folder: &Path, users: &str) {
    fs::write(folder.join("new"), users).unwrap();
    fs::rename(folder.join("new"), folder.join("users.toml")).unwrap();
}

/// Sends a ticket; the answer to it comes next.
fn try_ticket(router: &Router, authid: &str, ticket: &str) -> Peer {
    let mut peer = Peer::upgrade(router.url(), "wamp.2.json");
    let mut hello = hello("realm1");
    hello[2]["authid"] = json!(authid);
    hello[2]["authmethods"] = json!(["ticket"]);
    peer.send(&hello);
    peer.expect_message(4);
    peer.send(&json!([5, ticket, {}]));
    peer
}

fn sign_in(router: &Router, authid: &str, ticket: &str) -> (Peer, Value) {
    let mut peer = try_ticket(router, authid, ticket);
    let welcome = peer.expect_message(2);
    (peer, welcome)
}

#[track_caller]
fn expect_denied(router: &Router, authid: &str, ticket: &str) {
    try_ticket(router, authid, ticket).expect_abort("wamp.error.authentication_denied");
}

#[test]
fn a_changed_file_lets_in_who_is_new_and_ends_who_is_gone_and_nobody_else() {
    let [ann, bob, cat] = ["ann", "bob", "cat"].map(|it| user(it, "member", "old"));
    let (router, folder) = start(&[&*ann, &bob, &cat].concat());
    let [mut ann_s, mut bob_s, mut cat_s] =
        ["ann", "bob", "cat"].map(|it| sign_in(&router, it, "old").0);
    let (mut root, welcome) = sign_in(&router, "root", "root");
    assert_eq!(welcome[2]["authrole"], "member");
    expect_denied(&router, "dan", "new");
    // Ann has another secret, bob is gone, cat has another role, and dan is new.
    let users = [
        user("ann", "member", "new"),
        user("cat", "guest", "old"),
        user("dan", "member", "new"),
    ];
    replace(folder.path(), &users.concat());
    let line = router.wait_for_log("has changed, and is read");
    assert!(line.contains("principals=3 ended=2"), "{line}");
    for gone in [&mut bob_s, &mut cat_s] {
        let goodbye = gone.expect_message(6);
        assert_eq!(goodbye[2], "wamp.close.killed");
        gone.send(&json!([6, {}, "wamp.close.goodbye_and_out"]));
        gone.expect_close();
    }
    for stays in [&mut ann_s, &mut root] {
        stays.publish("a.b", &json!([]));
    }
    expect_denied(&router, "bob", "old");
    expect_denied(&router, "ann", "old");
    sign_in(&router, "ann", "new");
    sign_in(&router, "dan", "new");
    let (_, welcome) = sign_in(&router, "cat", "old");
    assert_eq!(welcome[2]["authrole"], "guest");
    sign_in(&router, "root", "root");
}

#[test]
fn a_file_that_cannot_be_read_any_more_leaves_all_as_it_was() {
    let (router, folder) = start(&user("ann", "member", "old"));
    let (mut ann, _) = sign_in(&router, "ann", "old");
    let file = folder.path().join("users.toml");
    for (content, why) in [
        (
            "[[principals]]\nauthid = \"bob\"\nticket = \"pencil\"\n",
            "users.toml:1:1: principals: needs the setting `role`",
        ),
        ("", "users.toml:1:1: needs the setting `principals`"),
        ("ticket = \"pencil", "users.toml:1:17: "),
        (
            &user("root", "member", "mine"),
            "users.toml:2:10: principals.authid: there is a principal of this name already",
        ),
    ] {
        fs::write(&file, content).unwrap();
        let line = router.wait_for_log(why);
        assert!(line.contains("ERROR"), "{line}");
    }
    fs::remove_file(&file).unwrap();
    router.wait_for_log("cannot read users.toml: no such file or directory");
    assert!(!router.log().contains("pencil"), "{}", router.log());
    ann.publish("a.b", &json!([]));
    sign_in(&router, "ann", "old");
    fs::write(&file, user("bob", "member", "new")).unwrap();
    ann.expect_message(6);
    sign_in(&router, "bob", "new");
}

#[test]
fn whoever_is_taken_off_while_being_challenged_is_not_let_in() {
    let (router, folder) =
        start(&[user("ann", "member", "old"), user("bob", "member", "old")].concat());
    let mut challenged = ["ann", "bob"].map(|authid| {
        let mut peer = Peer::upgrade(router.url(), "wamp.2.json");
        let mut hello = hello("realm1");
        hello[2]["authid"] = json!(authid);
        hello[2]["authmethods"] = json!(["ticket"]);
        peer.send(&hello);
        peer.expect_message(4);
        peer
    });
    replace(folder.path(), &user("bob", "member", "new"));
    router.wait_for_log("has changed, and is read");
    for peer in &mut challenged {
        peer.send(&json!([5, "old", {}]));
        peer.expect_abort("wamp.error.authentication_denied");
    }
}

#[test]
fn a_file_that_changes_again_and_again_drops_none_of_many_who_call() {
    let users: String = (0..20)
        .map(|number| user(&format!("user{number}"), "member", "t"))
        .collect();
    let (router, folder) = start(&users);
    let mut callee = sign_in(&router, "root", "root").0;
    callee.register("com.echo");
    let mut peers: Vec<Peer> = (0..20)
        .map(|number| sign_in(&router, &format!("user{number}"), "t").0)
        .collect();
    for change in 0..3 {
        let more = user(&format!("more{change}"), "member", "t");
        replace(folder.path(), &[&*users, &more].concat());
        // Calls go on until the router has read it, and a round after.
        let mut has_read = false;
        loop {
            let seen = router.log().matches("has changed, and is read").count() > change;
            for peer in &mut peers {
                peer.call("com.echo", &json!([change]));
                let invocation = callee.expect_message(68)[1].clone();
                callee.send(&json!([70, invocation, {}, [change]]));
                assert_eq!(peer.expect_message(50)[3], json!([change]));
            }
            if has_read {
                break;
            }
            has_read = seen;
        }
        sign_in(&router, &format!("more{change}"), "t");
    }
    assert!(!router.log().contains("ended=1"), "{}", router.log());
}
