//! `wamp ctx`: contexts, from making one to saying where each setting comes from.

use std::process::Command;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::client::ClientArgs;
use super::console::{Console, ConsoleArgs};
use super::context::{Key, Name, Project, Setting, Store};
use super::exit::{Exit, Failure};
use super::printer::{OutputArgs, Printer};
use super::table::titled;
use crate::protocol::{Dict, Value};

/// Shown below the options.
const EXAMPLES: &str = "\
  wamp ctx add prod url=wss://router.example.org/ws realm=com.example \\
      authid=joe secret_command='pass show wamp/joe'
  wamp ctx use prod             from now on, wherever no other is named
  wamp --context prod …         this once; WAMP_CONTEXT does the same
  wamp ctx show --origin        what is in use, and who says so

Settings: url realm serializer timeout authid authrole authmethod ticket
ticket_file ticket_command secret secret_file secret_command key cert tls_key
ca tls_name tls_min insecure. A file .wamp.toml with the same ones, in the
working folder or above it, goes over the selected context; commands, secrets
and whom to trust are taken from it once you have read it and said:
wamp ctx trust.";

/// Give a router's settings a name, and use them by it
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CtxArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a context
    Add {
        /// What to call it
        name: String,
        /// Its settings, such as url=wss://host/ws
        #[arg(value_name = "KEY=VALUE")]
        settings: Vec<String>,
        /// Write over one that is there
        #[arg(long)]
        force: bool,
        /// Select it, too
        #[arg(long = "use")]
        select: bool,
    },
    /// List contexts; * is before the selected one
    Ls {
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Select the context that is used where none is named
    Use {
        /// Which
        #[arg(required_unless_present = "none", add = super::complete::contexts())]
        name: Option<String>,
        /// None
        #[arg(long, conflicts_with = "name")]
        none: bool,
    },
    /// Edit a context with $VISUAL or $EDITOR
    Edit {
        /// Which
        #[arg(add = super::complete::contexts())]
        name: String,
    },
    /// Show a context's settings, or all that are in use
    Show {
        /// Which; all settings in use if not given
        #[arg(add = super::complete::contexts())]
        name: Option<String>,
        /// Say of each setting where it comes from
        #[arg(long)]
        origin: bool,
        #[command(flatten)]
        output: OutputArgs,
        #[command(flatten)]
        client: Box<ClientArgs>,
    },
    /// Remove a context
    Rm {
        /// Which
        #[arg(add = super::complete::contexts())]
        name: String,
    },
    /// Trust the .wamp.toml of this folder, as it is now
    Trust {
        /// Trust it no more
        #[arg(long)]
        revoke: bool,
    },
}

impl CtxArgs {
    pub(super) fn run(self) -> Result<Exit> {
        let console = &Console::new(&ConsoleArgs::default());
        match self.action {
            Action::Add {
                name,
                settings,
                force,
                select,
            } => add(console, &named(&name)?, &settings, force, select)?,
            Action::Ls { output } => list(&Printer::new(&output, console), console)?,
            Action::Use { name, .. } => {
                let name = name.as_deref().map(named).transpose()?;
                select(console, name.as_ref())?;
            }
            Action::Edit { name } => edit(console, &named(&name)?)?,
            Action::Show {
                name,
                origin,
                output,
                client,
            } => {
                let settings = match name {
                    Some(name) => of_context(&named(&name)?)?,
                    None => client.settled()?.settings,
                };
                show(&Printer::new(&output, console), console, &settings, origin)?;
            }
            Action::Rm { name } => {
                let store = Store::open()?;
                let name = named(&name)?;
                store.known(&name)?;
                store.remove(&name)?;
                console.note(&format!("removed {}", name.as_str()));
            }
            Action::Trust { revoke } => trust(console, !revoke)?,
        }
        Ok(Exit::Done)
    }
}

fn named(text: &str) -> Result<Name, Failure> {
    Name::parse(text).map_err(|error| Failure::usage(format!("{text:?}: {error}")))
}

fn add(
    console: &Console,
    name: &Name,
    words: &[String],
    force: bool,
    selects: bool,
) -> Result<(), Failure> {
    let mut settings = Vec::new();
    for word in words {
        let Some((key, value)) = word.split_once('=') else {
            let failure = Failure::usage(format!("{word:?} is no setting"));
            return Err(failure.hint("a setting is written as KEY=VALUE, such as url=ws://host/ws"));
        };
        let Some(key) = Key::named(key) else {
            let failure = Failure::usage(format!("there is no setting {key:?}"));
            return Err(failure.hint("wamp ctx --help lists them"));
        };
        (key.check())(value).map_err(|error| Failure::usage(format!("{}: {error}", key.name())))?;
        if key.is_secret() {
            let name = key.name();
            console.note(&format!(
                "others on this machine can see {name} here; use {name}_file, {name}_command, or wamp ctx edit"
            ));
        }
        settings.push((key, value.to_owned()));
    }
    let store = Store::open()?;
    store.write(name, &settings, force)?;
    console.note(&format!("wrote {}", store.file(name).display()));
    if selects {
        select(console, Some(name))?;
    }
    Ok(())
}

