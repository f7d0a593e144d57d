//! The index of patterns: which subscriptions or registrations does a URI concern?
//!
//! Owns what the three match policies mean for *many* patterns; what they mean for one is
//! [`MatchPolicy::matches`], against which this is tested. Does not know what it holds, and checks no URI:
//! [`Uri::check_pattern`](crate::protocol::Uri::check_pattern) comes first, and the bounds named here are
//! its bounds. The radix trie beneath is in `trie.rs`, what wildcards add to it in `wildcard.rs`.
//!
//! ```text
//!  exact: a hash map      prefix: a trie by bytes       wildcard: parts -> numbers; for each
//!                                                       part count a trie by part numbers
//!  "com.a"   -> T             (root)                      "com" 1  "a" 2  "log" 3  "" ANY
//!  "com.a.x" -> T               |"com.a"
//!  "org.b"   -> T               o T                     3 parts:  (root)
//!                         ".log"/ \"pp."                          |com     \ANY.a.log
//!                              o T o                              o         o T
//!                                "x"/ \"y"                 a.ANY/   \ANY.log
//!                                  o T  o T                     o T   o T
//! ```
//!
//! Why wildcards are a trie and not one hash table for each [`Shape`]: a table for each would be tried for
//! every URI of that length, so that whoever may subscribe below one part of the name space slows down all
//! of it. In the trie a pattern costs only the URIs that agree with it part by part, from the left.

#![warn(clippy::indexing_slicing)]

mod shape;
mod trie;
mod wildcard;

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::ControlFlow;

pub use self::shape::Shape;
use self::trie::Trie;
use self::wildcard::Wildcards;
use crate::protocol::MatchPolicy;

/// Values by pattern and match policy, found by the URIs that the patterns match.
///
/// One value for each pair of policy and pattern; `a.b` may be in it three times, once under each policy.
///
/// The order of matches depends on the patterns alone, not on hashes or on the order of arrival: the
/// exact one, then prefixes from the shortest to the longest, then wildcards in the order in which calls
/// prefer them. Nothing is remembered of a pattern that left: nodes of the tries are joined again, maps
/// that emptied give their memory back.
///
/// Cost of looking for a URI's matches, no allocation in any of it:
///
/// | policy | cost | at most |
/// |---|---|---|
/// | exact | one hash look-up | URI bytes |
/// | prefix | one walk down a trie | URI bytes |
/// | wildcard | one hash look-up for each part, then the trie's nodes that agree with the URI | parts x [`Shape`]s of as many parts, + 1 |
///
/// What agrees with the URI among random wildcards is a handful of nodes, whatever their number. Who wants to
/// do harm aims a wildcard of every shape at a known URI, and beside each of them others, so that a node is met
/// at each part: so whoever fills the index bounds the number of its [`shapes`](Self::shapes), and with it what
/// the worst of look-ups costs, however many patterns there are of each. With 1,024 shapes of 32 parts that is
/// some 2.6 million instructions; URIs that such wildcards are not aimed at pay next to nothing.
#[derive(Debug)]
pub struct PatternIndex<T> {
    exact: HashMap<Box<str>, T>,
    prefixes: Trie<u8, T>,
    wildcards: Wildcards<T>,
}

impl<T> PatternIndex<T> {
    /// Makes an index that matches nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many values it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.exact.len() + self.prefixes.len() + self.wildcards.len()
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it holds a wildcard of this shape.
    #[must_use]
    pub fn has_shape(&self, shape: Shape) -> bool {
        self.wildcards.has_shape(shape)
    }

    /// How many shapes of wildcards it holds. What a look-up costs grows with it: see [`PatternIndex`].
    #[must_use]
    pub fn shapes(&self) -> usize {
        self.wildcards.shapes()
    }

    /// Finds the value of this very pattern: `a.` finds `a.`, not what `a.` would match.
    ///
    /// Cost: O(bytes).
    #[must_use]
    pub fn get(&self, policy: MatchPolicy, pattern: &str) -> Option<&T> {
        match policy {
            MatchPolicy::Exact => self.exact.get(pattern),
            MatchPolicy::Prefix => self.prefixes.get(pattern.as_bytes()),
            MatchPolicy::Wildcard => self.wildcards.get(pattern),
        }
    }

    /// Finds the value of this very pattern, to be changed.
    ///
    /// Cost: O(bytes).
    #[must_use]
    pub fn get_mut(&mut self, policy: MatchPolicy, pattern: &str) -> Option<&mut T> {
        match policy {
            MatchPolicy::Exact => self.exact.get_mut(pattern),
            MatchPolicy::Prefix => self.prefixes.get_mut(pattern.as_bytes()),
            MatchPolicy::Wildcard => self.wildcards.get_mut(pattern),
        }
    }

