//! `wamp pub`: publishes an event.

use anyhow::Result;
use bytestring::ByteString;
use clap::ArgAction;

use super::argument::Arguments;
use super::client::{Client, ClientArgs, Stay};
use super::dry_run::{self, DryRunArgs};
use super::exit::{Exit, Failure};
use super::pace::PaceArgs;
use super::payload::{PayloadArgs, Source};
use super::progress::Progress;
use super::records::Record;
use super::signal::Signals;
use crate::protocol::message::Publish;
use crate::protocol::{Audience, Message, PublishOptions, RequestId, SessionId};
use crate::serializer::Serializer;

/// Shown below the options.
const EXAMPLES: &str = "\
Arguments are JSON where they are, else text; NAME=VALUE is a keyword argument:
  wamp pub chat.room hello from=Ada
  wamp pub sensor.7 21.5 'unit=\"C\"' raw=@hex:00ff
See wamp call --help for all the ways to write one.";

/// Publish an event, and wait until the router has taken it
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct PublishArgs {
    /// Topic to publish to, such as com.example.news; records of --each may name their own
    #[arg(add = crate::cli::complete::topics(), value_name = "TOPIC", required_unless_present = "each")]
    topic: Option<String>,
    #[command(flatten)]
    payload: PayloadArgs,
    /// Publish this many times
    #[arg(short = 'n', long)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "each")]
    count: Option<u64>,
    #[command(flatten)]
    pace: PaceArgs,
    /// Wait for the router's word that it took the event; --ack=false does not
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set, hide_possible_values = true)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    ack: bool,
    /// Have the router keep the event for who subscribes later
    #[arg(long)]
    retain: bool,
    #[command(flatten)]
    receivers: ReceiverArgs,
    #[command(flatten)]
    dry_run: DryRunArgs,
    #[command(flatten)]
    pub(super) client: ClientArgs,
}

/// Who gets the event, of those who subscribed.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Receivers")]
struct ReceiverArgs {
    /// Leave this very session out; --exclude-me=false does not
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, hide_possible_values = true)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    exclude_me: Option<bool>,
    /// Only these sessions, with commas between
    #[arg(long, value_name = "SESSION", value_delimiter = ',', value_parser = session)]
    eligible: Vec<SessionId>,
    /// Only who signed in as one of these
    #[arg(long, value_name = "AUTHID", value_delimiter = ',')]
    eligible_authid: Vec<String>,
    /// Only who has one of these roles
    #[arg(long, value_name = "ROLE", value_delimiter = ',')]
    eligible_authrole: Vec<String>,
    /// Not these sessions
    #[arg(long, value_name = "SESSION", value_delimiter = ',', value_parser = session)]
    exclude: Vec<SessionId>,
    /// Not who signed in as one of these
    #[arg(long, value_name = "AUTHID", value_delimiter = ',')]
    exclude_authid: Vec<String>,
    /// Not who has one of these roles
    #[arg(long, value_name = "ROLE", value_delimiter = ',')]
    exclude_authrole: Vec<String>,
}

fn session(text: &str) -> Result<SessionId, String> {
    let id = text.parse().ok().and_then(|id| SessionId::new(id).ok());
    id.ok_or_else(|| "a session is a number, as wamp -v call shows it".to_owned())
}

