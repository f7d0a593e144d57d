//! The HTTP in front of a WebSocket: requests answered, or one upgraded and the plain stream handed back.
//!
//! hyper reads the heads, within its limits; behind the upgrade it has no part in the connection. What a request is
//! answered with is decided in [`answer`](mod@answer), who may ask at all in [`admission`](super::admission). What is there for
//! browsers is in [`pages`], [`start`] and [`folder`].

mod answer;
mod cookie;
mod folder;
mod longpoll;
mod pages;
mod response;
mod site;
mod stall;
mod start;

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::FutureExt;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tracing::{debug, info, warn};

use super::address::Ends;
use super::ending::end;
use crate::router::Limits;

use answer::{Answer, answer};
pub use cookie::{Cookies, Token};
pub use folder::Folder;
pub use longpoll::LongPoll;
pub use pages::Pages;
pub use site::{Agreed, RawPaths, RawRequest, Site};
use stall::Unstalled;

/// How TLS begins: a handshake's type, and the version's first octet.
const TLS_HANDSHAKE: [u8; 2] = [0x16, 0x03];

/// A stream on which a WebSocket has been agreed.
#[derive(Debug)]
pub struct Upgraded<S> {
    /// The stream itself.
    pub stream: S,
    /// What the peer already sent behind its request.
    pub read_ahead: Bytes,
}

/// Serves HTTP on a fresh stream, until it becomes a WebSocket or ends.
///
/// `is_secure` where TLS is in between. Once `stopping` ends, an answer that is under way is finished and no other begun.
/// Limits: bytes and number of headers, the time to send them, and how long a peer may take nothing of an answer, are
/// `limits`'. `None` where the peer left, was too slow or asked for nothing but pages.
pub async fn upgrade<S>(
    stream: S,
    (ends, is_secure): (Ends, bool),
    site: &Site,
    limits: &Limits,
    stopping: impl Future<Output = ()>,
) -> Option<(Upgraded<S>, Agreed)>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let agreed = Arc::new(Mutex::new(None));
    let service = service_fn(|request: Request<Incoming>| {
        let agreed = &agreed;
        Box::pin(async move {
            let asked = format!("{} {:?}", request.method(), request.uri().path());
            let response = match answer(request, ends, is_secure, site).await {
                Answer::Agreed(response, agreement) => {
                    *agreed.lock().unwrap_or_else(PoisonError::into_inner) = Some(agreement);
                    response
                }
                Answer::Refused(refusal) => {
                    info!(peer = %ends.peer, status = refusal.status().as_u16(), "no WebSocket agreed on: {asked}");
                    refusal
                }
                Answer::Page(page) => {
                    debug!(peer = %ends.peer, status = page.status().as_u16(), "{asked}");
                    page
                }
            };
            Ok::<_, Infallible>(response)
        })
    });
    let stream = Unstalled::new(stream, limits.stall_time);
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.upgrade_time)
        .max_headers(limits.http_headers)
        .max_buf_size(limits.http_head_bytes)
        .serve_connection(TokioIo::new(stream), service);
    let mut stopping = pin!(stopping.fuse());
    let served = poll_fn(|cx| {
        if stopping.as_mut().poll(cx).is_ready() {
            Pin::new(&mut connection).graceful_shutdown();
        }
        connection.poll_without_shutdown(cx)
    });
    let served = served.await;
    let parts = connection.into_parts();
    let mut stream = parts.io.into_inner().into_inner();
    let agreed = agreed.lock().unwrap_or_else(PoisonError::into_inner).take();
    let (Ok(()), Some(agreed)) = (served, agreed) else {
        if parts.read_buf.starts_with(&TLS_HANDSHAKE) {
            warn!(peer = %ends.peer, "a client speaks TLS (wss:// or https://), and there is none here");
        }
        // The answer is written; the peer may still be sending what it is about.
        end(&mut stream, limits.goodbye_time).await;
        return None;
    };
    let upgraded = Upgraded {
        stream,
        // A copy: what hyper hands back, empty or not, keeps its whole buffer alive.
        read_ahead: Bytes::copy_from_slice(&parts.read_buf),
    };
    Some((upgraded, agreed))
}
