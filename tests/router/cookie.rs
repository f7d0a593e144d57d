//! Browsers that are known again: which are, where, for how long, and which never.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use wamp::transport::tls::{TlsClient, TlsOptions};

use super::peer::{Peer, authority, handshake, handshake_with, hello};
use super::rawsocket::{TLS, certify};
use crate::support::Router;

/// A router at which ann signs in with a ticket and is known again, with what else its config says.
fn start(config: &str) -> (Router, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    fs::write(folder.path().join("users.toml"), user("ann")).unwrap();
    let realms = ["realm1", "realm2"].map(|name| {
        format!(
            "[[realms]]\nname = {name:?}\nusers = \"users.toml\"\n[[realms.roles]]\nname = \"member\"\n\
             rules = [{{ uri = \"wamp.\", match = \"prefix\", allow = [\"call\"] }}]\n"
        )
    });
    let config = format!("{config}{}", realms.concat());
    fs::write(folder.path().join("wamp.toml"), config).unwrap();
    let router = Router::start_in(folder.path(), ["--config", "wamp.toml"]);
    (router, folder)
}

fn user(authid: &str) -> String {
    format!("[[principals]]\nauthid = {authid:?}\nrole = \"member\"\nticket = \"rosebud\"\n")
}

const COOKIE: &str = "[cookie]\nmax_age = \"7days\"\n";

