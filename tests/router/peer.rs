//! A client without manners: bytes on a TCP stream, as many or as few as a test wants. Raw servers get it as well.
//!
//! It knows the WebSocket and WAMP just well enough to break every rule of theirs, and shares no code with the
//! router. Blocking; a read that gets nothing within [`DEADLINE`] fails the test.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

/// How long a peer may be kept waiting. Generous: CI shares its two cores.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// How many pings, one every 10 s, may come instead of what a test waits for.
const PINGS_MAX: u32 = 4;

/// What clients send as their key; its answer is not checked here.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

const IS_MASKED: u8 = 0x80;
const LENGTH_IN_2_BYTES: u8 = 0x7e;
const LENGTH_IN_8_BYTES: u8 = 0x7f;

/// The mask of all our frames.
const MASK: [u8; 4] = [0x11, 0x22, 0x33, 0x44];

pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// One frame from the router.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) opcode: u8,
    pub(crate) payload: Vec<u8>,
}

/// One end of a TCP stream to the router.
#[derive(Debug)]
pub(crate) struct Peer {
    stream: TcpStream,
    /// Read and not yet looked at.
    ahead: Vec<u8>,
    request: u64,
}

impl Peer {
    /// Connects, and says nothing yet.
    #[track_caller]
    pub(crate) fn connect(url: &str) -> Self {
        let stream = TcpStream::connect(authority(url)).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            ahead: Vec::new(),
            request: 0,
        }
    }

    /// Connects and upgrades to a WebSocket with this subprotocol.
    #[track_caller]
    pub(crate) fn upgrade(url: &str, subprotocol: &str) -> Self {
        let mut peer = Self::connect(url);
        peer.write(handshake(url, subprotocol).as_bytes());
        let head = peer.http_head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        peer
    }

    /// Connects with JSON and joins `realm1`.
    #[track_caller]
    pub(crate) fn join(url: &str) -> Self {
        Self::join_realm(url, "realm1")
    }

    /// Connects with JSON and joins a realm.
    #[track_caller]
    pub(crate) fn join_realm(url: &str, realm: &str) -> Self {
        let mut peer = Self::upgrade(url, "wamp.2.json");
        peer.send(&hello(realm));
        peer.expect_message(2);
        peer
    }

    /// Sends bytes as they are.
    #[track_caller]
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Sends bytes as they are; false where the router no longer takes them.
    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Sends a message in a text frame.
    #[track_caller]
    pub(crate) fn send(&mut self, message: &Value) {
        self.write(&text_frame(message));
    }

    /// Sends a request whose id is the next in turn: `[code, id, rest…]`. Returns the id.
    #[track_caller]
    pub(crate) fn request(&mut self, code: u64, rest: &Value) -> u64 {
        let frame = self.next_request(code, rest);
        self.write(&frame);
        self.request
    }

    /// Sends a text that is a request with the next id.
    #[track_caller]
    pub(crate) fn request_as_text(&mut self, text: &str) {
        self.request += 1;
        self.write(&frame_of(TEXT, text.as_bytes()));
    }

    /// Makes the frame of a request, to be sent with others.
    pub(crate) fn next_request(&mut self, code: u64, rest: &Value) -> Vec<u8> {
        self.request += 1;
        let mut message = vec![json!(code), json!(self.request)];
        message.extend(rest.as_array().unwrap().iter().cloned());
        text_frame(&message.into())
    }

    /// Subscribes to a topic and waits until that is so.
    #[track_caller]
    pub(crate) fn subscribe(&mut self, topic: &str) {
        self.request(32, &json!([{}, topic]));
        self.expect_message(33);
    }

    /// Registers a procedure and waits until that is so.
    #[track_caller]
    pub(crate) fn register(&mut self, procedure: &str) {
        self.request(64, &json!([{}, procedure]));
        self.expect_message(65);
    }

    /// Publishes and waits until the router has dealt with it.
    #[track_caller]
    pub(crate) fn publish(&mut self, topic: &str, args: &Value) {
        self.request(16, &json!([{"acknowledge": true}, topic, args]));
        self.expect_message(17);
    }

    /// Calls a procedure without waiting for the answer.
    #[track_caller]
    pub(crate) fn call(&mut self, procedure: &str, args: &Value) -> u64 {
        self.request(48, &json!([{}, procedure, args]))
    }

    /// The next message.
    #[track_caller]
    pub(crate) fn receive(&mut self) -> Value {
        let frame = self.frame();
        assert!(
            matches!(frame.opcode, TEXT),
            "no message but {} {:?}",
            frame.opcode,
            String::from_utf8_lossy(&frame.payload)
        );
        serde_json::from_slice(&frame.payload).unwrap()
    }

    /// The next message, which has this code.
    #[track_caller]
    pub(crate) fn expect_message(&mut self, code: u64) -> Value {
        let message = self.receive();
        assert_eq!(message[0], json!(code), "{message}");
        message
    }

    /// Receives ABORT with this reason, then the close frame, then the end of the stream. Returns what it says.
    #[track_caller]
    pub(crate) fn expect_abort(&mut self, reason: &str) -> String {
        let abort = self.expect_message(3);
        assert_eq!(abort[2], json!(reason), "{abort}");
        self.expect_close();
        abort[1]["message"].as_str().unwrap_or_default().to_owned()
    }

    /// Receives the close frame, answers it, then sees the end of the stream. Returns its code.
    #[track_caller]
    pub(crate) fn expect_close(&mut self) -> u16 {
        let frame = self.frame();
        assert_eq!(frame.opcode, CLOSE, "{frame:?}");
        self.try_write(&close_frame(1000));
        self.expect_end();
        close_code(&frame)
    }

    /// Sees the end of the stream, in order or by reset, and nothing before it.
    #[track_caller]
    pub(crate) fn expect_end(&mut self) {
        assert_eq!(self.try_frame(), None);
    }

    /// The next frame that is no ping; pings are answered.
    #[track_caller]
    pub(crate) fn frame(&mut self) -> Frame {
        self.try_frame().expect("the router closed the connection")
    }

    /// The next frame that is no ping; `None` at the end of the stream.
    #[track_caller]
    pub(crate) fn try_frame(&mut self) -> Option<Frame> {
        for _ in 0..PINGS_MAX {
            let frame = self.any_frame()?;
            if frame.opcode != PING {
                return Some(frame);
            }
            self.try_write(&frame_of(PONG, &frame.payload));
        }
        panic!("nothing but pings from the router");
    }

    /// The next frame, whatever it is; `None` at the end of the stream.
    #[track_caller]
    pub(crate) fn any_frame(&mut self) -> Option<Frame> {
        let [head, second] = self.take::<2>()?;
        assert_eq!(head & 0x80, 0x80, "the router never fragments");
        assert_eq!(second & 0x80, 0, "a server masks nothing");
        let length = match second {
            LENGTH_IN_2_BYTES => u16::from_be_bytes(self.take()?).into(),
            LENGTH_IN_8_BYTES => u64::from_be_bytes(self.take()?),
            length => length.into(),
        };
        let length = usize::try_from(length).unwrap();
        while self.ahead.len() < length {
            if !self.read_some() {
                return None;
            }
        }
        Some(Frame {
            opcode: head & 0x0f,
            payload: self.ahead.drain(..length).collect(),
        })
    }

    /// The head of an HTTP response, its empty line included.
    #[track_caller]
    pub(crate) fn http_head(&mut self) -> String {
        loop {
            if let Some(at) = find(&self.ahead, b"\r\n\r\n") {
                return String::from_utf8(self.ahead.drain(..at + 4).collect()).unwrap();
            }
            assert!(
                self.read_some(),
                "the router closed the connection instead of answering: {:?}",
                String::from_utf8_lossy(&self.ahead)
            );
        }
    }

    /// A whole HTTP response that says how long it is: head and body.
    #[track_caller]
    pub(crate) fn http_response(&mut self) -> (String, String) {
        let head = self.http_head().to_ascii_lowercase();
        let length = head
            .split_once("content-length: ")
            .and_then(|(_, rest)| rest.lines().next())
            .map_or(0, |length| length.parse().unwrap());
        while self.ahead.len() < length {
            assert!(self.read_some(), "the body is cut off: {head}");
        }
        let body = String::from_utf8(self.ahead.drain(..length).collect()).unwrap();
        (head, body)
    }

    /// Everything until the end of the stream.
    #[track_caller]
    pub(crate) fn read_to_end(&mut self) -> Vec<u8> {
        while self.read_some() {}
        std::mem::take(&mut self.ahead)
    }

    /// Waits until something has come, and leaves it unread.
    #[track_caller]
    pub(crate) fn wait_for_bytes(&self) {
        assert_eq!(self.stream.peek(&mut [0]).unwrap(), 1);
    }

    /// Ends the stream in our direction.
    pub(crate) fn end_writing(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Another handle on the same stream, to write while somebody else reads.
    pub(crate) fn writer(&self) -> TcpStream {
        self.stream.try_clone().unwrap()
    }

    #[track_caller]
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        while self.ahead.len() < N {
            if !self.read_some() {
                return None;
            }
        }
        let taken = self.ahead.drain(..N).collect::<Vec<_>>();
        taken.try_into().ok()
    }

    /// Reads what is there; false at the end of the stream, in order or by reset.
    #[track_caller]
    fn read_some(&mut self) -> bool {
        let mut chunk = vec![0; 64 * 1024];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return false,
                Ok(count) => {
                    self.ahead.extend_from_slice(&chunk[..count]);
                    return true;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return false,
                Err(error) => panic!("nothing from the router: {error}"),
            }
        }
    }
}

