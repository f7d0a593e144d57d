//! Small benchmarks.

fn main() {}
