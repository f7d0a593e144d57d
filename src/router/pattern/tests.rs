//! The index against the specification's examples, against a plain list, and at its worst.

use std::cell::Cell;
use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

use MatchPolicy::{Exact, Prefix, Wildcard};

fn index<'a>(patterns: &[(MatchPolicy, &'a str)]) -> PatternIndex<&'a str> {
    let mut index = PatternIndex::new();
    for &(policy, pattern) in patterns {
        assert_eq!(index.insert(policy, pattern, pattern), None);
    }
    index
}

fn matches<'a>(index: &PatternIndex<&'a str>, uri: &str) -> Vec<&'a str> {
    all_matches(index, uri).into_iter().copied().collect()
}

fn all_matches<'a, T>(index: &'a PatternIndex<T>, uri: &str) -> Vec<&'a T> {
    let mut hits = Vec::new();
    index.for_each_match(uri, |_, value| hits.push(value));
    hits
}

thread_local! {
    static VISITS: Cell<usize> = const { Cell::new(0) };
}

/// Called for every node of a trie of wildcards that a walk visits.
pub(super) fn count_visit() {
    VISITS.set(VISITS.get() + 1);
}

/// How many wildcards match, and how many nodes were visited to find them.
fn hits_and_visits<T>(index: &PatternIndex<T>, uri: &str) -> (usize, usize) {
    VISITS.set(0);
    let hits = all_matches(index, uri).len();
    (hits, VISITS.get())
}

/// Asserts what must hold inside and returns how much there is inside: nodes of both kinds, and parts.
fn size_checked<T>(index: &PatternIndex<T>) -> (usize, usize, usize) {
    let (nodes, parts) = index.wildcards.nodes_and_parts_checked();
    (index.prefixes.nodes_checked(), nodes, parts)
}

/// Asserts that a look-up visits no more nodes than shapes and parts explain, whatever the number of patterns;
/// returns how many there are and how many there may be.
fn visits_checked<T>(index: &PatternIndex<T>, uri: &str) -> (usize, usize) {
    let (_, visits) = hits_and_visits(index, uri);
    let bound = 1 + index.shapes() * uri.split('.').count();
    assert!(
        visits <= bound,
        "{visits} nodes for {uri:?}, {bound} at most"
    );
    (visits, bound)
}

/// What is inside an index that holds nothing: the root of the prefixes.
const EMPTY: (usize, usize, usize) = (1, 0, 0);

/// Patterns of `parts` parts with every mix of `x` and empty, the last part being `last`.
fn grid(parts: usize, last: &str) -> Vec<String> {
    let mix = |bits: u32| {
        let part = |place| if bits >> place & 1 == 1 { "x." } else { "." };
        let parts: String = (0..parts - 1).map(part).collect();
        parts + last
    };
    (0..1 << (parts - 1)).map(mix).collect()
}

/// Patterns of 32 parts and 1,024 shapes that agree with `x.x.x…`, the last part being `last`, and beside each
/// of them one that parts from it at each part: so a walk meets a node there.
fn worst(last: &str) -> Vec<String> {
    const NAMED: usize = 22;
    let beside = |at: usize| format!("{}y{}", "x.".repeat(at), ".x".repeat(NAMED - 1 - at));
    let mut ends: Vec<String> = (0..NAMED).map(beside).collect();
    ends.push("x.".repeat(NAMED - 1) + last);
    ends.iter().flat_map(|end| grid(11, end)).collect()
}

#[test]
fn calls_go_where_the_specification_s_seven_examples_say() {
    // spec(ap#rpc-pattern-reg): one callee by exact, longest prefix, then wildcards run by run.
    let index = index(&[
        (Exact, "a1.b2.c3.d4.e55"),
        (Prefix, "a1.b2.c3"),
        (Prefix, "a1.b2.c3.d4"),
        (Wildcard, "a1.b2..d4.e5"),
        (Wildcard, "a1.b2.c33..e5"),
        (Wildcard, "a1.b2..d4.e5..g7"),
        (Wildcard, "a1.b2..d4..f6.g7"),
    ]);
    let goes_to = |uri: &str| index.best_match(uri).copied();
    assert_eq!(goes_to("a1.b2.c3.d4.e55"), Some("a1.b2.c3.d4.e55"));
    assert_eq!(goes_to("a1.b2.c3.d98.e74"), Some("a1.b2.c3"));
    assert_eq!(goes_to("a1.b2.c3.d4.e325"), Some("a1.b2.c3.d4"));
    assert_eq!(goes_to("a1.b2.c55.d4.e5"), Some("a1.b2..d4.e5"));
    assert_eq!(goes_to("a1.b2.c33.d4.e5"), Some("a1.b2.c33..e5"));
    assert_eq!(goes_to("a1.b2.c88.d4.e5.f6.g7"), Some("a1.b2..d4.e5..g7"));
    assert_eq!(goes_to("a2.b2.c2.d2.e2"), None);
}

