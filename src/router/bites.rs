//! Limits that were reached, as the core tells them to who counts and logs.

use std::cell::RefCell;

use super::limits::LimitName;
use crate::protocol::SessionId;

/// A limit that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bite {
    /// Which.
    pub limit: LimitName,
    /// Who reached it first, if it was somebody's.
    pub session: Option<SessionId>,
    /// How often it was reached.
    pub count: u64,
}

/// The limits that were reached since somebody asked. bound: one entry a limit.
///
/// Noted from where nothing else changes, hence the cell; nobody but the realm's owner sees it.
#[derive(Debug, Default)]
pub struct Bites(RefCell<Vec<Bite>>);

impl Bites {
    /// Notes that a limit was reached.
    pub fn note(&self, limit: LimitName, session: Option<SessionId>) {
        let mut bites = self.0.borrow_mut();
        match bites.iter_mut().find(|bite| bite.limit == limit) {
            Some(bite) => bite.count += 1,
            None => bites.push(Bite {
                limit,
                session,
                count: 1,
            }),
        }
    }

    /// Notes a limit, if one was reached.
    pub(super) fn note_if(&self, limit: Option<LimitName>, session: SessionId) {
        if let Some(limit) = limit {
            self.note(limit, Some(session));
        }
    }

    /// Takes out what was noted.
    pub fn take(&mut self) -> Vec<Bite> {
        std::mem::take(self.0.get_mut())
    }
}
