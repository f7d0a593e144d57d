//! Shapes of wildcards, and how many patterns there are of each: what a look-up may cost grows with shapes,
//! not with patterns.

use std::collections::HashMap;

use super::give_back;

/// What a wildcard leaves open: how many parts it has, and which of them are empty.
///
/// Of one shape, at most one pattern matches a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shape {
    parts_count: u32,
    /// Bit n: part n is empty.
    empty: u32,
}

impl Shape {
    /// The shape of a pattern. Empty parts after the 32nd are not told from named ones: no pattern that has
    /// them matches anything.
    #[must_use]
    pub fn of(pattern: &str) -> Self {
        let mut shape = Self {
            parts_count: 0,
            empty: 0,
        };
        for part in pattern.split('.') {
            let bit = 1_u32.checked_shl(shape.parts_count).unwrap_or_default();
            shape.empty |= if part.is_empty() { bit } else { 0 };
            shape.parts_count += 1;
        }
        shape
    }
}

/// How many patterns there are of each shape.
#[derive(Debug, Default)]
pub(super) struct Shapes(HashMap<Shape, usize>);

impl Shapes {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn contains(&self, shape: Shape) -> bool {
        self.0.contains_key(&shape)
    }

    /// Counts a new pattern. Each call is undone by one of [`Shapes::release`].
    pub(super) fn acquire(&mut self, pattern: &str) {
        *self.0.entry(Shape::of(pattern)).or_default() += 1;
    }

    /// Forgets the shape if only this pattern had it.
    pub(super) fn release(&mut self, pattern: &str) {
        let shape = Shape::of(pattern);
        let Some(patterns) = self.0.get_mut(&shape) else {
            return;
        };
        *patterns -= 1;
        if *patterns == 0 {
            self.0.remove(&shape);
            give_back(&mut self.0);
        }
    }
}

#[cfg(test)]
impl Shapes {
    /// Counts the patterns, and asserts that each shape has one.
    pub(super) fn patterns_checked(&self) -> usize {
        assert!(self.0.values().all(|&patterns| patterns > 0));
        self.0.values().sum()
    }

    pub(super) fn capacity(&self) -> usize {
        self.0.capacity()
    }
}