#[test]
fn a_prefix_that_ends_within_a_part_takes_calls_after_wildcards_unless_a_whole_one_matches() {
    let mut index = index(&[
        (Prefix, "com.app.get"),
        (Prefix, "com.app.get_"),
        (Wildcard, "com.."),
    ]);
    let goes_to = |index: &PatternIndex<&'static str>, uri: &str| index.best_match(uri).copied();
    assert_eq!(goes_to(&index, "com.app.get_x"), Some("com.."));
    assert_eq!(goes_to(&index, "com.app.get_x.1"), Some("com.app.get_"));
    for whole in ["", "com.", "com.app"] {
        index.insert(Prefix, whole, whole);
        assert_eq!(goes_to(&index, "com.app.get_x"), Some("com.app.get_"));
        assert_eq!(goes_to(&index, "com.app.get"), Some("com.app.get"));
        index.remove(Prefix, whole);
    }
}

#[test]
fn matches_come_exact_first_then_prefixes_by_length_then_wildcards_as_calls_prefer_them() {
    let mut patterns = [
        (Exact, "a.b.c"),
        (Prefix, ""),
        (Prefix, "a"),
        (Prefix, "a.b.c"),
        (Wildcard, "a.b."),
        (Wildcard, "a..c"),
        (Wildcard, "a.."),
        (Wildcard, ".b.c"),
        (Wildcard, ".."),
    ];
    let ordered = patterns.map(|(_, pattern)| pattern);
    assert_eq!(matches(&index(&patterns), "a.b.c"), ordered);
    patterns.reverse();
    assert_eq!(matches(&index(&patterns), "a.b.c"), ordered);
}

#[test]
fn one_text_under_three_policies_is_three_patterns() {
    let mut index = PatternIndex::new();
    for policy in MatchPolicy::ALL {
        assert_eq!(index.insert(policy, "a.b", policy), None);
    }
    assert_eq!(index.len(), 3);
    assert_eq!(index.remove(Prefix, "a.b"), Some(Prefix));
    index.for_each_match("a.b", |policy, value| assert_eq!(policy, *value));
    assert_eq!(all_matches(&index, "a.b"), [&Exact, &Wildcard]);
    assert_eq!(index.get(Prefix, "a.b"), None);
}

#[test]
fn prefixes_end_within_a_part_and_may_differ_in_half_a_letter() {
    let index = index(&[(Prefix, "com.gr"), (Prefix, "com.grö"), (Prefix, "com.grü")]);
    assert_eq!(matches(&index, "com.größe"), ["com.gr", "com.grö"]);
    assert_eq!(matches(&index, "com.grün.1"), ["com.gr", "com.grü"]);
    assert_eq!(matches(&index, "com.grä"), ["com.gr"]);
}

#[test]
fn a_uri_of_too_many_parts_matches_no_wildcard() {
    let longest = ["a"; 32].join(".");
    let too_long = ["a"; 33].join(".");
    let index = index(&[(Wildcard, &longest), (Wildcard, &too_long)]);
    assert_eq!(matches(&index, &longest), [&longest]);
    assert!(matches(&index, &too_long).is_empty());
}

#[test]
fn the_longest_uri_there_may_be_has_as_many_parts_as_are_looked_at() {
    let check = |parts: usize| {
        let uri = crate::protocol::Uri::new(vec!["a"; parts].join("."));
        uri.check(crate::protocol::UriRule::Loose)
    };
    assert_eq!(check(32), Ok(()));
    assert!(check(33).is_err());
}

#[test]
fn what_is_there_is_kept_or_replaced_and_counted_once() {
    for policy in MatchPolicy::ALL {
        let mut index = PatternIndex::new();
        assert_eq!(*index.get_or_insert_with(policy, "a..b", || 1), 1);
        assert_eq!(*index.get_or_insert_with(policy, "a..b", || 2), 1);
        assert_eq!(index.insert(policy, "a..b", 3), Some(1));
        *index.get_mut(policy, "a..b").unwrap() += 1;
        assert_eq!(index.len(), 1);
        assert_eq!(index.remove(policy, "a..b"), Some(4));
        assert_eq!(index.remove(policy, "a..b"), None);
        assert_eq!(size_checked(&index), EMPTY);
    }
}

