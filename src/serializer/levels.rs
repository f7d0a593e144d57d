//! The lists and dicts around a position, for skipping without recursion.

use super::{DEPTH_MAX, SyntaxError};

/// What is still to come of each list and dict that has been entered. bound: [`DEPTH_MAX`].
#[derive(Debug)]
pub(crate) struct Levels<Items> {
    items: [Items; DEPTH_MAX],
    /// A bit a level, the innermost the lowest: whether it is a dict.
    dicts: u64,
    depth: usize,
    depth_max: usize,
}

const _: () = assert!(DEPTH_MAX <= 64, "Levels has a bit for each");

impl<Items: Copy + Default> Levels<Items> {
    pub(super) fn new(depth_max: usize) -> Self {
        Self {
            items: [Items::default(); DEPTH_MAX],
            dicts: 0,
            depth: 0,
            depth_max,
        }
    }

    /// Enters a list that begins at `start`.
    pub(super) fn enter_list(&mut self, items: Items, start: usize) -> Result<(), SyntaxError> {
        self.enter(items, 0, start)
    }

    /// Enters a dict that begins at `start`.
    pub(super) fn enter_dict(&mut self, items: Items, start: usize) -> Result<(), SyntaxError> {
        self.enter(items, 1, start)
    }

    fn enter(&mut self, items: Items, is_dict: u64, start: usize) -> Result<(), SyntaxError> {
        match self.items.get_mut(self.depth) {
            Some(level) if self.depth < self.depth_max => *level = items,
            _ => return Err(SyntaxError::at(start, TOO_DEEP)),
        }
        self.depth += 1;
        self.dicts = self.dicts << 1 | is_dict;
        Ok(())
    }

    /// The innermost, and whether it is a dict; `None` outside of all.
    pub(super) fn innermost(&mut self) -> Option<(&mut Items, bool)> {
        let items = self.items.get_mut(self.depth.checked_sub(1)?)?;
        Some((items, self.dicts & 1 == 1))
    }

    pub(super) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.dicts >>= 1;
    }
}

/// What a [`SyntaxError`] says of a value that nests too deep.
pub(super) const TOO_DEEP: &str = "at most 64 levels of lists and dicts";
const _: () = assert!(DEPTH_MAX == 64, "TOO_DEEP says another number");
