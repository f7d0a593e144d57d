//! `wamp info`: all that a router says of one session, procedure or topic, or of itself.

use anyhow::Result;

use super::meta::{Kind, Meta};
use crate::cli::client::{Client, ClientArgs};
use crate::cli::exit::{Exit, Failure};
use crate::cli::printer::{OutputArgs, Printer};
use crate::protocol::{Dict, Value};

/// Show all that is known of a session, procedure or topic, or of the router
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct InfoArgs {
    /// Id of a session, registration or subscription, or a URI; the router if not given
    #[arg(add = crate::cli::complete::procedures(), value_name = "ID|URI")]
    what: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    pub(in crate::cli) client: ClientArgs,
}

impl InfoArgs {
    pub(in crate::cli) async fn run(self) -> Result<Exit> {
        let console = &self.client.console();
        let printer = Printer::new(&self.output, console);
        let work = async |client: &Client<'_>| {
            let found = match self.what.as_deref() {
                None => vec![of_router(client)],
                Some(what) => match what.parse::<u64>() {
                    Ok(id) => by_id(Meta(client), id).await?,
                    Err(_) => by_uri(Meta(client), what).await?,
                },
            };
            if found.is_empty() {
                let what = self.what.as_deref().unwrap_or_default();
                let message = format!("{} knows nothing of {what:?}", client.realm());
                let failure = Failure::new(Exit::Refused, message);
                return Err(failure.hint("wamp ls shows what there is").into());
            }
            for record in found {
                printer.value(&Value::Dict(record))?;
            }
            Ok(Exit::Done)
        };
        self.client.brief(console, work).await
    }
}

/// An id may be one of each kind.
async fn by_id(meta: Meta<'_>, id: u64) -> Result<Vec<Dict>, Failure> {
    let mut found = Vec::new();
    for kind in Kind::ALL {
        found.extend(whole_record(meta, kind, id.into()).await?);
    }
    Ok(found)
}

/// What would take a call of this URI, and who would get an event of it.
async fn by_uri(meta: Meta<'_>, uri: &str) -> Result<Vec<Dict>, Failure> {
    let mut found = Vec::new();
    let matching = meta
        .find("wamp.registration.match", vec![uri.into()])
        .await?;
    if let Some(id) = matching {
        found.extend(whole_record(meta, Kind::Procedure, id).await?);
    }
    let matching = meta
        .find("wamp.subscription.match", vec![uri.into()])
        .await?;
    if let Some(Value::List(ids)) = matching {
        for id in ids {
            found.extend(whole_record(meta, Kind::Topic, id).await?);
        }
    }
    Ok(found)
}

/// A record with the ids of who holds it instead of their number.
async fn whole_record(meta: Meta<'_>, kind: Kind, id: Value) -> Result<Option<Dict>, Failure> {
    let Some(mut record) = meta.record(kind, id.clone()).await? else {
        return Ok(None);
    };
    if kind != Kind::Session {
        let holders = Value::List(meta.holders(kind, id).await?);
        record = record
            .iter()
            .filter(|(name, _)| *name != kind.holders())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        record.push(kind.holders(), holders);
    }
    Ok(Some(record))
}

/// What the router said when it let us in.
fn of_router(client: &Client<'_>) -> Dict {
    let mut record = Dict::from_iter([("kind", Value::from("router"))]);
    let Some(joined) = client.peer.joined() else {
        return record;
    };
    let details = &joined.welcome.details;
    let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
    record.push("realm", client.realm());
    record.push("agent", text(details.agent.as_deref()));
    record.push("session", joined.welcome.session.value());
    record.push("serializer", joined.serializer.name());
    record.push("authid", text(details.authid.as_deref()));
    record.push("authrole", text(details.authrole.as_deref()));
    record.push("authmethod", text(details.authmethod.as_deref()));
    record.push("roles", super::features::announced(details));
    record
}