#[test]
fn nothing_is_left_after_a_hundred_thousand_patterns_came_and_went() {
    let pattern = |n: u32| format!("com.p{}..q{n}.{}", n % 97, n % 89);
    let mut index = PatternIndex::new();
    for n in 0..100_000 {
        index.insert(Exact, &pattern(n), n);
        index.insert(Prefix, &pattern(n), n);
        index.insert(Wildcard, &pattern(n), n);
    }
    assert_eq!(index.len(), 300_000);
    for n in 0..100_000 {
        assert_eq!(index.remove(Exact, &pattern(n)), Some(n));
        assert_eq!(index.remove(Prefix, &pattern(n)), Some(n));
        assert_eq!(index.remove(Wildcard, &pattern(n)), Some(n));
    }
    assert!(index.is_empty());
    assert_eq!(size_checked(&index), EMPTY);
    assert!(index.exact.capacity() <= MAP_KEPT);
    assert!(wildcards_gave_their_room_back(&index));
}

fn wildcards_gave_their_room_back<T>(index: &PatternIndex<T>) -> bool {
    let capacities = index.wildcards.capacities();
    capacities.iter().all(|it| *it <= MAP_KEPT)
}

#[test]
fn a_grid_of_wildcards_costs_no_more_than_its_nodes() {
    for last in ["x", "", "y"] {
        let mut index = PatternIndex::new();
        let patterns = grid(16, last);
        for pattern in &patterns {
            index.insert(Wildcard, pattern, ());
        }
        let (hits, visits) = hits_and_visits(&index, &["x"; 16].join("."));
        assert_eq!(hits, if last == "y" { 0 } else { patterns.len() });
        assert!(visits <= 2 * patterns.len(), "{visits} nodes");
        assert!(visits <= 1 << 17, "{visits} nodes");
    }
}

#[test]
fn a_look_up_s_cost_is_bounded_by_the_shapes_whatever_the_number_of_patterns() {
    // Few shapes, and very many patterns of each that agree with the URI up to their last part.
    let mut index = PatternIndex::new();
    for number in 0..20_000 {
        for start in ["x.x.x.", "..x.", "x...", ".x.x.", "..."] {
            index.insert(Wildcard, &format!("{start}{number}"), ());
        }
    }
    assert_eq!(index.shapes(), 5);
    visits_checked(&index, "x.x.x.x");
    visits_checked(&index, "x.x.x.77");
}

#[test]
fn the_worst_that_a_realm_takes_costs_most_of_what_its_shapes_allow_and_no_more() {
    for last in ["x", "z"] {
        let mut index = PatternIndex::new();
        for pattern in worst(last) {
            index.insert(Wildcard, &pattern, ());
        }
        assert_eq!(index.shapes(), 1_024);
        let (visits, bound) = visits_checked(&index, &["x"; 32].join("."));
        assert!(visits > bound * 2 / 3, "{visits} nodes, {bound} at most");
    }
}

#[test]
fn each_of_32_parts_makes_a_shape_of_its_own_when_it_is_empty() {
    let with_empty = |at: usize| {
        let part = |number| if number == at { "" } else { "x" };
        let parts: Vec<&str> = (0..32).map(part).collect();
        Shape::of(&parts.join("."))
    };
    let shapes: BTreeSet<Shape> = (0..=32).map(with_empty).collect();
    assert_eq!(shapes.len(), 33);
}

#[test]
fn no_shape_is_left_when_its_patterns_have_gone() {
    let mut index = PatternIndex::new();
    for pattern in grid(13, "x") {
        index.insert(Wildcard, &pattern, ());
    }
    assert_eq!(index.shapes(), 1 << 12);
    for pattern in grid(13, "x") {
        assert!(index.has_shape(Shape::of(&pattern)));
        index.remove(Wildcard, &pattern);
        assert!(!index.has_shape(Shape::of(&pattern)));
    }
    assert_eq!(index.shapes(), 0);
    assert!(wildcards_gave_their_room_back(&index));
}

