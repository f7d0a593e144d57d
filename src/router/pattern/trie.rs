//! A radix trie: values by sequences of symbols, sequences sharing what they begin with.
//!
//! Two alphabets use it: bytes for prefixes, numbered parts for wildcards. Knows neither.
//!
//! ```text
//!   insert abc      insert abd           insert ab            remove abd, then ab
//!
//!    (root)          (root)               (root)              (root)     (root)
//!      |abc            |ab                  |ab                 |ab        |abc
//!      o 1             o        split       o 3                 o 3        o 1    joined
//!                    c/ \d                c/ \d                 |c
//!                    o 1 o 2              o 1 o 2               o 1
//! ```
//!
//! Nodes own their children: what is removed is freed, there is no list of holes to keep. The children
//! are in a B-tree rather than a hash map: it takes no room when there are none and little when there are
//! two, finds the only one that is left without a search, and no choice of symbols makes it slow.

use std::collections::BTreeMap;
use std::iter::zip;
use std::mem;

/// Values by sequences of symbols.
#[derive(Debug)]
pub(super) struct Trie<S, T> {
    root: Node<S, T>,
    len: usize,
}

/// What all sequences below have in common.
///
/// Invariant: a node other than the root has a value or at least two children; there are at most twice
/// as many nodes as values, however long the sequences.
#[derive(Debug)]
pub(super) struct Node<S, T> {
    /// The symbols from the parent to here, without the first, which is the parent's key: where many
    /// sequences part there is nothing to store and nothing to fetch.
    label: Box<[S]>,
    children: BTreeMap<S, Box<Self>>,
    value: Option<T>,
}

impl<S: Copy + Ord, T> Trie<S, T> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn root(&self) -> &Node<S, T> {
        &self.root
    }

    /// Cost: O(key), as for all that follows, times the logarithm of a node's children.
    pub(super) fn get(&self, key: &[S]) -> Option<&T> {
        let mut node = &self.root;
        let mut rest = key;
        while let Some((first, below)) = rest.split_first() {
            node = node.children.get(first)?;
            rest = below.strip_prefix(&*node.label)?;
        }
        node.value.as_ref()
    }

    pub(super) fn get_mut(&mut self, key: &[S]) -> Option<&mut T> {
        let mut node = &mut self.root;
        let mut rest = key;
        while let Some((first, below)) = rest.split_first() {
            node = node.children.get_mut(first)?;
            rest = below.strip_prefix(&*node.label)?;
        }
        node.value.as_mut()
    }

    pub(super) fn get_or_insert_with(&mut self, key: &[S], make: impl FnOnce() -> T) -> &mut T {
        let place = self.root.place(key);
        self.len += usize::from(place.is_none());
        place.get_or_insert_with(make)
    }

    pub(super) fn insert(&mut self, key: &[S], value: T) -> Option<T> {
        let former = self.root.place(key).replace(value);
        self.len += usize::from(former.is_none());
        former
    }

    pub(super) fn remove(&mut self, key: &[S]) -> Option<T> {
        let value = self.root.remove(key)?;
        self.len -= 1;
        Some(value)
    }

    /// Walks over all sequences that `key` begins with, from the shortest to the longest: their length and
    /// their value.
    pub(super) fn prefixes_of<'a, 'k>(&'a self, key: &'k [S]) -> Prefixes<'a, 'k, S, T> {
        Prefixes {
            node: Some(&self.root),
            key,
            length: 0,
        }
    }
}

impl<S, T> Default for Trie<S, T> {
    fn default() -> Self {
        Self {
            root: Node::leaf(Box::default()),
            len: 0,
        }
    }
}

impl<S, T> Node<S, T> {
    fn leaf(label: Box<[S]>) -> Self {
        Self {
            label,
            children: BTreeMap::new(),
            value: None,
        }
    }
}

impl<S: Copy + Ord, T> Node<S, T> {
    pub(super) fn label(&self) -> &[S] {
        &self.label
    }

    /// The child whose sequences go on with `first`, and then with its label.
    pub(super) fn child(&self, first: S) -> Option<&Self> {
        self.children.get(&first).map(|child| &**child)
    }

