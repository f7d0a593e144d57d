//! Messages whose answer waits for its time: in the order in which they came.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::transport::FrameType;

/// A message that came, and when it is to be answered.
#[derive(Debug)]
struct Waiting {
    due: Instant,
    frame_type: FrameType,
    message: Bytes,
}

/// The messages of one client that wait. bound: by who fills it, see [`bytes`](Self::bytes) and [`len`](Self::len).
#[derive(Debug)]
pub(super) struct Delayed {
    delay: Duration,
    waiting: VecDeque<Waiting>,
    bytes: usize,
}

impl Delayed {
    pub(super) const fn new(delay: Duration) -> Self {
        Self {
            delay,
            waiting: VecDeque::new(),
            bytes: 0,
        }
    }

    pub(super) fn push(&mut self, now: Instant, frame_type: FrameType, message: &[u8]) {
        self.bytes += message.len();
        self.waiting.push_back(Waiting {
            due: now + self.delay,
            frame_type,
            // A copy: a message as it came keeps the buffer alive into which it was read.
            message: Bytes::copy_from_slice(message),
        });
    }

    /// The next whose time has come.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<(FrameType, Bytes)> {
        self.waiting.front().filter(|first| first.due <= now)?;
        let Waiting {
            frame_type,
            message,
            ..
        } = self.waiting.pop_front()?;
        self.bytes -= message.len();
        Some((frame_type, message))
    }

    /// When the next is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.waiting.front().map(|first| first.due)
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}
