//! A client on a stream inside the process, whose buffer is as small as a test wants: no kernel takes bytes in
//! the peer's stead, so the router can write exactly what the peer reads.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::timeout;

use super::node::Node;
use super::peer::{CLOSE, Frame, PING, PONG, TEXT, frame_of, handshake, hello, text_frame};

/// A buffer that is never full.
pub(super) const ROOMY: usize = 8 * 1024 * 1024;
/// A buffer that never holds a message.
pub(super) const NARROW: usize = 1024;

/// An argument so long.
pub(super) fn text(bytes: usize) -> Value {
    "x".repeat(bytes).into()
}

/// The client's end.
#[derive(Debug)]
pub(super) struct Link {
    stream: DuplexStream,
    request: u64,
    /// Pings that came, whether or not they were answered.
    pub(super) pings: usize,
    /// Whether pings are answered.
    pub(super) answers_pings: bool,
}

impl Link {
    /// Connects by a stream of `buffer` bytes each way, and says nothing yet.
    pub(super) fn connect(node: &Node, buffer: usize) -> Self {
        let (stream, theirs) = duplex(buffer);
        node.serve(theirs);
        Self {
            stream,
            request: 0,
            pings: 0,
            answers_pings: true,
        }
    }

    /// Connects and upgrades.
    pub(super) async fn upgrade(node: &Node, buffer: usize) -> Self {
        let mut link = Self::connect(node, buffer);
        link.write(handshake("ws://localhost/ws", "wamp.2.json").as_bytes())
            .await;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(link.stream.read_u8().await.unwrap());
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "));
        link
    }

    /// Connects, upgrades and joins `realm1`.
    pub(super) async fn join(node: &Node, buffer: usize) -> Self {
        let mut link = Self::upgrade(node, buffer).await;
        link.send(&hello("realm1")).await;
        assert_eq!(link.receive().await[0], json!(2));
        link
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Writes until all is written or the router has closed the stream; returns how much it took.
    pub(super) async fn write_as_much_as_it_takes(&mut self, bytes: &[u8]) -> usize {
        let mut written = 0;
        while written < bytes.len() {
            match self.stream.write(&bytes[written..]).await {
                Ok(count) => written += count,
                Err(_) => break,
            }
        }
        written
    }

    /// Reads so many bytes, whatever they mean.
    pub(super) async fn take(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes).await.unwrap();
        bytes
    }

    /// Reads everything there is until the end of the stream.
    pub(super) async fn read_to_end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.stream.read_to_end(&mut bytes).await.unwrap();
        bytes
    }

    pub(super) async fn send(&mut self, message: &Value) {
        self.write(&text_frame(message)).await;
    }

    /// Makes the frame of the next request: `[code, id, rest…]`.
    pub(super) fn next_request(&mut self, code: u64, rest: &[Value]) -> Vec<u8> {
        self.request += 1;
        let head = [json!(code), json!(self.request)];
        text_frame(&head.iter().chain(rest).cloned().collect())
    }

    /// Sends a request and receives its answer.
    pub(super) async fn request(&mut self, code: u64, rest: &[Value]) -> Value {
        let frame = self.next_request(code, rest);
        self.write(&frame).await;
        self.receive().await
    }

    pub(super) async fn subscribe(&mut self, topic: &str) {
        assert_eq!(self.request(32, &[json!({}), json!(topic)]).await[0], 33);
    }

    pub(super) async fn register(&mut self, procedure: &str) {
        assert_eq!(
            self.request(64, &[json!({}), json!(procedure)]).await[0],
            65
        );
    }

    /// Calls, and receives the answer.
    pub(super) async fn call(&mut self, procedure: &str, args: &Value) -> Value {
        let rest = [json!({}), json!(procedure), args.clone()];
        self.request(48, &rest).await
    }

    /// Publishes, and waits until the router has dealt with it.
    pub(super) async fn publish(&mut self, topic: &str, argument: &Value) {
        let options = json!({"acknowledge": true});
        let rest = [options, json!(topic), json!([argument])];
        assert_eq!(self.request(16, &rest).await[0], 17);
    }

    /// The next frame, pings left out; `None` at the end of the stream.
    pub(super) async fn frame(&mut self) -> Option<Frame> {
        loop {
            let frame = read_frame(&mut self.stream).await?;
            if frame.opcode != PING {
                return Some(frame);
            }
            self.pings += 1;
            if self.answers_pings {
                // Whether it was taken in time shows elsewhere.
                let _ = self.stream.write_all(&frame_of(PONG, &frame.payload)).await;
            }
        }
    }

    /// The next message.
    pub(super) async fn receive(&mut self) -> Value {
        let frame = self.frame().await.expect("the router closed the stream");
        assert_eq!(frame.opcode, TEXT, "{frame:?}");
        serde_json::from_slice(&frame.payload).unwrap()
    }

    /// Everything that still comes: messages, and whether a close frame is the last of it.
    pub(super) async fn rest(&mut self) -> (VecDeque<Value>, Option<Frame>) {
        let mut messages = VecDeque::new();
        while let Some(frame) = self.frame().await {
            if frame.opcode == CLOSE {
                assert_eq!(self.frame().await, None, "nothing follows a close frame");
                return (messages, Some(frame));
            }
            messages.push_back(serde_json::from_slice(&frame.payload).unwrap());
        }
        (messages, None)
    }
}

