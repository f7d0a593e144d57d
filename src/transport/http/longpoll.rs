//! WAMP over plain HTTP: messages sent and asked for by POST requests. Spec: ap#longpoll.
//!
//! A session's connection is one like any other, over RawSocket on a stream within this process; here is only what
//! carries its frames from and to requests. So its limits are those of any connection: who does not come for
//! messages takes nothing, answers no ping, and is gone like anybody else.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tokio::io::{
    AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf, duplex, split,
};
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::debug;

use super::response::{Page, body_of, page, plain};
use crate::framing::batched::{self, Batch, SEPARATOR};
use crate::framing::rawsocket::{Frame, Kind, MESSAGE_BYTES_MAX, append_frame, take_frame};
use crate::router::Limits;
use crate::transport::address::Ends;
use crate::transport::wire::Subprotocol;

/// Where it is.
const BASE: &str = "/longpoll/";
/// How long a request for messages waits for one. autobahn-js gives up after 12 s.
const HOLD_TIME: Duration = Duration::from_secs(9);
/// How many bytes lie between a session and its requests, each way.
const PIPE_BYTES: usize = 64 * 1024;
/// The longest request to open a session.
const OPEN_BYTES_MAX: usize = 4 * 1024;
/// From how many bytes on no more messages are put into one answer.
const BATCH_BYTES_MAX: usize = 64 * 1024;

/// Runs the connection of a session to its end, on its side of the stream.
type Serve = dyn Fn(DuplexStream, Subprotocol, Ends, watch::Sender<usize>) -> BoxFuture<'static, ()>
    + Send
    + Sync;

/// The sessions there are. Cheap to clone.
#[derive(Clone)]
pub struct LongPoll(Arc<Inner>);

struct Inner {
    serve: Box<Serve>,
    limits: Limits,
    sessions: std::sync::Mutex<HashMap<String, Arc<Session>>>,
}

/// What a session's requests share.
struct Session {
    subprotocol: Subprotocol,
    reading: Mutex<Reading>,
    writing: Mutex<Option<WriteHalf<DuplexStream>>>,
    /// The longest body that its connection takes as it is now; it has ended where nobody says so any more.
    bytes_max: watch::Receiver<usize>,
}

struct Reading {
    stream: ReadHalf<DuplexStream>,
    received: BytesMut,
    separator: u8,
}

