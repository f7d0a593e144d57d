//! The HTTP in front of a WebSocket: one request answered, or upgraded and the plain stream handed back.
//!
//! hyper reads the head, within its limits; behind the upgrade it has no part in the connection.

use std::convert::Infallible;
use std::future::{poll_fn, ready};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::handshake::server::create_response;
use tracing::{info, warn};

use super::admission::{Admission, Ends, Refused};
use super::ending::poll_end;
use crate::router::Limits;
use crate::serializer::Serializer;

/// A stream on which a WebSocket has been agreed.
#[derive(Debug)]
pub struct Upgraded<S> {
    /// The stream itself.
    pub stream: S,
    /// What the peer already sent behind its request.
    pub read_ahead: Bytes,
    /// The serializer agreed on.
    pub serializer: Serializer,
}

/// Serves HTTP on a fresh stream, until it becomes a WebSocket or ends.
///
/// `path` is where WAMP is. Limits: bytes and number of headers, and the time to send them, are
/// `limits`'. `None` where the peer left, was too slow or asked for something else.
pub async fn upgrade<S>(
    stream: S,
    ends: Ends,
    path: &str,
    admission: &Admission,
    limits: &Limits,
) -> Option<Upgraded<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let agreed = Arc::new(Mutex::new(None));
    let service = service_fn(|request: Request<Incoming>| {
        let response = match answer(request, ends, path, admission) {
            Ok((response, serializer)) => {
                *agreed.lock().unwrap_or_else(PoisonError::into_inner) = Some(serializer);
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
    let (Ok(Ok(())), Some(serializer)) = (served, agreed) else {
        // The answer is written; the peer may still be sending what it is about.
        let end = poll_fn(|cx| poll_end(&mut stream, cx));
        let _ = tokio::time::timeout(limits.goodbye_time, end).await;
        return None;
    };
    Some(Upgraded {
        stream,
        // A copy: what hyper hands back, empty or not, keeps its whole buffer alive.
        read_ahead: Bytes::copy_from_slice(&parts.read_buf),
        serializer,
    })
}

type Page = Response<Full<Bytes>>;

/// Answers one request: the agreement to a WebSocket, or a page that says why not.
#[expect(
    clippy::result_large_err,
    reason = "either is moved once for a connection"
)]
fn answer(
    request: Request<Incoming>,
    ends: Ends,
    path: &str,
    admission: &Admission,
) -> Result<(Page, Serializer), Page> {
    let headers = request.headers();
    if let Err(refused) = admit(headers, ends, admission) {
        warn!(peer = %ends.peer, "refused: {refused}");
        return Err(page(StatusCode::FORBIDDEN, &refused.to_string()));
    }
    if request.uri().path() != path {
        return Err(page(
            StatusCode::NOT_FOUND,
            &format!("nothing is here; WAMP over WebSocket is at {path}"),
        ));
    }
    if !asks_for_websocket(headers) {
        let mut page = page(
            StatusCode::UPGRADE_REQUIRED,
            "this is WAMP over WebSocket; connect with a WAMP client",
        );
        page.headers_mut()
            .insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        return Err(page);
    }
    let Some(serializer) = agree(headers) else {
        let names = Serializer::ALL.map(Serializer::subprotocol).join(", ");
        return Err(page(
            StatusCode::BAD_REQUEST,
            &format!("offer one of these WebSocket subprotocols: {names}"),
        ));
    };
    let (parts, _) = request.into_parts();
    let response = create_response(&Request::from_parts(parts, ())).map_err(|error| {
        page(
            StatusCode::BAD_REQUEST,
            &format!("no WebSocket handshake: {error}"),
        )
    })?;
    let mut response = response.map(|()| Full::default());
    let subprotocol = HeaderValue::from_static(serializer.subprotocol());
    response
        .headers_mut()
        .insert(header::SEC_WEBSOCKET_PROTOCOL, subprotocol);
    Ok((response, serializer))
}

/// Lets in by `Host` and `Origin`: one of each at most, for who sends more may mean either.
fn admit(headers: &HeaderMap, ends: Ends, admission: &Admission) -> Result<(), Refused> {
    let host = only_text(headers, header::HOST).map_err(|Odd| Refused::NoHost)?;
    let origin = only_text(headers, header::ORIGIN).map_err(|Odd| Refused::OddOrigin)?;
    admission.check(ends, host, origin)
}

fn asks_for_websocket(headers: &HeaderMap) -> bool {
    text(headers, header::UPGRADE).is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket"))
}

/// The first subprotocol that the client offers and we speak: it is the client's order that counts.
fn agree(headers: &HeaderMap) -> Option<Serializer> {
    let offers = headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    let mut names = offers.flat_map(|offer| offer.split(',')).map(str::trim);
    names.find_map(|name| {
        Serializer::ALL
            .into_iter()
            .find(|serializer| serializer.subprotocol() == name)
    })
}

/// A header's text; `None` where it is absent or holds bytes that are no text.
fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// A header that is not one text: there are several, or bytes that are none.
struct Odd;

fn only_text(headers: &HeaderMap, name: header::HeaderName) -> Result<Option<&str>, Odd> {
    let mut values = headers.get_all(name).into_iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Odd),
        (Some(_), Some(_)) => Err(Odd),
    }
}

fn page(status: StatusCode, text: &str) -> Page {
    let mut page = Response::new(Full::new(Bytes::from(format!("{text}\n"))));
    *page.status_mut() = status;
    page.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    page
}
