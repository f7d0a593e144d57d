//! What a typed line asks for: a message, or one of the commands that begin with a slash.

use bytes::Bytes;

use super::message::Recipe;
use crate::cli::exit::Failure;
use crate::cli::sigil::SigilReader;
use crate::ws::{Closing, Data};

/// The commands, as Tab completes them.
pub(super) const COMMANDS: [&str; 5] = ["/close", "/help", "/ping", "/pong", "/quit"];

/// What `/help` says.
const HELP: &str = "\
/ping [TEXT]            ask for a sign of life, and see how long it takes
/pong [TEXT]            give one unasked
/close [CODE [REASON]]  close, with 1000 if no other code is given
/quit                   the same as Ctrl-D
/help                   show this
//TEXT                  send /TEXT
@FILE @bin: @hex: …     what -m takes as well; @@TEXT sends @TEXT
anything else           is sent as it is; JSON may take several lines";

/// What somebody wants done.
#[derive(Debug, PartialEq)]
pub(super) enum Order {
    Send(Data),
    Ping(Option<Bytes>),
    Pong(Bytes),
    /// Close; as the command line has it where nothing is given.
    Close(Option<Closing>),
    /// Show this, line by line.
    Say(String),
    /// Nothing.
    Nothing,
}

/// Understands a typed line. `None` asks for the end.
pub(super) fn understand(line: &str, is_binary: bool) -> Result<Option<Order>, Failure> {
    if line.trim().is_empty() {
        return Ok(Some(Order::Nothing));
    }
    let word = match line.strip_prefix('/') {
        Some(rest) if rest.starts_with('/') => rest,
        Some(command) => return obey(command),
        None => line,
    };
    // A word that begins with a slash now has none of the meanings of `@`.
    let recipe = Recipe::read(word, &mut SigilReader::without_stdin(), is_binary, false)?;
    Ok(Some(Order::Send(recipe.make(1))))
}

fn obey(command: &str) -> Result<Option<Order>, Failure> {
    let (name, rest) = command.split_once(' ').unwrap_or((command, ""));
    let rest = rest.trim();
    let payload = || Bytes::copy_from_slice(rest.as_bytes());
    Ok(Some(match name.trim() {
        "ping" => Order::Ping((!rest.is_empty()).then(payload)),
        "pong" => Order::Pong(payload()),
        "close" if rest.is_empty() => Order::Close(None),
        "close" => Order::Close(Some(closing(rest, ' ').map_err(Failure::usage)?)),
        "help" | "?" => Order::Say(HELP.to_owned()),
        "quit" | "exit" | "q" => return Ok(None),
        _ => {
            let failure = Failure::usage(format!("there is no command /{name}"));
            return Err(failure.hint(format!("/help lists them; //{command} sends /{command}")));
        }
    }))
}

/// A close code, and a reason behind `separator` if there is one.
pub(super) fn closing(text: &str, separator: char) -> Result<Closing, String> {
    let (code, reason) = text.split_once(separator).unwrap_or((text, ""));
    let code: u16 = code
        .parse()
        .map_err(|_| format!("{code:?} is no close code; 1000 is the normal one"))?;
    if !Closing::may_send(code) {
        return Err(format!(
            "{code} may not be sent: 1000 to 1003, 1007 to 1014 and 3000 to 4999 may"
        ));
    }
    let reason = reason.trim().to_owned();
    if reason.len() > Closing::REASON_BYTES_MAX {
        let max = Closing::REASON_BYTES_MAX;
        return Err(format!(
            "a reason has at most {max} bytes, this has {}",
            reason.len()
        ));
    }
    Ok(Closing { code, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(line: &str) -> Order {
        understand(line, false).unwrap().unwrap()
    }

    #[test]
    fn what_has_no_slash_is_sent() {
        assert_eq!(
            order("hi /ping"),
            Order::Send(Data::Text("hi /ping".into()))
        );
        assert_eq!(order("//ping"), Order::Send(Data::Text("/ping".into())));
        assert_eq!(
            order("@hex:00ff"),
            Order::Send(Data::Binary(vec![0, 255].into()))
        );
        assert_eq!(order("@@ada hi"), Order::Send(Data::Text("@ada hi".into())));
        assert_eq!(order("  "), Order::Nothing);
    }

    #[test]
    fn commands_are_understood() {
        assert_eq!(order("/ping"), Order::Ping(None));
        assert_eq!(order("/ping a b"), Order::Ping(Some("a b".into())));
        assert_eq!(order("/pong"), Order::Pong(Bytes::new()));
        assert_eq!(order("/close"), Order::Close(None));
        let closing = Closing {
            code: 4000,
            reason: "by e".to_owned(),
        };
        assert_eq!(order("/close 4000 by e"), Order::Close(Some(closing)));
        assert_eq!(understand("/quit", false), Ok(None));
        assert!(matches!(order("/help"), Order::Say(_)));
    }

    #[test]
    fn what_tab_completes_is_understood_and_explained() {
        for command in COMMANDS {
            assert!(understand(command, false).is_ok(), "{command}");
            assert!(HELP.contains(command), "{command}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_told_and_not_sent() {
        for line in [
            "/nope",
            "/close now",
            "/close 1005",
            "/close 999",
            "@-",
            "@/no/such/file",
        ] {
            assert!(understand(line, false).is_err(), "{line}");
        }
        let long = format!("/close 1000 {}", "x".repeat(124));
        assert!(understand(&long, false).is_err());
    }
}
