//! Ids of what has ended and may still be named by who does not know it yet.

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use crate::protocol::RequestId;

/// Ended requests, each with what is known of it; a bounded number, the oldest are forgotten.
///
/// What was forgotten cannot be told from what never was, so an id up to the greatest one forgotten gets the
/// benefit of the doubt.
#[derive(Debug)]
pub(super) struct Remembered<T> {
    ended: IndexMap<RequestId, T, FxBuildHasher>,
    forgotten_up_to: Option<RequestId>,
}

/// What is known of an id.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Memory<T> {
    /// It has ended.
    Ended(T),
    /// It may have.
    Doubtful,
    /// It has not, as far as ever was told.
    Unknown,
}

impl<T: Copy> Remembered<T> {
    /// Remembers an id; returns what was known of one that is forgotten for it.
    pub(super) fn insert(&mut self, id: RequestId, what: T, max: usize) -> Option<T> {
        self.ended.insert(id, what);
        if self.ended.len() <= max {
            return None;
        }
        let (id, what) = self.ended.shift_remove_index(0)?;
        self.forgotten_up_to = self.forgotten_up_to.max(Some(id));
        Some(what)
    }

    /// What is known of an id.
    pub(super) fn recall(&self, id: RequestId) -> Memory<T> {
        match self.ended.get(&id) {
            Some(&what) => Memory::Ended(what),
            None if self.forgotten_up_to.is_some_and(|up_to| id <= up_to) => Memory::Doubtful,
            None => Memory::Unknown,
        }
    }

    /// Forgets an id for good: it will not be named again.
    pub(super) fn remove(&mut self, id: RequestId) {
        self.ended.shift_remove(&id);
    }
}

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self {
            ended: IndexMap::default(),
            forgotten_up_to: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> RequestId {
        RequestId::new(number).unwrap()
    }

    #[test]
    fn the_oldest_are_forgotten_and_given_the_benefit_of_the_doubt() {
        let mut remembered = Remembered::default();
        for number in [3, 5, 7] {
            remembered.insert(id(number), (), 2);
        }
        assert_eq!(remembered.recall(id(3)), Memory::Doubtful);
        assert_eq!(remembered.recall(id(4)), Memory::Unknown);
        assert_eq!(remembered.recall(id(7)), Memory::Ended(()));
        remembered.remove(id(7));
        assert_eq!(remembered.recall(id(7)), Memory::Unknown);
    }
}
