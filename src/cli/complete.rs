//! Completion in shells: `wamp completions`, and what the shell's script asks this program for as somebody types.
//!
//! The script knows nothing; it calls the program with `COMPLETE` set, and clap's engine answers from the one
//! definition of the command line. Names of procedures, topics and contexts are looked up then: a realm is asked for no
//! longer than [`PATIENCE`], and what it said is kept for a while. The only place that knows clap's engine, which is
//! still called unstable.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::{CommandFactory as _, Parser, ValueEnum};
use clap_complete::env::{CompleteEnv, Shells};
use clap_complete::{ArgValueCompleter, CompletionCandidate};
use sha2::{Digest as _, Sha256};

use super::client::{Client, ClientArgs};
use super::console::{Console, ConsoleArgs};
use super::context::Store;
use super::exit::{Exit, Failure};
use super::look::{Kind, Meta};
use super::printer::{OutputArgs, Printer};
use super::{Cli, dirs, runtime};

/// How long a realm is asked; whoever pressed Tab waits.
const PATIENCE: Duration = Duration::from_millis(300);
/// How long its answer is good for.
const FRESH: Duration = Duration::from_secs(5);
/// The variable by which a shell's script asks.
const VARIABLE: &str = "COMPLETE";

/// Print the script that completes wamp in a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
  bash        eval \"$(wamp completions bash)\"         in ~/.bashrc
  zsh         eval \"$(wamp completions zsh)\"          in ~/.zshrc, after compinit
  fish        wamp completions fish | source          in config.fish
  elvish      eval (wamp completions elvish | slurp)  in rc.elv
  powershell  wamp completions powershell | Out-String | Invoke-Expression")]
pub(super) struct CompletionsArgs {
    /// bash, zsh, fish, elvish or powershell
    #[arg(value_enum, hide_possible_values = true)]
    shell: Shell,
    /// For zsh: leave * and ? in our arguments alone, which it takes for files
    #[arg(long)]
    noglob: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    Elvish,
    Powershell,
}

impl CompletionsArgs {
    pub(super) fn run(self) -> Result<Exit> {
        if self.noglob && self.shell != Shell::Zsh {
            return Err(Failure::usage("--noglob is for zsh").into());
        }
        let console = Console::new(&ConsoleArgs::default());
        let mut script = Vec::new();
        let name = self.shell.to_possible_value();
        let name = name.as_ref().map_or("", |name| name.get_name());
        if let Some(shell) = Shells::builtins().completer(name) {
            shell.write_registration(VARIABLE, "wamp", "wamp", "wamp", &mut script)?;
        }
        if self.noglob {
            script.extend_from_slice(b"\nalias wamp='noglob wamp'\n");
        }
        let printer = Printer::new(&OutputArgs::default(), &console);
        printer.text(String::from_utf8_lossy(&script).trim_end())?;
        Ok(Exit::Done)
    }
}

/// Answers a shell's script, if it is that which asks, and ends the process.
pub(super) fn answer_shell() {
    CompleteEnv::with_factory(Cli::command)
        .var(VARIABLE)
        .bin("wamp")
        .completer("wamp")
        .complete();
}

/// Completes what can be called.
pub(super) fn procedures() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| live(Kind::Procedure, typed))
}

/// Completes what is subscribed to.
pub(super) fn topics() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| live(Kind::Topic, typed))
}

/// Completes the names of contexts.
pub(super) fn contexts() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let names = Store::open().and_then(|store| store.names());
        let names = names.unwrap_or_default();
        matching(names.iter().map(|name| name.as_str().to_owned()), typed)
    })
}

fn matching(names: impl Iterator<Item = String>, typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let meant = names.filter(|name| name.starts_with(&*typed));
    meant.map(CompletionCandidate::new).collect()
}

/// The names that a realm has now; nothing where it cannot be asked.
fn live(kind: Kind, typed: &OsStr) -> Vec<CompletionCandidate> {
    let Some(mut asker) = Asker::of_typed(std::env::args_os()) else {
        return Vec::new();
    };
    if asker.client.settle().is_err() {
        return Vec::new();
    }
    let kept = Kept::of(&asker.client, kind);
    let names = kept.fresh().or_else(|| {
        let asked = runtime::one_thread(asker.names(kind)).ok();
        if let Some(names) = &asked {
            kept.keep(names);
        }
        asked
    });
    matching(names.unwrap_or_else(|| kept.names()).into_iter(), typed)
}

