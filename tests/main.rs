//! Tests that need Rust alone.

/// The binary, as users type it.
mod cli;
#[cfg(test)]
mod support;
mod vectors;
