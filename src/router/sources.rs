//! What the core needs of the world, injected, so that a run with one seed is one run: random ids, the time of day.

use std::fmt;

use jiff::Timestamp;

use crate::protocol::{PublicationId, SessionId};

/// Random numbers for ids of global scope, and the time of day for what is told to people.
///
/// Whoever runs the core in earnest injects numbers that nobody can guess: a session id is all that another
/// client needs to name a session.
pub struct Sources {
    random: Box<dyn FnMut() -> u64 + Send>,
    time_of_day: Box<dyn FnMut() -> Timestamp + Send>,
}

impl Sources {
    /// Takes ids from uniformly distributed numbers.
    pub fn new(
        random: impl FnMut() -> u64 + Send + 'static,
        time_of_day: impl FnMut() -> Timestamp + Send + 'static,
    ) -> Self {
        Self {
            random: Box::new(random),
            time_of_day: Box::new(time_of_day),
        }
    }

    /// Numbers that count up from behind `last`, and seconds from 1970 on: for tests, where a run must repeat.
    #[must_use]
    pub fn counting(mut last: u64) -> Self {
        let mut second = -1;
        Self::new(
            move || {
                last += 1;
                last
            },
            move || {
                second += 1;
                Timestamp::constant(second, 0)
            },
        )
    }

    pub(super) fn session(&mut self) -> SessionId {
        SessionId::from_random((self.random)())
    }

    pub(super) fn publication(&mut self) -> PublicationId {
        PublicationId::from_random((self.random)())
    }

    /// A number below `end`, which must not be 0; uniform but for the last few of 2^64.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let end = end as u64;
        usize::try_from((self.random)() % end).unwrap_or_default()
    }

    /// In whole milliseconds: a time that was told, and is asked for, is the one that was meant.
    pub(super) fn time_of_day(&mut self) -> Timestamp {
        let time = (self.time_of_day)();
        Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
    }
}

/// A time of day as the meta API writes it. Spec: ap#pubsub-event-history, ISO 8601 with milliseconds.
pub(super) fn written(time: Timestamp) -> String {
    format!("{time:.3}")
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sources")
    }
}
