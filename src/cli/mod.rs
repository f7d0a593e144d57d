//! The command line: one file a subcommand, each with its arguments and its `run`.
//!
//! Nothing outside imports this. Exit codes live in [`exit`], what goes to stdout in [`printer`], what else is
//! said in [`console`].

mod answer;
mod argument;
mod brace;
mod call;
mod cheat;
mod check;
mod client;
mod complete;
mod console;
mod context;
mod ctx;
mod dirs;
mod dry_run;
mod echo;
mod echo_note;
mod errors;
mod exec;
mod exit;
mod explain;
mod glob_check;
mod group;
mod help;
mod hints;
mod init;
mod jq;
mod json;
mod keygen;
mod latency;
mod lines;
mod listen;
mod look;
mod man;
mod overrides;
mod pace;
mod past;
mod pattern;
mod payload;
mod printer;
mod progress;
mod publish;
mod records;
mod register;
mod reload;
mod render;
mod router;
mod run;
mod runtime;
mod shown;
mod sigil;
mod sign_in;
mod signal;
mod similar;
mod size;
mod subscribe;
mod table;
mod tls;
mod top;
mod url;
mod users;
mod version;
mod ws;
mod yaml;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, Subcommand};

use client::ClientArgs;

pub use exit::{Exit, Health, report};

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
#[command(infer_subcommands = false, disable_help_subcommand = true)]
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
    Ws(Box<ws::WsArgs>),
    Echo(echo::EchoArgs),
    Init(init::InitArgs),
    Check(check::CheckArgs),
    Keygen(keygen::KeygenArgs),
    Ls(look::LsArgs),
    Info(look::InfoArgs),
    Describe(look::DescribeArgs),
    Watch(look::WatchArgs),
    Kill(look::KillArgs),
    Wait(look::WaitArgs),
    Ping(look::PingArgs),
    Doctor(look::DoctorArgs),
    Probe(look::ProbeArgs),
    Run(run::RunArgs),
    Errors(errors::ErrorsArgs),
    Ctx(ctx::CtxArgs),
    Cheat(cheat::CheatArgs),
    Completions(complete::CompletionsArgs),
    Man(man::ManArgs),
    Help(help::HelpArgs),
    Version(version::VersionArgs),
    #[command(name = jq::CHILD_COMMAND, hide = true)]
    JqChild(jq::JqChildArgs),
}

impl Command {
    /// The connection's settings of a command that has one. `wamp probe` settles its own: its failures are answers.
    const fn client(&mut self) -> Option<&mut ClientArgs> {
        Some(match self {
            Self::Call(args) => &mut args.client,
            Self::Publish(args) => &mut args.client,
            Self::Subscribe(args) => &mut args.client,
            Self::Register(args) => &mut args.client,
            Self::Ls(args) => &mut args.client,
            Self::Info(args) => &mut args.client,
            Self::Describe(args) => &mut args.client,
            Self::Watch(args) => &mut args.client,
            Self::Kill(args) => &mut args.client,
            Self::Wait(args) => &mut args.client,
            Self::Ping(args) => &mut args.client,
            Self::Doctor(args) => &mut args.client,
            Self::Run(args) => &mut args.client,
            _ => return None,
        })
    }
}

impl Cli {
    /// Reads the command line of this process; ends the process where it asks for help or makes no sense, or where
    /// it is a shell that asks how a line may go on.
    #[must_use]
    pub fn parse_process() -> Self {
        complete::answer_shell();
        Self::try_parse().unwrap_or_else(|error| {
            let error = explain_numbers(error);
            if error.use_stderr() && std::env::args().nth(1).is_some_and(|word| word == "probe") {
                // Who reads exit codes as Nagios does would take clap's 2 for a router that is down.
                say_unknown(&error);
            }
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
    pub fn run(mut self) -> anyhow::Result<Exit> {
        if let Some(client) = self.command.client() {
            client.settle()?;
        }
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
            Command::Keygen(args) => args.run(),
            Command::Ws(args) => runtime::one_thread(args.run()),
            Command::Ls(args) => runtime::one_thread(args.run()),
            Command::Info(args) => runtime::one_thread(args.run()),
            Command::Describe(args) => runtime::one_thread(args.run()),
            Command::Watch(args) => runtime::one_thread(args.run()),
            Command::Kill(args) => runtime::one_thread(args.run()),
            Command::Wait(args) => runtime::one_thread(args.run()),
            Command::Ping(args) => runtime::one_thread(args.run()),
            Command::Doctor(args) => runtime::one_thread(args.run()),
            Command::Probe(args) => runtime::one_thread(args.run()),
            Command::Run(args) => runtime::one_thread(args.run()),
            Command::Errors(args) => args.run(),
            Command::Ctx(args) => args.run(),
            Command::Cheat(args) => args.run(),
            Command::Completions(args) => args.run(),
            Command::Man(args) => args.run(),
            Command::Help(args) => args.run(),
            Command::Version(args) => args.run(),
            Command::JqChild(args) => args.run(),
        }
    }
}

#[expect(
    clippy::exit,
    reason = "as clap itself ends where a command line makes no sense"
)]
fn say_unknown(error: &clap::Error) -> ! {
    // With stderr gone there is nobody to tell.
    let _ = error.print();
    std::process::exit(Exit::Probed(Health::Unknown).code().into())
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

    /// What the README shows without a test that runs it: its blocks of `text` and `sh`.
    #[test]
    fn what_the_readme_shows_can_be_typed() {
        use clap::Parser as _;
        let readme = include_str!("../../README.md");
        let mut is_meant = false;
        let mut count = 0;
        for line in readme.lines() {
            if let Some(language) = line.strip_prefix("```") {
                is_meant = language == "text" || language == "sh";
                continue;
            }
            let line = line.strip_prefix("$ ").unwrap_or(line);
            let line = line.replace("cargo run --release --", "wamp");
            let command = line.split(" | ").find(|part| part.starts_with("wamp "));
            if let (true, Some(command)) = (is_meant, command) {
                let words = shell_words::split(command).unwrap();
                if let Err(error) = Cli::try_parse_from(words) {
                    panic!("{line}: {error}");
                }
                count += 1;
            }
        }
        assert!(count >= 6, "the README has lost its examples");
    }

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
