//! Exit codes, and the failures that lead to them. The only place that knows the numbers.

use std::fmt;
use std::fmt::Write as _;
use std::io;

use super::{console, json};
use crate::client::{End, ErrorReply};
use crate::protocol::{Dict, Uri, Value, uris};
use crate::transport::io_text;

/// What routers say on their own behalf, below `wamp.error.`. `invalid_argument` and `runtime_error` are a callee's.
pub(super) const REFUSALS: [&str; 26] = [
    "invalid_uri",
    "no_such_procedure",
    "procedure_already_exists",
    "no_such_registration",
    "no_such_subscription",
    "canceled",
    "payload_size_exceeded",
    "protocol_violation",
    "not_authorized",
    "authorization_failed",
    "no_such_realm",
    "no_such_role",
    "no_matching_auth_method",
    "no_such_principal",
    "authentication_denied",
    "authentication_failed",
    "authentication_required",
    "authorization_denied",
    "authorization_required",
    "option_not_allowed",
    "option_disallowed.disclose_me",
    "network_failure",
    "unavailable",
    "no_available_callee",
    "feature_not_supported",
    "no_such_session",
];

/// How the command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It did what it was asked to.
    Done,
    /// The callee answered with an error of its own.
    CalleeError,
    /// `wamp check --explain`: the answer is no.
    Denied,
    /// The command line does not say what to do: usage, typing, pattern.
    Usage,
    /// There is no connection: name, TCP, WebSocket.
    NotConnected,
    /// The router did not let us into the realm.
    JoinRefused,
    /// It took too long: connecting, the answer, or as many events as were asked for.
    TimedOut,
    /// The router refused the request.
    Refused,
    /// The session, or the raw WebSocket, ended while it was needed.
    SessionLost,
    /// A filter or a program of the command's own did not do its part, or an expectation was not met.
    CheckFailed,
    /// A file or a program of this machine.
    Local,
    /// What a check for monitoring found, in its own numbers.
    Probed(Health),
    /// Ctrl-C.
    Interrupted,
    /// SIGTERM.
    Terminated,
    /// Nobody reads our output any more.
    PipeClosed,
}

/// How a router is, in the numbers of Nagios' plugins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// All is well.
    Ok = 0,
    /// It answers too slowly.
    Warning = 1,
    /// It does not answer, or not as it should.
    Critical = 2,
    /// It could not be asked.
    Unknown = 3,
}

impl Health {
    /// The word for it, as those who read such lines expect it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }
}

impl Exit {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::CalleeError | Self::Denied => 1,
            Self::Usage => 2,
            Self::NotConnected => 3,
            Self::JoinRefused => 4,
            Self::TimedOut => 5,
            Self::Refused => 6,
            Self::SessionLost => 7,
            Self::CheckFailed => 8,
            Self::Local => 9,
            Self::Probed(health) => health as u8,
            // 128 plus the signal's number, as a shell counts.
            Self::Interrupted => 130,
            Self::PipeClosed => 141,
            Self::Terminated => 143,
        }
    }

    /// Ends the process by the signal that has ended the command, if one has: a shell whose loop it is part of ends then as
    /// well, and with a number alone it would not. To be called when everything else is done.
    pub fn raise(self) {
        let signal = match self {
            Self::Interrupted => signal_hook::consts::SIGINT,
            Self::Terminated => signal_hook::consts::SIGTERM,
            _ => return,
        };
        // Where that fails the number says it.
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    }

    /// Where an ERROR leads to: the router's own refusals, and all that a callee says.
    pub(super) fn of_error(error: &Uri) -> Self {
        if *error == uris::TIMEOUT {
            return Self::TimedOut;
        }
        match error.as_str().strip_prefix("wamp.error.") {
            Some(rest) if REFUSALS.contains(&rest) => Self::Refused,
            _ => Self::CalleeError,
        }
    }

    /// Where the end of a session leads to.
    pub(super) const fn of_end(end: &End) -> Self {
        match end {
            End::Refused { .. } | End::Challenged { .. } | End::Mistrusted(_) => Self::JoinRefused,
            End::Aborted { .. } | End::RouterLeft { .. } | End::Left | End::Violation(_) => {
                Self::SessionLost
            }
        }
    }
}

/// Why the command failed: what is said, what would help, and how the process ends.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Failure {
    exit: Exit,
    message: String,
    hint: Option<String>,
    /// The ERROR behind it.
    reply: Option<Box<ErrorReply>>,
}