#[test]
fn shapes_are_counted_as_long_as_they_have_a_pattern() {
    let mut index = PatternIndex::new();
    for pattern in ["a..b", "x..y", "a.b.", ".."] {
        index.insert(Wildcard, pattern, ());
    }
    index.insert(Wildcard, "a..b", ());
    assert_eq!(index.shapes(), 3);
    index.remove(Wildcard, "a..b");
    assert!(index.has_shape(Shape::of("any..where")));
    index.remove(Wildcard, "x..y");
    assert!(!index.has_shape(Shape::of("any..where")));
    assert_ne!(Shape::of("a.."), Shape::of("a."));
    assert_ne!(Shape::of("a..b"), Shape::of("a.b."));
}

#[test]
fn long_wildcards_cost_two_nodes_each_however_many_parts_they_have() {
    // 32 parts: a mix in the first 12, then a chain that agrees up to the last part.
    let tail = format!("{}y", "x.".repeat(19));
    let patterns = grid(13, &tail);
    let mut index = PatternIndex::new();
    for pattern in &patterns {
        index.insert(Wildcard, pattern, ());
    }
    let (hits, visits) = hits_and_visits(&index, &["x"; 32].join("."));
    assert_eq!(hits, 0);
    assert!(visits <= 2 * patterns.len(), "{visits} nodes");
}

#[test]
fn wildcards_cost_nothing_to_uris_that_share_no_part_with_them() {
    let mut index = PatternIndex::new();
    for pattern in grid(16, "x") {
        index.insert(Wildcard, &format!("com.tenant.{pattern}"), ());
    }
    let parts = ["x"; 16].join(".");
    let cost = |uri: &str| hits_and_visits(&index, uri);
    assert_eq!(cost(&format!("com.other.{parts}")), (0, 1));
    assert_eq!(cost(&format!("org.tenant.{parts}")), (0, 1));
    assert_eq!(cost(&["x"; 17].join(".")), (0, 0));
}

/// A plain list that answers by looking at every pattern.
#[derive(Default)]
struct Naive(Vec<(MatchPolicy, String, u32)>);

impl Naive {
    fn place(&self, policy: MatchPolicy, pattern: &str) -> Option<usize> {
        self.0
            .iter()
            .position(|(p, text, _)| *p == policy && text == pattern)
    }

    fn insert(&mut self, policy: MatchPolicy, pattern: &str, value: u32) -> Option<u32> {
        let former = self.remove(policy, pattern);
        self.0.push((policy, pattern.to_owned(), value));
        former
    }

    fn remove(&mut self, policy: MatchPolicy, pattern: &str) -> Option<u32> {
        let place = self.place(policy, pattern)?;
        Some(self.0.remove(place).2)
    }

    fn shapes(&self) -> usize {
        let wildcards = self.0.iter().filter(|(policy, ..)| *policy == Wildcard);
        let shape = |text: &str| text.split('.').map(str::is_empty).collect::<Vec<_>>();
        let shapes: BTreeSet<_> = wildcards.map(|(_, text, _)| shape(text)).collect();
        shapes.len()
    }

    /// All that match, in the order promised.
    fn matches(&self, uri: &str) -> Vec<u32> {
        let matching =
            |(policy, pattern, _): &&(MatchPolicy, String, u32)| policy.matches(pattern, uri);
        let mut hits: Vec<_> = self.0.iter().filter(matching).collect();
        hits.sort_by_key(|(policy, pattern, _)| {
            let empty: Vec<bool> = pattern.split('.').map(str::is_empty).collect();
            match policy {
                Exact => (0, 0, vec![]),
                Prefix => (1, pattern.len(), vec![]),
                Wildcard => (2, 0, empty),
            }
        });
        hits.iter().map(|(_, _, value)| *value).collect()
    }

    /// The specification's algorithm, step by step.
    fn best_match(&self, uri: &str) -> Option<u32> {
        let of = |wanted: MatchPolicy| {
            let matching = move |(policy, pattern, _): &&(MatchPolicy, String, u32)| {
                *policy == wanted && policy.matches(pattern, uri)
            };
            self.0.iter().filter(matching)
        };
        let runs = |pattern: &str| -> Vec<usize> {
            let parts: Vec<&str> = pattern.split('.').collect();
            let runs = parts.split(|part| part.is_empty());
            runs.map(<[_]>::len).collect()
        };
        let is_whole = |pattern: &str| {
            let dotted = format!("{pattern}.");
            pattern.is_empty() || pattern.ends_with('.') || format!("{uri}.").starts_with(&dotted)
        };
        let prefix = of(Prefix).max_by_key(|(_, pattern, _)| pattern.len());
        let has_whole = of(Prefix).any(|(_, pattern, _)| is_whole(pattern));
        let best = of(Exact).next();
        let best = best.or_else(|| prefix.filter(|_| has_whole));
        let best = best.or_else(|| of(Wildcard).max_by_key(|(_, pattern, _)| runs(pattern)));
        best.or(prefix).map(|(_, _, value)| *value)
    }
}

