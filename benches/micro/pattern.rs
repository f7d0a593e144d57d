//! Looking a URI's patterns up: among few and many, and among those made to hurt.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion};
use wamp::protocol::MatchPolicy;
use wamp::router::PatternIndex;

/// URIs taken in turn, so that no one path stays in the processor's caches.
const URIS: usize = 1000;

/// Benchmarks look-ups that hit one pattern of 10, 1,000 and 100,000, and grids of wildcards.
pub(crate) fn bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("pattern");
    for policy in MatchPolicy::ALL {
        for patterns_count in [10, 1_000, 100_000] {
            let (index, uris) = random(policy, patterns_count);
            let mut uris = uris.iter().cycle();
            group.bench_function(BenchmarkId::new(policy.name(), patterns_count), |b| {
                b.iter(|| {
                    let uri = uris.next().map_or("", String::as_str);
                    hits(&index, black_box(uri))
                });
            });
        }
    }
    // As bad as it can be made: 1,024 shapes, which is as many as a realm may have, and all agree with the URI.
    for (name, last) in [("grid_all_hit", "x"), ("grid_none_hits", "y")] {
        let index = grid(11, last);
        let uri = ["x"; 11].join(".");
        group.bench_function(BenchmarkId::new(name, index.len()), |b| {
            b.iter(|| hits(&index, black_box(&uri)));
        });
    }
    group.finish();
}

/// Looks a URI up.
pub(crate) fn hits(index: &PatternIndex<usize>, uri: &str) -> usize {
    let mut hits = 0;
    index.for_each_match(uri, |_, value| {
        black_box(value);
        hits += 1;
    });
    hits
}

/// Fills an index with random patterns and names URIs each of which one of them was made for.
///
/// Five parts, the first two out of a few and the others out of many. A wildcard leaves one or two of its
/// last four parts empty, a prefix ends within its last part.
pub(crate) fn random(
    policy: MatchPolicy,
    patterns_count: usize,
) -> (PatternIndex<usize>, Vec<String>) {
    let mut random = Random(1);
    let mut index = PatternIndex::new();
    let mut uris = Vec::new();
    while index.len() < patterns_count {
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
        index.insert(policy, &pattern, uris.len());
        uris.push(uri);
    }
    let every = (uris.len() / URIS).max(1);
    let uris = uris.into_iter().step_by(every).collect();
    (index, uris)
}

/// Fills an index with every mix of `x` and empty parts, the last part being `last`.
pub(crate) fn grid(parts_count: usize, last: &str) -> PatternIndex<usize> {
    let mut index = PatternIndex::new();
    for mix in 0..1 << (parts_count - 1) {
        let part = |at: usize| if mix >> at & 1 == 1 { "x." } else { "." };
        let parts: String = (0..parts_count - 1).map(part).collect();
        index.insert(MatchPolicy::Wildcard, &(parts + last), mix);
    }
    index
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
