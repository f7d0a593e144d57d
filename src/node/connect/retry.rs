//! How long to wait before a lost session is joined again.

use std::time::Duration;

/// Exponential back-off with jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The wait before the first attempt, at most.
    pub first: Duration,
    /// The wait that doubling stops at.
    pub max: Duration,
    /// When to give up, counted from the loss.
    pub give_up_after: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            max: Duration::from_secs(15),
            give_up_after: Duration::from_hours(24),
        }
    }
}

impl Retry {
    /// The wait before an attempt, counted from 0: between half of and the whole of its doubled step, so that a
    /// thousand clients do not come back in the same instant.
    #[must_use]
    pub fn delay(&self, attempt: u32) -> Duration {
        let factor = 2_u32.saturating_pow(attempt.min(16));
        let step = self.first.saturating_mul(factor).min(self.max);
        step.mul_f64(rand::random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_greatest() {
        let retry = Retry {
            first: Duration::from_secs(1),
            max: Duration::from_secs(10),
            ..Retry::default()
        };
        for (attempt, step) in [(0, 1), (1, 2), (2, 4), (3, 8), (4, 10), (1_000, 10)] {
            let delay = retry.delay(attempt);
            let step = Duration::from_secs(step);
            assert!(delay >= step / 2 && delay <= step, "{attempt}: {delay:?}");
        }
    }
}
