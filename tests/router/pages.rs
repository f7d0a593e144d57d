//! Pages that are part of the binary: what every router has for browsers, and what the demo has.

use std::fs;
use std::path::Path;

use super::asked::{ask, get, send};
use super::peer::{Peer, authority, handshake};
use crate::support::Router;

const BROWSER: &str = "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\n";

#[test]
fn the_start_page_says_what_the_router_is_and_how_to_connect() {
    let router = Router::start_with(["--realm", "one", "--realm", "two", "--path", "/wamp"]);
    let page = get(router.url(), "/");
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    for part in [
        env!("CARGO_PKG_VERSION"),
        router.url(),
        "<code>one</code> <code>two</code>",
        "wamp.2.json",
        "wamp.2.cbor",
        "src=\"/wamp.js\"",
        "wamp call -u",
        "autobahn.asyncio",
    ] {
        assert!(page.body.contains(part), "{part} is missing");
    }
    assert!(!page.body.contains("/examples/"));
    assert!(!page.body.contains("{{"), "a place was left unfilled");
    // It names the server as the browser does, and no page around it may make it do things.
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    let nonce = policy.split("'nonce-").nth(1).unwrap();
    let nonce = nonce.split('\'').next().unwrap();
    assert!(page.body.contains(&format!("<script nonce=\"{nonce}\">")));
    let again = get(router.url(), "/");
    assert!(!again.header("content-security-policy").contains(nonce));
}

#[test]
fn what_the_start_page_is_told_is_text_in_it() {
    let realm = "a\"<b>&'";
    let router = Router::start_with(["--realm", realm, "--allow-host", "a'b"]);
    let request = "GET / HTTP/1.1\r\nHost: a'b\r\nConnection: close\r\n\r\n";
    let page = send(router.url(), request);
    assert_eq!(page.status, 200);
    assert!(
        page.body
            .contains("<code>a&quot;&lt;b&gt;&amp;&#39;</code>")
    );
    assert!(page.body.contains("ws://a&#39;b/ws"));
    assert!(!page.body.contains("<b>&") && !page.body.contains("a'b"));
}

#[test]
fn the_library_for_pages_is_everywhere_and_sent_once() {
    let text = fs::read_to_string(repository().join("examples/wamp.js")).unwrap();
    let router = Router::start();
    let library = get(router.url(), "/wamp.js");
    assert_eq!((library.status, &library.body), (200, &text));
    assert_eq!(
        library.header("content-type"),
        "text/javascript; charset=utf-8"
    );
    assert_eq!(library.header("cache-control"), "no-cache");
    let tag = library.header("etag");
    for known in [tag, &format!("\"x\", W/{tag}"), "*"] {
        let unchanged = ask(
            router.url(),
            "GET",
            "/wamp.js",
            &format!("If-None-Match: {known}\r\n"),
        );
        assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
        assert_eq!(unchanged.header("etag"), tag);
    }
    let other = ask(
        router.url(),
        "GET",
        "/wamp.js",
        "If-None-Match: \"other\"\r\n",
    );
    assert_eq!(other.body, text);
    let head = ask(router.url(), "HEAD", "/wamp.js", "");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), text.len().to_string());
}

#[test]
fn every_example_is_there_with_the_demo_and_none_without() {
    let demo = Router::start_with(["--demo"]);
    let plain = Router::start();
    let start = get(demo.url(), "/").body;
    let mut pages = 0;
    for file in fs::read_dir(repository().join("examples")).unwrap() {
        let file = file.unwrap().path();
        let name = file.file_name().unwrap().to_str().unwrap();
        if name.ends_with(".sh") {
            // For a shell, not for a browser.
            continue;
        }
        let path = format!("/examples/{name}");
        let example = get(demo.url(), &path);
        assert_eq!(example.status, 200, "{name}");
        assert_eq!(example.body, fs::read_to_string(&file).unwrap(), "{name}");
        let expected = match name.rsplit_once('.').unwrap().1 {
            "html" => "text/html; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            _ => "text/css; charset=utf-8",
        };
        assert_eq!(example.header("content-type"), expected, "{name}");
        assert!(
            example
                .header("content-security-policy")
                .contains("default-src 'self'")
        );
        if expected.starts_with("text/html") {
            pages += 1;
            assert!(start.contains(&format!("href=\"{path}\"")), "{name}");
        }
        assert_eq!(get(plain.url(), &path).status, 404, "{name}");
    }
    assert_eq!(pages, 4);
    for path in ["/examples/", "/examples", "/examples/nothing.js"] {
        assert_eq!(get(demo.url(), path).status, 404, "{path}");
    }
}

#[test]
fn the_start_page_shows_how_to_connect_to_the_first_realm_named() {
    let router = Router::start_with(["--realm", "two", "--realm", "one", "--realm", "two"]);
    let page = get(router.url(), "/").body;
    assert!(page.contains("data-realm=\"two\""), "{page}");
    assert!(
        page.contains("<code>two</code> <code>one</code></dd>"),
        "{page}"
    );
}

