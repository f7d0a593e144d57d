//! `wamp call`: calls a procedure and prints its result.

use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::argument::Arguments;
use super::client::{Client, ClientArgs, Stay, over, parse_timeout, patiently};
use super::dry_run::{self, DryRunArgs};
use super::exit::{Exit, Failure};
use super::hints;
use super::jq::Jq;
use super::latency::Latencies;
use super::payload::{PayloadArgs, Source};
use super::printer::{OutputArgs, Printer, shape, stdout_closed};
use super::progress::Progress;
use super::records::Record;
use super::signal::Signals;
use super::similar;
use crate::node::connect::{Outcome, RequestError, ResultStream};
use crate::protocol::message::Call;
use crate::protocol::{
    CallOptions, CallTerms, CancelMode, Dict, Feature, Payload, RequestId, Role, RunMode, Value,
    uris,
};

/// How long the answer to CANCEL may take.
const CANCEL_PATIENCE: Duration = Duration::from_secs(3);
/// How often `--wait-for` tries again, at first and at last.
const TRY_AGAIN: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// Shown below the options.
const EXAMPLES: &str = "\
Arguments are JSON where they are, else text; NAME=VALUE is a keyword argument:
  wamp call sum 3 -5                    two integers
  wamp call user.create Ada age=36 'tags:=[\"a\"]'
  wamp call put @bin:photo.png          a file's bytes; also @FILE @json:FILE
                                        @- @hex: @b64: @str: @env: and @@text
  wamp call user.get 7 -r --jq .name    a part of the result
  seq 9 | wamp call square --each json  one call for each line";

/// Call a procedure and print its result
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CallArgs {
    /// Procedure to call, such as com.example.add
    #[arg(add = crate::cli::complete::procedures(), value_name = "PROC")]
    procedure: String,
    #[command(flatten)]
    payload: PayloadArgs,
    /// Call this many times
    #[arg(short = 'n', long, default_value_t = 1, hide_default_value = true)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "each")]
    count: u64,
    /// Have so many calls on their way at a time; results come in order
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 1,
        hide_default_value = true
    )]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    parallel: u16,
    /// Print partial results as they come
    #[arg(long)]
    progress: bool,
    /// Until somebody offers the procedure, try again for so long
    #[arg(long, value_name = "DURATION", value_parser = parse_timeout)]
    wait_for: Option<Duration>,
    /// On Ctrl-C and after -T: kill waits for the callee's end, skip does not tell it, killnowait does but does not wait
    #[arg(
        long,
        value_enum,
        value_name = "MODE",
        default_value_t,
        hide_possible_values = true
    )]
    #[arg(hide_default_value = true)]
    cancel: CancelChoice,
    /// Resource key: the callee that owns it gets the call
    #[arg(long, value_name = "KEY")]
    rkey: Option<String>,
    /// partition, or all: which callees of a sharded procedure get the call
    #[arg(long, value_enum, value_name = "MODE", hide_possible_values = true)]
    runmode: Option<RunModeChoice>,
    /// Print args and kwargs whatever they hold
    #[arg(long)]
    full: bool,
    /// Say how long answers took
    #[arg(long)]
    time: bool,
    /// Print what this filter makes of the result, as jq has it; $args $kwargs $n
    #[arg(long, value_name = "EXPR")]
    jq: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    dry_run: DryRunArgs,
    #[command(flatten)]
    pub(super) client: ClientArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum CancelChoice {
    Kill,
    Skip,
    #[default]
    Killnowait,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RunModeChoice {
    Partition,
    All,
}

/// What one call needs of the command.
struct Caller<'a> {
    args: &'a CallArgs,
    client: &'a Client<'a>,
    printer: &'a Printer,
    jq: Option<Jq>,
    /// Whether the calls on their way are to be cancelled.
    is_canceled: watch::Receiver<bool>,
}

/// A call's last result.
struct Answered {
    arguments: Arguments,
    took: Duration,
}

