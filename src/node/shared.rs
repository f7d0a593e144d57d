//! Messages that wait for their peers as messages: what they hold on to, and how many share it.
//!
//! When they are written is not decided here.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::load::Total;
use crate::protocol::{Message, Passthru, Payload, Uri};
use crate::serializer::Serializer;

/// A message for many peers: encoded once for each serializer, by the first that needs it.
#[derive(Debug)]
pub(super) struct Shared {
    message: Message,
    encoded: [OnceLock<Bytes>; Serializer::ALL.len()],
    waiting: OnceLock<Waiting>,
}

/// How a message for many waits for those who cannot have it at once.
#[derive(Debug)]
enum Waiting {
    /// As it is.
    Itself(Count),
    /// As a copy.
    Copy(Arc<Shared>),
}

/// What it counts among all that waits: once, however many wait for it.
#[derive(Debug)]
struct Count {
    total: Arc<Total>,
    bytes: AtomicUsize,
}

impl Count {
    fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.total.add(bytes);
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        self.total.subtract(*self.bytes.get_mut());
    }
}

impl Shared {
    pub(super) fn new(message: Message) -> Arc<Self> {
        Arc::new(Self {
            message,
            encoded: Default::default(),
            waiting: OnceLock::new(),
        })
    }

    pub(super) const fn message(&self) -> &Message {
        &self.message
    }

    /// The message in a serializer's bytes. Cost: encodes at the first call for each serializer.
    pub(super) fn encoded(&self, serializer: Serializer) -> &Bytes {
        let [json, msgpack, cbor] = &self.encoded;
        let slot = match serializer {
            Serializer::Json => json,
            Serializer::MsgPack => msgpack,
            Serializer::Cbor => cbor,
        };
        slot.get_or_init(|| {
            let encoded = serializer.encode(&self.message);
            if let Some(Waiting::Itself(count)) = self.waiting.get() {
                count.add(encoded.len());
            }
            encoded
        })
    }

    /// What to let wait for it; it counts from now on. A small one waits as a copy that holds no frame.
    pub(super) fn waiting(self: &Arc<Self>, is_small: bool, total: &Arc<Total>) -> Arc<Self> {
        let waiting = self.waiting.get_or_init(|| {
            if is_small {
                let copy = Self::new(detached(self.message.clone()));
                // It is not asked for another copy.
                return Waiting::Copy(copy.waiting(false, total));
            }
            let count = Count {
                total: Arc::clone(total),
                bytes: AtomicUsize::new(0),
            };
            let held_bytes = self.message.payload().map_or(0, Payload::held_bytes);
            count.add(head_bytes(&self.message) + held_bytes);
            Waiting::Itself(count)
        });
        match waiting {
            Waiting::Itself(_) => Arc::clone(self),
            Waiting::Copy(copy) => Arc::clone(copy),
        }
    }
}

/// How long the texts are that a peer may write at any length beside the payload: an ERROR's URI, and what is said of
/// a payload that routers leave alone.
pub(super) fn head_bytes(message: &Message) -> usize {
    let (uri_bytes, passthru) = match message {
        Message::Error(error) => (error.error.as_str().len(), &error.details.passthru),
        Message::Event(event) => (0, &event.details.passthru),
        Message::Invocation(invocation) => (0, &invocation.details.passthru),
        Message::Result(result) => (0, &result.details.passthru),
        _ => return 0,
    };
    uri_bytes + passthru.as_deref().map_or(0, Passthru::weight)
}

/// A message of which nothing lies in the frame that it came in: many small frames share one read buffer, and one of
/// them would hold all of it. Cost: O(bytes).
pub(super) fn detached(mut message: Message) -> Message {
    let (uri, passthru, payload) = match &mut message {
        Message::Error(it) => (
            Some(&mut it.error),
            &mut it.details.passthru,
            &mut it.payload,
        ),
        Message::Event(it) => (
            it.details.topic.as_mut(),
            &mut it.details.passthru,
            &mut it.payload,
        ),
        Message::Invocation(it) => (
            it.details.procedure.as_mut(),
            &mut it.details.passthru,
            &mut it.payload,
        ),
        Message::Result(it) => (None, &mut it.details.passthru, &mut it.payload),
        _ => return message,
    };
    if let Some(uri) = uri {
        *uri = Uri::detached(uri);
    }
    if let Some(passthru) = passthru {
        **passthru = passthru.detached();
    }
    *payload = payload.detached();
    message
}