#[test]
fn the_start_page_tells_the_examples_where_the_router_is() {
    let router = Router::start_with(["--demo", "--path", "/a&b", "--realm", "other"]);
    let page = get(router.url(), "/").body;
    assert!(
        page.contains("files.html?path=%2Fa%26b&amp;realm=other\""),
        "{page}"
    );
}

#[test]
fn where_nothing_is_a_browser_gets_a_page_and_a_program_a_line() {
    let router = Router::start();
    let line = get(router.url(), "/nowhere");
    assert_eq!(
        (line.status, line.body.as_str()),
        (404, "nothing is here; WAMP over WebSocket is at /ws\n")
    );
    let page = ask(router.url(), "GET", "/nowhere", BROWSER);
    assert_eq!(page.status, 404);
    assert!(
        page.body
            .contains("nothing is here; WAMP over WebSocket is at /ws")
    );
    assert!(page.body.contains("<a href=\"/\">"));
    let demo = Router::start_with(["--demo"]);
    let line = get(demo.url(), "/nowhere").body;
    assert_eq!(
        line,
        "nothing is here; WAMP over WebSocket is at /ws, raw WebSockets at /echo and /count\n"
    );
    assert!(!page.body.contains("{{"));
}

#[test]
fn pages_are_for_get_and_head_and_the_body_of_a_request_is_not_read() {
    let router = Router::start();
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "WAMP"] {
        for path in ["/", "/wamp.js", "/nowhere"] {
            let answer = ask(router.url(), method, path, "");
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.header("allow"), "GET, HEAD");
        }
    }
    // A body that is only announced keeps nobody waiting, whatever it is sent with.
    for request in ["POST / HTTP/1.1", "GET /wamp.js HTTP/1.1"] {
        let mut peer = Peer::connect(router.url());
        let host = authority(router.url());
        let head = format!("{request}\r\nHost: {host}\r\nContent-Length: 1000000000000\r\n\r\n");
        peer.write(head.as_bytes());
        let answered = String::from_utf8(peer.read_to_end()).unwrap();
        let status = &answered[9..12];
        assert!(["405", "200"].contains(&status), "{answered}");
    }
}

#[test]
fn pages_are_for_the_hosts_and_origins_that_sessions_are_for() {
    let router = Router::start_with(["--demo"]);
    for path in ["/", "/wamp.js", "/examples/files.html", "/nowhere"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: evil.example\r\n\r\n");
        let mut peer = Peer::connect(router.url());
        peer.write(request.as_bytes());
        let (head, body) = peer.http_response();
        assert!(head.starts_with("http/1.1 403 "), "{path}: {head}");
        assert!(body.contains("--allow-host evil.example"), "{body}");
        let origin = "Origin: https://evil.example\r\n";
        assert_eq!(ask(router.url(), "GET", path, origin).status, 403);
        assert_ne!(
            ask(router.url(), "GET", path, "Origin: null\r\n").status,
            403
        );
    }
    router.wait_for_log("WARN refused: ");
}

#[test]
fn pages_can_be_asked_for_in_a_row_and_then_a_websocket() {
    let router = Router::start();
    let host = authority(router.url());
    let mut peer = Peer::connect(router.url());
    let page = format!("GET /wamp.js HTTP/1.1\r\nHost: {host}\r\n\r\n");
    peer.write(page.repeat(3).as_bytes());
    for _ in 0..3 {
        assert!(peer.http_response().0.starts_with("http/1.1 200 "));
    }
    peer.write(handshake(router.url(), "wamp.2.json").as_bytes());
    assert!(peer.http_head().starts_with("HTTP/1.1 101 "));
    peer.send(&super::peer::hello("realm1"));
    peer.expect_message(2);
}

#[test]
fn a_browser_that_keeps_its_connection_does_not_keep_the_router() {
    let router = Router::start();
    let host = authority(router.url());
    let mut peer = Peer::connect(router.url());
    peer.write(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes());
    assert!(peer.http_response().0.starts_with("http/1.1 200 "));
    router.program().terminate();
    peer.expect_end();
    drop(peer);
    let output = router.finish().exit_code(0);
    assert!(!output.stderr.contains("still open"), "{}", output.stderr);
}

#[test]
fn requests_are_logged_where_more_is_asked_for() {
    let router = Router::start_with(["-v"]);
    get(router.url(), "/no%0awhere");
    let line = router.wait_for_log("GET");
    assert!(line.contains("DEBUG") && line.contains("status=404"));
    assert!(line.contains("\"/no%0awhere\""), "{line}");
    let quiet = Router::start();
    get(quiet.url(), "/");
    assert!(!quiet.terminate().stderr.contains("GET"));
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
