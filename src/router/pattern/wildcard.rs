//! Wildcards: patterns whose empty parts match any one part.
//!
//! Every part that some pattern names has a number, so that a URI's parts are hashed once each, however
//! many nodes are visited afterwards. Patterns with the same number of parts share a [`Trie`] of these
//! numbers; one with another number of parts cannot match and is never met.
//!
//! At a node the walk tries the child that names the URI's part, then the one that names none: that is
//! the order in which calls prefer patterns. It keeps the ways not yet taken on a stack of its own.

use std::collections::{BTreeMap, HashMap};
use std::iter::zip;

use super::give_back;
use super::trie::{Node, Trie};

/// The greatest number of parts that is looked at. bound: `Uri::check` admits no more.
const PARTS_MAX: usize = 32;

/// Values by wildcard pattern.
#[derive(Debug)]
pub(super) struct Wildcards<T> {
    parts: Parts,
    /// Tries by the number of their patterns' parts; none is empty.
    by_count: BTreeMap<usize, Trie<Part, T>>,
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
        self.len -= 1;
        Some(value)
    }

    /// Walks over the values of all patterns that match, in the order in which calls prefer them.
    ///
    /// Limits: a URI of more than 32 parts matches nothing.
    pub(super) fn matches(&self, uri: &str) -> Option<Matches<'_, T>> {
        if self.len == 0 {
            return None;
        }
        let parts_count = 1 + uri.bytes().filter(|&byte| byte == b'.').count();
        let root = self.by_count.get(&parts_count)?.root();
        let mut parts = [Part::UNKNOWN; PARTS_MAX];
        if parts_count > PARTS_MAX {
            return None;
        }
        for (slot, part) in zip(&mut parts, uri.split('.')) {
            *slot = self.parts.number(part);
        }
        let mut matches = Matches {
            parts,
            parts_count,
            ways: [None; WAYS_MAX],
            ways_count: 0,
            #[cfg(test)]
            visited: 1,
        };
        matches.push_below(root, 0);
        Some(matches)
    }
}

impl<T> Default for Wildcards<T> {
    fn default() -> Self {
        Self {
            parts: Parts::default(),
            by_count: BTreeMap::new(),
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

/// See [`Wildcards::matches`].
///
/// Cost: visits at most as many nodes as there are patterns with the URI's number of parts, twice, and at
/// most 2^(parts + 1): a node visited is one of the trie's, and at each part there are two ways.
pub(super) struct Matches<'a, T> {
    /// The URI's parts, unused from `parts_count` on.
    parts: [Part; PARTS_MAX],
    parts_count: usize,
    /// Ways not yet taken, a stack, unused from `ways_count` on.
    ways: [Option<Way<'a, T>>; WAYS_MAX],
    ways_count: usize,
    #[cfg(test)]
    pub(super) visited: usize,
}

/// bound: two ways are put on the stack for one taken off it, at most once for each part.
const WAYS_MAX: usize = PARTS_MAX + 1;

/// A node to be visited, and how many of the URI's parts are before its label.
struct Way<'a, T> {
    node: &'a Node<Part, T>,
    depth: usize,
}

impl<T> Clone for Way<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Way<'_, T> {}

impl<'a, T> Matches<'a, T> {
    /// Notes the ways down from `node`, which the URI's first `depth` parts lead to.
    fn push_below(&mut self, node: &'a Node<Part, T>, depth: usize) {
        let named = self.parts.get(depth).and_then(|&part| node.child(part));
        // order: the last one put on the stack is the first one taken.
        self.push(node.child(Part::ANY), depth + 1);
        self.push(named, depth + 1);
    }

    fn push(&mut self, node: Option<&'a Node<Part, T>>, depth: usize) {
        let Some(node) = node else {
            return;
        };
        debug_assert!(
            self.ways_count < WAYS_MAX,
            "at most one way waits for each part"
        );
        if let Some(way) = self.ways.get_mut(self.ways_count) {
            *way = Some(Way { node, depth });
            self.ways_count += 1;
        }
    }

    fn pop(&mut self) -> Option<Way<'a, T>> {
        self.ways_count = self.ways_count.checked_sub(1)?;
        *self.ways.get(self.ways_count)?
    }

    /// Whether the URI's parts from `depth` on agree with `label`.
    fn agrees(&self, depth: usize, label: &[Part]) -> bool {
        let parts = self.parts.get(depth..).unwrap_or_default();
        zip(label, parts).all(|(&named, &part)| named == Part::ANY || named == part)
    }
}

impl<'a, T> Iterator for Matches<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        while let Some(Way { node, depth }) = self.pop() {
            #[cfg(test)]
            {
                self.visited += 1;
            }
            if !self.agrees(depth, node.label()) {
                continue;
            }
            let depth = depth + node.label().len();
            if depth == self.parts_count {
                return node.value();
            }
            self.push_below(node, depth);
        }
        None
    }
}

#[cfg(test)]
impl<T> Wildcards<T> {
    /// Counts nodes and numbered parts, and asserts what must hold of them.
    pub(super) fn nodes_and_parts_checked(&self) -> (usize, usize) {
        assert!(self.by_count.values().all(|trie| !trie.is_empty()));
        let values: usize = self.by_count.values().map(Trie::len).sum();
        assert_eq!(values, self.len, "the length is the number of values");
        assert!(
            self.parts
                .numbered
                .values()
                .all(|numbered| numbered.uses > 0)
        );
        let nodes = self.by_count.values().map(Trie::nodes_checked).sum();
        (nodes, self.parts.numbered.len())
    }

    pub(super) fn parts_capacity(&self) -> usize {
        self.parts.numbered.capacity()
    }
}
