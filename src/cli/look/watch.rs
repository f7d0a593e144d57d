//! `wamp watch`: who comes and goes, and what is offered and heard, as a router's meta events tell it.

use std::collections::HashMap;
use std::fmt::Write as _;

use anyhow::Result;

use super::ls::What;
use super::meta::{Kind, Meta, cell};
use super::news::News;
use crate::cli::client::{Client, ClientArgs, Stay};
use crate::cli::console;
use crate::cli::exit::Exit;
use crate::cli::printer::{self, OutputArgs, Printer};
use crate::cli::signal::Signals;
use crate::node::time_of_day;
use crate::protocol::message::Event;
use crate::protocol::{Dict, Value};

/// How many ids a name is remembered for. bound: beyond, names are forgotten and asked for again.
const NAMES_MAX: usize = 16_384;

/// What is watched: the topic below `wamp.`, of what it tells, and how people say it.
const EVENTS: [(&str, Kind, &str); 10] = [
    ("session.on_join", Kind::Session, "joined"),
    ("session.on_leave", Kind::Session, "left"),
    ("registration.on_create", Kind::Procedure, "created"),
    ("registration.on_register", Kind::Procedure, "registered"),
    (
        "registration.on_unregister",
        Kind::Procedure,
        "unregistered",
    ),
    ("registration.on_delete", Kind::Procedure, "deleted"),
    ("subscription.on_create", Kind::Topic, "created"),
    ("subscription.on_subscribe", Kind::Topic, "subscribed"),
    ("subscription.on_unsubscribe", Kind::Topic, "unsubscribed"),
    ("subscription.on_delete", Kind::Topic, "deleted"),
];

/// Show who joins and leaves, registers and subscribes
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct WatchArgs {
    /// sessions, procs or topics; all of them if not given
    #[arg(value_enum, hide_possible_values = true)]
    what: Option<What>,
    /// End after this many events
    #[arg(short = 'n', long, value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    pub(in crate::cli) client: ClientArgs,
}

impl WatchArgs {
    pub(in crate::cli) async fn run(self) -> Result<Exit> {
        let console = &self.client.console();
        let printer = Printer::new(&self.output, console);
        let work = async |client: &Client<'_>, signals: &mut Signals| {
            tokio::select! {
                done = self.watch(client, &printer) => done,
                exit = signals.next() => Ok(exit),
                failure = client.watch() => Err(failure.into()),
                () = printer::stdout_closed() => Ok(Exit::PipeClosed),
            }
        };
        self.client.session(console, Stay::Long, work).await
    }

    async fn watch(&self, client: &Client<'_>, printer: &Printer) -> Result<Exit> {
        let wanted = |kind| self.what.is_none_or(|what| what.kind() == kind);
        let mut news = News::new(client);
        let mut watched = Vec::new();
        for (name, kind, word) in EVENTS.into_iter().filter(|&(_, kind, _)| wanted(kind)) {
            news.of(client, &format!("wamp.{name}")).await?;
            watched.push((name, kind, word));
        }
        client.console.note("watching  (Ctrl-C to stop)");
        let mut watcher = Watcher {
            client,
            news,
            names: HashMap::new(),
        };
        let mut left = self.count;
        loop {
            let (index, event) = watcher.news.next().await?;
            let Some(&(name, kind, word)) = watched.get(index) else {
                continue;
            };
            let Some(record) = watcher.record(name, kind, &event).await else {
                continue;
            };
            if printer.is_for_people() {
                printer.text(&line(&record, kind, word, client.console.stdout()))?;
            } else {
                printer.value(&Value::Dict(record))?;
            }
            left = left.map(|left| left - 1);
            if left == Some(0) {
                return Ok(Exit::Done);
            }
        }
    }
}

/// What makes records of events.
struct Watcher<'a> {
    client: &'a Client<'a>,
    news: News,
    /// The URIs of registrations and subscriptions, whose events say ids.
    names: HashMap<(&'static str, u64), String>,
}

