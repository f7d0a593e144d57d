//! `wamp register`: offers a procedure.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use clap::ValueEnum;
use tokio::sync::mpsc;

use super::answer::{AnswerArgs, Answers, MannerArgs};
use super::client::{Client, ClientArgs, Stay};
use super::console::{Console, printable};
use super::dry_run::{self, DryRunArgs};
use super::exit::{Exit, Failure};
use super::hints;
use super::pattern::{MatchChoice, Pattern};
use super::printer::{FormatArgs, Printer, stdout_closed};
use super::signal::Signals;
use crate::client::ErrorReply;
use crate::node::connect::{
    Progress, Registration, RegistrationEnd, RegistrationState, RequestError,
};
use crate::protocol::message::{Invocation, Register};
use crate::protocol::{InvocationPolicy, Payload, RegisterOptions, RequestId, Value, uris};

/// How many answered calls wait to be counted and printed. bound: beyond, handlers wait.
const ANSWERED_MAX: usize = 64;

/// How many calls of one procedure are answered or wait for it. The session takes no more.
const CALLS_MAX: usize = 10_000;

/// Shown below the options.
const EXAMPLES: &str = "\
Examples:
  wamp register greet --value '\"hello\"'   the same answer to all
  wamp register mirror --echo             what was sent comes back
  wamp register sum --jq '$args|add'      what a filter makes of the call
  wamp register now --exec 'date +%s'     a program's output, JSON or text
  wamp register jobs.add --log            prints calls, answers null
  wamp register help.me --ask             a person types the answer
