//! The raw WebSocket server: `wamp echo`, and `/echo` and `/count` of `wamp router --demo`.
//!
//! Clients are [`Peer`]s, which know RFC 6455 just well enough to break it. What only a passing deadline shows is
//! tried in virtual time, in `src/echo/tests.rs`.

mod crowd;
mod faithful;
mod faults;
mod lines;
mod router;
mod rules;
mod start;

use std::ffi::OsStr;

use crate::router::peer::{PING, PONG, Peer, TEXT, frame_of, handshake_with};
use crate::support::{Program, wamp};

const MIB: usize = 1024 * 1024;

/// A running `wamp echo` on a free port; killed when dropped.
struct Echo {
    program: Program,
    url: String,
}

impl Echo {
    #[track_caller]
    fn start() -> Self {
        Self::start_with([] as [&str; 0])
    }

    #[track_caller]
    fn start_with<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Self {
        let mut program = wamp(["echo", ":0"]).args(args).start();
        let url = program.next_line();
        assert!(url.starts_with("ws://127.0.0.1:"), "{url}");
        Self { program, url }
    }

    /// Connects a client.
    #[track_caller]
    fn open(&self) -> Peer {
        open(&self.url, "/", "")
    }

    /// Waits until the connections that were closed are told; returns what is told of one client, without times.
    #[track_caller]
    fn told_of(&self, client: usize) -> Vec<String> {
        let name = format!("[{client}] ");
        self.program.wait_for_line(&format!("{name}closed"));
        let stderr = self.program.stderr();
        let lines = stderr.lines().filter_map(|line| line.split_once(&name));
        lines.map(|(_, told)| told.to_owned()).collect()
    }
}

/// Connects a client at a path, with more header lines, each ended by `\r\n`.
#[track_caller]
fn open(url: &str, path: &str, headers: &str) -> Peer {
    let mut peer = Peer::connect(url);
    peer.write(request(url, path, headers).as_bytes());
    let head = peer.http_head();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    peer
}

fn request(url: &str, path: &str, headers: &str) -> String {
    let request = handshake_with(url, headers);
    request.replacen("GET /ws ", &format!("GET {path} "), 1)
}

/// Sends a text, and receives the same.
#[track_caller]
fn expect_echo(peer: &mut Peer, text: &str) {
    peer.write(&frame_of(TEXT, text.as_bytes()));
    expect_text(peer, text);
}

/// Receives this text.
#[track_caller]
fn expect_text(peer: &mut Peer, text: &str) {
    let frame = peer.frame();
    assert_eq!(frame.opcode, TEXT);
    assert_eq!(String::from_utf8_lossy(&frame.payload), text);
}

/// Sees that what was sent so far has no answer on its way: that to a ping comes next.
#[track_caller]
fn expect_silence(peer: &mut Peer) {
    peer.write(&frame_of(PING, b"still there?"));
    let frame = peer.frame();
    assert_eq!(frame.opcode, PONG, "{frame:?}");
    assert_eq!(frame.payload, b"still there?");
}
