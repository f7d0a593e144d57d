//! TEMP
pub mod router;
