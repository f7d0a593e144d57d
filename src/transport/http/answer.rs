//! What one HTTP request is answered with: the agreement to a WebSocket, or a page that says why not.

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Request, StatusCode, Uri};
use tokio_tungstenite::tungstenite::handshake::server::create_response;
use tracing::warn;

use super::cookie::Token;
use super::longpoll::LongPoll;
use super::response::{Page, body_of, plain};
use super::site::{Agreed, RawRequest, Site};
use super::start::nothing_here_page;
use crate::transport::address::Ends;
use crate::transport::admission::{Admission, Refused};
use crate::transport::header_list;
use crate::transport::wire::Subprotocol;

/// What a request is answered with.
pub(super) enum Answer {
    /// A WebSocket from here on.
    Agreed(Page, Agreed),
    /// Why there is no WebSocket.
    Refused(Page),
    /// What somebody asked for who wants no WebSocket, or that it is not there.
    Page(Page),
}

/// Answers one request. Its body is not read, but by long-poll.
pub(super) async fn answer(
    request: Request<Incoming>,
    ends: Ends,
    is_secure: bool,
    site: &Site,
) -> Answer {
    if let Err(refused) = admit(request.headers(), ends, &site.admission) {
        warn!(peer = %ends.peer, "refused: {refused}");
        return Answer::Refused(plain(StatusCode::FORBIDDEN, &refused.to_string()));
    }
    if let Some(longpoll) = &site.longpoll
        && LongPoll::is_at(request.uri().path())
    {
        return Answer::Page(longpoll.answer(request, ends).await);
    }
    let request = request.map(|_body| ());
    let headers = request.headers();
    let asks_for_websocket = asks_for_websocket(headers);
    match Spoken::at(request.uri(), site) {
        Some(spoken) if asks_for_websocket => match upgrade(&request, spoken) {
            Ok((mut response, mut agreed)) => {
                if let Agreed::Wamp(_, token) = &mut agreed {
                    *token = set_cookie(&mut response, headers, is_secure, site);
                }
                Answer::Agreed(response, agreed)
            }
            Err(refusal) => Answer::Refused(refusal),
        },
        Some(spoken) => Answer::Refused(spoken.for_websockets_only(headers)),
        None if asks_for_websocket => Answer::Refused(nothing_here(headers, site)),
        None => {
            let wamp_path = site.wamp_path.as_deref();
            let page = match &site.pages {
                Some(pages) => pages.answer(&request, wamp_path).await,
                None => None,
            };
            Answer::Page(page.unwrap_or_else(|| nothing_here(headers, site)))
        }
    }
}

/// Agrees to what a request for a WebSocket offers, or says why not.
#[expect(
    clippy::result_large_err,
    reason = "either is moved once for a connection"
)]
fn upgrade(request: &Request<()>, spoken: Spoken<'_>) -> Result<(Page, Agreed), Page> {
    let agreed = spoken.agree(request.headers())?;
    let response = create_response(request).map_err(|error| {
        plain(
            StatusCode::BAD_REQUEST,
            &format!("no WebSocket handshake: {error}"),
        )
    })?;
    let mut response = response.map(|()| body_of(Bytes::new()));
    if let Some(subprotocol) = agreed.subprotocol() {
        response
            .headers_mut()
            .insert(header::SEC_WEBSOCKET_PROTOCOL, subprotocol);
    }
    Ok((response, agreed))
}

/// Knows the browser again, or lets it be known later: not where it shows a page that nobody has named to the router.
fn set_cookie(
    response: &mut Page,
    headers: &HeaderMap,
    is_secure: bool,
    site: &Site,
) -> Option<Token> {
    let cookies = site.cookies.as_ref()?;
    let host = text_of(headers, header::HOST);
    let origin = text_of(headers, header::ORIGIN);
    if !site.admission.names(host, origin) {
        return None;
    }
    let (token, cookie) = cookies.at_upgrade(headers, is_secure);
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Some(token)
}

