//! The start page: what this server is, and how to connect to it; and the page for where nothing is.
//!
//! Made anew for each request, for it names the server as the browser does.

use hyper::StatusCode;
use hyper::header::{self, HeaderMap, HeaderValue};

use super::pages::{Pages, STYLE};
use super::response::{Page, page};
use crate::serializer::Serializer;

const START: &str = include_str!("start.html");
const EXAMPLES: &str = include_str!("start_examples.html");
const NO_EXAMPLES: &str = include_str!("start_no_examples.html");
const NOTHING_HERE: &str = include_str!("nothing_here.html");

pub(super) fn start_page(pages: &Pages, asked: &HeaderMap, wamp_path: Option<&str>) -> Page {
    let host = asked.get(header::HOST).and_then(|host| host.to_str().ok());
    let path = wamp_path.unwrap_or("/");
    let url = format!("ws://{}{path}", host.unwrap_or("127.0.0.1"));
    let realm = pages.realms.first().map_or("realm1", String::as_str);
    html(StatusCode::OK, START, &|name| match name {
        "version" => env!("CARGO_PKG_VERSION").to_owned(),
        "url" => escaped(&url),
        "realm" => escaped(realm),
        "realms" => list(pages.realms.iter().map(String::as_str)),
        "serializers" => list(Serializer::ALL.map(Serializer::subprotocol)),
        "examples" if pages.has_examples => {
            let query = query_for(path, realm);
            fill(EXAMPLES, &|_| query.clone())
        }
        "examples" => NO_EXAMPLES.to_owned(),
        _ => String::new(),
    })
}

/// Says to somebody with a browser what [`nothing_here`](mod@super::answer) says to programs.
pub(super) fn nothing_here_page(text: &str) -> Page {
    html(StatusCode::NOT_FOUND, NOTHING_HERE, &|_| escaped(text))
}

/// A page that is good for one answer only; `value` tells what goes into its places.
///
/// It needs no other file for how it looks. The nonce is what lets its own style and script in, and no other.
fn html(status: StatusCode, template: &str, value: &dyn Fn(&str) -> String) -> Page {
    let nonce = format!("{:032x}", rand::random::<u128>());
    let text = fill(template, &|name| match name {
        "style" => STYLE.to_owned(),
        "nonce" => nonce.clone(),
        name => value(name),
    });
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'nonce-{nonce}'; \
         connect-src 'self' ws: wss:; img-src data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    let mut page = page(status, "text/html; charset=utf-8", text);
    let headers = page.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    page
}

/// Puts values in the places that a template has for them: `{{name}}`. What is put in is not looked through again.
fn fill(template: &str, value: &dyn Fn(&str) -> String) -> String {
    let mut parts = template.split("{{");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("}}").unwrap_or((part, ""));
        filled += &value(name);
        filled += rest;
    }
    filled
}

fn list<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    let items = items.into_iter();
    items
        .map(|item| format!("<code>{}</code>", escaped(item)))
        .collect::<Vec<_>>()
        .join(" ")
}

/// What the examples must be told where the router is not where they look for it.
fn query_for(path: &str, realm: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if path != "/ws" {
        query.append_pair("path", path);
    }
    if realm != "realm1" {
        query.append_pair("realm", realm);
    }
    match query.finish() {
        none if none.is_empty() => none,
        some => format!("?{}", escaped(&some)),
    }
}

/// Text as HTML has it, between tags and in attributes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_into_a_page_is_text_there() {
        let filled = fill("<p title=\"{{a}}\">{{b}}", &|name| match name {
            "a" => escaped("\"'>&"),
            _ => escaped("<script>{{a}}"),
        });
        assert_eq!(
            filled,
            "<p title=\"&quot;&#39;&gt;&amp;\">&lt;script&gt;{{a}}"
        );
    }

    #[test]
    fn the_examples_are_told_only_what_they_would_not_guess() {
        assert_eq!(query_for("/ws", "realm1"), "");
        assert_eq!(query_for("/a b", "x&y"), "?path=%2Fa+b&amp;realm=x%26y");
    }
}
