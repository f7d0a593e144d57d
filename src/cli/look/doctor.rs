//! `wamp doctor`: goes the way to a session stage by stage, and says where it ends, why, and what would help.

use anyhow::Result;

use super::features;
use super::meta::Meta;
use super::ping::{milliseconds, round_trip, text};
use super::stages::{Passed, Stop, Way};
use crate::cli::client::{Client, ClientArgs};
use crate::cli::console::{Console, printable};
use crate::cli::exit::{Exit, Failure};
use crate::cli::printer::{OutputArgs, Printer};
use crate::cli::signal::Signals;
use crate::protocol::{Dict, Value};

/// Go the way to a session stage by stage, and say what is wrong with it
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct DoctorArgs {
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    pub(in crate::cli) client: ClientArgs,
}

/// Writes a line for each stage.
struct Chart<'a> {
    printer: Printer,
    console: &'a Console,
}

impl DoctorArgs {
    pub(in crate::cli) async fn run(self) -> Result<Exit> {
        let console = &self.client.console();
        let mut signals = Signals::listen()?;
        let chart = Chart {
            printer: Printer::new(&self.output, console),
            console,
        };
        tokio::select! {
            done = self.examine(&chart) => done,
            exit = signals.next() => Ok(exit),
        }
    }

    async fn examine(&self, chart: &Chart<'_>) -> Result<Exit> {
        let mut told = |passed: Passed| chart.passed(&passed);
        let way = Way::new(&self.client, chart.console, &mut told)?;
        let peer = match way.walk().await {
            Ok(peer) => peer,
            Err(Stop::Untold(error)) => return Err(error),
            Err(Stop::Failed(failed)) => {
                let ms = milliseconds(failed.time);
                chart.line(failed.stage, false, Some(ms), &failed.failure.to_string())?;
                return Err(failed.failure.into());
            }
        };
        let client = self.client.client(peer, chart.console);
        let done = inspect(&client, chart).await;
        client.peer.leave().await;
        done.map(|()| Exit::Done)
    }
}

/// What the router can do, and how long it takes to answer.
async fn inspect(client: &Client<'_>, chart: &Chart<'_>) -> Result<()> {
    let joined = client.peer.joined();
    let details = joined.map(|joined| joined.welcome.details.clone());
    for (role, count, lacking) in features::lacking(&details.unwrap_or_default()) {
        let said = if lacking.is_empty() {
            format!("{role} has all {count}")
        } else {
            format!("{role} has {count}, lacks {}", lacking.join(", "))
        };
        chart.line("features", true, None, &said)?;
    }
    let meta = Meta(client);
    let time = round_trip(meta).await?;
    chart.line(
        "answer",
        true,
        Some(milliseconds(time)),
        "a question and its answer",
    )?;
    match meta.ask("wamp.session.count", Vec::new()).await {
        Ok(count) => {
            let said = format!("{} sessions", crate::cli::json::plain(&count));
            chart.line("meta api", true, None, &said)
        }
        // It can be used without.
        Err(failure) if failure.exit() == Exit::Refused => {
            chart.line("meta api", true, None, &format!("not to be had: {failure}"))
        }
        Err(failure) => Err(Failure::into(failure)),
    }
}

impl Chart<'_> {
    fn passed(&self, passed: &Passed) -> Result<()> {
        let Passed { stage, time, said } = passed;
        self.line(stage, true, Some(milliseconds(*time)), said)
    }

    fn line(&self, stage: &str, ok: bool, time: Option<Value>, said: &str) -> Result<()> {
        if self.printer.is_for_people() {
            let palette = self.console.stdout();
            let mark = if ok {
                palette.text("ok   ")
            } else {
                palette.error("FAIL ")
            };
            let time = match time {
                Some(Value::Float(ms)) => text(std::time::Duration::from_secs_f64(ms / 1e3)),
                _ => String::new(),
            };
            let line = format!("{mark} {stage:<12} {time:>11}  {}", printable(said));
            return self.printer.text(line.trim_end());
        }
        let mut record = Dict::from_iter([("stage", Value::from(stage)), ("ok", ok.into())]);
        if let Some(ms) = time {
            record.push("ms", ms);
        }
        record.push("said", said);
        self.printer.value(&Value::Dict(record))
    }
}
