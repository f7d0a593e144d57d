//! The HTTP in front of a WebSocket: requests answered, or one upgraded and the plain stream handed back.
//!
//! hyper reads the heads, within its limits; behind the upgrade it has no part in the connection. What a request is
//! answered with is decided in [`answer`](mod@answer), who may ask at all in [`admission`](super::admission).

mod answer;
mod site;

use std::convert::Infallible;
use std::future::{poll_fn, ready};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tracing::info;

use super::admission::Ends;
use super::ending::poll_end;
use crate::router::Limits;

use answer::answer;
pub use site::{Agreed, RawPaths, RawRequest, Site};

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
/// Limits: bytes and number of headers, and the time to send them, are `limits`'. `None` where the peer left, was too
/// slow or asked for something else.
pub async fn upgrade<S>(
    stream: S,
    ends: Ends,
    site: &Site,
    limits: &Limits,
) -> Option<(Upgraded<S>, Agreed)>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let agreed = Arc::new(Mutex::new(None));
    let service = service_fn(|request: Request<Incoming>| {
        let response = match answer(request, ends, site) {
            Ok((response, agreement)) => {
                *agreed.lock().unwrap_or_else(PoisonError::into_inner) = Some(agreement);
                response
            }
            Err(refusal) => {
                info!(peer = %ends.peer, status = refusal.status().as_u16(), "no WebSocket agreed on");
                refusal
            }
        };
        ready(Ok::<_, Infallible>(response))
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.upgrade_time)
        .max_headers(limits.http_headers)
        .max_buf_size(limits.http_head_bytes)
        .serve_connection(TokioIo::new(stream), service);
    // One limit for all requests together: none keeps the connection by asking for pages.
    let serving = poll_fn(|cx| connection.poll_without_shutdown(cx));
    let served = tokio::time::timeout(limits.upgrade_time, serving).await;
    let parts = connection.into_parts();
    let mut stream = parts.io.into_inner();
    let agreed = agreed.lock().unwrap_or_else(PoisonError::into_inner).take();
    let (Ok(Ok(())), Some(agreed)) = (served, agreed) else {
        // The answer is written; the peer may still be sending what it is about.
        let end = poll_fn(|cx| poll_end(&mut stream, cx));
        let _ = tokio::time::timeout(limits.goodbye_time, end).await;
        return None;
    };
    let upgraded = Upgraded {
        stream,
        // A copy: what hyper hands back, empty or not, keeps its whole buffer alive.
        read_ahead: Bytes::copy_from_slice(&parts.read_buf),
    };
    Some((upgraded, agreed))
}
