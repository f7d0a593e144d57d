//! `--time`: how long answers took, in words and as a small picture.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::console::Console;

/// From how many answers on there is a picture.
const PICTURE_MIN: u64 = 10;
/// How many lines it has at most.
const LINES_MAX: u64 = 8;
/// How wide a full line is.
const BAR_CHARS: u64 = 40;
/// What is longer counts as this: a day, in microseconds. It bounds the memory.
const LONGEST_MICROS: u64 = 24 * 60 * 60 * 1_000_000;

/// Response times in bounded memory.
#[derive(Debug)]
pub(super) struct Latencies(Histogram<u32>);

impl Latencies {
    /// No answers yet; `None` where no histogram can be made.
    pub(super) fn new() -> Option<Self> {
        // Microseconds in three digits. One that grows would not do: what it has no room for yet, it saturates.
        Histogram::new_with_max(LONGEST_MICROS, 3).ok().map(Self)
    }

    pub(super) fn add(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.0.saturating_record(micros);
    }

    /// Says how long they took, `all` of them together.
    pub(super) fn say(&self, all: Duration, console: &Console) {
        for line in self.lines(all) {
            console.note(&line);
        }
    }

    fn lines(&self, all: Duration) -> Vec<String> {
        let count = self.0.len();
        if count == 0 {
            return Vec::new();
        }
        if count == 1 {
            return vec![format!("answered in {}", millis(self.0.max()))];
        }
        let seconds = all.as_secs_f64();
        let at = |percentile| millis(self.0.value_at_percentile(percentile));
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let rate = count as f64 / seconds.max(1e-6);
        let mut lines = vec![format!(
            "{count} answers in {seconds:.2} s, {rate:.0}/s: min {}, p50 {}, p90 {}, p99 {}, max {}",
            millis(self.0.min()),
            at(50.0),
            at(90.0),
            at(99.0),
            millis(self.0.max()),
        )];
        if count >= PICTURE_MIN {
            lines.extend(self.picture());
        }
        lines
    }

    /// A line for each step between the quickest and the slowest.
    fn picture(&self) -> Vec<String> {
        let (min, max) = (self.0.min(), self.0.max());
        let step = (max - min) / LINES_MAX + 1;
        let counts: Vec<(u64, u64)> = (0..LINES_MAX)
            .map(|line| (min + line * step, min + (line + 1) * step - 1))
            .take_while(|(from, _)| *from <= max)
            .map(|(from, to)| (from, self.0.count_between(from, to)))
            .collect();
        let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(1);
        let line = |&(from, count): &(u64, u64)| {
            let chars = (count * BAR_CHARS).div_ceil(most.max(1));
            let bar = "#".repeat(usize::try_from(chars).unwrap_or_default());
            format!("{:>10}  {bar} {count}", millis(from))
        };
        counts.iter().map(line).collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn millis(micros: u64) -> String {
    format!("{:.2} ms", micros as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_ones_are_told_as_they_were() {
        for (took, told) in [
            (Duration::from_millis(250), "answered in 250."),
            (Duration::from_mins(1), "answered in 600"),
        ] {
            let mut latencies = Latencies::new().unwrap();
            latencies.add(took);
            let lines = latencies.lines(took);
            assert!(lines[0].starts_with(told), "{lines:?}");
        }
    }

    #[test]
    fn many_answers_get_a_picture_and_one_does_not() {
        let mut latencies = Latencies::new().unwrap();
        latencies.add(Duration::from_micros(1500));
        let told = latencies.lines(Duration::from_secs(1));
        assert_eq!(told, ["answered in 1.50 ms"]);
        for micros in 1..=100 {
            latencies.add(Duration::from_micros(micros * 10));
        }
        let told = latencies.lines(Duration::from_secs(1));
        assert!(
            told[0].starts_with("101 answers in 1.00 s, 101/s: min 0.01 ms, p50 0.51 ms"),
            "{}",
            told[0]
        );
        assert_eq!(told.len(), 9, "{told:#?}");
        assert!(told[1].contains(&"#".repeat(40)), "{told:#?}");
    }
}
