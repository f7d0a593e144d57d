//! Routers of this process, on sockets of loopback: realms and accounts as the command line cannot have them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use tempfile::TempDir;
use tokio::runtime;
use tokio::sync::oneshot;
use wamp::node::{Listening, Router};
use wamp::protocol::Uri;
use wamp::router::{Limits, Settings};
use wamp::transport::Site;
use wamp::transport::tls::{TlsFiles, TlsServer};

use super::realms::{self, SMALL};
use super::wire::{CERT, SOCKET, Through};

/// Two routers, one of them small; they end when dropped.
pub(super) struct Library {
    urls: [String; 2],
    folders: [TempDir; 2],
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Library {
    pub(super) fn start(through: Through) -> Self {
        let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let paths = folders.each_ref().map(|it| it.path().to_owned());
        let (tell_urls, urls) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let mut runtime = runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().expect("a runtime");
            runtime.block_on(serve(&tell_urls, &paths, through, stopped));
        });
        Self {
            urls: urls.recv().expect("both routers listen"),
            folders,
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

impl Library {
    /// Where the socket and the certificate of the same router are.
    pub(super) fn folder(&self, realm: &str) -> &Path {
        let [folder, small_folder] = &self.folders;
        let folder = if realm == SMALL { small_folder } else { folder };
        folder.path()
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        drop(self.stop.take());
        // It panics only where the test does so already.
        self.thread.take().map(JoinHandle::join);
    }
}

async fn serve(
    tell_urls: &mpsc::Sender<[String; 2]>,
    [folder, small_folder]: &[PathBuf; 2],
    through: Through,
    stopped: oneshot::Receiver<()>,
) {
    let all = bind(realms::realms(), Limits::default(), folder, through).await;
    let limits = realms::small_limits();
    let small = bind([realms::small_realm()], limits, small_folder, through).await;
    let url = |listening: &Listening| listening.urls().remove(0);
    let told = tell_urls.send([url(&all), url(&small)]);
    told.expect("the test waits for them");
    tokio::select! {
        () = all.accept() => {}
        () = small.accept() => {}
        _ = stopped => {}
    }
}

async fn bind(
    realms: impl IntoIterator<Item = (Uri, Settings)>,
    limits: Limits,
    folder: &Path,
    through: Through,
) -> Listening {
    let router = Router::new(realms, limits, realms::authenticator());
    let mut site = Site {
        wamp_path: Some("/ws".into()),
        ..Site::default()
    };
    let mut addresses = vec!["127.0.0.1:0".to_owned()];
    match through {
        Through::Tcp => {}
        Through::Unix => addresses.push(format!("unix:{}", folder.join(SOCKET).display())),
        Through::Tls => site.door.tls = Some(Arc::new(tls(folder))),
    }
    let bound = Listening::bind(&addresses, Arc::clone(&router), site).await;
    bound.expect("a free port").0
}

fn tls(folder: &Path) -> TlsServer {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let files = TlsFiles {
        cert: folder.join(CERT),
        key: folder.join("wamp.key"),
        client_ca: None,
    };
    fs::write(&files.cert, made.cert.pem()).expect("a folder of our own");
    fs::write(&files.key, made.signing_key.serialize_pem()).expect("a folder of our own");
    TlsServer::new(files).expect("a certificate and its key")
}
