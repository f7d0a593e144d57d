//! What waits to be written to one peer, and what happens when that is too much.
//!
//! A routing task appends, the peer's own connection drains; neither waits for the other. Small messages are
//! appended as frames ready for the socket, so that many of them leave with one copy and one system call; large
//! ones, and those whose payload is in another serializer's bytes, stay messages until the connection writes
//! them, for no lock is held while a payload is copied at length or transcoded.
//!
//! An EVENT that does not fit is dropped and counted, an INVOCATION that does not fit is given back, anything
//! else always fits: a peer over budget is not read from, and at twice the budget it is closed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use bytes::BytesMut;

use super::load::{Load, Total};
use super::shared::{Shared, detached, head_bytes};
use crate::protocol::message::Abort;
use crate::protocol::{Message, MessageCode, Payload, SessionId};
use crate::router::{Bites, End, LimitName, Limits, Remark};
use crate::serializer::Serializer;
use crate::transport::Framing;

/// What a message costs beside its payload, while it is no frame yet.
const MESSAGE_OVERHEAD_BYTES: usize = 160;
/// The largest payload that is copied under a lock.
const READY_PAYLOAD_BYTES_MAX: usize = 4 * 1024;

/// The outbox of one connection.
#[derive(Debug)]
pub(super) struct Outbox {
    state: Mutex<State>,
    serializer: Serializer,
    total: Arc<Total>,
}

#[derive(Debug)]
struct State {
    queue: VecDeque<Outgoing>,
    framing: Framing,
    /// An empty buffer for the next frames.
    spare: BytesMut,
    /// Of the queue, and of what the connection has taken from it and not yet written.
    load: Load,
    /// The largest message since nothing waited: it was to be taken, whatever its size.
    largest_bytes: usize,
    /// Who sleeps until there is something to write.
    waker: Option<Waker>,
    /// Who must know when the connection is cut.
    cut_waker: Option<Waker>,
    events_dropped: u64,
    is_cut: bool,
    bytes_max: usize,
    messages_max: usize,
}

/// Something to write, or to do once everything before it is written.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// Messages, encoded and framed.
    Frames {
        /// The frames, one behind the other.
        bytes: BytesMut,
        /// How many messages they hold.
        messages: usize,
    },
    /// A message for this peer alone; in a box, for a queue has room for four of these from its first on.
    Message(Box<Message>),
    /// A message for many.
    Shared(Arc<Shared>),
    /// The session is over.
    End(End),
}

/// What a delivery needs beside the outboxes; it belongs to the thread that routes.
#[derive(Debug, Default)]
pub(super) struct Delivery {
    /// Whom to wake once no lock is held.
    pub(super) wakers: Vec<Waker>,
    /// What to log then: whoever reads the log may be slow.
    pub(super) notes: Vec<Note>,
    /// Which limits were reached.
    pub(super) bites: Bites,
    /// How much was delivered since the lock was taken.
    pub(super) work: usize,
    /// Where a message is encoded before its frame is known.
    encoded: BytesMut,
}

/// What a delivery has to tell the log.
#[derive(Debug)]
pub(super) enum Note {
    /// A session gets this ABORT.
    Abort(SessionId, Box<Abort>),
    /// A callee's outbox has no room for an invocation.
    Undeliverable(SessionId),
    /// What the core has to say of a session.
    Remark(SessionId, Remark),
}

/// Whether a message found room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    Taken,
    /// It was an EVENT; it is counted.
    Dropped,
    /// It was an INVOCATION.
    GivenBack,
    /// The peer does not take messages as long; the connection knows what becomes of it.
    TooLong,
}

/// How a connection stands with its outbox.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    /// It must end without delivering what waits.
    pub(super) is_cut: bool,
    /// Its peer is not read from until it has taken more.
    pub(super) is_over_budget: bool,
}

impl Outgoing {
    /// What it counts against the budget.
    pub(super) fn load(&self) -> Load {
        let waiting = |message: &Message| {
            // Not what it is on the wire: what it holds on to until it is written.
            let held_bytes = message.payload().map_or(0, Payload::held_bytes);
            Load {
                bytes: MESSAGE_OVERHEAD_BYTES + head_bytes(message) + held_bytes,
                messages: 1,
                shared_bytes: 0,
            }
        };
        match self {
            Self::Frames { bytes, messages } => Load {
                bytes: bytes.len(),
                messages: *messages,
                shared_bytes: 0,
            },
            Self::Message(message) => waiting(message),
            Self::Shared(shared) => {
                let load = waiting(shared.message());
                Load {
                    shared_bytes: load.bytes - MESSAGE_OVERHEAD_BYTES,
                    ..load
                }
            }
            Self::End(_) => Load::default(),
        }
    }
}

impl Outbox {
    pub(super) fn new(
        limits: &Limits,
        serializer: Serializer,
        framing: Framing,
        total: Arc<Total>,
    ) -> Self {
        Self {
            state: Mutex::new(State::new(framing, limits)),
            serializer,
            total,
        }
    }

