//! One connection of a client: a single task that reads, routes and writes, and waits for nobody.
//!
//! Each turn reads what is there, routes it under one lock of the realm, then writes what the outbox holds
//! with as few system calls as the socket allows. Deadlines (join, ping, stall, close) share one timer.

mod deadlines;
mod ending;
mod joining;
mod pace;
mod rest;
mod too_long;
mod waiting;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Sleep;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tracing::warn;

use ending::how;
use pace::Pace;
use waiting::Waiting;

use super::clock::now;
use super::load::Load;
use super::outbox::{Delivery, Outbox, Outgoing};
use super::realm::{Received, SharedRealm};
use super::router::Router;
use crate::protocol::{Message, SessionId};
use crate::router::{Channel, End, Handshake, Limits, Violation};
use crate::transport::{Address, ReadError, Token, Wire};

/// How many messages are routed under one lock. bound: how long others wait for the realm.
const BATCH_MESSAGES_MAX: usize = 128;
/// How many bytes of messages are read before they are routed.
const BATCH_BYTES_MAX: usize = 256 * 1024;
/// How many bytes are handed to the socket before it must have taken some.
const WRITE_BYTES_MAX: usize = 64 * 1024;
/// How many bytes wait for the socket that are in answer to pings alone.
const PONG_BYTES_MAX: usize = 64 * 1024;
/// How often one poll goes round before other connections of this thread get their turn.
const TURNS_MAX: usize = 8;
/// A queue with more room than this is given back once it is empty.
const IDLE_QUEUE_MAX: usize = 16;

thread_local! {
    /// Scratch space of one turn; it belongs to the thread, so that a connection at rest holds none.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

#[derive(Debug, Default)]
struct Scratch {
    batch: VecDeque<Received>,
    delivery: Delivery,
}

/// Whom a connection is from.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    pub(super) peer: Address,
    /// What TLS tells, where it is in between.
    pub(super) channel: Option<Arc<Channel>>,
    /// By what its browser may be known again.
    pub(super) cookie: Option<Token>,
}

/// A client's connection, from its upgrade to its end.
pub(super) struct Connection<S> {
    router: Arc<Router>,
    arrival: Arrival,
    /// The router's; in a session, those of its role.
    limits: Arc<Limits>,
    pace: Pace,
    wire: Wire<S>,
    outbox: Arc<Outbox>,
    /// Received, and too much work to be routed at once; nothing is read before it is.
    unrouted: VecDeque<Received>,
    /// Why nothing more is read, once that is routed.
    unhandled: Option<ReadError>,
    /// Taken from the outbox, not yet handed to the socket.
    pending: VecDeque<Outgoing>,
    /// With the socket, and not yet written.
    handed: Load,
    /// Written, and not yet told to the outbox.
    written: Load,
    /// A buffer the socket is done with.
    spare: BytesMut,
    phase: Phase,
    reading: Reading,
    /// The client has said GOODBYE: what follows is for its next session, once this one has ended.
    has_said_goodbye: bool,
    /// The peer does not take its replies, so it is not asked for more requests.
    is_held_back: bool,
    timer: Pin<Box<Sleep>>,
    ping_due: Instant,
    pings_missed: u32,
    /// Since when the socket has taken nothing of what waits.
    stalled_since: Option<Instant>,
    events_dropped_logged: u64,
}

enum Phase {
    /// No session yet, or none any more; until then it must have one.
    Joining {
        deadline: Instant,
        handshake: Handshake,
    },
    /// On the way to one, and not asked for anything meanwhile.
    Waiting(Box<Waiting>),
    /// In a session.
    Joined {
        realm: Arc<SharedRealm>,
        session: SessionId,
        /// Whether WELCOME is still to be written.
        is_fresh: bool,
    },
    /// The close frame is on its way; until then the peer may close its side.
    Closing { deadline: Instant },
}

/// What the peer may still send.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Messages,
    /// Bytes in which there are no messages any more.
    Garbage,
    /// Nothing: it has closed its side.
    Nothing,
}

