//! Tests that need Rust alone.
mod vectors;
