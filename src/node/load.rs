//! How much waits: for one peer, and for all together. What becomes of whom is not decided here.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How much waits.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Load {
    pub(super) bytes: usize,
    pub(super) messages: usize,
    /// Those of the bytes that others hold as well: among all that waits they count once, not here.
    pub(super) shared_bytes: usize,
}

/// The bytes that wait for all peers together.
#[derive(Debug, Default)]
pub(super) struct Total(AtomicUsize);

impl Total {
    pub(super) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn subtract(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Load {
    pub(super) const fn add(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.messages += other.messages;
        self.shared_bytes += other.shared_bytes;
    }

    pub(super) const fn subtract(&mut self, other: Self) {
        self.bytes -= other.bytes;
        self.messages -= other.messages;
        self.shared_bytes -= other.shared_bytes;
    }

    /// Bytes that nobody else holds.
    pub(super) const fn own_bytes(self) -> usize {
        self.bytes - self.shared_bytes
    }
}
