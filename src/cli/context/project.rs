//! `.wamp.toml`, a project's own settings, found from the working folder upward.
//!
//! Such a file comes with the project, from whoever wrote that. It may say where the router is; commands, secrets, keys
//! and whom to trust it may say once its user has read it and said so. What is trusted is a file as it is now: changed,
//! it is not trusted any more.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::keys::{About, Key};
use super::store::{self, Settings};
use crate::cli::dirs;
use crate::cli::exit::Failure;

/// The file's name.
pub(in crate::cli) const FILE: &str = ".wamp.toml";
/// What is trusted, a line each: a digest, then the path.
const TRUSTED: &str = "trusted";
/// How long such a file may be, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// A project's file.
#[derive(Debug)]
pub(in crate::cli) struct Project {
    pub(in crate::cli) file: PathBuf,
    bytes: Vec<u8>,
}

impl Project {
    /// The nearest one, from the working folder upward.
    pub(in crate::cli) fn find() -> Result<Option<Self>, Failure> {
        let Ok(folder) = std::env::current_dir() else {
            return Ok(None);
        };
        let file = folder.ancestors().map(|folder| folder.join(FILE));
        let Some(file) = file.into_iter().find(|file| file.is_file()) else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        fs::File::open(&file)
            .and_then(|opened| opened.take(FILE_BYTES_MAX).read_to_end(&mut bytes))
            .map_err(|error| Failure::io("read", file.display(), &error))?;
        Ok(Some(Self { file, bytes }))
    }

    /// Its settings.
    ///
    /// # Errors
    /// It makes no sense, or says what it may not: by line and key.
    pub(in crate::cli) fn settings(&self) -> Result<Settings, Failure> {
        let text = store::text(self.bytes.clone(), &self.file)?;
        let is_trusted = self.is_trusted();
        let refuse = |name: &str| {
            let key = Key::named(name)?;
            let is_harmless = matches!(key.about(), About::Session | About::Identity);
            let why = "this file is not trusted to say that; read it, then: wamp ctx trust";
            (!is_harmless && !is_trusted).then(|| why.to_owned())
        };
        store::parse(&text, &self.file, refuse)
    }

    pub(in crate::cli) fn is_trusted(&self) -> bool {
        trusted().lines().any(|line| line == self.mark())
    }

    /// Trusts it as it is now, or no more.
    pub(in crate::cli) fn trust(&self, is_trusted: bool) -> Result<(), Failure> {
        let Some(state) = dirs::state() else {
            return Err(Failure::local(
                "there is no place to remember it: this user has no home",
            ));
        };
        let path = self.file.display().to_string();
        let of_others = |line: &&str| line.split_once(' ').is_none_or(|(_, file)| file != path);
        let before = trusted();
        let mut lines: Vec<String> = before
            .lines()
            .filter(of_others)
            .map(str::to_owned)
            .collect();
        if is_trusted {
            lines.push(self.mark());
        }
        let file = state.join(TRUSTED);
        dirs::make(&state)
            .and_then(|()| fs::write(&file, lines.join("\n")))
            .map_err(|error| Failure::io("write", file.display(), &error))
    }

    fn mark(&self) -> String {
        let digest = hex::encode(Sha256::digest(&self.bytes));
        format!("{digest} {}", self.file.display())
    }

    pub(in crate::cli) fn folder(&self) -> &Path {
        self.file.parent().unwrap_or_else(|| Path::new(""))
    }
}

fn trusted() -> String {
    let file = dirs::state().map(|state| state.join(TRUSTED));
    file.and_then(|file| fs::read_to_string(file).ok())
        .unwrap_or_default()
}
