//! Times of the small things that every message pays for. Ratios between runs on one machine count, not the
//! numbers.
//!
//! `cargo bench --bench micro`; a word behind `--` picks some, as in `-- decode/json`.

#![expect(
    clippy::expect_used,
    reason = "a bench that cannot be set up must stop"
)]

#[path = "micro/pattern.rs"]
mod pattern;
#[path = "micro/routing.rs"]
mod routing;
#[path = "micro/serializer.rs"]
mod serializer;
mod worst;

criterion::criterion_group!(benches, serializer::bench, pattern::bench, routing::bench);
criterion::criterion_main!(benches);
