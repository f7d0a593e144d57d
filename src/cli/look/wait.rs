//! `wamp wait`: until somebody offers a procedure, or hears a topic. For scripts that begin before their peers do.

use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep};

use super::meta::Meta;
use super::news::News;
use crate::cli::client::{Client, ClientArgs};
use crate::cli::exit::{Exit, Failure};
use crate::cli::signal::Signals;
use crate::node::until;
use crate::protocol::Value;

/// How soon a router that is not there yet is tried again.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// Shown below the options.
const EXAMPLES: &str = "\
  wamp wait sum                    until sum can be called
  wamp wait --topic chat.room      until somebody hears chat.room
  wamp wait sum -T 30s || exit 1   no longer than that; 5 if it did not come
A router that is not there yet is waited for, too.";

/// Wait until a procedure is registered, or a topic subscribed to
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct WaitArgs {
    /// Procedures, all of which are waited for
    #[arg(add = crate::cli::complete::procedures(), value_name = "PROC", required_unless_present = "topic")]
    procedures: Vec<String>,
    /// Topic, which somebody is to be subscribed to
    #[arg(add = crate::cli::complete::topics(), long, value_name = "TOPIC")]
    topic: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) client: ClientArgs,
}

impl WaitArgs {
    pub(in crate::cli) async fn run(self) -> Result<Exit> {
        let deadline = self
            .client
            .reply_timeout()
            .map(|limit| Instant::now() + limit);
        let mut signals = Signals::listen()?;
        tokio::select! {
            done = self.wait() => done,
            exit = signals.next() => Ok(exit),
            () = until(deadline) => Err(self.unmet().into()),
        }
    }

    /// Joins as soon as there is a router, and waits.
    async fn wait(&self) -> Result<Exit> {
        let console = &self.client.console();
        let mut is_told = false;
        loop {
            let work = async |client: &Client<'_>| self.wait_for_all(client).await;
            let done = self.client.brief(console, work).await;
            match done {
                Err(error) if is_not_there(&error) => {
                    if !is_told {
                        console.note(&format!("{error}; trying again"));
                        is_told = true;
                    }
                    sleep(RETRY_INTERVAL).await;
                }
                done => return done,
            }
        }
    }

    async fn wait_for_all(&self, client: &Client<'_>) -> Result<Exit> {
        for (chapter, uris) in [
            ("registration", &self.procedures),
            ("subscription", &self.topic),
        ] {
            if uris.is_empty() {
                continue;
            }
            // Subscribed first: what comes between a question and its answer is not missed.
            let mut news = News::new(client);
            let held = match chapter {
                "registration" => "on_register",
                _ => "on_subscribe",
            };
            for event in ["on_create", held] {
                news.of(client, &format!("wamp.{chapter}.{event}")).await?;
            }
            for uri in uris {
                loop {
                    let question = is_there(Meta(client), chapter, uri);
                    if news.meanwhile(question).await.transpose()? == Some(true) {
                        break;
                    }
                    if news.take_all() {
                        continue;
                    }
                    client.console.fact(&format!("waiting for {uri:?}"));
                    tokio::select! {
                        event = news.next() => drop(event?),
                        failure = client.watch() => return Err(failure.into()),
                    }
                }
            }
        }
        Ok(Exit::Done)
    }

    fn unmet(&self) -> Failure {
        let limit = self.client.reply_timeout().unwrap_or_default();
        let limit = humantime::format_duration(limit);
        let names: Vec<String> = self
            .procedures
            .iter()
            .chain(&self.topic)
            .map(|uri| format!("{uri:?}"))
            .collect();
        let message = format!("{} did not come within {limit}", names.join(", "));
        Failure::new(Exit::TimedOut, message).hint("to wait longer: -T 60s")
    }
}

/// Whether something takes the calls, or hears the events, of a URI.
async fn is_there(meta: Meta<'_>, chapter: &str, uri: &str) -> Result<bool, Failure> {
    let procedure = format!("wamp.{chapter}.match");
    let found = meta.find(&procedure, vec![uri.into()]).await?;
    Ok(!matches!(found, None | Some(Value::Null)) && found != Some(Value::List(Vec::new())))
}

/// Whether a router may come: nobody answers there yet.
fn is_not_there(error: &anyhow::Error) -> bool {
    let exit = error.downcast_ref::<Failure>().map(Failure::exit);
    exit == Some(Exit::NotConnected)
}
