//! What answers the calls of `register`: a value, an echo, a filter, a program, a person.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::ValueEnum;
use tokio::sync::{Mutex, Semaphore, SemaphorePermit, mpsc};

use super::argument::{self, Arguments};
use super::client::parse_timeout;
use super::console::{Console, Palette, printable, say};
use super::exec::{ExecArgs, Out, Program, Request};
use super::exit::Failure;
use super::jq::{Jq, Unfiltered};
use super::{json, render};
use crate::client::ErrorReply;
use crate::node::connect::Progress;
use crate::protocol::message::Invocation;
use crate::protocol::{Dict, Options as _, Payload, SessionId, Uri, Value, uris};
use crate::serializer::Serializer;

/// How many lines of stdin are read ahead.
const TYPED_AHEAD_MAX: usize = 16;

/// How calls are answered.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct AnswerArgs {
    /// Answer with this value
    #[arg(long, value_name = "JSON", allow_negative_numbers = true)]
    value: Option<String>,
    /// Answer with what was sent
    #[arg(long)]
    echo: bool,
    /// Answer with what this filter makes of the call, as jq has it
    #[arg(long, value_name = "EXPR")]
    jq: Option<String>,
    /// Answer with what a program says; it is run without a shell
    #[arg(long, value_name = "CMD")]
    exec: Option<String>,
    /// Print the call, and answer null
    #[arg(long)]
    log: bool,
    /// Show the call, and answer with the line that is typed
    #[arg(long)]
    ask: bool,
}

/// What is done to answers, whatever they are.
#[derive(Debug, clap::Args)]
pub(super) struct MannerArgs {
    #[command(flatten)]
    exec: ExecArgs,
    /// What the program says: value (JSON, else text), lines (each a partial result as it comes), or bytes
    #[arg(
        long,
        value_enum,
        value_name = "AS",
        default_value_t,
        requires = "exec"
    )]
    #[arg(hide_possible_values = true, hide_default_value = true)]
    out: Out,
    /// Answer so much later
    #[arg(long, value_name = "DURATION", value_parser = parse_timeout)]
    delay: Option<Duration>,
    /// Let such a share of the calls fail, as 10%, evenly
    #[arg(long, value_name = "RATE", value_parser = parse_share)]
    fail: Option<f64>,
    /// What becomes of calls beyond --concurrency: block lets them wait, error refuses them
    #[arg(
        long,
        value_enum,
        value_name = "HOW",
        default_value_t,
        hide_possible_values = true
    )]
    #[arg(hide_default_value = true)]
    overflow: Overflow,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Overflow {
    #[default]
    Block,
    Error,
}

/// `10%`, or `0.1`.
fn parse_share(text: &str) -> Result<f64, String> {
    let (number, whole) = text
        .strip_suffix('%')
        .map_or((text, 1.0), |text| (text, 100.0));
    let share = number.parse::<f64>().map(|number| number / whole);
    share
        .ok()
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| "a share is from 0% to 100%".to_owned())
}

/// What answers a call.
enum Source {
    Value(Payload),
    Echo,
    Jq(Jq),
    Exec(Program, Out),
    Log,
    Ask(Mutex<mpsc::Receiver<String>>),
}

/// Answers calls.
pub(super) struct Answers {
    console: Console,
    source: Source,
    delay: Option<Duration>,
    fail: f64,
    /// The calls that run at a time.
    places: Semaphore,
    overflow: Overflow,
    asked: AtomicU64,
}

/// An answer, and what its owner gets of it.
pub(super) struct Answered {
    pub(super) reply: Result<Payload, ErrorReply>,
    /// To be printed.
    pub(super) logged: Option<Value>,
    /// Why there will be no further answers.
    pub(super) end: Option<Failure>,
}

impl AnswerArgs {
    /// Whether calls are printed, so that it is all for who reads stdout.
    pub(super) const fn logs(&self) -> bool {
        self.log
    }

    /// Gets ready what answers.
    ///
    /// # Errors
    /// A value or a filter that makes no sense, a program that is not there.
    pub(super) async fn answers(
        &self,
        manner: &MannerArgs,
        concurrency: usize,
        console: &Console,
    ) -> Result<Answers, Failure> {
        Ok(Answers {
            console: console.clone(),
            source: self.source(manner).await?,
            delay: manner.delay,
            fail: manner.fail.unwrap_or_default(),
            places: Semaphore::new(concurrency),
            overflow: manner.overflow,
            asked: AtomicU64::new(0),
        })
    }

    async fn source(&self, manner: &MannerArgs) -> Result<Source, Failure> {
        if let Some(command_line) = &self.exec {
            let program = Program::parse(command_line, &manner.exec)?;
            return Ok(Source::Exec(program, manner.out));
        }
        // clap does not look at what a flag requires where that is excluded by another.
        if manner.exec.is_given() || manner.out != Out::default() {
            let failure = Failure::usage("--sh, --out and --exec-timeout are about a program");
            return Err(failure.hint("name one with --exec"));
        }
        if let Some(expression) = &self.jq {
            let variables = ["$args", "$kwargs", "$details", "$n"];
            return Ok(Source::Jq(Jq::start(expression, &variables).await?));
        }
        if let Some(word) = &self.value {
            return Ok(Source::Value(single(argument::value(word)?)));
        }
        Ok(match self {
            Self { ask: true, .. } => Source::Ask(Mutex::new(typed_lines())),
            Self { echo: true, .. } => Source::Echo,
            _ => Source::Log,
        })
    }
}