/// The frames that a router's bytes hold.
#[track_caller]
pub(crate) fn frames(mut bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let [head, second, rest @ ..] = bytes {
        let (length, rest) = match *second {
            LENGTH_IN_2_BYTES => (
                u16::from_be_bytes(rest[..2].try_into().unwrap()).into(),
                &rest[2..],
            ),
            LENGTH_IN_8_BYTES => (
                u64::from_be_bytes(rest[..8].try_into().unwrap()),
                &rest[8..],
            ),
            length => (u64::from(length), rest),
        };
        let (payload, rest) = rest.split_at(usize::try_from(length).unwrap());
        frames.push(Frame {
            opcode: head & 0x0f,
            payload: payload.to_vec(),
        });
        bytes = rest;
    }
    frames
}

/// `HELLO` with every role of a client.
pub(crate) fn hello(realm: &str) -> Value {
    let roles = json!({"caller": {}, "callee": {}, "publisher": {}, "subscriber": {}});
    json!([1, realm, {"roles": roles}])
}

/// `host:port` of a URL as the router prints it.
pub(crate) fn authority(url: &str) -> &str {
    let (_, rest) = url.split_once("://").unwrap();
    rest.split('/').next().unwrap()
}

/// The request for a WebSocket that a client in order would send.
pub(crate) fn handshake(url: &str, subprotocol: &str) -> String {
    handshake_with(url, &format!("Sec-WebSocket-Protocol: {subprotocol}\r\n"))
}

