//! The raw WebSockets of a router: `/echo` and `/count`, which `--demo` offers beside WAMP.
//!
//! What they do is [`echo`](crate::echo)'s; here is which is where, and that their clients are logged at debug only.

use tracing::debug;

use crate::echo::{Answer, Behaviour, Note, Server, Watcher};
use crate::router::Limits;

const ECHO: &str = "/echo";
const COUNT: &str = "/count";

/// The paths, and what is there, for the [`Site`](crate::transport::Site) of a router that offers them.
pub const RAW_PATHS: &[(&str, &str)] = &[
    (ECHO, Answer::Echo.what_it_does()),
    (COUNT, Answer::Count.what_it_does()),
];

/// One server for each path.
#[derive(Debug)]
pub(super) struct RawServers {
    echo: Server,
    count: Server,
}

impl RawServers {
    pub(super) fn new(limits: &Limits) -> Self {
        let server = |path: &'static str, answer| {
            let watcher = Watcher::new(move |client, note| log(path, client, note));
            Server::new(Behaviour::new(answer), limits.clone(), watcher)
        };
        Self {
            echo: server(ECHO, Answer::Echo),
            count: server(COUNT, Answer::Count),
        }
    }

    pub(super) fn at(&self, path: &str) -> Option<&Server> {
        match path {
            ECHO => Some(&self.echo),
            COUNT => Some(&self.count),
            _ => None,
        }
    }

    /// Closes all their connections, and those that still come.
    pub(super) fn shut_down(&self) {
        self.echo.shut_down();
        self.count.shut_down();
    }
}

fn log(path: &str, client: u64, note: &Note<'_>) {
    match note {
        Note::Open { peer, .. } => debug!(%peer, client, "raw WebSocket open at {path}"),
        Note::Closed(ending) => debug!(client, code = ending.code, "raw WebSocket closed"),
        _ => {}
    }
}
