//! RawSocket, and whatever comes before a session: bad input, and what its peer and the log are told.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::{Instant, sleep};
use wamp::router::Limits;

use super::bystander::Bystander;
use super::node::{Node, in_virtual_time};
use super::peer::{DEADLINE, Peer, authority, hello};
use crate::support::{Router, wamp};

/// JSON, and messages of up to 16 MiB.
pub(super) const HANDSHAKE: [u8; 4] = [0x7f, 0xf1, 0, 0];
/// How many do not get beyond the beginning of a handshake.
const HALF_HANDSHAKES: usize = 5_000;

/// How often a link is looked at; each look takes its time.
const LOOKS_MAX: usize = 100_000;

/// A RawSocket client without manners.
pub(super) struct Raw(TcpStream);

impl Raw {
    pub(super) fn connect(url: &str) -> Self {
        let stream = TcpStream::connect(authority(url)).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        Self(stream)
    }

    pub(super) fn join(url: &str) -> Self {
        let mut raw = Self::connect(url);
        raw.write(&HANDSHAKE);
        assert_eq!(raw.read(4), HANDSHAKE);
        raw.send(&hello("realm1"));
        assert_eq!(raw.receive()[0], json!(2));
        raw
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    pub(super) fn read(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes).unwrap();
        bytes
    }

    pub(super) fn send(&mut self, message: &Value) {
        self.write(&frame(0, message.to_string().as_bytes()));
    }

    /// The next frame that is no PING: its kind, and what it holds.
    fn frame(&mut self) -> (u8, Vec<u8>) {
        loop {
            let head = self.read(4);
            let length = u32::from_be_bytes([0, head[1], head[2], head[3]]);
            let payload = self.read(length.try_into().unwrap());
            if head[0] != 1 {
                return (head[0], payload);
            }
        }
    }

    pub(super) fn receive(&mut self) -> Value {
        let (kind, payload) = self.frame();
        assert_eq!(kind, 0);
        serde_json::from_slice(&payload).unwrap()
    }

    /// Whether the system probes the link from the router's side when nothing comes.
    fn is_probed(&self) -> bool {
        const KEEPALIVE_TIMER: &str = "02:";
        let port = |address: std::net::SocketAddr| format!(":{:04X}", address.port());
        let [router, ours] = [self.0.peer_addr(), self.0.local_addr()].map(|it| port(it.unwrap()));
        let links = fs::read_to_string("/proc/net/tcp").unwrap();
        links.lines().any(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            fields[1].ends_with(&router)
                && fields[2].ends_with(&ours)
                && fields[5].starts_with(KEEPALIVE_TIMER)
        })
    }

    /// What comes until the end, in order or by a reset.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let _ = self.0.read_to_end(&mut bytes);
        bytes
    }
}

fn frame(kind: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap();
    let mut frame = (kind << 24 | length).to_be_bytes().to_vec();
    frame.extend_from_slice(payload);
    frame
}

/// Everybody may join; who is on this machine may end sessions.
const REALM: &str = r#"
[[realms]]
name = "realm1"
[[realms.roles]]
name = "anonymous"
rules = [
  { uri = "", match = "prefix", allow = ["call", "register", "publish", "subscribe"] },
  { uri = "", match = "prefix", allow = ["kill"], from = "loopback" },
]
"#;

/// A router with what a config says beside its realm, in a folder with a certificate.
pub(super) fn start(config: &str) -> (Router, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    fs::write(folder.path().join("wamp.toml"), format!("{config}{REALM}")).unwrap();
    let router = Router::start_in(folder.path(), ["--config", "wamp.toml"]);
    (router, folder)
}

pub(super) const TLS: &str = "[tls]\ncert = \"wamp.crt\"\nkey = \"wamp.key\"\n";

pub(super) fn certify(folder: &Path) {
    wamp(["init", "--tls", "--force"])
        .dir(folder)
        .run()
        .exit_code(0);
}

