//! `wamp ping`: how long the router takes to answer.
//!
//! What is timed is a call of a meta procedure: the whole way through the router, and answered by it alone. A router
//! that has none answers so, which takes as long.

use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep_until};

use super::meta::Meta;

use crate::cli::client::{Client, ClientArgs, parse_timeout};
use crate::cli::exit::{Exit, Failure};
use crate::cli::latency::Latencies;
use crate::cli::printer::{OutputArgs, Printer};
use crate::node::connect::RequestError;
use crate::protocol::{Dict, Value};

/// What is called.
const PROCEDURE: &str = "wamp.session.count";

/// Time how long the router takes to answer
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct PingArgs {
    /// How often to ask
    #[arg(short = 'n', long, default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,
    /// Time from one question to the next; 0 asks again at once
    #[arg(long, default_value = "500ms", value_name = "DURATION", value_parser = parse_timeout)]
    every: Duration,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    pub(in crate::cli) client: ClientArgs,
}

impl PingArgs {
    pub(in crate::cli) async fn run(self) -> Result<Exit> {
        let console = &self.client.console();
        let printer = Printer::new(&self.output, console);
        let work = async |client: &Client<'_>| {
            let mut latencies = Latencies::new();
            let all = Instant::now();
            for number in 1..=self.count {
                let began = Instant::now();
                let time = round_trip(Meta(client)).await?;
                if let Some(latencies) = &mut latencies {
                    latencies.add(time);
                }
                if printer.is_for_people() {
                    printer.text(&format!("{number:>4}  {}", text(time)))?;
                } else {
                    let record = [("seq", Value::from(number)), ("rtt_ms", milliseconds(time))];
                    printer.value(&Value::Dict(Dict::from_iter(record)))?;
                }
                if number < self.count {
                    sleep_until(began + self.every).await;
                }
            }
            if let Some(latencies) = latencies {
                latencies.say(all.elapsed(), client.console);
            }
            Ok(Exit::Done)
        };
        self.client.brief(console, work).await
    }
}

/// How long a question and its answer take, whatever that is.
pub(super) async fn round_trip(meta: Meta<'_>) -> Result<Duration, Failure> {
    let began = Instant::now();
    match meta.call(PROCEDURE, Vec::new(), Dict::new()).await? {
        Ok(_) | Err(RequestError::Refused(_)) => Ok(began.elapsed()),
        Err(error) => Err(meta.refused(PROCEDURE, &error)),
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
