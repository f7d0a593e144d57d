//! What waits to be written to one peer, and what happens when that is too much.
//!
//! A routing task appends, the peer's own connection drains; neither waits for the other. An EVENT that does
//! not fit is dropped and counted, an INVOCATION that does not fit is given back, anything else always
//! fits: a peer over budget is not read from, and at twice the budget it is closed.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Waker};

use bytes::Bytes;

use crate::protocol::{Message, MessageCode, Payload};
use crate::router::{End, Limits};
use crate::serializer::Serializer;

/// What one message costs beside its payload: its head, and our bookkeeping.
const MESSAGE_OVERHEAD_BYTES: usize = 160;

/// The outbox of one connection.
#[derive(Debug)]
pub(super) struct Outbox {
    state: Mutex<State>,
    bytes_max: usize,
    messages_max: usize,
    total: Arc<Total>,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Outgoing>,
    /// Of the queue, and of what the connection has taken from it and not yet written.
    bytes: usize,
    messages: usize,
    /// Who sleeps until there is something to write.
    waker: Option<Waker>,
    events_dropped: u64,
    /// Set once the connection must end without delivering what waits.
    is_cut: bool,
}

/// Something to write, or to do once everything before it is written.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// A message for this peer alone.
    Message(Message),
    /// A message for many.
    Shared(Arc<Shared>),
    /// The session is over.
    End(End),
}

/// A message for many peers: encoded once for each serializer, by the first connection that writes it.
#[derive(Debug)]
pub(super) struct Shared {
    message: Message,
    encoded: [OnceLock<Bytes>; Serializer::ALL.len()],
}

/// Whether a message found room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    Taken,
    /// It was an EVENT; it is counted.
    Dropped,
    /// It was an INVOCATION.
    GivenBack,
}

/// The bytes that wait for all peers together.
#[derive(Debug, Default)]
pub(super) struct Total(AtomicUsize);

impl Total {
    pub(super) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Shared {
    pub(super) fn new(message: Message) -> Arc<Self> {
        Arc::new(Self {
            message,
            encoded: Default::default(),
        })
    }

    /// The message in a serializer's bytes. Cost: encodes at the first call for each serializer.
    pub(super) fn encoded(&self, serializer: Serializer) -> &Bytes {
        let [json, msgpack, cbor] = &self.encoded;
        let slot = match serializer {
            Serializer::Json => json,
            Serializer::MsgPack => msgpack,
            Serializer::Cbor => cbor,
        };
        slot.get_or_init(|| serializer.encode(&self.message))
    }
}

impl Outgoing {
    /// What it counts against the budget.
    pub(super) fn cost(&self) -> usize {
        self.message().map_or(0, message_cost)
    }

    fn message(&self) -> Option<&Message> {
        match self {
            Self::Message(message) => Some(message),
            Self::Shared(shared) => Some(&shared.message),
            Self::End(_) => None,
        }
    }
}

fn message_cost(message: &Message) -> usize {
    MESSAGE_OVERHEAD_BYTES + message.payload().map_or(0, Payload::len)
}

impl Outbox {
    pub(super) fn new(limits: &Limits, total: Arc<Total>) -> Self {
        let state = Mutex::default();
        Self {
            state,
            bytes_max: limits.outbox_bytes,
            messages_max: limits.outbox_messages,
            total,
        }
    }

    /// Appends, and leaves in `wakers` whoever must be woken once no lock is held.
    pub(super) fn push(&self, outgoing: Outgoing, wakers: &mut Vec<Waker>) -> Fit {
        let cost = outgoing.cost();
        let code = outgoing.message().map(Message::code);
        let mut state = self.lock();
        let is_full = state.messages > 0
            && (state.bytes + cost > self.bytes_max || state.messages >= self.messages_max);
        match code {
            Some(MessageCode::Event) if is_full => {
                state.events_dropped += 1;
                return Fit::Dropped;
            }
            Some(MessageCode::Invocation) if is_full => return Fit::GivenBack,
            _ => {}
        }
        if state.is_cut {
            return Fit::Taken;
        }
        state.queue.push_back(outgoing);
        state.messages += usize::from(code.is_some());
        state.bytes += cost;
        self.total.0.fetch_add(cost, Ordering::Relaxed);
        if state.bytes > 2 * self.bytes_max.max(cost) || state.messages > 2 * self.messages_max {
            state.is_cut = true;
        }
        wakers.extend(state.waker.take());
        Fit::Taken
    }

    /// Moves everything that waits into `into`, which is empty; registers for a wake-up where nothing does.
    pub(super) fn take(&self, into: &mut VecDeque<Outgoing>, cx: &Context<'_>) {
        debug_assert!(into.is_empty());
        let mut state = self.lock();
        std::mem::swap(&mut state.queue, into);
        let is_registered = state
            .waker
            .as_ref()
            .is_some_and(|waker| waker.will_wake(cx.waker()));
        if into.is_empty() && !is_registered {
            state.waker = Some(cx.waker().clone());
        }
    }

    /// Accounts for what was taken and is now in the hands of the socket.
    pub(super) fn release(&self, bytes: usize, messages: usize) {
        let mut state = self.lock();
        state.bytes -= bytes;
        state.messages -= messages;
        self.total.0.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Whether the peer has so much to take that it is not read from.
    pub(super) fn is_over_budget(&self) -> bool {
        let state = self.lock();
        state.bytes > self.bytes_max || state.messages > self.messages_max
    }

    /// Whether the connection must end as it is.
    pub(super) fn is_cut(&self) -> bool {
        self.lock().is_cut
    }

    /// Makes the connection end without delivering what waits.
    pub(super) fn cut(&self) {
        let mut state = self.lock();
        state.is_cut = true;
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// How many events were dropped in all.
    pub(super) fn events_dropped(&self) -> u64 {
        self.lock().events_dropped
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        let left = self.lock().bytes;
        self.total.0.fetch_sub(left, Ordering::Relaxed);
    }
}
