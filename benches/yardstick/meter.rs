//! One measurement: warm-up, measured time, draining; and what came of it.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};

use crate::server::{self, Server};
use crate::wamp::Serializer;

/// What every load of a run has in common.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) serializer: Serializer,
    /// Bytes of text in the payload.
    pub(crate) size: usize,
    pub(crate) measured: Duration,
}

impl Plan {
    /// The positional arguments of every call and event.
    pub(crate) fn payload(&self) -> Value {
        let text: String = "0123456789abcdef".chars().cycle().take(self.size).collect();
        json!([text])
    }
}

const WARM_UP: Duration = Duration::from_millis(300);
/// What is under way this long after the last sending is lost.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(10);

/// What one measurement found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) per_second: f64,
    /// The server's CPU time for each operation.
    pub(crate) cpu_us: f64,
    /// Median round trip, where one is measured.
    pub(crate) round_trip_us: f64,
    /// How busy the generator's one thread was, 0 to 1.
    pub(crate) generator: f64,
    /// Cores that other processes used meanwhile.
    pub(crate) others: f64,
}

/// Clocks and counters at one moment.
#[derive(Debug, Clone, Copy)]
struct Reading {
    at: Instant,
    done: u64,
    server: Duration,
    own: Duration,
    machine: Duration,
}

/// Tells a load when to send and when to stop.
#[derive(Debug)]
pub(crate) struct Meter<'a> {
    server: &'a Server,
    measured: Duration,
    started: Instant,
    first: Option<Reading>,
    last: Option<Reading>,
}

impl<'a> Meter<'a> {
    pub(crate) fn start(server: &'a Server, plan: &Plan) -> Self {
        Self {
            server,
            measured: plan.measured,
            started: Instant::now(),
            first: None,
            last: None,
        }
    }

    /// Whether the load may go on sending; to be asked after every turn.
    pub(crate) fn sending(&mut self, done: u64) -> Result<bool> {
        let now = Instant::now();
        match self.first {
            None if now - self.started >= WARM_UP => self.first = Some(self.read(done)?),
            Some(first) if self.last.is_none() && now - first.at >= self.measured => {
                self.last = Some(self.read(done)?);
            }
            _ => {}
        }
        Ok(self.last.is_none())
    }

    /// Whether the measurement is over: nothing is sent any more and nothing is under way.
    ///
    /// Errors: what is under way did not come in time.
    pub(crate) fn over(&self, under_way: u64) -> Result<bool> {
        let Some(last) = self.last else {
            return Ok(false);
        };
        ensure!(
            under_way == 0 || last.at.elapsed() < DRAIN_TIME_MAX,
            "{} lost {under_way} messages",
            self.server.name()
        );
        Ok(under_way == 0)
    }

    pub(crate) fn sample(&self, round_trip: Duration) -> Result<Sample> {
        let (Some(first), Some(last)) = (self.first, self.last) else {
            bail!("the measurement is not over");
        };
        let seconds = (last.at - first.at).as_secs_f64();
        let done = u32::try_from(last.done - first.done)?;
        let server = last.server.saturating_sub(first.server);
        let own = last.own.saturating_sub(first.own);
        let machine = last.machine.saturating_sub(first.machine);
        ensure!(done > 0, "{} did nothing", self.server.name());
        Ok(Sample {
            per_second: f64::from(done) / seconds,
            cpu_us: server.as_secs_f64() * 1e6 / f64::from(done),
            round_trip_us: round_trip.as_secs_f64() * 1e6,
            generator: own.as_secs_f64() / seconds,
            others: machine.saturating_sub(server + own).as_secs_f64() / seconds,
        })
    }

    fn read(&self, done: u64) -> Result<Reading> {
        Ok(Reading {
            at: Instant::now(),
            done,
            server: self.server.cpu()?,
            own: server::own_cpu()?,
            machine: server::machine_cpu()?,
        })
    }
}

/// The middle one; the upper of the two middle ones.
pub(crate) fn median<T: PartialOrd + Copy>(values: &mut [T]) -> Option<T> {
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    values.get(values.len() / 2).copied()
}