impl Link {
    /// Sends the same bytes over and over, and reads what comes, until the router closes; returns its close frame.
    ///
    /// The router finds something to read whenever it looks; a clock that only jumps when nothing is to be done
    /// is moved on by hand.
    pub(super) async fn flood_until_closed(self, bytes: &[u8]) -> Frame {
        let (mut reading, mut writing) = tokio::io::split(self.stream);
        let flood = bytes.repeat(1_000);
        let flooding = tokio::spawn(async move {
            while writing.write_all(&flood).await.is_ok() {
                tokio::time::advance(Duration::from_millis(100)).await;
            }
        });
        let closed = loop {
            let frame = read_frame(&mut reading).await.expect("no close frame");
            if frame.opcode == CLOSE {
                break frame;
            }
        };
        flooding.abort();
        closed
    }

    /// Writes until the router takes no more for a while, then reads `count` messages while it writes the rest.
    /// Returns how much was taken before anything was read, and the messages.
    pub(super) async fn write_then_read(self, bytes: &[u8], count: usize) -> (usize, Vec<Value>) {
        let (mut reading, mut writing) = tokio::io::split(self.stream);
        let mut written = 0;
        // Virtual: long enough for all that does not wait for us.
        while let Ok(count) =
            timeout(Duration::from_secs(1), writing.write(&bytes[written..])).await
        {
            written += count.unwrap();
            if written == bytes.len() {
                break;
            }
        }
        let before = written;
        let read = async {
            let mut messages = Vec::new();
            while messages.len() < count {
                let frame = read_frame(&mut reading)
                    .await
                    .expect("the router closed the stream");
                if frame.opcode == TEXT {
                    messages.push(serde_json::from_slice(&frame.payload).unwrap());
                }
            }
            messages
        };
        let (rest, messages) = tokio::join!(writing.write_all(&bytes[written..]), read);
        rest.unwrap();
        (before, messages)
    }
}

/// Reads one frame; `None` at the end of the stream.
async fn read_frame(stream: &mut (impl AsyncRead + Unpin)) -> Option<Frame> {
    let opcode = stream.read_u8().await.ok()? & 0x0f;
    let length = match stream.read_u8().await.ok()? {
        126 => stream.read_u16().await.ok()?.into(),
        127 => stream.read_u64().await.ok()?,
        length => length.into(),
    };
    let mut payload = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut payload).await.ok()?;
    Some(Frame { opcode, payload })
}
