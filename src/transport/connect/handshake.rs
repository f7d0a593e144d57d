//! The WebSocket handshake from the client's side: the request, and what is to be thought of the answer.
//!
//! tungstenite writes the request; the answer is read here, because a server that is none deserves to be told
//! apart from one that refuses. Compression is agreed on here, once there is any. Spec: RFC 6455, 4.1.

use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::generate_request;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderName, LOCATION, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL, TRANSFER_ENCODING, UPGRADE,
};
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderValue, Response, StatusCode};
use url::Url;

use super::error::DialError;
use super::reach::ByteStream;
use crate::transport::header_list;
use crate::transport::tls::TlsError;

/// The longest head of an answer.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// The most header lines in it.
const HEADERS_MAX: usize = 128;
/// How much of a page is read for its first words.
const PAGE_BYTES_MAX: usize = 8 * 1024;
/// How long a page may take to come; it is told without otherwise.
const PAGE_PATIENCE: Duration = Duration::from_millis(500);
/// How much of a page, or of what is none, is quoted.
const QUOTED_CHARS: usize = 160;
/// How a TLS alert begins, which is what TLS answers to a plain request: its type, and the version's first octet.
pub(super) const TLS_ALERT: [u8; 2] = [0x15, 0x03];

/// What a handshake asks for.
#[derive(Clone, Debug, Default)]
pub struct Handshake {
    /// Headers beside, or instead of, those that every handshake has.
    pub headers: HeaderMap,
    /// The subprotocols offered, the best first; none is offered where there is none.
    pub subprotocols: Vec<String>,
}

/// A handshake that went well.
#[derive(Debug)]
pub struct Answered {
    /// What was sent.
    pub request: String,
    /// The server's answer.
    pub response: Response<()>,
    /// The subprotocol chosen.
    pub subprotocol: Option<String>,
    /// Read behind the answer.
    pub read_ahead: Bytes,
}

impl Handshake {
    /// Asks the server at the other end of a stream to change to WebSocket.
    ///
    /// # Errors
    /// [`DialError`]: the server does not, or is no WebSocket server at all.
    pub async fn run(
        &self,
        url: &Url,
        stream: &mut Box<dyn ByteStream>,
    ) -> Result<Answered, DialError> {
        let (request, key) = self.request(url)?;
        stream.write_all(&request).await.map_err(lost)?;
        stream.flush().await.map_err(lost)?;
        let mut read = BytesMut::new();
        let response = read_head(stream, &mut read).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let elsewhere = response.headers().get(LOCATION);
            let body = match elsewhere.map(HeaderValue::to_str) {
                Some(Ok(url)) if response.status().is_redirection() => format!("it is at {url}"),
                _ => first_words(&read_page(stream, read, response.headers()).await),
            };
            return Err(DialError::Http {
                status: response.status().to_string(),
                body,
            });
        }
        let subprotocol = self.check(&response, &key)?;
        Ok(Answered {
            request: String::from_utf8_lossy(&request).into_owned(),
            response,
            subprotocol,
            read_ahead: read.freeze(),
        })
    }

    fn request(&self, url: &Url) -> Result<(Vec<u8>, String), DialError> {
        let mut request = url
            .as_str()
            .into_client_request()
            .map_err(|error| failed(error.to_string()))?;
        let headers = request.headers_mut();
        if !self.subprotocols.is_empty() {
            let offered = HeaderValue::from_str(&self.subprotocols.join(", "));
            let offered = offered.map_err(|error| failed(error.to_string()))?;
            headers.insert(SEC_WEBSOCKET_PROTOCOL, offered);
        }
        for name in self.headers.keys() {
            headers.remove(name);
        }
        let given = self.headers.iter();
        headers.extend(given.map(|(name, value)| (name.clone(), value.clone())));
        generate_request(request).map_err(|error| failed(error.to_string()))
    }

    /// Whether the server did what RFC 6455 asks of it, and which subprotocol it chose.
    fn check(&self, response: &Response<()>, key: &str) -> Result<Option<String>, DialError> {
        let headers = response.headers();
        if !has_token(headers, &UPGRADE, "websocket") || !has_token(headers, &CONNECTION, "upgrade")
        {
            return Err(failed("the server's 101 is no change to WebSocket"));
        }
        if headers.get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes)
            != Some(derive_accept_key(key.as_bytes()).as_bytes())
        {
            return Err(failed("Sec-WebSocket-Accept does not answer our key"));
        }
        if let Some(extensions) = headers.get(SEC_WEBSOCKET_EXTENSIONS) {
            let extensions = String::from_utf8_lossy(extensions.as_bytes());
            return Err(failed(format!(
                "the server chose {extensions:?}, which was not offered"
            )));
        }
        let chosen = headers.get(SEC_WEBSOCKET_PROTOCOL);
        let chosen = chosen.map(|chosen| String::from_utf8_lossy(chosen.as_bytes()).into_owned());
        match chosen {
            Some(chosen) if self.subprotocols.contains(&chosen) => Ok(Some(chosen)),
            Some(chosen) if self.subprotocols.is_empty() => Err(failed(format!(
                "the server chose the subprotocol {chosen:?}, and none was offered"
            ))),
            None if self.subprotocols.is_empty() => Ok(None),
            _ => Err(DialError::Subprotocol {
                offered: self.subprotocols.join(", "),
            }),
        }
    }
}

