//! `wamp man`: manual pages, from the one definition of the command line.

use std::path::PathBuf;

use anyhow::Result;
use clap::CommandFactory as _;

use super::Cli;
use super::console::{Console, ConsoleArgs};
use super::dirs;
use super::exit::{Exit, Failure};
use super::printer::write_stdout;

/// Print the manual page, or write all of them into a folder
#[derive(Debug, clap::Args)]
#[command(after_help = "\
  wamp man | man -l -
  wamp man ~/.local/share/man/man1")]
pub(super) struct ManArgs {
    /// Where to write them: wamp.1, and one for each subcommand
    dir: Option<PathBuf>,
}

impl ManArgs {
    pub(super) fn run(self) -> Result<Exit> {
        let Some(dir) = self.dir else {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            write_stdout(&page)?;
            return Ok(Exit::Done);
        };
        let written =
            dirs::make(&dir).and_then(|()| clap_mangen::generate_to(Cli::command(), &dir));
        written.map_err(|error| Failure::io("write to", dir.display(), &error))?;
        let console = Console::new(&ConsoleArgs::default());
        console.note(&format!(
            "wrote the pages; read one: man {}/wamp.1",
            dir.display()
        ));
        Ok(Exit::Done)
    }
}
