//! The files of contexts, `contexts/NAME.toml` below the settings, and which of them is selected, in the state.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::keys::{KEYS, Key};
use crate::cli::dirs;
use crate::cli::exit::Failure;
use crate::cli::sign_in::read_private;
use crate::config::read_flat;

/// Holds the selected context's name.
const SELECTION: &str = "context";

/// A context's name: letters, digits, `.`, `_` and `-`, so that it can name its file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::cli) struct Name(String);

impl Name {
    pub(in crate::cli) fn parse(text: &str) -> Result<Self, String> {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if text.is_empty() || text.starts_with(['.', '-']) || !text.chars().all(is_allowed) {
            return Err("a name is made of letters, digits, '.', '_' and '-'".to_owned());
        }
        Ok(Self(text.to_owned()))
    }

    pub(in crate::cli) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The settings of a file, as texts.
pub(in crate::cli) type Settings = Vec<(Key, String)>;

/// Where contexts are.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Store {
    contexts: PathBuf,
    selection: Option<PathBuf>,
}

impl Store {
    pub(in crate::cli) fn open() -> Result<Self, Failure> {
        let config = dirs::config().ok_or_else(|| {
            Failure::local("there is no place for contexts: this user has no home")
                .hint("name one with WAMP_CONFIG_DIR")
        })?;
        Ok(Self {
            contexts: config.join("contexts"),
            selection: dirs::state().map(|state| state.join(SELECTION)),
        })
    }

    pub(in crate::cli) fn file(&self, name: &Name) -> PathBuf {
        self.contexts.join(format!("{}.toml", name.as_str()))
    }

    /// All names, sorted; files that are none of ours are left out.
    pub(in crate::cli) fn names(&self) -> Result<Vec<Name>, Failure> {
        let entries = match fs::read_dir(&self.contexts) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Failure::io("read", self.contexts.display(), &error)),
        };
        let name = |entry: io::Result<fs::DirEntry>| {
            let file = entry.ok()?.file_name();
            Name::parse(file.to_str()?.strip_suffix(".toml")?).ok()
        };
        let mut names: Vec<Name> = entries.filter_map(name).collect();
        names.sort();
        Ok(names)
    }

    /// Whether there is such a context, whatever is in it.
    pub(in crate::cli) fn known(&self, name: &Name) -> Result<PathBuf, Failure> {
        let file = self.file(name);
        if file.exists() {
            return Ok(file);
        }
        let message = format!("there is no context {:?}", name.as_str());
        let names = self.names()?;
        let hint = if names.is_empty() {
            format!(
                "make it: wamp ctx add {} url=ws://HOST:PORT/ws",
                name.as_str()
            )
        } else {
            let names: Vec<&str> = names.iter().map(Name::as_str).collect();
            format!("there are {}", names.join(", "))
        };
        Err(Failure::local(message).hint(hint))
    }

    /// The settings of a context.
    ///
    /// # Errors
    /// There is none of that name, others can read it, or it makes no sense: by line and key.
    pub(in crate::cli) fn read(&self, name: &Name) -> Result<Settings, Failure> {
        let file = self.known(name)?;
        let bytes = read_private(&file)?;
        let text = text(bytes, &file)?;
        parse(&text, &file, |_| None)
    }

    /// Writes a context, which only its owner can read.
    pub(in crate::cli) fn write(
        &self,
        name: &Name,
        settings: &Settings,
        over: bool,
    ) -> Result<(), Failure> {
        let file = self.file(name);
        if !over && file.exists() {
            let message = format!("there is a context {:?} already", name.as_str());
            let hint = format!("wamp ctx edit {}", name.as_str());
            return Err(Failure::local(message).hint(hint));
        }
        dirs::make(&self.contexts)
            .map_err(|error| Failure::io("write", self.contexts.display(), &error))?;
        // Written beside and moved over: nobody finds half a file, or one with the rights of the old.
        let beside = file.with_extension("toml.new");
        drop(fs::remove_file(&beside));
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)
            .and_then(|mut opened| opened.write_all(render(settings).as_bytes()))
            .and_then(|()| fs::rename(&beside, &file));
        written.map_err(|error| Failure::io("write", file.display(), &error))
    }

    /// Removes a context; if it was selected, none is.
    pub(in crate::cli) fn remove(&self, name: &Name) -> Result<(), Failure> {
        let file = self.file(name);
        fs::remove_file(&file).map_err(|error| Failure::io("remove", file.display(), &error))?;
        if self.selected().as_ref() == Some(name) {
            self.select(None)?;
        }
        Ok(())
    }

    /// The selected context.
    pub(in crate::cli) fn selected(&self) -> Option<Name> {
        let text = fs::read_to_string(self.selection.as_ref()?).ok()?;
        Name::parse(text.trim()).ok()
    }

    pub(in crate::cli) fn select(&self, name: Option<&Name>) -> Result<(), Failure> {
        let Some(file) = &self.selection else {
            return Err(Failure::local(
                "there is no place to remember it: this user has no home",
            ));
        };
        let done = match name {
            None => fs::remove_file(file).or_else(|error| match error.kind() {
                io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            }),
            Some(name) => file
                .parent()
                .map_or(Ok(()), dirs::make)
                .and_then(|()| fs::write(file, format!("{}\n", name.as_str()))),
        };
        done.map_err(|error| Failure::io("write", file.display(), &error))
    }
}

/// Reads the settings of a text; `refuse` says why a key is not taken.
pub(super) fn parse(
    text: &str,
    file: &Path,
    refuse: impl Fn(&str) -> Option<String>,
) -> Result<Settings, Failure> {
    let keys = KEYS.map(Key::in_file);
    let settings = read_flat(text, &file.display().to_string(), &keys, refuse)
        .map_err(|error| Failure::local(error.to_string()))?;
    let keyed = settings
        .into_iter()
        .filter_map(|(name, value)| Some((Key::named(name)?, value)));
    Ok(keyed.collect())
}

pub(super) fn text(bytes: Vec<u8>, file: &Path) -> Result<String, Failure> {
    String::from_utf8(bytes)
        .map_err(|_| Failure::local(format!("{} is not UTF-8 text", file.display())))
}

/// Settings as a file. A JSON text is a TOML text, too, as no value has control characters.
fn render(settings: &Settings) -> String {
    let line = |(key, value): &(Key, String)| match key {
        Key::Insecure => format!("{} = {value}\n", key.name()),
        _ => format!(
            "{} = {}\n",
            key.name(),
            serde_json::Value::from(value.as_str())
        ),
    };
    settings.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_can_name_files() {
        for name in ["prod", "a.b-c_1"] {
            assert!(Name::parse(name).is_ok(), "{name}");
        }
        for name in ["", ".x", "-x", "a/b", "a b", "..", "ü"] {
            assert!(Name::parse(name).is_err(), "{name}");
        }
    }

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let settings = vec![
            (Key::Url, "ws://h/\"x\"".to_owned()),
            (Key::SecretCommand, "pass show 'ü\\'".to_owned()),
            (Key::Insecure, "true".to_owned()),
        ];
        let read = parse(&render(&settings), Path::new("f"), |_| None).unwrap();
        assert_eq!(read, settings);
    }
}