    /// Frames what follows like this: a batch in JSON is known how to separate once the peer has sent one.
    pub(super) fn set_framing(&self, framing: Framing) {
        self.lock().framing = framing;
    }

    /// Goes by the limits of the session that begins.
    pub(super) fn set_limits(&self, limits: &Limits) {
        let mut state = self.lock();
        state.bytes_max = limits.outbox_bytes;
        state.messages_max = limits.outbox_messages;
    }

    /// Appends a message for this peer alone; hands back an INVOCATION that does not fit.
    pub(super) fn push(&self, message: Message, delivery: &mut Delivery) -> Option<Message> {
        let code = message.code();
        if !self.is_ready(&message) {
            let message = if is_small(&message) {
                detached(message)
            } else {
                message
            };
            return match self.append(code, Outgoing::Message(message.into()), delivery) {
                Some(Outgoing::Message(message)) => Some(*message),
                _ => None,
            };
        }
        let mut encoded = std::mem::take(&mut delivery.encoded);
        encoded.clear();
        self.serializer.encode_into(&message, &mut encoded);
        let fit = self.append_frame(code, &encoded, delivery);
        delivery.encoded = encoded;
        match fit {
            Fit::Taken | Fit::Dropped => None,
            Fit::GivenBack => Some(message),
            Fit::TooLong => {
                self.append(code, Outgoing::Message(message.into()), delivery);
                None
            }
        }
    }

    /// Appends a message that others get as well.
    pub(super) fn push_shared(&self, shared: &Arc<Shared>, delivery: &mut Delivery) {
        let code = shared.message().code();
        if self.is_ready(shared.message()) {
            let fit = self.append_frame(code, shared.encoded(self.serializer), delivery);
            if fit != Fit::TooLong {
                return;
            }
        }
        let waiting = shared.waiting(is_small(shared.message()), &self.total);
        self.append(code, Outgoing::Shared(waiting), delivery);
    }

    /// Appends the end of the session: it is heard of once everything before it is written.
    pub(super) fn push_end(&self, end: End, delivery: &mut Delivery) {
        let mut state = self.lock();
        state.queue.push_back(Outgoing::End(end));
        delivery.wakers.extend(state.waker.take());
    }

    /// Whether a message is cheap to encode: small, and nothing to transcode.
    fn is_ready(&self, message: &Message) -> bool {
        head_bytes(message) <= READY_PAYLOAD_BYTES_MAX
            && message.payload().is_none_or(|payload| {
                payload.is_empty()
                    || (payload.serializer() == self.serializer
                        && payload.len() <= READY_PAYLOAD_BYTES_MAX)
            })
    }

    fn append_frame(&self, code: MessageCode, encoded: &[u8], delivery: &mut Delivery) -> Fit {
        let mut state = self.lock();
        let framing = state.framing;
        if !framing.takes(encoded.len()) {
            return Fit::TooLong;
        }
        if let Some(refused) = refuse(&mut state, code, encoded.len(), delivery) {
            return refused;
        }
        let bytes = framing.append(state.frames(), self.serializer, encoded);
        let load = Load {
            bytes,
            messages: 1,
            shared_bytes: 0,
        };
        self.account(&mut state, load, delivery);
        Fit::Taken
    }

    /// Hands back what is neither taken nor dropped.
    fn append(
        &self,
        code: MessageCode,
        outgoing: Outgoing,
        delivery: &mut Delivery,
    ) -> Option<Outgoing> {
        let load = outgoing.load();
        let mut state = self.lock();
        if let Some(refused) = refuse(&mut state, code, load.bytes, delivery) {
            return (refused == Fit::GivenBack).then_some(outgoing);
        }
        state.queue.push_back(outgoing);
        self.account(&mut state, load, delivery);
        None
    }

    fn account(&self, state: &mut State, load: Load, delivery: &mut Delivery) {
        let largest = if state.load.messages == 0 {
            0
        } else {
            state.largest_bytes
        };
        state.largest_bytes = largest.max(load.bytes);
        state.load.add(load);
        self.total.add(load.own_bytes());
        let is_hopeless = state.load.bytes > 2 * state.bytes_max.max(state.largest_bytes)
            || state.load.messages > 2 * state.messages_max;
        if is_hopeless {
            delivery.bites.note(state.full(), None);
            delivery.wakers.extend(self.give_up(state));
        }
        delivery.wakers.extend(state.waker.take());
    }

