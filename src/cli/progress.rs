//! How far a command is that takes long and knows its length: one line on a terminal, drawn again in its place.

use std::time::Duration;

use tokio::time::Instant;

use super::console::{self, Console};

/// What ends sooner has no line.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the line is drawn again, at most.
const PAUSE: Duration = Duration::from_millis(100);
/// How wide the bar is.
const BAR_CHARS: u64 = 24;

/// Counts what is done of it.
#[derive(Debug)]
pub(super) struct Progress {
    /// `None` where nobody looks.
    total: Option<u64>,
    done: u64,
    begin: Instant,
    due: Instant,
}

impl Progress {
    /// Of `total`, as far as it is known; nothing is shown where no person reads notes.
    pub(super) fn new(total: Option<u64>, console: &Console) -> Self {
        let begin = Instant::now();
        Self {
            total: total.filter(|_| console.is_watched()),
            done: 0,
            begin,
            due: begin + PATIENCE,
        }
    }

    /// The same beside results, which on a terminal show by themselves how far it is.
    pub(super) fn beside_results(total: Option<u64>, console: &Console) -> Self {
        Self::new(total.filter(|_| !console.stdout_is_terminal()), console)
    }

    /// One more is done.
    pub(super) fn step(&mut self) {
        self.done += 1;
        let Some(total) = self.total else { return };
        let now = Instant::now();
        if now >= self.due && self.done < total {
            self.due = now + PAUSE;
            console::draw(&line(self.done, total, now - self.begin));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        console::undraw();
    }
}

fn line(done: u64, total: u64, took: Duration) -> String {
    let part = |whole: u64| {
        let part = u128::from(done) * u128::from(whole) / u128::from(total.max(1));
        u64::try_from(part).unwrap_or(whole)
    };
    let bar = "#".repeat(usize::try_from(part(BAR_CHARS)).unwrap_or_default());
    let width = usize::try_from(BAR_CHARS).unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let left = took.as_secs_f64() * (total - done) as f64 / done.max(1) as f64;
    let percent = part(100);
    format!("{done} of {total}  [{bar:<width$}]  {percent} %, {left:.0} s to go")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_it_is_and_how_long_it_takes() {
        assert_eq!(
            line(50, 200, Duration::from_secs(2)),
            "50 of 200  [######                  ]  25 %, 6 s to go"
        );
        assert!(line(u64::MAX / 2, u64::MAX, Duration::from_secs(1)).contains(" 49 %"));
    }
}
