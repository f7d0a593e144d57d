//! From a file to a config: bytes, text, TOML, settings.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use toml::de::DeTable;

use super::error::{ConfigError, Fault, Located};
use super::section::{Faults, Section};
use super::{Config, settings};

/// bound: the bytes of a config.
const FILE_BYTES_MAX: usize = 1024 * 1024;

impl Config {
    /// Reads a config from a file; paths in it are seen from where it lies.
    ///
    /// # Errors
    /// [`ConfigError`]: with everything that is wrong, as far as it can be told at once.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let file = path.display().to_string();
        let bytes = read(path).map_err(|cause| ConfigError::Unreadable {
            file: file.clone(),
            cause,
        })?;
        if bytes.len() > FILE_BYTES_MAX {
            let max = FILE_BYTES_MAX;
            return Err(ConfigError::TooLarge { file, max });
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let before = error.as_bytes().get(..valid).unwrap_or_default();
            let line = before.split(|&byte| byte == b'\n').count();
            ConfigError::NoText {
                file: file.clone(),
                line,
            }
        })?;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        Self::parse(&text, &file, folder)
    }

    /// Reads a config from text; `file` is what errors call it, and paths in it are seen from `folder`.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn parse(text: &str, file: &str, folder: &Path) -> Result<Self, ConfigError> {
        let root = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(text.len(), |span| span.start);
            let what = error.message().to_owned();
            let name = String::new();
            let located = Located::new(file, text, &Fault { at, name, what });
            ConfigError::Syntax(located.with_excerpt(text, at))
        })?;
        let faults = Faults::default();
        let config = Section::read_root(&root, &faults, |root| settings::config(root, folder));
        let faults = faults.into_inner();
        if faults.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError::faults(faults, file, text))
        }
    }
}

/// Reads one byte more than may be, at most.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = FILE_BYTES_MAX as u64 + 1;
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}
