//! `wamp router`: realms on listeners, until it is told to stop.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};
use tracing_subscriber::EnvFilter;

use super::exit::Failure;
use crate::node::{BindError, Closing, Listening, Router, demo, log_listening};
use crate::protocol::{Uri, UriRule};
use crate::router::{Authenticator, Limits, RequestIds, Settings, TimeUnit};
use crate::transport::{Admission, Site, io_text};

/// How long connections may take to close once every session has left.
const CLOSE_TIME: Duration = Duration::from_secs(3);

/// Run a WAMP router
#[derive(Args, Debug)]
pub(super) struct RouterArgs {
    /// Listen here; repeatable. Port 0 picks a free one, `:9000` is loopback
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080", value_parser = address)]
    listen: Vec<String>,
    /// Serve a realm of this name; repeatable
    #[arg(long, value_name = "NAME", default_value = "realm1", value_parser = realm_name)]
    realm: Vec<Uri>,
    /// Speak WAMP over WebSocket at this path
    #[arg(long, value_name = "PATH", default_value = "/ws", value_parser = path)]
    path: String,
    /// Let in pages of this origin too; repeatable (`null`: opened as files)
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// Answer to this host name on loopback too; repeatable
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// Offer `sum` and publish the current directory's files, to try things
    #[arg(long)]
    demo: bool,
    /// How ids of requests are checked: strictly, or (for clients written against Crossbar.io) not
    #[arg(long, value_enum, value_name = "HOW", default_value_t)]
    request_ids: RequestIdsChoice,
    /// What a call's `timeout` counts (`s`: for clients written against Crossbar.io)
    #[arg(long, value_enum, value_name = "UNIT", default_value_t)]
    call_timeout_unit: TimeUnitChoice,
    /// Log more: every connection
    #[arg(short, long, conflicts_with = "quiet")]
    verbose: bool,
    /// Log warnings and errors only
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum RequestIdsChoice {
    #[default]
    Strict,
    Lenient,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum TimeUnitChoice {
    #[default]
    Ms,
    S,
}

impl From<RequestIdsChoice> for RequestIds {
    fn from(choice: RequestIdsChoice) -> Self {
        match choice {
            RequestIdsChoice::Strict => Self::Strict,
            RequestIdsChoice::Lenient => Self::Lenient,
        }
    }
}

impl From<TimeUnitChoice> for TimeUnit {
    fn from(choice: TimeUnitChoice) -> Self {
        match choice {
            TimeUnitChoice::Ms => Self::Milliseconds,
            TimeUnitChoice::S => Self::Seconds,
        }
    }
}

fn realm_name(text: &str) -> Result<Uri, String> {
    let realm = Uri::from(text);
    realm
        .check(UriRule::Loose)
        .map_err(|why| format!("no valid realm name: {why}"))?;
    Ok(realm)
}

/// `ADDR:PORT`, or `:PORT` for loopback; a name is looked up when it is listened on.
fn address(text: &str) -> Result<String, String> {
    let right = "write it as 127.0.0.1:9000, [::1]:9000 or :9000 for loopback";
    let (host, port) = text.rsplit_once(':').ok_or(right)?;
    port.parse::<u16>()
        .map_err(|_| format!("{port:?} is no port from 0 to 65535; {right}"))?;
    let is_bare_ipv6 = host.contains(':') && !host.starts_with('[');
    if host.contains('/') || is_bare_ipv6 {
        return Err(right.to_owned());
    }
    let host = if host.is_empty() { "127.0.0.1" } else { host };
    Ok(format!("{host}:{port}"))
}

/// Why an address cannot be listened on, and what would help.
fn explain(error: &BindError) -> Failure {
    let failure = Failure::local(error.to_string());
    match error.cause.kind() {
        io::ErrorKind::AddrInUse => {
            failure.hint("is another router running there? choose another port, or let one be picked: --listen :0")
        }
        io::ErrorKind::PermissionDenied => failure.hint("ports below 1024 are for root; choose a higher one"),
        io::ErrorKind::AddrNotAvailable => failure.hint("that is no address of this machine; 0.0.0.0 is all it has"),
        _ => failure,
    }
}

fn path(text: &str) -> Result<String, String> {
    if text.starts_with('/') {
        Ok(text.to_owned())
    } else {
        Err(format!("a path begins with a slash: /{text}"))
    }
}

impl RouterArgs {
    /// Runs the router; returns when it was told to stop and has stopped.
    ///
    /// # Errors
    /// An address that cannot be listened on ([`BindError`]).
    pub(super) async fn run(self) -> anyhow::Result<()> {
        self.log_to_stderr();
        // Before anybody can know that we listen: a signal must never find its default at work.
        let mut stop = Stop::new()?;
        let settings = self.settings();
        let realms = self
            .realm
            .iter()
            .map(|realm| (realm.clone(), settings.clone()));
        let router = Router::new(realms, Limits::default(), Authenticator::default());
        let (listening, closing) = Listening::bind(&self.listen, Arc::clone(&router), self.site())
            .await
            .map_err(|error| explain(&error))?;
        log_listening(&listening);
        if self.demo {
            let realms: BTreeSet<&Uri> = self.realm.iter().collect();
            for realm in realms {
                demo::start(listening.gate(), realm).await?;
            }
            info!(
                "the demo offers `sum`, publishes filewithext.<ext>, and lets in pages opened as files"
            );
        }
        tell_ready(&listening).map_err(|error| {
            Failure::local(format!("cannot write to stdout: {}", io_text(&error)))
        })?;
        tokio::select! {
            () = listening.accept() => {}
            signal = stop.requested() => info!("{signal}: stopping; calls in flight get their answer, again to stop at once"),
        }
        tokio::select! {
            () = shut_down(&router, closing) => info!("stopped"),
            signal = stop.requested() => warn!("{signal}: stopped at once"),
        }
        Ok(())
    }

    fn settings(&self) -> Settings {
        Settings {
            request_ids: self.request_ids.into(),
            call_timeout_unit: self.call_timeout_unit.into(),
            ..Settings::default()
        }
    }

    fn site(&self) -> Site {
        let mut allowed_origins = self.allow_origin.clone();
        if self.demo {
            allowed_origins.push("null".to_owned());
        }
        let admission = Admission {
            allowed_origins,
            allowed_hosts: self.allow_host.clone(),
        };
        Site {
            wamp_path: Some(self.path.clone()),
            admission,
            ..Site::default()
        }
    }

    fn log_to_stderr(&self) {
        let level = match (self.verbose, self.quiet) {
            (true, _) => "wamp=debug",
            (_, true) => "wamp=warn",
            _ => "wamp=info",
        };
        let filter = EnvFilter::try_from_env("WAMP_LOG").unwrap_or_else(|_| EnvFilter::new(level));
        let is_coloured = io::stderr().is_terminal()
            && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(io::stderr)
            .with_ansi(is_coloured)
            .with_target(false)
            .init();
    }
}

/// One URL a listener on stdout, and nothing else ever: whoever started us can wait for it.
fn tell_ready(listening: &Listening) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    for url in listening.urls() {
        writeln!(stdout, "{url}")?;
    }
    stdout.flush()
}

async fn shut_down(router: &Router, closing: Closing) {
    router.shut_down().await;
    closing.all_over(CLOSE_TIME).await;
}

/// The signals that ask to stop.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn requested(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}
