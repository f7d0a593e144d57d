//! Where time enters: everything below gets it as an argument.

use std::time::Instant;

/// The time now, as cores and deadlines count it.
#[must_use]
pub fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// The time of day, for what people read. It may jump; nothing is decided by it.
#[must_use]
pub fn time_of_day() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// Ends then; never, where there is no then. Cancel-safe.
pub async fn until(then: Option<tokio::time::Instant>) {
    match then {
        Some(then) => tokio::time::sleep_until(then).await,
        None => std::future::pending().await,
    }
}