/// The same with other header lines, each ended by `\r\n`, in place of the subprotocol's.
pub(crate) fn handshake_with(url: &str, headers: &str) -> String {
    let host = authority(url);
    format!(
        "GET /ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{headers}\r\n"
    )
}

/// A message as a masked text frame.
pub(crate) fn text_frame(message: &Value) -> Vec<u8> {
    frame_of(TEXT, message.to_string().as_bytes())
}

/// A masked frame, whole.
pub(crate) fn frame_of(opcode: u8, payload: &[u8]) -> Vec<u8> {
    fragment(true, opcode, payload)
}

/// A masked frame that may be a fragment.
pub(crate) fn fragment(is_final: bool, opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = frame_head(is_final, opcode, payload.len() as u64);
    frame.extend(
        payload
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    frame
}

/// The head of a masked frame that claims this length.
pub(crate) fn frame_head(is_final: bool, opcode: u8, length: u64) -> Vec<u8> {
    let mut head = vec![u8::from(is_final) << 7 | opcode];
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ ..126), _) => head.push(IS_MASKED | length),
        (_, Ok(length)) => {
            head.push(IS_MASKED | LENGTH_IN_2_BYTES);
            head.extend(length.to_be_bytes());
        }
        _ => {
            head.push(IS_MASKED | LENGTH_IN_8_BYTES);
            head.extend(length.to_be_bytes());
        }
    }
    head.extend(MASK);
    head
}

/// A masked close frame.
pub(crate) fn close_frame(code: u16) -> Vec<u8> {
    frame_of(CLOSE, &code.to_be_bytes())
}

/// The code in a close frame; 1005 where there is none, as RFC 6455 counts.
pub(crate) fn close_code(frame: &Frame) -> u16 {
    match frame.payload[..] {
        [high, low, ..] => u16::from_be_bytes([high, low]),
        _ => 1005,
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}