impl CallArgs {
    pub(super) async fn run(self) -> Result<Exit> {
        let console = &self.client.console();
        let source = self.payload.source()?;
        if self.dry_run.is_on {
            return self.show_calls(source).await;
        }
        let jq = match &self.jq {
            None => None,
            Some(expression) => Some(Jq::start(expression, &["$args", "$kwargs", "$n"]).await?),
        };
        let printer = Printer::new(&self.output, console);
        let work = async |client: &Client<'_>, signals: &mut Signals| {
            let (cancel, is_canceled) = watch::channel(false);
            let caller = Caller {
                args: &self,
                client,
                printer: &printer,
                jq,
                is_canceled,
            };
            let mut calling = std::pin::pin!(caller.call_all(source));
            let exit = tokio::select! {
                done = &mut calling => return done,
                exit = signals.next() => exit,
                // A result is waited for all the same: what is called may do more than answer.
                () = stdout_closed(), if self.progress => Exit::PipeClosed,
            };
            cancel.send_replace(true);
            // What it says then is of no interest any more.
            drop(signals.or_exit(timeout(CANCEL_PATIENCE, calling)).await);
            Ok(exit)
        };
        self.client.session(console, Stay::Brief, work).await
    }

    async fn show_calls(&self, source: Source) -> Result<Exit> {
        let call = |arguments: &Arguments| {
            Call {
                request: RequestId::FIRST,
                options: self.options(),
                procedure: self.procedure.as_str().into(),
                payload: arguments.payload(crate::serializer::Serializer::Json),
            }
            .into()
        };
        match source {
            Source::Same(arguments) => dry_run::show([call(&arguments)]),
            Source::Each(each) => {
                let mut records = each.records();
                while let Some(record) = records.recv().await {
                    dry_run::show([call(&arguments_of(record?)?)])?;
                }
                Ok(Exit::Done)
            }
        }
    }

    fn options(&self) -> CallOptions {
        let terms = CallTerms {
            rkey: self.rkey.as_deref().map(Into::into),
            runmode: self.runmode.map(RunModeChoice::mode),
            ..CallTerms::default()
        };
        CallOptions {
            receive_progress: self.progress.then_some(true),
            terms: (terms != CallTerms::default()).then(|| Box::new(terms)),
            ..CallOptions::default()
        }
    }
}

/// A record without a topic: what is called is the command's to say.
fn arguments_of(record: Record) -> Result<Arguments, Failure> {
    match record.topic {
        None => Ok(record.arguments),
        Some(topic) => Err(Failure::usage(format!(
            "a record of stdin names the topic {topic:?}; a call has none"
        ))),
    }
}

impl Caller<'_> {
    async fn call_all(&self, source: Source) -> Result<Exit> {
        let begin = Instant::now();
        let mut latencies = self.args.time.then(Latencies::new).flatten();
        let done = self.call_each(source, &mut latencies).await;
        if let Some(latencies) = latencies {
            latencies.say(begin.elapsed(), self.client.console);
        }
        done.map(|()| Exit::Done)
    }

    /// Has as many calls on their way as are wanted, and prints their results in order.
    async fn call_each(&self, source: Source, latencies: &mut Option<Latencies>) -> Result<()> {
        let total = matches!(source, Source::Same(_)).then_some(self.args.count);
        let mut progress = if self.printer.is_mute() {
            Progress::new(total, self.client.console)
        } else {
            Progress::beside_results(total, self.client.console)
        };
        let mut inputs = Inputs::new(source, self.args.count);
        let mut calls = FuturesOrdered::new();
        let mut has_more = true;
        let mut sent = 0;
        while has_more || !calls.is_empty() {
            let has_room = calls.len() < usize::from(self.args.parallel);
            tokio::select! {
                biased;
                Some(answered) = calls.next(), if !calls.is_empty() => {
                    let (n, answered): (u64, Result<Answered>) = answered;
                    let answered = answered?;
                    if let Some(latencies) = latencies {
                        latencies.add(answered.took);
                    }
                    self.print(answered.arguments, n).await?;
                    progress.step();
                }
                input = inputs.next(), if has_more && has_room => match input? {
                    None => has_more = false,
                    Some(arguments) => {
                        sent += 1;
                        let n = sent;
                        calls.push_back(async move { (n, self.call(&arguments, n).await) });
                    }
                }
            }
        }
        Ok(())
    }

    /// Calls once, or until there is somebody to call.
    async fn call(&self, arguments: &Arguments, n: u64) -> Result<Answered> {
        let payload = arguments.payload(self.client.serializer());
        let give_up = self.args.wait_for.map(|wait_for| Instant::now() + wait_for);
        let mut pause = TRY_AGAIN.0;
        loop {
            let begin = Instant::now();
            let outcome = self.call_once(payload.clone(), n).await?;
            match outcome {
                Ok(outcome) => {
                    let arguments = Arguments::from_payload(&outcome.payload)?;
                    let took = begin.elapsed();
                    return Ok(Answered { arguments, took });
                }
                Err(error) if !is_missing(&error) || self.args.wait_for.is_none() => {
                    let failure = self.client.failed(&self.what(), &error);
                    return Err(self.with_what_was_meant(failure, &error).await.into());
                }
                Err(_) => {}
            }
            if give_up.is_some_and(|give_up| Instant::now() >= give_up) {
                return Err(self.nobody().into());
            }
            if pause == TRY_AGAIN.0 {
                let what = self.what();
                self.client.console.note(&format!("waiting for {what}"));
            }
            let mut is_canceled = self.is_canceled.clone();
            tokio::select! {
                () = sleep(pause) => {}
                _ = is_canceled.wait_for(|it| *it) => return Err(self.nobody().into()),
            }
            pause = (pause * 2).min(TRY_AGAIN.1);
        }
    }

    /// Adds what the procedure may be called really. A person reads that; a script is not kept waiting.
    async fn with_what_was_meant(&self, failure: Failure, error: &RequestError) -> Failure {
        if !is_missing(error) || !self.client.console.stderr_is_terminal() {
            return failure;
        }
        match similar::procedure(self.client, &self.args.procedure).await {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }

    /// One CALL, its partial results printed as they come.
    async fn call_once(
        &self,
        payload: Payload,
        n: u64,
    ) -> Result<Result<Outcome, RequestError>, anyhow::Error> {
        let procedure = self.args.procedure.as_str();
        let sending = self
            .client
            .peer
            .call_stream(procedure, self.args.options(), payload);
        let mut results = match sending.await {
            Ok(results) => results,
            Err(error) => return Ok(Err(error)),
        };
        let mut is_canceled = self.is_canceled.clone();
        loop {
            let what = self.what();
            let next = patiently(self.client.console, &what, results.next_result());
            let late = self.client.reply_timeout();
            let next = tokio::select! {
                next = next => next,
                limit = over(late, Instant::now()) => {
                    self.cancel(&mut results).await;
                    return Err(hints::no_answer(&what, limit).into());
                }
                _ = is_canceled.wait_for(|it| *it) => {
                    self.cancel(&mut results).await;
                    let failure = Failure::new(Exit::Interrupted, "canceled");
                    return Err(failure.into());
                }
            };
            match next {
                Some(Ok(outcome)) if outcome.details.progress == Some(true) => {
                    self.print(Arguments::from_payload(&outcome.payload)?, n)
                        .await?;
                }
                Some(outcome) => return Ok(outcome),
                None => {
                    let failure = Failure::new(Exit::SessionLost, "the session has ended");
                    return Err(failure.into());
                }
            }
        }
    }

    /// Cancels a call, and waits for its end where the router knows how.
    async fn cancel(&self, results: &mut ResultStream) {
        let joined = self.client.peer.joined();
        let roles = joined.and_then(|joined| joined.welcome.details.roles);
        if !roles.is_some_and(|roles| roles.has(Role::Dealer, Feature::CallCanceling)) {
            return;
        }
        results.cancel(self.args.cancel.mode()).await;
        let end = async {
            while let Some(Ok(outcome)) = results.next_result().await {
                if outcome.details.progress != Some(true) {
                    break;
                }
            }
        };
        // Whatever the callee says now, nobody waits for it.
        drop(timeout(CANCEL_PATIENCE, end).await);
    }

    async fn print(&self, arguments: Arguments, n: u64) -> Result<()> {
        let Some(jq) = &self.jq else {
            return if self.args.full {
                self.printer.value(&full(arguments))
            } else {
                self.printer.result(arguments)
            };
        };
        let variables = vec![
            Value::List(arguments.args.clone()),
            Value::Dict(arguments.kwargs.clone()),
            n.into(),
        ];
        let input = if self.args.full {
            full(arguments)
        } else {
            shape(arguments).unwrap_or_default()
        };
        let outputs = jq.run(input, variables).await;
        for output in outputs.map_err(|unfiltered| unfiltered.failure())? {
            self.printer.value(&output)?;
        }
        Ok(())
    }

    fn what(&self) -> String {
        format!("procedure {:?}", self.args.procedure)
    }

    fn nobody(&self) -> Failure {
        let limit = humantime::format_duration(self.args.wait_for.unwrap_or_default());
        let message = format!("nobody has offered {} within {limit}", self.what());
        Failure::new(Exit::TimedOut, message)
    }
}

