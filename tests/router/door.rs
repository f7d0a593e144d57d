//! TLS, Unix sockets and proxies: what is let in, and what is said where it is not.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;

use serde_json::json;

use super::bystander::Bystander;
use super::peer::{authority, hello};
use super::rawsocket::{HANDSHAKE, Raw, TLS, certify, start};
use crate::support::{Router, wamp};

#[test]
fn a_certificate_changes_under_load_and_nobody_is_dropped() {
    let (router, folder) = start(TLS);
    let url = router.url();
    let bystander = Bystander::start(&url.replacen("wss:", "ws:", 1));
    fs::copy(
        folder.path().join("wamp.crt"),
        folder.path().join("old.crt"),
    )
    .unwrap();
    let client = |words: &[&str], ca: &str, url: &str| {
        wamp(words)
            .args(["--ca", ca, "--tls-name", "localhost"])
            .dir(folder.path())
            .to(url)
    };
    let mut subscriber = client(&["sub", "a.b", "-n", "2"], "old.crt", url).start();
    subscriber.wait_for_line("-- subscribed");
    let publish = |ca: &str| client(&["pub", "a.b", "1"], ca, url).run();
    publish("old.crt").exit_code(0);
    certify(folder.path());
    router.wait_for_log("the certificate is read again");
    publish("old.crt").exit_code(3);
    publish("wamp.crt").exit_code(0);
    for _ in 0..2 {
        let event = subscriber.next_line();
        assert!(event.contains('1'), "{event}");
    }
    subscriber.finish().exit_code(0);
    // One that is none: the last good one stays.
    fs::write(folder.path().join("wamp.key"), "no key").unwrap();
    router.wait_for_log("the certificate stays as it was");
    publish("wamp.crt").exit_code(0);
    bystander.finish();
}

#[test]
fn tls_is_told_from_what_is_not_and_each_is_told_what_the_port_speaks() {
    let plain = Router::start();
    let other = plain.url().replacen("ws:", "wss:", 1);
    let call = wamp(["call", "x", "--insecure"])
        .to(&other)
        .run()
        .exit_code(3);
    call.stderr_contains("does not speak TLS on this port");
    plain.wait_for_log("a client speaks TLS");
    let (never, folder) = start(&format!("{TLS}plain = \"never\"\n"));
    let url = never.url();
    let call = wamp(["call", "x"])
        .to(&url.replacen("wss:", "ws:", 1))
        .run()
        .exit_code(3);
    call.stderr_contains("this router wants TLS: use wss:// or https://");
    never.wait_for_log("without TLS, which this router wants");
    let rawsocket = format!("tcp://{}", authority(url));
    wamp(["call", "x"])
        .to(&rawsocket)
        .run()
        .exit_code(3)
        .stderr_contains("rss://");
    let call = wamp(["call", "wamp.session.count", "--ca", "wamp.crt"]).dir(folder.path());
    call.to(&format!("rss://{}", authority(url)))
        .run()
        .exit_code(0)
        .stdout("1\n");
}

#[test]
fn a_proxy_that_is_listed_says_whom_it_brings_and_must() {
    let (router, _folder) = start("proxy_from = [\"127.0.0.0/8\"]\n");
    let url = router.url();
    let v1 = b"PROXY TCP4 203.0.113.7 198.51.100.1 4711 443\r\n".to_vec();
    let mut v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    v2.extend([203, 0, 113, 8, 198, 51, 100, 1, 0x12, 0x67, 1, 0xbb]);
    for (header, peer) in [(v1, "203.0.113.7:4711"), (v2, "203.0.113.8:4711")] {
        // Byte by byte, and with what follows.
        for split in [1, header.len() + 4] {
            let mut raw = Raw::connect(url);
            let bytes: Vec<u8> = header.iter().chain(&HANDSHAKE).copied().collect();
            for part in bytes.chunks(split) {
                raw.write(part);
            }
            assert_eq!(raw.read(4), HANDSHAKE);
            raw.send(&hello("realm1"));
            let welcome = raw.receive();
            raw.send(&json!([48, 1, {}, "wamp.session.get", [welcome[1]]]));
            assert_eq!(raw.receive()[3][0]["transport"]["peer"], json!(peer));
            // What is for this machine's is not for those whom a proxy of this machine brings.
            raw.send(&json!([48, 2, {}, "wamp.session.kill_all"]));
            assert_eq!(raw.receive()[4], json!("wamp.error.not_authorized"));
        }
    }
    for bytes in [
        &HANDSHAKE as &[u8],
        b"GET / HTTP/1.1\r\n\r\n",
        b"PROXY TCP4 203.0.113.7\r\n",
        b"PROXY TCP4 nobody 198.51.100.1 4711 443\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c012345678901",
        // Who names nobody would be taken for the proxy, which here may do what only this machine's may.
        b"PROXY UNKNOWN\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\0\0\0",
        &[b'P'; 4096],
    ] {
        let mut raw = Raw::connect(url);
        raw.write(bytes);
        assert!(raw.rest().is_empty(), "{bytes:?}");
    }
    router.wait_for_log("no valid PROXY header from an address in proxy_from");
    router.wait_for_log("a PROXY header that names nobody from an address in proxy_from");
    // The proxy itself looks whether the router is there.
    let mut raw = Raw::connect(url);
    raw.write(b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0");
    raw.write(&HANDSHAKE);
    assert_eq!(raw.read(4), HANDSHAKE);
}

#[test]
fn a_proxy_that_is_not_listed_is_refused() {
    let router = Router::start();
    for header in [
        b"PROXY TCP4 203.0.113.7 198.51.100.1 4711 443\r\n" as &[u8],
        b"PROXY UNKNOWN\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c012345678901",
    ] {
        let mut raw = Raw::connect(router.url());
        raw.write(header);
        assert!(raw.rest().is_empty(), "{header:?}");
    }
    router.wait_for_log("a PROXY header from an address that is not in proxy_from");
}

#[test]
fn a_unix_socket_is_its_users_alone_is_gone_at_the_end_and_takes_the_place_of_a_stale_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wamp.sock");
    // A server that did not end in order leaves its file.
    drop(UnixListener::bind(&path).unwrap());
    let listen = format!("unix:{}", path.display());
    let router = Router::start_with(["--listen", &listen]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    let call = || wamp(["call", "wamp.session.count"]).to(&listen).run();
    call().exit_code(0).stdout("1\n");
    let second = wamp(["router", "--listen", &listen]).run().exit_code(9);
    second.stderr_contains("address already in use");
    call().exit_code(0);
    router.terminate().exit_code(0);
    assert!(!path.exists());
    call()
        .exit_code(3)
        .stderr_contains("no such file or directory");
    // For others of the group, if told so; what is no socket stays.
    let router = Router::start_with(["--listen", &format!("{listen}?mode=660")]);
    assert_eq!(mode(&path), 0o660);
    router.interrupt().exit_code(0);
    fs::write(&path, "mine").unwrap();
    let refused = wamp(["router", "--listen", &listen]).run().exit_code(9);
    refused.stderr_contains("a file is there that is no socket");
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
}