fn select(console: &Console, name: Option<&Name>) -> Result<(), Failure> {
    let store = Store::open()?;
    if let Some(name) = name {
        store.read(name)?;
    }
    store.select(name)?;
    match name {
        Some(name) => console.note(&format!("selected {}", name.as_str())),
        None => console.note("no context is selected"),
    }
    Ok(())
}

fn list(printer: &Printer, console: &Console) -> Result<()> {
    let store = Store::open()?;
    let selected = store.selected();
    let mut rows = Vec::new();
    for name in store.names()? {
        let is_selected = selected.as_ref() == Some(&name);
        let settings = match store.read(&name) {
            Ok(settings) => settings,
            Err(failure) => {
                console.note(&failure.to_string());
                Vec::new()
            }
        };
        let text = |key| {
            let found = settings.iter().find(|(own, _)| *own == key);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let (url, realm, authid) = (text(Key::Url), text(Key::Realm), text(Key::Authid));
        if printer.is_for_people() {
            let mark = if is_selected { "*" } else { "" };
            rows.push(vec![
                mark.to_owned(),
                name.as_str().to_owned(),
                url,
                realm,
                authid,
            ]);
            continue;
        }
        let record = [
            ("name", Value::from(name.as_str())),
            ("selected", is_selected.into()),
            ("url", url.into()),
            ("realm", realm.into()),
            ("authid", authid.into()),
        ];
        printer.value(&Value::Dict(Dict::from_iter(record)))?;
    }
    if !rows.is_empty() {
        let titles = ["", "context", "url", "realm", "authid"];
        printer.text(&titled(&titles, &rows, console.stdout()))?;
    }
    Ok(())
}

fn edit(console: &Console, name: &Name) -> Result<(), Failure> {
    let store = Store::open()?;
    store.known(name)?;
    let file = store.file(name);
    let variable = |name| {
        std::env::var(name)
            .ok()
            .filter(|value: &String| !value.is_empty())
    };
    let editor = variable("VISUAL").or_else(|| variable("EDITOR"));
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    let words = shell_words::split(&editor).unwrap_or_default();
    let Some((program, args)) = words.split_first() else {
        return Err(Failure::usage("$EDITOR names no program"));
    };
    let status = Command::new(program).args(args).arg(&file).status();
    let status = status.map_err(|error| {
        Failure::io("run", format_args!("{program:?}"), &error).hint("EDITOR=nano wamp ctx edit …")
    })?;
    if !status.success() {
        return Err(Failure::local(format!("{program:?} ended with {status}")));
    }
    store.read(name)?;
    console.note(&format!("{} is in order", file.display()));
    Ok(())
}

fn of_context(name: &Name) -> Result<Vec<Setting>, Failure> {
    let store = Store::open()?;
    let origin = store.file(name).display().to_string();
    let settings = store.read(name)?.into_iter().map(|(key, value)| Setting {
        key,
        value,
        origin: origin.clone(),
    });
    Ok(settings.collect())
}

fn show(
    printer: &Printer,
    console: &Console,
    settings: &[Setting],
    with_origin: bool,
) -> Result<()> {
    if printer.is_for_people() {
        let row = |setting: &Setting| {
            let mut row = vec![setting.key.name().to_owned(), setting.shown().to_owned()];
            if with_origin {
                row.push(setting.origin.clone());
            }
            row
        };
        let rows: Vec<Vec<String>> = settings.iter().map(row).collect();
        let titles: &[&str] = if with_origin {
            &["setting", "value", "from"]
        } else {
            &["setting", "value"]
        };
        if rows.is_empty() {
            console.note("nothing is set; the built-in values are in use");
            return Ok(());
        }
        return printer.text(&titled(titles, &rows, console.stdout()));
    }
    for setting in settings {
        let mut record = Dict::from_iter([
            ("key", Value::from(setting.key.name())),
            ("value", setting.shown().into()),
        ]);
        if with_origin {
            record.push("origin", setting.origin.as_str());
        }
        printer.value(&Value::Dict(record))?;
    }
    Ok(())
}

fn trust(console: &Console, is_trusted: bool) -> Result<(), Failure> {
    let Some(project) = Project::find()? else {
        let failure = Failure::local("there is no .wamp.toml here or above");
        return Err(failure.hint("make one in the folder of your project"));
    };
    project.trust(is_trusted)?;
    let file = project.file.display();
    if is_trusted {
        console.note(&format!("{file} is trusted as it is now"));
    } else {
        console.note(&format!("{file} is not trusted"));
    }
    Ok(())
}
