//! Opening connections: upgrade, HELLO, REGISTER, SUBSCRIBE, with a blocking socket.
//!
//! Not timed, except as joins a second. What carries the load afterwards is a [`Wire`](crate::wire).

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;

use crate::frame;
use crate::server::Server;
use crate::wamp::{self, HELLO, Serializer, Template, WELCOME};

/// How many handshakes are under way at once.
const OPENING_MAX: usize = 64;
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
/// Where the relay answers with what it got.
pub(crate) const ECHO_PATH: &str = "/echo";
const REALM: &str = "realm1";

/// One open connection; with the router a joined session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) stream: TcpStream,
    /// Bytes read beyond the last message taken.
    pub(crate) left: Vec<u8>,
    serializer: Serializer,
}

/// Opens one connection for each of the relay's `paths`; the router has one path for all.
pub(crate) fn open(
    server: &Server,
    serializer: Serializer,
    paths: &[String],
) -> Result<Vec<Session>> {
    let mut sessions = Vec::with_capacity(paths.len());
    for some in paths.chunks(OPENING_MAX) {
        let first = sessions.len();
        for path in some {
            sessions.push(Session::ask(server, serializer, path)?);
        }
        for session in &mut sessions[first..] {
            session.read_upgrade(server)?;
        }
        join(server, serializer, &mut sessions[first..], some)?;
    }
    Ok(sessions)
}

/// Says HELLO to the router, and to the relay's echo, so that an idle one has spoken as well.
fn join(
    server: &Server,
    serializer: Serializer,
    sessions: &mut [Session],
    paths: &[String],
) -> Result<()> {
    if !server.is_router() && paths.iter().any(|path| path != ECHO_PATH) {
        return Ok(());
    }
    let roles = json!({"caller": {}, "callee": {}, "publisher": {}, "subscriber": {}});
    let hello = wamp::encode(serializer, &json!([HELLO, REALM, {"roles": roles}]));
    for session in &mut *sessions {
        session.send(&hello)?;
    }
    let expected = if server.is_router() { WELCOME } else { HELLO };
    for session in sessions {
        session.expect(expected)?;
    }
    Ok(())
}

impl Session {
    /// Connects and asks for a WebSocket without waiting for the answer.
    fn ask(server: &Server, serializer: Serializer, path: &str) -> Result<Self> {
        let (path, subprotocol) = if server.is_router() {
            (server.path(), Some(serializer.subprotocol()))
        } else {
            (path, None)
        };
        let mut stream = TcpStream::connect(server.host())
            .with_context(|| format!("connecting to {} at {}", server.name(), server.host()))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_TIME_MAX))?;
        stream.set_write_timeout(Some(ANSWER_TIME_MAX))?;
        stream.write_all(frame::upgrade(server.host(), path, subprotocol).as_bytes())?;
        Ok(Self {
            stream,
            left: Vec::new(),
            serializer,
        })
    }

    fn read_upgrade(&mut self, server: &Server) -> Result<()> {
        let end = loop {
            if let Some(at) = self.left.windows(4).position(|end| end == b"\r\n\r\n") {
                break at + 4;
            }
            self.read_more()?;
        };
        let answer = String::from_utf8_lossy(&self.left[..end]).into_owned();
        self.left.drain(..end);
        ensure!(
            answer.starts_with("HTTP/1.1 101"),
            "{} refused the WebSocket: {answer}",
            server.name()
        );
        let subprotocol = self.serializer.subprotocol();
        ensure!(
            !server.is_router() || answer.contains(subprotocol),
            "the router did not choose {subprotocol}: {answer}"
        );
        Ok(())
    }

    /// Sends the first request of a session and waits for its acknowledgement.
    pub(crate) fn request(&mut self, request: &Template, expected: u64) -> Result<()> {
        let mut out = Vec::new();
        request.put(&mut out, 1);
        self.stream.write_all(&out)?;
        self.expect(expected)
    }

    fn send(&mut self, message: &[u8]) -> Result<()> {
        let mut out = Vec::new();
        frame::put(&mut out, self.serializer.opcode(), message);
        Ok(self.stream.write_all(&out)?)
    }

    /// Waits for a message with this code; anything else is an error.
    fn expect(&mut self, code: u64) -> Result<()> {
        loop {
            let Some(found) = frame::first(&self.left)? else {
                self.read_more()?;
                continue;
            };
            let payload = self.left[found.start..found.end].to_vec();
            self.left.drain(..found.end);
            match found.opcode {
                frame::TEXT | frame::BINARY => {
                    let got = wamp::head(self.serializer, &payload).code;
                    ensure!(
                        got == code,
                        "expected message {code}, got {}",
                        show(&payload)
                    );
                    return Ok(());
                }
                frame::CLOSE => bail!("closed while waiting for message {code}"),
                _ => {}
            }
        }
    }

    fn read_more(&mut self) -> Result<()> {
        let mut buffer = [0; 4096];
        let got = self
            .stream
            .read(&mut buffer)
            .context("waiting for an answer")?;
        ensure!(got > 0, "connection closed during the handshake");
        self.left.extend_from_slice(&buffer[..got]);
        Ok(())
    }
}

/// The start of a message, for an error.
pub(crate) fn show(message: &[u8]) -> String {
    String::from_utf8_lossy(&message[..message.len().min(200)]).into_owned()
}
