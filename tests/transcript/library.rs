//! Routers of this process, on sockets of loopback: realms and accounts as the command line cannot have them.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use tokio::runtime;
use tokio::sync::oneshot;
use wamp::node::{Listening, Router};
use wamp::protocol::Uri;
use wamp::router::{Limits, Settings};
use wamp::transport::Site;

use super::realms::{self, SMALL};

/// Two routers, one of them small; they end when dropped.
pub(super) struct Library {
    urls: [String; 2],
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Library {
    pub(super) fn start() -> Self {
        let (tell_urls, urls) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let mut runtime = runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().expect("a runtime");
            runtime.block_on(serve(&tell_urls, stopped));
        });
        Self {
            urls: urls.recv().expect("both routers listen"),
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// What clients connect to for the sake of a realm.
    pub(super) fn url(&self, realm: &str) -> &str {
        let [url, small_url] = &self.urls;
        if realm == SMALL { small_url } else { url }
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        drop(self.stop.take());
        // It panics only where the test does so already.
        self.thread.take().map(JoinHandle::join);
    }
}

async fn serve(tell_urls: &mpsc::Sender<[String; 2]>, stopped: oneshot::Receiver<()>) {
    let all = bind(realms::realms(), Limits::default()).await;
    let small = bind([realms::small_realm()], realms::small_limits()).await;
    let url = |listening: &Listening| listening.urls().remove(0);
    let told = tell_urls.send([url(&all), url(&small)]);
    told.expect("the test waits for them");
    tokio::select! {
        () = all.accept() => {}
        () = small.accept() => {}
        _ = stopped => {}
    }
}

async fn bind(realms: impl IntoIterator<Item = (Uri, Settings)>, limits: Limits) -> Listening {
    let router = Router::new(realms, limits, realms::authenticator());
    let site = Site {
        wamp_path: Some("/ws".into()),
        ..Site::default()
    };
    let bound = Listening::bind(&["127.0.0.1:0".into()], Arc::clone(&router), site).await;
    bound.expect("a free port").0
}
