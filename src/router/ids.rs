//! Where the core's random ids come from: outside, so that a run with one seed is one run.

use std::fmt;

use crate::protocol::{PublicationId, SessionId};

/// Random numbers for ids of global scope.
///
/// Whoever runs the core in earnest injects numbers that nobody can guess: a session id is all that another
/// client needs to name a session.
pub struct IdSource(Box<dyn FnMut() -> u64 + Send>);

impl IdSource {
    /// Takes ids from uniformly distributed numbers.
    pub fn new(random: impl FnMut() -> u64 + Send + 'static) -> Self {
        Self(Box::new(random))
    }

    /// Numbers that count up from 1: for tests, where a run must repeat.
    #[must_use]
    pub fn counting() -> Self {
        let mut last = 0;
        Self::new(move || {
            last += 1;
            last
        })
    }

    pub(super) fn session(&mut self) -> SessionId {
        SessionId::from_random((self.0)())
    }

    pub(super) fn publication(&mut self) -> PublicationId {
        PublicationId::from_random((self.0)())
    }

    /// A name for somebody who has none.
    pub(super) fn authid(&mut self) -> String {
        format!("{:016x}", (self.0)())
    }
}

impl fmt::Debug for IdSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdSource")
    }
}