/// Where the arguments of one call after the other come from.
enum Inputs {
    Same { arguments: Arguments, left: u64 },
    Each(tokio::sync::mpsc::Receiver<Result<Record, Failure>>),
}

impl Inputs {
    fn new(source: Source, count: u64) -> Self {
        match source {
            Source::Same(arguments) => Self::Same {
                arguments,
                left: count,
            },
            Source::Each(each) => Self::Each(each.records()),
        }
    }

    /// The next; `None` after the last. Cancel-safe.
    async fn next(&mut self) -> Result<Option<Arguments>, Failure> {
        match self {
            Self::Same { arguments, left } => {
                let Some(rest) = left.checked_sub(1) else {
                    return Ok(None);
                };
                *left = rest;
                Ok(Some(arguments.clone()))
            }
            Self::Each(records) => match records.recv().await {
                None => Ok(None),
                Some(record) => arguments_of(record?).map(Some),
            },
        }
    }
}

fn is_missing(error: &RequestError) -> bool {
    matches!(error, RequestError::Refused(reply) if reply.error == uris::NO_SUCH_PROCEDURE)
}

fn full(arguments: Arguments) -> Value {
    let entries = [
        ("args", Value::List(arguments.args)),
        ("kwargs", Value::Dict(arguments.kwargs)),
    ];
    Value::Dict(Dict::from_iter(entries))
}

impl CancelChoice {
    const fn mode(self) -> CancelMode {
        match self {
            Self::Kill => CancelMode::Kill,
            Self::Skip => CancelMode::Skip,
            Self::Killnowait => CancelMode::KillNoWait,
        }
    }
}

impl RunModeChoice {
    const fn mode(self) -> RunMode {
        match self {
            Self::Partition => RunMode::Partition,
            Self::All => RunMode::All,
        }
    }
}
