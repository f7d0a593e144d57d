//! Wildcards: patterns whose empty parts match any one part.
//!
//! Every part that some pattern names has a number, so that a URI's parts are hashed once each, however
//! many nodes are visited afterwards. Patterns with the same number of parts share a [`Trie`] of these
//! numbers; one with another number of parts cannot match and is never met.
//!
//! At a node the walk tries the child that names the URI's part, then the one that names none: that is
//! the order in which calls prefer patterns.

use std::collections::{BTreeMap, HashMap};
use std::iter::zip;
use std::ops::ControlFlow;

use super::give_back;
use super::shape::{Shape, Shapes};
#[cfg(test)]
use super::tests;
use super::trie::{Node, Trie};

/// The greatest number of parts that is looked at. bound: `Uri::check` admits no more.
const PARTS_MAX: usize = 32;

/// Values by wildcard pattern.
#[derive(Debug)]
pub(super) struct Wildcards<T> {
    parts: Parts,
    /// Tries by the number of their patterns' parts; none is empty.
    by_count: BTreeMap<usize, Trie<Part, T>>,
    shapes: Shapes,
    len: usize,
}

/// The number of a part. Never used twice, so a pattern that left is not mistaken for a newer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Part(u64);

impl Part {
    /// In a pattern: any part.
    const ANY: Self = Self(0);
    /// In a URI: a part that no pattern names.
    const UNKNOWN: Self = Self(u64::MAX);
}

/// The numbers of the parts that patterns name.
#[derive(Debug, Default)]
struct Parts {
    numbered: HashMap<Box<str>, Numbered>,
    last: u64,
}

#[derive(Debug)]
struct Numbered {
    part: Part,
    /// How often patterns name it.
    uses: usize,
}

impl<T> Wildcards<T> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn has_shape(&self, shape: Shape) -> bool {
        self.shapes.contains(shape)
    }

    pub(super) fn shapes(&self) -> usize {
        self.shapes.len()
    }

    pub(super) fn get(&self, pattern: &str) -> Option<&T> {
        let key = self.parts.key(pattern);
        self.by_count.get(&key.len())?.get(&key)
    }

    pub(super) fn get_mut(&mut self, pattern: &str) -> Option<&mut T> {
        let key = self.parts.key(pattern);
        self.by_count.get_mut(&key.len())?.get_mut(&key)
    }

    pub(super) fn get_or_insert_with(&mut self, pattern: &str, make: impl FnOnce() -> T) -> &mut T {
        let mut is_new = false;
        let key = self.parts.acquire(pattern);
        let trie = self.by_count.entry(key.len()).or_default();
        let value = trie.get_or_insert_with(&key, || {
            is_new = true;
            make()
        });
        if is_new {
            self.len += 1;
            self.shapes.acquire(pattern);
        } else {
            self.parts.release(pattern);
        }
        value
    }

    pub(super) fn insert(&mut self, pattern: &str, value: T) -> Option<T> {
        let key = self.parts.acquire(pattern);
        let trie = self.by_count.entry(key.len()).or_default();
        let former = trie.insert(&key, value);
        if former.is_none() {
            self.len += 1;
            self.shapes.acquire(pattern);
        } else {
            self.parts.release(pattern);
        }
        former
    }

    pub(super) fn remove(&mut self, pattern: &str) -> Option<T> {
        let key = self.parts.key(pattern);
        let trie = self.by_count.get_mut(&key.len())?;
        let value = trie.remove(&key)?;
        if trie.is_empty() {
            self.by_count.remove(&key.len());
        }
        self.parts.release(pattern);
        self.shapes.release(pattern);
        self.len -= 1;
        Some(value)
    }

    /// Visits the values of all patterns that match, in the order in which calls prefer them, until
    /// `visit` breaks off.
    ///
    /// Limits: a URI of more than 32 parts matches nothing.
    pub(super) fn visit_matches<'a, B>(
        &'a self,
        uri: &str,
        mut visit: impl FnMut(&'a T) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        if self.len == 0 {
            return ControlFlow::Continue(());
        }
        let count = 1 + uri.bytes().filter(|&byte| byte == b'.').count();
        let mut parts = [Part::UNKNOWN; PARTS_MAX];
        let (Some(trie), Some(parts)) = (self.by_count.get(&count), parts.get_mut(..count)) else {
            return ControlFlow::Continue(());
        };
        for (slot, part) in zip(&mut *parts, uri.split('.')) {
            *slot = self.parts.number(part);
        }
        walk(trie.root(), parts, &mut visit)
    }
}

