//! `wamp run`: a file of steps against a router, each with what is expected of it.
//!
//! | file | what |
//! |---|---|
//! | [`mod@file`] | TOML or YAML, ours or wick's, to [`step::Step`]s |
//! | [`step`] | what a step does and expects |
//! | [`play`] | doing them, in two sessions: one offers and hears, the other calls and publishes |
//! | [`value`] | captured values put into later steps; comparing |
//! | [`junit`] | the report for CI |

mod file;
mod junit;
mod play;
mod step;
mod value;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use self::play::Verdict;
use super::client::{Client, ClientArgs};
use super::console::{Console, printable};
use super::exit::{Exit, Failure};
use super::look::{milliseconds, text};
use super::printer::{OutputArgs, Printer};
use crate::protocol::{Dict, Value};

/// Shown below the options.
const EXAMPLES: &str = "\
A file is TOML, or YAML, with a list of steps:
  [[step]]
  register = \"com.example.greet\"
  yield = { args = [\"hello\"] }
  [[step]]
  name = \"the greeting is polite\"
  call = \"com.example.greet\"
  expect = \"hello\"
  capture = { greeting = \"\" }
Other steps: sub, pub, event (the next one heard). With args, kwargs, options;
expect, contains, error (its URI), within. \"$greeting\" is what was captured.
wick's wick.yaml is understood, too. The exit code is 8 if anything differs.";

/// Run a file of steps, and compare what comes with what is expected
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RunArgs {
    /// The steps, in TOML or YAML
    file: PathBuf,
    /// Write a report for CI, too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Stop at the first step that fails
    #[arg(long)]
    fail_fast: bool,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    pub(super) client: ClientArgs,
}

impl RunArgs {
    pub(super) async fn run(self) -> Result<Exit> {
        let console = &self.client.console();
        let steps = file::load(&self.file)?;
        let printer = Printer::new(&self.output, console);
        let work = async |one: &Client<'_>| {
            // A publisher does not hear itself, and neither do most callees want to call themselves.
            let other = async |other: &Client<'_>| self.play(&steps, one, other, &printer).await;
            self.client.brief(console, other).await
        };
        self.client.brief(console, work).await
    }

    async fn play(
        &self,
        steps: &[step::Step],
        offers: &Client<'_>,
        asks: &Client<'_>,
        printer: &Printer,
    ) -> Result<Exit> {
        let mut verdicts = Vec::new();
        let mut player = play::Player::new(offers, asks);
        let mut lost = None;
        for step in steps {
            let (verdict, end) = player.play(step).await;
            let is_bad = verdict.why.is_some();
            show(&verdict, printer, asks.console)?;
            verdicts.push(verdict);
            lost = end;
            if lost.is_some() || (is_bad && self.fail_fast) {
                break;
            }
        }
        if lost.is_none() {
            for verdict in player.settle().await {
                show(&verdict, printer, asks.console)?;
                verdicts.push(verdict);
            }
        }
        if let Some(file) = &self.junit {
            junit::write(file, &self.file, &verdicts)?;
        }
        if let Some(failure) = lost {
            return Err(failure.into());
        }
        let failed = verdicts
            .iter()
            .filter(|verdict| verdict.why.is_some())
            .count();
        if failed == 0 {
            return Ok(Exit::Done);
        }
        let message = format!("{failed} of {} steps failed", verdicts.len());
        Err(Failure::new(Exit::CheckFailed, message).into())
    }
}

fn show(verdict: &Verdict, printer: &Printer, console: &Console) -> Result<()> {
    if printer.is_for_people() {
        let palette = console.stdout();
        let mark = match verdict.why {
            None => palette.text("ok   "),
            Some(_) => palette.error("FAIL "),
        };
        let why = verdict
            .why
            .as_deref()
            .map_or_else(String::new, |why| format!(": {why}"));
        let said = printable(&format!("{}{why}", verdict.name));
        return printer.text(&format!("{mark} {:>11}  {said}", text(verdict.time)));
    }
    let mut record = Dict::from_iter([
        ("step", Value::from(verdict.name.as_str())),
        ("ok", verdict.why.is_none().into()),
        ("ms", milliseconds(verdict.time)),
    ]);
    if let Some(why) = &verdict.why {
        record.push("why", why.as_str());
    }
    printer.value(&Value::Dict(record))
}

/// How long a step may take that does not say it.
const WITHIN: Duration = Duration::from_secs(10);