#[derive(Clone, Debug)]
enum Operation {
    Insert(MatchPolicy, String),
    Keep(MatchPolicy, String),
    Remove(MatchPolicy, String),
    RemoveAny(prop::sample::Index),
    Match(String),
}

/// Up to five parts, of few and similar ones so that they meet often, empty ones among them.
fn text() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec!["", "", "a", "a", "b", "ab", "abc", "ä"]);
    prop::collection::vec(part, 1..=5).prop_map(|parts| parts.join("."))
}

/// Wildcards most of which agree with `x.x.x…`, and for long.
fn aimed() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec!["", "x", "x", "x", "y"]);
    prop::collection::vec(part, 6..=8).prop_map(|parts| parts.join("."))
}

fn operation() -> impl Strategy<Value = Operation> {
    let policy = || prop::sample::select(MatchPolicy::ALL.to_vec());
    prop_oneof![
        6 => (policy(), text()).prop_map(|(policy, text)| Operation::Insert(policy, text)),
        2 => (policy(), text()).prop_map(|(policy, text)| Operation::Keep(policy, text)),
        1 => (policy(), text()).prop_map(|(policy, text)| Operation::Remove(policy, text)),
        4 => any::<prop::sample::Index>().prop_map(Operation::RemoveAny),
        4 => text().prop_map(Operation::Match),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn the_index_agrees_with_a_plain_list(
        operations in prop::collection::vec(operation(), 1..80),
    ) {
        let mut index = PatternIndex::new();
        let mut naive = Naive::default();
        for (value, operation) in (0..).zip(operations) {
            match operation {
                Operation::Insert(policy, text) => {
                    prop_assert_eq!(
                        index.insert(policy, &text, value),
                        naive.insert(policy, &text, value)
                    );
                }
                Operation::Keep(policy, text) => {
                    if naive.place(policy, &text).is_none() {
                        naive.insert(policy, &text, value);
                    }
                    let kept = *index.get_or_insert_with(policy, &text, || value);
                    prop_assert_eq!(index.get(policy, &text), Some(&kept));
                    prop_assert_eq!(index.get_mut(policy, &text).copied(), Some(kept));
                }
                Operation::Remove(policy, text) => {
                    prop_assert_eq!(index.remove(policy, &text), naive.remove(policy, &text));
                }
                Operation::RemoveAny(at) => {
                    if !naive.0.is_empty() {
                        let (policy, text, value) = naive.0.remove(at.index(naive.0.len()));
                        prop_assert_eq!(index.remove(policy, &text), Some(value));
                    }
                }
                Operation::Match(uri) => {
                    let hits = all_matches(&index, &uri).into_iter().copied();
                    prop_assert_eq!(hits.collect::<Vec<_>>(), naive.matches(&uri));
                    prop_assert_eq!(index.best_match(&uri).copied(), naive.best_match(&uri));
                    visits_checked(&index, &uri);
                }
            }
            prop_assert_eq!(index.len(), naive.0.len());
            prop_assert_eq!(index.shapes(), naive.shapes());
            size_checked(&index);
        }
        for (policy, text, value) in naive.0 {
            prop_assert_eq!(index.remove(policy, &text), Some(value));
        }
        prop_assert_eq!(size_checked(&index), EMPTY);
    }

    #[test]
    fn no_wildcards_make_a_walk_visit_more_than_a_node_for_each_shape_and_part(
        patterns in prop::collection::vec(aimed(), 1..300),
        parts_count in 6..=8_usize,
    ) {
        let mut index = PatternIndex::new();
        for pattern in patterns {
            index.insert(Wildcard, &pattern, ());
        }
        let uri = vec!["x"; parts_count].join(".");
        let (hits, _) = hits_and_visits(&index, &uri);
        prop_assert!(hits <= index.shapes());
        visits_checked(&index, &uri);
    }
}
