//! The core: routes messages, performs no IO.

mod pattern;

pub use pattern::PatternIndex;