impl Watcher<'_> {
    /// An event as a record; `None` for what this command has caused itself, or what makes no sense.
    async fn record(&mut self, name: &str, kind: Kind, event: &Event) -> Option<Dict> {
        let mut args = event.payload.args().ok()?.into_iter();
        let first = args.next()?;
        let mut record = Dict::from_iter([("event", Value::from(name))]);
        if kind == Kind::Session {
            session_record(&mut record, first, args);
        } else if first.whole_number() == Some(Meta(self.client).own_session().into()) {
            return None;
        } else {
            record.push("session", first);
            let about = args.next()?;
            self.held_record(&mut record, kind, &about).await?;
        }
        record.push("ts", printer::utc_time(time_of_day()));
        Some(record)
    }

    /// `on_create` tells details of a registration or subscription, the others its id.
    async fn held_record(&mut self, record: &mut Dict, kind: Kind, about: &Value) -> Option<()> {
        let details = match about {
            Value::Dict(details) => Some(details),
            _ => None,
        };
        let id = details.map_or(Some(about), |details| details.get("id"));
        let id = u64::try_from(id?.whole_number()?).ok()?;
        if let Some(details) = details {
            self.note(kind, id, cell(details, "uri"));
        }
        if let Some(uri) = self.name(kind, id).await {
            record.push("uri", uri);
        }
        if let Some(policy) = details.and_then(|details| details.get("match")) {
            record.push("match", policy.clone());
        }
        record.push("id", id);
        Some(())
    }

    /// The URI of an id: told when it was created, or else asked for; not to be had once it is gone.
    async fn name(&mut self, kind: Kind, id: u64) -> Option<String> {
        let client = self.client;
        if let Some(name) = self.names.get(&(kind.name(), id)) {
            return Some(name.clone());
        }
        let get = format!("wamp.{}.get", kind.chapter());
        let question = async { Meta(client).find(&get, vec![id.into()]).await };
        let Some(Ok(Some(Value::Dict(details)))) = self.news.meanwhile(question).await else {
            return None;
        };
        let name = cell(&details, "uri");
        self.note(kind, id, name.clone());
        Some(name)
    }

    fn note(&mut self, kind: Kind, id: u64, name: String) {
        if self.names.len() >= NAMES_MAX {
            self.names.clear();
        }
        self.names.insert((kind.name(), id), name);
    }
}

/// `on_join` tells details, `on_leave` the id and who it was; some routers tell the id alone.
fn session_record(record: &mut Dict, first: Value, mut rest: impl Iterator<Item = Value>) {
    if let Value::Dict(details) = first {
        for (name, value) in details {
            record.push(name, value);
        }
        return;
    }
    record.push("session", first);
    for name in ["authid", "authrole"] {
        if let Some(said) = rest.next() {
            record.push(name, said);
        }
    }
}

/// `12:30:25.123 registered    sum  session 8715846842068988`
fn line(record: &Dict, kind: Kind, word: &str, palette: console::Palette) -> String {
    let time = cell(record, "ts").parse::<jiff::Timestamp>();
    let zone = jiff::tz::TimeZone::system();
    let time = time.map_or_else(|_| String::new(), |time| printer::local_time(time, &zone));
    let what = match kind {
        Kind::Session => String::new(),
        Kind::Procedure | Kind::Topic => match cell(record, "uri") {
            uri if uri.is_empty() => format!("{} {}  ", kind.name(), cell(record, "id")),
            uri => format!(
                "{} {}  ",
                kind.name(),
                palette.topic(&console::printable(&uri))
            ),
        },
    };
    let mut who = format!("session {}", cell(record, "session"));
    for name in ["authid", "authrole"] {
        let said = cell(record, name);
        if !said.is_empty() {
            let _ = write!(who, "  {name}={}", console::printable(&said));
        }
    }
    format!("{} {word:<12}  {what}{who}", palette.note(&time))
}