    pub(super) fn value(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// Makes the way to `key` and returns where its value goes, which the caller must fill.
    fn place(&mut self, key: &[S]) -> &mut Option<T> {
        let mut node = self;
        let mut rest = key;
        while let Some((&first, below)) = rest.split_first() {
            let child = node
                .children
                .entry(first)
                .or_insert_with(|| Box::new(Self::leaf(below.into())));
            let same = zip(&child.label, below).take_while(|(a, b)| a == b);
            let same_count = same.count();
            child.split(same_count);
            rest = below.get(same_count..).unwrap_or_default();
            node = child;
        }
        &mut node.value
    }

    /// Puts a node in the middle of this one's label, unless `at` is its end.
    fn split(&mut self, at: usize) {
        let Some((upper, [first, lower @ ..])) = self.label.split_at_checked(at) else {
            return;
        };
        let (upper, first, lower) = (upper.into(), *first, lower.into());
        let mut below = mem::replace(self, Self::leaf(upper));
        below.label = lower;
        self.children.insert(first, Box::new(below));
    }

    /// Takes out the value at `key`, and the nodes on the way that have no reason left to be there.
    ///
    /// bound: recurses once a node, so at most once a symbol: 1,024 for the longest URI.
    fn remove(&mut self, key: &[S]) -> Option<T> {
        let Some((first, below)) = key.split_first() else {
            return self.value.take();
        };
        let child = self.children.get_mut(first)?;
        let value = child.remove(below.strip_prefix(&*child.label)?)?;
        if child.value.is_none() {
            match child.children.len() {
                0 => drop(self.children.remove(first)),
                1 => child.join(),
                _ => {}
            }
        }
        Some(value)
    }

    /// Becomes its only child, labels joined.
    fn join(&mut self) {
        if let Some((first, only)) = self.children.pop_first() {
            let label = [&*self.label, &[first], &*only.label].concat().into();
            *self = Self { label, ..*only };
        }
    }
}

/// See [`Trie::prefixes_of`].
pub(super) struct Prefixes<'a, 'k, S, T> {
    /// The next node to ask for its value: the key agrees with all up to it.
    node: Option<&'a Node<S, T>>,
    key: &'k [S],
    /// The symbols up to that node.
    length: usize,
}

impl<'a, S: Copy + Ord, T> Prefixes<'a, '_, S, T> {
    fn below(&self, node: &'a Node<S, T>) -> Option<&'a Node<S, T>> {
        let (&first, rest) = self.key.get(self.length..)?.split_first()?;
        let child = node.child(first)?;
        rest.starts_with(&child.label).then_some(child)
    }
}

impl<'a, S: Copy + Ord, T> Iterator for Prefixes<'a, '_, S, T> {
    type Item = (usize, &'a T);

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(node) = self.node {
            let length = self.length;
            self.node = self.below(node);
            self.length += self.node.map_or(0, |child| 1 + child.label.len());
            if let Some(value) = &node.value {
                return Some((length, value));
            }
        }
        None
    }
}

#[cfg(test)]
impl<S: Copy + Ord, T> Trie<S, T> {
    /// Counts nodes, the root too, and asserts what must hold of each.
    pub(super) fn nodes_checked(&self) -> usize {
        fn check<S: Copy + Ord, T>(node: &Node<S, T>, values: &mut usize) -> usize {
            *values += usize::from(node.value.is_some());
            let below = node.children.values().map(|child| {
                let is_needed = child.value.is_some() || child.children.len() > 1;
                assert!(is_needed, "a value, or ways that part");
                check(child, values)
            });
            1 + below.sum::<usize>()
        }
        let mut values = 0;
        let nodes = check(&self.root, &mut values);
        assert!(self.root.label.is_empty(), "the root is before all symbols");
        assert_eq!(values, self.len, "the length is the number of values");
        nodes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trie(keys: &[&str]) -> Trie<u8, String> {
        let mut trie = Trie::default();
        for &key in keys {
            assert_eq!(trie.insert(key.as_bytes(), key.to_owned()), None);
        }
        trie
    }

    #[test]
    fn a_node_is_split_where_sequences_part_and_joined_when_one_is_left() {
        let mut trie = trie(&["abc"]);
        assert_eq!(trie.nodes_checked(), 2);
        trie.insert(b"abd", "abd".to_owned());
        assert_eq!(trie.nodes_checked(), 4);
        trie.insert(b"ab", "ab".to_owned());
        assert_eq!(trie.nodes_checked(), 4);
        assert_eq!(trie.remove(b"abd").as_deref(), Some("abd"));
        assert_eq!(trie.nodes_checked(), 3);
        assert_eq!(trie.remove(b"ab").as_deref(), Some("ab"));
        assert_eq!(trie.nodes_checked(), 2);
        assert_eq!(trie.get(b"abc").map(String::as_str), Some("abc"));
    }

    #[test]
    fn places_between_sequences_hold_nothing() {
        let mut trie = trie(&["abc", "abd"]);
        for key in ["", "a", "ab", "abe", "abcd"] {
            assert_eq!(trie.get(key.as_bytes()), None, "{key}");
            assert_eq!(trie.get_mut(key.as_bytes()), None, "{key}");
            assert_eq!(trie.remove(key.as_bytes()), None, "{key}");
        }
        assert_eq!(trie.nodes_checked(), 4);
    }

    #[test]
    fn the_empty_sequence_is_at_the_root() {
        let mut trie = trie(&[""]);
        assert_eq!((trie.len(), trie.nodes_checked()), (1, 1));
        assert_eq!(trie.prefixes_of(b"").count(), 1);
        assert_eq!(trie.prefixes_of(b"x").count(), 1);
        assert_eq!(trie.remove(b"").as_deref(), Some(""));
        assert!(trie.is_empty());
    }

    #[test]
    fn the_longest_chain_of_prefixes_can_be_built_and_taken_down() {
        let longest = "a".repeat(1024);
        let mut trie = Trie::default();
        let prefixes = (0..=longest.len()).filter_map(|end| longest.get(..end));
        for prefix in prefixes.clone() {
            trie.insert(prefix.as_bytes(), prefix.len());
        }
        let found = trie.prefixes_of(longest.as_bytes());
        assert!(found.map(|(length, _)| length).eq(0..=1024));
        let found = trie.prefixes_of(longest.as_bytes());
        assert!(found.map(|(_, value)| *value).eq(0..=1024));
        for prefix in prefixes.rev() {
            assert_eq!(trie.remove(prefix.as_bytes()), Some(prefix.len()));
        }
        assert_eq!(trie.nodes_checked(), 1);
    }
}