impl Answers {
    /// Answers one call of `procedure`. Dropping the future ends what was begun for it.
    pub(super) async fn answer(
        &self,
        procedure: &str,
        invocation: Invocation,
        progress: &Progress,
    ) -> Answered {
        let n = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let place = match self.place().await {
            Ok(place) => place,
            Err(reply) => return reply.into(),
        };
        if let Some(delay) = self.delay {
            tokio::time::sleep(delay).await;
        }
        if fails(self.fail, n) {
            let text = "this call fails on purpose";
            return ErrorReply::text(uris::RUNTIME_ERROR, text).into();
        }
        let wants_parts = invocation.details.receive_progress == Some(true);
        let progress = wants_parts.then_some(progress);
        let answered = self.answer_now(procedure, invocation, progress, n).await;
        drop(place);
        answered
    }

    async fn place(&self) -> Result<Option<SemaphorePermit<'_>>, ErrorReply> {
        match self.overflow {
            // It is never closed.
            Overflow::Block => Ok(self.places.acquire().await.ok()),
            Overflow::Error => self.places.try_acquire().map(Some).map_err(|_| {
                let text = "the callee has as many calls to answer as it takes";
                ErrorReply::text(uris::UNAVAILABLE, text)
            }),
        }
    }

    async fn answer_now(
        &self,
        procedure: &str,
        invocation: Invocation,
        progress: Option<&Progress>,
        n: u64,
    ) -> Answered {
        match &self.source {
            Source::Value(payload) => return Ok(payload.clone()).into(),
            Source::Echo => return Ok(invocation.payload).into(),
            Source::Jq(_) | Source::Exec(..) | Source::Log | Source::Ask(_) => {}
        }
        let arguments = match Arguments::from_payload(&invocation.payload) {
            Ok(arguments) => arguments,
            Err(error) => {
                return ErrorReply::text(uris::INVALID_ARGUMENT, &format!("{error:#}")).into();
            }
        };
        match &self.source {
            Source::Exec(program, out) => {
                let origin = invocation.details.origin.as_ref();
                let caller = origin.and_then(|origin| origin.caller);
                let request = Request::call(procedure, caller.map(SessionId::value), arguments);
                let answer = program.answer(request, *out, progress).await;
                let answer = answer.map_err(|failed| (failed.note, failed.reply));
                self.noted(procedure, answer).into()
            }
            Source::Jq(jq) => {
                let answer = filtered(jq, procedure, &invocation, arguments, n).await;
                match answer {
                    Ok(mut outputs) if outputs.len() == 1 => {
                        let output = outputs.pop().unwrap_or_default();
                        self.noted(procedure, told(output)).into()
                    }
                    Ok(outputs) => Ok(parts(outputs, progress).await).into(),
                    Err(failed) => self.noted(procedure, Err(failed)).into(),
                }
            }
            Source::Ask(lines) => self.ask(procedure, &arguments, lines).await,
            _ => Answered {
                reply: Ok(single(Value::Null)),
                logged: Some(log_entry(procedure, arguments)),
                end: None,
            },
        }
    }

    /// Tells the owner how it went.
    fn noted(
        &self,
        procedure: &str,
        answer: Result<Payload, (String, ErrorReply)>,
    ) -> Result<Payload, ErrorReply> {
        match answer {
            Ok(payload) => {
                let fact = format!("call of {procedure:?} answered");
                self.console.fact(&fact);
                Ok(payload)
            }
            Err((note, reply)) => {
                let note = format!("call of {procedure:?} failed: {note}");
                self.console.note(&note);
                Err(reply)
            }
        }
    }

    /// Shows a call to whoever sits there. One call at a time: the others wait their turn.
    async fn ask(
        &self,
        procedure: &str,
        arguments: &Arguments,
        lines: &Mutex<mpsc::Receiver<String>>,
    ) -> Answered {
        let mut lines = lines.lock().await;
        let palette = Palette::default();
        let args = render::line(&Value::List(arguments.args.clone()), palette);
        let kwargs = render::keywords(&arguments.kwargs, palette);
        let call = printable(&format!("call of {procedure:?}: {args} {kwargs}"));
        say(&format!("-- {}\n", call.trim_end()));
        loop {
            if self.console.stderr_is_terminal() && io::stdin().is_terminal() {
                say("answer (JSON or text, !text is an error): ");
            }
            let Some(line) = lines.recv().await else {
                let text = "nobody is there to answer any more";
                let reply = Err(ErrorReply::text(uris::UNAVAILABLE, text));
                let end = Some(Failure::local("stdin has ended: nobody answers any more"));
                return Answered {
                    reply,
                    logged: None,
                    end,
                };
            };
            match line.strip_prefix('!') {
                Some(text) => return ErrorReply::text(uris::RUNTIME_ERROR, text).into(),
                None if line.is_empty() => return Ok(Payload::empty()).into(),
                None => match argument::value(&line) {
                    Ok(value) => return Ok(single(value)).into(),
                    Err(failure) => say(&format!("{}\n", failure.told())),
                },
            }
        }
    }
}