#[test]
fn a_rawsocket_handshake_that_is_refused_is_told_why() {
    let router = Router::start();
    let bystander = Bystander::start(router.url());
    for (said, reply) in [
        ([0x7f, 0xf1, 1, 0], [0x7f, 0x30, 0, 0]),
        ([0x7f, 0xf1, 0, 0x80], [0x7f, 0x30, 0, 0]),
        ([0x7f, 0xf0, 0, 0], [0x7f, 0x10, 0, 0]),
        ([0x7f, 0xf4, 0, 0], [0x7f, 0x10, 0, 0]),
        ([0x7f, 0xff, 0, 0], [0x7f, 0x10, 0, 0]),
    ] {
        let mut raw = Raw::connect(router.url());
        raw.write(&said);
        assert_eq!(raw.rest(), reply, "{said:x?}");
    }
    router.wait_for_log("no RawSocket agreed on: reserved bits are used");
    router.wait_for_log("no RawSocket agreed on: the serializer is not supported");
    bystander.finish();
}

#[test]
fn a_rawsocket_frame_that_is_none_or_too_long_ends_the_connection() {
    let router = Router::start();
    let bystander = Bystander::start(router.url());
    // A kind that there is not, reserved bits, and a length that cannot be.
    for head in [
        [3, 0, 0, 0],
        [7, 0, 0, 1],
        [0x10, 0, 0, 2],
        [0x80, 0, 0, 2],
        [8, 0, 0, 1],
    ] {
        let mut raw = Raw::join(router.url());
        raw.write(&head);
        assert!(raw.rest().is_empty(), "{head:x?}");
    }
    router.wait_for_log("breaks the rules of its transport");
    // 16 MiB before WELCOME: it is claimed only, and not waited for.
    let mut raw = Raw::connect(router.url());
    raw.write(&HANDSHAKE);
    raw.write(&[8, 0, 0, 0]);
    assert_eq!(raw.read(4), HANDSHAKE);
    let abort = raw.receive();
    assert_eq!(abort[0], json!(3), "{abort}");
    assert!(raw.rest().is_empty());
    bystander.finish();
}

#[test]
fn a_ping_is_answered_with_what_it_holds() {
    let router = Router::start();
    let mut raw = Raw::join(router.url());
    let long = vec![0x5a; 100_000];
    for payload in [b"" as &[u8], b"\0\xff", &long] {
        raw.write(&frame(1, payload));
        assert_eq!(raw.frame(), (2, payload.to_vec()));
    }
    // A pong that nobody asked for shows only that it lives.
    raw.write(&frame(2, b"unasked"));
    raw.send(&json!([48, 1, {}, "wamp.session.count"]));
    assert_eq!(raw.receive(), json!([50, 1, {}, [1]]));
}

#[test]
fn a_handshake_of_one_byte_a_second_is_cut() {
    for handshake in [
        &HANDSHAKE as &[u8],
        b"GET /ws HTTP/1.1\r\nHost: localhost\r\n",
    ] {
        in_virtual_time(async {
            let node = Node::start(Limits {
                upgrade_time: Duration::from_millis(2_500),
                ..Limits::default()
            })
            .await;
            let (mut ours, theirs) = duplex(1024);
            node.serve(theirs);
            let began = Instant::now();
            for byte in handshake {
                if ours.write_all(&[*byte]).await.is_err() {
                    break;
                }
                sleep(Duration::from_secs(1)).await;
            }
            let mut rest = Vec::new();
            let _ = ours.read_to_end(&mut rest).await;
            assert!(
                began.elapsed() < Duration::from_secs(10),
                "{:?}",
                began.elapsed()
            );
            assert!(!rest.starts_with(&HANDSHAKE[..1]), "{rest:x?}");
        });
    }
}

/// A client in this process that has said HELLO, and read nothing yet.
async fn joining(node: &Node) -> DuplexStream {
    let (mut ours, theirs) = duplex(64 * 1024);
    node.serve(theirs);
    ours.write_all(&HANDSHAKE).await.unwrap();
    let hello = hello("realm1").to_string();
    ours.write_all(&frame(0, hello.as_bytes())).await.unwrap();
    ours
}

