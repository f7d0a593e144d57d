//! `wamp sub`: shows events as they come.

use std::collections::{HashSet, VecDeque};
use std::time::SystemTime;

use anyhow::Result;

use super::argument::Arguments;
use super::client::{Client, ClientArgs, Stay};
use super::console::printable;
use super::exit::{Exit, Failure};
use super::glob_check;
use super::pattern::{MatchChoice, Pattern};
use super::printer::{self, OutputArgs, Printer, ShownEvent};
use super::signal::Signals;
use crate::node::connect::Subscriptions;
use crate::protocol::message::Event;
use crate::protocol::{PublicationId, SubscribeOptions};

/// How many publications are remembered, to show an event once that came by several subscriptions.
const PUBLICATIONS_MAX: usize = 4096;

/// Shown below the options.
const EXAMPLES: &str = "\
Patterns (a trailing dot needs no quotes):
  filewithext.  'filewithext.*'    all topics that begin with filewithext.
  'a.*.c'  a..c                    three parts, the middle one anything
  a.+                              two parts
  '*'                              everything
  '{a,b}.c'                        several at once
Into a pipe each event is one line of JSON.";

/// Show the events of topics as they come
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct SubscribeArgs {
    /// Topics or patterns, as below
    #[arg(value_name = "PATTERN", required = true)]
    patterns: Vec<String>,
    /// Take the patterns as they are, matched in this way
    #[arg(long = "match", value_enum, value_name = "POLICY")]
    match_choice: Option<MatchChoice>,
    /// End after this many events
    #[arg(short = 'n', long, value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Show an event again for each pattern that it matches
    #[arg(long)]
    dup: bool,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    pub(super) client: ClientArgs,
}

impl SubscribeArgs {
    pub(super) async fn run(self) -> Result<Exit> {
        let console = &self.client.console();
        if self.match_choice.is_none() {
            glob_check::check(&self.patterns, console)?;
        }
        let patterns = MatchChoice::patterns(self.match_choice, &self.patterns)?;
        let printer = Printer::new(&self.output, console);
        let work = async |client: &Client<'_>, signals: &mut Signals| {
            self.show(client, signals, patterns, printer).await
        };
        self.client.session(console, Stay::Long, work).await
    }

    async fn show(
        &self,
        client: &Client<'_>,
        signals: &mut Signals,
        patterns: Vec<Pattern>,
        printer: Printer,
    ) -> Result<Exit> {
        let mut subscriptions = Subscriptions::new(client.peer.clone());
        let subscribed = tokio::select! {
            subscribed = subscribe(client, &mut subscriptions, &patterns) => subscribed,
            exit = signals.next() => return Ok(exit),
        };
        subscribed?;
        let mut shown = Shown {
            seen: (patterns.len() > 1 && !self.dup).then(Seen::default),
            patterns,
            printer,
            left: self.count,
        };
        let done = tokio::select! {
            biased;
            exit = signals.next() => Ok(exit),
            done = shown.show_all(&mut subscriptions) => done,
            failure = client.watch() => Err(failure.into()),
            () = printer::stdout_closed() => Ok(Exit::PipeClosed),
            () = self.too_late() => Err(self.unmet(shown.left).into()),
        };
        // The session may be lost, and GOODBYE says the same.
        drop(signals.or_exit(subscriptions.unsubscribe()).await);
        done
    }

    /// Ends when `-n` events should have come by `-T`.
    async fn too_late(&self) {
        match self.client.reply_timeout() {
            Some(limit) if self.count.is_some() => tokio::time::sleep(limit).await,
            _ => std::future::pending().await,
        }
    }

    fn unmet(&self, left: Option<u64>) -> Failure {
        let wanted = self.count.unwrap_or_default();
        let came = wanted - left.unwrap_or_default();
        let limit = humantime::format_duration(self.client.reply_timeout().unwrap_or_default());
        let message = format!("{came} of {wanted} events came within {limit}");
        Failure::new(Exit::TimedOut, message)
    }
}

async fn subscribe(
    client: &Client<'_>,
    subscriptions: &mut Subscriptions,
    patterns: &[Pattern],
) -> Result<()> {
    for pattern in patterns {
        let options = SubscribeOptions {
            match_policy: pattern.policy_option(),
            ..SubscribeOptions::default()
        };
        let what = format!("{} {:?}", pattern.policy, pattern.uri);
        let subscribe = subscriptions.subscribe(pattern.uri.as_str(), options);
        client.answer(&what, subscribe).await?;
        let note = format!("subscribed {}  (Ctrl-C to stop)", pattern.describe());
        client.console.note(&note);
    }
    Ok(())
}

/// Shows the events that were meant.
struct Shown {
    patterns: Vec<Pattern>,
    printer: Printer,
    /// `None`: one subscription cannot bring an event twice.
    seen: Option<Seen>,
    left: Option<u64>,
}

impl Shown {
    async fn show_all(&mut self, subscriptions: &mut Subscriptions) -> Result<Exit> {
        loop {
            let (index, event) = subscriptions.next_event().await;
            let event = event
                .map_err(|end| Failure::new(Exit::SessionLost, printable(&end.to_string())))?;
            if self.show(index, &event)? && self.left == Some(0) {
                return Ok(Exit::Done);
            }
        }
    }

    /// Shows an event, if it was meant and is new.
    fn show(&mut self, index: usize, event: &Event) -> Result<bool> {
        let Some(pattern) = self.patterns.get(index) else {
            return Ok(false);
        };
        let topic = event.details.topic.as_ref();
        let topic = topic
            .map_or(pattern.uri.as_str(), |topic| topic.as_str())
            .to_owned();
        let is_new = |seen: &mut Seen| seen.is_new(event.publication);
        if !pattern.wants(&topic) || !self.seen.as_mut().is_none_or(is_new) {
            return Ok(false);
        }
        self.left = self.left.map(|left| left.saturating_sub(1));
        self.printer.event(ShownEvent {
            topic,
            arguments: Arguments::from_payload(&event.payload)?,
            publication: event.publication,
            received: now(),
        })?;
        Ok(true)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the time that people see beside an event"
)]
pub(super) fn now() -> SystemTime {
    SystemTime::now()
}

/// Publications shown lately.
#[derive(Default)]
struct Seen {
    ids: HashSet<PublicationId>,
    order: VecDeque<PublicationId>,
}

impl Seen {
    fn is_new(&mut self, publication: PublicationId) -> bool {
        if !self.ids.insert(publication) {
            return false;
        }
        self.order.push_back(publication);
        if self.order.len() > PUBLICATIONS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }
}
