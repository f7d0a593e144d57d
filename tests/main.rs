//! Tests that need Rust alone.
