//! `wamp errors`: every error URI that the specification knows: what it means, who sends it, and our exit code.

use anyhow::Result;

use super::console::{Console, ConsoleArgs};
use super::exit::Exit;
use super::printer::{OutputArgs, Printer};
use super::table::titled;
use crate::protocol::{Dict, Uri, Value};

/// Say what error URIs mean, who sends them, and the exit code of each
#[derive(Debug, clap::Args)]
pub(super) struct ErrorsArgs {
    /// Error to explain; all of them if not given
    #[arg(value_name = "URI")]
    uri: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    console: ConsoleArgs,
}

/// Who sends an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Router,
    /// The router, where a session is to begin: an ABORT.
    Joining,
    Callee,
    /// Whoever ends a session.
    Either,
}

struct Row {
    uri: &'static str,
    from: From,
    meaning: &'static str,
}

const fn row(uri: &'static str, from: From, meaning: &'static str) -> Row {
    Row { uri, from, meaning }
}

/// In the order in which one meets them: joining, calling, subscribing, leaving.
const ROWS: &[Row] = &[
    row(
        "wamp.error.no_such_realm",
        From::Joining,
        "the router has no realm of that name: -R names another",
    ),
    row(
        "wamp.error.no_such_role",
        From::Joining,
        "no role is for who would join, or the role asked for does not exist",
    ),
    row(
        "wamp.error.no_such_principal",
        From::Joining,
        "nobody is called that",
    ),
    row(
        "wamp.error.no_matching_auth_method",
        From::Joining,
        "none of the ways offered to sign in is to be had: --authmethod",
    ),
    row(
        "wamp.error.authentication_required",
        From::Joining,
        "the realm is not for those who do not say who they are: --authid and a secret",
    ),
    row(
        "wamp.error.authentication_denied",
        From::Joining,
        "a wrong ticket, secret or key, or nobody is called that",
    ),
    row(
        "wamp.error.authentication_failed",
        From::Joining,
        "signing in broke off: one side did not prove who it is, or could not be asked",
    ),
    row(
        "wamp.error.authorization_denied",
        From::Joining,
        "who signed in may not join this realm",
    ),
    row(
        "wamp.error.authorization_required",
        From::Joining,
        "joining needs a right that this client does not have",
    ),
    row(
        "wamp.error.invalid_uri",
        From::Router,
        "a URI that the router's rule does not allow: empty parts, blanks, #, or a reserved first part",
    ),
    row(
        "wamp.error.not_authorized",
        From::Router,
        "the client's role does not allow it",
    ),
    row(
        "wamp.error.authorization_failed",
        From::Router,
        "the router could not find out whether it is allowed",
    ),
    row(
        "wamp.error.no_such_procedure",
        From::Router,
        "nobody offers the procedure: wamp ls procs",
    ),
    row(
        "wamp.error.procedure_already_exists",
        From::Router,
        "somebody else offers the procedure, and alone",
    ),
    row(
        "wamp.error.no_such_registration",
        From::Router,
        "the session holds no registration of that id",
    ),
    row(
        "wamp.error.no_such_subscription",
        From::Router,
        "the session holds no subscription of that id, or none matches",
    ),
    row(
        "wamp.error.no_such_session",
        From::Router,
        "there is no other session of that id: wamp ls sessions",
    ),
    row(
        "wamp.error.timeout",
        From::Router,
        "the call took longer than its caller allowed",
    ),
    row(
        "wamp.error.canceled",
        From::Router,
        "the call was cancelled, or its callee has gone",
    ),
    row(
        "wamp.error.unavailable",
        From::Router,
        "the callee cannot take the call now",
    ),
    row(
        "wamp.error.no_available_callee",
        From::Router,
        "no callee of a shared registration can take the call now",
    ),
    row(
        "wamp.error.network_failure",
        From::Router,
        "the way to the other end broke",
    ),
    row(
        "wamp.error.payload_size_exceeded",
        From::Router,
        "a message larger than the router, or the peer it was for, takes",
    ),
    row(
        "wamp.error.feature_not_supported",
        From::Router,
        "what was asked for is not to be had of this router: wamp doctor",
    ),
    row(
        "wamp.error.option_not_allowed",
        From::Router,
        "an option of the request is not allowed",
    ),
    row(
        "wamp.error.option_disallowed.disclose_me",
        From::Router,
        "callers and publishers are not disclosed in this realm",
    ),
    row(
        "wamp.error.protocol_violation",
        From::Either,
        "a rule of the protocol was broken; the session is over",
    ),
    row(
        "wamp.error.invalid_argument",
        From::Callee,
        "the callee does not take these arguments: wamp describe",
    ),
    row(
        "wamp.error.runtime_error",
        From::Callee,
        "the callee failed in a way of its own",
    ),
    row(
        "wamp.close.killed",
        From::Router,
        "somebody ended the session: wamp kill, an operator",
    ),
    row(
        "wamp.close.system_shutdown",
        From::Router,
        "the router goes down",
    ),
    row(
        "wamp.close.close_realm",
        From::Either,
        "a peer leaves on its own",
    ),
    row(
        "wamp.close.goodbye_and_out",
        From::Either,
        "the answer to a goodbye",
    ),
    row(
        "wamp.close.normal",
        From::Either,
        "a peer leaves on its own, as some libraries say it",
    ),
    row(
        "wamp.close.logout",
        From::Either,
        "a peer leaves on its own, as some libraries say it",
    ),
];