    /// Finds the value of this very pattern, or puts there what `make` makes.
    ///
    /// Cost: O(bytes), amortized.
    pub fn get_or_insert_with(
        &mut self,
        policy: MatchPolicy,
        pattern: &str,
        make: impl FnOnce() -> T,
    ) -> &mut T {
        match policy {
            MatchPolicy::Exact => self.exact.entry(pattern.into()).or_insert_with(make),
            MatchPolicy::Prefix => self.prefixes.get_or_insert_with(pattern.as_bytes(), make),
            MatchPolicy::Wildcard => self.wildcards.get_or_insert_with(pattern, make),
        }
    }

    /// Puts a value under a pattern and hands back the one that was there.
    ///
    /// Cost: O(bytes), amortized.
    pub fn insert(&mut self, policy: MatchPolicy, pattern: &str, value: T) -> Option<T> {
        match policy {
            MatchPolicy::Exact => self.exact.insert(pattern.into(), value),
            MatchPolicy::Prefix => self.prefixes.insert(pattern.as_bytes(), value),
            MatchPolicy::Wildcard => self.wildcards.insert(pattern, value),
        }
    }

    /// Takes a pattern out, and with it all that only it needed.
    ///
    /// Cost: O(bytes), amortized.
    pub fn remove(&mut self, policy: MatchPolicy, pattern: &str) -> Option<T> {
        match policy {
            MatchPolicy::Exact => {
                let value = self.exact.remove(pattern)?;
                give_back(&mut self.exact);
                Some(value)
            }
            MatchPolicy::Prefix => self.prefixes.remove(pattern.as_bytes()),
            MatchPolicy::Wildcard => self.wildcards.remove(pattern),
        }
    }

    /// Visits the values of all patterns that match `uri`.
    ///
    /// In order: the exact one, then prefixes from the shortest to the longest, then wildcards as calls
    /// prefer them: of two, the one that names the first part which only one of them names.
    /// Cost: see [`PatternIndex`]. A visitor rather than an iterator: the state of a walk that can be left
    /// and taken up again would be larger than most walks.
    pub fn for_each_match<'a>(&'a self, uri: &str, mut visit: impl FnMut(MatchPolicy, &'a T)) {
        if let Some(value) = self.exact.get(uri) {
            visit(MatchPolicy::Exact, value);
        }
        if !self.prefixes.is_empty() {
            for (_, value) in self.prefixes.prefixes_of(uri.as_bytes()) {
                visit(MatchPolicy::Prefix, value);
            }
        }
        let _: ControlFlow<()> = self.wildcards.visit_matches(uri, |value| {
            visit(MatchPolicy::Wildcard, value);
            ControlFlow::Continue(())
        });
    }

    /// Finds the one value that a call of `uri` goes to.
    ///
    /// The exact one, else the longest prefix, else the wildcard with the longest run of parts before its
    /// first empty one, then before its second, and so on: no two that match are equal in that. Prefixes
    /// that all end within a part come after wildcards.
    /// Cost: see [`PatternIndex`]; nothing beyond the first policy that matches.
    /// Spec: ap#rpc-pattern-reg
    #[must_use]
    pub fn best_match(&self, uri: &str) -> Option<&T> {
        if let Some(exact) = self.exact.get(uri) {
            return Some(exact);
        }
        // spec(ap#rpc-pattern-reg): `a.b-c` matches prefix `a.b`, yet in the worked example a call of
        // `a1.b2.c33.d4.e5` is no match for prefix `a1.b2.c3` and goes to a wildcard. This obeys both.
        let mut prefix = None;
        let mut ends_with_part = false;
        for (length, value) in self.prefixes.prefixes_of(uri.as_bytes()) {
            prefix = Some(value);
            ends_with_part = ends_with_part || is_end_of_part(uri, length);
        }
        if ends_with_part {
            return prefix;
        }
        let wildcard = self.wildcards.visit_matches(uri, ControlFlow::Break);
        wildcard.break_value().or(prefix)
    }
}

/// Whether the first `length` bytes of `uri` are whole parts, with or without the dot that follows.
fn is_end_of_part(uri: &str, length: usize) -> bool {
    let byte = |at: usize| uri.as_bytes().get(at);
    let around = [length.checked_sub(1).and_then(byte), byte(length)];
    around.iter().any(|byte| matches!(byte, None | Some(b'.')))
}

impl<T> Default for PatternIndex<T> {
    fn default() -> Self {
        Self {
            exact: HashMap::new(),
            prefixes: Trie::default(),
            wildcards: Wildcards::default(),
        }
    }
}

/// Lets go of a map's memory when it is less than an eighth full; amortized, that is O(1) a removal.
fn give_back<K: Eq + Hash, V>(map: &mut HashMap<K, V>) {
    if map.capacity() > MAP_KEPT && map.len() < map.capacity() / 8 {
        map.shrink_to(map.len() * 2);
    }
}

/// The greatest capacity that an empty map keeps.
const MAP_KEPT: usize = 64;

#[cfg(test)]
mod tests;
