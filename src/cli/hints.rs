//! What went wrong between us and the router, in words, and what would help.

use std::time::Duration;

use url::Url;

use super::console::printable;
use super::exit::{Exit, Failure, error_text};
use crate::client::{End, ErrorReply};
use crate::framing::rawsocket::{HandshakeError, Refusal};
use crate::node::connect::{ConnectError, RequestError};
use crate::protocol::{Uri, UriRule, uris};
use crate::transport::DialError;
use crate::transport::tls::TlsError;

/// There is no session.
pub(super) fn not_connected(
    error: &ConnectError,
    url: &Url,
    realm: &str,
    limit: Option<Duration>,
) -> Failure {
    match error {
        ConnectError::Dial(error) => router_not_dialled(error, url, limit),
        ConnectError::Join(end) => not_joined(end, url.as_str(), realm),
        error => Failure::new(
            Exit::NotConnected,
            printable(&format!("cannot connect to {url}: {error}")),
        )
        .hint(no_router(url.as_str())),
    }
}

/// What speaks a WebSocket, and no WAMP.
fn no_router(url: &str) -> String {
    format!("is that a WAMP router, or a raw WebSocket? for one: wamp ws {url}")
}

fn router_not_dialled(error: &DialError, url: &Url, limit: Option<Duration>) -> Failure {
    let message = printable(&format!("cannot connect to {url}: {error}"));
    let failure = Failure::new(Exit::NotConnected, message);
    match error {
        DialError::Connect { .. } => {
            let listen = match url.port_or_known_default() {
                None if url.scheme() == "unix" => {
                    format!(" --listen {}", shell_words::quote(url.as_str()))
                }
                None | Some(8080) => String::new(),
                Some(port) => format!(" --listen :{port}"),
            };
            failure.hint(format!(
                "is a router running there? start one: wamp router{listen}"
            ))
        }
        DialError::Resolve { .. } => failure.hint("name another router with -u or WAMP_URL"),
        DialError::Http { .. } => {
            failure.hint("is the path right? wamp router listens on /ws, as in :8080/ws")
        }
        DialError::Subprotocol { .. } => {
            failure.hint("it is no WAMP router, or wants another serializer: -s json")
        }
        DialError::NotRawSocket { .. } => {
            let other = match url.scheme() {
                "rss" => with_scheme(url, "wss"),
                "unix" => return failure.hint("is it a WAMP router that listens there?"),
                _ => with_scheme(url, "ws"),
            };
            failure.hint(format!(
                "if it is a WebSocket that listens there: {}/ws",
                other.trim_end_matches('/')
            ))
        }
        DialError::RawSocketRefused(HandshakeError::Refused(Refusal::Serializer)) => {
            failure.hint("it wants another serializer: -s json")
        }
        DialError::NotHttp { .. } | DialError::Handshake { .. } => {
            failure.hint("is it a WAMP router that listens there?")
        }
        error => not_dialled(failure, error, url, limit),
    }
}

/// Why there is no connection, where it matters little what would have come over it.
pub(super) fn not_dialled(
    failure: Failure,
    error: &DialError,
    url: &Url,
    limit: Option<Duration>,
) -> Failure {
    match error {
        DialError::Url { .. } => Failure::usage(format!("{url}: {error}")),
        DialError::Tls(error) => no_tls(failure, error, url),
        DialError::TlsPort => failure.hint(format!("try {}", with_tls(url))),
        DialError::NoAnswer if ["ws", "tcp", "rs"].contains(&url.scheme()) => {
            let other = with_tls(url);
            failure.hint(format!(
                "is it the right port? if it is one for TLS: {other}"
            ))
        }
        DialError::Timeout { stage } => {
            let limit = humantime::format_duration(limit.unwrap_or_default());
            let doing = stage.doing();
            let message =
                format!("cannot connect to {url}: no answer within {limit} while {doing}");
            Failure::new(Exit::TimedOut, message).hint("to wait longer: -T 60s")
        }
        _ => failure,
    }
}

