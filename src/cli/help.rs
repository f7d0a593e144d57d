//! `wamp help`: the help of a command, or the whole command line as JSON, for programs that build on it.

use std::iter::once;

use anyhow::Result;
use clap::builder::{PossibleValue, Str, StyledStr};
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, Command, CommandFactory as _};
use serde_json::{Map, Value, json};

use super::Cli;
use super::console::{Console, ConsoleArgs};
use super::exit::Exit;
use super::printer::{OutputArgs, Printer};

/// Print the help of a command
#[derive(Debug, clap::Args)]
pub(super) struct HelpArgs {
    /// Command, such as call or ctx add; without one, wamp itself
    #[arg(value_name = "COMMAND")]
    path: Vec<String>,
    /// As JSON: the command and those below it, with their arguments, values, defaults and variables
    #[arg(long)]
    json: bool,
}

impl HelpArgs {
    pub(super) fn run(self) -> Result<Exit> {
        let words = once("wamp").chain(self.path.iter().map(String::as_str));
        // What clap says of `wamp COMMAND --help`, or of a command that is none.
        let said = Cli::command().try_get_matches_from(words.chain(once("--help")));
        if let Err(said) = said
            && (!self.json || said.kind() != ErrorKind::DisplayHelp)
        {
            said.exit();
        }
        let mut root = Cli::command();
        root.build();
        let mut command = &root;
        for word in &self.path {
            command = command.find_subcommand(word).unwrap_or(command);
        }
        let console = Console::new(&ConsoleArgs::default());
        let printer = Printer::new(&OutputArgs::default(), &console);
        printer.text(&describe(command).to_string())?;
        Ok(Exit::Done)
    }
}

/// A command and those below it; what there is nothing to say of is left out.
fn describe(command: &Command) -> Value {
    let arguments = command.get_arguments().filter(|it| !it.is_hide_set());
    let commands = command.get_subcommands().filter(|it| !it.is_hide_set());
    let entries = [
        ("name", json!(command.get_name())),
        ("aliases", command.get_visible_aliases().collect()),
        ("about", text(command.get_about())),
        ("arguments", arguments.map(argument).collect()),
        ("commands", commands.map(describe).collect()),
    ];
    said(entries)
}

fn argument(arg: &Arg) -> Value {
    let takes_value = arg.get_action().takes_values();
    let names = arg.get_value_names().unwrap_or_default();
    let values = arg.get_possible_values();
    let values = values.iter().filter(|_| takes_value);
    let env = arg.get_env().map(|name| name.to_string_lossy());
    let defaults = arg.get_default_values().iter();
    let is_repeatable = matches!(arg.get_action(), ArgAction::Append | ArgAction::Count)
        || arg.get_num_args().is_some_and(|it| it.max_values() > 1);
    let entries = [
        ("name", json!(arg.get_id().as_str())),
        ("long", json!(arg.get_long())),
        ("short", json!(arg.get_short())),
        ("help", text(arg.get_help())),
        (
            "value",
            json!(names.first().filter(|_| takes_value).map(Str::as_str)),
        ),
        ("values", values.map(PossibleValue::get_name).collect()),
        (
            "default",
            defaults
                .filter(|_| takes_value)
                .map(|it| it.to_string_lossy())
                .collect(),
        ),
        ("env", json!(env)),
        ("required", json!(arg.is_required_set().then_some(true))),
        ("repeatable", json!(is_repeatable.then_some(true))),
    ];
    said(entries)
}

fn text(styled: Option<&StyledStr>) -> Value {
    json!(styled.map(ToString::to_string))
}

fn said<const COUNT: usize>(entries: [(&str, Value); COUNT]) -> Value {
    let is_said = |value: &Value| match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        _ => true,
    };
    let entries = entries.into_iter().filter(|(_, value)| is_said(value));
    let entries: Map<String, Value> = entries.map(|(key, it)| (key.to_owned(), it)).collect();
    Value::Object(entries)
}