/// Upgrades with these header lines, and returns the cookie that the answer sets, and its attributes.
#[track_caller]
fn upgrade(url: &str, headers: &str) -> (Peer, Option<String>) {
    let mut peer = Peer::connect(url);
    let headers = format!("Sec-WebSocket-Protocol: wamp.2.json\r\n{headers}");
    peer.write(handshake_with(url, &headers).as_bytes());
    let head = peer.http_head();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    let set = lines.find(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    (peer, set.map(|(_, cookie)| cookie.to_owned()))
}

/// The line by which a browser shows the cookie that it was given.
fn shown(cookie: &str) -> String {
    format!("Cookie: other=1; {}\r\n", cookie.split(';').next().unwrap())
}

/// Says HELLO as a page does that would rather not ask.
#[track_caller]
fn say_hello(peer: &mut Peer, realm: &str, methods: &[&str]) -> Value {
    let mut hello = hello(realm);
    hello[2]["authmethods"] = json!(methods);
    if methods.contains(&"ticket") {
        hello[2]["authid"] = json!("ann");
    }
    peer.send(&hello);
    peer.receive()
}

/// Signs in with the ticket.
#[track_caller]
fn sign_in(peer: &mut Peer) {
    let challenge = say_hello(peer, "realm1", &["cookie", "ticket"]);
    assert_eq!(challenge[0], 4, "{challenge}");
    peer.send(&json!([5, "rosebud", {}]));
    peer.expect_message(2);
}

#[track_caller]
fn expect_unknown(peer: &mut Peer, realm: &str) {
    let abort = say_hello(peer, realm, &["cookie"]);
    assert_eq!(abort[2], "wamp.error.authentication_required", "{abort}");
}

#[test]
fn a_browser_in_which_somebody_has_signed_in_is_known_again_in_that_realm() {
    let (router, _folder) = start(COOKIE);
    let (mut first, cookie) = upgrade(router.url(), "");
    let cookie = cookie.unwrap();
    let (value, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(value.len(), "wamp=".len() + 32, "{cookie}");
    assert_eq!(attributes, "Path=/; Max-Age=604800; HttpOnly; SameSite=Lax");
    // Before anybody has signed in with it, it is as good as none, and another one is set.
    let (mut early, other) = upgrade(router.url(), &shown(&cookie));
    assert_ne!(other.unwrap(), cookie);
    expect_unknown(&mut early, "realm1");
    sign_in(&mut first);
    let (mut again, set) = upgrade(router.url(), &shown(&cookie));
    assert_eq!(set, None);
    let welcome = say_hello(&mut again, "realm1", &["cookie", "ticket"]);
    assert_eq!(welcome[0], 2, "{welcome}");
    assert_eq!(welcome[2]["authid"], "ann");
    assert_eq!(welcome[2]["authrole"], "member");
    assert_eq!(welcome[2]["authmethod"], "cookie");
    let (mut elsewhere, _) = upgrade(router.url(), &shown(&cookie));
    expect_unknown(&mut elsewhere, "realm2");
    // Who does not offer the method is asked, and who shows another value is nobody.
    let (mut asked, _) = upgrade(router.url(), &shown(&cookie));
    assert_eq!(say_hello(&mut asked, "realm1", &["ticket"])[0], 4);
    let (mut guess, _) = upgrade(router.url(), &shown(&format!("wamp={}", "00".repeat(16))));
    expect_unknown(&mut guess, "realm1");
}

#[test]
fn a_principal_that_is_gone_is_forgotten_also_when_it_comes_back() {
    let (router, folder) = start(COOKIE);
    let (mut first, cookie) = upgrade(router.url(), "");
    let cookie = cookie.unwrap();
    sign_in(&mut first);
    let users = folder.path().join("users.toml");
    let replace = |text: &str| {
        fs::write(folder.path().join("new"), text).unwrap();
        fs::rename(folder.path().join("new"), &users).unwrap();
    };
    replace(&user("bob"));
    // Its session is ended.
    first.expect_message(6);
    let (mut gone, _) = upgrade(router.url(), &shown(&cookie));
    expect_unknown(&mut gone, "realm1");
    replace(&[user("bob"), user("ann")].concat());
    loop {
        let (mut back, cookie) = upgrade(router.url(), "");
        assert_eq!(say_hello(&mut back, "realm1", &["cookie", "ticket"])[0], 4);
        back.send(&json!([5, "rosebud", {}]));
        if back.receive()[0] == 2 {
            assert!(cookie.is_some());
            break;
        }
    }
    let (mut gone, _) = upgrade(router.url(), &shown(&cookie));
    expect_unknown(&mut gone, "realm1");
}

#[test]
fn a_page_of_an_origin_that_nobody_has_named_is_never_known() {
    let named = "https://app.example";
    let allowed = format!("allowed_origins = [\"*\", \"null\", {named:?}]\n{COOKIE}");
    let (router, _folder) = start(&allowed);
    let origin = |origin: &str| format!("Origin: {origin}\r\n");
    let (mut first, cookie) = upgrade(router.url(), &origin(named));
    sign_in(&mut first);
    let cookie = cookie.unwrap();
    for other in ["https://elsewhere.example", "null"] {
        let headers = origin(other) + &shown(&cookie);
        let (mut page, set) = upgrade(router.url(), &headers);
        assert_eq!(set, None);
        expect_unknown(&mut page, "realm1");
    }
    let (mut again, _) = upgrade(router.url(), &(origin(named) + &shown(&cookie)));
    assert_eq!(say_hello(&mut again, "realm1", &["cookie"])[0], 2);
}

#[test]
fn a_cookie_ends_in_time_and_no_router_sets_one_unasked() {
    let (router, _folder) = start("");
    let (mut peer, cookie) = upgrade(router.url(), "");
    assert_eq!(cookie, None);
    sign_in(&mut peer);
    let (router, _folder) = start("[cookie]\nmax_age = \"1s\"\n");
    let (mut first, cookie) = upgrade(router.url(), "");
    let cookie = cookie.unwrap();
    sign_in(&mut first);
    // A new one is set once the old one is nobody's.
    while upgrade(router.url(), &shown(&cookie)).1.is_none() {}
    let (mut late, _) = upgrade(router.url(), &shown(&cookie));
    expect_unknown(&mut late, "realm1");
}

#[test]
fn a_cookie_that_came_through_tls_goes_through_nothing_else() {
    let (router, _folder) = start(&format!("{TLS}{COOKIE}"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let head = runtime.unwrap().block_on(async {
        let tcp = TcpStream::connect(authority(router.url())).await.unwrap();
        let insecure = TlsOptions {
            insecure: true,
            ..TlsOptions::default()
        };
        let host = url::Host::Domain("localhost".to_owned());
        let connected = TlsClient::new(&insecure).unwrap().connect(&host, tcp).await;
        let (mut stream, _) = connected.unwrap();
        let asked = handshake(router.url(), "wamp.2.json");
        stream.write_all(asked.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        String::from_utf8(head).unwrap()
    });
    assert!(
        head.contains("HttpOnly; SameSite=Lax; Secure\r\n"),
        "{head}"
    );
}
