//! `wamp kill`: ends sessions of others. Asks first, where there is somebody to ask.

use std::io::{self, IsTerminal as _};

use anyhow::Result;

use super::meta::Meta;
use crate::cli::client::{Client, ClientArgs};
use crate::cli::console::{self, printable};
use crate::cli::exit::{Exit, Failure};
use crate::cli::printer::{OutputArgs, Printer};
use crate::protocol::{Dict, Value};

/// Shown below the options.
const EXAMPLES: &str = "\
  wamp kill 8715846842068988
  wamp kill --by-authid joe --message 'see you tomorrow'
  wamp kill --all --yes
Prints how many sessions were ended; the one that asks is never among them.
--authid says who you are yourself, as everywhere.";

/// End sessions of others
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct KillArgs {
    /// Sessions, as wamp ls sessions shows them
    #[arg(value_name = "SESSION", group = "victims")]
    sessions: Vec<u64>,
    /// All sessions of who signed in as NAME
    #[arg(long, value_name = "NAME", group = "victims")]
    by_authid: Option<String>,
    /// All sessions of a role
    #[arg(long, value_name = "ROLE", group = "victims")]
    by_authrole: Option<String>,
    /// All sessions
    #[arg(long, group = "victims")]
    all: bool,
    /// Why, as a URI, which those who are ended are told
    #[arg(long, value_name = "URI")]
    reason: Option<String>,
    /// Why, for people
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    pub(in crate::cli) client: ClientArgs,
}

impl KillArgs {
    pub(in crate::cli) async fn run(self) -> Result<Exit> {
        let whom = self.whom()?;
        self.confirm(&whom)?;
        let console = &self.client.console();
        let printer = Printer::new(&self.output, console);
        let work = async |client: &Client<'_>| {
            let ended = self.kill(Meta(client)).await?;
            printer.value(&ended.into())?;
            Ok(Exit::Done)
        };
        self.client.brief(console, work).await
    }

    /// Whom it is about, in words.
    fn whom(&self) -> Result<String, Failure> {
        if let Some(authid) = &self.by_authid {
            return Ok(format!("all sessions of {authid:?}"));
        }
        if let Some(authrole) = &self.by_authrole {
            return Ok(format!("all sessions of the role {authrole:?}"));
        }
        match (self.all, self.sessions.as_slice()) {
            (true, _) => Ok("all sessions but this one".to_owned()),
            (false, []) => Err(Failure::usage("nobody is named whose session is to end")
                .hint("wamp kill SESSION, --by-authid NAME, --by-authrole ROLE or --all")),
            (false, [session]) => Ok(format!("session {session}")),
            (false, sessions) => Ok(format!("{} sessions", sessions.len())),
        }
    }

    fn confirm(&self, whom: &str) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            let failure = Failure::usage(format!("there is nobody to ask whether to end {whom}"));
            return Err(failure.hint("a script says --yes"));
        }
        console::say(&format!("End {}? [y/N] ", printable(whom)));
        let mut answer = String::new();
        let read = io::stdin().read_line(&mut answer);
        match (read, answer.trim()) {
            (Ok(_), "y" | "Y" | "yes") => Ok(()),
            _ => Err(Failure::usage("nothing was ended")),
        }
    }

    /// Returns how many were ended.
    async fn kill(&self, meta: Meta<'_>) -> Result<u64, Failure> {
        if let Some(authid) = &self.by_authid {
            return self
                .kill_many(meta, "wamp.session.kill_by_authid", Some(authid))
                .await;
        }
        if let Some(authrole) = &self.by_authrole {
            return self
                .kill_many(meta, "wamp.session.kill_by_authrole", Some(authrole))
                .await;
        }
        if self.all {
            return self.kill_many(meta, "wamp.session.kill_all", None).await;
        }
        let mut ended = 0;
        for &session in &self.sessions {
            self.call(meta, "wamp.session.kill", vec![session.into()])
                .await?;
            ended += 1;
        }
        Ok(ended)
    }

    async fn kill_many(
        &self,
        meta: Meta<'_>,
        procedure: &str,
        whose: Option<&String>,
    ) -> Result<u64, Failure> {
        let args = whose.map(|whose| whose.as_str().into());
        Ok(
            match self
                .call(meta, procedure, args.into_iter().collect())
                .await?
            {
                // Some say whom, some how many.
                Value::List(ended) => ended.len() as u64,
                ended => ended
                    .whole_number()
                    .and_then(|n| n.try_into().ok())
                    .unwrap_or_default(),
            },
        )
    }

    async fn call(
        &self,
        meta: Meta<'_>,
        procedure: &str,
        args: Vec<Value>,
    ) -> Result<Value, Failure> {
        let told = [("reason", &self.reason), ("message", &self.message)];
        let told = told
            .into_iter()
            .filter_map(|(name, said)| Some((name, said.clone()?)));
        let answer = meta.call(procedure, args, told.collect::<Dict>()).await?;
        answer.map_err(|error| meta.refused(procedure, &error))
    }
}
