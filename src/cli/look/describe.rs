//! `wamp describe`: what a procedure, topic or error is, as those who offer it said, or else as the router knows it.
//!
//! Reflection is a sketch in the specification, and few routers have it. Spec: ap#interface-reflection.

use anyhow::Result;

use super::meta::{Kind, Meta};
use crate::cli::client::{Client, ClientArgs};
use crate::cli::errors;
use crate::cli::exit::{Exit, Failure};
use crate::cli::printer::{OutputArgs, Printer};
use crate::node::connect::RequestError;
use crate::protocol::{Dict, Feature, Role, Value};

/// What a URI may name, as reflection has it.
const KINDS: [&str; 3] = ["procedure", "topic", "error"];

/// Describe a procedure, topic or error, as far as anybody says what it is
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct DescribeArgs {
    /// Procedure, topic or error
    #[arg(add = crate::cli::complete::procedures(), value_name = "PROC")]
    uri: String,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    pub(in crate::cli) client: ClientArgs,
}

impl DescribeArgs {
    pub(in crate::cli) async fn run(self) -> Result<Exit> {
        let console = &self.client.console();
        let printer = Printer::new(&self.output, console);
        let work = async |client: &Client<'_>| {
            for description in self.descriptions(client).await? {
                printer.value(&Value::Dict(description))?;
            }
            Ok(Exit::Done)
        };
        self.client.brief(console, work).await
    }

    async fn descriptions(&self, client: &Client<'_>) -> Result<Vec<Dict>, Failure> {
        let meta = Meta(client);
        let mut found = Vec::new();
        let roles = client.peer.joined();
        let roles = roles.and_then(|joined| joined.welcome.details.roles);
        if roles.is_some_and(|roles| roles.has(Role::Dealer, Feature::Reflection)) {
            for kind in KINDS {
                found.extend(self.reflected(meta, kind).await?);
            }
        } else {
            let note = "the router has no reflection; this is what it knows of the registration";
            client.console.note(note);
            let args = vec![self.uri.as_str().into()];
            if let Some(id) = meta.find("wamp.registration.match", args).await? {
                found.extend(meta.record(Kind::Procedure, id).await?);
            }
        }
        if found.is_empty() {
            let message = format!("nobody says what {:?} is, and nobody offers it", self.uri);
            let failure = Failure::new(Exit::Refused, message);
            return Err(
                failure.hint("wamp ls shows what there is; wamp.reflect.define says what it is")
            );
        }
        Ok(found)
    }

    /// What is known of the URI as one kind. Whatever the router refuses it by, it knows nothing of it.
    async fn reflected(&self, meta: Meta<'_>, kind: &str) -> Result<Option<Dict>, Failure> {
        let procedure = format!("wamp.reflection.{kind}.describe");
        let args = vec![self.uri.as_str().into()];
        match meta.call(&procedure, args, Dict::new()).await? {
            Ok(Value::Dict(description)) => {
                let mut record = Dict::from_iter([("kind", kind)]);
                for (name, value) in description {
                    record.push(name, value);
                }
                let meaning = errors::meaning(&self.uri).filter(|_| kind == "error");
                if let Some(meaning) = meaning {
                    record.push("meaning", meaning);
                }
                Ok(Some(record))
            }
            Ok(_) | Err(RequestError::Refused(_)) => Ok(None),
            Err(error) => Err(meta.refused(&procedure, &error)),
        }
    }
}