/// Lines of stdin, read on a thread of its own: it may block for ever, and is left behind then.
fn typed_lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(TYPED_AHEAD_MAX);
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// Whether the `n`th call, from 1, is one of those that fail.
#[expect(
    clippy::cast_precision_loss,
    reason = "exact for more calls than there will be"
)]
fn fails(share: f64, n: u64) -> bool {
    (n as f64 * share).floor() > ((n - 1) as f64 * share).floor()
}

/// Hands a call to a filter.
async fn filtered(
    jq: &Jq,
    procedure: &str,
    invocation: &Invocation,
    arguments: Arguments,
    n: u64,
) -> Result<Vec<Value>, (String, ErrorReply)> {
    let args = Value::List(arguments.args);
    let kwargs = Value::Dict(arguments.kwargs);
    let details = Value::Dict(invocation.details.to_dict());
    let input = Value::Dict(Dict::from_iter([
        ("procedure", Value::from(procedure)),
        ("args", args.clone()),
        ("kwargs", kwargs.clone()),
        ("details", details.clone()),
    ]));
    let outputs = jq.run(input, vec![args, kwargs, details, n.into()]).await;
    let outputs = outputs.map_err(|unfiltered| {
        let note = format!("--jq: {}", unfiltered.text());
        let reply = match unfiltered {
            Unfiltered::Error(error) => as_error(&error).unwrap_or_else(|| {
                let payload = single(error);
                let error = uris::RUNTIME_ERROR;
                ErrorReply { error, payload }
            }),
            Unfiltered::Stopped(_) => ErrorReply::text(uris::RUNTIME_ERROR, &note),
        };
        (note, reply)
    })?;
    if outputs.iter().all(json::is_argument) {
        return Ok(outputs);
    }
    let note = "--jq: what it says nests too deep".to_owned();
    let reply = ErrorReply::text(uris::RUNTIME_ERROR, &note);
    Err((note, reply))
}

/// A filter's one output: `{"$error": URI, "args": [], "kwargs": {}}`, or a result.
fn told(output: Value) -> Result<Payload, (String, ErrorReply)> {
    match as_error(&output) {
        Some(reply) => Err((reply.error.to_string(), reply)),
        None => Ok(single(output)),
    }
}

/// Many outputs, or none: partial results where they are wanted, else a list.
async fn parts(outputs: Vec<Value>, progress: Option<&Progress>) -> Payload {
    let Some(progress) = progress else {
        return if outputs.is_empty() {
            Payload::empty()
        } else {
            single(Value::List(outputs))
        };
    };
    for output in outputs {
        progress.send(single(output)).await;
    }
    Payload::empty()
}

fn as_error(output: &Value) -> Option<ErrorReply> {
    let Value::Dict(dict) = output else {
        return None;
    };
    let error = Uri::from(&**dict.get("$error")?.as_text()?);
    let args = match dict.get("args") {
        Some(Value::List(args)) => args.clone(),
        _ => Vec::new(),
    };
    let kwargs = match dict.get("kwargs") {
        Some(Value::Dict(kwargs)) => kwargs.clone(),
        _ => Dict::new(),
    };
    let payload = Payload::from_values(Serializer::Json, &args, &kwargs);
    Some(ErrorReply { error, payload })
}

fn single(value: Value) -> Payload {
    Payload::from_values(Serializer::Json, &[value], &Dict::new())
}

fn log_entry(procedure: &str, arguments: Arguments) -> Value {
    Value::Dict(Dict::from_iter([
        ("procedure", Value::from(procedure)),
        ("args", Value::List(arguments.args)),
        ("kwargs", Value::Dict(arguments.kwargs)),
    ]))
}

impl From<Result<Payload, ErrorReply>> for Answered {
    fn from(reply: Result<Payload, ErrorReply>) -> Self {
        Self {
            reply,
            logged: None,
            end: None,
        }
    }
}

impl From<ErrorReply> for Answered {
    fn from(reply: ErrorReply) -> Self {
        Err(reply).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_calls_fails_evenly() {
        let failed: Vec<u64> = (1..=8).filter(|n| fails(0.25, *n)).collect();
        assert_eq!(failed, [4, 8]);
        assert!((1..=9).all(|n| fails(1.0, n)));
        assert!(!(1..=9).any(|n| fails(0.0, n)));
    }

    #[test]
    fn shares_are_written_in_two_ways() {
        assert_eq!(parse_share("10%"), Ok(0.1));
        assert_eq!(parse_share("0.5"), Ok(0.5));
        for text in ["200%", "-1", "x", "nan", ""] {
            assert!(parse_share(text).is_err(), "{text}");
        }
    }
}
