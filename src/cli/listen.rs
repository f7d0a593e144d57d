//! What commands that listen share: what is said at the start, signals that ask to stop.

use std::io::{self, Write};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::time::FormatTime;

use super::console::stderr_palette;
use super::exit::Failure;
use crate::transport::BindError;

/// How much a command that listens logs.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct LogArgs {
    /// Log more: every connection
    #[arg(short, long, conflicts_with = "quiet")]
    verbose: bool,
    /// Log warnings and errors only
    #[arg(short, long)]
    pub(super) quiet: bool,
}

impl LogArgs {
    /// Sends the log to `writer`, which leads to stderr; `usual` is the level where no flag says another.
    pub(super) fn start<T, W>(self, usual: &str, timer: T, writer: W)
    where
        T: FormatTime + Send + Sync + 'static,
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        let level = match (self.verbose, self.quiet) {
            (true, _) => "wamp=debug",
            (_, true) => "wamp=warn",
            _ => usual,
        };
        let filter = EnvFilter::try_from_env("WAMP_LOG").unwrap_or_else(|_| EnvFilter::new(level));
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_timer(timer)
            .with_writer(writer)
            .with_ansi(stderr_palette().is_on())
            .with_target(false)
            .init();
    }
}

/// Why `what` cannot listen on an address, and what would help; `any_port` is how to let a port be picked.
pub(super) fn explain(error: &BindError, what: &str, any_port: &str) -> Failure {
    let failure = Failure::local(error.to_string());
    let is_file = error.address.starts_with("unix:");
    match error.cause.kind() {
        io::ErrorKind::AddrInUse if is_file => failure.hint(format!(
            "another {what} is listening there; choose another path"
        )),
        _ if is_file => failure,
        io::ErrorKind::AddrInUse => failure.hint(format!(
            "is another {what} running there? choose another port, or let one be picked: {any_port}"
        )),
        io::ErrorKind::PermissionDenied => {
            failure.hint("ports below 1024 are for root; choose a higher one")
        }
        io::ErrorKind::AddrNotAvailable => {
            failure.hint("that is no address of this machine; 0.0.0.0 is all it has")
        }
        _ => failure,
    }
}

/// One URL a listener on stdout, and nothing else ever: whoever started us can wait for it.
///
/// # Errors
/// What keeps it from being said.
pub(super) fn tell_ready(urls: &[String]) -> Result<(), Failure> {
    let tell = || {
        let mut stdout = io::stdout().lock();
        for url in urls {
            writeln!(stdout, "{url}")?;
        }
        stdout.flush()
    };
    tell().map_err(|error: io::Error| Failure::io("write to", "stdout", &error))
}

/// The signals that ask to stop.
#[derive(Debug)]
pub(super) struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    /// Listens for them: before anybody can know that we listen, so that a signal never finds its default at work.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for one, and names it.
    pub(super) async fn requested(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}