The filter gets {procedure, args, kwargs, details}, and $args $kwargs $details
$n; error(\"x\") and {\"$error\": URI} are errors, many outputs partial results.
The program gets {\"procedure\",\"args\",\"kwargs\"} as JSON on its stdin, and
WAMP_PROCEDURE and WAMP_ARG0, WAMP_ARG1, ... in its environment. If it exits
with anything but 0, the caller gets the error wamp.error.runtime_error.";

/// Offer a procedure until told to stop
#[derive(Debug, clap::Args)]
#[command(override_usage = "wamp register [OPTIONS] <--value JSON|--exec CMD|...> <PROC>")]
#[command(after_help = EXAMPLES)]
pub(super) struct RegisterArgs {
    /// Procedure to offer, or a pattern as of wamp sub
    #[arg(value_name = "PROC")]
    procedure: String,
    #[command(flatten)]
    answer: AnswerArgs,
    #[command(flatten)]
    manner: MannerArgs,
    /// Take the procedure as it is, matched in this way
    #[arg(long = "match", value_enum, value_name = "POLICY")]
    match_choice: Option<MatchChoice>,
    /// How several callees of one procedure share its calls
    #[arg(long, value_enum, value_name = "POLICY")]
    invoke: Option<InvokeChoice>,
    /// Take the procedure from whoever holds it, where the router allows that
    #[arg(long)]
    force: bool,
    /// Run this many calls at a time; others wait
    #[arg(long, value_name = "COUNT", default_value_t = 8)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    concurrency: u16,
    /// End after this many calls
    #[arg(short = 'n', long, value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    #[command(flatten)]
    output: FormatArgs,
    #[command(flatten)]
    dry_run: DryRunArgs,
    #[command(flatten)]
    pub(super) client: ClientArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum InvokeChoice {
    Single,
    Roundrobin,
    Random,
    First,
    Last,
}

/// A call that has been answered.
struct Note {
    logged: Option<Value>,
    /// Why there will be no further answers.
    end: Option<Failure>,
}

/// What handlers share.
struct Calls {
    answers: Answers,
    /// Calls still to be taken; `None` has no end.
    left: Option<AtomicU64>,
    answered: mpsc::Sender<Note>,
}

/// The procedures of one command, and what becomes of their calls.
struct Service<'a> {
    args: &'a RegisterArgs,
    patterns: Vec<Pattern>,
    printer: Printer,
    calls: Arc<Calls>,
    answered: mpsc::Receiver<Note>,
    registrations: Vec<Registration>,
}

impl RegisterArgs {
    pub(super) async fn run(self) -> Result<Exit> {
        let console = &self.client.console();
        if self.dry_run.is_on {
            return self.show();
        }
        let mut service = Service::new(&self, console).await?;
        let work = async |client: &Client<'_>, signals: &mut Signals| {
            let done = service.run(client, signals).await;
            for registration in service.registrations.drain(..) {
                // The session may be lost, and GOODBYE says the same.
                drop(signals.or_exit(client.peer.unregister(registration)).await);
            }
            done
        };
        self.client.session(console, Stay::Long, work).await
    }
}

impl<'a> Service<'a> {
    async fn new(args: &'a RegisterArgs, console: &Console) -> Result<Self, Failure> {
        let patterns = args.patterns()?;
        let concurrency = usize::from(args.concurrency);
        let answers = args
            .answer
            .answers(&args.manner, concurrency, console)
            .await?;
        let (sender, answered) = mpsc::channel(ANSWERED_MAX);
        let calls = Calls {
            answers,
            left: args.count.map(AtomicU64::new),
            answered: sender,
        };
        Ok(Self {
            args,
            patterns,
            printer: Printer::for_format(&args.output, console),
            calls: Arc::new(calls),
            answered,
            registrations: Vec::new(),
        })
    }

    async fn run(&mut self, client: &Client<'_>, signals: &mut Signals) -> Result<Exit> {
        tokio::select! {
            registered = self.register(client) => registered?,
            exit = signals.next() => return Ok(exit),
        }
        tokio::select! {
            biased;
            exit = signals.next() => Ok(exit),
            done = take_answered(&mut self.answered, self.args.count, &self.printer) => done,
            failure = client.watch() => Err(failure.into()),
            failure = watch_offers(&self.patterns, &mut self.registrations, client) => {
                Err(failure.into())
            }
            failure = self.args.too_late() => Err(failure.into()),
            () = stdout_closed(), if self.args.answer.logs() => Ok(Exit::PipeClosed),
        }
    }

    async fn register(&mut self, client: &Client<'_>) -> Result<(), Failure> {
        for pattern in &self.patterns {
            let options = self.args.options(pattern);
            let calls = Arc::clone(&self.calls);
            let registered = pattern.uri.clone();
            let handler = move |invocation, progress| {
                Arc::clone(&calls).handle(registered.clone(), invocation, progress)
            };
            let what = format!("procedure {:?}", pattern.uri);
            let uri = pattern.uri.as_str();
            let register = client.peer.register(uri, options, CALLS_MAX, handler);
            self.registrations
                .push(client.answer(&what, register).await?);
            let described = match pattern.policy_option() {
                None => format!("{:?}", pattern.uri),
                Some(_) => pattern.describe(),
            };
            client
                .console
                .note(&format!("registered {described}  (Ctrl-C to stop)"));
        }
        Ok(())
    }
}

impl RegisterArgs {
    fn patterns(&self) -> Result<Vec<Pattern>, Failure> {
        let words = std::slice::from_ref(&self.procedure);
        let patterns = MatchChoice::patterns(self.match_choice, words)?;
        if let Some(pattern) = patterns.iter().find(|pattern| pattern.filter.is_some()) {
            let message = format!("routers have no match policy for {:?}", self.procedure);
            let hint = format!("offer more: wamp register {:?} --match prefix", pattern.uri);
            return Err(Failure::usage(message).hint(hint));
        }
        Ok(patterns)
    }

    fn options(&self, pattern: &Pattern) -> RegisterOptions {
        RegisterOptions {
            match_policy: pattern.policy_option(),
            invoke: self.invoke.map(InvokeChoice::policy),
            force_reregister: self.force.then_some(true),
            ..RegisterOptions::default()
        }
    }

    fn show(&self) -> Result<Exit> {
        let patterns = self.patterns()?;
        let mut request = RequestId::FIRST;
        dry_run::show(patterns.iter().map(|pattern| {
            let register = Register {
                request,
                options: self.options(pattern),
                procedure: pattern.uri.as_str().into(),
            };
            request = request.next();
            register.into()
        }))
    }

    /// Ends when `-n` calls should have come by `-T`.
    async fn too_late(&self) -> Failure {
        let (Some(limit), Some(count)) = (self.client.reply_timeout(), self.count) else {
            return std::future::pending().await;
        };
        tokio::time::sleep(limit).await;
        let limit = humantime::format_duration(limit);
        let message = format!("fewer than {count} calls came within {limit}");
        Failure::new(Exit::TimedOut, message)
    }
}

/// Counts and prints what has been answered, up to `count`.
async fn take_answered(
    answered: &mut mpsc::Receiver<Note>,
    count: Option<u64>,
    printer: &Printer,
) -> Result<Exit> {
    let mut left = count;
    while left != Some(0) {
        let Some(answered) = answered.recv().await else {
            break;
        };
        if let Some(logged) = answered.logged {
            printer.value(&logged)?;
        }
        if let Some(end) = answered.end {
            return Err(end.into());
        }
        left = left.map(|left| left - 1);
    }
    Ok(Exit::Done)
}

/// Returns once the router holds one of the offers no more.
async fn watch_offers(
    patterns: &[Pattern],
    registrations: &mut [Registration],
    client: &Client<'_>,
) -> Failure {
    let offers = patterns.iter().zip(registrations);
    let watched = offers
        .map(|(pattern, registration)| Box::pin(watch_offer(&pattern.uri, registration, client)));
    let (failure, _, _) = futures_util::future::select_all(watched).await;
    failure
}

/// Tells how an offer stands as time goes by; returns once the router does not hold it any more.
async fn watch_offer(uri: &str, registration: &mut Registration, client: &Client<'_>) -> Failure {
    loop {
        match registration.changed().await {
            Some(RegistrationState::Contested { patience }) => client.console.note(&format!(
                "{uri:?} is held by another session; trying again for {} s",
                patience.as_secs()
            )),
            Some(RegistrationState::Offered) => {
                client.console.note(&format!("registered {uri:?} again"));
            }
            Some(RegistrationState::Ended(RegistrationEnd::NotRestored(reply))) => {
                let what = format!("procedure {uri:?} after joining again");
                return hints::failed(&what, client.realm(), &RequestError::Refused(reply));
            }
            Some(RegistrationState::Ended(end)) => {
                return Failure::new(
                    Exit::SessionLost,
                    printable(&format!("procedure {uri:?}: {end}")),
                );
            }
            // The session's end is told by itself.
            None => std::future::pending().await,
        }
    }
}

impl Calls {
    async fn handle(
        self: Arc<Self>,
        registered: String,
        invocation: Invocation,
        progress: Progress,
    ) -> Result<Payload, ErrorReply> {
        if !self.takes_one() {
            let text = "the callee has answered as many calls as it was asked to";
            return Err(ErrorReply::text(uris::UNAVAILABLE, text));
        }
        let procedure = invocation.details.procedure.clone();
        let procedure = procedure
            .as_ref()
            .map_or(registered.as_str(), |procedure| procedure.as_str());
        let answered = self.answers.answer(procedure, invocation, &progress).await;
        let (logged, end) = (answered.logged, answered.end);
        // Once nobody counts any more, the session is about to end.
        drop(self.answered.send(Note { logged, end }).await);
        answered.reply
    }

    fn takes_one(&self) -> bool {
        let Some(left) = &self.left else { return true };
        let take = |left: u64| left.checked_sub(1);
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
    }
}

impl InvokeChoice {
    const fn policy(self) -> InvocationPolicy {
        match self {
            Self::Single => InvocationPolicy::Single,
            Self::Roundrobin => InvocationPolicy::RoundRobin,
            Self::Random => InvocationPolicy::Random,
            Self::First => InvocationPolicy::First,
            Self::Last => InvocationPolicy::Last,
        }
    }
}
