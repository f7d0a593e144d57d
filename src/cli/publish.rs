//! `wamp pub`: publishes an event.

use anyhow::Result;
use clap::ArgAction;

use super::argument::Arguments;
use super::client::{Client, ClientArgs, Stay};
use super::exit::{Exit, Failure};
use crate::protocol::PublishOptions;

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
    /// Topic to publish to, such as com.example.news
    #[arg(value_name = "TOPIC")]
    topic: String,
    /// Arguments, typed as below
    #[arg(value_name = "ARG", allow_negative_numbers = true)]
    words: Vec<String>,
    /// Keyword argument, also with a name that is no word
    #[arg(short, long = "kwarg", value_name = "NAME=VALUE")]
    keywords: Vec<String>,
    /// Publish this many times
    #[arg(short = 'n', long, default_value_t = 1, hide_default_value = true)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,
    /// Wait for the router's word that it took the event; --ack=false does not
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set, hide_possible_values = true)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    ack: bool,
    /// Leave this very session out; --exclude-me=false does not
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, hide_possible_values = true)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    exclude_me: Option<bool>,
    #[command(flatten)]
    pub(super) client: ClientArgs,
}

impl PublishArgs {
    pub(super) async fn run(self) -> Result<Exit> {
        let console = &self.client.console();
        refuse_detached(std::env::args_os().map(|word| word.to_string_lossy().into_owned()))?;
        let arguments = Arguments::parse(&self.words, &self.keywords)?;
        let work = async |client: &Client<'_>, signals: &mut super::signal::Signals| {
            tokio::select! {
                done = self.publish_all(client, &arguments) => done,
                exit = signals.next() => Ok(exit),
            }
        };
        self.client.session(console, Stay::Brief, work).await
    }

    async fn publish_all(&self, client: &Client<'_>, arguments: &Arguments) -> Result<Exit> {
        let what = format!("topic {:?}", self.topic);
        let payload = arguments.payload(client.serializer());
        for _ in 0..self.count {
            let options = PublishOptions {
                acknowledge: self.ack.then_some(true),
                exclude_me: self.exclude_me,
                ..PublishOptions::default()
            };
            let publish = client
                .peer
                .publish(self.topic.as_str(), options, payload.clone());
            if let Some(publication) = client.answer(&what, publish).await? {
                client
                    .console
                    .fact(&format!("published, publication {publication}"));
            }
        }
        Ok(Exit::Done)
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
