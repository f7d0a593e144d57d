//! The yardstick.

fn main() {}