/// Visits the values below `node` of patterns that go on as `parts` do.
///
/// Cost: at each part, no more nodes than there are shapes of as many parts as the URI has: a node is met where
/// each part above it is the URI's or empty, so no two that are met after the same part belong to one shape.
/// bound: recurses at most once a part, 32 deep.
fn walk<'a, T, B>(
    node: &'a Node<Part, T>,
    parts: &[Part],
    visit: &mut impl FnMut(&'a T) -> ControlFlow<B>,
) -> ControlFlow<B> {
    #[cfg(test)]
    tests::count_visit();
    let Some((&part, below)) = parts.split_first() else {
        return node.value().map_or(ControlFlow::Continue(()), visit);
    };
    // order: who names the part comes before who takes any.
    let ways = [node.child(part), node.child(Part::ANY)];
    for child in ways.into_iter().flatten() {
        if let Some(rest) = agree(child.label(), below) {
            walk(child, rest, visit)?;
        }
    }
    ControlFlow::Continue(())
}

/// What comes after `label` in the URI's parts, if they agree.
fn agree<'p>(label: &[Part], parts: &'p [Part]) -> Option<&'p [Part]> {
    let (head, rest) = parts.split_at_checked(label.len())?;
    let agrees = zip(label, head).all(|(&named, &part)| named == Part::ANY || named == part);
    agrees.then_some(rest)
}

impl<T> Default for Wildcards<T> {
    fn default() -> Self {
        Self {
            parts: Parts::default(),
            by_count: BTreeMap::new(),
            shapes: Shapes::default(),
            len: 0,
        }
    }
}

impl Parts {
    /// The number of a URI's part.
    fn number(&self, part: &str) -> Part {
        let numbered = self.numbered.get(part);
        numbered.map_or(Part::UNKNOWN, |numbered| numbered.part)
    }

    /// A pattern as its trie has it, if it does: a part that no pattern names is in no trie.
    fn key(&self, pattern: &str) -> Vec<Part> {
        let symbol = |part: &str| match part {
            "" => Part::ANY,
            named => self.number(named),
        };
        pattern.split('.').map(symbol).collect()
    }

    /// Gives numbers to a new pattern's parts. Each call is undone by one of [`Parts::release`].
    fn acquire(&mut self, pattern: &str) -> Vec<Part> {
        for part in pattern.split('.').filter(|part| !part.is_empty()) {
            if let Some(numbered) = self.numbered.get_mut(part) {
                numbered.uses += 1;
            } else {
                self.last += 1;
                let part_new = Part(self.last);
                let numbered = Numbered {
                    part: part_new,
                    uses: 1,
                };
                self.numbered.insert(part.into(), numbered);
            }
        }
        self.key(pattern)
    }

    /// Forgets the parts that only this pattern named.
    fn release(&mut self, pattern: &str) {
        for part in pattern.split('.').filter(|part| !part.is_empty()) {
            let Some(numbered) = self.numbered.get_mut(part) else {
                continue;
            };
            numbered.uses -= 1;
            if numbered.uses == 0 {
                self.numbered.remove(part);
                give_back(&mut self.numbered);
            }
        }
    }
}

#[cfg(test)]
impl<T> Wildcards<T> {
    /// Counts nodes and numbered parts, and asserts what must hold of them.
    pub(super) fn nodes_and_parts_checked(&self) -> (usize, usize) {
        assert!(self.by_count.values().all(|trie| !trie.is_empty()));
        let values: usize = self.by_count.values().map(Trie::len).sum();
        assert_eq!(values, self.len, "the length is the number of values");
        assert_eq!(self.shapes.patterns_checked(), self.len, "each has a shape");
        assert!(
            self.parts
                .numbered
                .values()
                .all(|numbered| numbered.uses > 0)
        );
        let nodes = self.by_count.values().map(Trie::nodes_checked).sum();
        (nodes, self.parts.numbered.len())
    }

    /// What the maps would hold without growing: of parts, and of shapes.
    pub(super) fn capacities(&self) -> [usize; 2] {
        [self.parts.numbered.capacity(), self.shapes.capacity()]
    }
}
