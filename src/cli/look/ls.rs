//! `wamp ls`: what a realm has: sessions, procedures, topics.

use anyhow::Result;
use clap::ValueEnum;

use super::meta::{Kind, Meta, cell};
use super::tree::Tree;
use crate::cli::client::{Client, ClientArgs};
use crate::cli::exit::{Exit, Failure};
use crate::cli::printer::{OutputArgs, Printer};
use crate::cli::table::titled;
use crate::protocol::{Dict, Value};

/// Shown below the options.
const EXAMPLES: &str = "\
  wamp ls                     all there is
  wamp ls procs               procedures, who may be called how, and by how many
  wamp ls topics --tree       topics as a tree of their parts
  wamp ls sessions -o json    one line of JSON each, as into a pipe";

/// List sessions, procedures and topics of a realm
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct LsArgs {
    /// sessions, procs or topics; all of them if not given
    #[arg(value_enum, hide_possible_values = true)]
    what: Option<What>,
    /// Only those in whose line of JSON this text occurs
    text: Option<String>,
    /// Draw URIs as a tree
    #[arg(long)]
    tree: bool,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    pub(in crate::cli) client: ClientArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum What {
    #[value(alias = "session")]
    Sessions,
    #[value(alias = "proc", alias = "procedures", alias = "registrations")]
    Procs,
    #[value(alias = "topic", alias = "subscriptions")]
    Topics,
}

impl What {
    pub(super) const fn kind(self) -> Kind {
        match self {
            Self::Sessions => Kind::Session,
            Self::Procs => Kind::Procedure,
            Self::Topics => Kind::Topic,
        }
    }
}

impl LsArgs {
    pub(in crate::cli) async fn run(self) -> Result<Exit> {
        if self.tree && self.what.is_none_or(|what| what == What::Sessions) {
            let failure = Failure::usage("--tree draws URIs, of procedures or topics");
            return Err(failure.hint("wamp ls procs --tree").into());
        }
        let console = &self.client.console();
        let printer = Printer::new(&self.output, console);
        let work = async |client: &Client<'_>| self.list(client, &printer).await;
        self.client.brief(console, work).await
    }

    async fn list(&self, client: &Client<'_>, printer: &Printer) -> Result<Exit> {
        let meta = Meta(client);
        if let Some(what) = self.what {
            let records = self.wanted(meta.all(what.kind()).await?);
            self.show(what.kind(), &records, client, printer)?;
            return Ok(Exit::Done);
        }
        let mut failures = Vec::new();
        for kind in Kind::ALL {
            match meta.all(kind).await {
                Ok(records) => self.show(kind, &self.wanted(records), client, printer)?,
                Err(failure) if failure.exit() == Exit::Refused => {
                    client.console.note(&failure.to_string());
                    failures.push(failure);
                }
                Err(failure) => return Err(failure.into()),
            }
        }
        match failures.pop() {
            // Part of the meta API is enough to answer by.
            Some(failure) if failures.len() + 1 == Kind::ALL.len() => Err(failure.into()),
            _ => Ok(Exit::Done),
        }
    }

    fn wanted(&self, mut records: Vec<Dict>) -> Vec<Dict> {
        if let Some(text) = &self.text {
            records.retain(|record| {
                crate::cli::json::to_line(&Value::Dict(record.clone())).contains(text)
            });
        }
        records
    }

    fn show(
        &self,
        kind: Kind,
        records: &[Dict],
        client: &Client<'_>,
        printer: &Printer,
    ) -> Result<()> {
        if records.is_empty() && (self.tree || printer.is_for_people()) {
            client.console.note(&format!("no {}s", kind.name()));
            return Ok(());
        }
        if self.tree {
            return printer.text(&tree(kind, records));
        }
        if !printer.is_for_people() {
            return records
                .iter()
                .try_for_each(|record| printer.value(&Value::Dict(record.clone())));
        }
        let titles = titles(kind);
        let rows: Vec<Vec<String>> = records.iter().map(|record| row(kind, record)).collect();
        let text = titled(titles, &rows, client.console.stdout());
        let gap = if self.what.is_none() { "\n" } else { "" };
        printer.text(&format!("{text}{gap}"))
    }
}

const fn titles(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Session => &[
            "session",
            "authid",
            "authrole",
            "authmethod",
            "peer",
            "agent",
        ],
        Kind::Procedure => &["procedure", "match", "invoke", "callees", "id"],
        Kind::Topic => &["topic", "match", "subscribers", "id"],
    }
}

fn row(kind: Kind, record: &Dict) -> Vec<String> {
    match kind {
        Kind::Session => {
            let is_self = record.get("self").is_some();
            let mark = if is_self { " (this one)" } else { "" };
            vec![
                format!("{}{mark}", cell(record, "session")),
                cell(record, "authid"),
                cell(record, "authrole"),
                cell(record, "authmethod"),
                peer(record),
                agent(record),
            ]
        }
        Kind::Procedure => ["uri", "match", "invoke", "callees", "id"]
            .map(|name| cell(record, name))
            .into(),
        Kind::Topic => ["uri", "match", "subscribers", "id"]
            .map(|name| cell(record, name))
            .into(),
    }
}

/// Where a session comes from, as far as a router says: each has its own words for it.
fn peer(record: &Dict) -> String {
    match record.get("transport") {
        Some(Value::Dict(transport)) => cell(transport, "peer"),
        _ => String::new(),
    }
}

fn agent(record: &Dict) -> String {
    let said = cell(record, "agent");
    match record.get("transport") {
        Some(Value::Dict(transport)) if said.is_empty() => cell(transport, "agent"),
        _ => said,
    }
}

fn tree(kind: Kind, records: &[Dict]) -> String {
    let mut tree = Tree::default();
    for record in records {
        let policy = cell(record, "match");
        let policy = if policy == "exact" {
            String::new()
        } else {
            format!("{policy}, ")
        };
        let count = cell(record, kind.holders());
        let holders = kind.holders();
        let holders = if count == "1" {
            holders.trim_end_matches('s')
        } else {
            holders
        };
        tree.add(&cell(record, "uri"), format!("{policy}{count} {holders}"));
    }
    tree.draw()
}
