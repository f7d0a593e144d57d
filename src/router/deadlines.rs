//! What is due when.

use std::collections::BTreeSet;
use std::time::Instant;

use super::dealer::CallKey;
use crate::protocol::SessionId;

/// Deadlines, the next one first. Cost: O(log n) each.
#[derive(Debug, Default)]
pub(super) struct Deadlines(BTreeSet<(Instant, Due)>);

/// What has a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// A call's answer.
    Call(CallKey),
    /// A session's answer to GOODBYE.
    Goodbye(SessionId),
}

impl Deadlines {
    pub(super) fn insert(&mut self, at: Instant, due: Due) {
        self.0.insert((at, due));
    }

    pub(super) fn remove(&mut self, at: Instant, due: Due) {
        self.0.remove(&(at, due));
    }

    /// When the next one is.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.first().map(|&(at, _)| at)
    }

    /// Takes one that is over at `now`.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Due> {
        let &(at, due) = self.0.first().filter(|(at, _)| *at <= now)?;
        self.0.remove(&(at, due));
        Some(due)
    }
}