#[test]
fn a_rawsocket_client_that_has_gone_without_a_word_loses_its_session_within_35_s() {
    in_virtual_time(async {
        let node = Node::start(Limits::default()).await;
        let mut ours = joining(&node).await;
        // Who sends no PING is asked for none: autobahn-python knows neither.
        ours.write_all(&frame(1, b"")).await.unwrap();
        let began = Instant::now();
        // The handshake, WELCOME, a PONG, PINGs that nobody answers, and the end.
        let mut bytes = Vec::new();
        ours.read_to_end(&mut bytes).await.unwrap();
        assert!(bytes.ends_with(&[1, 0, 0, 0, 1, 0, 0, 0]), "{bytes:x?}");
        assert!(
            began.elapsed() <= Duration::from_secs(35),
            "{:?}",
            began.elapsed()
        );
    });
}

#[test]
fn a_rawsocket_client_that_knows_no_pings_gets_none_and_the_system_watches_its_link() {
    in_virtual_time(async {
        let node = Node::start(Limits::default()).await;
        let mut ours = joining(&node).await;
        sleep(Duration::from_mins(2)).await;
        let call = json!([48, 1, {}, "wamp.session.count"]).to_string();
        ours.write_all(&frame(0, call.as_bytes())).await.unwrap();
        let mut bytes = Vec::new();
        while !bytes.ends_with(&frame(0, b"[50,1,{},[1]]")) {
            bytes.push(ours.read_u8().await.unwrap());
        }
        let ping = frame(1, b"");
        assert!(!bytes.windows(4).any(|it| it == ping), "{bytes:x?}");
    });
    let router = Router::start();
    let mut raw = Raw::join(router.url());
    // While something is not acknowledged, another timer runs: this acknowledges WELCOME, and has no answer.
    raw.send(&json!([16, 1, {}, "a.b"]));
    let is_in_time = (0..LOOKS_MAX).any(|_| raw.is_probed());
    assert!(is_in_time, "the system does not probe it");
}

#[test]
fn thousands_of_half_handshakes_keep_nobody_waiting() {
    let (router, _folder) = start(TLS);
    let url = router.url().replacen("wss:", "ws:", 1);
    let bystander = Bystander::start(&url);
    let mut half: Vec<TcpStream> = Vec::new();
    for begin in [b"\x7f" as &[u8], b"\x16\x03\x01\x02", b"GET /ws HTT", b""]
        .iter()
        .cycle()
        .take(HALF_HANDSHAKES)
    {
        let mut stream = TcpStream::connect(authority(&url)).unwrap();
        // Those that were first may have been cut before the last has come.
        let _ = stream.write_all(begin);
        half.push(stream);
    }
    let mut raw = Raw::join(&url);
    raw.send(&json!([48, 1, {}, "wamp.session.count"]));
    assert_eq!(raw.receive(), json!([50, 1, {}, [3]]));
    bystander.finish();
    drop(half);
}

#[test]
fn who_finds_no_place_is_told_so_in_its_own_way() {
    let (router, _folder) = start("[limits]\nconnections = 1\n");
    let _first = Raw::join(router.url());
    let mut raw = Raw::connect(router.url());
    raw.write(&HANDSHAKE);
    assert_eq!(raw.rest(), [0x7f, 0x40, 0, 0]);
    let mut browser = Peer::connect(router.url());
    browser.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let (head, body) = browser.http_response();
    assert!(head.starts_with("http/1.1 503 "), "{head}");
    assert!(
        body.contains("as many connections as it may have"),
        "{body}"
    );
}

#[test]
fn what_is_no_rawsocket_server_is_said_to_be_none() {
    let mut echo = wamp(["echo", "127.0.0.1:0"]).start();
    let url = echo.next_line();
    let url = format!("tcp://{}", authority(&url));
    let call = wamp(["call", "x"]).to(&url).run().exit_code(3);
    let call = call.stderr_contains("what answers there does not speak RawSocket: HTTP");
    call.stderr_contains("if it is a WebSocket that listens there: ws://");
}
