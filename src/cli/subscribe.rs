//! `wamp sub`: shows events as they come.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

use super::argument::Arguments;
use super::client::{Client, ClientArgs, Stay, over};
use super::console::printable;
use super::exit::{Exit, Failure};
use super::pace::parse_pause;
use super::pattern::{MatchChoice, Pattern};
use super::printer::{self, ShownEvent};
use super::shown::{ShowArgs, Shower};
use super::signal::Signals;
use super::{dry_run, glob_check, past};
use crate::node::connect::Subscriptions;
use crate::node::time_of_day;
use crate::protocol::message::{Event, Subscribe};
use crate::protocol::{Options as _, PublicationId, RequestId, SubscribeOptions};

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
    #[arg(add = crate::cli::complete::topics(), value_name = "PATTERN", required = true)]
    patterns: Vec<String>,
    /// Take the patterns as they are, matched in this way
    #[arg(long = "match", value_enum, value_name = "POLICY")]
    match_choice: Option<MatchChoice>,
    /// End after this many events
    #[arg(short = 'n', long, value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// End after so long
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_pause)]
    duration: Option<Duration>,
    /// End when no event has come for so long
    #[arg(long, value_name = "DURATION", value_parser = parse_pause)]
    idle: Option<Duration>,
    /// Begin with the last so many events, where the router remembers them
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    last: Option<u64>,
    /// Begin with the events that publishers had the router keep
    #[arg(long)]
    retained: bool,
    /// Show an event again for each pattern that it matches
    #[arg(long)]
    dup: bool,
    #[command(flatten)]
    show: ShowArgs,
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
        if self.client.is_dry_run() {
            return self.dry_run(&patterns);
        }
        let shower = self.show.shower(console).await?;
        let work = async |client: &Client<'_>, signals: &mut Signals| {
            self.show(client, signals, patterns, shower).await
        };
        self.client.session(console, Stay::Long, work).await
    }

    fn dry_run(&self, patterns: &[Pattern]) -> Result<Exit> {
        let mut request = RequestId::FIRST;
        dry_run::show(patterns.iter().map(|pattern| {
            let subscribe = Subscribe {
                request,
                options: self.options(pattern),
                topic: pattern.uri.as_str().into(),
            };
            request = request.next();
            subscribe.into()
        }))
    }

    fn options(&self, pattern: &Pattern) -> SubscribeOptions {
        SubscribeOptions {
            match_policy: pattern.policy_option(),
            get_retained: self.retained.then_some(true),
            ..SubscribeOptions::default()
        }
    }

    async fn show(
        &self,
        client: &Client<'_>,
        signals: &mut Signals,
        patterns: Vec<Pattern>,
        shower: Shower<'_>,
    ) -> Result<Exit> {
        let mut subscriptions = Subscriptions::new(client.peer.clone());
        let subscribed = tokio::select! {
            subscribed = self.subscribe(client, &mut subscriptions, &patterns) => subscribed,
            exit = signals.next() => return Ok(exit),
        };
        subscribed?;
        let may_come_twice = patterns.len() > 1 || self.last.is_some();
        let mut shown = Shown {
            seen: (may_come_twice && !self.dup).then(Seen::default),
            patterns,
            shower,
            left: self.count,
            idle: self.idle,
        };
        let done = tokio::select! {
            biased;
            exit = signals.next() => Ok(exit),
            done = self.show_all(client, &mut shown, &mut subscriptions) => done,
            failure = client.watch() => Err(failure.into()),
            () = printer::stdout_closed() => Ok(Exit::PipeClosed),
            limit = self.too_late() => self.ended_early(shown.left, limit),
        };
        let may_run_on = matches!(done, Ok(Exit::Done) | Err(_));
        let finished = signals.or_exit(shown.shower.finish(may_run_on)).await;
        // The session may be lost, and GOODBYE says the same.
        drop(signals.or_exit(subscriptions.unsubscribe()).await);
        let exit = done?;
        finished.map(|()| exit)
    }

    async fn show_all(
        &self,
        client: &Client<'_>,
        shown: &mut Shown<'_>,
        subscriptions: &mut Subscriptions,
    ) -> Result<Exit> {
        if let Some(count) = self.last {
            shown.show_past(client, count).await?;
        }
        match shown.show_all(subscriptions).await? {
            None => Ok(Exit::Done),
            Some(idle) => self.ended_early(shown.left, idle),
        }
    }

    /// Ends when `--for` is over, or `-n` events should have come by `-T`.
    async fn too_late(&self) -> Duration {
        let reply = self.client.reply_timeout().filter(|_| self.count.is_some());
        let limit = self.duration.into_iter().chain(reply).min();
        over(limit, Instant::now()).await
    }

    fn ended_early(&self, left: Option<u64>, limit: Duration) -> Result<Exit> {
        let Some((wanted, left)) = self.count.zip(left).filter(|(_, left)| *left > 0) else {
            return Ok(Exit::Done);
        };
        let limit = humantime::format_duration(limit);
        let came = wanted - left;
        let message = format!("{came} of {wanted} events came within {limit}");
        Err(Failure::new(Exit::TimedOut, message).into())
    }

    async fn subscribe(
        &self,
        client: &Client<'_>,
        subscriptions: &mut Subscriptions,
        patterns: &[Pattern],
    ) -> Result<()> {
        for pattern in patterns {
            let what = format!("{} {:?}", pattern.policy, pattern.uri);
            let subscribe = subscriptions.subscribe(pattern.uri.as_str(), self.options(pattern));
            client.answer(&what, subscribe).await?;
            let note = format!("subscribed {}  (Ctrl-C to stop)", pattern.describe());
            client.console.note(&note);
        }
        Ok(())
    }
}

