//! Tests that need Rust alone.

#[cfg(test)]
mod support;
mod vectors;
