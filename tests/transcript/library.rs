//! Routers of this process, on sockets of loopback: realms and accounts as the command line cannot have them.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc;
use std::task::{Context, Poll, ready};
use std::thread::{self, JoinHandle};

use tokio::io::{self, AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio::sync::oneshot;
use wamp::node::{Gate, Listening, Router};
use wamp::protocol::Uri;
use wamp::router::{Limits, Settings};
use wamp::transport::Site;

use super::realms::{self, SMALL};

/// Two routers, one of them small; they end when dropped.
pub(super) struct Library {
    delivery: Delivery,
    urls: [String; 2],
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// How bytes come to the routers, and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// As the kernel hands them over.
    Whole,
    /// One by one: no reading and no writing moves more.
    Split,
}

impl Library {
    pub(super) fn start(delivery: Delivery) -> Self {
        let (tell_urls, urls) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let mut runtime = runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().expect("a runtime");
            runtime.block_on(serve(delivery, &tell_urls, stopped));
        });
        Self {
            delivery,
            urls: urls.recv().expect("both routers listen"),
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Starts another like it.
    pub(super) fn again(&self) -> Self {
        Self::start(self.delivery)
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

async fn serve(
    delivery: Delivery,
    tell_urls: &mpsc::Sender<[String; 2]>,
    stopped: oneshot::Receiver<()>,
) {
    let all = bind(realms::realms(), Limits::default()).await;
    let small = bind([realms::small_realm()], realms::small_limits()).await;
    let mut urls = [&all, &small].map(|listening| listening.urls().remove(0));
    if delivery == Delivery::Split {
        urls = [split(all.gate()).await, split(small.gate()).await];
    }
    tell_urls.send(urls).expect("the test waits for them");
    tokio::select! {
        () = all.accept() => {}
        () = small.accept() => {}
        _ = stopped => {}
    }
}

/// Another way to a router, for one byte at a time. Returns its URL.
async fn split(gate: Gate) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a free port");
    let url = format!("ws://{}/ws", listener.local_addr().expect("it is bound"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Or each byte waits until the one before is acknowledged.
            stream.set_nodelay(true).expect("a fresh socket");
            tokio::spawn(gate.clone().serve_local(Split::new(stream)));
        }
    });
    url
}

/// A stream that moves one byte at a time.
struct Split {
    stream: BufReader<TcpStream>,
    has_answered: bool,
}

impl Split {
    fn new(stream: TcpStream) -> Self {
        Self {
            stream: BufReader::new(stream),
            has_answered: false,
        }
    }
}

impl AsyncRead for Split {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut byte = [0];
        let mut one = ReadBuf::new(&mut byte);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut one))?;
        into.put_slice(one.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Split {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // Whole: tungstenite's client takes a handshake's answer in single bytes for an attack.
        let is_answer = !std::mem::replace(&mut self.has_answered, true);
        let count = if is_answer { bytes.len() } else { 1 };
        let bytes = &bytes[..count.min(bytes.len())];
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
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