/// Shows the events that were meant.
struct Shown<'a> {
    patterns: Vec<Pattern>,
    shower: Shower<'a>,
    /// `None`: no event comes twice.
    seen: Option<Seen>,
    left: Option<u64>,
    idle: Option<Duration>,
}

impl Shown<'_> {
    /// Shows what the router remembers.
    async fn show_past(&mut self, client: &Client<'_>, count: u64) -> Result<()> {
        let mut events = Vec::new();
        for (index, pattern) in self.patterns.iter().enumerate() {
            match past::last_events(client, pattern, count).await {
                Ok(past) => events.extend(past.into_iter().map(|event| (index, event))),
                Err(error) => {
                    let what = format!("no earlier events of {:?}", pattern.uri);
                    client.console.note(&format!("{what}: {error}"));
                }
            }
        }
        events.sort_by_key(|(_, event)| event.received);
        for (index, event) in events {
            if self.left == Some(0) {
                break;
            }
            self.show(index, event).await?;
        }
        Ok(())
    }

    /// Shows event after event; ends with the time in which none came, or with `None` after as many as were wanted.
    async fn show_all(&mut self, subscriptions: &mut Subscriptions) -> Result<Option<Duration>> {
        let mut last = Instant::now();
        while self.left != Some(0) {
            tokio::select! {
                (index, event) = subscriptions.next_event() => {
                    let event = event
                        .map_err(|end| Failure::new(Exit::SessionLost, printable(&end.to_string())))?;
                    if let Some(event) = self.understood(index, &event)? {
                        self.show(index, event).await?;
                        last = Instant::now();
                    }
                }
                due = self.shower.idle() => due?,
                idle = over(self.idle, last) => return Ok(Some(idle)),
            }
        }
        Ok(None)
    }

    fn understood(&self, index: usize, event: &Event) -> Result<Option<ShownEvent>> {
        let Some(pattern) = self.patterns.get(index) else {
            return Ok(None);
        };
        let topic = event.details.topic.as_ref();
        let topic = topic
            .map_or(pattern.uri.as_str(), |topic| topic.as_str())
            .to_owned();
        Ok(Some(ShownEvent {
            topic,
            arguments: Arguments::from_payload(&event.payload)?,
            publication: event.publication,
            received: time_of_day(),
            details: event.details.to_dict(),
        }))
    }

    /// Shows an event, if it was meant and is new.
    async fn show(&mut self, index: usize, event: ShownEvent) -> Result<()> {
        let pattern = self.patterns.get(index);
        let is_new = |seen: &mut Seen| seen.is_new(event.publication);
        if !pattern.is_some_and(|pattern| pattern.wants(&event.topic))
            || !self.seen.as_mut().is_none_or(is_new)
        {
            return Ok(());
        }
        self.left = self.left.map(|left| left.saturating_sub(1));
        self.shower.take(event).await
    }
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