impl Row {
    /// The exit code of a command that meets it.
    fn exit(&self) -> Exit {
        match self.from {
            From::Joining => Exit::JoinRefused,
            _ if self.uri.starts_with("wamp.close.") => Exit::SessionLost,
            _ => Exit::of_error(&Uri::from_static(self.uri)),
        }
    }

    const fn from(&self) -> &'static str {
        match self.from {
            From::Router => "router",
            From::Joining => "router, joining",
            From::Callee => "callee",
            From::Either => "either side",
        }
    }
}

/// What an error that the specification knows means.
pub(super) fn meaning(uri: &str) -> Option<&'static str> {
    let row = ROWS.iter().find(|row| row.uri == uri);
    row.map(|row| row.meaning)
}

impl ErrorsArgs {
    pub(super) fn run(self) -> Result<Exit> {
        let console = Console::new(&self.console);
        let printer = Printer::new(&self.output, &console);
        let rows: Vec<(&str, &str, u8, &str)> = match &self.uri {
            None => ROWS.iter().map(told).collect(),
            Some(uri) => match ROWS.iter().find(|row| row.uri == uri) {
                Some(row) => vec![told(row)],
                None => vec![own(uri)],
            },
        };
        if printer.is_for_people() {
            let rows: Vec<Vec<String>> = rows
                .iter()
                .map(|(uri, from, exit, meaning)| {
                    vec![
                        (*uri).to_owned(),
                        (*from).to_owned(),
                        exit.to_string(),
                        (*meaning).to_owned(),
                    ]
                })
                .collect();
            let titles = ["error", "from", "exit", "meaning"];
            printer.text(&titled(&titles, &rows, console.stdout()))?;
            return Ok(Exit::Done);
        }
        for (uri, from, exit, meaning) in rows {
            let record = [
                ("uri", Value::from(uri)),
                ("from", from.into()),
                ("exit", u64::from(exit).into()),
                ("meaning", meaning.into()),
            ];
            printer.value(&Value::Dict(Dict::from_iter(record)))?;
        }
        Ok(Exit::Done)
    }
}

fn told(row: &Row) -> (&'static str, &'static str, u8, &'static str) {
    (row.uri, row.from(), row.exit().code(), row.meaning)
}

/// An error that no specification knows.
fn own(uri: &str) -> (&str, &'static str, u8, &'static str) {
    let meaning = "an application's own: who offers the procedure says what it means";
    let exit = Exit::of_error(&Uri::from(uri)).code();
    (uri, "callee", exit, meaning)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::REFUSALS;
    use crate::protocol::uris;

    #[test]
    fn every_error_that_we_send_or_know_is_explained() {
        let is_told = |uri: &str| ROWS.iter().any(|row| row.uri == uri);
        for uri in uris::errors() {
            assert!(is_told(uri.as_str()), "{uri}");
        }
        for rest in REFUSALS {
            assert!(is_told(&format!("wamp.error.{rest}")), "{rest}");
        }
    }
}
