//! Looking a URI's patterns up: among few and many, and among those made to hurt.

use std::collections::HashSet;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion};
use wamp::protocol::MatchPolicy;
use wamp::router::PatternIndex;

use crate::worst;

/// How many patterns there are to find one among.
pub(crate) const COUNTS: [usize; 3] = [10, 1_000, 100_000];
/// URIs taken in turn, so that no one path stays in the processor's caches.
const URIS: usize = 1000;

/// Benchmarks look-ups that hit one pattern of 10, 1,000 and 100,000, and the worst of wildcards.
pub(crate) fn bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("pattern");
    for policy in MatchPolicy::ALL {
        for patterns_count in COUNTS {
            let patterns = random(policy, patterns_count);
            let index = index(policy, &patterns.patterns);
            let mut uris = patterns.uris.iter().cycle();
            group.bench_function(BenchmarkId::new(policy.name(), patterns_count), |b| {
                b.iter(|| {
                    let uri = uris.next().map_or("", String::as_str);
                    hits(&index, black_box(uri))
                });
            });
        }
    }
    for (name, last) in [("worst_all_hit", "x"), ("worst_none_hits", "z")] {
        let index = index(MatchPolicy::Wildcard, &worst::by_shape(last).concat());
        let uri = worst::uri();
        group.bench_function(BenchmarkId::new(name, index.len()), |b| {
            b.iter(|| hits(&index, black_box(&uri)));
        });
    }
    group.finish();
}

/// Looks a URI up.
fn hits(index: &PatternIndex<usize>, uri: &str) -> usize {
    let mut hits = 0;
    index.for_each_match(uri, |_, value| {
        black_box(value);
        hits += 1;
    });
    hits
}

fn index(policy: MatchPolicy, patterns: &[String]) -> PatternIndex<usize> {
    let mut index = PatternIndex::new();
    for pattern in patterns {
        index.insert(policy, pattern, index.len());
    }
    index
}

/// Patterns, and URIs each of which one of them was made for.
pub(crate) struct Patterns {
    pub(crate) patterns: Vec<String>,
    pub(crate) uris: Vec<String>,
}

/// Makes random patterns, no two alike.
///
/// Five parts, the first two out of a few and the others out of many. A wildcard leaves one or two of its
/// last four parts empty, a prefix ends within its last part.
pub(crate) fn random(policy: MatchPolicy, patterns_count: usize) -> Patterns {
    let mut random = Random(1);
    let mut seen = HashSet::new();
    let (mut patterns, mut uris) = (Vec::new(), Vec::new());
    while patterns.len() < patterns_count {
        let uri = random.uri();
        let pattern = match policy {
            MatchPolicy::Exact => uri.clone(),
            MatchPolicy::Prefix => uri[..uri.len() - 3].to_owned(),
            MatchPolicy::Wildcard => {
                let mut parts: Vec<&str> = uri.split('.').collect();
                parts[1 + random.below(4)] = "";
                parts[1 + random.below(4)] = "";
                parts.join(".")
            }
        };
        if seen.insert(pattern.clone()) {
            patterns.push(pattern);
            uris.push(uri);
        }
    }
    let every = (uris.len() / URIS).max(1);
    let uris = uris.into_iter().step_by(every).collect();
    Patterns { patterns, uris }
}

/// The same numbers in every run (an xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).map_or(0, |number| number % end)
    }

    fn uri(&mut self) -> String {
        let (org, app) = (self.below(4), self.below(20));
        let (object, id, event) = (self.below(1000), self.below(10_000), self.below(1000));
        format!("org{org}.app{app}.object{object}.{id:06}.event{event:04}")
    }
}
