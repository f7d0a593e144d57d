//! How often each bound was reached, in one place; and the line in the log when it is.
//!
//! Counts are exact. Of lines there is at most one for each bound in [`QUIET`], so that who runs into one all the time does
//! not fill the disk; it says how often in all.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tracing::warn;

use super::clock::now;
use crate::protocol::SessionId;
use crate::router::{Bite, LimitName, Limits, TooMany};

/// How long a bound is not logged again.
const QUIET: Duration = Duration::from_secs(10);

/// The counters of one router.
#[derive(Debug)]
pub struct Counters {
    began: Instant,
    limits: [Counter; Limits::TABLE.len()],
    message_rate: Counter,
    join_rate: Counter,
    address_join_rate: Counter,
}

/// One of them.
#[derive(Debug, Default)]
struct Counter {
    count: AtomicU64,
    /// In milliseconds since the router began.
    quiet_until: AtomicU64,
}

impl Counters {
    pub(super) fn new() -> Self {
        Self {
            began: now(),
            limits: std::array::from_fn(|_| Counter::default()),
            message_rate: Counter::default(),
            join_rate: Counter::default(),
            address_join_rate: Counter::default(),
        }
    }

    /// How often each bound was reached, by its name in the config.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let rates = [
            ("rates.messages", &self.message_rate),
            ("rates.joins", &self.join_rate),
            ("rates.address_joins", &self.address_join_rate),
        ];
        let limits = Limits::TABLE.iter().map(|limit| limit.name);
        limits
            .zip(&self.limits)
            .chain(rates)
            .map(|(name, counter)| (name, counter.count.load(Ordering::Relaxed)))
    }

    /// How often a limit was reached.
    #[must_use]
    pub fn of(&self, limit: LimitName) -> u64 {
        let counter = self.limits.get(limit as usize);
        counter.map_or(0, |it| it.count.load(Ordering::Relaxed))
    }

    /// Counts that a limit was reached; the log has a line of its own for it.
    pub(super) fn count(&self, limit: LimitName) {
        if let Some(counter) = self.limits.get(limit as usize) {
            counter.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts and logs what a realm's sessions have reached.
    pub(super) fn note(&self, bite: Bite) {
        let Some(counter) = self.limits.get(bite.limit as usize) else {
            return;
        };
        let Some(total) = self.add(counter, bite.count) else {
            return;
        };
        let limit = bite.limit.name();
        if let Some(session) = bite.session {
            warn!(%session, limit, total, "a limit is reached");
        } else {
            warn!(limit, total, "a limit is reached");
        }
    }

    /// Counts and logs a limit that a connection has reached which is in no session.
    pub(super) fn note_peer(&self, limit: LimitName, peer: impl fmt::Display) {
        if let Some(counter) = self.limits.get(limit as usize)
            && let Some(total) = self.add(counter, 1)
        {
            warn!(%peer, limit = limit.name(), total, "a limit is reached");
        }
    }

    /// Counts and logs that a session sends more often than it may.
    pub(super) fn note_early_message(&self, session: SessionId) {
        if let Some(total) = self.add(&self.message_rate, 1) {
            warn!(%session, total, "a session sends messages faster than the rate of its role: the rest waits");
        }
    }

    /// Counts that somebody joins more often than may be; that the join is refused is logged anyway.
    pub(super) fn count_early_join(&self, why: TooMany) {
        let counter = match why {
            TooMany::OfRole(_) => &self.join_rate,
            TooMany::OfAddress(_) => &self.address_join_rate,
        };
        counter.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the count if it is time for a line.
    fn add(&self, counter: &Counter, count: u64) -> Option<u64> {
        let total = counter.count.fetch_add(count, Ordering::Relaxed) + count;
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let at = milliseconds(now().saturating_duration_since(self.began));
        let quiet_until = counter.quiet_until.load(Ordering::Relaxed);
        let again = at + milliseconds(QUIET);
        let is_due = at >= quiet_until
            && counter
                .quiet_until
                .compare_exchange(quiet_until, again, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        is_due.then_some(total)
    }
}