impl Failure {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hint: None,
            reply: None,
        }
    }

    /// A command line that does not say what to do.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// A file or program of this machine.
    pub(super) fn local(message: impl Into<String>) -> Self {
        Self::new(Exit::Local, message)
    }

    /// What this machine does not let us do: `cannot write FILE: why`.
    pub(super) fn io(doing: &str, what: impl fmt::Display, error: &io::Error) -> Self {
        let text = format!("cannot {doing} {what}: {}", io_text(error));
        Self::local(console::printable(&text))
    }

    /// Adds what would help.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the ERROR that it is about.
    pub(super) fn of(mut self, reply: &ErrorReply) -> Self {
        self.reply = Some(Box::new(reply.clone()));
        self
    }

    pub(super) const fn exit(&self) -> Exit {
        self.exit
    }

    /// What [`report`] would say, without the last line end: for who goes on nevertheless.
    pub(super) fn told(&self) -> String {
        told(&self.message, self.hint.as_deref())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Says on stderr why the command failed, and returns how the process ends.
#[must_use]
pub fn report(error: &anyhow::Error) -> Exit {
    let failure = error.downcast_ref::<Failure>();
    let exit = failure.map_or(Exit::Local, Failure::exit);
    if exit == Exit::PipeClosed {
        return exit;
    }
    let hint = failure.and_then(|failure| failure.hint.as_deref());
    if console::wants_json_errors() {
        let reply = failure.and_then(|failure| failure.reply.as_deref());
        let told = as_json(exit, &format!("{error:#}"), hint, reply);
        console::say(&format!("{told}\n"));
        return exit;
    }
    console::say(&format!("{}\n", told(&format!("{error:#}"), hint)));
    exit
}

/// An error and what would help, as a terminal shows it.
fn told(message: &str, hint: Option<&str>) -> String {
    let palette = console::stderr_palette();
    let mut told = format!("{} {}", palette.error("error:"), lines(message));
    if let Some(hint) = hint {
        let _ = write!(told, "\n{} {}", palette.note("hint:"), lines(hint));
    }
    told
}

/// An error as `--json-errors` has it.
fn as_json(exit: Exit, message: &str, hint: Option<&str>, reply: Option<&ErrorReply>) -> String {
    let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
    let args = reply.map_or_else(Vec::new, |reply| reply.payload.args().unwrap_or_default());
    let kwargs = reply.map_or_else(Dict::new, |reply| {
        reply.payload.kwargs().unwrap_or_default()
    });
    json::to_line(&Value::Dict(Dict::from_iter([
        ("code", Value::from(u64::from(exit.code()))),
        ("uri", text(reply.map(|reply| reply.error.as_str()))),
        ("args", Value::List(args)),
        ("kwargs", Value::Dict(kwargs)),
        ("message", Value::from(message)),
        ("hint", text(hint)),
    ])))
}

/// What clap found wrong with a command line, as `--json-errors` has it.
#[expect(clippy::exit, reason = "as clap does")]
pub(super) fn end_with_usage_as_json(error: &clap::Error) -> ! {
    let text = error.to_string();
    let message = text.lines().next().unwrap_or_default();
    let message = message.strip_prefix("error: ").unwrap_or(message);
    let told = as_json(Exit::Usage, message, None, None);
    console::say(&format!("{told}\n"));
    std::process::exit(Exit::Usage.code().into())
}

/// A text of ours, whose lines are meant, with nothing else that a terminal obeys. Texts from peers are on one line.
fn lines(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(console::printable).collect();
    lines.join("\n")
}

/// An ERROR as people read it: its URI, then what it carries.
pub(super) fn error_text(reply: &ErrorReply) -> String {
    use super::console::printable;
    let args = reply.payload.args().unwrap_or_default();
    let kwargs = reply.payload.kwargs().unwrap_or_default();
    let mut said: Vec<String> = args.iter().map(json::plain).collect();
    said.extend(
        kwargs
            .iter()
            .map(|(name, value)| format!("{name}={}", json::to_line(value))),
    );
    if said.is_empty() {
        printable(reply.error.as_str())
    } else {
        let said = said.join(", ");
        printable(&format!("{}: {said}", reply.error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_uris_lead_to_their_codes() {
        let code = |error: &str| Exit::of_error(&Uri::from(error)).code();
        assert_eq!(code("wamp.error.timeout"), 5);
        assert_eq!(code("wamp.error.no_such_procedure"), 6);
        assert_eq!(code("wamp.error.option_disallowed.disclose_me"), 6);
        assert_eq!(code("wamp.error.no_such_session"), 6);
        assert_eq!(code("wamp.error.invalid_argument"), 1);
        assert_eq!(code("wamp.error.runtime_error"), 1);
        assert_eq!(code("wamp.error.of_my_own"), 1);
        assert_eq!(code("com.example.refused"), 1);
    }
}
