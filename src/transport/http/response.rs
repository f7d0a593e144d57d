//! Responses as all of the HTTP in front writes them.

use std::io;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};

/// A response: a few bytes, or a file that is read as it goes.
pub(super) type Page = Response<UnsyncBoxBody<Bytes, io::Error>>;

/// A page of one line for whoever reads it, program or human.
pub(super) fn plain(status: StatusCode, text: &str) -> Page {
    page(status, "text/plain; charset=utf-8", format!("{text}\n"))
}

/// A page of this content type.
pub(super) fn page(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Page {
    let mut page = Response::new(body_of(body.into()));
    *page.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    page.headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    forbid_guessing(page.headers_mut());
    page
}

/// What a page is said to be, that it is.
pub(super) fn forbid_guessing(headers: &mut HeaderMap) {
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
}

/// These bytes as a body.
pub(super) fn body_of(bytes: Bytes) -> UnsyncBoxBody<Bytes, io::Error> {
    Full::new(bytes)
        .map_err(|never| match never {})
        .boxed_unsync()
}