/// The connection that the line being typed is about.
#[derive(Debug, Parser)]
struct Asker {
    #[command(flatten)]
    client: ClientArgs,
}

impl Asker {
    /// Takes from the line what says where the router is; the rest may be half typed.
    fn of_typed(words: impl Iterator<Item = OsString>) -> Option<Self> {
        const FLAGS: [&str; 5] = ["-u", "--url", "-R", "--realm", "--context"];
        let mut words = words.skip_while(|word| word != "--").skip(1).peekable();
        let mut found = vec![OsString::from("wamp"), "-qq".into()];
        while let Some(word) = words.next() {
            let text = word.to_string_lossy();
            if FLAGS.contains(&&*text) {
                let value = words.peek().filter(|value| !value.is_empty()).cloned();
                found.extend(
                    value
                        .map(|value| [word.clone(), value])
                        .into_iter()
                        .flatten(),
                );
            } else if FLAGS.iter().any(|flag| {
                flag.starts_with("--")
                    && text
                        .strip_prefix(flag)
                        .is_some_and(|it| it.starts_with('='))
            }) {
                found.push(word.clone());
            }
        }
        Self::try_parse_from(found).ok()
    }

    async fn names(&self, kind: Kind) -> Result<Vec<String>> {
        if !self.client.joins_unattended() {
            return Err(Failure::usage("somebody would be asked for a secret").into());
        }
        let console = self.client.console();
        let mut names = Vec::new();
        let work = async |client: &Client<'_>| {
            names = Meta(client).uris(kind).await?;
            Ok(Exit::Done)
        };
        tokio::time::timeout(PATIENCE, self.client.brief(&console, work)).await??;
        names.sort();
        names.dedup();
        Ok(names)
    }
}

/// What a realm last said, a line each, in a file of the user's caches.
struct Kept(Option<PathBuf>);

impl Kept {
    fn of(client: &ClientArgs, kind: Kind) -> Self {
        let about = format!("{} {} {}", client.place(), client.realm(), kind.name());
        let name = hex::encode(Sha256::digest(about.as_bytes()));
        Self(dirs::cache().map(|cache| cache.join("uris").join(name)))
    }

    fn names(&self) -> Vec<String> {
        let text = self
            .0
            .as_ref()
            .and_then(|file| fs::read_to_string(file).ok());
        text.unwrap_or_default()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    fn fresh(&self) -> Option<Vec<String>> {
        let written = fs::metadata(self.0.as_ref()?).ok()?.modified().ok()?;
        (written.elapsed().ok()? < FRESH).then(|| self.names())
    }

    /// Without a place to keep it, it is asked for again.
    fn keep(&self, names: &[String]) {
        if let Some(file) = &self.0
            && let Some(folder) = file.parent()
            && dirs::make(folder).is_ok()
        {
            // A name with a line end in it is none.
            let lines = names.iter().map(String::as_str);
            let lines: Vec<&str> = lines
                .filter(|name| !name.contains(char::is_control))
                .collect();
            drop(fs::write(file, lines.join("\n")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_being_typed_says_where_to_ask() {
        let of = |words: &[&str]| {
            let words = ["wamp", "--", "wamp"].iter().chain(words);
            let mut asker = Asker::of_typed(words.map(OsString::from)).unwrap();
            asker.client.settle().unwrap();
            (
                asker.client.place().to_owned(),
                asker.client.realm().to_owned(),
            )
        };
        let (place, realm) = of(&["call", "-u", ":9", "--realm=r", "--jq", "su"]);
        assert_eq!(
            (place.as_str(), realm.as_str()),
            ("ws://127.0.0.1:9/ws", "r")
        );
        let (place, _) = of(&["call", "--url", "ws://h/x", "-R"]);
        assert_eq!(place, "ws://h/x");
    }
}
