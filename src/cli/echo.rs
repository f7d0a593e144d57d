//! `wamp echo`: a raw WebSocket server for those who write clients, until it is told to stop.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tracing::warn;

use super::client::parse_timeout;
use super::console::stderr_palette;
use super::echo_note::described;
use super::lines::{Clock, Lines};
use super::listen::{LogArgs, Stop, explain, tell_ready};
use super::size;
use crate::config::values;
use crate::echo::{Answer, Behaviour, Loss, Server, Watcher};
use crate::router::Limits;
use crate::transport::{Admission, Closing, Door, Listeners, Place, RawPaths, Site};

/// How long connections may take to close.
const CLOSE_TIME: Duration = Duration::from_secs(3);
/// How long the last lines may take to be written.
const LAST_LINES_TIME: Duration = Duration::from_secs(1);
/// The longest delay.
const DELAY_MAX: Duration = Duration::from_hours(24);

/// Run a raw WebSocket server that sends back what it gets, to test clients
#[derive(Args, Debug)]
pub(super) struct EchoArgs {
    /// Listen here. Port 0 picks a free one, `:9001` is loopback
    #[arg(value_name = "ADDR", default_value = "127.0.0.1:9000", value_parser = values::address)]
    listen: String,
    /// Send each message to everybody, its sender included
    #[arg(long)]
    broadcast: bool,
    /// Tell everybody how many are connected, whenever one comes or goes; send nothing back
    #[arg(long, conflicts_with_all = ["broadcast", "delay", "drop"])]
    count: bool,
    /// Wait before each message is sent back, for example `300ms`; their order is kept
    #[arg(long, value_name = "DURATION", value_parser = delay)]
    delay: Option<Duration>,
    /// Lose things: `10%` of the messages get no answer (the same in every run); `5` cuts each
    /// connection after 5 messages, without a close frame
    #[arg(long, value_name = "RATE|N", value_parser = loss)]
    drop: Option<Loss>,
    /// Refuse messages of more bytes with code 1009, for example `64k`
    #[arg(long, value_name = "SIZE", default_value = "16m", value_parser = size::parse)]
    max_message: usize,
    /// Let in pages of this origin too; repeatable
    #[arg(long, value_name = "ORIGIN", value_parser = values::origin)]
    allow_origin: Vec<String>,
    /// Answer to this host name on loopback too; repeatable
    #[arg(long, value_name = "NAME", value_parser = values::host)]
    allow_host: Vec<String>,
    #[command(flatten)]
    log: LogArgs,
}

fn delay(text: &str) -> Result<Duration, String> {
    let delay = parse_timeout(text)?;
    if delay > DELAY_MAX {
        return Err("a delay is at most a day".to_owned());
    }
    Ok(delay)
}

/// `10%` or `5`.
fn loss(text: &str) -> Result<Loss, String> {
    if let Some(percent) = text.strip_suffix('%') {
        let share = percent.parse::<f64>().map(|percent| percent / 100.0);
        return share
            .ok()
            .filter(|share| (0.0..=1.0).contains(share))
            .map(Loss::Share)
            .ok_or_else(|| "a share is from 0% to 100%".to_owned());
    }
    let count = text.parse().ok().and_then(NonZeroU64::new);
    count.map(Loss::CutAfter).ok_or_else(|| {
        "write a share of the messages as 10%, or a number of messages as 5".to_owned()
    })
}

impl EchoArgs {
    /// Runs the server; returns when it was told to stop and has stopped.
    ///
    /// # Errors
    /// An address that cannot be listened on ([`BindError`](crate::transport::BindError)).
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let lines = Lines::start(self.log.quiet)?;
        let log = lines.clone();
        self.log
            .start("wamp=warn", Clock::new(), move || log.clone());
        let done = self.serve(&lines).await;
        lines.flush(LAST_LINES_TIME);
        done
    }

    async fn serve(&self, lines: &Lines) -> anyhow::Result<()> {
        let mut stop = Stop::new()?;
        let (listeners, closing) = Listeners::bind(std::slice::from_ref(&self.listen))
            .await
            .map_err(|error| explain(&error, "server", "wamp echo :0"))?;
        let urls = listeners.urls("ws", "");
        self.say_hello(&listeners, lines);
        let server = Server::new(self.behaviour(), self.limits(), self.watcher(lines));
        tell_ready(&urls)?;
        tokio::select! {
            () = accept(listeners, server.clone(), self.site()) => {}
            signal = stop.requested() => lines.note(&format!("{signal}: stopping; again to stop at once")),
        }
        tokio::select! {
            () = shut_down(server, closing) => lines.note("stopped"),
            signal = stop.requested() => lines.note(&format!("{signal}: stopped at once")),
        }
        Ok(())
    }

    fn say_hello(&self, listeners: &Listeners, lines: &Lines) {
        for address in listeners.addresses().filter(|it| !it.ip().is_loopback()) {
            warn!("{address} is reachable from other machines");
        }
        for url in listeners.urls("ws", "") {
            let what = self.answer().what_it_does();
            lines.note(&format!("{url} {what}; try it: wamp ws {url}"));
        }
        lines.note("pages opened as files (origin \"null\") are let in, from this machine");
    }

    const fn answer(&self) -> Answer {
        match (self.broadcast, self.count) {
            (true, _) => Answer::Broadcast,
            (_, true) => Answer::Count,
            _ => Answer::Echo,
        }
    }

    fn behaviour(&self) -> Behaviour {
        Behaviour {
            answer: self.answer(),
            delay: self.delay.unwrap_or_default(),
            loss: self.drop.unwrap_or(Loss::Nothing),
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            message_bytes: self.max_message,
            ..Limits::default()
        }
    }

    fn site(&self) -> Site {
        let mut allowed_origins = self.allow_origin.clone();
        allowed_origins.push("null".to_owned());
        Site {
            cookies: None,
            door: Door::default(),
            longpoll: None,
            wamp_path: None,
            raw_paths: RawPaths::All(self.answer().what_it_does()),
            pages: None,
            admission: Admission {
                allowed_origins,
                allowed_hosts: self.allow_host.clone(),
            },
        }
    }

    fn watcher(&self, lines: &Lines) -> Watcher {
        if self.log.quiet {
            return Watcher::new(|_, _| {});
        }
        let lines = lines.clone();
        let clock = Clock::new();
        Watcher::new(move |client, note| {
            let palette = stderr_palette();
            let time = palette.note(&clock.now());
            let client = palette.name(&format!("[{client}]"));
            lines.push(&format!("{time} {client} {}\n", described(note)));
        })
    }
}

async fn accept(listeners: Listeners, server: Server, site: Site) {
    let limits = Limits::default();
    let full = |_, peer| warn!(%peer, "refused: the server has as many connections as it may have");
    let site = Arc::new(site);
    let serve = move |stream, ends, place: Place| {
        let (server, site) = (server.clone(), Arc::clone(&site));
        async move {
            server.serve(stream, ends, &site, place.stopping()).await;
            drop(place);
        }
    };
    listeners.accept(&limits, Vec::new(), full, serve).await;
}

async fn shut_down(server: Server, closing: Closing) {
    server.shut_down();
    closing.all_over(CLOSE_TIME).await;
}
