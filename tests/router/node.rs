//! The router inside the test, for what only a small limit or a passing deadline shows.
//!
//! Time is virtual: it stands still while there is something to do, then jumps to the next deadline. Peers are
//! [`Link`](super::link::Link)s, for sockets and such a clock do not go together.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::runtime::Builder;
use tokio::task::JoinHandle;
use wamp::node::{Counters, Gate, Listening, Router};
use wamp::protocol::Uri;
use wamp::router::{Authenticator, Limits, Settings};
use wamp::transport::{Closing, Pages, Site};

/// A router with one realm, `realm1`.
#[derive(Debug)]
pub(super) struct Node {
    router: Arc<Router>,
    accepting: JoinHandle<()>,
    gate: Gate,
    url: String,
    _closing: Closing,
}

/// Runs a test in virtual time.
pub(super) fn in_virtual_time(test: impl Future<Output = ()>) {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build();
    runtime.unwrap().block_on(test);
}

/// Runs a test in real time, with sockets.
pub(super) fn in_real_time(test: impl Future<Output = ()>) {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(test);
}

impl Node {
    pub(super) async fn start(limits: Limits) -> Self {
        Self::start_with(limits, Pages::default()).await
    }

    /// Starts one with these pages.
    pub(super) async fn start_with(limits: Limits, pages: Pages) -> Self {
        Self::start_as(Settings::default(), limits, pages).await
    }

    /// Starts one whose realm has these settings.
    pub(super) async fn start_as(settings: Settings, limits: Limits, pages: Pages) -> Self {
        let router = Router::new(
            [(Uri::from("realm1"), settings)],
            limits,
            Authenticator::default(),
        );
        // Few tests connect to it, but who accepts is also who sheds load.
        let address = SocketAddr::from(([127, 0, 0, 1], 0)).to_string();
        let site = Site {
            wamp_path: Some("/ws".to_owned()),
            pages: Some(pages),
            ..Site::default()
        };
        let bound = Listening::bind(&[address], Arc::clone(&router), site).await;
        let (listening, closing) = bound.unwrap();
        Self {
            router,
            gate: listening.gate(),
            url: listening.urls().remove(0),
            accepting: tokio::spawn(listening.accept()),
            _closing: closing,
        }
    }

    /// How often its bounds were reached.
    pub(super) fn counters(&self) -> &Counters {
        self.router.counters()
    }

    /// Where its sockets are.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Serves one end of a stream.
    pub(super) fn serve(&self, stream: tokio::io::DuplexStream) {
        tokio::spawn(self.gate.clone().serve_local(stream));
    }

    /// Begins to stop, as a signal does; the handle ends once everybody has left.
    pub(super) fn begin_to_stop(&self) -> JoinHandle<()> {
        self.accepting.abort();
        let router = Arc::clone(&self.router);
        tokio::spawn(async move { router.shut_down().await })
    }
}