impl LongPoll {
    /// With no session yet. Limits: so many sessions, messages and times as `limits` says.
    pub fn new(
        limits: Limits,
        serve: impl Fn(DuplexStream, Subprotocol, Ends, watch::Sender<usize>) -> BoxFuture<'static, ()>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self(Arc::new(Inner {
            serve: Box::new(serve),
            limits,
            sessions: std::sync::Mutex::default(),
        }))
    }

    /// Whether a path is one of ours.
    pub(super) fn is_at(path: &str) -> bool {
        path.starts_with(BASE)
    }

    /// Answers a request, whose host and origin are let in.
    pub(super) async fn answer(&self, request: Request<Incoming>, ends: Ends) -> Page {
        let origin = request.headers().get(header::ORIGIN).cloned();
        let mut page = self.answer_any(request, ends).await;
        let headers = page.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(origin) = origin {
            allow(headers, origin);
        }
        page
    }

    async fn answer_any(&self, request: Request<Incoming>, ends: Ends) -> Page {
        if request.method() == Method::OPTIONS {
            return plain(StatusCode::OK, "POST");
        }
        if request.method() != Method::POST {
            let mut page = plain(
                StatusCode::METHOD_NOT_ALLOWED,
                "this is WAMP over long-poll: POST",
            );
            let allowed = HeaderValue::from_static("POST, OPTIONS");
            page.headers_mut().insert(header::ALLOW, allowed);
            return page;
        }
        let path = request.uri().path().to_owned();
        let path = path.strip_prefix(BASE).unwrap_or_default();
        if path == "open" {
            return self.open(request.into_body(), ends).await;
        }
        let (id, what) = path.split_once('/').unwrap_or((path, ""));
        let session = self.sessions().get(id).cloned();
        let Some(session) = session else {
            return bad("there is no such session, or it has ended");
        };
        match what {
            "send" => self.send(&session, request.into_body()).await,
            "receive" => session.receive(self.0.limits.message_bytes).await,
            "close" => {
                self.sessions().remove(id);
                session.close().await;
                accepted()
            }
            _ => plain(StatusCode::NOT_FOUND, "send, receive or close a session"),
        }
    }

    async fn open(&self, body: Incoming, ends: Ends) -> Page {
        let opening = self.body(body, OPEN_BYTES_MAX);
        let opening = timeout(self.0.limits.upgrade_time, opening).await;
        let opening: Option<Value> = opening
            .ok()
            .flatten()
            .and_then(|body| serde_json::from_slice(&body).ok());
        let protocols = opening.as_ref().and_then(|it| it["protocols"].as_array());
        let Some(protocols) = protocols else {
            return bad("say which protocols you speak: {\"protocols\": [\"wamp.2.json\"]}");
        };
        let mut names = protocols.iter().filter_map(Value::as_str);
        let Some(subprotocol) = names.find_map(Subprotocol::named) else {
            let names = Subprotocol::ALL.map(Subprotocol::name).join(", ");
            return bad(&format!("offer one of these protocols: {names}"));
        };
        let (ours, theirs) = duplex(PIPE_BYTES);
        let (reading, writing) = split(ours);
        let (taken, bytes_max) = watch::channel(self.0.limits.message_bytes_before_welcome);
        let session = Arc::new(Session {
            subprotocol,
            reading: Mutex::new(Reading {
                stream: reading,
                received: BytesMut::new(),
                separator: SEPARATOR,
            }),
            writing: Mutex::new(Some(writing)),
            bytes_max,
        });
        // Whoever knows it can use the session.
        let id = format!("{:032x}", rand::random::<u128>());
        {
            let mut sessions = self.sessions();
            if sessions.len() >= self.0.limits.longpoll_sessions {
                let text = "this router has as many long-poll sessions as it may have";
                return plain(StatusCode::SERVICE_UNAVAILABLE, text);
            }
            sessions.insert(id.clone(), session);
        }
        debug!(peer = %ends.peer, "a long-poll session is open");
        let served = (self.0.serve)(theirs, subprotocol, ends, taken);
        let (this, ended) = (self.clone(), id.clone());
        tokio::spawn(async move {
            served.await;
            // What it said last may still be asked for.
            tokio::time::sleep(this.0.limits.goodbye_time).await;
            this.sessions().remove(&ended);
        });
        let answer = json!({"protocol": subprotocol.name(), "transport": id});
        page(StatusCode::OK, "application/json", answer.to_string())
    }

    async fn send(&self, session: &Session, body: Incoming) -> Page {
        let mut bytes_max = session.bytes_max.clone();
        let body = self.body(body, *bytes_max.borrow());
        // bound: who is in no session yet has no more time for a body than for that.
        let body = tokio::select! {
            body = body => body,
            _ = bytes_max.wait_for(|_| false) => None,
        };
        let Some(body) = body else {
            return bad("the messages are too long, or did not come");
        };
        let is_taken = match session.frames(body) {
            Ok(frames) => session.write(&frames, self.0.limits.stall_time).await,
            Err(why) => {
                session.close().await;
                return bad(&why);
            }
        };
        if is_taken {
            accepted()
        } else {
            bad("the session has ended, or takes nothing more")
        }
    }

    /// A request's body, if it comes in time and is not longer than that.
    async fn body(&self, mut body: Incoming, bytes_max: usize) -> Option<Bytes> {
        let mut bytes = BytesMut::new();
        loop {
            let frame = timeout(self.0.limits.stall_time, body.frame()).await.ok()?;
            let Some(frame) = frame else {
                return Some(bytes.freeze());
            };
            if let Ok(data) = frame.ok()?.into_data() {
                if bytes.len() + data.len() > bytes_max {
                    return None;
                }
                bytes.extend_from_slice(&data);
            }
        }
    }

    fn sessions(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Session>>> {
        // Nothing in here panics half-way.
        let sessions = self.0.sessions.lock();
        sessions.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// The messages of a body, as the frames of its connection.
    fn frames(&self, body: Bytes) -> Result<BytesMut, String> {
        let mut frames = BytesMut::new();
        let mut append = |message: &[u8]| {
            if message.len() > MESSAGE_BYTES_MAX {
                return Err("a message is too long".to_owned());
            }
            append_frame(&mut frames, Kind::Message, message);
            Ok(())
        };
        if self.subprotocol.is_batched {
            let batch = Batch::new(self.subprotocol.serializer, body);
            if let Some(separator) = batch.separator()
                && let Ok(mut reading) = self.reading.try_lock()
            {
                reading.separator = separator;
            }
            for message in batch {
                append(&message.map_err(|error| error.to_string())?)?;
            }
        } else {
            append(&body)?;
        }
        Ok(frames)
    }

    /// The next message, or all there are; nothing where none comes for a while.
    async fn receive(&self, message_bytes_max: usize) -> Page {
        let deadline = Instant::now() + HOLD_TIME;
        // One request at a time has what comes; one that was given up lets go.
        let Ok(mut reading) = timeout_at(deadline, self.reading.lock()).await else {
            return self.messages(Bytes::new());
        };
        let bytes_max = message_bytes_max.min(MESSAGE_BYTES_MAX);
        let mut answer = BytesMut::new();
        loop {
            // A ping is answered because somebody asks: that is the sign of life.
            match take_frame(&mut reading.received, bytes_max) {
                Ok(Some(Frame::Message(message))) => {
                    if !self.subprotocol.is_batched {
                        return self.messages(message);
                    }
                    let serializer = self.subprotocol.serializer;
                    batched::append(&mut answer, serializer, reading.separator, &message);
                }
                Ok(Some(Frame::Ping(payload))) => self.pong(&payload).await,
                Ok(Some(Frame::Pong(_))) => {}
                Ok(None) if !answer.is_empty() => return self.messages(answer.freeze()),
                Ok(None) => {
                    let Reading {
                        stream, received, ..
                    } = &mut *reading;
                    match timeout_at(deadline, stream.read_buf(received)).await {
                        Err(_) => return self.messages(Bytes::new()),
                        Ok(Ok(1..)) => {}
                        Ok(Ok(0) | Err(_)) => return bad("the session has ended"),
                    }
                }
                Err(_) => return bad("the session has ended"),
            }
            if answer.len() >= BATCH_BYTES_MAX {
                return self.messages(answer.freeze());
            }
        }
    }

    async fn pong(&self, payload: &[u8]) {
        let mut frame = BytesMut::new();
        append_frame(&mut frame, Kind::Pong, payload);
        // Where the session takes nothing, it is about to end.
        let _ = self.write(&frame, HOLD_TIME).await;
    }

    /// Hands frames to the connection, if it takes them in time.
    async fn write(&self, frames: &[u8], at_most: Duration) -> bool {
        let mut writing = self.writing.lock().await;
        // Out of its place meanwhile: a request that is given up may leave half of a frame, behind which nothing may go.
        let Some(mut stream) = writing.take() else {
            return false;
        };
        let written = timeout(at_most, stream.write_all(frames)).await;
        let is_taken = matches!(written, Ok(Ok(())));
        if is_taken {
            *writing = Some(stream);
        } else {
            // Only who has closed its side can fail to be told so.
            let _ = stream.shutdown().await;
        }
        is_taken
    }

    /// Lets the connection see the end of the stream.
    async fn close(&self) {
        if let Some(mut stream) = self.writing.lock().await.take() {
            // As above.
            let _ = stream.shutdown().await;
        }
    }

    fn messages(&self, bytes: Bytes) -> Page {
        let is_text = self.subprotocol.serializer.is_text();
        let content_type = if is_text && !self.subprotocol.is_batched {
            "application/json"
        } else {
            "application/octet-stream"
        };
        page(StatusCode::OK, content_type, bytes)
    }
}

/// The specification says 202 and calls it "no content", which is 204; autobahn-js takes no other.
fn accepted() -> Page {
    let mut page = Page::new(body_of(Bytes::new()));
    *page.status_mut() = StatusCode::NO_CONTENT;
    page
}

fn bad(why: &str) -> Page {
    plain(StatusCode::BAD_REQUEST, why)
}

/// Lets a page read the answer whose origin was let in.
fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type"),
        // autobahn-js sends cookies along, and could not read the answer otherwise.
        (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

impl std::fmt::Debug for LongPoll {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LongPoll")
            .field("sessions", &self.sessions().len())
            .finish_non_exhaustive()
    }
}
