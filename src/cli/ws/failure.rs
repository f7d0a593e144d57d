//! What went wrong with a WebSocket, in words, and what would help.

use std::time::Duration;

use url::Url;

use crate::cli::console::printable;
use crate::cli::exit::{Exit, Failure};
use crate::cli::hints;
use crate::transport::DialError;
use crate::ws::{Closing, End};

/// There is no connection.
pub(super) fn not_open(error: &DialError, url: &Url, limit: Option<Duration>) -> Failure {
    let message = printable(&format!("cannot connect to {url}: {error}"));
    let failure = Failure::new(Exit::NotConnected, message);
    match error {
        DialError::Connect { .. } => {
            failure.hint("is a server running there, on that port? wamp echo starts one on :9000")
        }
        DialError::Resolve { .. } => failure.hint("is the name spelt right?"),
        DialError::Http { status, body } => refused(failure, status, body),
        DialError::NotHttp { .. } => failure.hint("is it the right port?"),
        DialError::Subprotocol { .. } => {
            failure.hint("offer another with --subprotocol NAME, or none")
        }
        error => hints::not_dialled(failure, error, url, limit),
    }
}

/// A web server has its reasons, some of which can be guessed.
fn refused(failure: Failure, status: &str, body: &str) -> Failure {
    match status.split_once(' ').map_or(status, |(code, _)| code) {
        "401" | "403" => failure.hint(
            "it may want to know who you are (--basic, --bearer, -H) or where from (--origin)",
        ),
        "404" => failure.hint("no WebSocket is at that path; is it the right one?"),
        "200" => failure
            .hint("no WebSocket is at that path, only a page; is it the right path, and port?"),
        "400" if body.contains("subprotocol") => failure
            .hint("offer one with --subprotocol NAME; what speaks WAMP is wamp call and the like"),
        _ => failure,
    }
}

/// The connection is over; an error where that is one.
pub(super) fn ended(end: &End) -> Result<(), Failure> {
    let failure = Failure::new(Exit::SessionLost, printable(&end.to_string()));
    match end {
        End::Closed(closing) if closing.as_ref().is_none_or(Closing::is_in_order) => Ok(()),
        End::TooLarge { .. } => Err(failure.hint("to take larger ones: --max-message 1GiB")),
        _ => Err(failure),
    }
}

/// Fewer messages came than were asked for.
pub(super) fn too_few(received: u64, count: u64, why: &str) -> Failure {
    Failure::new(
        Exit::TimedOut,
        format!("{received} of {count} messages came, {why}"),
    )
}
