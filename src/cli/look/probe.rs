//! `wamp probe`: a check for monitoring: one line and an exit code as Nagios and its kin take them, or Prometheus' text.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Result;

use super::meta::{Kind, Meta};
use super::ping::{round_trip, text};
use super::stages::{Passed, Stop, Way};
use crate::cli::client::{Client, ClientArgs, parse_timeout};
use crate::cli::console::{Console, printable};
use crate::cli::exit::{Exit, Failure, Health};
use crate::cli::printer::write_stdout;
use crate::protocol::Value;

/// Shown below the options.
const EXAMPLES: &str = "\
  wamp probe --warn 50ms --crit 500ms
  wamp probe --proc com.example.add      critical if nobody offers it
  wamp probe --prometheus                for a textfile collector
Exit codes are Nagios': 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.";

/// Check a router, as Nagios or Prometheus ask
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct ProbeArgs {
    /// An answer that takes longer is a WARNING
    #[arg(long, value_name = "DURATION", value_parser = parse_timeout)]
    warn: Option<Duration>,
    /// An answer that takes longer is CRITICAL
    #[arg(long, value_name = "DURATION", value_parser = parse_timeout)]
    crit: Option<Duration>,
    /// Procedure that somebody has to offer; repeatable
    #[arg(add = crate::cli::complete::procedures(), long = "proc", value_name = "URI")]
    procedures: Vec<String>,
    /// Print metrics for Prometheus instead
    #[arg(long)]
    prometheus: bool,
    #[command(flatten)]
    pub(in crate::cli) client: ClientArgs,
}

/// What was found.
#[derive(Debug, Default)]
struct Findings {
    /// From the first stage to the session.
    join: Duration,
    answer: Option<Duration>,
    /// How many there are of each kind; none of a kind that the router does not tell of.
    counts: Vec<(Kind, usize)>,
    missing: Vec<String>,
}

impl ProbeArgs {
    /// Never fails: what is wrong is the answer.
    pub(in crate::cli) async fn run(mut self) -> Result<Exit> {
        let console = &self.client.console();
        let mut findings = Findings::default();
        let found = match self.client.settle() {
            Ok(()) => self.look(console, &mut findings).await,
            Err(failure) => Err(failure.into()),
        };
        let (health, said) = match &found {
            Ok(()) => self.judge(&findings),
            Err(error) => {
                let exit = error.downcast_ref::<Failure>().map(Failure::exit);
                let is_unknown = matches!(exit, None | Some(Exit::Usage | Exit::Local));
                let health = if is_unknown {
                    Health::Unknown
                } else {
                    Health::Critical
                };
                (health, error.to_string())
            }
        };
        let text = if self.prometheus {
            findings.metrics(found.is_ok())
        } else {
            let data = self.performance_data(&findings, found.is_ok());
            let said = printable(&said.replace('|', "/"));
            format!("WAMP {} - {said}{data}\n", health.name())
        };
        write_stdout(text.as_bytes())?;
        Ok(Exit::Probed(health))
    }

    async fn look(&self, console: &Console, findings: &mut Findings) -> Result<()> {
        let mut join = Duration::ZERO;
        let mut told = |passed: Passed| {
            join += passed.time;
            Ok(())
        };
        let walked = Way::new(&self.client, console, &mut told)?.walk().await;
        let peer = walked.map_err(|stop| match stop {
            Stop::Untold(error) => error,
            Stop::Failed(failed) => failed.failure.into(),
        })?;
        findings.join = join;
        let client = self.client.client(peer, console);
        let done = self.inspect(&client, findings).await;
        client.peer.leave().await;
        Ok(done?)
    }

    async fn inspect(&self, client: &Client<'_>, findings: &mut Findings) -> Result<(), Failure> {
        let meta = Meta(client);
        findings.answer = Some(round_trip(meta).await?);
        for kind in Kind::ALL {
            match meta.ids(kind).await {
                Ok(ids) => findings.counts.push((kind, ids.len())),
                Err(failure) if failure.exit() == Exit::Refused => {}
                Err(failure) => return Err(failure),
            }
        }
        for procedure in &self.procedures {
            let args = vec![Value::from(procedure.as_str())];
            if meta.find("wamp.registration.match", args).await?.is_none() {
                findings.missing.push(procedure.clone());
            }
        }
        Ok(())
    }

    fn judge(&self, findings: &Findings) -> (Health, String) {
        if !findings.missing.is_empty() {
            let missing = findings.missing.join(", ");
            return (Health::Critical, format!("nobody offers {missing}"));
        }
        let answer = findings.answer.unwrap_or_default();
        let is_over = |limit: Option<Duration>| limit.is_some_and(|limit| answer > limit);
        let said = format!(
            "joined in {}, answered in {}",
            text(findings.join),
            text(answer)
        );
        if is_over(self.crit) {
            (Health::Critical, said)
        } else if is_over(self.warn) {
            (Health::Warning, said)
        } else {
            (Health::Ok, said)
        }
    }

    /// ` | 'label'=value[unit];[warn];[crit];[min]`, as the Nagios plugin guidelines have it.
    fn performance_data(&self, findings: &Findings, has_joined: bool) -> String {
        if !has_joined {
            return String::new();
        }
        let seconds = |time: Option<Duration>| {
            time.map_or_else(String::new, |time| format!("{:.6}", time.as_secs_f64()))
        };
        let mut data = format!(
            " | join={}s;;;0 answer={}s;{};{};0",
            seconds(Some(findings.join)),
            seconds(findings.answer),
            seconds(self.warn),
            seconds(self.crit)
        );
        for (kind, count) in &findings.counts {
            let _ = write!(data, " {}s={count};;;0", kind.name());
        }
        data
    }
}

impl Findings {
    fn metrics(&self, has_joined: bool) -> String {
        let mut text = String::new();
        let mut gauge = |name: &str, help: &str, value: String| {
            let _ = write!(
                text,
                "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}\n"
            );
        };
        let up = u8::from(has_joined).to_string();
        gauge("wamp_up", "Whether a session could be joined and used.", up);
        if has_joined {
            let seconds = |time: Duration| format!("{:.6}", time.as_secs_f64());
            let (join, answer) = (self.join, self.answer.unwrap_or_default());
            gauge(
                "wamp_join_seconds",
                "From the name to the session.",
                seconds(join),
            );
            gauge(
                "wamp_answer_seconds",
                "A question and its answer.",
                seconds(answer),
            );
            for (kind, count) in &self.counts {
                let name = format!("wamp_{}s", kind.chapter());
                gauge(&name, "How many the realm has.", count.to_string());
            }
            let missing = self.missing.len().to_string();
            gauge(
                "wamp_procedures_missing",
                "Of those asked for by --proc.",
                missing,
            );
        }
        text
    }
}