    /// Gives back what was written, and takes everything that waits where `into` is empty.
    ///
    /// Registers for a wake-up where nothing waits. `spare` may be an empty buffer to be filled again.
    pub(super) fn exchange(
        &self,
        written: Load,
        into: &mut VecDeque<Outgoing>,
        spare: &mut BytesMut,
        cx: &Context<'_>,
    ) -> Standing {
        let mut state = self.lock();
        if state.is_cut {
            return Standing {
                is_cut: true,
                is_over_budget: true,
            };
        }
        state.load.subtract(written);
        self.total.subtract(written.own_bytes());
        if state.spare.capacity() == 0 {
            state.spare = std::mem::take(spare);
        }
        if into.is_empty() {
            std::mem::swap(&mut state.queue, into);
            if into.is_empty() {
                register(&mut state.waker, cx);
            }
        }
        register(&mut state.cut_waker, cx);
        let is_over_budget =
            state.load.bytes > state.bytes_max || state.load.messages > state.messages_max;
        Standing {
            is_cut: false,
            is_over_budget,
        }
    }

    /// Gives buffers back that nobody uses at the moment.
    pub(super) fn release_buffers(&self) {
        let mut state = self.lock();
        state.spare = BytesMut::new();
        state.queue.shrink_to_fit();
    }

    /// Makes the connection end without delivering what waits.
    pub(super) fn cut(&self) {
        let waker = self.give_up(&mut self.lock());
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Drops what waits; returns who must be told. Its bytes count no longer, so that nobody else is cut for them.
    fn give_up(&self, state: &mut State) -> Option<Waker> {
        state.is_cut = true;
        state.queue = VecDeque::new();
        let load = std::mem::take(&mut state.load);
        self.total.subtract(load.own_bytes());
        state.cut_waker.take()
    }

    /// How many bytes wait.
    pub(super) fn bytes(&self) -> usize {
        self.lock().load.bytes
    }

    /// How the session has ended, where that still waits here or among what was taken from here.
    pub(super) fn waiting_end(&self, taken: &VecDeque<Outgoing>) -> Option<End> {
        let state = self.lock();
        taken.iter().chain(&state.queue).find_map(|waiting| {
            if let Outgoing::End(end) = waiting {
                Some(*end)
            } else {
                None
            }
        })
    }

    /// Counts an event that cannot be written.
    pub(super) fn drop_event(&self) {
        self.lock().events_dropped += 1;
    }

    /// How many events were dropped in all.
    pub(super) fn events_dropped(&self) -> u64 {
        self.lock().events_dropped
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn new(framing: Framing, limits: &Limits) -> Self {
        Self {
            queue: VecDeque::new(),
            framing,
            spare: BytesMut::new(),
            load: Load::default(),
            largest_bytes: 0,
            waker: None,
            cut_waker: None,
            events_dropped: 0,
            is_cut: false,
            bytes_max: limits.outbox_bytes,
            messages_max: limits.outbox_messages,
        }
    }

    /// The limit that leaves no room.
    const fn full(&self) -> LimitName {
        if self.load.messages >= self.messages_max {
            LimitName::outbox_messages
        } else {
            LimitName::outbox_bytes
        }
    }

    /// The frames at the end of the queue, to append one.
    fn frames(&mut self) -> &mut BytesMut {
        let framing = self.framing;
        let has_room = |last: &Outgoing| matches!(last, Outgoing::Frames { bytes, .. } if framing.has_room(bytes.len()));
        if !self.queue.back().is_some_and(has_room) {
            let bytes = std::mem::take(&mut self.spare);
            self.queue
                .push_back(Outgoing::Frames { bytes, messages: 0 });
        }
        match self.queue.back_mut() {
            Some(Outgoing::Frames { bytes, messages }) => {
                *messages += 1;
                bytes
            }
            _ => &mut self.spare,
        }
    }
}

/// Whether a copy of the payload may be made under a lock.
fn is_small(message: &Message) -> bool {
    message
        .payload()
        .is_none_or(|payload| payload.len() <= READY_PAYLOAD_BYTES_MAX)
}

/// Refuses what does not fit and may be refused. An empty outbox takes any one message.
fn refuse(
    state: &mut State,
    code: MessageCode,
    bytes: usize,
    delivery: &mut Delivery,
) -> Option<Fit> {
    let Load {
        bytes: waiting,
        messages,
        ..
    } = state.load;
    let has_room =
        messages == 0 || (waiting + bytes <= state.bytes_max && messages < state.messages_max);
    match code {
        MessageCode::Event if !has_room => {
            state.events_dropped += 1;
            delivery.bites.note(state.full(), None);
            Some(Fit::Dropped)
        }
        MessageCode::Invocation if !has_room => {
            delivery.bites.note(state.full(), None);
            Some(Fit::GivenBack)
        }
        // What is appended to a connection that is being cut goes nowhere.
        _ => state.is_cut.then_some(Fit::Taken),
    }
}

fn register(slot: &mut Option<Waker>, cx: &Context<'_>) {
    if !slot
        .as_ref()
        .is_some_and(|waker| waker.will_wake(cx.waker()))
    {
        *slot = Some(cx.waker().clone());
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        let left = self.lock().load.own_bytes();
        self.total.subtract(left);
    }
}

#[cfg(test)]
mod tests;
