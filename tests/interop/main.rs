//! Tests with programs nobody here wrote.
