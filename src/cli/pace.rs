//! How fast things are sent: `--every` and `--rate`.

use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

use super::client::parse_timeout;

/// When the next one is due.
#[derive(Debug, clap::Args)]
pub(super) struct PaceArgs {
    /// Wait so long between two; without -n it goes on until Ctrl-C
    #[arg(long, value_name = "DURATION", value_parser = parse_pause)]
    every: Option<Duration>,
    /// So many a second, which makes up for delays
    #[arg(long, value_name = "COUNT", value_parser = parse_rate, conflicts_with = "every")]
    rate: Option<f64>,
}

impl PaceArgs {
    /// Whether it is to go on until told to stop.
    pub(super) const fn is_endless(&self) -> bool {
        self.every.is_some() || self.rate.is_some()
    }

    pub(super) fn start(&self) -> Pace {
        let (period, missed) = match (self.every, self.rate) {
            (Some(every), _) => (every, MissedTickBehavior::Delay),
            (None, Some(rate)) => (
                Duration::from_secs_f64(rate.recip()),
                MissedTickBehavior::Burst,
            ),
            (None, None) => return Pace(None),
        };
        let mut interval = interval(period);
        interval.set_missed_tick_behavior(missed);
        Pace(Some(interval))
    }
}

/// Tells when the next one is due.
#[derive(Debug)]
pub(super) struct Pace(Option<Interval>);

impl Pace {
    /// Waits for it; the first is due at once. Cancel-safe.
    pub(super) async fn next(&mut self) {
        if let Some(interval) = &mut self.0 {
            interval.tick().await;
        }
    }
}

/// A duration that is more than none.
pub(super) fn parse_pause(text: &str) -> Result<Duration, String> {
    match parse_timeout(text)? {
        Duration::ZERO => Err("a pause is longer than nothing".to_owned()),
        pause => Ok(pause),
    }
}

fn parse_rate(text: &str) -> Result<f64, String> {
    /// More than any router takes.
    const RATE_MAX: f64 = 10_000_000.0;
    /// Less than once a day.
    const RATE_MIN: f64 = 0.000_01;
    let rate = text.parse::<f64>().ok();
    rate.filter(|rate| (RATE_MIN..=RATE_MAX).contains(rate))
        .ok_or_else(|| "a rate is a number a second, as 100 or 0.5".to_owned())
}
