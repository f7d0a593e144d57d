//! `wamp init`: a config to begin with.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::Result;

use super::console::{Console, ConsoleArgs, printable};
use super::exit::{Exit, Failure};
use super::printer::{OutputArgs, Printer};
use crate::config::{FILE_NAME, template};
use crate::transport::io_text;

/// Write a commented config, which does what the router does without one
#[derive(Debug, clap::Args)]
pub(super) struct InitArgs {
    /// Where to write it
    #[arg(default_value = FILE_NAME)]
    file: PathBuf,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
    /// Print it, and write no file
    #[arg(long, conflicts_with_all = ["file", "force"])]
    stdout: bool,
}

impl InitArgs {
    pub(super) fn run(self) -> Result<Exit> {
        let console = Console::new(&ConsoleArgs::default());
        if self.stdout {
            let printer = Printer::new(&OutputArgs::default(), &console);
            printer.text(template().trim_end())?;
            return Ok(Exit::Done);
        }
        let name = self.file.display();
        self.write().map_err(|error| {
            let failure = Failure::local(printable(&format!(
                "cannot write {name}: {}",
                io_text(&error)
            )));
            match error.kind() {
                io::ErrorKind::AlreadyExists if self.file.is_dir() => {
                    failure.hint("that is a folder; name a file in it")
                }
                io::ErrorKind::AlreadyExists => {
                    failure.hint("--force writes over it, --stdout prints instead")
                }
                _ => failure,
            }
        })?;
        console.note(&format!(
            "wrote {name}; run it: wamp router --config {name}"
        ));
        Ok(Exit::Done)
    }

    fn write(&self) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true);
        if self.force {
            options.create(true).truncate(true);
        } else {
            options.create_new(true);
        }
        options.open(&self.file)?.write_all(template().as_bytes())
    }
}
