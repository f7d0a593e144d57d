//! From files to a config: bytes, text, TOML, settings, and the users files that the settings name.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use toml::de::DeTable;

use super::error::{ConfigError, FAULTS_TOLD_MAX, Fault, Located};
use super::principals::{self, Stamp, Users};
use super::section::{Faults, Section};
use super::{Config, RealmConfig, settings};
use crate::auth::Principal;

/// bound: the bytes of a config, and of a users file.
const FILE_BYTES_MAX: usize = 1024 * 1024;
/// What others have of a file's mode when they can read it.
const OTHERS_READ: u32 = 0o004;

impl Config {
    /// Reads a config from a file, with its users files; paths in it are seen from where it lies.
    ///
    /// # Errors
    /// [`ConfigError`]: with everything that is wrong, as far as it can be told at once.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let file = path.display().to_string();
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        let mut config = Self::parse(&text_of(path)?, &file, folder)?;
        let has_secrets = |realm: &RealmConfig| principals::has_secrets(&realm.principals);
        let has_secrets = config.realms.iter().any(has_secrets);
        let of_config = has_secrets.then_some(path).into_iter();
        let of_users = config.realms.iter().filter_map(|it| it.users.as_ref());
        let exposed = of_config.chain(of_users.map(|it| &*it.file));
        config.exposed = exposed
            .filter(|it| is_for_all(it))
            .map(Into::into)
            .collect();
        Ok(config)
    }

    /// Reads a config from text; `file` is what errors call it, and paths in it are seen from `folder`.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn parse(text: &str, file: &str, folder: &Path) -> Result<Self, ConfigError> {
        let (mut config, mut wrong) =
            read(text, file, |root| settings::config(root, folder)).map_err(ConfigError::Syntax)?;
        for realm in &mut config.realms {
            if let Some(users) = &mut realm.users {
                match Users::load(&users.file, &realm.principals) {
                    Ok(loaded) => *users = loaded,
                    Err(error) => wrong.extend(error.into_located()),
                }
            }
        }
        settled(config, wrong)
    }
}

impl Users {
    /// Reads a users file; `others` are those who may sign in to its realm anyway.
    ///
    /// # Errors
    /// As for [`Config::load`].
    pub fn load(file: &Path, others: &[Principal]) -> Result<Self, ConfigError> {
        // order: before it is read, so that what changes meanwhile is noticed.
        let stamp = Stamp::of(file);
        let text = text_of(file)?;
        let name = file.display().to_string();
        // Without the line itself: what is in it may be a secret.
        let (principals, wrong) = read(&text, &name, |root| {
            let principals = principals::principals(root, others);
            // Nobody is `principals = []`: a file that somebody has just begun to write is empty, too.
            root.need("principals", principals).unwrap_or_default()
        })
        .map_err(ConfigError::Syntax)?;
        let users = Self {
            file: file.to_owned(),
            principals,
            stamp,
        };
        settled(users, wrong)
    }
}

/// Reads TOML with `read`: what it says, and what is wrong with that.
///
/// # Errors
/// Where it is no TOML.
pub(super) fn read<T>(
    text: &str,
    file: &str,
    read: impl FnOnce(&mut Section<'_>) -> T,
) -> Result<(T, Vec<Located>), Located> {
    let root = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(text.len(), |span| span.start);
        let what = error.message().to_owned();
        let name = String::new();
        Located::new(file, text, &Fault { at, name, what }).with_excerpt(text, at)
    })?;
    let faults = Faults::default();
    let value = Section::read_root(&root, &faults, read);
    let mut faults = faults.into_inner();
    faults.sort_by_key(|fault| fault.at);
    let located = faults.iter().map(|fault| Located::new(file, text, fault));
    Ok((value, located.collect()))
}

pub(super) fn settled<T>(value: T, mut wrong: Vec<Located>) -> Result<T, ConfigError> {
    let count = wrong.len();
    if count == 0 {
        return Ok(value);
    }
    wrong.truncate(FAULTS_TOLD_MAX);
    Err(ConfigError::Faults {
        first: wrong,
        count,
    })
}

/// The text of a file, which is no larger than such files are.
pub(super) fn text_of(path: &Path) -> Result<String, ConfigError> {
    let file = path.display().to_string();
    let bytes = match bytes_of(path) {
        Ok(bytes) => bytes,
        Err(cause) => return Err(ConfigError::Unreadable { file, cause }),
    };
    if bytes.len() > FILE_BYTES_MAX {
        let max = FILE_BYTES_MAX;
        return Err(ConfigError::TooLarge { file, max });
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = error.as_bytes().get(..valid).unwrap_or_default();
        let line = before.split(|&byte| byte == b'\n').count();
        ConfigError::NoText { file, line }
    })
}

/// Reads one byte more than may be, at most.
fn bytes_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = FILE_BYTES_MAX as u64 + 1;
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn is_for_all(path: &Path) -> bool {
    let mode = path.metadata().map(|found| found.permissions().mode());
    mode.is_ok_and(|mode| mode & OTHERS_READ != 0)
}
