//! The pumps between sans-io cores and transports.

pub mod connect;