async fn read_head(
    stream: &mut Box<dyn ByteStream>,
    read: &mut BytesMut,
) -> Result<Response<()>, DialError> {
    loop {
        if stream.read_buf(read).await.map_err(lost)? == 0 {
            return Err(if read.is_empty() {
                DialError::NoAnswer
            } else {
                not_http(read)
            });
        }
        if let Some((length, response)) = parse_head(read)? {
            read.advance(length);
            return Ok(response);
        }
        if read.len() > HEAD_BYTES_MAX {
            let kib = HEAD_BYTES_MAX / 1024;
            return Err(failed(format!("the answer's head is over {kib} KiB")));
        }
    }
}

/// The head and its length, once it is complete.
fn parse_head(read: &[u8]) -> Result<Option<(usize, Response<()>)>, DialError> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut head = httparse::Response::new(&mut headers);
    let length = match head.parse(read) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(failed(format!(
                "the answer has more than {HEADERS_MAX} headers"
            )));
        }
        Err(_) => return Err(not_http(read)),
    };
    let mut response = Response::builder().status(head.code.unwrap_or_default());
    for header in head.headers {
        response = response.header(header.name, header.value);
    }
    let response = response
        .body(())
        .map_err(|error| failed(error.to_string()))?;
    Ok(Some((length, response)))
}

/// What comes of a page in a short while: no more than there is, where its length is told.
async fn read_page(
    stream: &mut Box<dyn ByteStream>,
    mut page: BytesMut,
    headers: &HeaderMap,
) -> BytesMut {
    let told = headers.get(CONTENT_LENGTH).and_then(|it| it.to_str().ok());
    let length = told.and_then(|length| length.parse().ok());
    let length = length.map_or(PAGE_BYTES_MAX, |length: usize| length.min(PAGE_BYTES_MAX));
    let reading = async {
        while page.len() < length {
            match stream.read_buf(&mut page).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => break,
            }
        }
    };
    // What has come by then is told.
    drop(tokio::time::timeout(PAGE_PATIENCE, reading).await);
    if has_token(headers, &TRANSFER_ENCODING, "chunked") {
        // The first chunk's length, in front of the first words.
        let length = page.windows(2).position(|pair| pair == b"\r\n");
        page.advance(length.map_or(0, |at| at + 2));
    }
    page
}

/// How a page begins for who reads it: its text without its markup, on one line.
fn first_words(page: &[u8]) -> String {
    let page = String::from_utf8_lossy(page);
    let mut text = String::new();
    let mut rest = &*page;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        text.push(' ');
        let markup = &rest[start..];
        let is_unseen = ["<style", "<script", "<!--"]
            .into_iter()
            .zip(["</style>", "</script>", "-->"])
            .find(|(begin, _)| markup.starts_with(begin));
        let end = is_unseen.map_or(">", |(_, end)| end);
        let length = markup.find(end).map_or(markup.len(), |at| at + end.len());
        rest = &markup[length..];
    }
    text.push_str(rest);
    let words: Vec<_> = text.split_whitespace().collect();
    quoted(&words.join(" "))
}

/// A text, or how it begins.
fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARS) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// Whether a header's list has this word, in any case.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    header_list::items(headers, name).any(|word| word.eq_ignore_ascii_case(token))
}

fn not_http(read: &[u8]) -> DialError {
    if read.starts_with(&TLS_ALERT) {
        return DialError::TlsPort;
    }
    DialError::NotHttp {
        head: quoted(String::from_utf8_lossy(read).trim()),
    }
}

/// The stream broke where the answer should have come. In TLS 1.3 this is where a server says no.
pub(super) fn lost(error: std::io::Error) -> DialError {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match error.kind() {
        BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof => DialError::NoAnswer,
        _ => TlsError::from_io(error)
            .map_or_else(|error| failed(super::io_text(&error)), DialError::Tls),
    }
}

fn failed(reason: impl Into<String>) -> DialError {
    DialError::Handshake {
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_quoted_without_its_markup() {
        let page = b"<!DOCTYPE HTML>\n<html><head><style>p { x: y }</style>\n<title>Not Found</title></head>
            <body><!-- <b>no</b> --><p>It is  not here.</p>";
        assert_eq!(first_words(page), "Not Found It is not here.");
        assert_eq!(first_words(b"plain \xff text\n"), "plain \u{fffd} text");
        assert_eq!(first_words(b"cut <off"), "cut");
        assert_eq!(first_words(b"<script>never closed"), "");
        let long = first_words("ä".repeat(QUOTED_CHARS + 1).as_bytes());
        assert_eq!(long, format!("{}…", "ä".repeat(QUOTED_CHARS)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_whose_end_is_known_is_not_waited_for() {
        let (mut theirs, ours) = tokio::io::duplex(64);
        theirs.write_all(b"it is gone").await.unwrap();
        let mut ours: Box<dyn ByteStream> = Box::new(ours);
        let mut headers = HeaderMap::new();
        headers.append(CONTENT_LENGTH, HeaderValue::from_static("10"));
        let begun = tokio::time::Instant::now();
        let page = read_page(&mut ours, BytesMut::new(), &headers).await;
        assert_eq!(page, "it is gone");
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[test]
    fn the_word_is_found_in_a_list() {
        let mut headers = HeaderMap::new();
        headers.append(CONNECTION, HeaderValue::from_static("keep-alive, Upgrade"));
        assert!(has_token(&headers, &CONNECTION, "upgrade"));
        assert!(!has_token(&headers, &CONNECTION, "alive"));
        assert!(!has_token(&headers, &UPGRADE, "websocket"));
    }
}