impl PublishArgs {
    pub(super) async fn run(self) -> Result<Exit> {
        let console = &self.client.console();
        refuse_detached(std::env::args_os().map(|word| word.to_string_lossy().into_owned()))?;
        let source = self.payload.source()?;
        if self.dry_run.is_on {
            return self.show(source).await;
        }
        let work = async |client: &Client<'_>, signals: &mut Signals| {
            tokio::select! {
                done = self.publish_all(client, source) => done,
                exit = signals.next() => Ok(exit),
            }
        };
        self.client.session(console, Stay::Brief, work).await
    }

    async fn show(&self, source: Source) -> Result<Exit> {
        let publish = |record: &Record| -> Result<Message> {
            let publish = Publish {
                request: RequestId::FIRST,
                options: self.options(),
                topic: self.topic(record)?.into(),
                payload: record.arguments.payload(Serializer::Json),
            };
            Ok(publish.into())
        };
        match source {
            Source::Same(arguments) => dry_run::show([publish(&to_default(arguments))?]),
            Source::Each(each) => {
                let mut records = each.records();
                while let Some(record) = records.recv().await {
                    dry_run::show([publish(&record?)?])?;
                }
                Ok(Exit::Done)
            }
        }
    }

    async fn publish_all(&self, client: &Client<'_>, source: Source) -> Result<Exit> {
        let mut pace = self.pace.start();
        match source {
            Source::Same(arguments) => {
                let record = to_default(arguments);
                let count = match self.count {
                    None if self.pace.is_endless() => u64::MAX,
                    count => count.unwrap_or(1),
                };
                let mut progress = Progress::new(self.count, client.console);
                for _ in 0..count {
                    pace.next().await;
                    self.publish(client, &record).await?;
                    progress.step();
                }
            }
            Source::Each(each) => {
                let mut records = each.records();
                while let Some(record) = records.recv().await {
                    let record = record?;
                    pace.next().await;
                    self.publish(client, &record).await?;
                }
            }
        }
        Ok(Exit::Done)
    }

    async fn publish(&self, client: &Client<'_>, record: &Record) -> Result<(), Failure> {
        let topic = self.topic(record)?;
        let payload = record.arguments.payload(client.serializer());
        let publish = client.peer.publish(topic, self.options(), payload);
        let what = format!("topic {topic:?}");
        if let Some(publication) = client.answer(&what, publish).await? {
            let fact = format!("published, publication {publication}");
            client.console.fact(&fact);
        }
        Ok(())
    }

    fn topic<'a>(&'a self, record: &'a Record) -> Result<&'a str, Failure> {
        record
            .topic
            .as_deref()
            .or(self.topic.as_deref())
            .ok_or_else(|| {
                let failure = Failure::usage("a record of stdin names no topic");
                failure.hint("name it there, or for all of them: wamp pub TOPIC --each ...")
            })
    }

    fn options(&self) -> PublishOptions {
        let audience = self.receivers.audience();
        PublishOptions {
            acknowledge: self.ack.then_some(true),
            exclude_me: self.receivers.exclude_me,
            retain: self.retain.then_some(true),
            audience: (audience != Audience::default()).then(|| Box::new(audience)),
            ..PublishOptions::default()
        }
    }
}

fn to_default(arguments: Arguments) -> Record {
    Record {
        topic: None,
        arguments,
    }
}

impl ReceiverArgs {
    fn audience(&self) -> Audience {
        let ids = |ids: &[SessionId]| (!ids.is_empty()).then(|| ids.to_vec());
        let names = |names: &[String]| {
            let names: Vec<ByteString> = names.iter().map(|name| name.as_str().into()).collect();
            (!names.is_empty()).then_some(names)
        };
        Audience {
            exclude: ids(&self.exclude),
            exclude_authid: names(&self.exclude_authid),
            exclude_authrole: names(&self.exclude_authrole),
            eligible: ids(&self.eligible),
            eligible_authid: names(&self.eligible_authid),
            eligible_authrole: names(&self.eligible_authrole),
            rkey: None,
        }
    }
}

/// Refuses `--ack false`, where clap would take `false` for the topic or an argument: such a flag takes its value
/// behind a `=`, or none.
fn refuse_detached(words: impl Iterator<Item = String>) -> Result<(), Failure> {
    let words: Vec<_> = words.take_while(|word| word != "--").collect();
    for pair in words.windows(2) {
        if let [
            flag @ ("--ack" | "--exclude-me"),
            value @ ("true" | "false"),
        ] = [pair[0].as_str(), pair[1].as_str()]
        {
            let failure = Failure::usage(format!("{flag} {value} means two things"));
            return Err(failure.hint(format!("write {flag}={value}")));
        }
    }
    Ok(())
}
