//! What a server has for browsers, and in which order it is looked for.
//!
//! `/wamp.js` first, then the operator's own [`Folder`], then the start page and the examples, which are part of the
//! binary. The examples are the files of `examples/`, which work opened as files as well.

use std::hash::Hasher;

use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, StatusCode};
use rustc_hash::FxHasher;

use super::folder::Folder;
use super::response::{Page, page, plain};
use super::start::start_page;
use crate::transport::header_list;

/// The library for pages, with autobahn-js's API.
const WAMP_JS: &str = include_str!("../../../examples/wamp.js");
/// How our own pages look, the start page included.
pub(super) const STYLE: &str = include_str!("../../../examples/style.css");
/// Where the examples are, and what they are.
const EXAMPLES: &[(&str, &str)] = &[
    ("wamp.js", WAMP_JS),
    ("style.css", STYLE),
    ("page.js", include_str!("../../../examples/page.js")),
    (
        "connected-users.html",
        include_str!("../../../examples/connected-users.html"),
    ),
    (
        "connected-users.js",
        include_str!("../../../examples/connected-users.js"),
    ),
    (
        "sum-offer.html",
        include_str!("../../../examples/sum-offer.html"),
    ),
    (
        "sum-offer.js",
        include_str!("../../../examples/sum-offer.js"),
    ),
    (
        "sum-call.html",
        include_str!("../../../examples/sum-call.html"),
    ),
    ("sum-call.js", include_str!("../../../examples/sum-call.js")),
    ("files.html", include_str!("../../../examples/files.html")),
    ("files.js", include_str!("../../../examples/files.js")),
];

/// What our own pages may load and connect to: their own server, and any router that they are pointed at.
const EXAMPLES_POLICY: &str = "default-src 'self'; connect-src 'self' ws: wss:; img-src data:; base-uri 'none'; \
                               form-action 'none'; frame-ancestors 'none'";

/// What a server has for browsers.
#[derive(Clone, Debug, Default)]
pub struct Pages {
    /// The realms' names, for the start page.
    pub realms: Vec<String>,
    /// The operator's own files.
    pub folder: Option<Folder>,
    /// Whether the example pages are there.
    pub has_examples: bool,
}

impl Pages {
    /// The page that a request asks for; `None` where there is none.
    ///
    /// `wamp_path` is where WAMP is spoken on this server.
    pub(super) async fn answer(
        &self,
        request: &Request<()>,
        wamp_path: Option<&str>,
    ) -> Option<Page> {
        if ![Method::GET, Method::HEAD].contains(request.method()) {
            return Some(only_get_and_head());
        }
        let mut page = self.look_up(request, wamp_path).await?;
        // Kept, but asked about each time: whoever changes a file sees the change.
        page.headers_mut()
            .entry(header::CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-cache"));
        Some(page)
    }

    async fn look_up(&self, request: &Request<()>, wamp_path: Option<&str>) -> Option<Page> {
        let path = request.uri().path();
        if path == "/wamp.js" {
            return Some(built_in(request.headers(), path, WAMP_JS));
        }
        if let Some(folder) = &self.folder
            && let Some(page) = folder.answer(request).await
        {
            return Some(page);
        }
        if path == "/" {
            return Some(start_page(self, request.headers(), wamp_path));
        }
        let name = path.strip_prefix("/examples/")?;
        let (_, text) = EXAMPLES
            .iter()
            .find(|(example, _)| self.has_examples && *example == name)?;
        Some(built_in(request.headers(), path, text))
    }
}

fn only_get_and_head() -> Page {
    let mut page = plain(
        StatusCode::METHOD_NOT_ALLOWED,
        "pages are for GET and HEAD; everything else goes by WAMP",
    );
    let allowed = HeaderValue::from_static("GET, HEAD");
    page.headers_mut().insert(header::ALLOW, allowed);
    page
}

/// A text of the binary's, or nothing but the word that the browser has it already.
fn built_in(asked: &HeaderMap, path: &str, text: &'static str) -> Page {
    let content_type = match path.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        _ => "text/html; charset=utf-8",
    };
    let tag = entity_tag(text);
    let mut page = if has_already(asked, &tag) {
        let mut unchanged = page(StatusCode::NOT_MODIFIED, content_type, "");
        unchanged.headers_mut().remove(header::CONTENT_TYPE);
        unchanged
    } else {
        page(StatusCode::OK, content_type, text)
    };
    let headers = page.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(EXAMPLES_POLICY),
    );
    page
}

/// Another text has another tag; nobody gains by making two alike.
fn entity_tag(text: &str) -> String {
    let mut hasher = FxHasher::default();
    hasher.write(text.as_bytes());
    format!("\"{:x}-{:x}\"", text.len(), hasher.finish())
}

fn has_already(asked: &HeaderMap, tag: &str) -> bool {
    header_list::items(asked, header::IF_NONE_MATCH)
        .map(|known| known.trim_start_matches("W/"))
        .any(|known| known == tag || known == "*")
}