fn no_tls(failure: Failure, error: &TlsError, url: &Url) -> Failure {
    match error {
        TlsError::Untrusted(_) => failure.hint(
            "if it is signed by an authority of your own: --ca FILE; to check nothing at all: --insecure",
        ),
        TlsError::Authority => failure.hint(
            "openssl req -x509 makes one for a server with -addext basicConstraints=critical,CA:FALSE; to check nothing at all: --insecure",
        ),
        TlsError::OtherName(_) => failure.hint(
            "if it is the right server: --tls-name NAME, as the certificate has it; to check nothing at all: --insecure",
        ),
        TlsError::NotTls | TlsError::Closed => {
            let plain = if url.scheme() == "rss" { "tcp" } else { "ws" };
            let other = with_scheme(url, plain);
            failure.hint(format!("if it is a port without TLS: {other}"))
        }
        TlsError::WhoAreYou(_) => {
            failure.hint("--cert FILE and --tls-key FILE name one")
        }
        TlsError::Alert(_) => failure.hint(
            "it may want another version (--tls-min), name (--tls-name), or to know who you are (--cert, --tls-key)",
        ),
        _ => failure,
    }
}

/// The same place through TLS.
fn with_tls(url: &Url) -> String {
    let scheme = if url.scheme() == "ws" { "wss" } else { "rss" };
    with_scheme(url, scheme)
}

fn with_scheme(url: &Url, scheme: &str) -> String {
    let url = url.as_str();
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    format!("{scheme}://{rest}")
}

fn not_joined(end: &End, url: &str, realm: &str) -> Failure {
    match end {
        End::Refused { reason, .. } if *reason == uris::NO_SUCH_REALM => {
            let message = format!("the router at {url} has no realm {realm:?} ({reason})");
            let is_valid = Uri::from(realm).check(UriRule::Loose).is_ok();
            let start = if is_valid {
                let realm = shell_words::quote(realm);
                format!(", or start it with one: wamp router --realm {realm}")
            } else {
                String::new()
            };
            let hint = format!("name another with -R{start}");
            Failure::new(Exit::JoinRefused, message).hint(hint)
        }
        End::Refused { .. } | End::Challenged { .. } | End::Mistrusted(_) => {
            let message = format!("cannot join {realm:?} at {url}: {end}");
            Failure::new(Exit::JoinRefused, printable(&message))
        }
        end => {
            let message = format!("cannot join {realm:?} at {url}: {end}");
            let failure = Failure::new(Exit::NotConnected, printable(&message));
            match end {
                End::Violation(_) if url.starts_with("ws") => failure.hint(no_router(url)),
                _ => failure,
            }
        }
    }
}

/// The answer took too long.
pub(super) fn no_answer(what: &str, limit: Duration) -> Failure {
    let limit = humantime::format_duration(limit);
    Failure::new(
        Exit::TimedOut,
        format!("no answer from {what} within {limit}"),
    )
    .hint("to wait longer: -T 60s; without -T there is no limit")
}

/// A request has no good answer. `what` was asked, as in `procedure "sum"`.
pub(super) fn failed(what: &str, realm: &str, error: &RequestError) -> Failure {
    match error {
        RequestError::Refused(reply) => refused(what, realm, reply),
        error => Failure::new(Exit::SessionLost, printable(&format!("{what}: {error}"))),
    }
}

fn refused(what: &str, realm: &str, reply: &ErrorReply) -> Failure {
    let exit = Exit::of_error(&reply.error);
    let error = &reply.error;
    if *error == uris::NO_SUCH_PROCEDURE {
        let message = printable(&format!("no {what} in {realm} ({error})"));
        let failure = Failure::new(exit, message).of(reply);
        return failure
            .hint("is it spelt right, and is its callee running? offer one: wamp register");
    }
    let failure = Failure::new(exit, format!("{what}: {}", error_text(reply))).of(reply);
    let is_reserved = what.contains("\"wamp.") || what.contains("\"_router");
    if *error == uris::INVALID_URI && !is_reserved {
        failure.hint("a URI is made of parts with dots between, none empty, without blanks and #")
    } else if *error == uris::PROCEDURE_ALREADY_EXISTS {
        failure.hint("somebody offers it already; choose another name, or stop the other")
    } else if *error == uris::NOT_AUTHORIZED {
        failure.hint("the router does not allow it to this client")
    } else {
        failure
    }
}