/// What is spoken over WebSocket at one path.
#[derive(Clone, Copy)]
enum Spoken<'a> {
    Wamp,
    Raw { at: &'a Uri, what: &'static str },
}

impl<'a> Spoken<'a> {
    fn at(uri: &'a Uri, site: &Site) -> Option<Self> {
        let path = uri.path();
        if site.wamp_path.as_deref() == Some(path) {
            Some(Self::Wamp)
        } else {
            let what = site.raw_paths.what_is_at(path)?;
            Some(Self::Raw { at: uri, what })
        }
    }

    /// What a request gets that asks for a page where there is none.
    fn for_websockets_only(self, headers: &HeaderMap) -> Page {
        let text = match self {
            Self::Wamp => "this is WAMP over WebSocket; connect with a WAMP client".to_owned(),
            Self::Raw { at, what } => {
                let host = text_of(headers, header::HOST).unwrap_or_default();
                let how = format!("wamp ws ws://{host}{}", at.path());
                format!(
                    "this is a raw WebSocket that {what}; connect with a WebSocket client: {how}"
                )
            }
        };
        let mut page = plain(StatusCode::UPGRADE_REQUIRED, &text);
        page.headers_mut()
            .insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        page
    }

    #[expect(
        clippy::result_large_err,
        reason = "either is moved once for a connection"
    )]
    fn agree(self, headers: &HeaderMap) -> Result<Agreed, Page> {
        // In the client's order: it is the one that counts.
        let mut offers = header_list::items(headers, header::SEC_WEBSOCKET_PROTOCOL);
        match self {
            Self::Wamp => offers
                .find_map(Subprotocol::named)
                .map(|subprotocol| Agreed::Wamp(subprotocol, None))
                .ok_or_else(|| {
                    let names = Subprotocol::ALL.map(Subprotocol::name).join(", ");
                    plain(
                        StatusCode::BAD_REQUEST,
                        &format!("offer one of these WebSocket subprotocols: {names}"),
                    )
                }),
            // A browser that offered some and was answered with none gives up; raw bytes fit any.
            Self::Raw { at, .. } => Ok(Agreed::Raw(RawRequest {
                path: at.path().to_owned(),
                query: at.query().map(str::to_owned),
                subprotocol: offers
                    .next()
                    .and_then(|name| HeaderValue::from_str(name).ok()),
                origin: headers.get(header::ORIGIN).cloned(),
                user_agent: headers.get(header::USER_AGENT).cloned(),
            })),
        }
    }
}

fn nothing_here(headers: &HeaderMap, site: &Site) -> Page {
    let wamp = site.wamp_path.as_deref();
    let wamp = wamp.map(|path| format!("; WAMP over WebSocket is at {path}"));
    let raw = match site.raw_paths.listed().collect::<Vec<_>>().join(" and ") {
        none if none.is_empty() => none,
        some => format!(", raw WebSockets at {some}"),
    };
    let text = format!("nothing is here{}{raw}", wamp.unwrap_or_default());
    let is_browser =
        text_of(headers, header::ACCEPT).is_some_and(|types| types.contains("text/html"));
    if is_browser && site.pages.is_some() {
        nothing_here_page(&text)
    } else {
        plain(StatusCode::NOT_FOUND, &text)
    }
}

/// Lets in by `Host` and `Origin`: one of each at most, for who sends more may mean either.
fn admit(headers: &HeaderMap, ends: Ends, admission: &Admission) -> Result<(), Refused> {
    let host = only_text(headers, header::HOST).map_err(|Odd| Refused::NoHost)?;
    let origin = only_text(headers, header::ORIGIN).map_err(|Odd| Refused::OddOrigin)?;
    admission.check(ends, host, origin)
}

fn asks_for_websocket(headers: &HeaderMap) -> bool {
    text_of(headers, header::UPGRADE)
        .is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket"))
}

/// A header's text; `None` where it is absent or holds bytes that are no text.
fn text_of(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
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