/// The connection is over; there is nothing left to do for it.
struct Over;

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) fn new(router: Arc<Router>, arrival: Arrival, wire: Wire<S>) -> Self {
        let limits = router.limits();
        let now = now();
        let deadline = now + limits.join_time;
        Self {
            arrival,
            limits: Arc::clone(limits),
            pace: Pace::default(),
            outbox: Arc::new(Outbox::new(
                limits,
                wire.serializer(),
                wire.framing(),
                Arc::clone(router.total()),
            )),
            wire,
            unrouted: VecDeque::new(),
            unhandled: None,
            pending: VecDeque::new(),
            handed: Load::default(),
            written: Load::default(),
            spare: BytesMut::new(),
            is_held_back: false,
            phase: Phase::Joining {
                deadline,
                handshake: Handshake::default(),
            },
            reading: Reading::Messages,
            has_said_goodbye: false,
            timer: Box::pin(tokio::time::sleep_until(deadline.into())),
            ping_due: now + limits.ping_interval,
            pings_missed: 0,
            stalled_since: None,
            events_dropped_logged: 0,
            router,
        }
    }

    /// Runs the connection to its end.
    pub(super) async fn run(mut self) {
        poll_fn(|cx| self.poll(cx).map(|Over| ())).await;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Over> {
        match self.turns(cx) {
            Ok(()) => Poll::Pending,
            Err(over) => Poll::Ready(over),
        }
    }

    /// Takes turns until nothing is left to do, or others must have theirs.
    fn turns(&mut self, cx: &mut Context<'_>) -> Result<(), Over> {
        for _ in 0..TURNS_MAX {
            if !self.turn(cx)? && !self.check_deadlines(cx)? {
                return Ok(());
            }
            // order: back to the scheduler before more of it, or nobody may be left to look at other sockets.
            if !self.unrouted.is_empty() {
                break;
            }
        }
        // Who never stops sending must not put off its deadlines by that.
        self.check_deadlines(cx)?;
        cx.waker().wake_by_ref();
        Ok(())
    }

    /// Reads, routes, writes. False where there was nothing to do.
    fn turn(&mut self, cx: &mut Context<'_>) -> Result<bool, Over> {
        let has_read = SCRATCH.with_borrow_mut(|scratch| {
            // A turn that panicked may have left messages of another connection.
            scratch.batch.clear();
            let (has_read, error) = if self.unrouted.is_empty() {
                self.read_batch(cx, scratch)
            } else {
                scratch.batch = std::mem::take(&mut self.unrouted);
                (true, self.unhandled.take())
            };
            // Also at the end of the stream: what came before it counts, and must not stay for another connection.
            self.route(scratch);
            if self.unrouted.is_empty()
                && let Some(error) = error
            {
                self.handle_read_error(&error, scratch);
                self.route(scratch);
            } else {
                self.unhandled = error;
            }
            has_read
        });
        let has_heard = self.poll_answer(cx);
        let has_written = self.write(cx)?;
        Ok(has_read || has_heard || has_written || !self.unrouted.is_empty())
    }

    fn read_batch(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &mut Scratch,
    ) -> (bool, Option<ReadError>) {
        let mut bytes = 0;
        let mut frames = 0;
        if let Some(frame) = self.pace.take_due() {
            frames += 1;
            self.handle_frame(&frame, scratch);
        }
        while self.may_read() && frames < BATCH_MESSAGES_MAX && bytes < BATCH_BYTES_MAX {
            match self.wire.poll_read(cx) {
                Poll::Pending => break,
                Poll::Ready(Ok(frame)) => {
                    self.pings_missed = 0;
                    frames += 1;
                    if let Some(frame) = frame {
                        bytes += frame.len();
                        match self.pace.admit(frame) {
                            Some(frame) => self.handle_frame(&frame, scratch),
                            None => self.note_early_message(),
                        }
                    }
                }
                Poll::Ready(Err(error)) => {
                    self.reading = match error {
                        ReadError::Closed => Reading::Nothing,
                        _ => Reading::Garbage,
                    };
                    return (true, Some(error));
                }
            }
        }
        (frames > 0, None)
    }

    fn may_read(&self) -> bool {
        // bound: who floods us with pings and takes no pong.
        let pong_bytes = self.wire.unwritten().saturating_sub(self.handed.bytes);
        let is_asked_for_more =
            !self.is_held_back && !self.has_said_goodbye && !self.pace.is_held();
        self.reading == Reading::Messages
            && (is_asked_for_more || self.is_closing())
            && pong_bytes < PONG_BYTES_MAX
    }

    const fn is_closing(&self) -> bool {
        matches!(self.phase, Phase::Closing { .. })
    }

    fn handle_frame(&mut self, frame: &Bytes, scratch: &mut Scratch) {
        match &mut self.phase {
            Phase::Joining { handshake, .. } => match self.wire.serializer().decode(frame) {
                Ok(message) => {
                    let step = (self.router).handle_handshake(handshake, message, &self.arrival);
                    self.handle_step(step);
                }
                Err(error) => self.refuse(&Violation::Malformed(error).abort()),
            },
            Phase::Joined { .. } => {
                let received = match self.wire.serializer().decode(frame) {
                    Ok(message) => {
                        self.has_said_goodbye = matches!(message, Message::Goodbye(_));
                        Received::Message(message)
                    }
                    Err(error) => Received::Violation(error.into()),
                };
                scratch.batch.push_back(received);
            }
            Phase::Waiting(_) => self.handle_frame_too_early(frame),
            Phase::Closing { .. } => {}
        }
    }

    fn handle_read_error(&mut self, error: &ReadError, scratch: &mut Scratch) {
        let violation = match error {
            ReadError::Closed => return self.begin_closing("lost"),
            ReadError::Broken { code, why } => {
                warn!(peer = %self.arrival.peer, ?why, "the peer breaks the rules of its transport");
                self.close(*code, "against the rules of this transport");
                return;
            }
            ReadError::TooLarge { max } => {
                self.note_too_large();
                Violation::TooLarge { max: *max }
            }
            ReadError::FrameType => Violation::FrameType {
                expected: if self.wire.serializer().is_text() {
                    "text"
                } else {
                    "binary"
                },
            },
        };
        match self.phase {
            Phase::Joining { .. } | Phase::Waiting(_) => self.refuse(&violation.abort()),
            Phase::Joined { .. } => scratch.batch.push_back(Received::Violation(violation)),
            Phase::Closing { .. } => {}
        }
    }

    fn route(&mut self, scratch: &mut Scratch) {
        if scratch.batch.is_empty() {
            return;
        }
        if let Phase::Joined { realm, session, .. } = &self.phase {
            realm.receive(*session, &mut scratch.batch, &mut scratch.delivery);
            self.router.check_total();
            if !scratch.batch.is_empty() {
                self.unrouted = std::mem::take(&mut scratch.batch);
            }
        }
        scratch.batch.clear();
    }

    /// Hands messages to the socket as long as it takes them.
    fn write(&mut self, cx: &mut Context<'_>) -> Result<bool, Over> {
        let mut has_written = false;
        loop {
            self.visit_outbox(cx)?;
            self.fill_socket();
            if self.wire.unwritten() == 0 {
                self.stalled_since = None;
                self.settle_in();
                self.finish_closing(cx)?;
                return Ok(has_written);
            }
            let (written, outcome) = self.wire.poll_write(cx);
            has_written |= written > 0;
            self.account(written);
            match outcome {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Err(Over),
                Poll::Pending => {
                    self.visit_outbox(cx)?;
                    self.stall(has_written);
                    return Ok(has_written);
                }
            }
        }
    }

    /// Once the last bytes are out: waits for the peer to close its side, so that no reset overtakes them.
    fn finish_closing(&mut self, cx: &mut Context<'_>) -> Result<(), Over> {
        let is_over = match self.reading {
            Reading::Messages => false,
            Reading::Garbage => self.is_closing() && self.wire.poll_end(cx).is_ready(),
            Reading::Nothing => self.is_closing(),
        };
        if is_over { Err(Over) } else { Ok(()) }
    }

    fn visit_outbox(&mut self, cx: &Context<'_>) -> Result<(), Over> {
        let written = std::mem::take(&mut self.written);
        let standing = self
            .outbox
            .exchange(written, &mut self.pending, &mut self.spare, cx);
        if standing.is_cut {
            warn!(peer = %self.arrival.peer, "closed: the peer does not take what is sent to it");
            return Err(Over);
        }
        self.is_held_back = standing.is_over_budget;
        Ok(())
    }

    /// Hands the socket what waits, once it is done with what it got before: see [`account`](Self::account).
    fn fill_socket(&mut self) {
        if self.handed.messages > 0 {
            return;
        }
        // Nothing follows a close frame.
        while self.wire.unwritten() < WRITE_BYTES_MAX && !self.is_closing() {
            let Some(outgoing) = self.pending.pop_front() else {
                break;
            };
            let load = outgoing.load();
            self.handed.add(load);
            match outgoing {
                Outgoing::Frames { bytes, .. } => self.spare = self.wire.push_frames(bytes),
                Outgoing::Message(message) => {
                    self.push(&message, self.wire.serializer().encode(&message));
                }
                Outgoing::Shared(shared) => {
                    let encoded = shared.encoded(self.wire.serializer()).clone();
                    self.push(shared.message(), encoded);
                }
                Outgoing::End(end) => self.handle_end(end),
            }
        }
        if self.pending.is_empty() && self.pending.capacity() > IDLE_QUEUE_MAX {
            self.pending = VecDeque::new();
        }
    }

    fn push(&mut self, message: &Message, encoded: Bytes) {
        if self.wire.framing().takes(encoded.len()) {
            self.wire.push_shared(encoded);
        } else {
            self.handle_too_long(message, encoded.len());
        }
    }

    /// Counts bytes that have left; messages count once nothing is left with the socket.
    fn account(&mut self, written: usize) {
        let bytes = written.min(self.handed.bytes);
        let left = Load {
            bytes,
            messages: 0,
            shared_bytes: bytes.min(self.handed.shared_bytes),
        };
        self.handed.subtract(left);
        self.written.add(left);
        if self.wire.unwritten() == 0 {
            self.written.add(std::mem::take(&mut self.handed));
        }
    }

    fn stall(&mut self, has_progressed: bool) {
        if has_progressed || self.stalled_since.is_none() {
            self.stalled_since = Some(now());
        }
    }

    /// The core has ended the session, and its last message is with the socket.
    fn handle_end(&mut self, end: End) {
        self.log_end(how(end));
        self.has_said_goodbye = false;
        match end {
            // spec(bp#session-close): the transport may carry another session.
            End::Left => {
                self.pace = Pace::default();
                self.limits = Arc::clone(self.router.limits());
                let limits = &self.limits;
                self.wire
                    .set_message_bytes_max(limits.message_bytes_before_welcome);
                let deadline = now() + limits.join_time;
                self.phase = Phase::Joining {
                    deadline,
                    handshake: Handshake::default(),
                };
            }
            End::Dismissed => self.close(CloseCode::Away, "the router is going down"),
            End::Killed => self.close(CloseCode::Normal, "session killed"),
            End::Aborted => self.close(CloseCode::Protocol, "session aborted"),
        }
    }
}
