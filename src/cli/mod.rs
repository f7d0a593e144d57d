//! The command line: one file a subcommand, each with its arguments and its `run`.
//!
//! Nothing outside imports this. Exit codes live in [`exit`], what goes to stdout in [`printer`], what else is
//! said in [`console`].

mod answer;
mod argument;
mod brace;
mod call;
mod check;
mod client;
mod console;
mod dry_run;
mod echo;
mod echo_note;
mod exec;
mod exit;
mod glob_check;
mod group;
mod hints;
mod init;
mod jq;
mod json;
mod latency;
mod lines;
mod listen;
mod overrides;
mod pace;
mod past;
mod pattern;
mod payload;
mod printer;
mod publish;
mod records;
mod register;
mod render;
mod router;
mod runtime;
mod shown;
mod sigil;
mod sign_in;
mod signal;
mod size;
mod subscribe;
mod table;
mod tls;
mod top;
mod version;
mod ws;
mod yaml;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, Subcommand};

pub use exit::{Exit, report};

/// The start of `wamp --help`.
const ABOUT: &str = "Router, clients and tools for WAMP, the Web Application Messaging Protocol";

/// The end of `wamp --help`.
const EXAMPLES: &str = "\
Examples:
  wamp call sum 3 5                   prints 8
  wamp pub chat.room hello from=Ada   publishes [\"hello\"] and {\"from\": \"Ada\"}
  wamp sub 'filewithext.*'            shows the events below filewithext
  wamp sub filewithext.               the same, and no shell touches it
  wamp register sum --exec ./sum.sh   answers calls with a program's output
  wamp echo                           a raw WebSocket that sends all back
  wamp ws :9000                       talks to any WebSocket server

The router is ws://127.0.0.1:8080/ws and the realm is realm1, unless -u and -R,
or WAMP_URL and WAMP_REALM, say otherwise.";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "wamp", version, about = ABOUT, after_help = EXAMPLES, max_term_width = 80)]
#[command(infer_subcommands = false)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Router(router::RouterArgs),
    Call(call::CallArgs),
    #[command(name = "pub", visible_alias = "publish")]
    Publish(publish::PublishArgs),
    #[command(name = "sub", visible_alias = "subscribe")]
    Subscribe(subscribe::SubscribeArgs),
    #[command(visible_alias = "reg")]
    Register(register::RegisterArgs),
    Echo(echo::EchoArgs),
    Init(init::InitArgs),
    Check(check::CheckArgs),
    Ws(Box<ws::WsArgs>),
    Version(version::VersionArgs),
    #[command(name = jq::CHILD_COMMAND, hide = true)]
    JqChild(jq::JqChildArgs),
}

impl Cli {
    /// Reads the command line of this process; ends the process where it asks for help or makes no sense.
    #[must_use]
    pub fn parse_process() -> Self {
        Self::try_parse().unwrap_or_else(|error| {
            let error = explain_numbers(error);
            if error.use_stderr() && console::wants_json_errors() {
                exit::end_with_usage_as_json(&error);
            }
            error.exit()
        })
    }

    /// Runs the command.
    ///
    /// # Errors
    /// Whatever kept it from being done; [`report`] says it and knows the exit code.
    pub fn run(self) -> anyhow::Result<Exit> {
        match self.command {
            Command::Router(args) => {
                runtime::many_threads(args.run())?;
                Ok(Exit::Done)
            }
            Command::Echo(args) => {
                runtime::many_threads(args.run())?;
                Ok(Exit::Done)
            }
            Command::Call(args) => runtime::one_thread(args.run()),
            Command::Publish(args) => runtime::one_thread(args.run()),
            Command::Subscribe(args) => runtime::one_thread(args.run()),
            Command::Register(args) => runtime::one_thread(args.run()),
            Command::Init(args) => args.run(),
            Command::Check(args) => args.run(),
            Command::Ws(args) => runtime::one_thread(args.run()),
            Command::Version(args) => args.run(),
            Command::JqChild(args) => args.run(),
        }
    }
}

/// Names the whole number where clap took its first letters for flags: it knows `-3` and `-2.5`, not `-1e-5`.
fn explain_numbers(mut error: clap::Error) -> clap::Error {
    let is_number = |word: &String| word.starts_with('-') && word.parse::<f64>().is_ok();
    if error.kind() == ErrorKind::UnknownArgument
        && let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg)
        && let Some(number) = std::env::args()
            .filter(is_number)
            .find(|word| word.starts_with(flag))
    {
        let tip = format!("to pass '{number}' as a value, use '-- {number}'");
        let tip = ContextValue::StyledStrs(vec![tip.into()]);
        error.insert(ContextKind::InvalidArg, ContextValue::String(number));
        error.insert(ContextKind::Suggested, tip);
    }
    error
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_stays_under_80_columns() {
        let mut command = Cli::command();
        command.build();
        let subcommands = command.get_subcommands().cloned().collect::<Vec<_>>();
        for mut command in subcommands.into_iter().chain([command]) {
            let help = command.render_long_help().to_string();
            for line in help.lines() {
                assert!(line.chars().count() <= 80, "{line:?}");
            }
        }
    }
}
