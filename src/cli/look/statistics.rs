//! What many round trips come to: least, middle, most, and how they are spread.

use std::time::Duration;

use crate::protocol::Value;

/// How many rows a histogram has.
const ROWS: usize = 10;
/// How long its longest bar is.
const BAR_CHARS: usize = 40;

/// Times, as they were taken. bound: what holds them says how many.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Statistics(Vec<Duration>);

impl Statistics {
    pub(in crate::cli) fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    pub(in crate::cli) fn count(&self) -> usize {
        self.0.len()
    }

    /// The time that a share of all does not pass; `None` where nothing was taken.
    pub(in crate::cli) fn percentile(&self, share: usize) -> Option<Duration> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = (sorted.len() * share).div_ceil(100).saturating_sub(1);
        sorted.get(at).copied()
    }

    /// In one line for people.
    pub(in crate::cli) fn summary(&self) -> String {
        let said = |share| self.percentile(share).map_or_else(String::new, text);
        format!(
            "{} answers: min {}, median {}, 99 % {}, max {}",
            self.count(),
            said(0),
            said(50),
            said(99),
            said(100)
        )
    }

    /// Bars by time, each row as wide as the next; empty for fewer than two times.
    pub(in crate::cli) fn histogram(&self) -> String {
        let (Some(min), Some(max)) = (self.percentile(0), self.percentile(100)) else {
            return String::new();
        };
        let spread = max.saturating_sub(min);
        let nanos = spread.as_nanos();
        if self.count() < 2 || nanos == 0 {
            return String::new();
        }
        let mut rows = [0_usize; ROWS];
        for time in &self.0 {
            let at = (time.saturating_sub(min)).as_nanos() * ROWS as u128 / (nanos + 1);
            let at = usize::try_from(at).unwrap_or_default().min(ROWS - 1);
            if let Some(row) = rows.get_mut(at) {
                *row += 1;
            }
        }
        let most = rows.iter().max().copied().unwrap_or_default().max(1);
        let step = spread / u32::try_from(ROWS).unwrap_or(1);
        let mut from = min;
        let mut lines = Vec::new();
        for row in rows {
            let bar = "█".repeat((row * BAR_CHARS).div_ceil(most));
            lines.push(
                format!("{:>10} {row:>6} {bar}", text(from))
                    .trim_end()
                    .to_owned(),
            );
            from += step;
        }
        lines.join("\n")
    }
}

/// A time in milliseconds, to the microsecond.
pub(in crate::cli) fn milliseconds(time: Duration) -> Value {
    Value::Float((time.as_secs_f64() * 1e6).round() / 1e3)
}

/// A time as people read it.
pub(in crate::cli) fn text(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(times: &[u64]) -> Statistics {
        Statistics(times.iter().map(|&ms| Duration::from_millis(ms)).collect())
    }

    #[test]
    fn percentiles_are_times_that_were_taken() {
        let all = of(&[5, 1, 3, 2, 4]);
        let ms = |share| all.percentile(share).map(|time| time.as_millis());
        assert_eq!(
            [ms(0), ms(50), ms(99), ms(100)],
            [Some(1), Some(3), Some(5), Some(5)]
        );
        assert_eq!(of(&[]).percentile(50), None);
    }

    #[test]
    fn a_histogram_counts_every_time_once() {
        let text = of(&[1, 1, 1, 11]).histogram();
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows.len(), ROWS);
        assert!(rows[0].starts_with("   1.00 ms      3 ███"), "{text}");
        assert!(rows[ROWS - 1].starts_with("  10.00 ms      1 █"), "{text}");
        assert_eq!(of(&[1]).histogram(), "");
        assert_eq!(of(&[1, 1]).histogram(), "");
    }
}
